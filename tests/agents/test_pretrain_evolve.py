from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from agents.gnn.alphachip import AlphaChipNetwork
from agents.gnn.choosing import look, make_network, rank
from agents.gnn.instance import Instance
from agents.gnn.network import GridNetwork
from agents.ppo.config import ConfigError, load_config
from agents.ppo.evolution import Evolution
from agents.ppo.progress import QuietReporter
from agents.pretrain.command import main
from agents.pretrain.evolve import Stage, linear_network
from agents.pretrain.folder import PretrainFolder
from agents.pretrain.heldout import EXAM_SEED, Exam, HeldOut
from agents.pretrain.library import Library
from agents.pretrain.pool import load_pool
from floorplan.env import MAP_CHANNELS, SCALARS, ConstructBatch, build_graph
from floorplan.netlist import SYMMETRIES, mirror, relabel
from tests.agents.ppo_cases import TINY, assert_refused, assert_same_bits, metric_rows, tiny_problem, write_preset
from tests.agents.pretrain_cases import write_pool

SMALL = {"population": 4, "netlists": 2, "sigma": 0.8}


def network() -> GridNetwork:
    torch.manual_seed(0)
    problem = tiny_problem()
    config = load_config("default", TINY).network
    made = make_network(config, Instance.of(problem, build_graph(problem)), tuple(MAP_CHANNELS), len(SCALARS))
    return linear_network(made)


def test_a_linear_policy_is_the_weighted_sum_of_the_maps() -> None:
    net, rng = network(), np.random.default_rng(1)
    weights = rng.normal(size=(2, len(MAP_CHANNELS)))
    assert not net.only_maps
    net.read_maps_by(weights)
    assert net.only_maps
    assert net.map_weights() == pytest.approx(weights, rel=1e-5)
    batch = ConstructBatch(tiny_problem(), 3, seed=1)
    for t in np.linspace(0, 1, batch.dims.macros):
        obs = {k: torch.from_numpy(v) for k, v in batch.obs.items()}
        with torch.no_grad():
            logits = net(obs)[0].numpy()
            short = net.map_logits(obs).numpy()
        maps = batch.obs["maps"].reshape(3, len(MAP_CHANNELS), -1)
        want = np.einsum("k,bka->ba", (1 - t) * weights[0] + t * weights[1], maps)
        assert logits == pytest.approx(want, rel=1e-4, abs=1e-4)
        assert short == pytest.approx(want, rel=1e-4, abs=1e-4)
        found = rank(net, batch.obs, batch.masks)
        assert found.numpy()[batch.masks] == pytest.approx(
            look(net, batch.obs, batch.masks)[0].numpy()[batch.masks], abs=1e-3
        )
        batch.step(found.argmax(dim=1).numpy())


def test_a_policy_of_before_the_second_look_reads_the_last_macro_as_all_others() -> None:
    net, other = network(), network()
    net.read_maps_by(np.repeat(np.random.default_rng(2).normal(size=(1, len(MAP_CHANNELS))), 2, axis=0))
    stored = {k: v for k, v in net.state_dict().items() if not k.endswith("skip_last")}
    assert len(stored) == len(net.state_dict()) - 1
    other.load_state_dict(stored, strict=True)
    assert other.map_weights().tolist() == net.map_weights().tolist()


def test_a_stage_plays_what_the_network_would(tmp_path: Path) -> None:
    config, problem, net = load_config("default", TINY), tiny_problem(6, 9, seed=2), network()
    weights = np.random.default_rng(3).normal(size=(4, 2, len(MAP_CHANNELS)))
    costs = []
    for looks in (0, 1, 2):
        ratios = Stage(problem, 0.5, config, 4, looks, 5).play(weights, seed=7)
        exam = Exam("it", problem, 0.5, config, 0, looks=looks, choices=5)
        for w, ratio in zip(weights, ratios, strict=True):
            net.read_maps_by(w)
            assert exam.grade(net, 7).zero_shot == pytest.approx(ratio, rel=1e-9)
        assert len(set(ratios.tolist())) > 1
        costs.append(ratios)
    assert (costs[1] <= costs[0] + 1e-12).all()
    assert (costs[2] <= costs[1] + 1e-12).all()
    assert (costs[1] < costs[0]).any()


