"""The agent `analytic`: its options, and the import of torch put off until it places."""

from __future__ import annotations

from agents.analytic.starts import STARTS
from agents.base import Budget, ProgressCallback, Result
from floorplan.cost import CostOptions
from floorplan.errors import ProblemError
from floorplan.netlist import Problem

__all__ = ["AnalyticAgent"]


class AnalyticAgent:
    """Descends on a differentiable proxy over hard and soft macros at once, legalises, and descends on soft ones alone.

    The proxy is the exact one with its steps smoothed (`agents.analytic.proxy`): weighted-average wirelength, covered
    area, the pieces of the routes that the exact rules give, and the tracks of hard macros. A penalty on overlaps of
    hard macros grows during a descent. What comes out is legalised and costed exactly; soft macros then move on with
    the hard ones fixed, and are accepted by the exact cost; hard macros flip where that helps. Of three rounds
    two begin at `start` (but for the first, shaken and with drawn weights), one at the best placement. The best legal
    placement is kept.

    One gradient step in all positions is one proposal, as is each flip that is costed. A round (descent and legalised
    result) is one episode. The start is legalised and costed before the first round and counts as neither. torch works
    on one thread, so that the same seed and number of proposals give the same placement.

    Args:
        start: `initial`, `outlook`, `random` or `auto`; see `agents.analytic.starts`.
        iterations: gradient steps of a round from the start, half as many from the best placement; fewer where the
            budget is short.
        flips: whether hard macros may flip (N, FN, FS, S), as far as the problem allows.
        cost: weights and options of the proxy cost.
        patience: rounds, none having come to a legal placement, after which to give up.
    """

    name = "analytic"

    def __init__(
        self,
        start: str = "auto",
        iterations: int = 500,
        flips: bool = True,
        cost: CostOptions | None = None,
        patience: int = 10,
    ) -> None:
        if start not in STARTS:
            raise ProblemError(f"start must be one of {', '.join(STARTS)}, got {start!r}")
        if iterations < 1 or patience < 1:
            raise ProblemError(f"iterations and patience must be >= 1, got {iterations} and {patience}")
        self.start = start
        self.iterations = iterations
        self.flips = flips
        self.cost = cost or CostOptions()
        self.patience = patience

    def place(self, problem: Problem, budget: Budget, seed: int, progress: ProgressCallback | None = None) -> Result:
        """Return the best legal placement of all rounds within the budget.

        Raises:
            InfeasibleProblemError: nothing that came out could be legalised.
            ProblemError: the start `initial` is wanted but not complete.
        """
        from agents.analytic.rounds import Rounds

        return Rounds(self, problem, budget, seed, progress).run()
