"""One move at a time: the exact change of every part of the cost, kept or taken back.

A single node that moves is looked at without touching what is stored (`change_wirelength`, `change_density`,
`change_load`); `settle` then stores it. Several nodes that move together are settled one after the other, and settled
back where the whole is refused.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from floorplan.cost.kernels.congestion import add_macro_blockage
from floorplan.cost.kernels.density import density_cost
from floorplan.cost.kernels.reroute import change_many, change_one, change_two, smooth_demand
from floorplan.cost.kernels.topk import top_sum_near

__all__ = [
    "CONGESTION",
    "DENSITY",
    "WIRELENGTH",
    "MoveState",
    "cell_number",
    "change_block",
    "change_density",
    "change_load",
    "change_wirelength",
    "congestion_now",
    "density_now",
    "restore_density",
    "settle",
    "settle_all",
]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

WIRELENGTH, DENSITY, CONGESTION = 0, 1, 2

FEW_CELLS = 10
"""Below this the density cost is a mean over the cells in use."""
_DENSITY_AT, _DENSITY_GAP, _LOAD_AT, _LOAD_GAP = 3, 4, 5, 6


class MoveState(NamedTuple):
    """What moves change, and room to work in.

    Attributes:
        x: (N,) centres, um.
        y: (N,) likewise.
        orient: (N,) uint8 of Orient.
        total: (8,) weighted wirelength in um, density and congestion cost, then what the searches for the thresholds of
            the two means start from.
        inc_box: (I, 4) least and greatest x and y of each incidence's terminals, um.
        net_box: (E, 8) of each net, um: least and second least x of its incidences, greatest and second greatest, then
            the same in y.
        term_cell: (T,) cell number of each terminal.
        density: (R * C,).
        load: (2 * R * C,) congestion, V by columns, then H by rows.
        trial: (2 * R * C,) the load after the move in hand.
        trial_h: (R, C) the H part of the trial load, the same memory.
        trial_v: (C, R) its V part, likewise.
        raw: (2 * R * C,) change of demand before it is smoothed, zero between moves.
        new_cell: (T,) cells of the terminals in hand.
        mark: by cell number.
        used: (2,) next unused mark, entries of the density log.
        cells: (T_max + 1,) distinct cells of a net.
        cover: (R * C,) nodes on each cell, kept for grids of fewer than ten cells only.
        log_cell: density cells changed by the move in hand.
        log_was: what they held.
        values: (2 * R * C,) scratch.
    """

    x: F64
    y: F64
    orient: npt.NDArray[np.uint8]
    total: F64
    inc_box: F64
    net_box: F64
    term_cell: I32
    density: F64
    load: F64
    trial: F64
    trial_h: F64
    trial_v: F64
    raw: F64
    new_cell: I32
    mark: I64
    used: I64
    cells: I64
    cover: I32
    log_cell: I32
    log_was: F64
    values: F64


@njit(cache=True, inline="always")
def cell_number(x: float, y: float, gw: float, gh: float, rows: int, cols: int, bits: int) -> int:
    """Return the number (row << bits | column) of the cell of a point, clamped to the grid."""
    c = min(max(math.floor(x / gw), 0), cols - 1)
    r = min(max(math.floor(y / gh), 0), rows - 1)
    return (r << bits) | c


@njit(cache=True)
def change_wirelength(i, x, y, o, tables, state):  # type: ignore[no-untyped-def]  # numba infers; tables: MoveTables, state: MoveState
    """Return the change of weighted wirelength (um) were node i at (x, y) in orientation o."""
    own, weight, box = tables.own_inc, tables.own_weight, state.net_box
    term_dx, term_dy, m = tables.term_dx, tables.term_dy, tables.matrix
    x_was, y_was, o_was = state.x[i], state.y[i], state.orient[i]
    change = 0.0
    if tables.node_kind[i] != 0:
        for p in range(tables.node_ptr[i], tables.node_ptr[i + 1]):
            e = own[p, 1]
            b0, b2, b4, b6 = box[e, 0], box[e, 2], box[e, 4], box[e, 6]
            # What the others span, then the span with the node where it would be.
            x0 = min(x, box[e, 1] if x_was == b0 else b0)
            x1 = max(x, box[e, 3] if x_was == b2 else b2)
            y0 = min(y, box[e, 5] if y_was == b4 else b4)
            y1 = max(y, box[e, 7] if y_was == b6 else b6)
            change += weight[p, 0] * ((x1 - x0) + (y1 - y0) - (b2 - b0) - (b6 - b4))
        return change
    for p in range(tables.node_ptr[i], tables.node_ptr[i + 1]):
        e = own[p, 1]
        x0, x1, y0, y1 = np.inf, -np.inf, np.inf, -np.inf
        u0, u1, v0, v1 = np.inf, -np.inf, np.inf, -np.inf
        for t in range(own[p, 2], own[p, 3]):
            a, b = term_dx[t], term_dy[t]
            dx, dy = m[o, 0] * a + m[o, 1] * b, m[o, 2] * a + m[o, 3] * b
            x0, x1 = min(x0, x + dx), max(x1, x + dx)
            y0, y1 = min(y0, y + dy), max(y1, y + dy)
            dx, dy = m[o_was, 0] * a + m[o_was, 1] * b, m[o_was, 2] * a + m[o_was, 3] * b
            u0, u1 = min(u0, x_was + dx), max(u1, x_was + dx)
            v0, v1 = min(v0, y_was + dy), max(v1, y_was + dy)
        b0, b2, b4, b6 = box[e, 0], box[e, 2], box[e, 4], box[e, 6]
        x0 = min(x0, box[e, 1] if u0 == b0 else b0)
        x1 = max(x1, box[e, 3] if u1 == b2 else b2)
        y0 = min(y0, box[e, 5] if v0 == b4 else b4)
        y1 = max(y1, box[e, 7] if v1 == b6 else b6)
        change += weight[p, 0] * ((x1 - x0) + (y1 - y0) - (b2 - b0) - (b6 - b4))
    return change


@njit(cache=True)
def _add_area(x, y, w, h, sign, tables, state, logged):  # type: ignore[no-untyped-def]  # numba infers
    """Add a rectangle's share of each cell to the density, noting what the cells held; return the log's new length."""
    gw, gh, per_um2, rows, cols = tables.scale[0], tables.scale[1], tables.scale[7], tables.shape[0], tables.shape[1]
    density, log_cell, log_was = state.density, state.log_cell, state.log_was
    few = rows * cols < FEW_CELLS
    x0, x1, y0, y1 = x - w / 2, x + w / 2, y - h / 2, y + h / 2
    c0, c1 = max(math.floor(x0 / gw), 0), min(math.floor(x1 / gw), cols - 1)
    r0, r1 = max(math.floor(y0 / gh), 0), min(math.floor(y1 / gh), rows - 1)
    for r in range(r0, r1 + 1):
        oy = min(y1, (r + 1) * gh) - max(y0, r * gh)
        if oy <= 0:
            continue
        for c in range(c0, c1 + 1):
            ox = min(x1, (c + 1) * gw) - max(x0, c * gw)
            if ox > 0:
                at = r * cols + c
                log_cell[logged] = at
                log_was[logged] = density[at]
                logged += 1
                density[at] += sign * per_um2 * ox * oy
                if few:
                    # Empty cells count there, and rounding must not make one look used.
                    state.cover[at] += 1 if sign > 0 else -1
                    if state.cover[at] == 0:
                        density[at] = 0.0
    return logged


@njit(cache=True)
def density_now(tables, state):  # type: ignore[no-untyped-def]  # numba infers
    """Return the density cost of the map as it stands."""
    cells = tables.shape[0] * tables.shape[1]
    if cells < FEW_CELLS:
        return density_cost(state.density, 1.0, state.values)
    k = tables.shape[4]
    total, state.total[_DENSITY_AT], state.total[_DENSITY_GAP] = top_sum_near(
        state.density, cells, k, state.total[_DENSITY_AT], state.total[_DENSITY_GAP]
    )
    return 0.5 * total / k


@njit(cache=True)
def change_density(i, x, y, o, tables, state):  # type: ignore[no-untyped-def]  # numba infers
    """Move node i's area in the density map; `restore_density` takes it back."""
    if tables.node_kind[i] == 2:
        return
    w, h = tables.node_w[i], tables.node_h[i]
    turned = state.orient[i] >= 4
    log = _add_area(state.x[i], state.y[i], h if turned else w, w if turned else h, -1.0, tables, state, state.used[1])
    state.used[1] = _add_area(x, y, h if o >= 4 else w, w if o >= 4 else h, 1.0, tables, state, log)


