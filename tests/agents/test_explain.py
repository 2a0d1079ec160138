"""Where a policy wants a macro, and why: the states it is asked in, probabilities, parts of the logits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from agents.explain import Explainer, Explanation
from agents.explain.attribution import GRAPH, POSITION, attribute
from agents.explain.inhand import Table
from agents.gnn.choosing import make_network, rank
from agents.gnn.instance import Instance
from agents.ppo.config import EnvConfig, NetworkConfig, load_config
from agents.ppo.policyfile import PolicyCard, save_policy
from floorplan.cost import CostEngine
from floorplan.env import MAP_CHANNELS, ConstructBatch
from floorplan.errors import CheckpointError, FloorplanError, ProblemError
from floorplan.netlist import Placement, Problem
from tests.agents.ppo_cases import tiny_problem

ENV = EnvConfig(soft_placer="none", soft_start="initial")
SMALL = NetworkConfig(graph_width=8, graph_layers=1, channels=4, conv_layers=2)


@pytest.fixture(scope="module")
def problem() -> Problem:
    return tiny_problem()


@pytest.fixture(scope="module")
def placement(problem: Problem) -> Placement:
    """What an episode that always takes the first legal cell but one ends with."""
    return played(problem)


def played(problem: Problem, pick: int = 1) -> Placement:
    batch = ConstructBatch(problem, 1, Table(problem, ENV).construct.config, auto_reset=False)
    while not batch.finished:
        batch.step(np.flatnonzero(batch.masks[0])[pick : pick + 1])
    return batch.finished[0].placement


def network_of(problem: Problem, seed: int = 0, kind: str = "grid", **config: Any) -> Any:
    torch.manual_seed(seed)
    batch = Table(problem, ENV).construct
    made = make_network(
        NetworkConfig(**{**SMALL.model_dump(), "kind": kind, **config}),
        Instance.of(problem, batch.graph),
        tuple(MAP_CHANNELS),
        batch.obs["scalars"].shape[1],
    )
    return made.eval()


def stored(folder: Path, problem: Problem, network: Any, config: NetworkConfig = SMALL, episodes: int = 7) -> Path:
    batch = Table(problem, ENV).construct
    card = PolicyCard.of(
        config,
        ENV,
        Instance.of(problem, batch.graph),
        map_names=tuple(MAP_CHANNELS),
        scalars=batch.obs["scalars"].shape[1],
        episodes=episodes,
    )
    save_policy(folder, network, card)
    return folder


def strengthened(network: Any) -> Any:
    """All paths to the logits speak as loudly as the maps do."""
    with torch.no_grad():
        network.head.logit.weight.normal_(std=2.0)
        network.head.skip.weight.normal_(std=0.3)
    return network


@pytest.fixture(scope="module")
def policy(problem: Problem, tmp_path_factory: pytest.TempPathFactory) -> Path:
    network = network_of(problem)
    network.read_maps_by(np.linspace(-2, 2, 2 * len(MAP_CHANNELS)).reshape(2, -1))
    return stored(tmp_path_factory.mktemp("policy"), problem, network)


def test_as_built_is_the_state_that_the_game_itself_comes_to(problem: Problem, placement: Placement) -> None:
    table = Table(problem, ENV)
    game = ConstructBatch(problem, 1, table.construct.config, auto_reset=False)
    for _ in problem.movable_hard:
        hand = table.built(placement, game.current_node(0))
        assert hand.moved == 0
        assert hand.shift_um == pytest.approx(0, abs=1e-9)
        for name, seen in hand.obs.items():
            np.testing.assert_array_equal(seen, game.obs[name], err_msg=name)
        np.testing.assert_array_equal(hand.legal.ravel(), game.masks[0])
        game.step(np.flatnonzero(game.masks[0])[1:2])


def test_as_built_off_the_grid_takes_the_nearest_legal_cells_and_says_so(
    problem: Problem, placement: Placement
) -> None:
    table = Table(problem, ENV)
    last = table.construct
    last.reset(seed=0)
    first = last.current_node(0)
    x = placement.x_um.copy()
    x[first] += 4.0  # still in its cell of 10 um
    game = table.built(placement.replace(x_um=x), int(problem.movable_hard[-1]))
    assert game.moved == 0
    assert game.shift_um == pytest.approx(4.0)
    second = last_order(table)[1]
    both = placement.x_um.copy(), placement.y_um.copy()
    for a in both:
        a[second] = a[first]  # one upon the other: only one of them can have the cell
    over = table.built(placement.replace(x_um=both[0], y_um=both[1]), last_order(table)[2])
    assert over.moved == 1
    assert over.shift_um >= 10.0


def last_order(table: Table) -> list[int]:
    game = table.construct
    game.reset(seed=0)
    out: list[int] = []
    while not game.over[0] and len(out) < game.dims.macros:
        out.append(game.current_node(0))
        game.step(np.flatnonzero(game.masks[0])[1:2])
    return out


def test_refine_costs_cells_exactly(problem: Problem, placement: Placement, policy: Path) -> None:
    node = int(problem.movable_hard[2])
    found = Explainer(problem).explain(placement, node, "refine", policy)
    engine = CostEngine(problem)
    before = engine.full(placement).proxy
    assert len(found.top) == 5
    for cell in found.top:
        x, y = placement.x_um.copy(), placement.y_um.copy()
        x[node], y[node] = cell.x_um, cell.y_um
        assert cell.change == pytest.approx(engine.full(placement.replace(x_um=x, y_um=y)).proxy - before, abs=1e-9)
    assert set(found.standing) == set(problem.movable_hard.tolist()) - {node}


@pytest.mark.parametrize("state", ["build", "refine"])
def test_probabilities_are_those_that_agents_play_by(
    problem: Problem, placement: Placement, policy: Path, state: Any
) -> None:
    node = int(problem.movable_hard[3])
    found = Explainer(problem).explain(placement, node, state, policy)
    table = Table(problem, ENV)
    hand = table.built(placement, node) if state == "build" else table.lifted(placement, node)
    network = network_of(problem)
    network.read_maps_by(np.linspace(-2, 2, 2 * len(MAP_CHANNELS)).reshape(2, -1))
    asked = rank(network, hand.obs, hand.legal.reshape(1, -1))[0].exp().double().numpy()
    np.testing.assert_allclose(found.probability.ravel(), asked, atol=1e-6)
    assert found.probability.sum() == pytest.approx(1)
    assert not found.probability[~found.legal].any()
    assert [c.probability for c in found.top] == sorted(found.probability[found.legal], reverse=True)[:5]
    best = found.top[0]
    assert found.probability[best.row, best.column] == found.probability.max()


def test_where_it_stands_has_its_probability_and_rank(problem: Problem, placement: Placement, policy: Path) -> None:
    node = int(problem.movable_hard[0])
    found = Explainer(problem).explain(placement, node, "refine", policy)
    assert found.own is not None
    row, column, probability, place = found.own
    assert (column, row) == (int(placement.x_um[node] / 10), int(placement.y_um[node] / 10))
    assert probability == found.probability[row, column]
    assert place == 1 + int((found.probability > probability).sum())


def test_parts_of_a_linear_policy_are_its_weights_times_its_maps(
    problem: Problem, placement: Placement, policy: Path
) -> None:
    node = int(problem.movable_hard[4])
    explainer = Explainer(problem)
    found = explainer.explain(placement, node, "refine", policy)
    assert found.method == "linear"
    assert found.names == tuple(MAP_CHANNELS)
    last = np.linspace(-2, 2, 2 * len(MAP_CHANNELS)).reshape(2, -1)[1]  # all other macros stand
    hand = Table(problem, ENV).lifted(placement, node)
    maps, legal = hand.obs["maps"][0].astype(np.float64), hand.legal
    wanted = last[:, None, None] * (maps - maps[:, legal].mean(axis=1)[:, None, None])
    np.testing.assert_allclose(found.parts[:, legal], wanted[:, legal], atol=1e-4)
    best = found.top[0]
    np.testing.assert_allclose(found.shares, wanted[:, best.row, best.column], atol=1e-4)
    assert found.shares.sum() == pytest.approx(found.total, abs=1e-4)
    logits = np.log(found.probability[legal])
    assert found.total == pytest.approx(logits.max() - logits.mean(), abs=1e-4)


def test_occlusion_of_a_linear_policy_gives_the_same_parts(problem: Problem, placement: Placement) -> None:
    network = network_of(problem)
    network.read_maps_by(np.linspace(-2, 2, 2 * len(MAP_CHANNELS)).reshape(2, -1))
    hand = Table(problem, ENV).lifted(placement, int(problem.movable_hard[1]))
    legal = hand.legal.ravel()
    linear = attribute(network, hand.obs, legal, tuple(MAP_CHANNELS))
    with torch.no_grad():
        network.head.logit.bias.fill_(1.0)  # says nothing: the same everywhere
        network.head.logit.weight.fill_(1e-12)
    occluded = attribute(network, hand.obs, legal, tuple(MAP_CHANNELS))
    assert (linear.method, occluded.method) == ("linear", "occlusion")
    np.testing.assert_allclose(occluded.parts[: len(MAP_CHANNELS), legal], linear.parts[:, legal], atol=1e-4)
    np.testing.assert_allclose(occluded.parts[len(MAP_CHANNELS) :], 0, atol=1e-5)


def test_occlusion_is_the_loss_when_a_map_is_flat(problem: Problem, placement: Placement) -> None:
    network = strengthened(network_of(problem))
    hand = Table(problem, ENV).lifted(placement, int(problem.movable_hard[1]))
    legal = hand.legal.ravel()
    found = attribute(network, hand.obs, legal, tuple(MAP_CHANNELS))
    assert found.names == (*MAP_CHANNELS, GRAPH, POSITION)

    def centred(maps: Any) -> Any:
        obs = {k: torch.from_numpy(np.ascontiguousarray(a)) for k, a in {**hand.obs, "maps": maps}.items()}
        with torch.no_grad():
            logits = network(obs)[0][0].double().numpy()
        return logits - logits[legal].mean()

    whole = centred(hand.obs["maps"])
    np.testing.assert_allclose(found.logits, whole, atol=1e-4)
    for k, name in enumerate(MAP_CHANNELS):
        maps = hand.obs["maps"].copy()
        maps[0, k] = maps[0, k][hand.legal].mean()
        np.testing.assert_allclose(found.parts[k], whole - centred(maps), atol=1e-4, err_msg=name)
    graph, position = found.parts[-2][legal], found.parts[-1][legal]
    assert abs(graph).max() > 1e-3
    assert abs(position).max() > 1e-3
    assert not network.head._forward_pre_hooks  # the network is left as it was


def test_a_hidden_map_has_no_part(problem: Problem, placement: Placement) -> None:
    hand = Table(problem, ENV).lifted(placement, int(problem.movable_hard[1]))
    for network in (
        network_of(problem, hide_maps=("density",)),
        strengthened(network_of(problem, hide_maps=("density",))),
    ):
        found = attribute(network, hand.obs, hand.legal.ravel(), tuple(MAP_CHANNELS))
        part = dict(zip(found.names, abs(found.parts).max(axis=1), strict=True))
        assert part["density"] == pytest.approx(0, abs=1e-6)
        assert part["cost_change"] > 0.1


def test_a_network_without_maps_says_that_there_is_nothing_to_take_apart(
    problem: Problem, placement: Placement, tmp_path: Path
) -> None:
    alphachip = load_config("alphachip").network
    network = network_of(problem, kind="alphachip")
    found = Explainer(problem).explain(
        placement, int(problem.movable_hard[1]), "build", stored(tmp_path, problem, network, alphachip)
    )
    assert found.method == "none"
    assert found.names == ()
    assert found.probability.sum() == pytest.approx(1)


def explained(problem: Problem, placement: Placement, policy: Path | None) -> Explanation:
    return Explainer(problem).explain(placement, int(problem.movable_hard[0]), "build", policy)


def test_newer_weights_are_read(problem: Problem, placement: Placement, tmp_path: Path) -> None:
    explainer, node = Explainer(problem), int(problem.movable_hard[5])
    network = network_of(problem)
    network.read_maps_by(np.ones((2, len(MAP_CHANNELS))))
    before = explainer.explain(placement, node, "refine", stored(tmp_path, problem, network))
    network.read_maps_by(-np.ones((2, len(MAP_CHANNELS))))
    after = explainer.explain(placement, node, "refine", stored(tmp_path, problem, network, episodes=1234))
    np.testing.assert_allclose(
        after.shares.sum(), -(before.parts.sum(axis=0)[after.top[0].row, after.top[0].column]), atol=1e-3
    )
    assert "1,234 episodes" in after.policy


def test_a_run_without_a_policy_falls_back_and_says_so(
    problem: Problem, placement: Placement, policy: Path, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text("[run]\n")
    assert "shipped" in explained(problem, placement, None).policy
    assert "saved none yet" in explained(problem, placement, tmp_path).policy
    weights = policy / "policy.safetensors"
    (tmp_path / "config.toml").write_text(f"[run]\npolicy = {str(weights)!r}\n")
    assert "started from" in explained(problem, placement, tmp_path).policy
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / weights.name).write_bytes(weights.read_bytes())
    assert explained(problem, placement, tmp_path).policy.startswith("the policy of this run")
    (tmp_path / "policy" / weights.name).write_bytes(weights.read_bytes()[:-9])
    with pytest.raises(CheckpointError):
        explained(problem, placement, tmp_path)


def test_what_cannot_be_asked_is_refused_with_the_cause(problem: Problem, placement: Placement, policy: Path) -> None:
    explainer, node = Explainer(problem), int(problem.movable_hard[0])
    soft = int(problem.netlist.soft[0])
    with pytest.raises(ProblemError, match="no movable hard macro"):
        explainer.explain(placement, soft, "build", policy)
    x = placement.x_um.copy()
    x[problem.movable_hard[1]] = x[node]
    y = placement.y_um.copy()
    y[problem.movable_hard[1]] = y[node]
    with pytest.raises(ProblemError, match="legal complete placement"):
        explainer.explain(placement.replace(x_um=x, y_um=y), int(problem.movable_hard[2]), "refine", policy)
    with pytest.raises(ProblemError, match="build or refine"):
        explainer.explain(placement, node, "elsewhere", policy)  # type: ignore[arg-type]  # what a caller may get wrong
    none = placement.placed.copy()
    none[problem.movable_hard] = False
    order = last_order(Table(problem, ENV))
    with pytest.raises(ProblemError, match="has no place yet"):
        explainer.explain(placement.replace(placed=none), order[1], "build", policy)
    assert explainer.explain(placement.replace(placed=none), order[0], "build", policy).own is None
    with pytest.raises(FloorplanError):
        explainer.explain(placement, node, "build", policy / "nowhere")
