"""Rounds of descent and legalisation, and what is drawn anew for each."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from agents.analytic.descent import Stage, descend
from agents.analytic.flips import improve_flips
from agents.analytic.proxy import SmoothProxy
from agents.analytic.starts import start_placement
from agents.base import Budget, BudgetClock, ProgressCallback, Result, legal_result
from floorplan.cost import Cost, CostEngine
from floorplan.errors import InfeasibleProblemError
from floorplan.legalize import legalize
from floorplan.netlist import Placement, Problem

if TYPE_CHECKING:
    from agents.analytic.agent import AnalyticAgent

__all__ = ["Rounds"]

F64 = npt.NDArray[np.float64]

log = logging.getLogger(__name__)

SOFT_SHARE = 0.2
"""Share of a round's iterations that soft macros have for themselves."""

CONTINUE_EVERY = 3
"""Of so many rounds the last begins at the best placement, the others at the start again."""

FIRST_DRAW = np.array([0.5, 0.3, 0.6, 0.75])
"""What the first round has instead of drawn numbers: see `Rounds._opening` for what they mean."""

RESERVE = 0.9
"""Share of the time left that a round may plan for; legalising and costing take the rest."""


class Rounds:
    """One run of the agent; `run` may be called once."""

    def __init__(
        self, agent: AnalyticAgent, problem: Problem, budget: Budget, seed: int, progress: ProgressCallback | None
    ) -> None:
        self.agent = agent
        self.problem = problem
        self.clock = BudgetClock(budget)
        self.engine = CostEngine(problem, agent.cost)
        self.rng = np.random.default_rng(seed)
        self.progress = progress
        self.best: Placement | None = None
        self.best_cost: Cost | None = None
        self.failures = 0
        self._last_error: InfeasibleProblemError | None = None
        self._step_seconds = 0.0
        self._best_draw: tuple[float, F64] = float("inf"), FIRST_DRAW
        self._proxy: tuple[bytes, SmoothProxy] | None = None

    def run(self) -> Result:
        """Play rounds until the budget is spent."""
        start = start_placement(self.problem, self.agent.start, self.agent.cost, self.rng)
        with _one_thread():
            self._legal(start)
            number = 0
            going = True
            while going and not self.clock.spent and (self.best is not None or self.failures < self.agent.patience):
                going = self._round(number, start)
                number += 1
        if self.best is None or self.best_cost is None:
            reason = f": {self._last_error}" if self._last_error else ""
            raise InfeasibleProblemError(
                f"analytic placement came to no legal placement within {self.clock.budget}: "
                f"{self.failures} rounds could not be legalised{reason}"
            )
        return legal_result(self.problem, self.best, self.best_cost, self.clock)

    def _round(self, number: int, start: Placement) -> bool:
        """Play one round; False if too little is left for one that could come to anything."""
        self._measure(start)
        again = number % CONTINUE_EVERY != CONTINUE_EVERY - 1 or self.best is None
        count = self._affordable(self.agent.iterations if again else max(1, self.agent.iterations // 2))
        if count < 1:
            return False
        soft = int(count * SOFT_SHARE)
        draw = self._draw(number == 0)
        begin = start if again or self.best is None else self.best
        if number:
            begin = self._shaken(begin, 0.01 if again else 0.002)
        stage = self._opening(count - soft, draw) if again else self._continuing(count - soft)
        out = descend(self._smooth(begin), self.problem, begin, stage, self._tick)
        legal = self._legal(out)
        self.clock.episodes += 1
        if legal is not None:
            seen: list[float] = []
            descend(
                self._smooth(legal),
                self.problem,
                legal,
                _soft_alone(soft),
                self._tick,
                lambda p: seen.append(self._keep(p)),
            )
            if again and seen and min(seen) < self._best_draw[0]:
                self._best_draw = min(seen), draw
        if self.agent.flips and self.best is not None and self.best_cost is not None and not self.clock.spent:
            turned, cost = improve_flips(self.engine, self.best, self.best_cost, self.clock)
            self.best, self.best_cost = turned, cost
        self._report(f"round {number + 1}")
        return True

    def _draw(self, first: bool) -> F64:
        """Return four numbers from 0 to 1 for an opening: in every second one near those that did best so far."""
        if first:
            return FIRST_DRAW
        if self.rng.random() < 0.5:
            return self.rng.random(4)
        return np.clip(self._best_draw[1] + 0.15 * self.rng.standard_normal(4), 0.0, 1.0)

    def _opening(self, iterations: int, draw: F64) -> Stage:
        """Return the schedule of a round from the start: macros pass over each other before they settle."""
        return Stage(
            iterations,
            rate=(0.003 * 4.0 ** draw[0], 0.0002),
            gamma=(0.01, 0.001),
            tau=(0.5, 0.15),
            top=(0.1, 0.005),
            crowd=(0.2, 0.02),
            overlap=(0.002 * 20.0 ** draw[1], 20.0),
            congestion=0.75 * 3.0 ** draw[2],
            density=2.0 * 6.0 ** draw[3],
        )

    def _continuing(self, iterations: int) -> Stage:
        """Return the schedule of a round from the best placement: shorter steps, sharper from the beginning."""
        draw = self.rng.random(4)
        return Stage(
            iterations,
            rate=(0.0005 * 8.0 ** draw[0], 0.0001),
            gamma=(0.003, 0.0007),
            tau=(0.3, 0.12),
            top=(0.03, 0.004),
            crowd=(0.1, 0.01),
            overlap=(0.05 * 20.0 ** draw[1], 20.0),
            congestion=0.75 * 3.0 ** draw[2],
            density=1.0 * 6.0 ** draw[3],
        )

    def _legal(self, placement: Placement) -> Placement | None:
        """Legalise a placement and keep it if it is the best; None where that fails."""
        try:
            legal = legalize(self.problem, placement)
        except InfeasibleProblemError as error:
            log.info("not legalised: %s", error)
            self.failures += 1
            self._last_error = error
            return None
        self._keep(legal)
        return legal

    def _keep(self, placement: Placement) -> float:
        """Cost a legal placement, keep it if it is the best, and return its proxy cost."""
        cost = self.engine.full(placement)
        if self.best_cost is None or cost.proxy < self.best_cost.proxy:
            self.best, self.best_cost = placement, cost
        return cost.proxy

    def _shaken(self, placement: Placement, share: float) -> Placement:
        """Return a placement with all movable nodes moved at random, by about this share of the canvas."""
        cv, n = self.problem.canvas, len(placement)
        move = np.where(self.problem.fixed, 0.0, share)
        x = placement.x_um + move * cv.width_um * self.rng.standard_normal(n)
        y = placement.y_um + move * cv.height_um * self.rng.standard_normal(n)
        return placement.replace(x, y)

    def _smooth(self, placement: Placement) -> SmoothProxy:
        """Return the smooth proxy for the orientations of a placement."""
        key = placement.orient.tobytes()
        if self._proxy is None or self._proxy[0] != key:
            self._proxy = key, SmoothProxy(self.engine, placement.orient)
        return self._proxy[1]

    def _tick(self) -> bool:
        if self.clock.spent:
            return False
        self.clock.proposals += 1
        if self.progress is not None and self.clock.proposals % 20 == 0:
            self._report("descending")
        return True

    def _report(self, note: str) -> None:
        if self.progress is not None:
            self.progress(self.clock.progress(self.best_cost, note, self.best))

    def _measure(self, start: Placement) -> None:
        """Time a few gradient steps, once, where the budget is in seconds."""
        if self._step_seconds or self.clock.budget.kind != "s":
            return
        smooth = self._smooth(start)
        descend(smooth, self.problem, start, _soft_alone(2), self._tick)  # compiles
        before, steps = self.clock.seconds, self.clock.proposals
        descend(smooth, self.problem, start, _soft_alone(5), self._tick)
        self._step_seconds = (self.clock.seconds - before) / max(self.clock.proposals - steps, 1)

    def _affordable(self, iterations: int) -> int:
        """Return how many of the iterations wanted the budget has room for."""
        if self.clock.proposals_left is not None:
            return min(iterations, self.clock.proposals_left)
        if self.clock.budget.kind == "e":
            return iterations
        left = RESERVE * (self.clock.budget.amount - self.clock.seconds)
        return min(iterations, int(left / max(self._step_seconds, 1e-6)))


def _soft_alone(iterations: int) -> Stage:
    return Stage(
        iterations,
        rate=(0.002, 0.0002),
        gamma=(0.001, 0.0005),
        tau=(0.2, 0.1),
        top=(0.01, 0.003),
        crowd=(0.02, 0.005),
        hard=False,
    )


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let torch work on one thread, and give back what was set: its ops here are too small to share."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
