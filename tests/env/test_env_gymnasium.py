"""The Gymnasium environment, its schema and the graph."""

from __future__ import annotations

import subprocess
import sys
import warnings

import gymnasium
import numpy as np
import pytest
from env_problems import PLAIN, crowded, hand_drawn, random_problem
from gymnasium.utils.env_checker import check_env

from floorplan.env import (
    EDGE_FEATURES,
    MAP_CHANNELS,
    NODE_FEATURES,
    SCALARS,
    ConstructBatch,
    ConstructEnv,
    build_graph,
)
from floorplan.env.schema import OBSERVATION, check_observation, markdown_table
from floorplan.errors import InfeasibleActionError, ProblemError
from floorplan.netlist import Canvas, NetlistBuilder, Problem


@pytest.mark.parametrize("problem", [hand_drawn(), random_problem(5, max_size=0.6)], ids=["hand_drawn", "random"])
def test_passes_gymnasiums_checker(problem: Problem) -> None:
    env = gymnasium.make("floorplan/Construct-v0", problem=problem, config=PLAIN)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*(maximum|minimum) value is.*infinity.*")
        check_env(env.unwrapped)


def test_passes_stable_baselines_checker() -> None:
    sb3 = pytest.importorskip("stable_baselines3.common.env_checker")
    sb3.check_env(ConstructEnv(hand_drawn(), PLAIN), warn=False)


def test_sampled_actions_are_legal() -> None:
    env = ConstructEnv(hand_drawn(), PLAIN)
    env.action_space.seed(0)
    env.reset(seed=0)
    drawn = {int(env.action_space.sample()) for _ in range(50)}
    assert drawn == {1, 4, 7}
    assert {int(env.action_space.sample(np.eye(9, dtype=np.int8)[0])) for _ in range(3)} == {0}


def test_masked_episode_through_make() -> None:
    env = gymnasium.make("floorplan/Construct-v0", problem=hand_drawn(), config=PLAIN)
    obs, info = env.reset(seed=1)
    assert info == {"dead_end": False}
    total, done = 0.0, False
    while not done:
        assert obs in env.observation_space
        mask = env.unwrapped.action_masks()
        np.testing.assert_array_equal(mask, obs["maps"][0].ravel() > 0)
        obs, reward, done, truncated, info = env.step(int(np.flatnonzero(mask)[-1]))
        total += reward
        assert not truncated
    assert info["cost"]["proxy"] == pytest.approx(-total, abs=1e-12)
    assert env.unwrapped.finished is not None
    assert env.unwrapped.finished.placement.placed.all()
    assert env.unwrapped.finished.cost.to_dict() == info["cost"]
    # The last observation is of the finished placement, not of an episode to come.
    assert obs["placed"].all()
    assert obs in env.observation_space
    assert not env.unwrapped.action_masks().any()
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(0)
    assert not env.reset()[0]["placed"].any()


def test_illegal_action_and_missing_reset_raise() -> None:
    env = ConstructEnv(hand_drawn(), PLAIN)
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(4)
    env.reset()
    with pytest.raises(InfeasibleActionError):
        env.step(0)
    assert env.step(4)[2] is False


def test_dead_end_is_an_outcome() -> None:
    env = ConstructEnv(crowded(), PLAIN)
    env.reset(seed=0)
    first = env.step(0)
    second = env.step(1)
    assert first[4] == {"dead_end": False}
    assert second[2]
    assert second[4] == {"dead_end": True}
    assert first[1] + second[1] == pytest.approx(-4, abs=1e-12)


def test_seed_decides_the_episodes() -> None:
    env = ConstructEnv(hand_drawn(), PLAIN)
    again = ConstructEnv(hand_drawn(), PLAIN)
    for e in (env, again):
        e.reset(seed=5)
        e.reset()
    assert env.batch.seed == again.batch.seed
    assert env.batch.episode[0] == 1


def test_schema_checker_finds_what_is_wrong() -> None:
    b = ConstructBatch(hand_drawn(), 2, PLAIN)
    check_observation(b.obs, b.dims)
    for name, bad, match in [
        ("maps", b.obs["maps"][:, :3], "'maps' must be float32"),
        ("current", b.obs["current"] + 3, "'current' leaves"),
        ("cell", b.obs["cell"].astype(np.int32), "'cell' must be int64"),
        ("scalars", b.obs["scalars"] * np.float32("nan"), "'scalars/step' leaves"),
        ("pos", b.obs["pos"] + np.float32(1.5), "'pos' leaves"),
    ]:
        with pytest.raises(ProblemError, match=match):
            check_observation(b.obs | {name: bad}, b.dims)
    with pytest.raises(ProblemError, match=r"'placed'.*missing"):
        check_observation({k: v for k, v in b.obs.items() if k != "placed"}, b.dims)


