"""Exact costs of B placements of one problem, each kept by an incremental engine of its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from floorplan.cost import CostOptions
from floorplan.cost.incremental import IncrementalCost
from floorplan.cost.tables import MoveTables
from floorplan.netlist import Placement, Problem

__all__ = ["ExactCosts"]


class ExactCosts:
    """Builds an engine for an environment when it is first asked for; their tables, which take longest, are shared."""

    def __init__(self, problem: Problem, num_envs: int, options: CostOptions) -> None:
        self._problem = problem
        self._options = options
        self._tables: MoveTables | None = None
        self._engines: list[IncrementalCost | None] = [None] * num_envs

    def at(self, env: int, placement: Callable[[int], Placement]) -> IncrementalCost:
        """Return the engine of an environment; one that was forgotten is built anew for `placement(env)`."""
        engine = self._engines[env]
        if engine is None:
            # Not `load`, which learns from the placement before: the bits must depend on this one alone.
            engine = IncrementalCost(self._problem, placement(env), self._options, self._tables)
            self._engines[env], self._tables = engine, engine.tables
        return engine

    def forget(self, which: npt.NDArray[np.bool_]) -> None:
        """Note that the placements of some environments, (B,) bool, are others now."""
        for env in np.flatnonzero(which).tolist():
            self._engines[env] = None
