"""What is seen of a lifted macro, against the cost engine, the legality check and the construct game."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from env_problems import PLAIN
from hypothesis import given, settings
from hypothesis import strategies as st
from refine_problems import finished, wedged

from floorplan.cost import CostEngine, CostOptions, CostWeights
from floorplan.env import MAP_CHANNELS, SCALARS, ConstructBatch, ConstructConfig, RefineBatch, RefineConfig
from floorplan.env.arrays import MIN_GAP_UM
from floorplan.env.schema import check_observation
from floorplan.formats import read_problem
from floorplan.geometry import oriented_size_um
from floorplan.netlist import Placement, Problem, check_legality

SEEDS = st.integers(0, 10**9)


def channel(b: RefineBatch, env: int, name: str) -> np.ndarray:
    return b.obs["maps"][env, MAP_CHANNELS.index(name)]


def without(placement: Placement, node: int) -> Placement:
    placed = placement.placed.copy()
    placed[node] = False
    return placement.replace(placed=placed)


def at_cell(problem: Problem, placement: Placement, node: int, action: int) -> Placement:
    cv, x, y = problem.canvas, placement.x_um.copy(), placement.y_um.copy()
    x[node] = (action % cv.columns + 0.5) * cv.cell_w_um
    y[node] = (action // cv.columns + 0.5) * cv.cell_h_um
    return placement.replace(x, y)


def hard_map(problem: Problem, placement: Placement) -> np.ndarray:
    cv, nl = problem.canvas, problem.netlist
    w, h = oriented_size_um(nl.node_w_um, nl.node_h_um, placement.orient)
    out = np.zeros((cv.rows, cv.columns))
    for i in nl.hard[placement.placed[nl.hard]].tolist():
        left, right = placement.x_um[i] - w[i] / 2, placement.x_um[i] + w[i] / 2
        low, high = placement.y_um[i] - h[i] / 2, placement.y_um[i] + h[i] / 2
        x = np.arange(cv.columns) * cv.cell_w_um
        y = np.arange(cv.rows) * cv.cell_h_um
        across = np.clip(np.minimum(right, x + cv.cell_w_um) - np.maximum(left, x), 0, None)
        up = np.clip(np.minimum(high, y + cv.cell_h_um) - np.maximum(low, y), 0, None)
        out += np.outer(up, across) / (cv.cell_w_um * cv.cell_h_um)
    return out


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_lifted_state_is_what_the_engine_sees_without_the_macro(seed: int) -> None:
    problem, placement = finished(seed)
    options = CostOptions(CostWeights(1.3, 0.4, 0.7), density_top=0.2, congestion_top=0.1, square_soft=seed % 2 == 0)
    macros = len(problem.movable_hard)
    b = RefineBatch(problem, macros, RefineConfig(cost=options))
    b.begin(placement, np.arange(macros))
    check_observation(b.obs, b.dims)
    engine, nl, cv = CostEngine(problem, options), problem.netlist, problem.canvas
    for env, node in enumerate(problem.movable_hard.tolist()):
        assert b.current_node(env) == node
        left = without(placement, node)
        cost, maps = engine.full(left), engine.maps(left)
        want = [cost.wirelength, cost.density, cost.congestion, cost.proxy]
        assert b.partial[env] == pytest.approx(want, rel=1e-9, abs=1e-12)
        assert channel(b, env, "density") == pytest.approx(maps.density, rel=1e-6, abs=1e-6)
        assert channel(b, env, "h_congestion") == pytest.approx(maps.h, rel=1e-6, abs=1e-6)
        assert channel(b, env, "v_congestion") == pytest.approx(maps.v, rel=1e-6, abs=1e-6)
        assert channel(b, env, "macro_density") == pytest.approx(hard_map(problem, left), rel=1e-6, abs=1e-6)
        change = [
            engine.full(at_cell(problem, placement, node, a)).wirelength_um - cost.wirelength_um
            for a in range(b.num_actions)
        ]
        assert b.wl_change_um[env].ravel() == pytest.approx(np.array(change), rel=1e-9, abs=1e-8)

        others = problem.movable_hard != node
        assert b.obs["placed"][env].tolist() == others.tolist()
        for name, row, at, size in (("x", 0, placement.x_um, cv.width_um), ("y", 1, placement.y_um, cv.height_um)):
            there = np.where(others, at[problem.movable_hard] / size, 0)
            assert b.obs["pos"][env, :, row] == pytest.approx(there, abs=1e-6), name
        column = np.clip(placement.x_um[problem.movable_hard] // cv.cell_w_um, 0, cv.columns - 1)
        row_of = np.clip(placement.y_um[problem.movable_hard] // cv.cell_h_um, 0, cv.rows - 1)
        assert b.obs["cell"][env].tolist() == np.where(others, row_of * cv.columns + column, 0).tolist()
        scalar = dict(zip(SCALARS, b.obs["scalars"][env], strict=True))
        w, h = oriented_size_um(nl.node_w_um[node], nl.node_h_um[node], placement.orient[node])
        assert scalar["step"] == pytest.approx((macros - 1) / macros)
        assert scalar["legal_share"] == pytest.approx(b.masks[env].mean())
        assert scalar["width"] == pytest.approx(float(w) / cv.width_um, rel=1e-6)
        assert scalar["log_rows"] == pytest.approx(np.log1p(float(h) / cv.cell_h_um), rel=1e-6)
        assert scalar["congestion"] == pytest.approx(cost.congestion, rel=1e-6, abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_mask_is_exactly_what_legality_allows(seed: int) -> None:
    problem, placement = finished(seed, max_size=1.5)
    strict = problem.replace(macro_spacing_um=max(problem.macro_spacing_um, MIN_GAP_UM))
    macros = len(problem.movable_hard)
    b = RefineBatch(problem, macros)
    b.begin(placement, np.arange(macros))
    for env, node in enumerate(problem.movable_hard.tolist()):
        name = problem.netlist.node_name[node]
        for a in range(b.num_actions):
            verdict = check_legality(strict, at_cell(problem, placement, node, a))
            kinds = {v.kind for v in verdict.violations if name in v.nodes}
            assert bool(b.masks[env, a]) == (not kinds), (a, kinds)
        np.testing.assert_array_equal(channel(b, env, "legal").ravel() > 0, b.masks[env])


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_on_the_grid_it_is_the_last_step_of_the_construct_game(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A macro lifted and the same macro coming last look the same to a policy, in every array."""
    problem, placement = finished(seed, on_grid=True)
    cv, names, soft = problem.canvas, problem.netlist.node_name, problem.movable_soft
    x, y = placement.x_um.copy(), placement.y_um.copy()
    # Where the construct game starts them.
    x[soft], y[soft] = np.clip(x[soft], 0, cv.width_um), np.clip(y[soft], 0, cv.height_um)
    placement = placement.replace(x, y)
    b = RefineBatch(problem, len(problem.movable_hard))
    b.begin(placement, np.arange(b.num_envs))
    path = tmp_path_factory.mktemp("order") / "order.txt"
    for env, node in enumerate(problem.movable_hard.tolist()):
        order = [i for i in problem.movable_hard.tolist() if i != node] + [node]
        path.write_text("\n".join(names[i] for i in order))
        config = ConstructConfig(soft_placer="none", soft_start="initial", order="file", order_file=path)
        twin = ConstructBatch(problem, 1, config)
        for i in order[:-1]:
            row, column = int(placement.y_um[i] / cv.cell_h_um), int(placement.x_um[i] / cv.cell_w_um)
            twin.step(np.array([row * cv.columns + column]))
        assert twin.current_node(0) == node
        np.testing.assert_array_equal(b.masks[env], twin.masks[0])
        for name in ("current", "cell", "placed"):
            np.testing.assert_array_equal(b.obs[name][env], twin.obs[name][0])
        assert b.obs["pos"][env] == pytest.approx(twin.obs["pos"][0], abs=1e-6)
        assert b.obs["scalars"][env] == pytest.approx(twin.obs["scalars"][0], rel=1e-5, abs=1e-6)
        assert b.wl_change_um[env] == pytest.approx(twin.wl_change_um[0], rel=1e-9, abs=1e-8)
        assert b.cost_change[env] == pytest.approx(twin.cost_change[0], rel=1e-9, abs=1e-9)
        scale = twin.obs["scalars"][0, SCALARS.index("cost_scale")]
        for k, plane in enumerate(MAP_CHANNELS):
            # Where all cells are alike but for rounding, rounding is all that there is to standardise.
            if plane not in ("wl_change", "cost_change") or scale > 1e-9:
                np.testing.assert_allclose(b.obs["maps"][env, k], twin.obs["maps"][0, k], rtol=1e-4, atol=1e-4)


