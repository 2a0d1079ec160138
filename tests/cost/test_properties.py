"""Kernels against the reference, and what must not change a cost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.cost import CostEngine, CostOptions, CostWeights
from floorplan.cost.reference import evaluate
from floorplan.errors import ProblemError
from floorplan.netlist import Canvas, NetlistBuilder, Placement, Problem
from tests.cost.problems import problems, random_placement, random_problem

CLOSE = {"rel": 1e-9, "abs": 1e-12}


def assert_same(problem: Problem, placement: Placement, options: CostOptions | None = None) -> None:
    engine = CostEngine(problem, options)
    got, want = engine.full(placement), evaluate(problem, placement, options)
    for part in ("wirelength", "density", "congestion", "proxy", "wirelength_um"):
        assert getattr(got, part) == pytest.approx(getattr(want.cost, part), **CLOSE), part
    maps = engine.maps(placement)
    np.testing.assert_allclose(maps.density, want.maps.density, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(maps.h, want.maps.h, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(maps.v, want.maps.v, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(engine.net_hpwl_um(placement), want.net_hpwl_um, rtol=1e-9, atol=1e-12)


@settings(max_examples=150, deadline=None)
@given(problems)
def test_kernels_equal_reference(problem: Problem) -> None:
    assert_same(problem, problem.initial)


@settings(max_examples=50, deadline=None)
@given(problems, st.integers(0, 2**20))
def test_kernels_equal_reference_with_unplaced_nodes(problem: Problem, seed: int) -> None:
    placed = np.random.default_rng(seed).random(problem.netlist.num_nodes) < 0.6
    assert_same(problem, problem.initial.replace(placed=placed))


@settings(max_examples=30, deadline=None)
@given(problems, st.booleans(), st.floats(0.01, 1), st.floats(0.01, 1))
def test_kernels_equal_reference_under_options(problem: Problem, square: bool, d: float, c: float) -> None:
    assert_same(problem, problem.initial, CostOptions(CostWeights(2.0, 0.25, 3.0), d, c, square))


@settings(max_examples=30, deadline=None)
@given(problems, st.integers(0, 2**20))
def test_batch_equals_single(problem: Problem, seed: int) -> None:
    engine = CostEngine(problem)
    ps = [random_placement(problem.netlist, problem.canvas, seed + i) for i in range(5)]
    batch = engine.batch(*(np.stack([getattr(p, f) for p in ps]) for f in ("x_um", "y_um", "orient", "placed")))
    assert [batch[i] for i in range(5)] == [engine.full(p) for p in ps]


@settings(max_examples=40, deadline=None)
@given(problems, st.integers(0, 2**20))
def test_net_order_and_sink_order_do_not_matter(problem: Problem, seed: int) -> None:
    rng = np.random.default_rng(seed)
    nl = problem.netlist
    order = rng.permutation(nl.num_nets)
    pins, ptr = [], [0]
    for e in order.tolist():
        net = nl.net_pin[nl.net_ptr[e] : nl.net_ptr[e + 1]]
        pins += [int(net[0]), *rng.permutation(net[1:]).tolist()]
        ptr.append(len(pins))
    shuffled = replace(
        nl,
        net_ptr=np.array(ptr, np.int32),
        net_pin=np.array(pins, np.int32),
        net_weight=nl.net_weight[order].copy(),
    )
    same = Problem(shuffled, problem.canvas, problem.initial)
    a, b = CostEngine(problem).full(problem.initial), CostEngine(same).full(problem.initial)
    assert a.proxy == pytest.approx(b.proxy, rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(problems, st.integers(0, 2**20))
def test_relabelling_nodes_does_not_matter(problem: Problem, seed: int) -> None:
    rng = np.random.default_rng(seed)
    nl, p = problem.netlist, problem.initial
    perm = rng.permutation(nl.num_nodes)  # new node i is old node perm[i]
    back = np.argsort(perm).astype(np.int32)
    relabelled = replace(
        nl,
        node_name=tuple(nl.node_name[i] for i in perm),
        node_kind=nl.node_kind[perm].copy(),
        node_w_um=nl.node_w_um[perm].copy(),
        node_h_um=nl.node_h_um[perm].copy(),
        pin_node=back[nl.pin_node],
    )
    moved = Placement(p.x_um[perm], p.y_um[perm], p.orient[perm], p.placed[perm])
    a = CostEngine(problem).full(p)
    b = CostEngine(Problem(relabelled, problem.canvas, moved)).full(moved)
    assert a.proxy == pytest.approx(b.proxy, rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(problems, st.floats(-50, 50), st.floats(-50, 50))
def test_wirelength_does_not_change_under_translation(problem: Problem, dx: float, dy: float) -> None:
    p = problem.initial
    engine = CostEngine(problem)
    moved = p.replace(x_um=p.x_um + dx, y_um=p.y_um + dy)
    assert engine.full(moved).wirelength_um == pytest.approx(engine.full(p).wirelength_um, rel=1e-9, abs=1e-9)


def tile(cells: list[tuple[int, int]], weight: float = 1.0) -> Problem:
    """A net of one port in each of the given (row, column) cells of a 6 x 6 grid of 10 um cells; the first drives."""
    b = NetlistBuilder("tile")
    for i in range(len(cells)):
        b.add_port(f"p{i}")
    b.add_net("p0", [f"p{i}" for i in range(1, len(cells))], weight)
    x = np.array([c * 10 + 5.0 for _, c in cells])
    y = np.array([r * 10 + 5.0 for r, _ in cells])
    n = len(cells)
    initial = Placement(x, y, np.zeros(n, np.uint8), np.ones(n, bool))
    # One track per cell edge, so that maps read as demand.
    return Problem(b.build(), Canvas(60.0, 60.0, 6, 6, 0.1, 0.1), initial)


def demand(problem: Problem) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    maps = CostEngine(problem).maps(problem.initial)
    return tuple({(int(r), int(c)) for r, c in np.argwhere(m > 0.5)} for m in (maps.h, maps.v))  # type: ignore[return-value]


def test_one_cell_net_has_no_demand() -> None:
    assert demand(tile([(2, 2), (2, 2)])) == (set(), set())


def test_two_cell_net_goes_along_the_source_row_then_the_sink_column() -> None:
    assert demand(tile([(1, 1), (3, 4)])) == ({(1, 1), (1, 2), (1, 3)}, {(1, 4), (2, 4)})
    assert demand(tile([(3, 4), (1, 1)])) == ({(3, 1), (3, 2), (3, 3)}, {(1, 1), (2, 1)})


def test_three_cell_net_case_a_is_a_staircase() -> None:
    assert demand(tile([(0, 0), (2, 2), (4, 4)])) == (
        {(0, 0), (0, 1), (2, 2), (2, 3)},
        {(0, 2), (1, 2), (2, 4), (3, 4)},
    )


def test_three_cell_net_case_b_shares_the_far_column() -> None:
    assert demand(tile([(1, 0), (2, 3), (4, 3)])) == ({(1, 0), (1, 1), (1, 2)}, {(1, 3), (2, 3), (3, 3)})


def test_three_cell_net_case_c_has_two_cells_in_one_row() -> None:
    assert demand(tile([(4, 0), (1, 2), (1, 5)])) == (
        {(4, 0), (4, 1), (1, 2), (1, 3), (1, 4)},
        {(1, 2), (2, 2), (3, 2)},
    )


def test_three_cell_net_case_d_is_a_trunk_in_the_middle_row() -> None:
    assert demand(tile([(0, 4), (2, 0), (5, 2)])) == (
        {(2, 0), (2, 1), (2, 2), (2, 3)},
        {(0, 4), (1, 4), (2, 2), (3, 2), (4, 2)},
    )


def test_four_cell_net_is_a_star_from_the_source() -> None:
    h, v = demand(tile([(0, 0), (0, 3), (2, 0), (2, 3)]))
    assert h == {(0, 0), (0, 1), (0, 2)}
    assert v == {(0, 0), (1, 0), (0, 3), (1, 3)}


def test_demand_is_the_weight_only_above_one() -> None:
    for weight, want in ((0.25, 1.0), (1.0, 1.0), (4.0, 4.0)):
        problem = tile([(0, 0), (0, 1)], weight)
        assert CostEngine(problem).maps(problem.initial).h[0, 0] == pytest.approx(want)


def test_density_of_a_small_grid_is_half_the_mean_of_cells_in_use() -> None:
    """A 10 x 10 macro over two of the four 10 x 10 cells, half of each: 0.5 * (0.5 + 0.5) / 2."""
    b = NetlistBuilder("small")
    b.add_port("p")
    b.add_macro("m", 10, 10)
    b.add_pin("m/a", "m")
    b.add_net("p", ["m/a"])
    place = Placement(np.array([0.0, 10.0]), np.array([0.0, 5.0]), np.zeros(2, np.uint8), np.ones(2, bool))
    problem = Problem(b.build(), Canvas(20.0, 20.0, 2, 2, 1.0, 1.0), place)
    assert CostEngine(problem).full(place).density == pytest.approx(0.25)


def test_hard_overlap_is_the_shared_area() -> None:
    b = NetlistBuilder("two")
    for name in ("a", "b"):
        b.add_macro(name, 10, 4)
        b.add_pin(f"{name}/p", name)
    b.add_net("a/p", ["b/p"])
    place = Placement(np.array([10.0, 17.0]), np.array([10.0, 11.0]), np.zeros(2, np.uint8), np.ones(2, bool))
    problem = Problem(b.build(), Canvas(40.0, 40.0, 4, 4, 1.0, 1.0), place)
    engine = CostEngine(problem)
    assert engine.hard_overlap_um2(place) == pytest.approx((10 - 7) * (4 - 1))
    # Turned by 90 degrees both are 4 wide: 7 apart, they no longer meet.
    assert engine.hard_overlap_um2(place.replace(orient=[4, 4])) == 0


def test_wrong_shapes_and_netless_problems_are_refused() -> None:
    problem = random_problem(1, columns=4, rows=4)
    with pytest.raises(ProblemError, match="nodes"):
        CostEngine(problem).full(Placement.empty(1))
    with pytest.raises(ProblemError, match="shape"):
        CostEngine(problem).batch(np.zeros((2, 3)), np.zeros((2, 3)))
    b = NetlistBuilder("netless")
    b.add_macro("m", 1, 1)
    with pytest.raises(ProblemError, match="no net"):
        CostEngine(Problem(b.build(), problem.canvas, Placement.empty(1)))
    with pytest.raises(ProblemError, match="weight"):
        CostWeights(density=float("nan"))
    with pytest.raises(ProblemError, match="density_top"):
        CostOptions(density_top=0.0)
