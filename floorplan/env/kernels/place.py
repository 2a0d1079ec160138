"""Putting a macro down: the boxes and routes of its nets, and the partial cost after it."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from floorplan.cost.kernels.congestion import add_route, append_cells, finish_maps
from floorplan.cost.kernels.topk import top_sum

__all__ = ["congestion_cost", "density_cost", "extend_boxes", "extend_routes"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]


@njit(cache=True)
def extend_boxes(
    begin: int, end: int, pair_net: I32, pair_box: F64, net_weight: F64, x: float, y: float, net_box: F64
) -> float:
    """Grow the boxes of a macro's nets (pairs begin..end) by its pins, now that it stands at (x, y).

    Returns:
        by how much the weighted wirelength grew, um.
    """
    grown = 0.0
    for p in range(begin, end):
        e = pair_net[p]
        x0, x1, y0, y1 = net_box[e, 0], net_box[e, 1], net_box[e, 2], net_box[e, 3]
        before = (x1 - x0) + (y1 - y0) if x1 >= x0 else 0.0
        x0, x1 = min(x0, x + pair_box[p, 0]), max(x1, x + pair_box[p, 1])
        y0, y1 = min(y0, y + pair_box[p, 2]), max(y1, y + pair_box[p, 3])
        net_box[e, 0] = x0
        net_box[e, 1] = x1
        net_box[e, 2] = y0
        net_box[e, 3] = y1
        grown += net_weight[e] * ((x1 - x0) + (y1 - y0) - before)
    return grown


@njit(cache=True)
def _gather(
    source: int, cell: I32, c0: int, c1: int, term_cell: I32, t0: int, t1: int, tag: int, stamp: I32, cells: I32
) -> int:
    """Write the distinct cells of a net to `cells`, the source's first, and return their number.

    cell[c0:c1] are those of pins that always stand, term_cell[t0:t1] those of pins on movable macros (-1: not placed).
    """
    cells[0] = source
    stamp[source] = tag
    n: int = append_cells(c0, c1, cell, tag, stamp, cells, 1)
    n = append_cells(t0, t1, term_cell, tag, stamp, cells, n)
    return n


@njit(cache=True)
def extend_routes(
    m: int,
    begin: int,
    end: int,
    pair_net: I32,
    net_demand: F64,
    net_source: I32,
    cell_ptr: I32,
    cell: I32,
    term_ptr: I32,
    term_macro: I32,
    term_dx: F64,
    term_dy: F64,
    x: float,
    y: float,
    gw: float,
    gh: float,
    tag: int,
    term_cell: I32,
    stamp: I32,
    cells: I32,
    hd: F64,
    vd: F64,
) -> int:
    """Route the nets of macro m (pairs begin..end) anew, now that it stands at (x, y).

    `tag` is the last one used in stamp (R * C,); the last one used here is returned.
    """
    rows, columns = hd.shape[0], vd.shape[1]
    for p in range(begin, end):
        e = pair_net[p]
        t0, t1, c0, c1 = term_ptr[e], term_ptr[e + 1], cell_ptr[e], cell_ptr[e + 1]
        source = net_source[e] if net_source[e] >= 0 else term_cell[-1 - net_source[e]]
        routed = source >= 0
        tag += 1
        old = _gather(source, cell, c0, c1, term_cell, t0, t1, tag, stamp, cells) if routed else 0
        n = old
        for t in range(t0, t1):
            if term_macro[t] != m:
                continue
            c = min(max(math.floor((x + term_dx[t]) / gw), 0), columns - 1)
            r = min(max(math.floor((y + term_dy[t]) / gh), 0), rows - 1)
            k = r * columns + c
            term_cell[t] = k
            if routed and stamp[k] != tag:
                stamp[k] = tag
                cells[n] = k
                n += 1
        q = net_demand[e]
        if not routed:
            source = net_source[e] if net_source[e] >= 0 else term_cell[-1 - net_source[e]]
            if source >= 0:
                tag += 1
                n = _gather(source, cell, c0, c1, term_cell, t0, t1, tag, stamp, cells)
                add_route(cells, n, columns, q, hd, vd)
        elif n > old > 3:
            # A star stays a star and only gets new arms. cells[1] is lent to each of them in turn.
            for i in range(old, n):
                cells[1] = cells[i]
                add_route(cells, 2, columns, q, hd, vd)
        elif n > old:
            add_route(cells, old, columns, -q, hd, vd)
            add_route(cells, n, columns, q, hd, vd)
    return tag


@njit(cache=True)
def _top(values: F64, n: int, k: int, hint: float) -> tuple[float, float]:
    """Return the sum of the k largest of values[:n], and the k-th largest.

    `hint` is where the k-th largest is expected: one sweep brings what is above it to the front, so that with a good
    hint the selection works on little more than k values.
    """
    above = 0
    for i in range(n):
        value = values[i]
        if value >= hint:
            values[i] = values[above]
            values[above] = value
            above += 1
    total = top_sum(values, above if above >= k else n, k)
    least = values[0]
    for i in range(1, k):
        least = min(least, values[i])
    return total, least


@njit(cache=True)
def congestion_cost(
    hd: F64,
    vd: F64,
    h_scale: float,
    v_scale: float,
    smooth: int,
    hmac: F64,
    vmac: F64,
    top_share: float,
    hint: float,
    values: F64,
    h: F64,
    v: F64,
) -> tuple[float, float]:
    """Write the congestion maps h, v (R, C), and return the congestion cost and the least value counted in it."""
    rows, columns = h.shape
    n = rows * columns
    finish_maps(hd, vd, h_scale, v_scale, smooth, h, v)
    largest = -np.inf
    i = 0
    for r in range(rows):
        for c in range(columns):
            h[r, c] += hmac[r, c]
            v[r, c] += vmac[r, c]
            values[i] = v[r, c]
            values[n + i] = h[r, c]
            i += 1
            largest = max(largest, max(h[r, c], v[r, c]))
    k = math.floor(top_share * 2 * n)
    if k == 0:
        return largest, largest
    total, least = _top(values, 2 * n, k, hint)
    return total / k, least


@njit(cache=True)
def density_cost(density: F64, top_share: float, hint: float, values: F64) -> tuple[float, float]:
    """Return the density cost and the least density counted in it."""
    rows, columns = density.shape
    n = rows * columns
    total, filled, i = 0.0, 0, 0
    for r in range(rows):
        for c in range(columns):
            values[i] = density[r, c]
            i += 1
            if n < 10 and density[r, c] > 0:
                total += density[r, c]
                filled += 1
    if n < 10:
        return (0.5 * total / filled if filled else 0.0), 0.0
    k = max(math.floor(top_share * n), 1)
    total, least = _top(values, n, k, hint)
    return 0.5 * total / k, least
