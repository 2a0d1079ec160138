"""Large-neighbourhood moves: what lies around a hot cell is shaken, settles, and stays if the cost fell."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from floorplan.geometry import oriented_size_um
from floorplan.search.chain import Chain

__all__ = ["nodes_around", "stir"]

RADIUS_CELLS = 2.0
"""Largest distance of the neighbourhood's edge from the cell picked, in cells."""

HOTTEST = 0.1
"""Of the cells, those that count as hot."""

WARM = 0.008
"""Temperature, in proxy cost times the movable nodes of the chain, at which a neighbourhood is shaken."""

ANYWHERE = 0.25
"""Chance of picking a cell that is not hot."""


def stir(chain: Chain, proposals: int) -> float:
    """Shake the surroundings of a cell picked at random, let them descend, and go back unless the proxy fell.

    Args:
        chain: is changed only for the better.
        proposals: to spend, about half on shaking; the descent of a single node goes beyond it.

    Returns:
        How far the proxy fell; 0 where the chain went back.
    """
    before = chain.cost.proxy
    nodes = nodes_around(chain, _pick_cell(chain), 1.0 + (RADIUS_CELLS - 1.0) * chain.draw())
    if len(nodes) == 0:
        chain.proposals += max(proposals, 1)
        return 0.0
    kept = chain.engine.placement
    warm = WARM * (0.3 + 1.4 * chain.draw()) / chain.movable
    chain.anneal(max(proposals // 2, 1), warm, warm / 10, nodes)
    spent = proposals // 2
    while spent < proposals:
        made = chain.proposals
        fall = chain.descend(proposals - spent, nodes)
        spent += max(chain.proposals - made, 1)
        if fall < 1e-9:
            break
    fall = before - chain.cost.proxy
    if fall > 0:
        return fall
    chain.go_to(kept)
    return 0.0


def _pick_cell(chain: Chain) -> int:
    """Return a cell: one of the densest or fullest, or any."""
    state, cv = chain.engine.state, chain.problem.canvas
    cells = cv.num_cells
    if chain.draw() < ANYWHERE:
        return int(chain.draw() * cells)
    if chain.draw() < 0.5:
        heat = state.density
    else:
        # V lies by columns, H by rows.
        v = state.load[:cells].reshape(cv.columns, cv.rows).T.ravel()
        heat = np.maximum(v, state.load[cells:])
    hot = np.argsort(-heat, kind="stable")[: max(int(HOTTEST * cells), 1)]
    return int(hot[int(chain.draw() * len(hot))])


def nodes_around(chain: Chain, cell: int, radius_cells: float) -> npt.NDArray[np.int64]:
    """Return the movable nodes that overlap the square of cells around a cell."""
    state, cv, nl = chain.engine.state, chain.problem.canvas, chain.problem.netlist
    row, column = divmod(cell, cv.columns)
    x, y = (column + 0.5) * cv.cell_w_um, (row + 0.5) * cv.cell_h_um
    movable = np.concatenate([chain.room.hard, chain.room.soft]).astype(np.int64)
    w, h = oriented_size_um(nl.node_w_um[movable], nl.node_h_um[movable], state.orient[movable])
    near = np.abs(state.x[movable] - x) < w / 2 + radius_cells * cv.cell_w_um
    near &= np.abs(state.y[movable] - y) < h / 2 + radius_cells * cv.cell_h_um
    return movable[near]
