"""Exact costs of B placements of one problem, each kept by an incremental engine of its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from floorplan.cost import Cost, CostOptions
from floorplan.cost.incremental import IncrementalCost, new_state
from floorplan.netlist import Placement, Problem

__all__ = ["ExactCosts"]


class _Sibling(IncrementalCost):
    """Holds one more placement of a problem, with the tables of the engine that was built first."""

    def __init__(self, first: IncrementalCost) -> None:
        self.problem, self.options, self.tables = first.problem, first.options, first.tables
        self.state = new_state(self.tables)
        self._in_hand = None
        self._after = np.empty(3)
        self._fresh = self.state.total.copy()

    def load(self, placement: Placement) -> Cost:
        """Start anew, from nothing that was learnt of placements before: the bits depend on this one alone."""
        self.state.total[:] = self._fresh
        return super().load(placement)


class ExactCosts:
    """Builds an engine for an environment when it is first asked for; their tables, which take longest, are shared."""

    def __init__(self, problem: Problem, num_envs: int, options: CostOptions) -> None:
        self._problem = problem
        self._options = options
        self._first: IncrementalCost | None = None
        self._engines: list[_Sibling | None] = [None] * num_envs
        self._loaded = np.zeros(num_envs, np.bool_)

    def at(self, env: int, placement: Callable[[int], Placement]) -> IncrementalCost:
        """Return the engine of an environment; one that was forgotten is loaded with `placement(env)` first."""
        engine = self._engines[env]
        if engine is None:
            if self._first is None:
                self._first = IncrementalCost(self._problem, placement(env), self._options)
            engine = self._engines[env] = _Sibling(self._first)
        if not self._loaded[env]:
            engine.load(placement(env))
            self._loaded[env] = True
        return engine

    def forget(self, which: npt.NDArray[np.bool_]) -> None:
        """Note that the placements of some environments, (B,) bool, are others now."""
        self._loaded[which] = False