@njit(cache=True)
def restore_density(state):  # type: ignore[no-untyped-def]  # numba infers
    """Take back all that `change_density` did since the log was last cleared, to the last bit."""
    few = len(state.density) < FEW_CELLS
    for n in range(state.used[1] - 1, -1, -1):
        at = state.log_cell[n]
        if few:
            # The log tells no sign, but each entry changed the count by one towards what the density did.
            state.cover[at] += 1 if state.log_was[n] > state.density[at] else -1
        state.density[at] = state.log_was[n]
    state.used[1] = 0


@njit(cache=True)
def _add_block(x, y, w, h, sign, tables, state):  # type: ignore[no-untyped-def]  # numba infers
    """Add the tracks that a hard macro takes to the trial load, or with sign -1 give them back."""
    s = tables.scale
    add_macro_blockage(x, y, w, h, s[0], s[1], sign * s[4], sign * s[5], state.trial_h, state.trial_v.T)


@njit(cache=True)
def change_load(i, x, y, o, tables, state):  # type: ignore[no-untyped-def]  # numba infers
    """Move the routes of node i's nets in the trial load (or in `raw`, to be smoothed); return whether that was needed.

    Before the first node of a move the trial load is to be a copy of the load.
    """
    s, shape = tables.scale, tables.shape
    gw, gh, rows, cols, bits = s[0], s[1], shape[0], shape[1], shape[2]
    own, weight, m = tables.own_inc, tables.own_weight, tables.matrix
    term_cell, new_cell, mark, cells = state.term_cell, state.new_cell, state.mark, state.cells
    out = state.trial if shape[3] == 0 else state.raw
    tag = state.used[0]
    begin, end = tables.node_ptr[i], tables.node_ptr[i + 1]
    hard = tables.node_kind[i] == 0
    after = cell_number(x, y, gw, gh, rows, cols, bits)
    # The terminals of a soft macro sit at its centre, all in one cell.
    if not hard and (begin == end or term_cell[own[begin, 2]] == after):
        return False
    for p in range(begin, end):
        first, last, qh, qv = own[p, 2], own[p, 3], weight[p, 1] * s[2], weight[p, 1] * s[3]
        if last - first > 1:
            changed = False
            for t in range(first, last):
                a, b = tables.term_dx[t], tables.term_dy[t]
                px, py = x + (m[o, 0] * a + m[o, 1] * b), y + (m[o, 2] * a + m[o, 3] * b)
                new_cell[t] = cell_number(px, py, gw, gh, rows, cols, bits)
                changed |= new_cell[t] != term_cell[t]
            if changed:
                change_many(
                    own[p, 4], own[p, 5], first, last, own[p, 6], qh, qv, rows, cols, bits,
                    term_cell, new_cell, mark, tag, cells, out,
                )  # fmt: skip
                tag += 2
            continue
        if hard:
            a, b = tables.term_dx[first], tables.term_dy[first]
            px, py = x + (m[o, 0] * a + m[o, 1] * b), y + (m[o, 2] * a + m[o, 3] * b)
            after = cell_number(px, py, gw, gh, rows, cols, bits)
            if after == term_cell[first]:
                continue
        if own[p, 7]:
            there = term_cell[own[p, 4] + own[p, 5] - 1 - first]
            change_two(there, term_cell[first], after, first == own[p, 6], qh, qv, rows, cols, bits, out)
        else:
            change_one(
                own[p, 4], own[p, 5], first, after, own[p, 6], qh, qv, rows, cols, bits,
                term_cell, mark, tag, cells, out,
            )  # fmt: skip
            tag += 1
    state.used[0] = tag
    return True


