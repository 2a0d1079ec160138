"""A density that no placement can beat."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from floorplan.bound.cover import Group, density_tops, most_cells, pooled_tops, top_mean_bound
from floorplan.cost.arrays import build_arrays
from floorplan.cost.kernels.density import density_map
from floorplan.cost.terms import CostOptions
from floorplan.netlist import NodeKind, Problem
from floorplan.netlist.legality import TOLERANCE_UM

__all__ = ["cell_sizes", "density_bound", "total_density"]

F64 = npt.NDArray[np.float64]


def density_bound(problem: Problem, options: CostOptions) -> tuple[float, str]:
    """Return a lower bound of the density cost, and the argument that gives it."""
    cv = problem.canvas
    n = cv.num_cells
    k = n if n < 10 else max(math.floor(options.density_top * n), 1)
    fixed = np.sort(_fixed_map(problem, options).ravel())[::-1]
    groups = [Group(np.cumsum(fixed)[: max(k, 1)], 1)]
    total = total_density(problem, options)
    touched = int((fixed > 0).sum())
    for sizes, count in cell_sizes(problem, options, hard_only=False):
        touched += count * most_cells(sizes, cv.columns, cv.rows)
        groups.append(Group(density_tops(sizes, cv.columns, cv.rows, k), count))
    if n < 10:
        # The mean is over the cells touched, of which there are no more than macros can touch.
        return 0.5 * total / max(min(n, touched), 1), "area over the cells it can touch"
    mean, pooled = top_mean_bound(pooled_tops(groups, k), total, n)
    if pooled == 0:
        return 0.5 * mean, "area spread evenly"
    return 0.5 * mean, f"{pooled} of {k} cells covered by macros wherever these stand, the rest spread evenly"


def total_density(problem: Problem, options: CostOptions) -> float:
    """Return a lower bound of the sum of all cell densities."""
    movable = cell_sizes(problem, options, hard_only=False)
    return float(_fixed_map(problem, options).sum()) + sum(n * min(w * h for w, h in sizes) for sizes, n in movable)


def _fixed_map(problem: Problem, options: CostOptions) -> F64:
    """Return (rows, columns) the density of the fixed macros alone."""
    cv, at = problem.canvas, problem.initial
    a = build_arrays(problem.netlist, square_soft=options.square_soft)
    grid = np.zeros((cv.rows, cv.columns))
    # Copies: the kernel is compiled for writable arrays.
    density_map(
        a.node_kind,
        a.node_w,
        a.node_h,
        at.x_um.copy(),
        at.y_um.copy(),
        at.orient.copy(),
        problem.fixed.copy(),
        cv.cell_w_um,
        cv.cell_h_um,
        grid,
    )
    return grid


def cell_sizes(
    problem: Problem, options: CostOptions, *, hard_only: bool
) -> list[tuple[list[tuple[float, float]], int]]:
    """Return the movable macros by shape: the sizes in cells that they may show inside the canvas, and their number.

    Sizes are what surely lies inside the canvas: less the tolerance by which a legal macro may stick out, and for a
    soft macro that is costed as a square, less what of the square may stick out while the macro itself does not.
    """
    nl, cv = problem.netlist, problem.canvas
    a = build_arrays(nl, square_soft=options.square_soft)
    wanted = (nl.node_kind == NodeKind.HARD) if hard_only else (nl.node_kind != NodeKind.PORT)
    ids = np.flatnonzero(wanted & ~problem.fixed)
    turns = np.column_stack([problem.allowed_orient[ids] & 0x0F != 0, problem.allowed_orient[ids] & 0xF0 != 0])
    shapes = np.column_stack([nl.node_w_um[ids], nl.node_h_um[ids], a.node_w[ids], a.node_h[ids], turns])
    rows, counts = np.unique(shapes, axis=0, return_counts=True)
    out = []
    for (w, h, cost_w, cost_h, straight, turned), count in zip(rows.tolist(), counts.tolist(), strict=True):
        sizes = []
        for allowed, (x, y, cx, cy) in ((straight, (w, h, cost_w, cost_h)), (turned, (h, w, cost_h, cost_w))):
            inside = x <= cv.width_um and y <= cv.height_um
            if allowed:
                sx = _inside(x, cx, cv.width_um) if inside else 0.0
                sy = _inside(y, cy, cv.height_um) if inside else 0.0
                sizes.append((sx / cv.cell_w_um, sy / cv.cell_h_um))
        out.append((sizes, count))
    return out


def _inside(size_um: float, cost_um: float, canvas_um: float) -> float:
    return max(0.0, min(cost_um, (cost_um + size_um) / 2, canvas_um) - 2 * TOLERANCE_UM)
