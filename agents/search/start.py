"""The complete legal placement that a search begins with."""

from __future__ import annotations

import numpy as np

from agents.base import Budget
from agents.random_ import RandomAgent
from floorplan.cost import CostOptions
from floorplan.env import ConstructConfig
from floorplan.env.arrays import movable_orient
from floorplan.errors import InfeasibleProblemError, ProblemError
from floorplan.legalize import legalize
from floorplan.netlist import Placement, Problem
from floorplan.soft import make_soft_placer

__all__ = ["STARTS", "check_start", "legal_start"]

STARTS = ("auto", "initial", "random")


def check_start(kind: str) -> None:
    """Raise ProblemError unless `kind` is one of `STARTS`."""
    if kind not in STARTS:
        raise ProblemError(f"start must be one of {', '.join(STARTS)}, got {kind!r}")


def legal_start(problem: Problem, kind: str, options: CostOptions, seed: int) -> Placement:
    """Return a legal placement of all nodes.

    Args:
        problem: what is placed.
        kind: `initial` (the problem's own, its hard macros moved as little as legality asks for), `random` (hard macros
            on random legal cells), or `auto`: `initial` where all hard macros have a position, else `random`. Soft
            macros without a position are placed around the hard ones.
        options: of the cost.
        seed: of the random start.

    Raises:
        ProblemError: the kind is unknown, or `initial` is wanted and leaves a hard macro unplaced.
        InfeasibleProblemError: no legal placement was found.
    """
    check_start(kind)
    initial = problem.initial
    missing = int((~initial.placed[problem.netlist.hard]).sum())
    if kind == "initial" and missing:
        raise ProblemError(f"start 'initial' needs all hard macros placed; {missing} are not")
    if kind == "initial" or (kind == "auto" and not missing):
        start = legalize(problem, initial)
        if start.placed.all():
            return start
        soft = make_soft_placer("quadratic", problem, options).place(start)
        keep = start.placed
        x, y = soft.x_um.copy(), soft.y_um.copy()
        x[keep], y[keep] = start.x_um[keep], start.y_um[keep]
        return legalize(problem, soft.replace(x, y), tries=0)
    try:
        made = RandomAgent(num_envs=1, config=ConstructConfig(cost=options)).place(problem, Budget("e", 1), seed)
    except InfeasibleProblemError:
        # Too full for cells drawn at random: overlaps allowed at first, the legaliser sorts them out.
        return legalize(problem, _scattered(problem, options, seed))
    return legalize(problem, made.placement, tries=0)


def _scattered(problem: Problem, options: CostOptions, seed: int) -> Placement:
    """Return hard macros anywhere inside the canvas, the soft ones placed around them."""
    rng = np.random.default_rng(seed)
    initial, hard, cv = problem.initial, problem.movable_hard, problem.canvas
    x, y, orient = initial.x_um.copy(), initial.y_um.copy(), initial.orient.copy()
    x[hard], y[hard] = rng.random((2, len(hard))) * [[cv.width_um], [cv.height_um]]
    orient[hard] = movable_orient(problem)
    spread = initial.replace(x, y, orient, np.ones(len(x), np.bool_))
    return make_soft_placer("quadratic", problem, options).place(spread)
