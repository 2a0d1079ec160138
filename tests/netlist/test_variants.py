from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.cost import CostEngine
from floorplan.errors import ProblemError
from floorplan.formats import read_netlist, read_problem, write_netlist
from floorplan.geometry import ORIENT_MATRIX, Orient
from floorplan.netlist import (
    FLIPS,
    SYMMETRIES,
    Blockage,
    Canvas,
    NetlistBuilder,
    NodeKind,
    Placement,
    Problem,
    Side,
    Variant,
    check_legality,
    mirror,
    relabel,
    with_grid,
)

EDGES = tuple(Side)[1:]
NEAR = 1e-9


def small_problem(seed: int, *, lattice: bool = False) -> Problem:
    """Return a problem with fixed macros, a blockage, ports on edges, any masks; `lattice` puts all on half um."""
    rng = np.random.default_rng(seed)
    step = (lambda v: np.round(np.asarray(v) * 2) / 2) if lattice else np.asarray
    b = NetlistBuilder("small")
    pins: list[str] = []
    for i in range(int(rng.integers(1, 5))):
        b.add_port(f"p{i}", EDGES[int(rng.integers(4))])
        pins.append(f"p{i}")
    for i in range(int(rng.integers(2, 6))):
        w, h = rng.choice([5.0, 8.0, 12.5, 20.0], 2)
        soft = bool(rng.random() < 0.4)
        b.add_macro(f"Grp_{i}" if soft else f"m{i}", float(w), float(h), soft=soft)
        for k in range(int(rng.integers(1, 4))):
            offset = step([rng.uniform(-w / 2, w / 2), rng.uniform(-h / 2, h / 2)]) * (not soft) + 0.0
            b.add_pin(f"{i}/{k}", f"Grp_{i}" if soft else f"m{i}", *offset.tolist())
            pins.append(f"{i}/{k}")
    for s in rng.permutation(len(pins))[:8].tolist():
        sinks = rng.choice(len(pins), int(rng.integers(1, 5)))
        b.add_net(pins[s], [pins[k] for k in sinks.tolist()], float(rng.choice([0.5, 1.0, 3.0, 16.0])))
    netlist = b.build()
    n = netlist.num_nodes
    hard = netlist.node_kind == NodeKind.HARD
    canvas = Canvas(100.0, 80.0, int(rng.integers(1, 9)), int(rng.integers(1, 9)), 11.0, 13.0, 5.0, 7.0, 1)
    orient = np.where(hard, rng.integers(0, 8, n), 0)
    start = Placement(step(rng.uniform(0, 100, n)), step(rng.uniform(0, 80, n)), orient, np.ones(n, bool))
    x0, y0 = step([rng.uniform(0, 60), rng.uniform(0, 50)]).tolist()
    return Problem(
        netlist,
        canvas,
        start,
        fixed=rng.random(n) < 0.3,
        allowed_orient=rng.integers(1, 256, n),
        macro_spacing_um=1.0,
        boundary_spacing_um=2.0,
        blockages=(Blockage(x0, y0, x0 + 30.0, y0 + 20.0, 0.5),),
    )


def other_placement(problem: Problem, seed: int, *, legal_orient: bool = True) -> Placement:
    """Return the start with movable nodes anywhere, in an orientation that is allowed (or in any)."""
    rng = np.random.default_rng(seed)
    n, start = problem.netlist.num_nodes, problem.initial
    bits = np.array(
        [rng.choice(np.flatnonzero([(m >> o) & 1 for o in Orient])) for m in problem.allowed_orient.tolist()]
    )
    orient = np.where(problem.netlist.node_kind == NodeKind.HARD, bits if legal_orient else rng.integers(0, 8, n), 0)
    move = ~problem.fixed
    return start.replace(
        x_um=np.where(move, rng.uniform(-5, 105, n), start.x_um),
        y_um=np.where(move, rng.uniform(-5, 85, n), start.y_um),
        orient=np.where(move, orient, start.orient),
    )


def seen_otherwise(problem: Problem, symmetry: tuple[bool, bool], seed: int) -> Variant:
    return mirror(relabel(mirror(relabel(problem, seed + 1), *symmetry), seed), True, False)


def same(a: Placement, b: Placement) -> bool:
    close = np.allclose(a.x_um, b.x_um, rtol=0, atol=1e-12) and np.allclose(a.y_um, b.y_um, rtol=0, atol=1e-12)
    return close and (a.orient == b.orient).all() and (a.placed == b.placed).all()


def wires_and_density(problem: Problem, placement: Placement) -> tuple[float, float]:
    cost = CostEngine(problem).full(placement)
    return cost.wirelength, cost.density


