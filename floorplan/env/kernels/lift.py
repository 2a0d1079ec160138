"""Taking one macro out of a complete placement: what is left, and where it could go.

Nothing is laid out per placement: pins and cells of the macro's own nets come from the positions, and the demand of
all other routes is copied. So a lifted state depends on the placement and the macro alone, not on what came before.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from floorplan.cost.arrays import CostArrays
from floorplan.cost.kernels.congestion import add_macro_blockage, add_route, net_cells
from floorplan.cost.kernels.density import add_area, density_map
from floorplan.env.arrays import State, Static
from floorplan.env.kernels.change import wirelength_change
from floorplan.env.kernels.confine import WIDTH, confined_mask, turned_side, write_stander
from floorplan.env.kernels.mask import legal_mask
from floorplan.env.lifting import Complete

__all__ = ["IDLE", "LIFT", "MOVE", "SHOW", "lift_macros"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]

IDLE, LIFT, SHOW, MOVE = 0, 1, 2, 3
"""What `lift_macros` does with an environment, after a move where there is one: nothing at all, lift a macro, write the
complete placement, or the move alone."""


@njit(cache=True)
def _add_routes(
    i: int, xi: float, yi: float, sign: float, term_node: I32, term_dx: F64, term_dy: F64, net_ptr: I32,
    net_demand: F64, nets: I32, x: F64, y: F64, orient: U8, matrix: F64, gw: float, gh: float, local: I32, stamp: I32,
    cells: I32, hd: F64, vd: F64,
) -> None:  # fmt: skip
    """Add sign * (demand of node i's nets with it at (xi, yi), less their demand without it) to hd, vd."""
    rows, columns = hd.shape[0], vd.shape[1]
    stamp[:] = 0
    tag = 0
    for e in nets:
        first, n = net_ptr[e], net_ptr[e + 1] - net_ptr[e]
        for k in range(n):
            j = term_node[first + k]
            dx, dy, o = term_dx[first + k], term_dy[first + k], orient[j]
            # The cost's own arithmetic, so that a pin on a grid line lands in the cell it has there.
            tx = (xi if j == i else x[j]) + (dx if o == 0 else matrix[o, 0] * dx + matrix[o, 1] * dy)
            ty = (yi if j == i else y[j]) + (dy if o == 0 else matrix[o, 2] * dx + matrix[o, 3] * dy)
            c = min(max(math.floor(tx / gw), 0), columns - 1)
            r = min(max(math.floor(ty / gh), 0), rows - 1)
            local[k] = r * columns + c
        # With the node, then without it.
        for q in (sign * net_demand[e], -sign * net_demand[e]):
            tag += 1
            add_route(cells, net_cells(0, n, local, tag, stamp, cells), columns, q, hd, vd)
            for k in range(n):
                if term_node[first + k] == i:
                    local[k] = -1


@njit(cache=True)
def _boxes(
    i: int, term_node: I32, term_dx: F64, term_dy: F64, net_ptr: I32, net_weight: F64, nets: I32, x: F64, y: F64,
    orient: U8, matrix: F64, own: F64, others: F64, weight: F64,
) -> float:  # fmt: skip
    """Write the boxes of node i's nets: of its pins' offsets to own, of all other pins to others, (P, 4) both.

    Returns:
        the weighted wirelength that goes with node i, um.
    """
    gone = 0.0
    for n, e in enumerate(nets):
        own[n, 0] = own[n, 2] = others[n, 0] = others[n, 2] = np.inf
        own[n, 1] = own[n, 3] = others[n, 1] = others[n, 3] = -np.inf
        for t in range(net_ptr[e], net_ptr[e + 1]):
            j = term_node[t]
            dx, dy, o = term_dx[t], term_dy[t], orient[j]
            px = dx if o == 0 else matrix[o, 0] * dx + matrix[o, 1] * dy
            py = dy if o == 0 else matrix[o, 2] * dx + matrix[o, 3] * dy
            box = own[n]
            if j != i:
                box = others[n]
                px += x[j]
                py += y[j]
            box[0], box[1], box[2], box[3] = min(box[0], px), max(box[1], px), min(box[2], py), max(box[3], py)
        u, v = own[n], others[n]
        weight[n] = net_weight[e]
        span = (max(v[1], x[i] + u[1]) - min(v[0], x[i] + u[0])) + (max(v[3], y[i] + u[3]) - min(v[2], y[i] + u[2]))
        gone += weight[n] * (span - ((v[1] - v[0]) + (v[3] - v[2]) if v[1] >= v[0] else 0.0))
    return gone


@njit(cache=True)
def _obstacles(
    i: int, hard: I32, node_w: F64, node_h: F64, x: F64, y: F64, orient: U8, gap: float, blockage: F64, out: F64
) -> int:
    """Write what node i must keep clear of to out (n, 5), as in `Static.obstacle`; return n."""
    n = 0
    for j in hard:
        if j == i:
            continue
        w, h = (node_h[j], node_w[j]) if orient[j] >= 4 else (node_w[j], node_h[j])
        out[n, 0], out[n, 1], out[n, 2], out[n, 3] = x[j] - w / 2, y[j] - h / 2, x[j] + w / 2, y[j] + h / 2
        out[n, 4] = gap
        n += 1
    for k in range(len(blockage)):
        for column in range(5):
            out[n, column] = blockage[k, column]
        n += 1
    return n


@njit(cache=True)
def _hard_maps(
    lifted: int, hard: I32, node_w: F64, node_h: F64, x: F64, y: F64, orient: U8, gw: float, gh: float,
    h_share: float, v_share: float, area: F64, hmac: F64, vmac: F64,
) -> None:  # fmt: skip
    """Write area of hard macros and the tracks they take, (R, C) each, without the one lifted."""
    area[:] = 0.0
    hmac[:] = 0.0
    vmac[:] = 0.0
    for j in hard:
        if j == lifted:
            continue
        w, h = (node_h[j], node_w[j]) if orient[j] >= 4 else (node_w[j], node_h[j])
        add_area(x[j], y[j], w, h, gw, gh, 1.0 / (gw * gh), area)
        add_macro_blockage(x[j], y[j], w, h, gw, gh, h_share, v_share, hmac, vmac)


@njit(cache=True)
def _confined(st: Static, s: State, f: Complete, b: int, i: int, k: int, count: int, w: float, h: float) -> int:
    """Write the mask of environment b for node i, which more binds than one spacing; return the legal cells.

    k is as in `spot`; the first `count` of `f.obstacle` are set, the hard macros but node i first.
    """
    halos = st.rules.node_halo
    stand = np.empty((count, WIDTH))
    n = 0
    for j in f.hard:
        if j == i:
            continue
        o, turn, own = f.obstacle[b, n], f.orient[b, j], halos[j]
        write_stander(
            stand[n], o[0], o[1], o[2], o[3], o[4], turned_side(own, turn, 0), turned_side(own, turn, 1),
            turned_side(own, turn, 2), turned_side(own, turn, 3), 1.0,
        )  # fmt: skip
        n += 1
    for q in range(n, count):
        o = f.obstacle[b, q]
        write_stander(stand[q], o[0], o[1], o[2], o[3], o[4], 0.0, 0.0, 0.0, 0.0, 0.0)
    turn, own = f.orient[b, i], halos[i]
    legal: int = confined_mask(
        st.rules, k, w, h, turned_side(own, turn, 0), turned_side(own, turn, 1), turned_side(own, turn, 2),
        turned_side(own, turn, 3), st.gw, st.gh, stand, s.scratch[b, 0], s.scratch[b, 1], s.masks[b],
    )  # fmt: skip
    return legal


@njit(cache=True, nogil=True)
def lift_macros(
    st: Static, s: State, f: Complete, a: CostArrays, matrix: F64, todo: U8, choice: I32, begin: int, end: int
) -> None:
    """Take the next macro of environments begin..end - 1 out of their placements, as `todo` (B,) says.

    First the macro in hand goes where `f.move` says, if it says so. Then the first of choice (B, K) that finds a legal
    cell is lifted, or the very first where none does; -1 ends a list. `advance` then shows it (`LIFTED`). Touches
    nothing of other environments.
    """
    gw, gh = st.gw, st.gh
    for b in range(begin, end):
        if todo[b] == IDLE:
            continue
        x, y, orient = f.x[b], f.y[b], f.orient[b]
        local, stamp, cells = f.local[b], s.stamp[b], s.cells[b]
        if not math.isnan(f.move[b, 0]):
            i = np.int64(f.movable[s.current[b]])
            nets = a.node_net[a.node_net_ptr[i] : a.node_net_ptr[i + 1]]
            for sign in (-1.0, 1.0):
                if sign > 0:
                    x[i], y[i] = f.move[b, 0], f.move[b, 1]
                _add_routes(
                    i, x[i], y[i], sign, a.term_node, a.term_dx, a.term_dy, a.net_ptr, a.net_demand, nets, x, y,
                    orient, matrix, gw, gh, local, stamp, cells, f.hd[b], f.vd[b],
                )  # fmt: skip
            f.wl_um[b] = f.move[b, 2]
            f.move[b, 0] = np.nan
        if todo[b] == MOVE:
            continue

        # Macros count as obstacles, which may stand anywhere, so none counts as standing on a cell.
        s.placed[b] = False
        lifted, legal = np.int64(-1), 0
        if todo[b] == LIFT:
            for k in range(choice.shape[1]):
                if k > 0 and (legal > 0 or choice[b, k] < 0):
                    break
                j = np.int64(f.movable[choice[b, k]])
                w, h = (a.node_h[j], a.node_w[j]) if orient[j] >= 4 else (a.node_w[j], a.node_h[j])
                n = _obstacles(j, f.hard, a.node_w, a.node_h, x, y, orient, st.gap, f.blockage, f.obstacle[b])
                if st.rules.on:
                    legal = _confined(st, s, f, b, j, 2 * choice[b, k] + (1 if orient[j] >= 4 else 0), n, w, h)
                else:
                    legal = legal_mask(
                        w, h, gw, gh, st.edge, st.gap, st.macro_w, st.macro_h, s.placed[b], s.cell[b],
                        f.obstacle[b, :n], s.diff[b], s.masks[b],
                    )  # fmt: skip
                if k == 0 or legal > 0:
                    lifted = j
                    s.current[b] = choice[b, k]
        s.legal_count[b] = legal
        j = np.int64(f.movable[s.current[b]])
        s.size[b, 0], s.size[b, 1] = (a.node_h[j], a.node_w[j]) if orient[j] >= 4 else (a.node_w[j], a.node_h[j])

        # Copied number by number: an assignment of whole arrays takes seconds to compile.
        for r in range(st.rows):
            for c in range(st.columns + 1):
                s.hd[b, r, c] = f.hd[b, r, c]
        for r in range(st.rows + 1):
            for c in range(st.columns):
                s.vd[b, r, c] = f.vd[b, r, c]
        s.wl_um[b] = f.wl_um[b]
        if lifted >= 0:
            nets = a.node_net[a.node_net_ptr[lifted] : a.node_net_ptr[lifted + 1]]
            own, others, weight = f.own_box[b, : len(nets)], f.other_box[b, : len(nets)], f.weight[b]
            s.wl_um[b] -= _boxes(
                lifted, a.term_node, a.term_dx, a.term_dy, a.net_ptr, a.net_weight, nets, x, y, orient, matrix, own,
                others, weight,
            )  # fmt: skip
            _add_routes(
                lifted, x[lifted], y[lifted], -1.0, a.term_node, a.term_dx, a.term_dy, a.net_ptr, a.net_demand, nets,
                x, y, orient, matrix, gw, gh, local, stamp, cells, s.hd[b], s.vd[b],
            )  # fmt: skip
            run, column = s.line[b, : st.columns], s.line[b, st.columns : st.columns + st.rows]
            wirelength_change(
                0, len(nets), f.counting, own, weight, others, gw, gh, run, column, s.wl_change_um[b]
            )  # fmt: skip

        f.stands[b] = True
        if lifted >= 0:
            f.stands[b, lifted] = False
        density_map(a.node_kind, a.node_w, a.node_h, x, y, orient, f.stands[b], gw, gh, s.density[b])
        _hard_maps(
            lifted, f.hard, a.node_w, a.node_h, x, y, orient, gw, gh, st.h_share, st.v_share, s.hard[b], s.hmac[b],
            s.vmac[b],
        )  # fmt: skip
        for m in range(len(f.movable)):
            j = f.movable[m]
            here = j != lifted
            s.placed[b, m] = here
            s.x[b, m] = x[j] if here else 0.0
            s.y[b, m] = y[j] if here else 0.0
            s.pos[b, m, 0] = min(max(x[j] / st.width, 0.0), 1.0) if here else 0.0
            s.pos[b, m, 1] = min(max(y[j] / st.height, 0.0), 1.0) if here else 0.0
            c = min(max(math.floor(x[j] / gw), 0), st.columns - 1)
            r = min(max(math.floor(y[j] / gh), 0), st.rows - 1)
            s.cell[b, m] = r * st.columns + c if here else 0
        s.step[b] = len(f.movable) - (1 if lifted >= 0 else 0)
        s.area_left[b] = s.size[b, 0] * s.size[b, 1] if lifted >= 0 else 0.0
        s.area_hard[b] = st.start_area_um2 + st.macro_area_um2 - s.area_left[b]
        # No hint from the state before, so that equal states give equal bits.
        s.threshold[b] = -np.inf
