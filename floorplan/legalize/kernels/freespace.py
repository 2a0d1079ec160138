"""Free space as its maximal empty rectangles, and macros put into it one by one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["cut", "fill", "fill_ground"]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]

EPS = 1e-9


@njit(cache=True)
def _holds(free: F64, outer: int, inner: int) -> bool:
    """Say whether row `outer` covers row `inner`."""
    return bool(
        free[outer, 0] <= free[inner, 0]
        and free[outer, 1] <= free[inner, 1]
        and free[outer, 2] >= free[inner, 2]
        and free[outer, 3] >= free[inner, 3]
    )


@njit(cache=True)
def cut(free: F64, count: int, x0: float, y0: float, x1: float, y1: float) -> int:
    """Take the rectangle away from the `count` maximal empty rectangles in free (F, 4); return how many there are now.

    Each row is x0, y0, x1, y1. Returns -1 where F rows do not hold them.
    """
    kept = 0
    end = count
    # New pieces go behind the old ones, those untouched move to the front.
    for k in range(count):
        a0, b0, a1, b1 = free[k, 0], free[k, 1], free[k, 2], free[k, 3]
        if x0 >= a1 - EPS or x1 <= a0 + EPS or y0 >= b1 - EPS or y1 <= b0 + EPS:
            free[kept, 0], free[kept, 1], free[kept, 2], free[kept, 3] = a0, b0, a1, b1
            kept += 1
            continue
        if end + 4 > len(free):
            return -1
        if x0 > a0 + EPS:
            free[end, 0], free[end, 1], free[end, 2], free[end, 3] = a0, b0, x0, b1
            end += 1
        if x1 < a1 - EPS:
            free[end, 0], free[end, 1], free[end, 2], free[end, 3] = x1, b0, a1, b1
            end += 1
        if y0 > b0 + EPS:
            free[end, 0], free[end, 1], free[end, 2], free[end, 3] = a0, b0, a1, y0
            end += 1
        if y1 < b1 - EPS:
            free[end, 0], free[end, 1], free[end, 2], free[end, 3] = a0, y1, a1, b1
            end += 1
    # A piece goes unless it is maximal: held neither by one that stays nor, strictly, by one still to be looked at.
    for k in range(count, end):
        inside = False
        for q in range(kept):
            if _holds(free, q, k):
                inside = True
                break
        if not inside:
            for q in range(k + 1, end):
                if _holds(free, q, k) and not _holds(free, k, q):
                    inside = True
                    break
        if not inside:
            free[kept, 0], free[kept, 1], free[kept, 2], free[kept, 3] = free[k, 0], free[k, 1], free[k, 2], free[k, 3]
            kept += 1
    return kept


@njit(cache=True)
def fill(
    order: I64,
    size: F64,
    target: F64,
    weight: F64,
    free: F64,
    count: int,
    at: F64,
    left_out: U8,
) -> int:
    """Put macros, in order, where their score is least; return how many found a place.

    size, target, at: (2, n); at receives the centres; left_out (n,) becomes 1 for macros without a place, else 0. free
    (F, 4) begins with `count` maximal empty rectangles and is used up. weight (4,) is what counts: distance |dx| + |dy|
    to the target; the shorter leftover of the empty rectangle; y; x. Where only distance counts, a macro goes to the
    nearest free spot, else to a corner.
    """
    nowhere = np.empty((0, 4))
    placed: int = fill_ground(
        order, size, target, weight, free, count, at, left_out, np.empty(0, np.int32), nowhere, np.zeros(2), nowhere
    )
    return placed


@njit(cache=True)
def _up(x: float, phase: float, pitch: float) -> float:
    """Return the least number on a grid that is not below x, to 1e-7 um."""
    return phase + np.ceil((x - phase - 1e-7) / pitch) * pitch if pitch > 0.0 else x


@njit(cache=True)
def _down(x: float, phase: float, pitch: float) -> float:
    """Return the greatest number on a grid that is not above x, to 1e-7 um."""
    return phase + np.floor((x - phase + 1e-7) / pitch) * pitch if pitch > 0.0 else x


@njit(cache=True)
def _near(x: float, low: float, high: float, phase: float, pitch: float) -> float:
    """Return the number from low to high, both on the grid, that is nearest to x and on the grid."""
    x = min(max(x, low), high)
    return phase + np.round((x - phase) / pitch) * pitch if pitch > 0.0 else x


@njit(cache=True)
def fill_ground(
    order: I64,
    size: F64,
    target: F64,
    weight: F64,
    free: F64,
    count: int,
    at: F64,
    left_out: U8,
    ptr: npt.NDArray[np.int32],
    rect: F64,
    pitch: F64,
    phase: F64,
) -> int:
    """Do what `fill` does with macros each of which has ground of its own; see `floorplan.legalize.ground.Ground`.

    An empty ptr (else (n + 1,)) means that all stand anywhere.
    """
    nearest = weight[1] == 0.0 and weight[2] == 0.0 and weight[3] == 0.0
    bound = len(ptr) > 0
    placed = 0
    for p in range(len(order)):
        i = order[p]
        w, h = size[0, i], size[1, i]
        best = np.inf
        bx, by = 0.0, 0.0
        tx, ty = target[0, i], target[1, i]
        first, last = (int(ptr[i]), int(ptr[i + 1])) if bound else (0, 1)
        for k in range(count):
            spare_x = free[k, 2] - free[k, 0] - w
            spare_y = free[k, 3] - free[k, 1] - h
            if spare_x < -EPS or spare_y < -EPS:
                continue
            for r in range(first, last):
                lx, hx = free[k, 0] + w / 2, free[k, 2] - w / 2
                ly, hy = free[k, 1] + h / 2, free[k, 3] - h / 2
                if bound:
                    lx = _up(max(lx, rect[r, 0]), phase[0, i], pitch[0])
                    ly = _up(max(ly, rect[r, 1]), phase[1, i], pitch[1])
                    hx = _down(min(hx, rect[r, 2]), phase[0, i], pitch[0])
                    hy = _down(min(hy, rect[r, 3]), phase[1, i], pitch[1])
                    if lx > hx + EPS or ly > hy + EPS:
                        continue
                if nearest:
                    if bound:
                        x = _near(tx, lx, hx, phase[0, i], pitch[0])
                        y = _near(ty, ly, hy, phase[1, i], pitch[1])
                    else:
                        x, y = min(max(tx, lx), hx), min(max(ty, ly), hy)
                    score = weight[0] * (abs(x - tx) + abs(y - ty))
                    if score < best:
                        best, bx, by = score, x, y
                    continue
                for c in range(4):
                    x = lx if c % 2 == 0 else hx
                    y = ly if c < 2 else hy
                    score = (
                        weight[0] * (abs(x - tx) + abs(y - ty))
                        + weight[1] * min(spare_x, spare_y)
                        + weight[2] * y
                        + weight[3] * x
                    )
                    if score < best:
                        best, bx, by = score, x, y
        left_out[i] = best == np.inf
        if best == np.inf:
            continue
        placed += 1
        at[0, i], at[1, i] = bx, by
        count = cut(free, count, bx - w / 2, by - h / 2, bx + w / 2, by + h / 2)
        if count < 0:
            # No more is known of what is free: the rest stays out.
            for q in range(p + 1, len(order)):
                left_out[order[q]] = 1
            return placed
    return placed