def rules_broken(problem: Problem, placement: Placement) -> list[tuple[str, tuple[str, ...], float]]:
    found = check_legality(problem, placement).violations
    return sorted((v.kind, tuple(sorted(v.nodes)), round(v.amount_um, 6)) for v in found)


symmetries = st.sampled_from(SYMMETRIES)
seeds = st.integers(0, 2**32 - 1)


@settings(deadline=None, max_examples=60)
@given(seeds, symmetries)
def test_a_mirrored_placement_costs_the_same_wires_and_density_and_comes_back(seed, symmetry) -> None:
    problem = small_problem(seed)
    variant = mirror(problem, *symmetry)
    p = other_placement(problem, seed, legal_orient=False)
    image = variant.forth(p)
    assert wires_and_density(variant.problem, image) == pytest.approx(wires_and_density(problem, p), rel=NEAR)
    assert same(variant.back(image), p)
    assert (variant.back(image).x_um[problem.fixed] == p.x_um[problem.fixed]).all()


@settings(deadline=None, max_examples=60)
@given(seeds, symmetries)
def test_the_same_rules_are_broken_by_the_same_amounts(seed, symmetry) -> None:
    problem = small_problem(seed)
    for p in (problem.initial, other_placement(problem, seed)):
        variant = seen_otherwise(problem, symmetry, seed)
        assert rules_broken(variant.problem, variant.forth(p)) == rules_broken(problem, p)


@settings(deadline=None, max_examples=60)
@given(seeds, symmetries)
def test_every_pin_and_every_edge_of_the_image_is_where_the_mirror_puts_it(seed, symmetry) -> None:
    problem = small_problem(seed)
    variant = mirror(problem, *symmetry)
    p = other_placement(problem, seed, legal_orient=False)
    sign = np.where(symmetry, -1.0, 1.0)
    size = np.array([problem.canvas.width_um, problem.canvas.height_um])

    def pins(where: Problem, placement: Placement) -> np.ndarray:
        nl = where.netlist
        m = ORIENT_MATRIX[placement.orient[nl.pin_node]].reshape(-1, 2, 2)
        offset = np.einsum("pij,pj->pi", m, np.stack([nl.pin_dx_um, nl.pin_dy_um], axis=1))
        return np.stack([placement.x_um, placement.y_um], axis=1)[nl.pin_node] + offset

    got = pins(variant.problem, variant.forth(p))
    expected = np.where(symmetry, size, 0.0) + sign * pins(problem, p)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-9)
    side = {Side.LEFT: (-1, 0), Side.RIGHT: (1, 0), Side.BOTTOM: (0, -1), Side.TOP: (0, 1), Side.NONE: (0, 0)}
    before = np.array([side[Side(s)] for s in problem.netlist.node_side.tolist()])
    after = np.array([side[Side(s)] for s in variant.problem.netlist.node_side.tolist()])
    assert (after == before * sign).all()
    for a, b in zip(problem.blockages, variant.problem.blockages, strict=True):
        corners = np.array([[a.x0_um, a.y0_um], [a.x1_um, a.y1_um]]) * sign + np.where(symmetry, size, 0.0)
        np.testing.assert_allclose([b.x0_um, b.y0_um, b.x1_um, b.y1_um], np.sort(corners, axis=0).ravel())
        assert b.rate == a.rate


@settings(deadline=None, max_examples=60)
@given(seeds, seeds)
def test_relabelling_changes_the_order_and_no_cost(seed, order) -> None:
    problem = small_problem(seed)
    variant = relabel(problem, order)
    p = other_placement(problem, seed)
    before, after = CostEngine(problem).full(p), CostEngine(variant.problem).full(variant.forth(p))
    assert after.proxy == pytest.approx(before.proxy, rel=NEAR)
    assert after.congestion == pytest.approx(before.congestion, rel=NEAR, abs=1e-12)
    assert same(variant.back(variant.forth(p)), p)
    nl, old = variant.problem.netlist, problem.netlist
    assert (nl.node_kind == old.node_kind).all()
    assert nl.node_name == tuple(old.node_name[i] for i in variant.node.tolist())
    assert (variant.problem.fixed == problem.fixed[variant.node]).all()
    assert (variant.problem.allowed_orient == problem.allowed_orient[variant.node]).all()


def test_relabelled_netlists_survive_a_file(tmp_path: Path) -> None:
    for seed in range(5):
        netlist = relabel(small_problem(seed), seed).problem.netlist
        write_netlist(tmp_path / "n.pb.txt", netlist)
        again = read_netlist(tmp_path / "n.pb.txt")[0]
        assert again.content_hash == netlist.content_hash
        assert (again.node_index == netlist.node_index).all()
        assert (again.pin_index == netlist.pin_index).all()


