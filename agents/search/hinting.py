"""When a policy is asked for new hints, so that it takes no more than its share of a budget."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agents.base import BudgetClock
from agents.search.guide import Guide
from floorplan.cost import CostOptions
from floorplan.netlist import Problem
from floorplan.search import Chain

__all__ = ["PASS_PROPOSALS", "SETUP_SECONDS", "Hinting"]

PASS_PROPOSALS = 100
"""Proposals that a macro's pass through a network counts as: it takes about 1.2 ms, a proposal 5 to 15 us."""

SETUP_SECONDS = 4.0
"""What the import of torch and the network take; where the share of a budget is less, there are no hints."""

IDLE_RATE = 0.0101
"""Rate of hints at or below which they do not pay: the next ones are then waited for twice as long."""


class Hinting:
    """Gives the chains of a team hints from a policy now and then.

    In a budget of seconds what counts is the time that hints take, in one of proposals `PASS_PROPOSALS` a macro, which
    are added to those spent: such a run depends on no clock.

    Args:
        problem: what is placed.
        policy: weights file.
        cost: weights and options of the proxy cost.
        share: of the budget that hints may take.

    Attributes:
        given: times that there were hints.
    """

    def __init__(self, problem: Problem, policy: Path, cost: CostOptions, share: float) -> None:
        self._given = (problem, policy, cost)
        self._macros = len(problem.movable_hard)
        self._share = share
        self._guide: Guide | None = None
        self._next = 0.0
        self._patience = 1.0
        self.given = 0

    def give(self, chains: Sequence[Chain], clock: BudgetClock) -> None:
        """Give all chains new hints if it is time to."""
        counted = clock.budget.kind == "p"
        passes = PASS_PROPOSALS * self._macros * len(chains)
        price = float(passes) if counted else SETUP_SECONDS
        now = float(clock.proposals) if counted else clock.seconds
        if self._macros == 0 or price > self._share * clock.budget.amount or now < self._next or clock.spent:
            return
        if self._guide is None:
            self._guide = Guide(*self._given)
        elif all(c.hint_rate <= IDLE_RATE for c in chains):
            self._patience *= 2
        else:
            self._patience = 1.0
        for c in chains:
            c.hint(*self._guide.hints(c.engine.placement))
        if counted:
            clock.proposals += passes
        took = price if counted else clock.seconds - now
        # The first time includes the set-up, which need not be waited off.
        once = took if counted or self.given else took - min(took, SETUP_SECONDS)
        self._next = now + took + self._patience * once / self._share
        self.given += 1
