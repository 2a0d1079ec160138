"""Soft macros guessed anew as macros come to stand: rewards, resuming, copies, and what is seen of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from env_play import assert_same, play, snapshot
from env_problems import random_actions, random_problem

from floorplan.accelerator.templates import TEMPLATES
from floorplan.env import ConstructBatch, ConstructConfig
from floorplan.errors import ProblemError
from floorplan.netlist import Problem

FOUR = ConstructConfig(outlooks=4)
SYNTHETIC = TEMPLATES["synthetic"]


def _generated(seed: int = 7) -> Problem:
    return SYNTHETIC.build(SYNTHETIC.parameters.variant(seed))


def test_what_is_seen_is_what_a_game_begun_with_these_soft_macros_shows() -> None:
    problem = _generated()
    b = ConstructBatch(problem, 2, FOUR, auto_reset=False)
    soft, macros = problem.movable_soft, b.dims.macros
    rng, seen = np.random.default_rng(0), []
    looks = 0
    for step in range(macros - 1):
        b.step(random_actions(b, rng))
        if not b.masks.any(axis=1).all():
            break
        now = b.placement(1)
        seen.append(now.x_um[soft])
        looks += len(seen) > 1 and bool((seen[-1] != seen[-2]).any())
        if step % 5:
            continue
        x, y, placed = problem.initial.x_um.copy(), problem.initial.y_um.copy(), problem.initial.placed.copy()
        x[soft], y[soft], placed[soft] = now.x_um[soft], now.y_um[soft], True
        alike = problem.replace(initial=problem.initial.replace(x, y, placed=placed))
        other = ConstructBatch(alike, 2, ConstructConfig(soft_start="initial"), auto_reset=False)
        other.set_state(b.get_state())
        assert_same([a[1] for a in snapshot(b)], [a[1] for a in snapshot(other)])
    assert looks == 3


def test_rewards_add_up_to_minus_the_proxy() -> None:
    b = ConstructBatch(_generated(), 3, FOUR)
    rng, total, ended = np.random.default_rng(1), np.zeros(3), 0
    for _ in range(3 * b.dims.macros):
        result = b.step(random_actions(b, rng))
        total += b.reward_exact
        for f in b.finished:
            assert total[f.env] == pytest.approx(-f.cost.proxy, abs=1e-9)
            ended += 1
        total[result.done] = 0.0
    assert ended >= 3


@pytest.mark.parametrize("threads", ["1", "2"])
def test_environments_are_independent(threads: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOORPLAN_THREADS", threads)
    problem = _generated(9)
    config = replace(FOUR, order="random")
    wide, narrow = ConstructBatch(problem, 9, config, seed=3), ConstructBatch(problem, 2, config, seed=3)
    rng = np.random.default_rng(0)
    for _ in range(2 * wide.dims.macros):
        actions = random_actions(wide, rng)
        many, few = wide.step(actions), narrow.step(actions[:2])
        assert_same([v[:2] for v in many], list(few))
        assert_same([v[:2] for v in snapshot(wide)], snapshot(narrow))


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 1.3])
def test_state_resumes_bit_for_bit(share: float) -> None:
    problem = _generated(11)
    a = ConstructBatch(problem, 3, FOUR, seed=4)
    play(a, round(share * a.dims.macros))
    b = ConstructBatch(problem, 3, FOUR, seed=77)
    play(b, 5, seed=1)
    b.set_state({k: v.copy() for k, v in a.get_state().items()})
    assert_same(snapshot(a), snapshot(b))
    more = a.dims.macros // 2
    assert_same(play(a, more, seed=2), play(b, more, seed=2))


def test_a_copy_goes_on_with_the_soft_macros_of_its_source() -> None:
    b = ConstructBatch(_generated(), 3, FOUR, auto_reset=False)
    rng = np.random.default_rng(2)
    for _ in range(b.dims.macros // 2):
        b.step(random_actions(b, rng))
    soft = b.problem.movable_soft
    assert (b.placement(0).x_um[soft] != b.placement(2).x_um[soft]).any()
    b.take([2, 1, 2])
    np.testing.assert_array_equal(b.placement(0).x_um, b.placement(2).x_um)
    while b.masks.any(axis=1).all():
        actions = random_actions(b, rng)
        actions[0] = actions[2]
        b.step(actions)
    assert_same([a[0] for a in snapshot(b)], [a[2] for a in snapshot(b)])


def test_problems_of_all_kinds_can_be_looked_at_anew() -> None:
    """Fixed macros, own loops, one macro, no soft macros: nothing breaks, and every episode is complete and exact."""
    ended = 0
    for seed in range(25):
        problem = random_problem(seed, max_size=0.6)
        b = ConstructBatch(problem, 2, FOUR)
        rng = np.random.default_rng(seed)
        for _ in range(2 * b.dims.macros):
            b.step(random_actions(b, rng))
            for f in b.finished:
                assert f.cost == b.engine.full(f.placement)
                ended += 1
    assert ended > 25


def test_soft_macros_that_start_elsewhere_stay_there() -> None:
    b = ConstructBatch(_generated(), 1, ConstructConfig(outlooks=4, soft_start="port_pull"), auto_reset=False)
    soft, before = b.problem.movable_soft, b.placement(0)
    play(b, b.dims.macros - 1)
    np.testing.assert_array_equal(b.placement(0).x_um[soft], before.x_um[soft])


def test_no_outlook_at_all_is_refused() -> None:
    with pytest.raises(ProblemError, match="outlooks"):
        ConstructConfig(outlooks=0)
