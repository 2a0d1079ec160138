"""Which way each hard macro is turned."""

from __future__ import annotations

import numpy as np

from agents.base import BudgetClock
from floorplan.cost import Cost, CostEngine
from floorplan.netlist import Placement, check_legality

__all__ = ["FLIP_CHUNK", "improve_flips"]

FLIP_CHUNK = 32
"""Flips costed in one call, between two looks at the clock."""


def improve_flips(engine: CostEngine, placement: Placement, cost: Cost, clock: BudgetClock) -> tuple[Placement, Cost]:
    """Turn hard macros among the orientations that keep their size, where the exact cost falls; one proposal a flip.

    All single flips are costed first; those that help are then tried one upon the other, the best first.
    """
    problem = engine.problem
    moves: list[tuple[int, int]] = []
    for node in problem.movable_hard.tolist():
        now = int(placement.orient[node])
        kin = range(4) if now < 4 else range(4, 8)
        moves += [(node, o) for o in kin if o != now and (int(problem.allowed_orient[node]) >> o) & 1]
    gains: list[tuple[float, int, int]] = []
    for begin in range(0, len(moves), FLIP_CHUNK):
        if clock.spent:
            break
        left = clock.proposals_left
        part = moves[begin : begin + FLIP_CHUNK][:left]
        orient = np.tile(placement.orient, (len(part), 1))
        for k, (node, o) in enumerate(part):
            orient[k, node] = o
        x, y = np.tile(placement.x_um, (len(part), 1)), np.tile(placement.y_um, (len(part), 1))
        proxy = engine.batch(x, y, orient).proxy
        clock.proposals += len(part)
        gains += [(float(p), *move) for p, move in zip(proxy, part, strict=True) if p < cost.proxy]
    for _, node, o in sorted(gains):
        if clock.spent:
            break
        turned = placement.orient.copy()
        turned[node] = o
        tried = placement.replace(orient=turned)
        # A halo turns with its macro, perhaps onto a neighbour's.
        if problem.has_halos and not check_legality(problem, tried).legal:
            continue
        new = engine.full(tried)
        clock.proposals += 1
        if new.proxy < cost.proxy:
            placement, cost = tried, new
    return placement, cost
