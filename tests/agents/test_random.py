from __future__ import annotations

import time

import numpy as np
import pytest
from agent_cases import SMALL_MACROS, small_problem, squares

from agents.base import Budget, Progress
from agents.random_ import RandomAgent, random_actions
from floorplan.cost import CostEngine
from floorplan.errors import InfeasibleProblemError
from floorplan.netlist import check_legality


def test_actions_are_legal_and_each_legal_cell_as_likely() -> None:
    masks = np.tile([False, True, False, True, True], (6000, 1))
    masks[0] = False
    chosen = random_actions(masks, np.random.default_rng(0))
    assert chosen[0] == 0
    counts = np.bincount(chosen[1:], minlength=5)
    assert counts[[0, 2]].tolist() == [0, 0]
    # 2000 +- 37 is one standard deviation
    assert np.abs(counts[[1, 3, 4]] - 2000).max() < 150


def test_the_result_is_legal_and_its_cost_exact() -> None:
    problem = small_problem()
    result = RandomAgent().place(problem, Budget.parse("3e"), seed=1)
    assert result.legality.legal
    assert check_legality(problem, result.placement).legal
    assert CostEngine(problem).full(result.placement).proxy == pytest.approx(result.cost.proxy, rel=1e-12)
    assert result.episodes == 3
    assert result.proposals >= 3 * len(problem.movable_hard)


def test_the_same_seed_gives_the_same_placement_and_another_another() -> None:
    problem = small_problem()
    a, b, c = (RandomAgent(num_envs=4).place(problem, Budget.parse("4e"), seed=s) for s in (5, 5, 6))
    assert a.placement.x_um.tolist() == b.placement.x_um.tolist()
    assert a.cost == b.cost
    assert a.cost != c.cost


def test_more_episodes_are_never_worse() -> None:
    problem = small_problem()
    few, many = (RandomAgent(num_envs=4).place(problem, Budget.parse(b), seed=2) for b in ("4e", "12e"))
    assert many.episodes == 12
    assert many.cost.proxy <= few.cost.proxy


def test_a_budget_of_proposals_is_kept() -> None:
    problem = small_problem()
    result = RandomAgent().place(problem, Budget.parse("300p"), seed=0)
    assert result.proposals <= 300
    assert result.episodes == 300 // len(problem.movable_hard)


def test_a_budget_of_seconds_is_kept() -> None:
    problem = small_problem()
    RandomAgent().place(problem, Budget.parse("1e"), seed=0)  # compiles
    start = time.perf_counter()
    result = RandomAgent().place(problem, Budget.parse("3s"), seed=0)
    assert result.episodes > 0
    assert 3.0 <= result.seconds <= time.perf_counter() - start


def test_progress_rises_and_tells_the_best() -> None:
    seen: list[Progress] = []
    result = RandomAgent(num_envs=2).place(small_problem(), Budget.parse("6e"), seed=0, progress=seen.append)
    assert [p.episodes for p in seen] == [2, 4, 6]
    best = [p.best.proxy for p in seen if p.best]
    assert best == sorted(best, reverse=True)
    assert best[-1] == result.cost.proxy
    assert seen[-1].spent_frac == 1.0


def test_dead_ends_do_not_count_as_episodes_and_the_complete_ones_are_found() -> None:
    # Four macros of 3.9 um fill the canvas: each must stand in a corner, but centres 2, 3.33, 4.67 and 6 um are legal.
    problem = squares(4, 3.9, 8.0, 6)
    result = RandomAgent(num_envs=1).place(problem, Budget.parse("1e"), seed=3)
    assert result.legality.legal
    assert result.episodes == 1


def test_a_problem_without_room_says_so() -> None:
    problem = squares(5, 4.0, 9.0, 9)  # at most four macros of 4 um fit on 9 um
    with pytest.raises(
        InfeasibleProblemError, match=r"no episode within 5e: \d\d+ dead ends, \d+ proposals for 5 macros"
    ):
        RandomAgent(num_envs=2, patience=20).place(problem, Budget.parse("5e"), seed=0)


def test_a_budget_too_small_for_one_episode_says_so() -> None:
    with pytest.raises(
        InfeasibleProblemError, match=f"within 10p: 0 dead ends, 10 proposals for {SMALL_MACROS} macros"
    ):
        RandomAgent().place(small_problem(), Budget.parse("10p"), seed=0)
