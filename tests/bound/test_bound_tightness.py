"""Where the optimum is known, the bound reaches it, or a stated share of it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from floorplan.bound import lower_bound
from floorplan.bound.density import density_bound
from floorplan.bound.flow import solve_flow
from floorplan.bound.hubs import FlowGraph
from floorplan.bound.netpoints import gather_points
from floorplan.bound.packing import hub_flows
from floorplan.bound.wirelength import flow_value
from floorplan.cost import CostEngine, CostOptions
from floorplan.netlist import FLIPS, ONLY_N, Canvas, NetlistBuilder, Placement, Problem
from floorplan.netlist.legality import check_legality


def one_macro(orient: int, *, columns: int = 10, rows: int = 10, macro_tracks: float = 5.0) -> Problem:
    """Return a 20 x 10 macro with a pin at (9, 4), and a port at the lower left corner of the canvas."""
    b = NetlistBuilder("one")
    b.add_port("p")
    b.add_macro("m", 20.0, 10.0)
    b.add_pin("m/a", "m", 9.0, 4.0)
    b.add_net("p", ["m/a"])
    netlist = b.build()
    canvas = Canvas(100.0, 100.0, columns, rows, 10.0, 10.0, macro_tracks, macro_tracks)
    start = Placement(np.zeros(2), np.zeros(2), np.zeros(2), np.ones(2, bool))
    return Problem(netlist, canvas, start, allowed_orient=np.full(2, orient))


def test_one_macro_pulled_into_a_corner() -> None:
    # Pin at (9, 4) of a centre that gets to (10, 5) at best: 19 + 9 away; flipped both ways 1 + 1.
    for orient, um in ((ONLY_N, 28.0), (FLIPS, 2.0)):
        assert lower_bound(one_macro(orient)).wirelength * 200 == pytest.approx(um, abs=1e-4)


def test_one_macro_on_cells_of_its_size_fills_one_in_four() -> None:
    # 20 x 10 on cells of 20 x 10: centred on a corner it puts a quarter into each of four cells; the mean of the 5
    # fullest of 50 cells is then a fifth.
    problem = one_macro(ONLY_N, columns=5)
    bound = lower_bound(problem)
    best = CostEngine(problem).full(Placement([0.0, 40.0], [0.0, 40.0], [0, 0], [True, True]))
    assert bound.density == pytest.approx(best.density, rel=1e-6) == pytest.approx(0.5 / 5)
    # Its column takes h_share * 1/2 in two rows; V, taken back in the top row, v_share * 1/2 in two columns.
    assert bound.congestion == pytest.approx(0.5 * 0.5 * 4 / 5, rel=1e-6)


def test_ports_alone_have_the_wire_that_they_have() -> None:
    b = NetlistBuilder("ports")
    for name in "abc":
        b.add_port(name)
    b.add_net("a", ["b", "c"], 2.5)
    start = Placement([0.0, 30.0, 70.0], [100.0, 20.0, 50.0], [0, 0, 0], [True] * 3)
    problem = Problem(b.build(), Canvas(100.0, 100.0, 12, 12, 1.0, 2.0), start)
    bound, cost = lower_bound(problem), CostEngine(problem).full(start)
    assert bound.wirelength == pytest.approx(cost.wirelength, rel=1e-6)
    # Demand is there but on few entries, and the bound may spread it over all.
    assert 0 < bound.congestion <= cost.congestion


def star(leaves: int, side_um: float, *, soft: bool) -> tuple[Problem, Placement]:
    """Return a hub with one net to each of many 10 x 10 macros, and a legal placement close to the best."""
    b = NetlistBuilder("star")
    b.add_macro("Grp_hub", 1.0, 1.0, soft=True)
    for i in range(leaves):
        name = f"Grp_{i}" if soft else f"m{i}"
        b.add_macro(name, 10.0, 10.0, soft=soft)
        b.add_pin(f"{name}/a", name)
        b.add_pin(f"Grp_hub/{i}", "Grp_hub")
        b.add_net(f"Grp_hub/{i}", [f"{name}/a"])
    netlist = b.build()
    canvas = Canvas(side_um, side_um, round(side_um / 10), round(side_um / 10), 100.0, 100.0)
    side = np.arange(5.0, side_um, 10.0)
    x, y = (v.ravel() for v in np.meshgrid(side, side))
    middle = side_um / 2 + 5.0
    near = np.argsort(np.abs(x - middle) + np.abs(y - middle), kind="stable")[:leaves]
    n = leaves + 1
    placement = Placement(np.r_[middle, x[near]], np.r_[middle, y[near]], np.zeros(n), np.ones(n, bool))
    return Problem(netlist, canvas, placement, allowed_orient=np.full(n, ONLY_N)), placement


def test_disjoint_macros_around_a_hub_need_wire() -> None:
    problem, placement = star(300, 300.0, soft=False)
    assert check_legality(problem, placement).legal
    bound, cost = lower_bound(problem), CostEngine(problem).full(placement)
    # The program without overlaps sees nothing here: all macros could stand on the hub.
    assert 0.9 * cost.wirelength < bound.wirelength <= cost.wirelength


def test_soft_macros_at_low_density_need_wire() -> None:
    problem, placement = star(400, 200.0, soft=True)
    bound, cost = lower_bound(problem), CostEngine(problem).full(placement)
    assert cost.density == pytest.approx(bound.density, rel=0.02)
    assert bound.wirelength == 0.0
    share = (bound.proxy - 0.5 * bound.density - 0.5 * bound.congestion) / cost.wirelength
    assert share > 0.5
    assert bound.proxy <= cost.proxy
    # Heaped on the hub they need no wire, and pay in density.
    n = len(placement)
    heap = Placement(np.full(n, 105.0), np.full(n, 105.0), placement.orient, placement.placed)
    assert bound.proxy <= CostEngine(problem).full(heap).proxy


def test_any_pushes_prove_a_bound_and_optimal_ones_the_best() -> None:
    problem = one_macro(FLIPS)
    nets = gather_points(problem, problem.netlist.net_weight)
    best = flow_value(problem, nets, (solve_flow(problem, nets, 0), solve_flow(problem, nets, 1)))
    rng = np.random.default_rng(0)
    for scale in (0.1, 1.0, 100.0):
        u = rng.normal(size=(2, len(nets.point))) * scale
        assert 0.0 <= flow_value(problem, nets, (u[0], u[1])) <= best + 1e-9


def test_hub_flows_keep_to_the_weights_of_the_nets() -> None:
    problem, _ = star(40, 300.0, soft=False)
    nets = gather_points(problem, problem.netlist.net_weight)
    flows = hub_flows(problem, nets)
    assert flows.hubs == 1
    assert (flows.used <= nets.weight).all()
    assert flows.used.sum() == pytest.approx(40, rel=1e-3)
    graph = FlowGraph(problem, nets, problem.netlist.hard)
    flow = graph.send(int(np.argmax(graph.degree())), float(graph.degree().max()))
    assert flow is not None
    assert flow.at_macro.sum() == pytest.approx(flow.used.sum(), rel=1e-9)


def test_density_of_macros_that_fill_cells_is_one_half() -> None:
    b = NetlistBuilder("full")
    b.add_port("p")
    for i in range(12):
        b.add_macro(f"m{i}", 20.0, 20.0)
    b.add_pin("m0/a", "m0")
    b.add_net("p", ["m0/a"])
    n = 13
    start = Placement(np.zeros(n), np.zeros(n), np.zeros(n), np.ones(n, bool))
    problem = Problem(b.build(), Canvas(100.0, 100.0, 11, 11, 1.0, 1.0), start)
    # Wider than two cells, so each macro covers one cell wholly, wherever it stands; 12 = a tenth of 121.
    value, by = density_bound(problem, CostOptions())
    assert math.floor(0.1 * 121) == 12
    assert value == pytest.approx(0.5, rel=1e-6)
    assert by.startswith("12 of 12")