@njit(cache=True)
def change_block(i, x, y, o, tables, state, sign):  # type: ignore[no-untyped-def]  # numba infers
    """Move what hard macro i blocks in the trial load from where it is stored to (x, y); back where sign is -1."""
    w, h = tables.node_w[i], tables.node_h[i]
    turned = state.orient[i] >= 4
    _add_block(state.x[i], state.y[i], h if turned else w, w if turned else h, -sign, tables, state)
    _add_block(x, y, h if o >= 4 else w, w if o >= 4 else h, sign, tables, state)


@njit(cache=True)
def congestion_now(tables, state):  # type: ignore[no-untyped-def]  # numba infers
    """Return the congestion cost of the trial load, once what was noted in `raw` is smoothed into it."""
    rows, cols, s, k = tables.shape[0], tables.shape[1], tables.shape[3], tables.shape[5]
    if s > 0:
        smooth_demand(state.raw, rows, cols, s, state.trial)
    if k == 0:
        return state.trial.max()
    total, state.total[_LOAD_AT], state.total[_LOAD_GAP] = top_sum_near(
        state.trial, len(state.trial), k, state.total[_LOAD_AT], state.total[_LOAD_GAP]
    )
    return total / k


@njit(cache=True)
def _span(e, tables, state):  # type: ignore[no-untyped-def]  # numba infers
    """Store the extremes of a net's incidences."""
    inc, box = state.inc_box, state.net_box
    x0, x00, x1, x11 = np.inf, np.inf, -np.inf, -np.inf
    y0, y00, y1, y11 = np.inf, np.inf, -np.inf, -np.inf
    for k in range(tables.net_inc_ptr[e], tables.net_inc_ptr[e + 1]):
        a, b, c, d = inc[k, 0], inc[k, 1], inc[k, 2], inc[k, 3]
        x00, x0 = min(x00, max(x0, a)), min(x0, a)
        x11, x1 = max(x11, min(x1, b)), max(x1, b)
        y00, y0 = min(y00, max(y0, c)), min(y0, c)
        y11, y1 = max(y11, min(y1, d)), max(y1, d)
    box[e, 0], box[e, 1], box[e, 2], box[e, 3] = x0, x00, x1, x11
    box[e, 4], box[e, 5], box[e, 6], box[e, 7] = y0, y00, y1, y11


