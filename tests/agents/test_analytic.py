from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from agent_cases import shipped_problem, small_problem, squares

from agents.analytic import AnalyticAgent
from agents.base import Budget, Progress
from floorplan.cost import CostEngine
from floorplan.errors import InfeasibleProblemError, ProblemError
from floorplan.legalize import legalize, safe_gap_um
from floorplan.netlist import Placement, Problem


def legal_start(problem: Problem) -> Placement:
    """Complete, legal and bad: hard macros at random, made legal, soft ones in the middle."""
    rng = np.random.default_rng(0)
    cv = problem.canvas
    hard, soft = problem.movable_hard, problem.movable_soft
    x, y = problem.initial.x_um.copy(), problem.initial.y_um.copy()
    x[hard], y[hard] = rng.random(len(hard)) * cv.width_um, rng.random(len(hard)) * cv.height_um
    x[soft], y[soft] = cv.width_um / 2, cv.height_um / 2
    return legalize(problem, problem.initial.replace(x, y, placed=np.ones(len(x), np.bool_)))


def test_the_result_is_legal_exact_repeatable_and_far_better_than_its_start() -> None:
    problem = small_problem()
    problem = problem.replace(initial=legal_start(problem))
    before = CostEngine(problem).full(problem.initial)
    a, b = (AnalyticAgent(start="initial").place(problem, Budget.parse("200p"), seed=3) for _ in range(2))
    assert a.legality.legal
    assert a.proposals == 200
    assert a.cost == CostEngine(problem).full(a.placement)
    assert a.cost.proxy < 0.8 * before.proxy
    assert a.placement.x_um.tolist() == b.placement.x_um.tolist()
    assert a.placement.y_um.tolist() == b.placement.y_um.tolist()
    assert a.placement.orient.tolist() == b.placement.orient.tolist()


def test_gaps_hold_in_float32_and_soft_macros_are_on_the_canvas() -> None:
    problem = small_problem()
    result = AnalyticAgent().place(problem, Budget.parse("150p"), seed=0).placement
    nl, cv = problem.netlist, problem.canvas
    hard = nl.hard
    apart = [
        np.abs(at[hard][:, None] - at[hard][None, :]) - (size[hard][:, None] + size[hard][None, :]) / 2
        for at, size in ((result.x_um, nl.node_w_um), (result.y_um, nl.node_h_um))
    ]
    gap = np.maximum(*apart)[np.triu_indices(len(hard), 1)]
    assert gap.min() >= 0.999 * safe_gap_um(cv)
    for at, size, span in ((result.x_um, nl.node_w_um, cv.width_um), (result.y_um, nl.node_h_um, cv.height_um)):
        soft = problem.movable_soft
        assert (at[soft] - size[soft] / 2).min() >= -1e-9
        assert (at[soft] + size[soft] / 2).max() <= span + 1e-9


def test_every_start_leads_somewhere_and_fixed_nodes_stay() -> None:
    problem = small_problem()
    ports = problem.netlist.ports
    costs = []
    for start in ("auto", "random"):
        result = AnalyticAgent(start=start).place(problem, Budget.parse("80p"), seed=1)
        assert (result.placement.x_um[ports] == problem.initial.x_um[ports]).all()
        costs.append(result.cost.proxy)
    assert costs[0] != costs[1]


@pytest.mark.slow
def test_a_budget_of_seconds_is_kept_and_a_tiny_one_still_gives_a_placement() -> None:
    problem = shipped_problem()
    AnalyticAgent().place(problem, Budget.parse("5p"), seed=0)  # compiles
    spent: list[tuple[float, float]] = []
    for budget in ("0.01s", "1s"):
        start = time.perf_counter()
        result = AnalyticAgent().place(problem, Budget.parse(budget), seed=0)
        spent.append((time.perf_counter() - start, result.cost.proxy))
    assert spent[0][0] < 2.0
    assert spent[1][0] < 3.0
    assert spent[1][1] < spent[0][1]


def test_rounds_are_episodes_and_progress_never_gets_worse() -> None:
    seen: list[Progress] = []
    result = AnalyticAgent(iterations=40).place(small_problem(), Budget.parse("4e"), seed=0, progress=seen.append)
    assert result.episodes == 4
    best = [p.best.proxy for p in seen if p.best is not None]
    assert best == sorted(best, reverse=True)
    assert best[-1] == result.cost.proxy


def test_what_torch_is_set_to_stays_so() -> None:
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    torch.set_num_threads(2)
    try:
        AnalyticAgent().place(small_problem(), Budget.parse("5p"), seed=0)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_problem_without_room_says_so() -> None:
    with pytest.raises(InfeasibleProblemError):
        AnalyticAgent(patience=1).place(squares(5, 4.0, 9.0, 9), Budget.parse("10p"), seed=0)


def test_few_macros_and_no_soft_ones_are_no_trouble() -> None:
    result = AnalyticAgent().place(squares(3, 2.0, 9.0, 9), Budget.parse("60p"), seed=0)
    assert result.legality.legal


def test_options_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ProblemError, match="start must be one of"):
        AnalyticAgent(start="elsewhere")
    with pytest.raises(ProblemError):
        AnalyticAgent(iterations=0)
    with pytest.raises(ProblemError, match="complete initial placement"):
        AnalyticAgent(start="initial").place(small_problem(), Budget.parse("1p"), seed=0)


def test_making_the_agent_does_not_load_torch() -> None:
    code = "import sys; from agents.analytic import AnalyticAgent; AnalyticAgent(); assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
