"""How much of its budget a training run has spent, and who is told while episodes are played."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

from stable_baselines3.common.callbacks import BaseCallback

from agents.base import Budget
from agents.ppo.progress import Reporter

__all__ = ["BudgetMeter"]


class BudgetMeter:
    """Measures a run against its budget, which counts from the start of the run, interruptions left out.

    Args:
        budget: of the whole run.
        seconds: that the run has taken before now.
        counted: gives what else a budget may count, by kind, as it stands when it is asked.
        reporter: is told of progress.
    """

    def __init__(
        self, budget: Budget, seconds: float, counted: Callable[[], Mapping[str, float]], reporter: Reporter
    ) -> None:
        self.budget = budget
        self.reporter = reporter
        self._counted = counted
        self._began = time.monotonic() - seconds

    @property
    def seconds(self) -> float:
        """Wall clock since the run began."""
        return time.monotonic() - self._began

    @property
    def fraction(self) -> float:
        """Share of the budget that is spent; may exceed 1."""
        return self._fraction(self.seconds)

    def spent(self, margin_s: float) -> bool:
        """Return whether the budget is spent, one in seconds `margin_s` early."""
        return self._fraction(self.seconds + margin_s) >= 1.0

    def tell(self, phase: str) -> None:
        """Report the share that is spent, what is being done now, and an estimate of the time that is left."""
        seconds = self.seconds
        done = self._fraction(seconds)
        left = max(seconds * (1 - done) / done, 0.0) if done > 0 else math.inf
        self.reporter.advance(min(done, 1.0), phase, left)

    def watch(self) -> BaseCallback:
        """Return what reports progress at every step of a rollout."""
        return _Watch(self)

    def _fraction(self, seconds: float) -> float:
        spent = seconds if self.budget.kind == "s" else self._counted()[self.budget.kind]
        return float(spent / self.budget.amount)


class _Watch(BaseCallback):
    """Moves the progress bar while episodes are played."""

    def __init__(self, meter: BudgetMeter) -> None:
        super().__init__()
        self.meter = meter

    def _on_step(self) -> bool:
        self.meter.tell("placing")
        return True
