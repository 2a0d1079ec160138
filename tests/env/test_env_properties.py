"""The kernels against the cost engine and the legality check, on random small problems and every cell."""

from __future__ import annotations

import numpy as np
import pytest
from env_problems import PLAIN, random_actions, random_problem
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.cost import CostEngine, CostOptions, CostWeights
from floorplan.env import MAP_CHANNELS, ConstructBatch, ConstructConfig
from floorplan.env.arrays import MIN_GAP_UM
from floorplan.env.schema import check_observation
from floorplan.geometry import oriented_size_um
from floorplan.netlist import Placement, Problem, check_legality

SEEDS = st.integers(0, 10**9)


def channel(batch: ConstructBatch, name: str) -> np.ndarray:
    return batch.obs["maps"][0, MAP_CHANNELS.index(name)]


def with_macro(problem: Problem, placement: Placement, node: int, action: int) -> Placement:
    cv = problem.canvas
    x, y, placed = placement.x_um.copy(), placement.y_um.copy(), placement.placed.copy()
    x[node] = (action % cv.columns + 0.5) * cv.cell_w_um
    y[node] = (action // cv.columns + 0.5) * cv.cell_h_um
    placed[node] = True
    return placement.replace(x, y, placed=placed)


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_partial_cost_and_maps_are_the_engines(seed: int) -> None:
    problem, rng = random_problem(seed, max_size=0.9), np.random.default_rng(seed)
    options = CostOptions(CostWeights(1.3, 0.4, 0.7), density_top=0.2, congestion_top=0.1, square_soft=seed % 2 == 0)
    b = ConstructBatch(problem, 1, ConstructConfig(soft_placer="none", soft_start="initial", cost=options))
    engine = CostEngine(problem, options)
    while True:
        check_observation(b.obs, b.dims)
        placement = b.placement(0)
        cost, maps = engine.full(placement), engine.maps(placement)
        want = [cost.wirelength, cost.density, cost.congestion, cost.proxy]
        assert b.partial[0] == pytest.approx(want, rel=1e-9, abs=1e-12)
        assert channel(b, "density") == pytest.approx(maps.density, rel=1e-6, abs=1e-6)
        assert channel(b, "h_congestion") == pytest.approx(maps.h, rel=1e-6, abs=1e-6)
        assert channel(b, "v_congestion") == pytest.approx(maps.v, rel=1e-6, abs=1e-6)
        result = b.step(random_actions(b, rng))
        if result.done[0]:
            break
    for finished in b.finished:
        assert finished.cost.proxy == pytest.approx(engine.full(finished.placement).proxy, rel=1e-12)
        assert finished.reward_sum == pytest.approx(-finished.cost.proxy, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_wirelength_change_is_exact_in_every_cell(seed: int) -> None:
    problem, rng = random_problem(seed, max_size=0.9), np.random.default_rng(seed)
    b, engine = ConstructBatch(problem, 1, PLAIN), CostEngine(problem)
    for _ in range(b.dims.macros):
        if not b.masks.any():
            break
        placement = b.placement(0)
        before = engine.full(placement).wirelength_um
        want = [
            engine.full(with_macro(problem, placement, b.current_node(0), a)).wirelength_um - before
            for a in range(b.num_actions)
        ]
        assert b.wl_change_um[0].ravel() == pytest.approx(np.array(want), rel=1e-9, abs=1e-8)
        legal = b.masks[0]
        shown = channel(b, "wl_change").ravel()[legal]
        spread = np.std(np.array(want)[legal])
        if spread > 1e-6:
            assert shown.mean() == pytest.approx(0, abs=1e-5)
            assert np.std(shown) == pytest.approx(1, abs=1e-4) or np.abs(shown).max() == 10
        b.step(random_actions(b, rng))


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_mask_is_exactly_what_legality_allows(seed: int) -> None:
    problem, rng = random_problem(seed), np.random.default_rng(seed)
    strict = problem.replace(macro_spacing_um=max(problem.macro_spacing_um, MIN_GAP_UM))
    b = ConstructBatch(problem, 1, PLAIN)
    for _ in range(b.dims.macros):
        node = b.current_node(0)
        name = problem.netlist.node_name[node]
        placement = b.placement(0)
        for a in range(b.num_actions):
            verdict = check_legality(strict, with_macro(problem, placement, node, a))
            kinds = {v.kind for v in verdict.violations if name in v.nodes}
            assert bool(b.masks[0, a]) == (not kinds), (a, kinds)
        if not b.masks.any():
            break
        b.step(random_actions(b, rng))


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_complete_episodes_are_legal(seed: int) -> None:
    problem, rng = random_problem(seed, max_size=0.9), np.random.default_rng(seed)
    b = ConstructBatch(problem, 4, PLAIN)
    for _ in range(b.dims.macros):
        b.step(random_actions(b, rng))
    nl = problem.netlist
    for finished in b.finished:
        bad = [
            v
            for v in check_legality(problem, finished.placement).violations
            if any(name.startswith("hard") for name in v.nodes)
        ]
        assert bad == []
        p = finished.placement
        # Touching macros would be legal, but not for a checker in float32.
        w, h = oriented_size_um(nl.node_w_um, nl.node_h_um, p.orient)
        for i in problem.movable_hard:
            for j in nl.hard:
                if i != j:
                    gap_x = abs(p.x_um[i] - p.x_um[j]) - (w[i] + w[j]) / 2
                    gap_y = abs(p.y_um[i] - p.y_um[j]) - (h[i] + h[j]) / 2
                    assert max(gap_x, gap_y) > 0.99 * MIN_GAP_UM


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_footprint_maps_match_their_definitions(seed: int) -> None:
    """Brute force: the density under the macro, and what of its area and tracks lies above the threshold."""
    problem, rng = random_problem(seed), np.random.default_rng(seed)
    b, engine = ConstructBatch(problem, 1, PLAIN), CostEngine(problem)
    for _ in range(b.dims.macros):
        if not b.masks.any():
            break
        node, placement = b.current_node(0), b.placement(0)
        maps = engine.maps(placement)
        n = maps.density.size
        k_d, k_c = max(n // 10, 1), int(0.05 * 2 * n)
        t_d = np.sort(maps.density.ravel())[-k_d] if n >= 10 else 0.0
        both = np.sort(np.concatenate([maps.h.ravel(), maps.v.ravel()]))
        t_c = both[-max(k_c, 1)]
        for a in np.flatnonzero(b.masks[0]).tolist():
            after = engine.maps(with_macro(problem, placement, node, a))
            own = after.density - maps.density
            row, column = divmod(a, problem.canvas.columns)
            under = (own * maps.density).sum() / own.sum()
            assert channel(b, "footprint_density")[row, column] == pytest.approx(under, rel=1e-5, abs=1e-6)
            counted = np.clip(maps.density + own - t_d, 0, own).sum() / own.sum()
            assert channel(b, "density_change")[row, column] == pytest.approx(counted, rel=1e-5, abs=1e-5)
        b.step(random_actions(b, rng))
        assert t_c <= both[-1]


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_congestion_change_matches_its_definition(seed: int) -> None:
    """With a macro that is on no net, the maps change by exactly the tracks it takes."""
    from floorplan.netlist import Canvas, NetlistBuilder

    rng = np.random.default_rng(seed)
    nb = NetlistBuilder("blocks")
    for i in range(3):
        # Odd widths, so that no edge lies on a grid line, where the cost has rules of its own.
        nb.add_macro(f"m{i}", *rng.uniform(2, 33, 2))
    nb.add_port("a")
    nb.add_port("b")
    nb.add_net("a", ["b"], 3.0)
    initial = Placement([5, 5, 5, 3, 77.0], [5, 5, 5, 2, 60.0], np.zeros(5), np.ones(5))
    problem = Problem(nb.build(), Canvas(80.0, 70.0, 8, 7, 1.3, 1.1, 0.7, 0.9, smooth_range=1), initial)
    b, engine = ConstructBatch(problem, 1, PLAIN), CostEngine(problem)
    for _ in range(3):
        if not b.masks.any():
            break
        node, placement = b.current_node(0), b.placement(0)
        maps = engine.maps(placement)
        t = np.sort(np.concatenate([maps.h.ravel(), maps.v.ravel()]))[-int(0.05 * 2 * 56)]
        for a in np.flatnonzero(b.masks[0]).tolist():
            after = engine.maps(with_macro(problem, placement, node, a))
            taken = np.stack([after.h - maps.h, after.v - maps.v])
            counted = np.clip(np.stack([maps.h, maps.v]) + taken - t, 0, np.maximum(taken, 0)).sum() / taken.sum()
            row, column = divmod(a, 8)
            assert channel(b, "congestion_change")[row, column] == pytest.approx(counted, rel=1e-4, abs=1e-5)
        b.step(random_actions(b, rng))
