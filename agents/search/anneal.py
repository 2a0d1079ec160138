"""The agent `anneal`: simulated annealing on exact incremental costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agents.base import Budget, ProgressCallback, Result, legal_result
from agents.search.searcher import Searcher
from agents.search.team import Team
from floorplan.cost import CostOptions
from floorplan.errors import ProblemError
from floorplan.netlist import Problem
from floorplan.search import Chain

__all__ = ["AnnealAgent", "Schedule", "anneal_team"]


@dataclass(frozen=True)
class Schedule:
    """How an annealing run cools.

    Temperatures are given in proxy cost times the number of movable nodes: a node's share of the cost is what a move
    changes, so that one number serves netlists of all sizes.

    Attributes:
        hot: temperature at the start.
        cold: temperature at the end.
        meetings: how often the worst chain goes on from the best one.
        slices: pieces a run is cut into, between which clocks are read.
    """

    hot: float = 0.16
    cold: float = 0.0015
    meetings: int = 8
    slices: int = 200

    def __post_init__(self) -> None:
        if not 0 < self.cold <= self.hot:
            raise ProblemError(f"temperatures must satisfy 0 < cold <= hot, got {self.cold} and {self.hot}")
        if self.meetings < 0 or self.slices < 1:
            raise ProblemError(f"meetings must be >= 0 and slices >= 1, got {self.meetings} and {self.slices}")


def anneal_team(
    team: Team,
    schedule: Schedule,
    begin: float,
    end: float,
    note: str = "",
    hots: Sequence[float] = (),
    apart: float = 0.0,
) -> None:
    """Anneal all chains of a team once while the share of the budget spent goes from begin to end.

    Args:
        team: the chains.
        schedule: how they cool.
        begin: share of the budget spent by now.
        end: share at which they are cold.
        note: for the progress.
        hots: a starting temperature for each chain instead of the schedule's; chains then do not meet.
        apart: share of the run before which they do not meet either.
    """
    share = 1.0 / max(team.chains[0].movable, 1)
    starts = [hot * share for hot in hots or [schedule.hot] * len(team.chains)]
    colds = [min(schedule.cold * share, hot) for hot in starts]
    span = max(end - begin, 1e-9)
    met = 0
    while (at := (team.clock.spent_frac - begin) / span) < 1.0:
        proposals = team.slice_proposals(span / schedule.slices)
        if proposals == 0:
            break
        ahead = min(at + 1.0 / schedule.slices, 1.0)

        def cool(k: int, chain: Chain, n: int = proposals, a: float = at, b: float = ahead) -> None:
            ratio = colds[k] / starts[k]
            chain.anneal(n, starts[k] * ratio**a, starts[k] * ratio**b)

        team.run(cool, note)
        if not hots and int(ahead * (schedule.meetings + 1)) > met:
            met = int(ahead * (schedule.meetings + 1))
            if ahead >= apart:
                team.follow_winner()


class AnnealAgent(Searcher):
    """Cools a few chains from hot to cold over the whole budget, each move costed exactly.

    Moves: a hard macro shifts, trades places with another or flips; a soft macro shifts. Shifts adapt their length to
    what is accepted. Placements stay legal throughout. Now and then the chain that stands worst goes on from where
    the best one stands (go with the winners). An episode is one annealing run of `episode` proposals.

    Args:
        start: `initial`, `random` or `auto`; see `agents.search.start`.
        schedule: temperatures.
        runs: times that the budget is divided among: each after the first reheats the best placement to `reheat` of the
            hot temperature.
        reheat: see runs.
        chains: side by side; they share the cores there are.
        episode: proposals of a run where the budget counts episodes.
        cost: weights and options of the proxy cost.
        guide: a policy that hints where hard macros may go: a path, `shipped`, or nothing.
        guide_share: of the budget that its hints may take.
    """

    name = "anneal"

    def __init__(
        self,
        start: str = "auto",
        schedule: Schedule | None = None,
        runs: int = 1,
        reheat: float = 0.3,
        chains: int = 2,
        episode: int = 2_000_000,
        cost: CostOptions | None = None,
        guide: str | Path = "",
        guide_share: float = 0.03,
    ) -> None:
        super().__init__(start, chains, cost, guide, guide_share)
        if runs < 1 or episode < 1 or not 0 < reheat <= 1:
            raise ProblemError("runs and episode must be >= 1, reheat in (0, 1]")
        self.schedule = schedule or Schedule()
        self.runs = runs
        self.reheat = reheat
        self.episode = episode

    def place(self, problem: Problem, budget: Budget, seed: int, progress: ProgressCallback | None = None) -> Result:
        """Return the best placement of all chains.

        Raises:
            InfeasibleProblemError: no legal start was found.
            ProblemError: the start `initial` is wanted and leaves a hard macro unplaced.
        """
        runs = int(budget.amount) if budget.kind == "e" else self.runs
        clock = self._clock(budget, self.episode)
        team = self._team(problem, [self._first(problem, seed)], seed, clock, progress)
        begin = min(clock.spent_frac, 1.0)
        schedule = self.schedule
        for run in range(runs):
            ends = begin + (1.0 - begin) * (run + 1) / runs
            anneal_team(team, schedule, clock.spent_frac, ends, f"run {run + 1} of {runs}" if runs > 1 else "")
            clock.episodes += 1
            team.gather()
            schedule = replace(schedule, hot=max(self.schedule.hot * self.reheat, self.schedule.cold))
        return legal_result(problem, team.best.best_placement, team.best_cost(), clock)
