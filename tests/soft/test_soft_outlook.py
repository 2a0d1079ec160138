"""Guesses of where soft macros will stand: held springs are exact, a guess does not depend on those beside it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from soft_problems import random_problem

from floorplan.cost import CostEngine, CostOptions
from floorplan.netlist import NodeKind, Placement, Problem
from floorplan.soft import make_soft_placer
from floorplan.soft.outlook import make_outlook, soft_outlook
from floorplan.soft.quadratic import QuadraticPlacer
from floorplan.soft.springs import Springs, anchor_pull, build_springs
from floorplan.soft.system import SpringSystem


def _standing(problem: Problem, seed: int, share: float) -> Placement:
    """Every movable hard macro somewhere, some of them not placed; soft macros nowhere."""
    rng = np.random.default_rng(seed)
    cv, hard = problem.canvas, problem.movable_hard
    x, y, placed = problem.initial.x_um.copy(), problem.initial.y_um.copy(), np.ones(len(problem.initial), np.bool_)
    x[hard], y[hard] = rng.uniform(10, cv.width_um - 10, len(hard)), rng.uniform(10, cv.height_um - 10, len(hard))
    placed[hard] = rng.random(len(hard)) < share
    orient = np.zeros(len(x), np.uint8)
    orient[hard] = rng.integers(0, 8, len(hard))
    return Placement(x, y, orient, placed)


def _dense(springs: Springs, problem: Problem, anchor: float) -> tuple[np.ndarray, np.ndarray]:
    """The springs' matrix and what ties each macro to a point, written down entry by entry."""
    count = len(springs.soft)
    matrix = np.zeros((count, count))
    for a, b, k in zip(springs.pair_a, springs.pair_b, springs.pair_k, strict=True):
        matrix[[a, b], [a, b]] += k
        matrix[a, b] -= k
        matrix[b, a] -= k
    for s, k in zip(springs.anchor_soft, springs.anchor_k, strict=True):
        matrix[s, s] += k
    tie = anchor * np.diag(matrix)
    return matrix + np.diag(tie), tie


@pytest.mark.parametrize("anchor", [0.0, 0.25])
@pytest.mark.parametrize("seed", range(4))
def test_held_springs_are_the_dense_solution(seed: int, anchor: float) -> None:
    problem = random_problem(seed, hard=6)
    kind = problem.netlist.node_kind.copy()
    kind[problem.movable_hard] = NodeKind.SOFT
    relaxed = problem.replace(netlist=replace(problem.netlist, node_kind=kind))
    springs = build_springs(relaxed)
    count = len(springs.soft)
    hard = np.isin(springs.soft, problem.movable_hard)
    plain = SpringSystem(springs, relaxed, holdable=hard)
    system = SpringSystem(springs, relaxed, anchor=anchor, like=plain, holdable=hard)
    rng = np.random.default_rng(seed)
    held = hard & (rng.random(count) < 0.6)
    stands, at = rng.uniform(0, 80, (2, count)), rng.uniform(0, 80, (2, count))
    now = _standing(problem, seed, 1.0)
    pull = anchor_pull(springs, now.x_um[None], now.y_um[None], now.orient[None])
    where = (at[:1], at[1:]) if anchor else (None, None)
    found = system.solve_held(*pull, held[None], stands[:1], stands[1:], *where)
    matrix, tie = _dense(springs, relaxed, anchor)
    for axis in range(2):
        right = pull[axis][0] + tie * at[axis] - matrix[:, held] @ stands[axis, held]
        wanted = stands[axis].copy()
        wanted[~held] = np.linalg.solve(matrix[np.ix_(~held, ~held)], right[~held])
        np.testing.assert_allclose(found[axis][0], wanted, rtol=1e-9, atol=1e-7)


@pytest.mark.parametrize("name", ["quadratic", "force_directed"])
def test_a_guess_stands_alone_and_moves_soft_macros_only(name: str) -> None:
    problem = random_problem(3, hard=6)
    outlook = make_outlook(name, problem)
    each = [_standing(problem, seed, share) for seed, share in enumerate((0.0, 0.3, 0.7, 1.0))]
    x, y = np.stack([p.x_um for p in each]), np.stack([p.y_um for p in each])
    orient, stands = np.stack([p.orient for p in each]), np.stack([p.placed[problem.movable_hard] for p in each])
    together_x, together_y = x.copy(), y.copy()
    outlook.guess(together_x, together_y, orient, stands)
    others = np.setdiff1d(np.arange(x.shape[1]), problem.movable_soft)
    np.testing.assert_array_equal(together_x[:, others], x[:, others])
    for i in (2, 0, 3, 1):
        alone_x, alone_y = x[i : i + 1].copy(), y[i : i + 1].copy()
        outlook.guess(alone_x, alone_y, orient[i : i + 1], stands[i : i + 1])
        np.testing.assert_array_equal(alone_x[0], together_x[i])
        np.testing.assert_array_equal(alone_y[0], together_y[i])
    soft, cv = problem.movable_soft, problem.canvas
    assert together_x[:, soft].min() >= 0
    assert together_x[:, soft].max() <= cv.width_um
    assert np.ptp(together_x[:, soft], axis=0).max() > 1.0  # what stands where makes a difference


def test_where_macros_to_come_are_said_to_be_makes_no_difference() -> None:
    problem = random_problem(5, hard=6)
    now = _standing(problem, 1, 0.5)
    stands = now.placed[problem.movable_hard]
    come = problem.movable_hard[~stands]
    found = []
    for where in (0.0, 55.0):
        x, y = now.x_um[None].copy(), now.y_um[None].copy()
        x[:, come], y[:, come] = where, where
        make_outlook("quadratic", problem).guess(x, y, now.orient[None], stands[None])
        found.append((x[:, problem.movable_soft], y[:, problem.movable_soft]))
    np.testing.assert_array_equal(found[0], found[1])


def test_with_every_macro_in_place_a_guess_is_as_good_as_the_placer() -> None:
    """The exact cost of the whole is within 5 % of the placer's own (without its last stage), on the mean of eight."""
    ours, theirs = [], []
    for seed in range(8):
        problem = random_problem(seed, hard=6)
        now = _standing(problem, seed, 1.1)
        x, y = now.x_um[None].copy(), now.y_um[None].copy()
        make_outlook("quadratic", problem).guess(x, y, now.orient[None], np.ones((1, 6), np.bool_))
        engine = CostEngine(problem)
        ours.append(engine.full(now.replace(x[0], y[0])).proxy)
        theirs.append(engine.full(QuadraticPlacer(problem, trial=()).place(now)).proxy)
    assert np.mean(ours) < 1.05 * np.mean(theirs)


def test_another_placer_guesses_from_scratch() -> None:
    problem = random_problem(2, hard=6)
    now = _standing(problem, 2, 0.5)
    x, y = now.x_um[None].copy(), now.y_um[None].copy()
    stands = now.placed[problem.movable_hard][None]
    make_outlook("force_directed", problem).guess(x, y, now.orient[None], stands)
    seen = soft_outlook(problem, now, lambda p, o: make_soft_placer("force_directed", p, o), CostOptions())
    np.testing.assert_array_equal(x[0, problem.movable_soft], seen.x_um[problem.movable_soft])
