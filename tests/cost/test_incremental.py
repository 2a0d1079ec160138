"""The incremental engine equals the full one after any sequence of moves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.cost import Cost, CostEngine, CostOptions
from floorplan.cost.incremental import IncrementalCost
from floorplan.cost.kernels.topk import top_sum, top_sum_near
from floorplan.errors import ProblemError
from floorplan.formats import read_problem
from floorplan.netlist import Problem
from tests.cost.problems import random_placement, random_problem

problems = st.builds(
    random_problem,
    st.integers(0, 2**20),
    columns=st.integers(1, 9),
    rows=st.integers(1, 9),
    smooth_range=st.integers(0, 2),
    nets=st.integers(1, 25),
)


def assert_close(a: Cost, b: Cost) -> None:
    for part in ("wirelength", "density", "congestion", "proxy"):
        assert getattr(a, part) == pytest.approx(getattr(b, part), rel=1e-9, abs=1e-12), part


def random_move(problem: Problem, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    n, cv = problem.netlist.num_nodes, problem.canvas
    m = int(rng.integers(1, min(n, 4) + 1))
    x = rng.uniform(-0.2, 1.2, m) * cv.width_um
    y = rng.uniform(-0.2, 1.2, m) * cv.height_um
    # Grid lines are where rounding would show.
    on_line = rng.random(m) < 0.3
    x[on_line] = rng.integers(0, cv.columns + 1, int(on_line.sum())) * cv.cell_w_um
    return rng.choice(n, m, replace=False), x, y, rng.integers(0, 8, m).astype(np.uint8)


@settings(max_examples=120, deadline=None)
@given(problems, st.integers(0, 2**20), st.booleans())
def test_any_sequence_of_moves_costs_what_the_full_engine_says(problem: Problem, seed: int, square: bool) -> None:
    options = CostOptions(square_soft=square, density_top=0.3, congestion_top=0.2)
    rng = np.random.default_rng(seed)
    full = CostEngine(problem, options)
    engine = IncrementalCost(problem, random_placement(problem.netlist, problem.canvas, seed), options)
    assert_close(engine.cost, full.full(engine.placement))
    for _ in range(12):
        nodes, x, y, orient = random_move(problem, rng)
        before = engine.placement
        wanted = [a.copy() for a in (before.x_um, before.y_um, before.orient)]
        for array, value in zip(wanted, (x, y, orient), strict=True):
            array[nodes] = value
        after = before.replace(*wanted)
        proposed = engine.propose(nodes, x, y, orient)
        assert_close(proposed, full.full(after))
        if rng.random() < 0.6:
            assert_close(engine.commit(), proposed)
            assert engine.placement.x_um.tolist() == after.x_um.tolist()
        else:
            engine.rollback()
            assert engine.placement.orient.tolist() == before.orient.tolist()
            assert engine.placement.x_um.tolist() == before.x_um.tolist()
        assert_close(engine.cost, full.full(engine.placement))


@settings(max_examples=60, deadline=None)
@given(problems, st.integers(0, 2**20))
def test_rollback_restores_every_stored_value(problem: Problem, seed: int) -> None:
    rng = np.random.default_rng(seed)
    engine = IncrementalCost(problem, random_placement(problem.netlist, problem.canvas, seed))
    stored = ("x", "y", "orient", "inc_box", "net_box", "term_cell", "density", "load", "raw")
    for _ in range(6):
        before = {name: getattr(engine.state, name).copy() for name in stored}
        cost = engine.cost
        engine.propose(*random_move(problem, rng))
        engine.rollback()
        for name, was in before.items():
            assert np.array_equal(getattr(engine.state, name), was), name
        assert engine.cost == cost


@settings(max_examples=20, deadline=None)
@given(problems, st.integers(0, 2**20))
def test_engines_that_share_tables_do_not_see_each_other(problem: Problem, seed: int) -> None:
    rng = np.random.default_rng(seed)
    options = CostOptions(square_soft=bool(seed % 2), density_top=0.3)
    first, placement = (random_placement(problem.netlist, problem.canvas, s) for s in (seed, seed + 1))
    busy, alone = IncrementalCost(problem, first, options), IncrementalCost(problem, placement, options)
    sharing = IncrementalCost(problem, placement, options, busy.tables)
    assert sharing.tables is busy.tables
    for _ in range(4):
        busy.propose(*random_move(problem, rng))
        busy.commit()
        move = random_move(problem, rng)
        assert sharing.propose(*move) == alone.propose(*move)
        assert sharing.commit() == alone.commit()
    assert sharing.placement.x_um.tolist() == alone.placement.x_um.tolist()


def test_thousands_of_moves_on_a_real_netlist(benchmarks: Path) -> None:
    folder = benchmarks / "ct" / "NanGate45_ariane133"
    problem = read_problem(folder / "netlist.pb.txt.xz", folder / "legalized.plc.xz")
    engine = IncrementalCost(problem, problem.initial)
    full = CostEngine(problem)
    rng = np.random.default_rng(0)
    movable = np.concatenate([problem.movable_hard, problem.movable_soft])
    for step in range(3000):
        nodes = rng.choice(movable, 2 if step % 5 == 0 else 1, replace=False)
        x, y = rng.uniform(0, problem.canvas.width_um, (2, len(nodes)))
        engine.propose(nodes, x, y, rng.integers(0, 4, len(nodes)).astype(np.uint8))
        if step % 3:
            engine.commit()
        else:
            engine.rollback()
        if step % 500 == 0:
            assert_close(engine.cost, full.full(engine.placement))
    assert_close(engine.cost, full.full(engine.placement))
    assert_close(engine.refresh(), engine.cost)


def test_moves_that_make_no_sense_are_refused() -> None:
    problem = random_problem(1, columns=4, rows=4)
    placement = random_placement(problem.netlist, problem.canvas, 1)
    engine = IncrementalCost(problem, placement)
    with pytest.raises(ProblemError, match="no move is in hand"):
        engine.commit()
    with pytest.raises(ProblemError, match="distinct nodes"):
        engine.propose([0, 0], [1.0, 2.0], [1.0, 2.0])
    with pytest.raises(ProblemError, match="distinct nodes"):
        engine.propose(problem.netlist.num_nodes, 1.0, 1.0)
    with pytest.raises(ProblemError, match="finite"):
        engine.propose(0, float("nan"), 1.0)
    engine.propose(0, 1.0, 1.0)
    with pytest.raises(ProblemError, match="in hand"):
        engine.propose(0, 2.0, 2.0)
    engine.rollback()
    gone = placement.placed.copy()
    gone[0] = False
    with pytest.raises(ProblemError, match=f"{problem.netlist.node_name[0]} is not placed"):
        IncrementalCost(problem, placement.replace(placed=gone))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.one_of(st.floats(0, 2), st.sampled_from([0.0, 0.5, 0.6947, 0.6947 + 1e-15])), min_size=1, max_size=60),
    st.integers(1, 60),
    st.floats(-1, 3),
    st.sampled_from([1e-12, 1e-4, 1.0]),
)
def test_top_sum_from_any_threshold_is_the_sorted_sum(values: list[float], k: int, t: float, gap: float) -> None:
    k = min(k, len(values))
    array = np.array(values)
    want = float(np.sort(array)[::-1][:k].sum())
    got, threshold, _ = top_sum_near(array, len(array), k, t, gap)
    assert got == pytest.approx(want, abs=1e-11)
    assert top_sum(array.copy(), len(array), k) == pytest.approx(want, abs=1e-11)
    # Starting where the last call ended gives the same.
    assert top_sum_near(array, len(array), k, threshold, gap)[0] == pytest.approx(want, abs=1e-11)


def test_a_threshold_is_found_where_rounding_swallows_the_first_step() -> None:
    # 1.0 less one rank's spacing is 1.0 again; the ends of the search once flew to 1e299 and took the sum along.
    values = np.concatenate([np.full(89, 1.5), np.linspace(0.2, 0.9, 811)])
    want = float(np.sort(values)[-90:].sum())
    for t in (1.0, -3e177, 4e177):
        total, threshold, gap = top_sum_near(values, 900, 90, t, 5.551115123125783e-17)
        assert total == pytest.approx(want, rel=1e-12)
        assert 0.0 < threshold < 2.0
        assert gap < 1e3
