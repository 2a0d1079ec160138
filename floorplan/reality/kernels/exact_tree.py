"""Shortest rectilinear Steiner tree of up to `EXACT_POINTS` points: dynamic programming on their Hanan grid.

Some shortest tree has all its Steiner points on the grid of the points' x and y values (Hanan 1966). `cost[S, v]` is
the length of the shortest tree over the terminals in S plus grid node v (Dreyfus and Wagner 1971); the step "over all
nodes u: cost at u plus the distance from u to v" is a distance transform, four sweeps over the grid.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["EXACT_POINTS", "exact_tree"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]

EXACT_POINTS = 8
"""Largest number of points that is solved exactly; 8 points take half a millisecond, one more three times that."""


@njit(cache=True)
def exact_tree(
    px: F64, py: F64, n: int, grid: F64, node: I32, cost: F64, origin: I32, split: I32, stack: I32, seg: F64, at: int
) -> int:
    """Write the segments (x0, y0, x1, y1) of a shortest tree over n points, 2 to 8, to seg[at:]; return where it ends.

    The points are distinct; there are at most 2 n - 3 segments. Scratch: grid (2, 8), node (8,), cost, origin and
    split (128, 64), stack (32, 2).
    """
    gx, gy = grid[0], grid[1]
    a = _distinct(px, n, gx)
    b = _distinct(py, n, gy)
    nodes = a * b
    for k in range(n):
        i, j = 0, 0
        while gx[i] != px[k]:
            i += 1
        while gy[j] != py[k]:
            j += 1
        node[k] = i * b + j
    full = (1 << (n - 1)) - 1
    for s in range(1, full + 1):
        for v in range(nodes):
            cost[s, v] = np.inf
            origin[s, v] = v
            split[s, v] = 0
        low = s & -s
        if s == low:
            k = 0
            while (1 << k) != s:
                k += 1
            cost[s, node[k]] = 0.0
        else:
            part = (s - 1) & s
            while part > 0:
                if part & low:
                    for v in range(nodes):
                        c = cost[part, v] + cost[s ^ part, v]
                        if c < cost[s, v]:
                            cost[s, v] = c
                            split[s, v] = part
                part = (part - 1) & s
        _spread(gx, gy, a, b, cost[s], origin[s])
    stack[0, 0] = full
    stack[0, 1] = node[n - 1]
    depth = 1
    while depth > 0:
        depth -= 1
        s, v = stack[depth, 0], stack[depth, 1]
        u = origin[s, v]
        if u != v:
            seg[at, 0], seg[at, 1] = gx[v // b], gy[v % b]
            seg[at, 2], seg[at, 3] = gx[u // b], gy[u % b]
            at += 1
        part = split[s, u]
        if part > 0:
            stack[depth, 0], stack[depth, 1] = part, u
            stack[depth + 1, 0], stack[depth + 1, 1] = s ^ part, u
            depth += 2
    return at


@njit(cache=True)
def _distinct(values: F64, n: int, out: F64) -> int:
    """Write the distinct ones of values[:n], rising, to out and return their number."""
    m = 0
    for k in range(n):
        v = values[k]
        i = 0
        while i < m and out[i] < v:
            i += 1
        if i < m and out[i] == v:
            continue
        for j in range(m, i, -1):
            out[j] = out[j - 1]
        out[i] = v
        m += 1
    return m


@njit(cache=True)
def _spread(gx: F64, gy: F64, a: int, b: int, cost: F64, origin: I32) -> None:
    """Lower every cost to the least of (cost at u + Manhattan distance from u) over all u; origin becomes that u's."""
    for i in range(1, a):
        for j in range(b):
            _relax(cost, origin, i * b + j, (i - 1) * b + j, gx[i] - gx[i - 1])
    for i in range(a - 2, -1, -1):
        for j in range(b):
            _relax(cost, origin, i * b + j, (i + 1) * b + j, gx[i + 1] - gx[i])
    for i in range(a):
        for j in range(1, b):
            _relax(cost, origin, i * b + j, i * b + j - 1, gy[j] - gy[j - 1])
        for j in range(b - 2, -1, -1):
            _relax(cost, origin, i * b + j, i * b + j + 1, gy[j + 1] - gy[j])


@njit(cache=True)
def _relax(cost: F64, origin: I32, v: int, u: int, distance: float) -> None:
    c = cost[u] + distance
    if c < cost[v]:
        cost[v] = c
        origin[v] = origin[u]
