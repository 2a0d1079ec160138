"""What the agents of exact search share: options, how a budget is read, and how they begin."""

from __future__ import annotations

from pathlib import Path

from agents.base import Budget, BudgetClock, ProgressCallback
from agents.search.guide import wanted_policy
from agents.search.hinting import Hinting
from agents.search.start import check_start, legal_start
from agents.search.team import Team
from floorplan.cost import CostOptions
from floorplan.errors import ProblemError
from floorplan.netlist import Placement, Problem

__all__ = ["EPISODE", "Searcher"]

EPISODE = 2_000_000
"""Proposals that stand for an episode of a budget."""


class Searcher:
    """An agent that improves a complete legal placement with a few chains.

    Args:
        start: `initial`, `random` or `auto`; see `agents.search.start`.
        chains: side by side; they share the cores there are.
        cost: weights and options of the proxy cost.
        guide: a policy that hints where hard macros may go: a path, `shipped`, or nothing.
        guide_share: of the budget that its hints may take.

    Raises:
        ProblemError: an option makes no sense.
        CheckpointError: there is no such policy.
    """

    def __init__(
        self, start: str, chains: int, cost: CostOptions | None, guide: str | Path = "", guide_share: float = 0.03
    ) -> None:
        check_start(start)
        if chains < 1:
            raise ProblemError(f"chains must be >= 1, got {chains}")
        if not 0 < guide_share <= 0.5:
            raise ProblemError(f"guide_share must lie in (0, 0.5], got {guide_share}")
        self.start = start
        self.chains = chains
        self.cost = cost or CostOptions()
        self.guide = wanted_policy(guide)
        self.guide_share = guide_share

    def _clock(self, budget: Budget, episode: int = EPISODE) -> BudgetClock:
        """Return a running clock; a budget in episodes becomes one of `episode` proposals each."""
        return BudgetClock(Budget("p", budget.amount * episode) if budget.kind == "e" else budget)

    def _first(self, problem: Problem, seed: int) -> Placement:
        """Return the legal placement to begin with; errors as in `legal_start`."""
        return legal_start(problem, self.start, self.cost, seed)

    def _team(
        self,
        problem: Problem,
        starts: list[Placement],
        seed: int,
        clock: BudgetClock,
        progress: ProgressCallback | None,
    ) -> Team:
        """Return the chains, chain k at number k modulo the count of `starts`."""
        hinting = None if self.guide is None else Hinting(problem, self.guide, self.cost, self.guide_share)
        return Team(problem, starts, seed, self.cost, self.chains, clock, progress, hinting)
