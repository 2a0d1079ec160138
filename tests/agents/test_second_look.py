from __future__ import annotations

import numpy as np
import pytest

from agents.ppo.second_look import SecondLook, least_of
from floorplan.cost import CostEngine
from floorplan.env import ConstructBatch
from floorplan.env.choice import RefineConfig
from floorplan.env.refine import RefineBatch
from floorplan.errors import ProblemError
from floorplan.netlist import Placement, Problem, check_legality
from tests.agents.ppo_cases import tiny_problem


def random_finish(problem: Problem, seed: int) -> Placement:
    """Return what an episode of random legal cells comes to."""
    batch, rng = ConstructBatch(problem, 1), np.random.default_rng(seed)
    while not batch.finished:
        batch.step(np.where(batch.masks, rng.random(batch.masks.shape), -1.0).argmax(axis=1))
    return batch.finished[0].placement


def test_changes_are_the_exact_costs_of_the_moves_and_leave_nothing_behind() -> None:
    problem = tiny_problem(6, 9, seed=2)
    start = random_finish(problem, 3)
    batch = RefineBatch(problem, 2, RefineConfig(keep_worse=True), seed=1)
    batch.begin(start)
    rng, full = np.random.default_rng(0), CostEngine(problem)
    for _ in range(2 * batch.lifts):
        cells = rng.integers(batch.num_actions, size=(2, 7))
        before = [p.x_um.tolist() for p in batch.placements]
        change = batch.changes(cells)
        assert [p.x_um.tolist() for p in batch.placements] == before
        assert change == pytest.approx(batch.changes(cells), abs=1e-12)
        legal = batch.masks[np.arange(2)[:, None], cells]
        assert (np.isinf(change) == ~legal).all()
        cost = [full.full(p).proxy for p in batch.placements]
        cv = problem.canvas
        for b, k in np.argwhere(legal):
            now = batch.placements[b]
            x, y = now.x_um.copy(), now.y_um.copy()
            row, column = divmod(int(cells[b, k]), cv.columns)
            x[batch.current_node(b)], y[batch.current_node(b)] = (
                (column + 0.5) * cv.cell_w_um,
                (row + 0.5) * cv.cell_h_um,
            )
            assert change[b, k] == pytest.approx(full.full(now.replace(x, y)).proxy - cost[b], abs=1e-9)
        batch.step(least_of(batch, np.where(batch.masks, rng.random(batch.masks.shape), -np.inf), 3))


def test_the_least_of_all_cells_is_the_least_there_is() -> None:
    problem = tiny_problem(6, 9, seed=2)
    batch = RefineBatch(problem, 1, seed=1)
    batch.begin(random_finish(problem, 4))
    all_cells = np.arange(batch.num_actions)[None]
    want = int(batch.changes(all_cells).argmin())
    assert least_of(batch, np.zeros(batch.masks.shape), batch.num_actions).tolist() == [want]
    # of one cell named it is that one, whatever it costs
    scores = np.full(batch.masks.shape, -np.inf)
    named = int(np.flatnonzero(batch.masks[0])[-1])
    scores[0, named] = 1.0
    assert least_of(batch, scores, 1).tolist() == [named]


def test_a_pass_lifts_every_macro_and_never_ends_worse() -> None:
    problem = tiny_problem(6, 9, seed=2)
    second = SecondLook(problem, 2, choices=4)
    starts = [random_finish(problem, s) for s in (5, 6)]
    engine = CostEngine(problem)

    def scores() -> np.ndarray:
        return np.where(second.batch.masks, -second.batch.cost_change.reshape(2, -1), -np.inf)

    one = second(starts, scores)
    for start, f in zip(starts, one, strict=True):
        assert f.cost.proxy < engine.full(start).proxy
        assert f.cost.proxy == pytest.approx(engine.full(f.placement).proxy, abs=1e-9)
        assert check_legality(problem, f.placement).legal
    # the same again, and each placement as if it had been alone
    again = second(starts, scores)
    assert [f.cost.proxy for f in again] == [f.cost.proxy for f in one]
    alone = SecondLook(problem, 2, choices=4)
    swapped = alone(starts[::-1], lambda: np.where(alone.batch.masks, -alone.batch.cost_change.reshape(2, -1), -np.inf))
    assert [f.cost.proxy for f in swapped[::-1]] == [f.cost.proxy for f in one]
    assert [f.cost.proxy for f in second(starts, scores, number=1)] != [f.cost.proxy for f in one]


@pytest.mark.parametrize("cells", [[1, 2], [[1.0], [2.0]], [[-1], [0]], [[0], [10_000]], [[0]]])
def test_cells_that_do_not_exist_are_refused(cells: list[object]) -> None:
    problem = tiny_problem()
    batch = RefineBatch(problem, 2)
    batch.begin(random_finish(problem, 1))
    with pytest.raises(ProblemError, match="actions must"):
        batch.changes(cells)
