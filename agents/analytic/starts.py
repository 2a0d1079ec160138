"""Where a descent begins."""

from __future__ import annotations

import numpy as np

from floorplan.cost import CostOptions
from floorplan.env.arrays import movable_orient
from floorplan.errors import ProblemError
from floorplan.netlist import Placement, Problem
from floorplan.soft import DEFAULT_SOFT_PLACER, SOFT_PLACERS
from floorplan.soft.outlook import soft_outlook

__all__ = ["STARTS", "start_placement"]

STARTS = ("auto", "initial", "outlook", "random")


def start_placement(problem: Problem, kind: str, options: CostOptions, rng: np.random.Generator) -> Placement:
    """Return a complete placement, overlaps and all.

    Args:
        problem: what is placed.
        kind: `initial` (the problem's own), `outlook` (hard macros placed as if they were soft), `random` (hard macros
            anywhere, soft ones placed around them) or `auto` (`initial` where it is complete, else `outlook`).
        options: of the cost that the soft placer lowers.
        rng: draws the positions of `random`.

    Raises:
        ProblemError: the kind is unknown, or the initial placement is wanted and not complete.
    """
    if kind not in STARTS:
        raise ProblemError(f"start must be one of {', '.join(STARTS)}, got {kind!r}")
    initial = problem.initial
    complete = bool(initial.placed.all())
    if kind == "initial" and not complete:
        missing = int((~initial.placed).sum())
        raise ProblemError(f"start 'initial' needs a complete initial placement; {missing} nodes are unplaced")
    if kind == "initial" or (kind == "auto" and complete):
        return initial
    cv, hard, soft = problem.canvas, problem.movable_hard, problem.movable_soft
    x, y, placed = initial.x_um.copy(), initial.y_um.copy(), initial.placed.copy()
    orient = initial.orient.copy()
    orient[hard], orient[soft] = movable_orient(problem), 0
    x[hard], y[hard] = cv.width_um / 2, cv.height_um / 2
    if kind == "random":
        x[hard], y[hard] = rng.random(len(hard)) * cv.width_um, rng.random(len(hard)) * cv.height_um
    x[soft], y[soft] = cv.width_um / 2, cv.height_um / 2
    placed[:] = True
    placed[hard] = kind == "random"
    seen = Placement(x, y, orient, placed)
    return soft_outlook(problem, seen, SOFT_PLACERS[DEFAULT_SOFT_PLACER], options)
