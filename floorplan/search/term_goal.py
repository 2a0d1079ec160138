"""Annealing for the proxy and added terms together, exactly, on top of chains that know the proxy alone."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from floorplan.cost import CostOptions
from floorplan.errors import ProblemError
from floorplan.interrupt import stop_wanted
from floorplan.netlist import Placement, Problem
from floorplan.search.chain import Chain
from floorplan.search.terms import CostTerms, TermScore

__all__ = ["TermGoal", "TermSearch", "anneal_terms"]

BURST = 16
"""Proposals between two looks at the terms. Fewer: more time goes to terms. More: more bursts are refused."""

HOT, COLD = 0.1, 0.0015
"""Temperatures in proxy cost times movable nodes: at the start warm enough to leave what the proxy alone prefers."""

_SHARE = {"s": 0.5, "p": 0.5}
"""Of a budget in seconds or proposals: what annealing with the terms gets, after an agent that does not know them."""


@dataclass(frozen=True, eq=False)
class TermSearch:
    """What annealing found.

    Attributes:
        placement: legal; the best by its total of start and all that was looked at.
        scored: its score, by the full engine.
        proposals: made, refused ones counted.
        seconds: spent.
    """

    placement: Placement
    scored: TermScore
    proposals: int
    seconds: float


def anneal_terms(
    terms: CostTerms,
    placement: Placement,
    seed: int,
    *,
    proposals: int | None = None,
    seconds: float | None = None,
    hot: float = HOT,
    cold: float = COLD,
) -> TermSearch:
    """Anneal a legal placement for proxy + terms; the result is legal and never worse than the start.

    The compiled chain makes a burst of moves at temperature T for the proxy alone; the burst as a whole then stays with
    probability min(1, exp(-(weighted change of the terms) / T)), or is taken back. For moves whose reverse is as likely
    that samples exactly what annealing of the sum would (Metropolis and Hastings, the chain being the proposal), and
    a term is computed once a burst. With a budget in proposals the same seed gives the same result.

    Args:
        terms: what to anneal for.
        placement: a legal one.
        seed: of everything random.
        proposals: most moves to try.
        seconds: most time to take.
        hot: temperature at the start, in proxy cost times the number of movable nodes.
        cold: at the end.

    Raises:
        ProblemError: the start is not legal, there is no budget, or the temperatures do not fall.
    """
    if proposals is None and seconds is None:
        raise ProblemError("annealing needs a budget of proposals or seconds")
    if not 0 < cold <= hot:
        raise ProblemError(f"temperatures must satisfy 0 < cold <= hot, got {cold} and {hot}")
    begin = time.perf_counter()
    # Chains of neighbouring seeds would draw the same numbers, one place apart.
    (spread,) = np.random.SeedSequence(seed).generate_state(1, np.uint64).tolist()
    chain = Chain(terms.problem, placement, spread, terms.options)
    best, kept = terms.score(placement), placement
    now, stands = terms.of(placement, chain.cost), placement
    lowest = best.total
    done = 0

    def spent() -> float:
        by_count = 0.0 if proposals is None else (done / proposals if proposals else 1.0)
        by_time = 0.0 if seconds is None else ((time.perf_counter() - begin) / seconds if seconds else 1.0)
        return max(by_count, by_time)

    while (frac := spent()) < 1.0 and not stop_wanted() and chain.movable:
        heat = hot * (cold / hot) ** frac / chain.movable
        burst = BURST if proposals is None else min(BURST, proposals - done)
        chain.anneal(burst, heat, heat)
        done += burst
        there = chain.engine.placement
        then = terms.of(there, chain.cost)
        change = then.added - now.added
        if change > 0 and chain.draw() >= math.exp(-change / heat):
            chain.go_to(stands)
            continue
        now, stands = then, there
        if now.total < lowest:
            lowest, kept = now.total, there
    if kept is not placement:
        scored = terms.score(kept)
        if scored.total >= best.total:
            kept, scored = placement, best
        best = scored
    return TermSearch(kept, best, done, time.perf_counter() - begin)


@dataclass(frozen=True)
class TermGoal:
    """Terms as what `floorplan place` is given to reach: an agent places for the proxy, annealing for the sum follows.

    Attributes:
        terms: what counts.
    """

    terms: CostTerms

    @property
    def surrogate(self) -> TermGoal:
        """What agents are given: problem and options as they are, since agents know no terms."""
        return self

    @property
    def problem(self) -> Problem:
        """What is placed."""
        return self.terms.problem

    @property
    def options(self) -> CostOptions:
        """Of the proxy."""
        return self.terms.options

    @property
    def reward(self) -> CostTerms:
        """What scores placements."""
        return self.terms

    def polish_share(self, budget_kind: str) -> float:
        """Return the share of a budget that annealing for the sum takes.

        Raises:
            ProblemError: the budget is in episodes, which annealing does not have.
        """
        if budget_kind not in _SHARE:
            raise ProblemError("cost terms need a budget in seconds or proposals, such as 60s")
        return _SHARE[budget_kind]

    def get_ready(self) -> None:
        """Do nothing: chains and engines are compiled with the agents'."""

    def finish(
        self, placement: Placement, seed: int, *, proposals: int | None = None, seconds: float | None = None
    ) -> TermSearch:
        """Anneal what an agent returned; the better of both comes back."""
        return anneal_terms(self.terms, placement, seed, proposals=proposals, seconds=seconds)

    def to_dict(self, scored: TermScore, before: TermScore) -> dict[str, Any]:
        """Return weights, values and what the agent alone had reached, as plain values."""
        return {
            "name": " + ".join(f"{weight:g} {name}" for name, weight in self.terms.weights.items()),
            "weights": dict(self.terms.weights),
            "terms": dict(scored.terms),
            "reward": -scored.total,
            "reward_before_polish": -before.total,
        }