def test_hidden_maps_are_not_read() -> None:
    config = load_config("default", {**TINY, "network": {**TINY.get("network", {}), "hide_maps": ("edge_x", "edge_y")}})
    stage = Stage(tiny_problem(), 1.0, config, 2, 1, 5)
    weights = np.zeros((2, 2, len(MAP_CHANNELS)))
    weights[..., MAP_CHANNELS.index("wl_change")] = -1.0
    weights[1, :, MAP_CHANNELS.index("edge_x")] = 50.0
    plain, other = stage.play(weights, 0)
    assert plain == other


def test_evolution_finds_a_minimum_and_replays_to_the_last_bit() -> None:
    goal = np.linspace(-1, 1, 12).reshape(2, 6)

    def play(drawn: np.ndarray) -> list[np.ndarray]:
        off = ((drawn - goal) ** 2).sum(axis=(1, 2))
        return [np.exp(0.1 * off), np.exp(0.3 * off)]

    start = np.zeros((2, 6))
    found = Evolution(start, 1.0, 12, seed=5)
    first = found.generation(play).mean()
    for _ in range(120):
        last = found.generation(play).mean()
    assert last < 1.01 < first
    assert found.mean == pytest.approx(goal, abs=0.2)
    again = Evolution(start, 1.0, 12, seed=5)
    again.replay(found.scores)
    assert again.mean.tolist() == found.mean.tolist()
    assert again.sigma == found.sigma
    assert again.generation(play).tolist() == found.generation(play).tolist()


def test_a_run_evolves_first_and_resumes_exactly(tmp_path: Path) -> None:
    pool, preset = write_pool(tmp_path, evolution=SMALL), write_preset(tmp_path)
    common = [str(pool), "--preset", str(preset), "--method", "evolve", "--seed", "5", "--quiet"]
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert main([*common, "--budget", "48e", "--out", str(whole)]) == 0
    assert main([*common, "--budget", "24e", "--out", str(parts)]) == 0
    assert main(["--resume", str(parts), "--budget", "48e", "--quiet"]) == 0
    assert_same_bits(whole, parts, "baselines")
    rows = [r for r in metric_rows(whole) if "sigma" in r]
    assert [r["episodes"] for r in rows] == [8, 16, 24, 32, 40, 48]
    assert [r["sigma"] for r in rows] == [r["sigma"] for r in metric_rows(parts) if "sigma" in r]


def test_play_follows_evolution_and_starts_from_it(tmp_path: Path) -> None:
    pool = write_pool(tmp_path, evolution={**SMALL, "share": 0.5})
    run = tmp_path / "run"
    args = ["--preset", str(write_preset(tmp_path)), "--seed", "5", "--quiet", "--budget", "32e", "--out", str(run)]
    assert main([str(pool), *args]) == 0
    rows = metric_rows(run)[1:]
    evolved = [("sigma" in r) for r in rows]
    assert evolved == sorted(evolved, reverse=True)
    assert [r["episodes"] for r in rows if "sigma" in r] == [8, 16]
    assert [r["episodes"] for r in rows if "approx_kl" in r] == [20, 24, 28, 32]


def test_what_cannot_evolve_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match=r"network\.kind = 'grid'"):
        linear_network(AlphaChipNetwork())
    pool = write_pool(tmp_path, evolution={"population": 2})
    assert_refused(main, [str(pool), "--out", str(tmp_path / "run")], "settings.evolution.population", capsys)


def test_held_out_netlists_are_graded_in_several_views(tmp_path: Path) -> None:
    config, net = load_config("default", TINY), network()
    net.read_maps_by(np.random.default_rng(3).normal(size=(2, len(MAP_CHANNELS))))
    pool = load_pool(write_pool(tmp_path, views=3))
    folder = PretrainFolder(tmp_path)
    found = HeldOut(Library(pool, folder, config, QuietReporter()), "cpu").grades(net)["third"]
    reference = folder.read_netlists()["third"].reference
    assert reference is not None
    problem = pool.held_out[0].build()
    views = [problem, *(relabel(mirror(problem, *SYMMETRIES[k]), k).problem for k in (1, 2))]
    alone = [Exam("it", view, reference, config, 1, looks=1).grade(net, EXAM_SEED).zero_shot for view in views]
    assert found.zero_shot == pytest.approx(float(np.exp(np.log(alone).mean())))
    assert len(set(alone)) > 1
