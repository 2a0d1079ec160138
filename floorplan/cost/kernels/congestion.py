"""Routing demand of nets, smoothing, and the tracks that hard macros take.

Demand is added as differences: a run of cells costs two additions however long it is, and one prefix sum at the end
turns differences into demand. `hd` (R, C + 1) holds differences along columns, `vd` (R + 1, C) along rows.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from floorplan.cost.kernels.topk import top_sum

__all__ = [
    "add_macro_blockage",
    "add_route",
    "append_cells",
    "congestion_cost",
    "finish_maps",
    "net_cells",
    "route_nets",
    "terminal_cells",
]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
U8 = npt.NDArray[np.uint8]
BOOL = npt.NDArray[np.bool_]


@njit(cache=True)
def terminal_cells(tx: F64, ty: F64, gw: float, gh: float, rows: int, cols: int, cell: I32) -> None:
    """Write the cell (row * cols + col, clamped to the grid) of every terminal; -1 where it is not placed."""
    for t in range(len(tx)):
        if math.isnan(tx[t]):
            cell[t] = -1
            continue
        c = min(max(math.floor(tx[t] / gw), 0), cols - 1)
        r = min(max(math.floor(ty[t] / gh), 0), rows - 1)
        cell[t] = r * cols + c


@njit(cache=True, inline="always")
def _row(cell: int, cols: int) -> np.int64:
    # Unsigned 32-bit division costs a third of Python's signed floor division, and this is the hottest line.
    return np.int64(np.uint32(cell) // np.uint32(cols))


@njit(cache=True, inline="always")
def _add_h(hd: F64, row: int, col_a: int, col_b: int, q: float) -> None:
    if col_a > col_b:
        col_a, col_b = col_b, col_a
    hd[row, col_a] += q
    hd[row, col_b] -= q


@njit(cache=True, inline="always")
def _add_v(vd: F64, col: int, row_a: int, row_b: int, q: float) -> None:
    if row_a > row_b:
        row_a, row_b = row_b, row_a
    vd[row_a, col] += q
    vd[row_b, col] -= q


@njit(cache=True)
def _route_three(cells: I32, cols: int, q: float, hd: F64, vd: F64) -> None:
    """Route a net of three distinct cells by the four cases of the cost's definition."""
    # By (row, column), which is the order of the cell numbers.
    a, b, c = cells[0], cells[1], cells[2]
    if a > b:
        a, b = b, a
    if b > c:
        b, c = c, b
    if a > b:
        a, b = b, a
    ra, rb, rc = _row(a, cols), _row(b, cols), _row(c, cols)
    ca, cb, cc = a - ra * cols, b - rb * cols, c - rc * cols
    # By (column, row): the rows rise already, so only columns decide, and ties keep the order.
    r1, c1, r2, c2, r3, c3 = ra, ca, rb, cb, rc, cc
    if c1 > c2:
        r1, c1, r2, c2 = r2, c2, r1, c1
    if c2 > c3:
        r2, c2, r3, c3 = r3, c3, r2, c2
    if c1 > c2 or (c1 == c2 and r1 > r2):
        r1, c1, r2, c2 = r2, c2, r1, c1
    if c2 == c3 and r2 > r3:
        r2, c2, r3, c3 = r3, c3, r2, c2
    if c1 < c2 and c2 < c3 and min(r1, r3) < r2 and r2 < max(r1, r3):
        _add_h(hd, r1, c1, c2, q)
        _add_h(hd, r2, c2, c3, q)
        _add_v(vd, c2, r1, r2, q)
        _add_v(vd, c3, r2, r3, q)
    elif c2 == c3 and c1 < c2 and r1 < min(r2, r3):
        _add_h(hd, r1, c1, c2, q)
        _add_v(vd, c2, r1, max(r2, r3), q)
    elif r2 == r3:
        _add_h(hd, r1, c1, c2, q)
        _add_h(hd, r2, c2, c3, q)
        _add_v(vd, c2, r1, r2, q)
    else:
        _add_h(hd, rb, min(ca, min(cb, cc)), max(ca, max(cb, cc)), q)
        _add_v(vd, ca, ra, rb, q)
        _add_v(vd, cc, rb, rc, q)


@njit(cache=True)
def append_cells(begin: int, end: int, term_cell: I32, tag: int, stamp: I32, cells: I32, n: int) -> int:
    """Append to cells[:n] those of term_cell[begin:end] that stand and carry no `tag` in stamp; return the new n."""
    for t in range(begin, end):
        k = term_cell[t]
        if k >= 0 and stamp[k] != tag:
            stamp[k] = tag
            cells[n] = k
            n += 1
    return n


@njit(cache=True)
def net_cells(begin: int, end: int, term_cell: I32, tag: int, stamp: I32, cells: I32) -> int:
    """Write the distinct cells of a net to `cells`, its source's first, and return their number.

    0 if the source is not placed. stamp (R * C,) must not hold `tag` yet; cells has R * C places.
    """
    source = term_cell[begin]
    if source < 0:
        return 0
    cells[0] = source
    stamp[source] = tag
    n: int = append_cells(begin + 1, end, term_cell, tag, stamp, cells, 1)
    return n


