"""The contract that every soft-macro placer keeps, and what each of them promises besides."""

from __future__ import annotations

import numpy as np
import pytest
from soft_problems import between_ports, canvas, place, random_problem

from floorplan.cost import CostEngine, CostOptions, CostWeights
from floorplan.errors import UnknownNameError
from floorplan.geometry import Orient
from floorplan.netlist import NetlistBuilder, Placement, Problem
from floorplan.soft import DEFAULT_SOFT_PLACER, SOFT_PLACERS, make_soft_placer
from floorplan.soft.quadratic import QuadraticPlacer
from floorplan.soft.springs import Springs, build_springs
from floorplan.soft.system import SpringSystem

NAMES = sorted(SOFT_PLACERS)
MOVERS = [n for n in NAMES if n != "none"]


def bare(problem: Problem) -> QuadraticPlacer:
    """Springs only: with all the room in the world, nothing is spread, and no sweep follows."""
    return QuadraticPlacer(problem, anchors=(), level=1e9, sweeps=(), trial=())


def test_registry_names_and_default() -> None:
    assert NAMES == ["force_directed", "none", "quadratic"]
    assert DEFAULT_SOFT_PLACER in SOFT_PLACERS
    with pytest.raises(UnknownNameError, match="force_directed, none, quadratic"):
        make_soft_placer("magic", between_ports(1, 1))


@pytest.mark.parametrize(("left", "right"), [(1.0, 1.0), (3.0, 1.0), (1.0, 7.0)])
def test_springs_put_a_macro_between_two_ports_at_the_weighted_mean(left: float, right: float) -> None:
    problem = between_ports(left, right)
    out = bare(problem).place(problem.initial)
    share = right / (left + right)
    assert out.x_um[2] == pytest.approx(80.0 * share, rel=1e-12)
    assert out.y_um[2] == pytest.approx(40.0 - 20.0 * share, rel=1e-12)
    assert out.placed[2]


def test_a_chain_of_two_macros_divides_the_way_in_three() -> None:
    b = NetlistBuilder("chain")
    b.add_port("left")
    b.add_port("right")
    for i in range(2):
        b.add_macro(f"Grp_{i}", 1.0, 1.0, soft=True)
        b.add_pin(f"Grp_{i}/a", f"Grp_{i}")
    b.add_net("left", ["Grp_0/a"])
    b.add_net("Grp_0/a", ["Grp_1/a"])
    b.add_net("right", ["Grp_1/a"])
    problem = Problem(b.build(), canvas(), place({0: (0.0, 40.0), 1: (60.0, 40.0)}, 4))
    out = bare(problem).place(problem.initial)
    np.testing.assert_allclose(out.x_um[2:], [20.0, 40.0], rtol=1e-12)


@pytest.mark.parametrize("orient", list(Orient))
def test_hard_pins_are_pulled_at_with_their_oriented_offset(orient: Orient) -> None:
    b = NetlistBuilder("pin")
    b.add_macro("m", 20.0, 10.0)
    b.add_pin("m/a", "m", 4.0, 3.0)
    b.add_macro("Grp_0", 1.0, 1.0, soft=True)
    b.add_pin("Grp_0/a", "Grp_0")
    b.add_net("m/a", ["Grp_0/a"])
    nl = b.build()
    turn = {
        Orient.N: (4, 3), Orient.FN: (-4, 3), Orient.FS: (4, -3), Orient.S: (-4, -3),
        Orient.E: (3, -4), Orient.W: (-3, 4), Orient.FE: (-3, -4), Orient.FW: (3, 4),
    }[orient]  # fmt: skip
    start = place({0: (40.0, 30.0)}, 2).replace(orient=[int(orient), 0])
    out = bare(Problem(nl, canvas(), start)).place(start)
    assert (out.x_um[1], out.y_um[1]) == pytest.approx((40.0 + turn[0], 30.0 + turn[1]), rel=1e-12)


