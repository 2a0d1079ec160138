from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from agent_cases import shipped_problem, small_problem

from agents.analytic.points import gather_points, wire_groups
from agents.analytic.proxy import Parts, SmoothProxy, Widths
from agents.analytic.starts import start_placement
from floorplan.cost import CostEngine, CostOptions
from floorplan.env.arrays import movable_orient
from floorplan.formats import read_problem
from floorplan.legalize import legalize
from floorplan.netlist import Blockage, Placement, Problem

SHARP = Widths(gamma_um=1e-3, tau_cells=1e-3, density=1e-6, congestion=1e-6)


@cache
def scattered(seed: int) -> Placement:
    """All macros of the small problem anywhere wholly on the canvas, overlaps and all."""
    problem = small_problem()
    nl, cv, rng = problem.netlist, problem.canvas, np.random.default_rng(seed)
    x, y = problem.initial.x_um.copy(), problem.initial.y_um.copy()
    orient = problem.initial.orient.copy()
    orient[problem.movable_hard] = movable_orient(problem)
    for at, size, span in ((x, nl.node_w_um, cv.width_um), (y, nl.node_h_um, cv.height_um)):
        for ids in (problem.movable_hard, problem.movable_soft):
            at[ids] = size[ids] / 2 + rng.random(len(ids)) * (span - size[ids])
    return Placement(x, y, orient, np.ones(len(x), np.bool_))


def parts_of(problem: Problem, placement: Placement, widths: Widths) -> Parts:
    smooth = SmoothProxy(CostEngine(problem), placement.orient)
    smooth.trace(placement.x_um, placement.y_um)
    return smooth.parts(torch.from_numpy(np.stack([placement.x_um, placement.y_um], axis=1)).float(), widths)


@pytest.mark.parametrize("smooth_range", [0, 2])
def test_with_all_widths_near_zero_it_is_the_exact_cost(smooth_range: int) -> None:
    problem = small_problem()
    problem = problem.replace(canvas=replace(problem.canvas, smooth_range=smooth_range))
    for seed in range(4):
        exact = CostEngine(problem).full(scattered(seed))
        parts = parts_of(problem, scattered(seed), SHARP)
        # Measured: 2e-7, 6e-8 and 2e-5 at most.
        assert float(parts.wirelength) == pytest.approx(exact.wirelength, rel=1e-5)
        assert float(parts.density) == pytest.approx(exact.density, rel=1e-6)
        assert float(parts.congestion) == pytest.approx(exact.congestion, rel=1e-3)


def test_it_tracks_the_exact_cost_where_it_is_smooth_too() -> None:
    problem = shipped_problem()
    rng = np.random.default_rng(0)
    cv, initial = problem.canvas, problem.initial
    side = (cv.width_um + cv.height_um) / 2
    widths = Widths(0.001 * side, 0.15, 0.01, 0.005)
    start = legalize(problem, spread_out(problem))
    engine = CostEngine(problem)
    for share in (0.0, 0.01, 0.1):
        move = np.where(problem.fixed, 0.0, share)
        x = np.clip(start.x_um + move * cv.width_um * rng.standard_normal(len(initial)), 0, cv.width_um)
        y = np.clip(start.y_um + move * cv.height_um * rng.standard_normal(len(initial)), 0, cv.height_um)
        placement = legalize(problem, start.replace(x, y))
        exact = engine.full(placement)
        parts = parts_of(problem, placement, widths)
        got = float(parts.wirelength), float(parts.density), float(parts.congestion)
        # Measured: 0.01 %, 0.2 % and 3.1 % off.
        assert got[0] == pytest.approx(exact.wirelength, rel=0.002)
        assert got[1] == pytest.approx(exact.density, rel=0.01)
        assert got[2] == pytest.approx(exact.congestion, rel=0.05)


def spread_out(problem: Problem) -> Placement:
    return start_placement(problem, "outlook", CostOptions(), np.random.default_rng(0))


def test_its_gradient_is_that_of_finite_differences() -> None:
    # All cells count alike, as the choice of the top ones is held still in the gradient; float32 wants a large step.
    # Measured: 3 % apart at most, in the congestion.
    problem, placement = small_problem(), scattered(1)
    side = problem.canvas.width_um
    widths = Widths(0.02 * side, 0.6, 1.0, 1.0)
    smooth = SmoothProxy(CostEngine(problem, CostOptions(congestion_top=1.0)), placement.orient)
    smooth.trace(placement.x_um, placement.y_um)
    at = torch.from_numpy(np.stack([placement.x_um, placement.y_um], axis=1)).float().requires_grad_()
    along = torch.from_numpy(np.random.default_rng(0).standard_normal(at.shape)).float()
    along[torch.from_numpy(problem.fixed.copy())] = 0
    for name in ("wirelength", "congestion", "overlap"):
        (grad,) = torch.autograd.grad(getattr(smooth.parts(at, widths), name), at)
        # The overlap has kinks, which a large step would leap over.
        step = (1e-4 if name == "overlap" else 1e-3) * side
        with torch.no_grad():
            plus, minus = (float(getattr(smooth.parts(at + s * step * along, widths), name)) for s in (1, -1))
        slope = float((grad * along).sum())
        assert slope == pytest.approx((plus - minus) / (2 * step), rel=0.05), name


def test_points_keep_every_pin_and_groups_keep_every_net() -> None:
    problem, placement = small_problem(), scattered(2)
    arrays = CostEngine(problem).arrays
    points = gather_points(problem, arrays, placement.orient)
    assert (points.node[points.term[points.net_ptr[:-1]]] == arrays.term_node[arrays.net_ptr[:-1]]).all()  # sources
    for net in range(0, len(arrays.net_weight), 37):
        ours = points.node[points.term[points.net_ptr[net] : points.net_ptr[net + 1]]]
        assert set(ours) == set(arrays.term_node[arrays.net_ptr[net] : arrays.net_ptr[net + 1]])
    grouped = sum(float(weight.sum()) for _, weight in wire_groups(points))
    assert grouped == pytest.approx(float(points.weight[np.diff(points.net_ptr) > 1].sum()))


def test_overlap_is_counted_between_hard_macros_and_with_blockages() -> None:
    problem = small_problem()
    legal = legalize(problem, scattered(0))
    assert float(parts_of(problem, legal, SHARP).overlap) < 1e-6
    i, j = problem.movable_hard[:2]
    x, y = legal.x_um.copy(), legal.y_um.copy()
    x[j], y[j] = x[i], y[i]
    assert float(parts_of(problem, legal.replace(x, y), SHARP).overlap) > 1e-3
    box = Blockage(legal.x_um[i] - 1, legal.y_um[i] - 1, legal.x_um[i] + 1, legal.y_um[i] + 1)
    assert float(parts_of(problem.replace(blockages=(box,)), legal, SHARP).overlap) > 1e-3


def test_on_a_real_netlist_it_is_the_exact_cost_to_a_thousandth(benchmarks: Path) -> None:
    folder = benchmarks / "ct" / "NanGate45_ariane133"
    problem = read_problem(folder / "netlist.pb.txt.xz", folder / "legalized.plc.xz")
    exact = CostEngine(problem).full(problem.initial)
    parts = parts_of(problem, problem.initial, SHARP)
    assert float(parts.wirelength) == pytest.approx(exact.wirelength, rel=1e-3)
    assert float(parts.density) == pytest.approx(exact.density, rel=1e-3)
    assert float(parts.congestion) == pytest.approx(exact.congestion, rel=1e-2)
