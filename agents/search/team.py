"""Several search chains side by side under one budget, the better ones taken over by the others now and then."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from agents.base import BudgetClock, ProgressCallback
from agents.search.hinting import Hinting
from floorplan.cost import Cost, CostEngine, CostOptions
from floorplan.netlist import Placement, Problem
from floorplan.parallel import share_out
from floorplan.search import Chain

__all__ = ["Team"]

LEAST_SLICE = 2000
"""Proposals of a slice of a budget in seconds, however short it is."""


class Team:
    """Chains that spend one budget together.

    How many there are is fixed, not taken from the machine, so that a budget in proposals gives the same result
    everywhere; they share the cores there are.

    Args:
        problem: what is placed.
        starts: legal placements; chain k begins with number k modulo their count.
        seed: of everything random.
        options: of the cost.
        chains: how many.
        clock: of the budget.
        progress: is told after every slice.
        hinting: gives the chains hints between slices.

    Attributes:
        chains: the chains.
    """

    def __init__(
        self,
        problem: Problem,
        starts: list[Placement],
        seed: int,
        options: CostOptions,
        chains: int,
        clock: BudgetClock,
        progress: ProgressCallback | None = None,
        hinting: Hinting | None = None,
    ) -> None:
        seeds = np.random.SeedSequence(seed).generate_state(chains, np.uint64).tolist()
        self.problem = problem
        self.chains = [Chain(problem, starts[k % len(starts)], s, options) for k, s in enumerate(seeds)]
        self.clock = clock
        self._engine = CostEngine(problem, options)
        self._progress = progress
        self._hinting = hinting
        self._seconds_per_proposal = 2e-5
        self._told: tuple[float, Cost] | None = None

    @property
    def best(self) -> Chain:
        """The chain with the best placement seen; the first of equals."""
        return min(self.chains, key=lambda c: c.best_proxy)

    def best_cost(self) -> Cost:
        """Return the full cost of the best placement seen, computed by the full engine."""
        best = self.best
        if self._told is None or self._told[0] != best.best_proxy:
            self._told = (best.best_proxy, self._engine.full(best.best_placement))
        return self._told[1]

    def slice_proposals(self, share: float) -> int:
        """Return how many proposals a chain may make in a slice of the budget, which is `share` of the whole."""
        budget = self.clock.budget
        n = len(self.chains)
        if budget.kind == "p":
            return max(min(int(budget.amount * share), (self.clock.proposals_left or 0)) // n, 0)
        seconds = min(max(budget.amount * share, 0.02), max(budget.amount - self.clock.seconds, 0.0))
        return max(int(seconds / self._seconds_per_proposal), LEAST_SLICE)

    def run(self, work: Callable[[int, Chain], None], note: str = "") -> None:
        """Let work(k, chain) run on every chain, all at the same time, and count what it took."""
        if self._hinting is not None:
            self._hinting.give(self.chains, self.clock)
        before = [c.proposals for c in self.chains]
        started = self.clock.seconds

        def call(_lane: int, begin: int, end: int) -> None:
            for k in range(begin, end):
                work(k, self.chains[k])

        share_out(call, len(self.chains))
        made = [c.proposals - b for c, b in zip(self.chains, before, strict=True)]
        self.clock.proposals += sum(made)
        if max(made) > 0:
            # Chains may have to take turns on a core; what counts is the time until all are done.
            self._seconds_per_proposal = max((self.clock.seconds - started) / max(made), 1e-8)
        if self._progress is not None:
            self._progress(self.clock.progress(self.best_cost(), note, self.best.best_placement))

    def follow_winner(self) -> None:
        """Let the chain that stands worst go on from where the one that stands best is."""
        order = sorted(range(len(self.chains)), key=lambda k: self.chains[k].cost.proxy)
        if len(order) > 1:
            winner = self.chains[order[0]].engine.placement
            self.chains[order[-1]].go_to(winner)

    def gather(self) -> None:
        """Let every chain go on from the best placement seen."""
        best = self.best.best_placement
        for c in self.chains:
            c.go_to(best)
