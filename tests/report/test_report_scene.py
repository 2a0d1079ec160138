"""A scene says what the cost engine says, and what it says of causes adds up to it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from floorplan.cost import CostEngine, CostOptions, CostWeights
from floorplan.cost.reference import evaluate
from floorplan.netlist import NetlistBuilder, Placement, Problem
from floorplan.report.causes import worst_cells, worst_macros
from floorplan.report.scene import flylines_of, scene_of
from tests.cost.problems import random_problem
from tests.report.report_cases import crowded, overlapping, turned


@pytest.fixture(scope="module")
def problem() -> Problem:
    return turned(crowded())


def test_shapes_are_the_placed_nodes_as_oriented(problem: Problem) -> None:
    scene = scene_of(problem, problem.initial)
    assert scene.hard.name == ("bank/ram0", "bank/ram1", "rom", "cpu")
    assert scene.hard.orient == ("N", "S", "E", "FN")
    # the rom of 12 x 24 um lies on its side, centred at (80, 30)
    assert (scene.hard.x_um[2], scene.hard.y_um[2], scene.hard.w_um[2], scene.hard.h_um[2]) == (68.0, 24.0, 24.0, 12.0)
    assert scene.hard.kind == ("hard",) * 4
    assert scene.soft.name == ("Grp_0", "Grp_1", "Grp_2")
    assert scene.ports.fixed.all()
    assert not scene.hard.fixed.any()
    assert scene.halo_um.tolist()[0] == [1.0, 2.0, 0.0, 0.0]
    assert [b["hard"] for b in scene.blockages] == [True, False]
    assert scene.regions[0]["name"] == "east"


def test_numbers_are_the_engines_and_the_references(problem: Problem) -> None:
    options = CostOptions(CostWeights(2.0, 0.3, 0.7), density_top=0.2)
    scene = scene_of(problem, problem.initial, options)
    assert scene.cost == CostEngine(problem, options).full(problem.initial)
    slow = evaluate(problem, problem.initial, options)
    assert scene.cost.proxy == pytest.approx(slow.cost.proxy, rel=1e-12)
    np.testing.assert_allclose(scene.h_congestion, slow.maps.h, atol=1e-12)
    worst = scene.worst_nets[0]
    part = problem.netlist.net_weight * slow.net_hpwl_um
    assert worst.net == int(np.argmax(part))
    assert worst.share == pytest.approx(part.max() / part.sum())
    x0, y0, x1, y1 = worst.box_um
    assert (x1 - x0) + (y1 - y0) == pytest.approx(worst.hpwl_um)
    assert sum(n.share for n in scene.worst_nets) == pytest.approx(1.0)  # fewer nets than are named


def test_what_fills_a_cell_adds_up_to_its_value(problem: Problem) -> None:
    scene = scene_of(problem, problem.initial, worst=80)
    assert {c.map for c in scene.worst_cells} == {"density", "h_congestion", "v_congestion"}
    for c in scene.worst_cells:
        assert c.value == getattr(scene, c.map)[c.row, c.column]
        assert c.area + c.nets == pytest.approx(c.value, abs=1e-12)
        assert c.value > 0
    assert any(c.nets > 0 and c.area == 0 for c in scene.worst_cells)


@pytest.mark.parametrize("seed", range(6))
def test_it_adds_up_on_any_routes_and_smoothing(seed: int) -> None:
    """Nets of two to six ends, macros across the edge in any orientation, smoothing over 0 to 3 cells."""
    p = random_problem(seed, columns=7 + seed, rows=5, smooth_range=seed % 4)
    engine = CostEngine(p)
    maps = engine.maps(p.initial)
    found = worst_cells(engine, p.initial, maps, count=p.canvas.num_cells)
    assert found
    for c in found:
        assert c.area + c.nets == pytest.approx(c.value, abs=1e-9)
    # a partial placement, whose nets have lost ends, adds up too
    half = p.initial.replace(placed=p.initial.placed & (np.arange(len(p.initial)) % 3 != 0))
    for c in worst_cells(engine, half, engine.maps(half), count=5):
        assert c.area + c.nets == pytest.approx(c.value, abs=1e-9)


def test_the_fullest_cell_comes_first_and_names_the_macro_on_it(problem: Problem) -> None:
    scene = scene_of(problem, problem.initial)
    first = next(c for c in scene.worst_cells if c.map == "density")
    assert first.value == scene.density.max()
    # both macros that cover the cell, with their shares of it
    cv = problem.canvas
    for cause in first.causes:
        i = scene.hard.name.index(cause.name) if cause.name in scene.hard.name else scene.soft.name.index(cause.name)
        s = scene.hard if cause.name in scene.hard.name else scene.soft
        left, low = first.column * cv.cell_w_um, first.row * cv.cell_h_um
        dx = min(s.x_um[i] + s.w_um[i], left + cv.cell_w_um) - max(s.x_um[i], left)
        dy = min(s.y_um[i] + s.h_um[i], low + cv.cell_h_um) - max(s.y_um[i], low)
        assert cause.area == pytest.approx(dx * dy / (cv.cell_w_um * cv.cell_h_um))


def test_density_points_of_all_macros_are_the_density_cost() -> None:
    b = NetlistBuilder("hard only")
    b.add_port("p")
    for name in "abc":
        b.add_macro(name, 20.0, 15.0)
        b.add_pin(f"{name}/i", name)
    b.add_net("p", ["a/i", "b/i", "c/i"])
    at = Placement([0, 30, 62, 45], [0, 20, 33, 60], [0] * 4, [True] * 4)
    p = Problem(b.build(), crowded().canvas, at)
    engine = CostEngine(p)
    found = worst_macros(engine, at, engine.maps(at))
    cost = engine.full(at)
    assert sum(m.density for m in found) == pytest.approx(0.5 * cost.density)
    assert 0 < sum(m.congestion for m in found) <= 0.5 * cost.congestion + 1e-12
    # the net ends on each of the three, and counts for each
    assert [m.nets for m in found] == pytest.approx([cost.wirelength] * 3)
    assert [m.total for m in found] == sorted((m.total for m in found), reverse=True)


def test_flylines_are_the_strongest_connections_both_ways(problem: Problem) -> None:
    nl = problem.netlist
    fly = flylines_of(nl)
    of_cpu = fly.macro == nl.node_id["cpu"]
    # cpu/o drives rom and out with weight 5 shared by two sinks; ram0 drives cpu with 1/3, Grp_2 with 0.5/4
    names = [nl.node_name[i] for i in fly.other[of_cpu].tolist()]
    assert set(names[:2]) == {"rom", "out"}
    assert names[2:] == ["bank/ram0", "Grp_2"]
    assert fly.weight[of_cpu].tolist() == pytest.approx([2.5, 2.5, 1 / 3, 0.125])
    assert len(flylines_of(nl, limit=1).macro) == len(nl.hard)


def test_an_illegal_and_a_partial_placement_are_told(problem: Problem) -> None:
    scene = scene_of(problem, overlapping(problem))
    assert {"bank/ram0", "bank/ram1"} <= scene.wrong
    placed = problem.initial.placed.copy()
    placed[6] = False
    partial = scene_of(problem, problem.initial.replace(placed=placed))
    assert partial.counts["unplaced"] == 1
    assert "cpu" not in partial.hard.name
    assert partial.wrong == frozenset()


def test_it_becomes_json(problem: Problem) -> None:
    tree = json.loads(json.dumps(scene_of(problem, problem.initial).to_dict(), allow_nan=False))
    assert tree["cost"]["proxy"] == CostEngine(problem).full(problem.initial).proxy
    assert tree["hard"]["orient"] == ["N", "S", "E", "FN"]
    assert len(tree["density"]) == 8