def test_relabelling_reaches_many_orders_and_the_seed_decides() -> None:
    problem = small_problem(3)
    hashes = {relabel(problem, s).problem.netlist.content_hash for s in range(8)}
    assert len(hashes) >= 4
    assert relabel(problem, 5).problem.netlist.content_hash == relabel(problem, 5).problem.netlist.content_hash


@settings(deadline=None, max_examples=30)
@given(seeds, symmetries)
def test_variants_of_variants_lead_back_to_the_first_problem(seed, symmetry) -> None:
    problem = small_problem(seed)
    variant = seen_otherwise(problem, symmetry, seed).with_grid(5, 3)
    assert variant.original is problem
    assert variant.original_hash == problem.netlist.content_hash
    assert (variant.problem.canvas.columns, variant.problem.canvas.rows) == (5, 3)
    p = other_placement(problem, seed)
    image = variant.forth(p)
    assert same(variant.back(image), p)
    coarse = with_grid(problem, 5, 3)
    assert wires_and_density(variant.problem, image) == pytest.approx(wires_and_density(coarse, p), rel=NEAR)


def test_twice_mirrored_is_the_netlist_itself() -> None:
    problem = small_problem(11)
    once = mirror(problem, True, True)
    twice = mirror(once, True, True)
    assert once.problem.netlist.content_hash != problem.netlist.content_hash
    assert twice.problem.netlist.content_hash == problem.netlist.content_hash
    assert (twice.problem.allowed_orient == problem.allowed_orient).all()
    assert (twice.flip_x, twice.flip_y) == (False, False)
    assert mirror(problem, False, False).problem is problem


def test_a_flipped_axis_swaps_the_quarter_turns_that_are_allowed() -> None:
    problem = small_problem(1)
    n = problem.netlist.num_nodes
    east = problem.replace(allowed_orient=np.full(n, 1 << Orient.E), fixed=np.zeros(n, bool))
    assert set(mirror(east, True, False).problem.allowed_orient.tolist()) == {1 << Orient.W}
    assert set(mirror(east, True, True).problem.allowed_orient.tolist()) == {1 << Orient.E}
    plain = problem.replace(allowed_orient=np.full(n, FLIPS))
    assert set(mirror(plain, False, True).problem.allowed_orient.tolist()) == {FLIPS}


def test_congestion_of_the_image_is_the_same_where_no_rule_prefers_a_side() -> None:
    """One column of cells and no macros: demand is booked between rows, whose mirror moves it by a row and no more."""
    b = NetlistBuilder("chain")
    for i in range(4):
        b.add_macro(f"Grp_{i}", 1.0, 1.0, soft=True)
        b.add_pin(f"Grp_{i}/p", f"Grp_{i}")
    for i in range(3):
        b.add_net(f"Grp_{i}/p", [f"Grp_{i + 1}/p"])
    canvas = Canvas(10.0, 40.0, 1, 4, 10.0, 10.0)
    at = Placement(np.full(4, 5.0), np.array([5.0, 15.0, 25.0, 35.0]), np.zeros(4, np.uint8), np.ones(4, bool))
    problem = Problem(b.build(), canvas, at)
    variant = mirror(problem, True, True)
    before = CostEngine(problem).full(at).congestion
    assert before > 0
    assert CostEngine(variant.problem).full(variant.forth(at)).congestion == before


@pytest.mark.parametrize("grid", [(0, 5), (5, 4097), (-1, 5), (2.5, 5), ("7", 5)])
def test_grids_that_do_not_exist_are_refused(grid) -> None:
    with pytest.raises(ProblemError):
        with_grid(small_problem(0), *grid)


def test_a_placement_of_another_problem_is_refused() -> None:
    with pytest.raises(ProblemError, match="nodes"):
        relabel(small_problem(0), 1).forth(Placement.empty(1))


def test_variants_of_a_real_netlist_cost_what_it_costs(benchmarks: Path) -> None:
    folder = benchmarks / "ct" / "SKY130HD_ariane133"
    problem = read_problem(folder / "netlist.pb.txt.xz", folder / "legalized.plc.xz")
    cost = CostEngine(problem).full(problem.initial)
    for symmetry in SYMMETRIES:
        variant = relabel(mirror(problem, *symmetry), 7)
        image = CostEngine(variant.problem).full(variant.problem.initial)
        assert image.wirelength == pytest.approx(cost.wirelength, rel=NEAR)
        assert image.density == pytest.approx(cost.density, rel=NEAR)
        assert image.congestion == pytest.approx(cost.congestion, rel=0.02)
        assert same(variant.back(variant.problem.initial), problem.initial)