def test_documentation_names_everything_once() -> None:
    table = markdown_table()
    for name in (*(f.name for f in OBSERVATION), *MAP_CHANNELS, *SCALARS):
        assert f"`{name}` |" in table
    assert MAP_CHANNELS[:5] == ("legal", "wl_change", "density", "h_congestion", "v_congestion")


def test_graph_of_the_hand_drawn_problem() -> None:
    problem = hand_drawn()
    g = build_graph(problem)
    assert g.node_feat.shape == (4, len(NODE_FEATURES))
    feature = {name: g.node_feat[:, i] for i, name in enumerate(NODE_FEATURES)}
    assert feature["is_movable_hard"].tolist() == [1, 1, 1, 0]
    assert feature["is_port"].tolist() == [0, 0, 0, 1]
    assert feature["width"] == pytest.approx([18 / 30, 8 / 30, 8 / 30, 0])
    assert feature["log_degree"] == pytest.approx(np.log1p([2, 2, 2, 1]))
    assert feature["y"].tolist() == [0, 0, 0, 0.5]
    # A -> B weighs 1, P -> A and P -> C 2 each (two sinks), B -> C 1; the mean net weight is 4 / 3.
    edges = {(int(i), int(j)): g.edge_feat[k] for k, (i, j) in enumerate(g.edge_index.T)}
    assert set(edges) == {(0, 1), (1, 0), (3, 0), (0, 3), (3, 2), (2, 3), (1, 2), (2, 1)}
    assert edges[3, 0] == pytest.approx(np.log1p(np.array([1.5, 1.5, 0, 0.75])))
    assert edges[0, 3] == pytest.approx(np.log1p(np.array([1.5, 0, 1.5, 0.75])))
    assert len(EDGE_FEATURES) == 4
    assert g.movable.tolist() == [0, 1, 2]


@pytest.mark.parametrize("seed", range(5))
def test_graph_does_not_depend_on_the_unit_of_length_or_weight(seed: int) -> None:
    p = random_problem(seed)
    nl, cv = p.netlist, p.canvas
    nb = NetlistBuilder("scaled")
    for i, name in enumerate(nl.node_name):
        if nl.node_kind[i] == 2:
            nb.add_port(name)
        else:
            nb.add_macro(name, nl.node_w_um[i] * 8, nl.node_h_um[i] * 8, soft=bool(nl.node_kind[i]))
    for i, name in enumerate(nl.pin_name):
        if name not in nl.node_id:
            nb.add_pin(name, nl.node_name[nl.pin_node[i]], nl.pin_dx_um[i] * 8, nl.pin_dy_um[i] * 8)
    for e in range(nl.num_nets):
        pins = [nl.pin_name[k] for k in nl.net_pin[nl.net_ptr[e] : nl.net_ptr[e + 1]]]
        nb.add_net(pins[0], pins[1:], float(nl.net_weight[e]) * 4)
    canvas = Canvas(cv.width_um * 8, cv.height_um * 8, cv.columns, cv.rows, cv.h_tracks_per_um, cv.v_tracks_per_um)
    start = p.initial.replace(p.initial.x_um * 8, p.initial.y_um * 8)
    g, scaled = build_graph(p), build_graph(Problem(nb.build(), canvas, start, p.fixed))
    assert scaled.node_feat == pytest.approx(g.node_feat, rel=1e-5, abs=1e-6)
    np.testing.assert_array_equal(scaled.edge_index, g.edge_index)
    assert scaled.edge_feat == pytest.approx(g.edge_feat, rel=1e-5, abs=1e-6)
    pairs = {tuple(pair) for pair in g.edge_index.T.tolist()}
    assert len(pairs) == g.edge_index.shape[1]
    assert {(j, i) for i, j in pairs} == pairs


@pytest.mark.parametrize(
    "imports", ["import gymnasium, floorplan", "import floorplan, gymnasium; floorplan.read_problem"]
)
def test_importing_floorplan_is_enough_for_make(imports: str) -> None:
    code = f"{imports}; import sys; print('floorplan/Construct-v0' in gymnasium.registry, 'numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]
