"""Where soft macros are likely to end up while hard macros are still to come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from floorplan.cost import CostOptions
from floorplan.netlist import NodeKind, Placement, Problem
from floorplan.soft.base import SoftPlacer

__all__ = ["soft_outlook"]


def soft_outlook(
    problem: Problem,
    now: Placement,
    make: Callable[[Problem, CostOptions], SoftPlacer],
    cost_options: CostOptions | None = None,
) -> Placement:
    """Place the soft macros around the hard macros that stand, and with them those to come as if they were soft.

    Args:
        problem: what is being placed.
        now: (N,) nodes; hard macros to come are not placed.
        make: constructor of the soft-macro placer to use.
        cost_options: of the proxy.

    Returns:
        All nodes placed; hard macros to come stand where they would like to be, overlaps and all.
    """
    kind = problem.netlist.node_kind.copy()
    kind[problem.movable_hard[~now.placed[problem.movable_hard]]] = NodeKind.SOFT
    kind.flags.writeable = False
    relaxed = problem.replace(netlist=replace(problem.netlist, node_kind=kind))
    placer = make(relaxed, cost_options or CostOptions())
    return placer.place(now.replace(placed=np.ones(len(now), np.bool_)))
