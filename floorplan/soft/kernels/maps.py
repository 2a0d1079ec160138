"""Per-cell maps that the refinement works on: demand, congestion, prices, and the levels they are judged by."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from floorplan.cost.kernels.congestion import add_route
from floorplan.cost.kernels.topk import top_sum

__all__ = [
    "congestion_maps",
    "fill_level",
    "hinge",
    "inside",
    "kth_largest",
    "locate",
    "ramp",
    "route_net",
    "update_prices",
]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]


@njit(cache=True)
def inside(value: float, size: float, span: float) -> float:
    """Return the centre nearest to value with which the macro stays on the canvas; the middle if it is too large."""
    if size >= span:
        return span / 2
    return min(max(value, size / 2), span - size / 2)


@njit(cache=True)
def locate(value: float, step: float, count: int) -> int:
    """Return the row or column of a coordinate, clamped to the grid."""
    return min(max(math.floor(value / step), 0), count - 1)


@njit(cache=True)
def ramp(value: float, t: float, width: float) -> float:
    """Return the slope of `hinge`: 0 below t - width, 1 above t + width."""
    return min(max((value - t) / (2.0 * width) + 0.5, 0.0), 1.0)


@njit(cache=True)
def hinge(value: float, t: float, width: float) -> float:
    """Return max(value - t, 0), made smooth within width of t."""
    z = value - t + width
    if z <= 0.0:
        return 0.0
    if z >= 2.0 * width:
        return value - t
    return z * z / (4.0 * width)


@njit(cache=True)
def route_net(
    points: I32, begin: int, end: int, row: I32, col: I32, tag: int, q: float, stamp: I32, cells: I32, hd: F64, vd: F64
) -> None:
    """Add the demand of the net over points[begin:end], the source first, to hd (R, C + 1) and vd (R + 1, C).

    stamp (R * C,) must not hold `tag` yet.
    """
    cols = vd.shape[1]
    source = points[begin]
    r0, c0 = row[source], col[source]
    if end - begin == 2:
        p = points[begin + 1]
        r, c = row[p], col[p]
        hd[r0, min(c0, c)] += q
        hd[r0, max(c0, c)] -= q
        vd[min(r0, r), c] += q
        vd[max(r0, r), c] -= q
        return
    n = 0
    for i in range(begin, end):
        p = points[i]
        k = row[p] * cols + col[p]
        if stamp[k] != tag:
            stamp[k] = tag
            cells[n] = k
            n += 1
    if n == 3:
        add_route(cells, n, cols, q, hd, vd)
        return
    # Again in any order but for the source: taking the stamps back tells which point stood for its cell.
    stamp[r0 * cols + c0] = -1
    for i in range(begin + 1, end):
        p = points[i]
        r, c = row[p], col[p]
        k = r * cols + c
        if stamp[k] == tag:
            stamp[k] = -1
            hd[r0, min(c0, c)] += q
            hd[r0, max(c0, c)] -= q
            vd[min(r0, r), c] += q
            vd[max(r0, r), c] -= q


@njit(cache=True)
def congestion_maps(
    hd: F64, vd: F64, h_scale: float, v_scale: float, s: int, block_h: F64, block_v: F64, H: F64, V: F64
) -> None:
    """Write the H and V congestion (R, C): the demand of the differences, smoothed over s cells, plus the blockage."""
    rows, cols = H.shape
    if s == 0:
        for r in range(rows):
            run = 0.0
            for c in range(cols):
                run += hd[r, c]
                H[r, c] = block_h[r, c] + run * h_scale
        for c in range(cols):
            V[0, c] = vd[0, c]
        for r in range(1, rows):
            for c in range(cols):
                V[r, c] = V[r - 1, c] + vd[r, c]
        for r in range(rows):
            for c in range(cols):
                V[r, c] = block_v[r, c] + V[r, c] * v_scale
        return
    H[:] = block_h
    V[:] = block_v
    for r in range(rows):
        lo, hi = max(r - s, 0), min(r + s, rows - 1)
        run = 0.0
        for c in range(cols):
            run += hd[r, c]
            share = run * h_scale / (hi - lo + 1)
            for i in range(lo, hi + 1):
                H[i, c] += share
    for c in range(cols):
        lo, hi = max(c - s, 0), min(c + s, cols - 1)
        run = 0.0
        for r in range(rows):
            run += vd[r, c]
            share = run * v_scale / (hi - lo + 1)
            for i in range(lo, hi + 1):
                V[r, i] += share


@njit(cache=True)
def update_prices(
    H: F64, V: F64, t: float, width: float, h_coef: float, v_coef: float, s: int, ph: F64, pht: F64, pv: F64, pvt: F64
) -> None:
    """Turn congestion maps into prefix sums of the price of one track over each cell.

    The price is coef * ramp(congestion), averaged over the cells that the track's demand is smoothed over. ph (R,
    C + 1) sums that of horizontal tracks along columns, pv (R + 1, C) that of vertical ones along rows; pht (C + 1, R)
    and pvt (C, R + 1) are their transposes, so that the loops over candidates run along memory.
    """
    rows, cols = H.shape
    for r in range(rows):
        lo, hi = max(r - s, 0), min(r + s, rows - 1)
        run = 0.0
        ph[r, 0] = 0.0
        pht[0, r] = 0.0
        for c in range(cols):
            p = 0.0
            for i in range(lo, hi + 1):
                p += ramp(H[i, c], t, width)
            run += p * (h_coef / (hi - lo + 1))
            ph[r, c + 1] = run
            pht[c + 1, r] = run
    for c in range(cols):
        pv[0, c] = 0.0
        pvt[c, 0] = 0.0
    for r in range(rows):
        for c in range(cols):
            lo, hi = max(c - s, 0), min(c + s, cols - 1)
            p = 0.0
            for i in range(lo, hi + 1):
                p += ramp(V[r, i], t, width)
            run = pv[r, c] + p * (v_coef / (hi - lo + 1))
            pv[r + 1, c] = run
            pvt[c, r + 1] = run


@njit(cache=True)
def kth_largest(values: F64, n: int, k: int, scratch: F64) -> float:
    """Return the k-th largest (k >= 1) of values[:n]; scratch has at least n places."""
    for i in range(n):
        scratch[i] = values[i]
    top_sum(scratch, n, k)
    out: float = scratch[0]
    for i in range(1, k):
        out = min(out, scratch[i])
    return out


@njit(cache=True)
def fill_level(dens: F64, area: float) -> float:
    """Return the level to which `area` (in cells) poured over dens (n,) rises: sum(max(level - dens, 0)) = area."""
    lo, hi = 0.0, area
    for i in range(len(dens)):
        hi = max(hi, dens[i] + area)
    # 2 ** -40 of the range is below any area that matters.
    for _ in range(40):
        mid = 0.5 * (lo + hi)
        total = 0.0
        for i in range(len(dens)):
            total += max(mid - dens[i], 0.0)
        if total < area:
            lo = mid
        else:
            hi = mid
    return hi
