"""The agent `portfolio`: seeds of several kinds, trials that pick among them, then annealing and descent."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from agents.analytic import AnalyticAgent
from agents.base import Budget, BudgetClock, Progress, ProgressCallback, Result, legal_result
from agents.search.anneal import Schedule, anneal_team
from agents.search.descent import descend_team
from agents.search.guide import wanted_policy
from agents.search.heat import starting_heat
from agents.search.hinting import PASS_PROPOSALS, SETUP_SECONDS
from agents.search.searcher import EPISODE, Searcher
from agents.search.team import Team
from floorplan.cost import Cost, CostEngine, CostOptions
from floorplan.errors import CheckpointError, InfeasibleProblemError, ProblemError
from floorplan.netlist import Placement, Problem, check_legality
from floorplan.search import Chain

log = logging.getLogger(__name__)

__all__ = ["PortfolioAgent", "Shares"]

LEAST_STEPS = 60
"""Gradient steps below which an analytic seed is not worth its start-up."""

STEP_SECONDS = 0.02
"""What a gradient step is taken to last when a budget in seconds is divided, before one has been measured."""

EPISODE_SECONDS = 1.0
"""What the policy must have left, after its set-up, to be asked for a placement."""

MOST_EPISODES = 64
"""Of the policy, however long the budget."""

KNOCK_OUT = 3
"""One in so many seeds enters the next round of trials."""

APART = 0.5
"""Share of the main run that chains from different seeds keep to themselves: while hot, their costs say little."""

LEAST_TRIED, TRIED_SHARE = 4, 4
"""Of the policy's placements one in four is tried, but no fewer than four where there are as many."""

ANALYTIC_STARTS = ("initial", "outlook")
"""Where analytic seeds begin: at the placement there is, and on an empty canvas."""

HEAT_SHARE = 0.02
"""Of the budget, what may be spent on measuring how hot to start."""

PROPOSAL_SECONDS = 1.2e-5
"""What a proposal is taken to last for that."""


@dataclass(frozen=True)
class Shares:
    """How the budget is divided; what is left over is for annealing.

    Attributes:
        seeds: for analytic seeds, all together.
        policy: for placements by the policy, where there is one; 0 for none.
        trials: for short annealing runs from each seed at each temperature, all together.
        descent: for descent at the end.
    """

    seeds: float = 0.15
    policy: float = 0.1
    trials: float = 0.12
    descent: float = 0.04

    def __post_init__(self) -> None:
        values = (self.seeds, self.policy, self.trials, self.descent)
        if min(values) < 0 or sum(values) > 0.9:
            raise ProblemError(f"shares must be >= 0 and leave a tenth for annealing, got {values}")


