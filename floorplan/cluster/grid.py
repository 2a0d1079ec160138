"""How many columns and rows a canvas gets whose file names none."""

from __future__ import annotations

import numpy as np

from floorplan.netlist import Problem

__all__ = ["choose_grid"]

_SIDE = (10, 128)
_CELLS = (500, 4096)
_ASPECT = 1.5
_NEAR_BEST = 0.05


def choose_grid(problem: Problem) -> tuple[int, int]:
    """Return (columns, rows): 10 to 128 a side, 500 to 4096 cells, none longer than 1.5 times its width or height.

    Of the grids that waste at most 5 % of the macros' area more than the best one, the one of fewest cells. What a
    grid wastes is the area of the cells that the hard macros take, each on whole cells, beyond the macros' own.
    """
    netlist, canvas = problem.netlist, problem.canvas
    side = np.arange(_SIDE[0], _SIDE[1] + 1)
    cell_w, cell_h = canvas.width_um / side, canvas.height_um / side
    w, h = netlist.node_w_um[netlist.hard], netlist.node_h_um[netlist.hard]
    across = np.ceil(w / cell_w[:, None] - 1e-9)
    up = np.ceil(h / cell_h[:, None] - 1e-9)
    taken = (across @ up.T) * np.outer(cell_w, cell_h)
    waste = taken / max(float((w * h).sum()), 1e-300) if len(w) else np.zeros_like(taken)
    cells = np.outer(side, side)
    aspect = cell_w[:, None] / cell_h
    fits = (cells >= _CELLS[0]) & (cells <= _CELLS[1]) & (np.maximum(aspect, 1 / aspect) <= _ASPECT)
    if not fits.any():  # a canvas so long that no grid has cells of that shape
        fits = (cells >= _CELLS[0]) & (cells <= _CELLS[1])
    good = fits & (waste <= waste[fits].min() + _NEAR_BEST)
    column, row = np.unravel_index(int(np.argmin(np.where(good, cells + waste, np.inf))), cells.shape)
    return int(side[column]), int(side[row])
