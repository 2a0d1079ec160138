"""Area of macros spread over the grid, and the overlap of hard macros."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from floorplan.cost.kernels.topk import top_sum

__all__ = ["add_area", "density_cost", "density_map", "overlap_area"]

F64 = npt.NDArray[np.float64]
U8 = npt.NDArray[np.uint8]
BOOL = npt.NDArray[np.bool_]


@njit(cache=True)
def add_area(x: float, y: float, w: float, h: float, gw: float, gh: float, scale: float, grid: F64) -> None:
    """Add scale * (area of the rectangle around (x, y)) to the cells of grid (R, C) that it overlaps."""
    rows, cols = grid.shape
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
                grid[r, c] += scale * ox * oy


@njit(cache=True)
def density_map(
    kind: U8, node_w: F64, node_h: F64, x: F64, y: F64, orient: U8, placed: BOOL, gw: float, gh: float, grid: F64
) -> None:
    """Write the density of every cell to grid (R, C)."""
    grid[:] = 0.0
    scale = 1.0 / (gw * gh)
    for i in range(len(kind)):
        if kind[i] == 2 or not placed[i]:
            continue
        w, h = node_w[i], node_h[i]
        if orient[i] >= 4:
            w, h = h, w
        add_area(x[i], y[i], w, h, gw, gh, scale, grid)


@njit(cache=True)
def density_cost(grid: F64, top_share: float, scratch: F64) -> float:
    """Return half the mean of the densest cells; scratch has at least R*C places."""
    flat = grid.ravel()
    n = flat.size
    if n < 10:
        total, count = 0.0, 0
        for i in range(n):
            if flat[i] > 0:
                total += flat[i]
                count += 1
        return 0.5 * total / count if count else 0.0
    for i in range(n):
        scratch[i] = flat[i]
    k = max(math.floor(top_share * n), 1)
    densest: float = top_sum(scratch, n, k)
    return 0.5 * densest / k


@njit(cache=True)
def overlap_area(ids: npt.NDArray[np.int32], w: F64, h: F64, x: F64, y: F64, placed: BOOL) -> float:
    """Return the summed pairwise overlap in um2 of the placed nodes in ids; w, h (N,) as oriented."""
    total = 0.0
    for a in range(len(ids)):
        i = ids[a]
        if not placed[i]:
            continue
        for b in range(a + 1, len(ids)):
            j = ids[b]
            if not placed[j]:
                continue
            ox = min(x[i] + w[i] / 2, x[j] + w[j] / 2) - max(x[i] - w[i] / 2, x[j] - w[j] / 2)
            if ox <= 0:
                continue
            oy = min(y[i] + h[i] / 2, y[j] + h[j] / 2) - max(y[i] - h[i] / 2, y[j] - h[j] / 2)
            if oy > 0:
                total += ox * oy
    return total
