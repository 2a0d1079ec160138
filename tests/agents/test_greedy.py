from __future__ import annotations

import time

import numpy as np
import pytest
from agent_cases import SMALL_MACROS, small_problem, squares

from agents.base import Budget, Progress
from agents.greedy import GreedyAgent, exact_proxy
from agents.random_ import RandomAgent
from floorplan.cost import CostEngine
from floorplan.env import ConstructBatch, ConstructConfig
from floorplan.errors import InfeasibleProblemError, ProblemError


def test_a_lone_macro_goes_where_its_wire_is_shortest() -> None:
    # One macro of 2 um on 9 cells of 1 um, port at (0, 4.5): its centre can stand 1.5 um from the left edge at best,
    # and then density and congestion are the same everywhere but the wire is shortest at the port's height.
    result = GreedyAgent(candidates=0).place(squares(1, 2.0, 9.0, 9), Budget.parse("1e"), seed=0)
    assert (result.placement.x_um[1], result.placement.y_um[1]) == (1.5, 4.5)
    assert result.cost.wirelength_um == pytest.approx(1.5)


def test_candidates_are_costed_exactly() -> None:
    problem = small_problem()
    batch = ConstructBatch(problem, 1, ConstructConfig())
    for _ in range(3):
        batch.step(np.array([np.flatnonzero(batch.masks[0])[-1]]))
    cells = np.flatnonzero(batch.masks[0])[::100]
    node, cv = batch.current_node(0), problem.canvas
    expected = []
    for cell in cells.tolist():
        now = batch.placement(0)
        x, y, placed = now.x_um.copy(), now.y_um.copy(), now.placed.copy()
        x[node] = (cell % cv.columns + 0.5) * cv.cell_w_um
        y[node] = (cell // cv.columns + 0.5) * cv.cell_h_um
        placed[node] = True
        expected.append(CostEngine(problem).full(now.replace(x, y, placed=placed)).proxy)
    np.testing.assert_allclose(exact_proxy(batch, cells), expected, rtol=1e-12)


def test_it_is_legal_repeatable_and_better_than_the_best_of_20_random_placements() -> None:
    problem = small_problem()
    a, b = (GreedyAgent().place(problem, Budget.parse("1e"), seed=s) for s in (0, 1))
    random = RandomAgent().place(problem, Budget.parse("20e"), seed=0)
    assert a.legality.legal
    assert a.placement.x_um.tolist() == b.placement.x_um.tolist()  # the first episode draws nothing
    assert a.cost.proxy < random.cost.proxy
    assert a.cost.wirelength < random.cost.wirelength
    assert a.proposals <= 32 * len(problem.movable_hard)


def test_later_episodes_explore_and_the_best_is_kept() -> None:
    problem = small_problem()
    agent = GreedyAgent(candidates=4)
    one, three, again = (agent.place(problem, Budget.parse(b), seed=7) for b in ("1e", "3e", "3e"))
    assert three.episodes == 3
    assert three.cost.proxy <= one.cost.proxy
    assert three.cost == again.cost
    seen: list[Progress] = []
    agent.place(problem, Budget.parse("3e"), seed=7, progress=seen.append)
    assert [p.episodes for p in seen if not p.note.startswith("macro")] == [1, 2, 3]


def test_a_budget_of_proposals_is_kept_and_a_small_one_still_gives_a_placement() -> None:
    problem = small_problem()
    for amount in (SMALL_MACROS, 50, 400):
        result = GreedyAgent().place(problem, Budget("p", amount), seed=0)
        assert result.episodes == 1
        assert result.proposals <= amount


def test_a_budget_of_seconds_that_ends_early_still_gives_a_placement() -> None:
    problem = small_problem()
    GreedyAgent(candidates=2).place(problem, Budget.parse("1e"), seed=0)  # compiles
    start = time.perf_counter()
    result = GreedyAgent(candidates=0).place(problem, Budget.parse("0.05s"), seed=0)
    assert time.perf_counter() - start < 2.0
    assert result.legality.legal
    assert result.episodes == 1


def test_a_dead_end_is_followed_by_another_try() -> None:
    # Four macros of 3.9 um fill the canvas: each must stand in a corner. The shortest wire is at the port's height, so
    # the first episode must fail, and only noise leads out.
    problem = squares(4, 3.9, 8.0, 6)
    with pytest.raises(InfeasibleProblemError, match="2 dead ends"):
        GreedyAgent(noise=0.0, patience=2).place(problem, Budget.parse("1e"), seed=0)
    result = GreedyAgent().place(problem, Budget.parse("1e"), seed=0)
    assert result.legality.legal


def test_a_problem_without_room_says_so() -> None:
    with pytest.raises(InfeasibleProblemError, match=r"no episode within 2e: 7 dead ends, \d+ proposals for 5 macros"):
        GreedyAgent(patience=7).place(squares(5, 4.0, 9.0, 9), Budget.parse("2e"), seed=0)


def test_the_wire_mask_costs_the_cells_with_the_shortest_wires(monkeypatch: pytest.MonkeyPatch) -> None:
    costed: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def spy(batch: ConstructBatch, cells: np.ndarray) -> np.ndarray:
        costed.append((cells, batch.raw_wl(0).reshape(-1).copy(), batch.masks[0].copy()))
        return exact_proxy(batch, cells)

    monkeypatch.setattr("agents.greedy.exact_proxy", spy)
    GreedyAgent(candidates=5, mask="wire").place(small_problem(), Budget.parse("1e"), seed=0)
    assert len(costed) == SMALL_MACROS
    for cells, wire, legal in costed:
        assert legal[cells].all()
        others = np.setdiff1d(np.flatnonzero(legal), cells)
        if len(others):
            assert wire[cells].max() <= wire[others].min()


def test_the_masks_lead_to_different_placements_unless_every_cell_is_costed() -> None:
    problem = small_problem()
    wire, cost = (
        GreedyAgent(candidates=2, mask=m).place(problem, Budget.parse("1e"), seed=0) for m in ("wire", "cost")
    )
    assert wire.cost != cost.cost
    lone = squares(1, 2.0, 9.0, 9)
    wire, cost = (GreedyAgent(candidates=0, mask=m).place(lone, Budget.parse("1e"), seed=0) for m in ("wire", "cost"))
    assert wire.cost == cost.cost


def test_options_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ProblemError, match="mask must be one of cost, wire"):
        GreedyAgent(mask="paper")
    with pytest.raises(ProblemError):
        GreedyAgent(candidates=-1)
    with pytest.raises(ProblemError):
        GreedyAgent(noise=-0.1)