def test_springs_follow_a_translation() -> None:
    problem = random_problem(3)
    nl = problem.netlist
    moved = problem.initial.replace(x_um=problem.initial.x_um + 2.5, y_um=problem.initial.y_um - 1.25)
    a, b = bare(problem).place(problem.initial), bare(problem).place(moved)
    anchored = (np.abs(a.x_um[nl.soft] - 40.0) > 1e-9) | (np.abs(a.y_um[nl.soft] - 40.0) > 1e-9)
    assert anchored.sum() > 20
    np.testing.assert_allclose((b.x_um - a.x_um)[nl.soft][anchored], 2.5, atol=1e-9)
    np.testing.assert_allclose((b.y_um - a.y_um)[nl.soft][anchored], -1.25, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("smooth", [0, 2])
def test_everything_placed_inside_and_nothing_else_moved(name: str, smooth: int) -> None:
    problem = random_problem(1, smooth=smooth)
    nl, cv = problem.netlist, problem.canvas
    out = make_soft_placer(name, problem).place(problem.initial)
    s = nl.soft
    assert out.placed.all()
    others = np.setdiff1d(np.arange(nl.num_nodes), s)
    np.testing.assert_array_equal(out.x_um[others], problem.initial.x_um[others])
    np.testing.assert_array_equal(out.y_um[others], problem.initial.y_um[others])
    for at, size, span in ((out.x_um, nl.node_w_um, cv.width_um), (out.y_um, nl.node_h_um, cv.height_um)):
        side = np.sqrt(nl.node_w_um * nl.node_h_um)[s] if name == "force_directed" else size[s]
        assert (at[s] >= side / 2 - 1e-9).all()
        assert (at[s] <= span - side / 2 + 1e-9).all()


@pytest.mark.parametrize("name", NAMES)
def test_deterministic_and_blind_to_the_soft_positions_given(name: str) -> None:
    problem = random_problem(2)
    a = make_soft_placer(name, problem).place(problem.initial)
    placer = make_soft_placer(name, problem)
    placer.place(problem.initial.replace(x_um=problem.initial.x_um[::-1]))
    shifted = problem.initial.x_um.copy()
    shifted[problem.netlist.soft] = 7.0
    b = placer.place(problem.initial.replace(x_um=shifted))
    np.testing.assert_array_equal(a.x_um, b.x_um)
    np.testing.assert_array_equal(a.y_um, b.y_um)


@pytest.mark.parametrize("name", NAMES)
def test_batch_equals_single(name: str) -> None:
    problem = random_problem(4)
    nl = problem.netlist
    rng = np.random.default_rng(0)
    x, y = np.tile(problem.initial.x_um, (5, 1)), np.tile(problem.initial.y_um, (5, 1))
    orient = np.zeros(x.shape, np.uint8)
    x[:, nl.hard] = rng.uniform(10, 70, (5, len(nl.hard)))
    y[:, nl.hard] = rng.uniform(10, 70, (5, len(nl.hard)))
    orient[:, nl.hard] = rng.integers(0, 8, (5, len(nl.hard)))
    placer = make_soft_placer(name, problem)
    singles = [placer.place(Placement(x[i], y[i], orient[i], problem.initial.placed)) for i in range(5)]
    placer.place_batch(x, y, orient)
    for i, one in enumerate(singles):
        np.testing.assert_allclose(x[i], one.x_um, atol=1e-9)
        np.testing.assert_allclose(y[i], one.y_um, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_fixed_soft_macros_stay(name: str) -> None:
    problem = random_problem(5)
    nl = problem.netlist
    stay = nl.soft[:3]
    x, y, placed = problem.initial.x_um.copy(), problem.initial.y_um.copy(), problem.initial.placed.copy()
    x[stay], y[stay], placed[stay] = [11.0, 33.0, 66.0], 55.0, True
    fixed = np.zeros(nl.num_nodes, np.bool_)
    fixed[stay] = True
    problem = Problem(nl, problem.canvas, problem.initial.replace(x_um=x, y_um=y, placed=placed), fixed)
    out = make_soft_placer(name, problem).place(problem.initial)
    np.testing.assert_array_equal(out.x_um[stay], [11.0, 33.0, 66.0])
    assert out.placed.all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("hard", "soft"), [(0, 10), (4, 0), (3, 1)])
def test_problems_without_hard_or_soft_macros(name: str, hard: int, soft: int) -> None:
    problem = random_problem(6, hard=hard, soft=soft, nets=40)
    placer = make_soft_placer(name, problem)
    out = placer.place(problem.initial)
    assert out.placed.all()
    assert np.isfinite(out.x_um).all()
    x, y = placer.start()
    assert np.isfinite(x).all()
    assert np.isfinite(y).all()


@pytest.mark.parametrize("name", NAMES)
def test_soft_macros_without_nets_or_without_anchor(name: str) -> None:
    b = NetlistBuilder("loose")
    b.add_port("p")
    for i in range(4):
        b.add_macro(f"Grp_{i}", 3.0, 3.0, soft=True)
        b.add_pin(f"Grp_{i}/a", f"Grp_{i}")
    b.add_net("Grp_1/a", ["Grp_2/a"])
    b.add_net("p", ["Grp_3/a"])
    problem = Problem(b.build(), canvas(), place({0: (0.0, 0.0)}, 5))
    placer = make_soft_placer(name, problem)
    out = placer.place(problem.initial)
    assert out.placed.all()
    assert np.isfinite(out.x_um).all()
    x, y = placer.start()
    np.testing.assert_allclose(x[1:4], 40.0, atol=1e-9)
    np.testing.assert_allclose(y[1:4], 40.0, atol=1e-9)


@pytest.mark.parametrize("name", MOVERS)
def test_start_leaves_hard_macros_out(name: str) -> None:
    problem = random_problem(7)
    nl = problem.netlist
    placer = make_soft_placer(name, problem)
    x, y = placer.start()
    elsewhere = problem.initial.x_um.copy()
    elsewhere[nl.hard] += 13.0
    other = make_soft_placer(name, problem.replace(initial=problem.initial.replace(x_um=elsewhere)))
    np.testing.assert_array_equal(other.start()[0][nl.soft], x[nl.soft])
    assert ((x[nl.soft] >= 0) & (x[nl.soft] <= 80) & (y[nl.soft] >= 0) & (y[nl.soft] <= 80)).all()


@pytest.mark.parametrize("seed", range(3))
def test_quadratic_beats_the_middle_force_directed_and_its_own_springs(seed: int) -> None:
    problem = random_problem(seed, soft=60, nets=400)
    engine = CostEngine(problem)
    middle = problem.initial.x_um.copy(), problem.initial.y_um.copy()
    for a in middle:
        a[problem.netlist.soft] = 40.0
    lumped = problem.initial.replace(*middle, placed=np.ones(problem.netlist.num_nodes))
    proxy = {n: engine.full(make_soft_placer(n, problem).place(problem.initial)).proxy for n in MOVERS}
    assert proxy["quadratic"] < engine.full(lumped).proxy
    assert proxy["quadratic"] < engine.full(bare(problem).place(problem.initial)).proxy
    assert proxy["quadratic"] < proxy["force_directed"]


def test_cost_weights_steer_the_quadratic_placer() -> None:
    problem = random_problem(1, soft=60, nets=400)
    wire = CostOptions(weights=CostWeights(1.0, 0.0, 0.0))
    dense = CostOptions(weights=CostWeights(0.05, 1.0, 0.0))
    a = CostEngine(problem).full(make_soft_placer("quadratic", problem, wire).place(problem.initial))
    b = CostEngine(problem).full(make_soft_placer("quadratic", problem, dense).place(problem.initial))
    assert a.wirelength < b.wirelength
    assert b.density < a.density


def test_a_spring_system_is_solved_as_numpy_solves_it_and_alone_as_in_a_batch() -> None:
    problem = random_problem(8)
    springs = build_springs(problem)
    count = len(springs.soft)
    rng = np.random.default_rng(3)
    pull_x, pull_y, at_x, at_y = rng.normal(size=(4, 5, count))
    matrix = np.zeros((count, count))
    np.add.at(matrix, (springs.pair_a, springs.pair_b), -springs.pair_k)
    matrix += matrix.T
    held = np.bincount(springs.anchor_soft, springs.anchor_k, count)
    diagonal = held - matrix.sum(axis=0)
    for anchor in (0.0, 0.3):
        full = matrix + np.diag(diagonal * (1 + anchor))
        system = SpringSystem(springs, problem, anchor=anchor)
        x, y = system.solve(pull_x, pull_y, at_x, at_y)
        np.testing.assert_allclose(x @ full, pull_x + anchor * diagonal * at_x, atol=1e-9)
        np.testing.assert_allclose(y @ full, pull_y + anchor * diagonal * at_y, atol=1e-9)
        one, _ = system.solve(pull_x[3:4], pull_y[3:4], at_x[3:4], at_y[3:4])
        assert (one[0] == x[3]).all()


def test_springs_lost_in_the_rounding_of_others_still_give_positions() -> None:
    springs = Springs(
        soft=np.arange(2, dtype=np.int32),
        pair_a=np.array([0], np.int32),
        pair_b=np.array([1], np.int32),
        pair_k=np.array([1e9]),
        anchor_soft=np.array([0], np.int32),
        anchor_node=np.array([2], np.int32),
        anchor_k=np.array([1e-12]),
        anchor_kdx=np.zeros(1),
        anchor_kdy=np.zeros(1),
    )
    x, _ = SpringSystem(springs, random_problem(8)).solve(np.array([[5e-12, 0.0]]), np.zeros((1, 2)))
    assert np.isfinite(x).all()


@pytest.mark.parametrize("design", ["NanGate45_ariane133"])
def test_quadratic_beats_the_given_soft_placement_on_a_real_netlist(benchmarks, design: str) -> None:
    from floorplan.formats import read_problem

    folder = benchmarks / "ct" / design
    problem = read_problem(folder / "netlist.pb.txt.xz", folder / "legalized.plc.xz")
    engine = CostEngine(problem)
    given = engine.full(problem.initial).proxy
    found = engine.full(make_soft_placer("quadratic", problem).place(problem.initial)).proxy
    assert found < given
