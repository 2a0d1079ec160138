from __future__ import annotations

import math

import pytest

from agents.base import Budget
from agents.ppo.budgeting import BudgetMeter
from agents.ppo.progress import QuietReporter


class Listener(QuietReporter):
    def __init__(self) -> None:
        self.heard: list[tuple[float, str, float]] = []

    def advance(self, fraction: float, phase: str, seconds_left: float) -> None:
        self.heard.append((fraction, phase, seconds_left))


def test_what_is_counted_now_is_what_is_spent() -> None:
    counted = {"p": 0.0, "e": 0.0}
    heard = Listener()
    meter = BudgetMeter(Budget("e", 8), 100.0, lambda: counted, heard)
    assert meter.fraction == 0.0
    meter.tell("placing")
    assert heard.heard == [(0.0, "placing", math.inf)]
    counted["e"] = 2.0
    meter.watch()._on_step()
    fraction, phase, left = heard.heard[-1]
    assert (fraction, phase) == (0.25, "placing")
    assert left == pytest.approx(300.0, rel=0.1)  # three times the 100 s that a quarter took
    assert not meter.spent(margin_s=1e9)  # a margin is for budgets in seconds
    counted["e"] = 12.0
    assert meter.spent(margin_s=0.0)
    meter.tell("learning")
    assert heard.heard[-1] == (1.0, "learning", 0.0)


def test_seconds_count_from_the_start_of_the_run() -> None:
    meter = BudgetMeter(Budget("s", 100), 60.0, dict, QuietReporter())
    assert 60.0 <= meter.seconds < 70.0
    assert 0.6 <= meter.fraction < 0.7
    assert not meter.spent(margin_s=20.0)
    assert meter.spent(margin_s=40.0)
