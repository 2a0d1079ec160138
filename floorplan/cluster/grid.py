"""How many columns and rows a canvas gets whose file names none: the rule of AlphaChip's flow."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from floorplan.netlist import Problem

__all__ = ["choose_grid"]

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

_SIDE = (10, 128)
_CELLS = (500, 4096)
_ASPECT = 1.5
_NEAR_BEST = 0.95
_PACKED = 64
"""Grids on which macros are packed to find the best score, and as many to find the coarsest good one. Most are ruled
out before by what packing can leave empty at most; with very many small macros some are not looked at."""
_ROUNDING_UM = 1e-6


def choose_grid(problem: Problem) -> tuple[int, int]:
    """Return (columns, rows): 10 to 128 a side, 500 to 4096 cells, none longer than 1.5 times its width or height.

    A grid's score is the share of cells left empty by the movable hard macros, packed from the lower left with their
    middles on cell middles, largest first, plus the shares that a row of all macros side by side, and a stack of them,
    fill of the cells they take. Of the grids whose score is within 5 % of the best, the one of most score a cell.

    Source: circuit_training, `grouping/grid_size_selection.py`.
    """
    netlist, canvas = problem.netlist, problem.canvas
    hard = problem.movable_hard if len(problem.movable_hard) else netlist.hard
    w, h = netlist.node_w_um[hard], netlist.node_h_um[hard]
    side = np.arange(_SIDE[0], _SIDE[1] + 1)
    cell_w, cell_h = canvas.width_um / side, canvas.height_um / side
    filled = np.add.outer(_filled(w, cell_w), _filled(h, cell_h))
    cells, aspect = np.outer(side, side), cell_w[:, None] / cell_h
    fits = (cells >= _CELLS[0]) & (cells <= _CELLS[1])
    square = fits & (np.maximum(aspect, 1 / aspect) <= _ASPECT)
    # a canvas so long that no grid has cells of that shape takes any
    c, r = np.nonzero(square if square.any() else fits)
    mid_x, mid_y = _middles(w, cell_w), _middles(h, cell_h)
    # what packing leaves empty at most (a macro takes its area, and each cell whose middle it covers), and probably
    area = float((w * h).sum()) / (canvas.width_um * canvas.height_um)
    at_most = (1.0 - np.maximum(mid_x @ mid_y.T / cells, area) + filled)[c, r]
    ends_x, ends_y = mid_x < w / cell_w[:, None], mid_y < h / cell_h[:, None]
    likely = (1.0 - (mid_x + ends_x) @ (mid_y + ends_y).T / cells + filled)[c, r]

    order = np.lexsort((h, w, -(w * h)))
    scores: dict[int, float] = {}

    def score(k: int) -> float:
        if k not in scores:
            empty = _empty(w[order], h[order], cell_w[c[k]], cell_h[r[k]], int(side[c[k]]), int(side[r[k]]))
            scores[k] = -np.inf if empty is None else empty + float(filled[c[k], r[k]])
        return scores[k]

    best = -np.inf
    for k in np.argsort(-likely, kind="stable")[:_PACKED].tolist():
        if at_most[k] <= best:
            continue
        best = max(best, score(k))
    if best == -np.inf:  # the macros have no room on any of these: their sides alone decide
        scores.update(enumerate(filled[c, r].tolist()))
        best = max(scores.values())
    enough, each = _NEAR_BEST * best, at_most / cells[c, r]
    chosen, most = max(scores, key=lambda k: scores[k]), -np.inf
    hopeful = np.flatnonzero((at_most >= enough) & (likely >= _NEAR_BEST * enough))
    for k in hopeful[np.argsort(-each[hopeful], kind="stable")][:_PACKED].tolist():
        if each[k] <= most:
            break
        if score(k) >= enough and score(k) / cells[c[k], r[k]] > most:
            chosen, most = k, score(k) / cells[c[k], r[k]]
    return int(side[c[chosen]]), int(side[r[chosen]])


def _filled(length: F64, cell: F64) -> F64:
    """Return which share of the cells that they take is filled by macros in a row, for each size of cell, (S,).

    Each macro's middle is on a cell's middle; two neighbours share a cell where their ends fit into it.
    """
    if not len(length):
        return np.ones(len(cell))
    size = cell[:, None]
    span = 2 * np.maximum(np.ceil((length / size - 1) / 2), 0) + 1
    span += 2 * (span * size < length)
    end = size - (span * size - length) / 2
    shared = 1 + (end[:, 1:] + end[:, :-1] <= size).sum(axis=1)
    filled: F64 = length.sum() / ((span.sum(axis=1) - shared + 1) * cell)
    return filled


def _middles(length: F64, cell: F64) -> F64:
    """Return how many cells' middles lie within each macro, one way, if its own is on one, (S, H)."""
    return 2 * np.floor(length / (2 * cell[:, None]) - 1e-9).clip(0) + 1


def _empty(w: F64, h: F64, cell_w: float, cell_h: float, columns: int, rows: int) -> float | None:
    """Return the share of cells that no macro touches once they are packed in this order, None if one has no room."""
    x, y = (np.arange(columns) + 0.5) * cell_w, (np.arange(rows) + 0.5) * cell_h
    used = np.zeros((rows, columns), np.bool_)
    col, row = np.zeros(len(w), np.int64), np.zeros(len(w), np.int64)
    for k in range(len(w)):
        inside_x = (x >= w[k] / 2 - _ROUNDING_UM) & (x <= columns * cell_w - w[k] / 2 + _ROUNDING_UM)
        inside_y = (y >= h[k] / 2 - _ROUNDING_UM) & (y <= rows * cell_h - h[k] / 2 + _ROUNDING_UM)
        # how many cells away a middle must be from each macro that is placed
        reach_x = np.ceil(((w[:k] + w[k]) / 2 - _ROUNDING_UM) / cell_w).astype(np.int64)
        reach_y = np.ceil(((h[:k] + h[k]) / 2 - _ROUNDING_UM) / cell_h).astype(np.int64)
        free = ~_covered(col[:k], row[:k], reach_x, reach_y, columns, rows)
        free &= inside_y[:, None] & inside_x
        at = int(free.argmax())
        if not free.flat[at]:
            return None
        row[k], col[k] = divmod(at, columns)
        half_w, half_h = w[k] / 2 - _ROUNDING_UM, h[k] / 2 - _ROUNDING_UM
        over = int(np.floor(half_w / cell_w + 0.5)), int(np.floor(half_h / cell_h + 0.5))
        used[
            max(row[k] - over[1], 0) : row[k] + over[1] + 1,
            max(col[k] - over[0], 0) : col[k] + over[0] + 1,
        ] = True
    return 1.0 - float(used.mean())


def _covered(col: I64, row: I64, reach_x: I64, reach_y: I64, columns: int, rows: int) -> npt.NDArray[np.bool_]:
    """Return the cells nearer than `reach` to any (col, row), both ways."""
    edge = np.zeros((rows + 1, columns + 1), np.int64)
    c0, c1 = np.maximum(col - reach_x + 1, 0), np.minimum(col + reach_x, columns)
    r0, r1 = np.maximum(row - reach_y + 1, 0), np.minimum(row + reach_y, rows)
    for r, c, sign in ((r0, c0, 1), (r1, c1, 1), (r0, c1, -1), (r1, c0, -1)):
        np.add.at(edge, (r, c), sign)
    covered: npt.NDArray[np.bool_] = edge.cumsum(axis=0).cumsum(axis=1)[:rows, :columns] > 0
    return covered