@njit(cache=True)
def settle(i, x, y, o, tables, state, spans):  # type: ignore[no-untyped-def]  # numba infers
    """Store node i at (x, y) in orientation o: its pins' positions and cells and (if `spans`) its nets' extremes."""
    s, shape = tables.scale, tables.shape
    own, m, inc, box = tables.own_inc, tables.matrix, state.inc_box, state.net_box
    hard = tables.node_kind[i] == 0
    cell = cell_number(x, y, s[0], s[1], shape[0], shape[1], shape[2])
    x_was, y_was = state.x[i], state.y[i]
    state.x[i], state.y[i], state.orient[i] = x, y, o
    for p in range(tables.node_ptr[i], tables.node_ptr[i + 1]):
        k, e = own[p, 0], own[p, 1]
        if not hard:
            inc[k, 0], inc[k, 1], inc[k, 2], inc[k, 3] = x, x, y, y
            state.term_cell[own[p, 2]] = cell
            # Neither among the two outermost before nor now: the net's extremes stay.
            inside = min(x, x_was) > box[e, 1] and max(x, x_was) < box[e, 3]
            if spans and not (inside and min(y, y_was) > box[e, 5] and max(y, y_was) < box[e, 7]):
                _span(e, tables, state)
            continue
        x0, x1, y0, y1 = np.inf, -np.inf, np.inf, -np.inf
        for t in range(own[p, 2], own[p, 3]):
            a, b = tables.term_dx[t], tables.term_dy[t]
            px, py = x + (m[o, 0] * a + m[o, 1] * b), y + (m[o, 2] * a + m[o, 3] * b)
            x0, x1, y0, y1 = min(x0, px), max(x1, px), min(y0, py), max(y1, py)
            state.term_cell[t] = cell_number(px, py, s[0], s[1], shape[0], shape[1], shape[2])
        inc[k, 0], inc[k, 1], inc[k, 2], inc[k, 3] = x0, x1, y0, y1
        if spans:
            _span(e, tables, state)


@njit(cache=True)
def settle_all(tables, state):  # type: ignore[no-untyped-def]  # numba infers
    """Compute everything from the positions alone, as rounding adds up over millions of moves."""
    s, shape = tables.scale, tables.shape
    rows, cols, bits = shape[0], shape[1], shape[2]
    state.density[:] = 0.0
    state.cover[:] = 0
    state.trial[:] = 0.0
    state.raw[:] = 0.0
    out = state.trial if shape[3] == 0 else state.raw
    state.mark[:] = -1
    state.used[0] = 0
    state.used[1] = 0
    for i in range(len(state.x)):
        settle(i, state.x[i], state.y[i], state.orient[i], tables, state, False)
        if tables.node_kind[i] == 2:
            continue
        w, h = tables.node_w[i], tables.node_h[i]
        if state.orient[i] >= 4:
            w, h = h, w
        _add_area(state.x[i], state.y[i], w, h, 1.0, tables, state, 0)
    wirelength = 0.0
    box = state.net_box
    state.new_cell[:] = state.term_cell
    for e in range(len(tables.net_weight)):
        _span(e, tables, state)
        wirelength += tables.net_weight[e] * ((box[e, 2] - box[e, 0]) + (box[e, 6] - box[e, 4]))
        # From one cell, which needs no route, to where the terminals are.
        begin, end = tables.inc_term_ptr[tables.net_inc_ptr[e]], tables.inc_term_ptr[tables.net_inc_ptr[e + 1]]
        state.term_cell[begin:end] = 0
        change_many(
            begin, end, begin, end, tables.net_source[e], tables.net_demand[e] * s[2], tables.net_demand[e] * s[3],
            rows, cols, bits, state.term_cell, state.new_cell, state.mark, 2 * e, state.cells, out,
        )  # fmt: skip
        state.term_cell[begin:end] = state.new_cell[begin:end]
    state.used[0] = 2 * len(tables.net_weight)
    for i in range(len(state.x)):
        if tables.node_kind[i] == 0:
            w, h = tables.node_w[i], tables.node_h[i]
            if state.orient[i] >= 4:
                w, h = h, w
            _add_block(state.x[i], state.y[i], w, h, 1.0, tables, state)
    state.total[WIRELENGTH] = wirelength
    state.total[DENSITY] = density_now(tables, state)
    state.total[CONGESTION] = congestion_now(tables, state)
    state.load[:] = state.trial
