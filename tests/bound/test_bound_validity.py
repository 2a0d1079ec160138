"""No legal placement, random or pushed down part by part, costs less than the bound."""

from __future__ import annotations

import numpy as np
import pytest
from bound_problems import pushed_down, random_bound_problem, random_legal
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.bound import LowerBound, lower_bound
from floorplan.cost import Cost, CostEngine, CostOptions, CostWeights
from floorplan.netlist import Canvas, NetlistBuilder, Placement, Problem
from floorplan.netlist.legality import check_legality

PARTS = ("wirelength", "density", "congestion", "proxy")


def assert_holds(bound: LowerBound, cost: Cost) -> None:
    for part in PARTS:
        assert getattr(bound, part) <= getattr(cost, part), part


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_random_legal_placements_cost_no_less(seed: int) -> None:
    problem = random_bound_problem(seed)
    bound = lower_bound(problem)
    engine = CostEngine(problem)
    rng = np.random.default_rng(seed + 1)
    for _ in range(6):
        placement = random_legal(problem, rng)
        if placement is not None:
            assert_holds(bound, engine.full(placement))


@pytest.mark.parametrize("part", PARTS)
@given(st.integers(0, 2**32 - 1))
@settings(max_examples=8, deadline=None)
def test_pushing_a_part_down_stops_at_the_bound(part: str, seed: int) -> None:
    problem = random_bound_problem(seed)
    rng = np.random.default_rng(seed + 1)
    placement = random_legal(problem, rng)
    if placement is not None:
        bound = lower_bound(problem)
        placement = pushed_down(problem, placement, lambda cost: float(getattr(cost, part)), rng, 200)
        assert_holds(bound, CostEngine(problem).full(placement))


def a_problem_with_macros(seed: int) -> tuple[Problem, np.random.Generator]:
    rng = np.random.default_rng(seed)
    while True:
        problem = random_bound_problem(int(rng.integers(0, 2**32)))
        if len(problem.movable_hard) >= 2 and problem.canvas.num_cells >= 10:
            return problem, rng


@pytest.mark.parametrize(
    "options",
    [
        CostOptions(square_soft=True),
        CostOptions(density_top=1.0, congestion_top=1.0),
        CostOptions(density_top=0.01, congestion_top=0.001),
        CostOptions(weights=CostWeights(0.0, 2.0, 0.25)),
    ],
)
def test_the_bound_holds_under_other_options(options: CostOptions) -> None:
    for seed in range(8):
        problem, rng = a_problem_with_macros(seed)
        bound = lower_bound(problem, options)
        engine = CostEngine(problem, options)
        for _ in range(10):
            placement = random_legal(problem, rng)
            if placement is not None:
                assert_holds(bound, engine.full(placement))


def test_macros_packed_and_swapped_around_hubs_keep_above_the_bound() -> None:
    """Here the bound comes from hub flows, which the problems above are too small for."""
    for seed in range(3):
        problem, placement = packed_around_hubs(seed)
        bound = lower_bound(problem)
        assert "hubs" in bound.wirelength_by
        assert check_legality(problem, placement).legal
        rng = np.random.default_rng(seed)
        engine = CostEngine(problem)
        best, cost = placement, engine.full(placement)
        for _ in range(600):
            x, y, orient = best.x_um.copy(), best.y_um.copy(), best.orient.copy()
            i, j = rng.choice(problem.movable_hard, 2, replace=False)
            if rng.random() < 0.2:
                x[problem.movable_soft] = np.median(x[rng.choice(problem.movable_hard, 9)])
                y[problem.movable_soft] = np.median(y[rng.choice(problem.movable_hard, 9)])
            else:
                x[[i, j]], y[[i, j]] = x[[j, i]], y[[j, i]]
                orient[i] = rng.integers(0, 4)
            trial = Placement(x, y, orient, best.placed)
            trial_cost = engine.full(trial)
            if trial_cost.wirelength <= cost.wirelength:
                best, cost = trial, trial_cost
            assert_holds(bound, trial_cost)
        assert check_legality(problem, best).legal
        assert bound.wirelength > 0.2 * cost.wirelength


def packed_around_hubs(seed: int) -> tuple[Problem, Placement]:
    """Return 64 equal macros in one block without gaps, each on nets with two of three soft hubs in its middle."""
    rng = np.random.default_rng(seed)
    b = NetlistBuilder("packed")
    b.add_port("p")
    for k in range(3):
        b.add_macro(f"Grp_{k}", 2.0, 2.0, soft=True)
        b.add_pin(f"Grp_{k}/p", f"Grp_{k}")
    b.add_net("p", ["Grp_0/p"])
    b.add_net("Grp_0/p", ["Grp_1/p", "Grp_2/p"], 20.0)
    for i in range(64):
        b.add_macro(f"m{i}", 12.0, 8.0)
        for k, hub in enumerate(rng.choice(3, 2, replace=False).tolist()):
            b.add_pin(f"m{i}/{k}", f"m{i}", *rng.uniform(-3, 3, 2).tolist())
            b.add_net(f"m{i}/{k}", [f"Grp_{hub}/p"], float(rng.choice([1.0, 3.0])))
    netlist = b.build()
    x, y = (v.ravel() for v in np.meshgrid(60.0 + 12.0 * np.arange(8), 60.0 + 8.0 * np.arange(8)))
    n = netlist.num_nodes
    centre_x, centre_y = np.full(n, 102.0), np.full(n, 88.0)
    centre_x[netlist.hard], centre_y[netlist.hard] = x, y
    centre_x[netlist.ports] = centre_y[netlist.ports] = 0.0
    placement = Placement(centre_x, centre_y, np.zeros(n), np.ones(n, bool))
    return Problem(netlist, Canvas(200.0, 180.0, 12, 11, 20.0, 20.0, 8.0, 6.0, 1), placement), placement