class PortfolioAgent(Searcher):
    """Spends its budget on what works: analytic seeds, trials, annealing, descent.

    1. Seeds: the legalised initial placement where there is one, what `analytic` makes of it, and of an empty canvas;
       with a policy, where the budget has seconds for it, the best of its placements in the four mirrored views.
    2. Trials: how hot to start is measured on the best seed (`agents.search.heat`); a short annealing run from every
       seed tells which go on. Where a seed has its macros decides most of what a minute of annealing comes to.
    3. Annealing of a few chains, each from another of the best, the worst going on from the best now and then.
    4. Descent at the end.

    A gradient step moves every node at once and counts as one proposal a movable node. The best legal placement of
    all phases is kept, so that stopping anywhere has a result.

    Args:
        start: `initial`, `random` or `auto`: what stands for the initial placement; see `agents.search.start`.
        hots: starting temperatures tried instead of the one measured, as in `agents.search.anneal.Schedule`.
        schedule: of the main run; its `hot` is not used.
        shares: of the budget.
        chains: side by side; they share the cores there are.
        cost: weights and options of the proxy cost.
        policy: whose placements are seeds: a path, `shipped` (where there is one), or nothing.
        guide: a policy that hints where hard macros may go: a path, `shipped`, or nothing.
        guide_share: of the budget that its hints may take.
    """

    name = "portfolio"
    warm_up = "40000p"  # so much that the analytic seeds are run too

    def __init__(
        self,
        start: str = "auto",
        hots: tuple[float, ...] = (),
        schedule: Schedule | None = None,
        shares: Shares | None = None,
        chains: int = 2,
        cost: CostOptions | None = None,
        policy: str | Path = "",
        guide: str | Path = "",
        guide_share: float = 0.03,
    ) -> None:
        super().__init__(start, chains, cost, guide, guide_share)
        if min(hots, default=1.0) <= 0:
            raise ProblemError("hots must be above 0")
        self.hots = tuple(hots)
        self.schedule = schedule or Schedule()
        self.shares = shares or Shares()
        self.policy = wanted_policy(policy)

    def place(self, problem: Problem, budget: Budget, seed: int, progress: ProgressCallback | None = None) -> Result:
        """Return the best placement of all phases; an episode of the budget stands for two million proposals.

        Raises:
            InfeasibleProblemError: no legal start was found.
            ProblemError: the start `initial` is wanted and leaves a hard macro unplaced.
        """
        clock = self._clock(budget)
        seeds = self._seeds(problem, clock, seed, progress)
        seed_best = min(seeds, key=lambda s: s[1].proxy)
        hots = self.hots or (self._heat(problem, seed_best[0], clock, seed),)
        starts = self._trials(problem, [p for p, _ in seeds], hots, clock, seed, progress)
        team = self._team(problem, [p for p, _ in starts], seed, clock, progress)
        cooling = replace(self.schedule, hot=max(starts[0][1], self.schedule.cold))
        apart = APART if len(starts) > 1 else 0.0
        anneal_team(team, cooling, clock.spent_frac, 1.0 - self.shares.descent, "anneal", apart=apart)
        team.gather()
        descend_team(team, 3000, note="descent")
        clock.episodes = clock.proposals // EPISODE
        placement, cost = team.best.best_placement, team.best_cost()
        if seed_best[1].proxy < cost.proxy:
            placement, cost = seed_best
        return legal_result(problem, placement, cost, clock)

    def _seeds(
        self, problem: Problem, clock: BudgetClock, seed: int, progress: ProgressCallback | None
    ) -> list[tuple[Placement, Cost]]:
        """Return legal placements to begin with, the given one first."""
        first = self._first(problem, seed)
        engine = CostEngine(problem, self.cost)
        out = [(first, engine.full(first))]
        for n, kind in enumerate(ANALYTIC_STARTS):
            given = problem.replace(initial=first) if kind == "initial" else problem
            made = self._analytic(given, kind, clock, seed + n, out[0][1], progress)
            if made is not None:
                out.append((made.placement, made.cost))
        return [*out, *self._by_policy(problem, engine, clock, seed)]

    def _by_policy(
        self, problem: Problem, engine: CostEngine, clock: BudgetClock, seed: int
    ) -> list[tuple[Placement, Cost]]:
        """Return what the policy makes of its part of the budget: none without one, or where that is too little."""
        movable = len(problem.movable_hard)
        if self.policy is None or movable == 0 or clock.spent:
            return []
        part = clock.budget.amount * self.shares.policy
        price = PASS_PROPOSALS * movable
        begun = clock.spent_frac
        counted = clock.budget.kind == "p"
        most = min(int(part / price), MOST_EPISODES) if counted else MOST_EPISODES
        if most < 1 or (not counted and part < SETUP_SECONDS + EPISODE_SECONDS):
            return []

        from agents.infer.views import WIDTH, rounds_of_views

        out: list[tuple[Placement, Cost]] = []

        def over() -> bool:
            return clock.spent if counted else clock.spent_frac - begun >= self.shares.policy

        rounds = math.ceil(most / WIDTH)
        width = most // rounds
        try:
            for made in islice(rounds_of_views(problem, self.policy, seed, over, width), rounds):
                legal = [p for p, _ in made if check_legality(problem, p).legal]
                # The game's own cost weights may be others than those of this search.
                out += [(p, engine.full(p)) for p in legal]
                if counted:
                    clock.proposals += price * width
                if over():
                    break
        except (CheckpointError, InfeasibleProblemError) as e:
            log.warning("no seeds from the policy: %s", e)
        out.sort(key=lambda made: made[1].proxy)
        return out[: max(LEAST_TRIED, len(out) // TRIED_SHARE)]

    def _analytic(
        self,
        problem: Problem,
        start: str,
        clock: BudgetClock,
        seed: int,
        best: Cost,
        progress: ProgressCallback | None,
    ) -> Result | None:
        """Return what `analytic` makes of its part of the budget; None where that is too little, or it finds nothing.

        Args:
            problem: what is placed.
            start: of `analytic`.
            clock: proposals are added to it.
            seed: of the agent.
            best: cost to be shown until there is a better one.
            progress: is told.
        """
        share = self.shares.seeds / len(ANALYTIC_STARTS)
        movable = len(problem.movable_hard) + len(problem.movable_soft)
        if clock.budget.kind == "p":
            steps = int(clock.budget.amount * share / movable)
            part = Budget("p", max(steps, 1))
        else:
            # Whatever the start has taken is not taken from the seeds, but they end where their share does.
            seconds = max(clock.budget.amount * share, 1e-3)
            part, steps = Budget("s", seconds), int(seconds / STEP_SECONDS)
        if steps < LEAST_STEPS:
            return None
        begun, before = clock.seconds, clock.proposals

        def tell(p: Progress) -> None:
            if progress is not None:
                better = p.best is not None and p.best.proxy < best.proxy
                told = clock.progress(p.best if better else best, "seeds", p.placement if better else None)
                progress(replace(told, seconds=begun + p.seconds))

        agent = AnalyticAgent(start=start, iterations=max(min(500, int(steps * 0.6)), 20), cost=self.cost)
        try:
            made = agent.place(problem, part, seed, tell)
        except InfeasibleProblemError:
            return None
        clock.proposals = before + made.proposals * movable
        return made

    def _heat(self, problem: Problem, start: Placement, clock: BudgetClock, seed: int) -> float:
        """Return how hot to start, measured with a small part of the budget."""
        amount, kind = clock.budget.amount, clock.budget.kind
        proposals = int(HEAT_SHARE * (amount if kind == "p" else amount / PROPOSAL_SECONDS))
        chain = Chain(problem, start, seed, self.cost)
        hot = starting_heat(chain, min(max(proposals, 400), 80_000))
        clock.proposals += chain.proposals
        return hot

    def _trials(
        self,
        problem: Problem,
        seeds: list[Placement],
        hots: tuple[float, ...],
        clock: BudgetClock,
        seed: int,
        progress: ProgressCallback | None,
    ) -> list[tuple[Placement, float]]:
        """Return what came best out of short runs, for each chain one, and the temperature that it started from.

        Of many seeds the best third of a round enters the next one, which gives each three times as long.
        """
        entrants = [(p, hot) for p in seeds for hot in hots]
        if self.shares.trials == 0 or clock.spent or len(entrants) == 1:
            return entrants[:1]
        sizes = [len(entrants)]
        while (left := -(-sizes[-1] // KNOCK_OUT)) > self.chains:
            sizes.append(left)
        for n, size in enumerate(sizes):
            begin, share = clock.spent_frac, self.shares.trials / len(sizes)
            entrants = self._round(problem, entrants[:size], clock, (begin, begin + share), seed + n, progress)
        # All chains start equally hot.
        return [e for e in entrants[: self.chains] if e[1] == entrants[0][1]]

    def _round(
        self,
        problem: Problem,
        entrants: list[tuple[Placement, float]],
        clock: BudgetClock,
        span: tuple[float, float],
        seed: int,
        progress: ProgressCallback | None,
    ) -> list[tuple[Placement, float]]:
        """Return what short runs make of placements and temperatures, the best first."""
        groups = [entrants[i : i + self.chains] for i in range(0, len(entrants), self.chains)]
        made: list[tuple[float, Placement, float]] = []
        for n, group in enumerate(groups):
            team = Team(problem, [p for p, _ in group], seed + n, self.cost, len(group), clock, progress)
            end = span[0] + (span[1] - span[0]) * (n + 1) / len(groups)
            cooling = replace(self.schedule, slices=25)
            anneal_team(team, cooling, clock.spent_frac, min(end, 1.0), "trials", [hot for _, hot in group])
            made += [(c.best_proxy, c.best_placement, hot) for c, (_, hot) in zip(team.chains, group, strict=True)]
        return [(p, hot) for _, p, hot in sorted(made, key=lambda m: m[0])]
