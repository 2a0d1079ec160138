"""Finished placements for the tests of the refine game."""

from __future__ import annotations

import numpy as np
from env_problems import PLAIN, crowded, hand_drawn, random_actions, random_problem

from floorplan.env import ConstructBatch
from floorplan.netlist import Placement, Problem, check_legality


def _about_movable(problem: Problem, placement: Placement) -> list[str]:
    names = {problem.netlist.node_name[i] for i in problem.movable_hard.tolist()}
    return [v.kind for v in check_legality(problem, placement).violations if names & set(v.nodes)]


def finished(seed: int, *, on_grid: bool = False, max_size: float = 0.9) -> tuple[Problem, Placement]:
    """Return a random problem and a legal placement of it: macros off the cells' centres, turned where they may be."""
    for attempt in range(seed, seed + 10**6):
        problem, rng = random_problem(attempt, max_size=max_size), np.random.default_rng(attempt)
        b = ConstructBatch(problem, 4, PLAIN)
        for _ in range(b.dims.macros):
            b.step(random_actions(b, rng))
        if b.finished:
            break
    placement = b.finished[0].placement
    cv = problem.canvas
    for node in problem.movable_hard.tolist() if not on_grid else []:
        for reach in (0.6, 0.1, 0.01):
            x, y, orient = placement.x_um.copy(), placement.y_um.copy(), placement.orient.copy()
            x[node] += rng.uniform(-reach, reach) * cv.cell_w_um
            y[node] += rng.uniform(-reach, reach) * cv.cell_h_um
            allowed = int(problem.allowed_orient[node])
            orient[node] = rng.choice([o for o in range(8) if allowed >> o & 1])
            if not _about_movable(problem, moved := Placement(x, y, orient, placement.placed)):
                placement = moved
                break
    return problem, placement


def wedged() -> tuple[Problem, Placement]:
    """Two macros on 2 x 1 cells, off the grid: m0 finds no legal cell, m1 finds the right one."""
    problem = crowded(2)
    return problem, Placement([3.5, 10.6, 0.0], [5.0, 5.0, 0.0], np.zeros(3), np.ones(3))


def roomy() -> tuple[Problem, Placement]:
    """The hand-drawn problem with A in the middle of the bottom row, B and C above it; all keep cell 4 free."""
    placement = Placement([15.0, 5, 15, 0], [5.0, 25, 25, 15], np.zeros(4), np.ones(4))
    return hand_drawn(), placement