def test_which_placement_came_before_leaves_no_trace() -> None:
    """A lifted state depends on placement and macro alone, to the last bit."""
    problem, placement = finished(8)
    macros = len(problem.movable_hard)
    assert macros > 1
    fresh, used = RefineBatch(problem, macros), RefineBatch(problem, macros)
    used.begin(placement, np.arange(macros)[::-1])
    used.lift(np.arange(macros))
    fresh.begin([placement] * macros, np.arange(macros))
    for name in fresh.obs:
        np.testing.assert_array_equal(fresh.obs[name], used.obs[name], err_msg=name)
    np.testing.assert_array_equal(fresh.partial, used.partial)
    again = used.obs["maps"].copy()
    used.lift(np.full(macros, -1))
    np.testing.assert_array_equal(used.obs["maps"], again)


def test_a_wedged_macro_has_an_empty_mask_and_is_never_drawn() -> None:
    problem, placement = wedged()
    b = RefineBatch(problem, 8, RefineConfig(lifts=3), seed=5)
    b.begin(placement)
    assert set(b.obs["current"].tolist()) == {1}
    assert b.masks.tolist() == [[False, True]] * 8
    b.begin(placement, np.zeros(8, np.int64))
    check_observation(b.obs, b.dims)
    assert not b.masks.any()
    before = b.costs
    assert b.step(np.full(8, 77)).reward.tolist() == [0.0] * 8
    assert b.proposed.tolist() == [0.0] * 8
    assert [c.proxy for c in b.costs] == [c.proxy for c in before]
    assert b.placements[0].x_um[0] == 3.5


