"""Rectilinear Steiner trees of many nets: exact for few points, refined spanning trees for more.

Above `EXACT_POINTS` points a minimum spanning tree is improved by edge substitution (Borah, Owens and Irwin 1994): a
point is joined to the nearest place on an edge, and the longest edge of the loop so made is taken out.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from floorplan.reality.kernels.exact_tree import EXACT_POINTS, exact_tree

__all__ = ["REFINED_POINTS", "net_trees"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]

REFINED_POINTS = 1500
"""Nets of more points keep their minimum spanning tree: a pass of the refinement is quadratic in the points."""

_PASSES = 6


@njit(cache=True)
def net_trees(ptr: I32, x: F64, y: F64, length: F64, spanning: F64, seg: F64, seg_ptr: I32) -> None:
    """Write each net's Steiner tree.

    Args:
        ptr: (E + 1,) offsets into x and y.
        x: the points of each net, distinct within it.
        y: likewise.
        length: (E,) out: length of the tree.
        spanning: (E,) out: length of the minimum spanning tree.
        seg: (2 * len(x), 4) out: x0, y0, x1, y1 of the segments, each to be routed at its Manhattan length.
        seg_ptr: (E + 1,) out: offsets into seg.
    """
    most = 0
    for e in range(len(length)):
        most = max(most, ptr[e + 1] - ptr[e])
    size = 2 * most + 2
    px, py = np.empty(size), np.empty(size)
    edge = np.empty((size, 2), np.int32)
    near = np.empty(size)
    work = np.empty((8, size + 1), np.int32)
    adjacent = np.empty((2 * size, 2), np.int32)
    grid, node = np.empty((2, EXACT_POINTS)), np.empty(EXACT_POINTS, np.int32)
    cost = np.empty((1 << (EXACT_POINTS - 1), EXACT_POINTS * EXACT_POINTS))
    origin = np.empty(cost.shape, np.int32)
    split = np.empty(cost.shape, np.int32)
    stack = np.empty((4 * EXACT_POINTS, 2), np.int32)
    at = 0
    seg_ptr[0] = 0
    for e in range(len(length)):
        n = ptr[e + 1] - ptr[e]
        for i in range(n):
            px[i], py[i] = x[ptr[e] + i], y[ptr[e] + i]
        spanning[e] = spanning_tree(px, py, n, edge, near, work[0])
        begin = at
        if 2 < n <= EXACT_POINTS:
            at = exact_tree(px, py, n, grid, node, cost, origin, split, stack, seg, at)
        else:
            edges = n - 1
            if EXACT_POINTS < n <= REFINED_POINTS:
                edges = refine_tree(px, py, n, edge, near, work, adjacent)
            for k in range(edges):
                i, j = edge[k, 0], edge[k, 1]
                if i >= 0 and (px[i] != px[j] or py[i] != py[j]):
                    seg[at, 0], seg[at, 1], seg[at, 2], seg[at, 3] = px[i], py[i], px[j], py[j]
                    at += 1
        total = 0.0
        for k in range(begin, at):
            total += abs(seg[k, 0] - seg[k, 2]) + abs(seg[k, 1] - seg[k, 3])
        length[e] = total
        seg_ptr[e + 1] = at


@njit(cache=True)
def spanning_tree(px: F64, py: F64, n: int, edge: I32, near: F64, link: I32) -> float:
    """Write the n - 1 edges of a minimum spanning tree (Prim) and return its length."""
    if n < 2:
        return 0.0
    for i in range(n):
        near[i] = np.inf
        link[i] = 0
    last, total = 0, 0.0
    near[0] = -1.0
    for k in range(n - 1):
        best, least = 0, np.inf
        for i in range(n):
            if near[i] < 0:
                continue
            d = abs(px[i] - px[last]) + abs(py[i] - py[last])
            if d < near[i]:
                near[i] = d
                link[i] = last
            if near[i] < least:
                least = near[i]
                best = i
        edge[k, 0], edge[k, 1] = link[best], best
        total += least
        near[best] = -1.0
        last = best
    return total


@njit(cache=True)
def refine_tree(px: F64, py: F64, n: int, edge: I32, gain: F64, work: I32, adjacent: I32) -> int:
    """Improve a spanning tree of n terminals in place and return its number of edges; edges (-1, -1) are gone.

    Steiner points are appended to px, py (at least 2 n - 2 places).
    """
    first, queue, parent, by = work[0], work[1], work[2], work[3]
    longest, chosen, touched, side = work[4], work[5], work[6], work[7]
    points, edges = n, n - 1
    extent = 0.0
    for i in range(n):
        extent = max(extent, abs(px[i] - px[0]) + abs(py[i] - py[0]))
    eps = 1e-9 * extent
    for _ in range(_PASSES):
        # What joining each point to its best edge would save, all on the tree as it stands.
        _link(edge, edges, points, first, adjacent)
        for w in range(points):
            _walk(w, px, py, first, adjacent, queue, parent, by, longest, edge)
            gain[w] = eps
            chosen[w] = -1
            for k in range(edges):
                g = _saving(w, k, px, py, edge, parent, longest)
                if g > gain[w]:
                    gain[w] = g
                    chosen[w] = k
        touched[:] = 0
        # Best first; each is computed anew, since those before it may have changed its loop.
        applied, count = 0, points
        while points < 2 * n - 2:
            w, most = -1, eps
            for i in range(count):
                if chosen[i] >= 0 and gain[i] > most:
                    most = gain[i]
                    w = i
            if w < 0:
                break
            k = chosen[w]
            chosen[w] = -1
            if touched[k]:
                continue
            _link(edge, edges, points, first, adjacent)
            _walk(w, px, py, first, adjacent, queue, parent, by, longest, edge)
            if _saving(w, k, px, py, edge, parent, longest) <= eps:
                continue
            a, b = edge[k, 0], edge[k, 1]
            if parent[a] == b:
                a, b = b, a
            out = longest[a]
            s = points
            px[s] = min(max(px[w], min(px[a], px[b])), max(px[a], px[b]))
            py[s] = min(max(py[w], min(py[a], py[b])), max(py[a], py[b]))
            points += 1
            edge[k, 0], edge[k, 1] = a, s
            edge[out, 0], edge[out, 1] = w, s
            edge[edges, 0], edge[edges, 1] = s, b
            touched[k] = touched[out] = touched[edges] = 1
            edges += 1
            applied += 1
        if applied == 0:
            break
    _prune(n, points, edge, edges, first, side)
    return edges


@njit(cache=True)
def _link(edge: I32, edges: int, points: int, first: I32, adjacent: I32) -> None:
    """Write the neighbours of each point, adjacent[first[i]:first[i + 1]] = (point, edge)."""
    for i in range(points + 1):
        first[i] = 0
    for k in range(edges):
        first[edge[k, 0]] += 1
        first[edge[k, 1]] += 1
    total = 0
    for i in range(points + 1):
        total += first[i]
        first[i] = total
    for k in range(edges - 1, -1, -1):
        for end in range(2):
            i = edge[k, end]
            first[i] -= 1
            adjacent[first[i], 0] = edge[k, 1 - end]
            adjacent[first[i], 1] = k


@njit(cache=True)
def _length(k: int, px: F64, py: F64, edge: I32) -> float:
    i, j = edge[k, 0], edge[k, 1]
    d: float = abs(px[i] - px[j]) + abs(py[i] - py[j])
    return d


@njit(cache=True)
def _walk(
    w: int, px: F64, py: F64, first: I32, adjacent: I32, queue: I32, parent: I32, by: I32, longest: I32, edge: I32
) -> None:
    """Write, for each point, the point before it on the path from w and the longest edge of that path."""
    queue[0] = w
    parent[w], by[w], longest[w] = -1, -1, -1
    done, found = 0, 1
    while done < found:
        i = queue[done]
        done += 1
        for t in range(first[i], first[i + 1]):
            j, k = adjacent[t, 0], adjacent[t, 1]
            if k == by[i]:
                continue
            parent[j], by[j] = i, k
            before = longest[i]
            longest[j] = k if before < 0 or _length(k, px, py, edge) > _length(before, px, py, edge) else before
            queue[found] = j
            found += 1


@njit(cache=True)
def _saving(w: int, k: int, px: F64, py: F64, edge: I32, parent: I32, longest: I32) -> float:
    """Return what the tree loses in length if w is joined to edge k and the longest edge of the way to it goes."""
    a, b = edge[k, 0], edge[k, 1]
    if parent[a] == b:
        a, b = b, a
    if a == w:
        return 0.0
    sx = min(max(px[w], min(px[a], px[b])), max(px[a], px[b]))
    sy = min(max(py[w], min(py[a], py[b])), max(py[a], py[b]))
    saved: float = _length(longest[a], px, py, edge) - (abs(px[w] - sx) + abs(py[w] - sy))
    return saved


@njit(cache=True)
def _prune(n: int, points: int, edge: I32, edges: int, degree: I32, last: I32) -> None:
    """Take out Steiner points that branch nothing: leaves go, and two edges at one become one."""
    changed = True
    while changed:
        changed = False
        for i in range(points):
            degree[i] = 0
        for k in range(edges):
            if edge[k, 0] >= 0:
                for end in range(2):
                    degree[edge[k, end]] += 1
                    last[edge[k, end]] = k
        for s in range(n, points):
            if degree[s] == 1:
                edge[last[s], 0] = edge[last[s], 1] = -1
                changed = True
                break
            if degree[s] == 2:
                k = last[s]
                other = edge[k, 0] + edge[k, 1] - s
                edge[k, 0] = edge[k, 1] = -1
                for m in range(edges):
                    if edge[m, 0] == s:
                        edge[m, 0] = other
                    elif edge[m, 1] == s:
                        edge[m, 1] = other
                changed = True
                break
