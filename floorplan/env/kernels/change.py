"""What each cell would do to the cost if the macro in hand stood there."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["density_change", "footprint_density", "tracks_change", "wirelength_change"]

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
BOOL = npt.NDArray[np.bool_]


@njit(cache=True)
def wirelength_change(
    begin: int,
    end: int,
    pair_net: I32,
    pair_box: F64,
    net_weight: F64,
    net_box: F64,
    gw: float,
    gh: float,
    fx: F64,
    fy: F64,
    out: F64,
) -> None:
    """Write to out (R, C) the exact change of the weighted wirelength, um, for the macro of pairs begin..end.

    A net's half-perimeter has one part in x and one in y, so the change is fx[column] + fy[row].
    """
    rows, columns = out.shape
    fx[:] = 0.0
    fy[:] = 0.0
    for p in range(begin, end):
        e = pair_net[p]
        weight = net_weight[e]
        x0, x1, y0, y1 = net_box[e, 0], net_box[e, 1], net_box[e, 2], net_box[e, 3]
        dx0, dx1, dy0, dy1 = pair_box[p, 0], pair_box[p, 1], pair_box[p, 2], pair_box[p, 3]
        if x1 < x0:
            # No pin stands yet: the net gets the extent of the macro's own pins, wherever it goes.
            for c in range(columns):
                fx[c] += weight * (dx1 - dx0)
            for r in range(rows):
                fy[r] += weight * (dy1 - dy0)
            continue
        # The box grows by how far the macro's pins reach beyond it on either side.
        left, right, below, above = x0 - dx0, dx1 - x1, y0 - dy0, dy1 - y1
        for c in range(columns):
            x = (c + 0.5) * gw
            fx[c] += weight * (max(left - x, 0.0) + max(x + right, 0.0))
        for r in range(rows):
            y = (r + 0.5) * gh
            fy[r] += weight * (max(below - y, 0.0) + max(y + above, 0.0))
    for r in range(rows):
        for c in range(columns):
            out[r, c] = fx[c] + fy[r]


@njit(cache=True)
def _reach(size: float, cell: float) -> tuple[int, float]:
    """Return how many cells a macro centred on one reaches to each side, and how much of the outermost it covers."""
    half = size / 2 / cell
    n = max(math.ceil(half - 0.5 - 1e-9), 0)
    return n, (half - 0.5 - (n - 1) if n else 2 * half)


@njit(cache=True)
def _sum_rows(inner: F64, outer: F64, factor: float, n: int, out: F64) -> None:
    """Write sum of inner over the columns less than n away + factor * outer of the two n away; (R, C) all.

    n = 0: factor * outer itself. Columns off the grid count as 0.
    """
    rows, columns = inner.shape
    for r in range(rows):
        if n == 0:
            for c in range(columns):
                out[r, c] = factor * outer[r, c]
            continue
        run = 0.0
        for c in range(min(n - 1, columns)):
            run += inner[r, c]
        for c in range(columns):
            if c + n - 1 < columns:
                run += inner[r, c + n - 1]
            if c - n >= 0:
                run -= inner[r, c - n]
            total = run
            if c - n >= 0:
                total += factor * outer[r, c - n]
            if c + n < columns:
                total += factor * outer[r, c + n]
            out[r, c] = total


@njit(cache=True)
def _sum_columns(inner: F64, outer: F64, factor: float, n: int, run: F64, out: F64) -> None:
    """Do what `_sum_rows` does along columns; run (C,) is working memory."""
    rows, columns = inner.shape
    if n == 0:
        for r in range(rows):
            for c in range(columns):
                out[r, c] = factor * outer[r, c]
        return
    run[:] = 0.0
    for r in range(min(n - 1, rows)):
        for c in range(columns):
            run[c] += inner[r, c]
    for r in range(rows):
        if r + n - 1 < rows:
            for c in range(columns):
                run[c] += inner[r + n - 1, c]
        if r - n >= 0:
            for c in range(columns):
                run[c] -= inner[r - n, c]
        for c in range(columns):
            out[r, c] = run[c]
        if r - n >= 0:
            for c in range(columns):
                out[r, c] += factor * outer[r - n, c]
        if r + n < rows:
            for c in range(columns):
                out[r, c] += factor * outer[r + n, c]


@njit(cache=True)
def _counted(value: F64, add: float, threshold: float, out: F64) -> None:
    """Write how much of `add` on top of each value would lie above the threshold.

    The sum of the k largest values is the least over t of k * t + sum(max(value - t, 0)); with t held at the k-th
    largest, the sum of what is counted is its change to first order, and never less than its change.
    """
    rows, columns = value.shape
    for r in range(rows):
        for c in range(columns):
            out[r, c] = min(max(value[r, c] + add - threshold, 0.0), add)


@njit(cache=True)
def footprint_density(
    w: float, h: float, gw: float, gh: float, density: F64, mask: BOOL, scratch: F64, run: F64, out: F32
) -> None:
    """Write the mean density under a macro of w x h um on each legal cell to out (R, C); 0 elsewhere."""
    rows, columns = density.shape
    nx, fx = _reach(w, gw)
    ny, fy = _reach(h, gh)
    part, total = scratch[0], scratch[1]
    _sum_rows(density, density, fx, nx, part)
    _sum_columns(part, part, fy, ny, run, total)
    share = gw * gh / (w * h)
    for r in range(rows):
        for c in range(columns):
            out[r, c] = max(total[r, c], 0.0) * share if mask[r, c] else 0.0


@njit(cache=True)
def density_change(
    w: float,
    h: float,
    gw: float,
    gh: float,
    density: F64,
    threshold: float,
    weight: float,
    mask: BOOL,
    scratch: F64,
    run: F64,
    out: F32,
    cost: F64,
) -> None:
    """Write which share of a macro's area would count in the density cost on each legal cell to out (R, C).

    weight * (that area in cells) is added to cost (R, C).
    """
    rows, columns = density.shape
    nx, fx = _reach(w, gw)
    ny, fy = _reach(h, gh)
    area = w * h / (gw * gh)
    g, g_edge, part, part_edge, total = scratch[0], scratch[1], scratch[2], scratch[3], scratch[4]
    # Whole cells inside, parts of cells along the four edges, smaller parts in the corners.
    _counted(density, 1.0, threshold, g)
    _counted(density, fx, threshold, g_edge)
    _sum_rows(g, g_edge, 1.0, nx, part)
    _counted(density, fy, threshold, g)
    _counted(density, fx * fy, threshold, g_edge)
    _sum_rows(g, g_edge, 1.0, nx, part_edge)
    _sum_columns(part, part_edge, 1.0, ny, run, total)
    for r in range(rows):
        for c in range(columns):
            share = min(max(total[r, c] / area, 0.0), 1.0) if mask[r, c] else 0.0
            out[r, c] = share
            cost[r, c] += weight * share * area


@njit(cache=True)
def tracks_change(
    w: float,
    h: float,
    gw: float,
    gh: float,
    h_share: float,
    v_share: float,
    H: F64,
    V: F64,
    threshold: float,
    weight: float,
    mask: BOOL,
    scratch: F64,
    run: F64,
    out: F32,
    cost: F64,
) -> None:
    """Write which share of the tracks a macro takes would count in the congestion cost on each legal cell to out.

    weight * (those tracks, as shares of a cell's) is added to cost (R, C). Routing demand of the macro's nets is left
    out: where it will run depends on macros to come.
    """
    rows, columns = H.shape
    nx, fx = _reach(w, gw)
    ny, fy = _reach(h, gh)
    # The top row (right column) is let off where the macro covers its outer rows (columns) in part.
    off_v = ny > 0 and (1.0 - fy) * gh > 1e-5
    off_h = nx > 0 and (1.0 - fx) * gw > 1e-5
    tracks = w * v_share * (2 * ny + 1 - off_v) + h * h_share * (2 * nx + 1 - off_h)
    if tracks <= 0.0:
        out[:] = 0.0
        return
    g, g_edge, part_v, total_v = scratch[0], scratch[1], scratch[2], scratch[3]
    _counted(V, gw * v_share, threshold, g)
    _counted(V, fx * gw * v_share, threshold, g_edge)
    _sum_rows(g, g_edge, 1.0, nx, part_v)
    _sum_columns(part_v, part_v, 1.0, ny, run, total_v)
    _counted(H, gh * h_share, threshold, g)
    _counted(H, fy * gh * h_share, threshold, g_edge)
    part_h, total_h = scratch[4], g
    _sum_columns(g, g_edge, 1.0, ny, run, part_h)
    _sum_rows(part_h, part_h, 1.0, nx, total_h)
    for r in range(rows):
        for c in range(columns):
            if not mask[r, c]:
                out[r, c] = 0.0
                continue
            # A legal macro lies on the canvas, so its top row and right column do; but one that is bound to more than
            # one spacing may stand beside the cell's centre, and that much further inside.
            counted = total_v[r, c] + total_h[r, c]
            if off_v:
                counted -= part_v[min(r + ny, rows - 1), c]
            if off_h:
                counted -= part_h[r, min(c + nx, columns - 1)]
            share = min(max(counted / tracks, 0.0), 1.0)
            out[r, c] = share
            cost[r, c] += weight * share * tracks
