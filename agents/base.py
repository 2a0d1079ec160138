"""What an agent is, what it may spend, and what it hands back."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from floorplan.cost import Cost
from floorplan.errors import BudgetError, InfeasibleProblemError
from floorplan.interrupt import stop_wanted
from floorplan.netlist import Legality, Placement, Problem, check_legality

__all__ = ["BUDGET_KINDS", "Agent", "Budget", "BudgetClock", "Progress", "ProgressCallback", "Result", "legal_result"]

BUDGET_KINDS = {"s": "seconds", "p": "proposals", "e": "episodes"}

_BUDGET = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([a-z]+)")
_UNITS = {"s": ("s", 1.0), "m": ("s", 60.0), "h": ("s", 3600.0), "p": ("p", 1.0), "e": ("e", 1.0)}


@dataclass(frozen=True)
class Budget:
    """What an agent may spend.

    Attributes:
        kind: `s` seconds, `p` proposals (candidate positions tried for one macro), `e` episodes (complete placements).
        amount: how many of them, above 0; proposals and episodes are whole numbers.
    """

    kind: str
    amount: float

    def __post_init__(self) -> None:
        if self.kind not in BUDGET_KINDS:
            raise BudgetError(f"budget kind must be one of {', '.join(BUDGET_KINDS)}, got {self.kind!r}")
        if not (math.isfinite(self.amount) and self.amount > 0):
            raise BudgetError(f"budget must be positive, got {self.amount:g}{self.kind}")
        if self.kind != "s" and self.amount != int(self.amount):
            raise BudgetError(f"{BUDGET_KINDS[self.kind]} come in whole numbers, got {self.amount:g}{self.kind}")

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Read `60s`, `5m` or `1h` (time), `200000p` (proposals) or `10e` (episodes).

        Raises:
            BudgetError: the text is none of these, or its amount is zero or no whole number of proposals or episodes.
        """
        found = _BUDGET.fullmatch(text.strip())
        if found is None or found[2] not in _UNITS:
            raise BudgetError(f"budget {text!r} is not of the form 60s, 5m, 200000p or 10e")
        kind, scale = _UNITS[found[2]]
        return cls(kind, float(found[1]) * scale)

    def __str__(self) -> str:
        return f"{self.amount:.15g}{self.kind}"


@dataclass(frozen=True)
class Progress:
    """How far an agent has come.

    Attributes:
        spent_frac: share of the budget spent, 0 to 1.
        seconds: wall clock since the start.
        proposals: spent so far.
        episodes: complete placements so far.
        best: cost of the best placement so far, None before the first.
        note: a word on what is going on (`3 dead ends`), for display.
        placement: the best so far, where the agent shows it; legal or not yet.
    """

    spent_frac: float
    seconds: float
    proposals: int
    episodes: int
    best: Cost | None = None
    note: str = ""
    placement: Placement | None = None


ProgressCallback = Callable[[Progress], None]


@dataclass(frozen=True)
class Result:
    """What an agent hands back; the placement is complete and legal.

    Attributes:
        placement: of all nodes.
        cost: exact, of that placement.
        legality: of that placement.
        proposals: candidate positions tried.
        episodes: complete placements made.
        seconds: wall clock spent.
    """

    placement: Placement
    cost: Cost
    legality: Legality
    proposals: int
    episodes: int
    seconds: float

    def _repr_html_(self) -> str:
        from floorplan.notebook import layout_html

        ended = "1 episode" if self.episodes == 1 else f"{self.episodes:,} episodes"
        spent = f"{self.proposals:,} proposals, {ended}, {self.seconds:.1f} s"
        return layout_html(self.placement, self.cost, [("spent", spent)])


@runtime_checkable
class Agent(Protocol):
    """Anything that turns a problem into a placement.

    An agent's options go to its constructor. It keeps no state between calls of `place`; the same problem, budget in
    proposals or episodes, and seed give the same result.
    """

    name: str

    def place(self, problem: Problem, budget: Budget, seed: int, progress: ProgressCallback | None = None) -> Result:
        """Return the best legal placement found within the budget.

        Raises:
            InfeasibleProblemError: none was found.
        """
        ...


class BudgetClock:
    """Counts what has been spent and says when the budget is used up.

    Attributes:
        budget: the limit.
        proposals: spent so far; the agent adds to it.
        episodes: complete placements so far; likewise.
    """

    def __init__(self, budget: Budget, now: Callable[[], float] = time.perf_counter) -> None:
        self.budget = budget
        self.proposals = 0
        self.episodes = 0
        self._now = now
        self._start = now()

    @property
    def seconds(self) -> float:
        """Wall clock since the clock was made."""
        return self._now() - self._start

    @property
    def spent_frac(self) -> float:
        """Share of the budget spent; may exceed 1 by the last step, and is at least 1 once the user asks to stop."""
        if stop_wanted():
            return max(1.0, self._used_frac)
        return self._used_frac

    @property
    def _used_frac(self) -> float:
        used = {"s": self.seconds, "p": float(self.proposals), "e": float(self.episodes)}[self.budget.kind]
        return used / self.budget.amount

    @property
    def spent(self) -> bool:
        """True once nothing is left."""
        return self.spent_frac >= 1.0

    @property
    def proposals_left(self) -> int | None:
        """Proposals that may still be made; None if the budget is of another kind."""
        return max(0, int(self.budget.amount) - self.proposals) if self.budget.kind == "p" else None

    @property
    def episodes_left(self) -> int | None:
        """Episodes that may still be completed; None if the budget is of another kind."""
        return max(0, int(self.budget.amount) - self.episodes) if self.budget.kind == "e" else None

    def progress(self, best: Cost | None = None, note: str = "", placement: Placement | None = None) -> Progress:
        """Return the state of affairs for a progress callback."""
        spent = min(1.0, self.spent_frac)
        return Progress(spent, self.seconds, self.proposals, self.episodes, best, note, placement)


def legal_result(problem: Problem, placement: Placement, cost: Cost, clock: BudgetClock) -> Result:
    """Make a result of a placement, checked once more.

    Raises:
        InfeasibleProblemError: the placement is illegal after all; the message says why.
    """
    legality = check_legality(problem, placement)
    if not legality.legal:
        raise InfeasibleProblemError(f"the best placement found is not legal: {legality.summary()}")
    return Result(placement.on(problem), cost, legality, clock.proposals, clock.episodes, clock.seconds)