@njit(cache=True)
def add_route(cells: I32, n: int, cols: int, q: float, hd: F64, vd: F64) -> None:
    """Add (or with -q remove) the demand of a net whose n distinct cells are given, source first."""
    if n < 2:
        return
    if n == 3:
        _route_three(cells, cols, q, hd, vd)
        return
    r0 = _row(cells[0], cols)
    c0 = cells[0] - r0 * cols
    for i in range(1, n):
        r = _row(cells[i], cols)
        c = cells[i] - r * cols
        _add_h(hd, r0, c0, c, q)
        _add_v(vd, c, r0, r, q)


@njit(cache=True)
def route_nets(
    net_ptr: I32, net_demand: F64, term_cell: I32, cols: int, stamp: I32, cells: I32, hd: F64, vd: F64
) -> None:
    """Write the demand differences of all nets to hd, vd."""
    hd[:] = 0.0
    vd[:] = 0.0
    stamp[:] = -1
    for e in range(len(net_demand)):
        begin, end = net_ptr[e], net_ptr[e + 1]
        if end - begin == 2:
            a, b = term_cell[begin], term_cell[begin + 1]
            if a >= 0 and b >= 0 and a != b:
                ra, rb = _row(a, cols), _row(b, cols)
                col = b - rb * cols
                _add_h(hd, ra, a - ra * cols, col, net_demand[e])
                _add_v(vd, col, ra, rb, net_demand[e])
            continue
        n = net_cells(begin, end, term_cell, e, stamp, cells)
        add_route(cells, n, cols, net_demand[e], hd, vd)


@njit(cache=True)
def finish_maps(hd: F64, vd: F64, h_scale: float, v_scale: float, s: int, H: F64, V: F64) -> None:
    """Turn demand differences into normalised, smoothed demand H, V (R, C).

    h_scale = 1 / (cell height * h tracks), v_scale = 1 / (cell width * v tracks); s = smoothing range in cells.
    """
    rows, cols = H.shape
    if s > 0:
        H[:] = 0.0
        V[:] = 0.0
    for r in range(rows):
        run = 0.0
        for c in range(cols):
            run += hd[r, c]
            if s == 0:
                H[r, c] = run * h_scale
            else:
                lo, hi = max(r - s, 0), min(r + s, rows - 1)
                share = run * h_scale / (hi - lo + 1)
                for i in range(lo, hi + 1):
                    H[i, c] += share
    for c in range(cols):
        run = 0.0
        for r in range(rows):
            run += vd[r, c]
            if s == 0:
                V[r, c] = run * v_scale
            else:
                lo, hi = max(c - s, 0), min(c + s, cols - 1)
                share = run * v_scale / (hi - lo + 1)
                for i in range(lo, hi + 1):
                    V[r, i] += share


@njit(cache=True)
def add_macro_blockage(
    x: float, y: float, w: float, h: float, gw: float, gh: float, h_share: float, v_share: float, H: F64, V: F64
) -> None:
    """Add the tracks that one hard macro takes; h_share = mh / (h * cell height), v_share = mv / (v * cell width)."""
    rows, cols = H.shape
    x0, x1, y0, y1 = x - w / 2, x + w / 2, y - h / 2, y + h / 2
    c0, c1 = max(math.floor(x0 / gw), 0), min(math.floor(x1 / gw), cols - 1)
    r0, r1 = max(math.floor(y0 / gh), 0), min(math.floor(y1 / gh), rows - 1)
    if c1 < c0 or r1 < r0:
        return
    # An overlap without area counts as none in both directions, as in the definition.
    bottom = max(min(y1, (r0 + 1) * gh) - max(y0, r0 * gh), 0.0)
    top = max(min(y1, (r1 + 1) * gh) - max(y0, r1 * gh), 0.0)
    left = max(min(x1, (c0 + 1) * gw) - max(x0, c0 * gw), 0.0)
    right = max(min(x1, (c1 + 1) * gw) - max(x0, c1 * gw), 0.0)
    partial_v = r1 > r0 and (abs(bottom - gh) > 1e-5 or abs(top - gh) > 1e-5 or left <= 0 or right <= 0)
    partial_h = c1 > c0 and (abs(left - gw) > 1e-5 or abs(right - gw) > 1e-5 or bottom <= 0 or top <= 0)
    for r in range(r0, r1 + 1):
        oy = min(y1, (r + 1) * gh) - max(y0, r * gh)
        if oy <= 0:
            continue
        for c in range(c0, c1 + 1):
            ox = min(x1, (c + 1) * gw) - max(x0, c * gw)
            if ox <= 0:
                continue
            if not (partial_v and r == r1):
                V[r, c] += ox * v_share
            if not (partial_h and c == c1):
                H[r, c] += oy * h_share


@njit(cache=True)
def congestion_cost(H: F64, V: F64, top_share: float, scratch: F64) -> float:
    """Return the mean of the fullest cells of V and H together; scratch has at least 2 * R * C places."""
    n = H.size
    flat_h, flat_v = H.ravel(), V.ravel()
    largest = -np.inf
    for i in range(n):
        scratch[i] = flat_v[i]
        scratch[n + i] = flat_h[i]
        largest = max(largest, max(flat_v[i], flat_h[i]))
    k = math.floor(top_share * 2 * n)
    return top_sum(scratch, 2 * n, k) / k if k else largest
