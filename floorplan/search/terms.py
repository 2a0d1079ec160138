"""Cost terms of a user's own: added to the exact proxy, for scores, for the game's reward, and for annealing.

A package makes a term known with two lines in its pyproject.toml, as it does an agent:

    [project.entry-points."floorplan.terms"]
    apart = "hot_apart:HotApart"

What stands there is called with a problem and returns a function from placements to numbers; lower is better.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Protocol

import numpy as np
import numpy.typing as npt

from floorplan.cost import Cost, CostEngine, CostOptions
from floorplan.errors import ProblemError, UnknownNameError
from floorplan.netlist import Placement, Problem

__all__ = ["TERMS_GROUP", "CostTerms", "Term", "TermScore", "term_names"]

TERMS_GROUP = "floorplan.terms"
"""Entry-point group of cost terms."""

Term = Callable[[Problem], Callable[[Placement], float]]
"""What a cost term is: called once with the problem, then with each complete placement of it."""


class Episode(Protocol):
    """A complete episode, such as `floorplan.env` lists under `finished`."""

    @property
    def placement(self) -> Placement:
        """Of all nodes."""
        ...

    @property
    def cost(self) -> Cost:
        """Its exact cost."""
        ...


@dataclass(frozen=True)
class TermScore:
    """A placement by the proxy and by added terms.

    Attributes:
        cost: exact cost, terms not counted.
        terms: value of each term, its weight not applied.
        added: sum of weight x term.
    """

    cost: Cost
    terms: Mapping[str, float]
    added: float

    @property
    def total(self) -> float:
        """Proxy and what the terms add; lower is better."""
        return self.cost.proxy + self.added


class CostTerms:
    """The proxy cost of a problem and weighted terms beside it.

    Attributes:
        problem: what is placed.
        weights: of the terms, by name.
        options: of the proxy.
    """

    def __init__(
        self,
        problem: Problem,
        weights: Mapping[str, float],
        terms: Mapping[str, Term] | None = None,
        options: CostOptions | None = None,
    ) -> None:
        """Make the terms for the problem.

        Args:
            problem: what is placed.
            weights: of each term, above 0.
            terms: those that no installed package declares, by name.
            options: of the proxy.

        Raises:
            UnknownNameError: no package and nothing in `terms` has the name.
            ProblemError: a weight is not above 0, or there is none.
        """
        if not weights:
            raise ProblemError("cost terms need at least one name with its weight")
        for name, weight in weights.items():
            if not (math.isfinite(weight) and weight > 0):
                raise ProblemError(f"weight of cost term {name!r} must be above 0, got {weight}")
        self.problem, self.options = problem, options or CostOptions()
        self.weights = MappingProxyType(dict(weights))
        self._functions = {name: ((terms or {}).get(name) or _installed(name))(problem) for name in weights}
        self._engine: CostEngine | None = None

    def score(self, placement: Placement) -> TermScore:
        """Return the score of a complete placement, its cost computed by the full engine.

        Raises:
            ProblemError: the placement is of another netlist, or a term is not a finite number.
        """
        if self._engine is None:
            self._engine = CostEngine(self.problem, self.options)
        return self.of(placement, self._engine.full(placement))

    def of(self, placement: Placement, cost: Cost) -> TermScore:
        """Return the score of a complete placement whose cost is known.

        Raises:
            ProblemError: a term is not a finite number.
        """
        values = {name: float(function(placement)) for name, function in self._functions.items()}
        for name, value in values.items():
            if not math.isfinite(value):
                raise ProblemError(f"cost term {name!r} gave {value} for a placement; terms are finite numbers")
        added = sum(self.weights[name] * value for name, value in values.items())
        return TermScore(cost, MappingProxyType(values), added)

    def episodes(self, finished: Sequence[Episode]) -> npt.NDArray[np.float64]:
        """Return what complete episodes earn, (K,): minus their totals.

        It is what `ConstructBatch(problem, 16, reward_of=terms.episodes)` asks for.
        """
        return np.array([-self.of(f.placement, f.cost).total for f in finished], np.float64)


def term_names() -> list[str]:
    """Return the names of the cost terms that installed packages declare, sorted."""
    return sorted({entry.name for entry in entry_points(group=TERMS_GROUP)})


def _installed(name: str) -> Term:
    for entry in entry_points(group=TERMS_GROUP, name=name):
        found: Term = entry.load()
        return found
    raise UnknownNameError("cost term", name, term_names())