def test_lifting_on_a_real_netlist(benchmarks: Path) -> None:
    folder = benchmarks / "ct" / "NanGate45_ariane133"
    problem = read_problem(folder / "netlist.pb.txt.xz", folder / "legalized.plc.xz")
    b = RefineBatch(problem, 3)
    chosen = np.array([0, 57, 132])
    b.begin(problem.initial, chosen)
    check_observation(b.obs, b.dims)
    engine = CostEngine(problem)
    for env, node in enumerate(problem.movable_hard[chosen].tolist()):
        cost = engine.full(without(problem.initial, node))
        assert b.partial[env] == pytest.approx([cost.wirelength, cost.density, cost.congestion, cost.proxy], rel=1e-12)
    actions = np.array([np.flatnonzero(mask)[7] for mask in b.masks])
    before = [c.proxy for c in b.costs]
    b.step(actions)
    for env in range(3):
        moved = engine.full(at_cell(problem, problem.initial, int(problem.movable_hard[chosen[env]]), actions[env]))
        assert b.proposed[env] == pytest.approx(moved.proxy - before[env], abs=1e-12)


def test_arrays_are_those_of_the_construct_game() -> None:
    """Both games share one schema: the same arrays, by name, shape and type."""
    problem, placement = finished(8)
    refine, construct = RefineBatch(problem, 2), ConstructBatch(problem, 2, PLAIN)
    refine.begin(placement)
    assert refine.obs.keys() == construct.obs.keys()
    for name, array in construct.obs.items():
        assert (refine.obs[name].shape, refine.obs[name].dtype) == (array.shape, array.dtype)
    assert refine.masks.shape == construct.masks.shape
    assert refine.num_actions == construct.num_actions
