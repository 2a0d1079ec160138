"""The agent `descent`: coordinate descent over breakpoints, then large neighbourhoods around hot cells."""

from __future__ import annotations

from pathlib import Path

from agents.base import Budget, ProgressCallback, Result, legal_result
from agents.search.searcher import EPISODE, Searcher
from agents.search.team import Team
from floorplan.cost import CostOptions
from floorplan.errors import ProblemError
from floorplan.netlist import Problem
from floorplan.search import Chain, stir

__all__ = ["DescentAgent", "descend_team"]

SETTLED = 1e-5
"""Relative fall of the proxy over a pass below which coordinate descent has settled."""


def descend_team(team: Team, stirred: int, end: float = 1.0, note: str = "") -> None:
    """Descend with all chains until a pass gains little, then stir around hot cells until the budget's share is spent.

    Args:
        team: the chains.
        stirred: proposals of one stir.
        end: share of the budget at which to stop.
        note: for the progress.
    """
    settled = [False] * len(team.chains)

    def work(k: int, c: Chain, proposals: int) -> None:
        goal = c.proposals + proposals
        while c.proposals < goal:
            if not settled[k]:
                fall = c.descend(goal - c.proposals)
                settled[k] = fall < SETTLED * c.best_proxy
            else:
                stir(c, min(stirred, goal - c.proposals))

    gathered = team.clock.spent_frac
    while team.clock.spent_frac < end:
        proposals = team.slice_proposals(0.01)
        if proposals == 0:
            break
        team.run(lambda k, c, n=proposals: work(k, c, n), note)  # type: ignore[misc]  # bound now
        if team.clock.spent_frac - gathered > 0.1:
            gathered = team.clock.spent_frac
            team.gather()


class DescentAgent(Searcher):
    """Moves one node after the other to the best of the places where its part of the cost can be least.

    Along each axis these are the ends of its nets' spans, grid lines, and contact with the next macro; jumps combine
    two. Once a pass over all nodes gains almost nothing, it picks a hot cell (dense, congested, or any), anneals what
    lies around it for a short while at a low temperature, lets those nodes descend, and keeps the outcome if the
    exact proxy fell. Two chains do so side by side and meet at the best now and then.

    Args:
        start: `initial`, `random` or `auto`; see `agents.search.start`.
        stirred: proposals spent around one hot cell.
        chains: side by side; they share the cores there are.
        cost: weights and options of the proxy cost.
        guide: a policy that hints where hard macros may go: a path, `shipped`, or nothing.
        guide_share: of the budget that its hints may take.
    """

    name = "descent"

    def __init__(
        self,
        start: str = "auto",
        stirred: int = 3000,
        chains: int = 2,
        cost: CostOptions | None = None,
        guide: str | Path = "",
        guide_share: float = 0.03,
    ) -> None:
        super().__init__(start, chains, cost, guide, guide_share)
        if stirred < 1:
            raise ProblemError(f"stirred must be >= 1, got {stirred}")
        self.stirred = stirred

    def place(self, problem: Problem, budget: Budget, seed: int, progress: ProgressCallback | None = None) -> Result:
        """Return the best placement of all chains; an episode of the budget stands for two million proposals.

        Raises:
            InfeasibleProblemError: no legal start was found.
            ProblemError: the start `initial` is wanted and leaves a hard macro unplaced.
        """
        clock = self._clock(budget)
        team = self._team(problem, [self._first(problem, seed)], seed, clock, progress)
        descend_team(team, self.stirred)
        clock.episodes = clock.proposals // EPISODE
        return legal_result(problem, team.best.best_placement, team.best_cost(), clock)
