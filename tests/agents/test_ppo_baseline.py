from __future__ import annotations

import numpy as np
import pytest

from agents.ppo.algorithm import StepBaseline


def test_the_baseline_is_the_mean_return_of_each_step() -> None:
    returns = np.array([[1.0, 3.0], [10.0, 20.0], [5.0, 5.0]])
    step = np.array([[0, 0], [1, 1], [0, 1]])  # one episode ended early: its next begins at step 0
    fresh = StepBaseline(np.zeros(3), 1.0).updated(returns, step, rate=1.0)
    assert fresh.mean.tolist() == [3.0, pytest.approx(35 / 3), 0.0]
    deviations = np.array([-2, 0, 2, 10 - 35 / 3, 20 - 35 / 3, 5 - 35 / 3])
    assert fresh.scale == pytest.approx(np.sqrt(np.mean(deviations**2)))


def test_it_moves_by_its_rate_and_keeps_steps_that_were_not_seen() -> None:
    known = StepBaseline(np.array([2.0, 7.0]), 4.0)
    moved = known.updated(np.array([[6.0, 10.0]]), np.zeros((1, 2), np.int64), rate=0.25)
    assert moved.mean.tolist() == [2 + 0.25 * (8 - 2), 7.0]
    assert moved.scale == pytest.approx(4 + 0.25 * (2.0 - 4))


def test_equal_returns_leave_a_scale_above_zero() -> None:
    same = StepBaseline(np.zeros(1), 1.0).updated(np.full((1, 4), 3.0), np.zeros((1, 4), np.int64), rate=1.0)
    assert same.scale > 0
