"""Taking a few macros out of a legal placement and putting them back nearer to where they are wanted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from floorplan.legalize.kernels.freespace import cut, fill_ground

__all__ = ["reinsert"]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]


@njit(cache=True)
def reinsert(
    draws: F64,
    weight: F64,
    size: F64,
    target: F64,
    wanted: F64,
    base: F64,
    base_count: int,
    free: F64,
    at: F64,
    trial: F64,
    chosen: I64,
    distance: F64,
    left_out: U8,
    ptr: npt.NDArray[np.int32],
    rect: F64,
    pitch: F64,
    phase: F64,
) -> float:
    """Improve centres at (2, n) in place, one try for each row of draws (T, 3) from [0, 1); return the movement saved.

    A try takes out one macro, drawn by how far it stands from `wanted` (2, n), its target moved into the canvas, and
    those nearest to a point on the way there; then puts them back, each on the spot nearest to its target, and keeps
    that if the summed movement has not grown. size is grown by the gap; base (F, 4) holds the empty rectangles of the
    canvas without macros; weight is that of nearest spots, ptr, rect, pitch and phase are the ground of the macros, see
    `fill_ground`. Scratch: free (F, 4), trial (2, n), chosen (n,),
    distance (n,), left_out (n,).
    """
    n = size.shape[1]
    saved = 0.0
    for t in range(len(draws)):
        total = 0.0
        for i in range(n):
            total += abs(at[0, i] - wanted[0, i]) + abs(at[1, i] - wanted[1, i])
        if total < 1e-6:
            break
        left, seed = draws[t, 0] * total, -1
        for i in range(n):
            step = abs(at[0, i] - wanted[0, i]) + abs(at[1, i] - wanted[1, i])
            if step > 0.0:
                seed = i
                left -= step
                if left < 0.0:
                    break
        way = draws[t, 1]
        px = wanted[0, seed] + way * way * (at[0, seed] - wanted[0, seed])
        py = wanted[1, seed] + way * way * (at[1, seed] - wanted[1, seed])
        for i in range(n):
            dx = max(abs(at[0, i] - px) - size[0, i] / 2, 0.0)
            dy = max(abs(at[1, i] - py) - size[1, i] / 2, 0.0)
            distance[i] = dx + dy
            trial[0, i], trial[1, i] = at[0, i], at[1, i]
        distance[seed] = -1.0
        take = min(n, 1 + int(draws[t, 2] * 8))
        before = 0.0
        for c in range(take):
            k = 0
            for i in range(n):
                if distance[i] < distance[k]:
                    k = i
            distance[k] = np.inf
            chosen[c] = k
            before += abs(at[0, k] - target[0, k]) + abs(at[1, k] - target[1, k])
        # Only what lies about the macros taken out and their targets is looked at: most of the canvas need not be cut.
        x0, y0, x1, y1 = np.inf, np.inf, -np.inf, -np.inf
        for c in range(take):
            k = chosen[c]
            w, h = size[0, k], size[1, k]
            x0 = min(x0, min(at[0, k], wanted[0, k]) - w)
            y0 = min(y0, min(at[1, k], wanted[1, k]) - h)
            x1 = max(x1, max(at[0, k], wanted[0, k]) + w)
            y1 = max(y1, max(at[1, k], wanted[1, k]) + h)
        count = base_count
        for k in range(base_count):
            a0, b0 = max(base[k, 0], x0), max(base[k, 1], y0)
            a1, b1 = min(base[k, 2], x1), min(base[k, 3], y1)
            if a0 < a1 and b0 < b1:
                row = count - base_count
                free[row, 0], free[row, 1], free[row, 2], free[row, 3] = a0, b0, a1, b1
                count += 1
        # Counted from base_count up: a count that begins as the constant 0 makes numba compile `cut` and `fill` again.
        count -= base_count
        for i in range(n):
            if distance[i] < np.inf:
                w, h = size[0, i] / 2, size[1, i] / 2
                if at[0, i] + w > x0 and at[0, i] - w < x1 and at[1, i] + h > y0 and at[1, i] - h < y1:
                    count = cut(free, count, at[0, i] - w, at[1, i] - h, at[0, i] + w, at[1, i] + h)
                    if count < 0:
                        return saved
        placed = fill_ground(
            chosen[:take], size, target, weight, free, count, trial, left_out, ptr, rect, pitch, phase
        )  # fmt: skip
        if placed < take:
            continue
        after = 0.0
        for c in range(take):
            k = chosen[c]
            after += abs(trial[0, k] - target[0, k]) + abs(trial[1, k] - target[1, k])
        if after <= before:
            saved += before - after
            for c in range(take):
                k = chosen[c]
                at[0, k], at[1, k] = trial[0, k], trial[1, k]
    return saved
