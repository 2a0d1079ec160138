"""A congestion that no placement can beat."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from floorplan.bound.cover import Group, blockage_tops, pooled_tops, top_mean_bound
from floorplan.bound.density import cell_sizes
from floorplan.bound.wirelength import span_bound
from floorplan.cost.arrays import build_arrays
from floorplan.cost.kernels.congestion import add_macro_blockage
from floorplan.cost.terms import CostOptions
from floorplan.netlist import Problem

__all__ = ["congestion_bound"]

F64 = npt.NDArray[np.float64]


def congestion_bound(problem: Problem, options: CostOptions, wirelength_um: float) -> tuple[float, str]:
    """Return a lower bound of the congestion cost, and the argument that gives it.

    Args:
        problem: what is placed.
        options: of the cost.
        wirelength_um: a lower bound of sum(weight * HPWL), which tells whether routing demand is worth a program.
    """
    cv = problem.canvas
    entries = 2 * cv.num_cells
    # With no entry to average the cost is the largest one: the same as a mean over one.
    k = max(math.floor(options.congestion_top * entries), 1)
    h_share = cv.h_macro_tracks_per_um / cv.h_tracks_per_um
    v_share = cv.v_macro_tracks_per_um / cv.v_tracks_per_um
    fixed = np.sort(_fixed_entries(problem))[::-1]
    groups = [Group(np.cumsum(fixed)[:k], 1)]
    total = float(fixed.sum())
    for sizes, count in cell_sizes(problem, options, hard_only=True):
        sure = count - min(count, _lost(problem, sizes))
        tops = blockage_tops(sizes, cv.columns, cv.rows, h_share, v_share, entries)
        total += sure * float(tops[-1])
        groups.append(Group(tops[:k], sure))
    tops = pooled_tops(groups, k)
    blocked, pooled = top_mean_bound(tops, total, entries)
    per_column, per_row = 1.0 / (cv.cell_h_um * cv.h_tracks_per_um), 1.0 / (cv.cell_w_um * cv.v_tracks_per_um)
    demand = build_arrays(problem.netlist).net_demand
    # The program is worth its time only if a demand well above what it can find would raise the bound.
    guess = wirelength_um * float((demand / problem.netlist.net_weight).max())
    guess *= max(per_column / cv.cell_w_um, per_row / cv.cell_h_um)
    if top_mean_bound(tops, total + 2 * guess, entries)[0] <= blocked * (1 + 1e-6):
        return blocked, f"{pooled} of {k} entries taken by hard macros wherever these stand"
    # A net's demand is at least the columns (in H) and rows (in V) that it spans, and smoothing keeps the sum.
    columns, rows = span_bound(problem, demand)
    routed, pooled = top_mean_bound(tops, total + columns * per_column + rows * per_row, entries)
    return routed, f"{pooled} of {k} entries taken by hard macros, blockage and routing demand spread evenly"


def _fixed_entries(problem: Problem) -> F64:
    """Return the H and V entries that the fixed hard macros take, (2 * cells,)."""
    nl, cv, at = problem.netlist, problem.canvas, problem.initial
    h_map = np.zeros((cv.rows, cv.columns))
    v_map = np.zeros((cv.rows, cv.columns))
    h_share = cv.h_macro_tracks_per_um / (cv.cell_h_um * cv.h_tracks_per_um)
    v_share = cv.v_macro_tracks_per_um / (cv.cell_w_um * cv.v_tracks_per_um)
    for i in nl.hard[problem.fixed[nl.hard]].tolist():
        w, h = float(nl.node_w_um[i]), float(nl.node_h_um[i])
        if at.orient[i] >= 4:
            w, h = h, w
        x, y = float(at.x_um[i]), float(at.y_um[i])
        add_macro_blockage(x, y, w, h, cv.cell_w_um, cv.cell_h_um, h_share, v_share, h_map, v_map)
    return np.concatenate([h_map.ravel(), v_map.ravel()])


def _lost(problem: Problem, sizes: list[tuple[float, float]]) -> int:
    """Return how many macros of a shape can fall through the grid by rounding.

    Where floor((c * g) / g) < c in floating point, a macro no wider than a cell whose edge stands exactly on line c is
    taken to begin in the cell before, with no overlap there, and its own cell, now the right (top) one, is taken back.
    Macros that share such a line are stacked along it without overlap, so there are few.
    """
    cv = problem.canvas
    lost = 0
    for w, h in sizes:
        for extent, across, cell, cells, other in (
            (w, h, cv.cell_w_um, cv.columns, cv.rows),
            (h, w, cv.cell_h_um, cv.rows, cv.columns),
        ):
            if extent > 1:
                continue
            line = np.arange(1, cells, dtype=np.float64)
            holes = int((np.floor((line * cell) / cell) < line).sum())
            if holes:
                lost += holes * (math.floor(other / across + 1e-3) if across > 0 else len(problem.netlist.hard))
    return lost
