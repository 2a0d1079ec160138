from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from agents.base import Budget
from agents.ppo.checkpointfiles import list_checkpoints
from agents.ppo.command import main
from agents.ppo.config import RunConfig, load_config
from agents.ppo.progress import QuietReporter
from agents.ppo.runfolder import RunFolder
from agents.ppo.trainer import Trainer
from floorplan.errors import CheckpointError
from tests.agents.ppo_cases import TINY, assert_same_bits, kill_at, metric_rows, tiny_problem, write_preset, write_tiny


def trainer(path: Path, **changes: dict[str, Any]) -> Trainer:
    path.mkdir(parents=True, exist_ok=True)
    tree = {k: {**v, **changes.get(k, {})} if isinstance(v, dict) else v for k, v in TINY.items()}
    config: RunConfig = load_config("default", tree)
    return Trainer(tiny_problem(), config, 3, RunFolder(path), QuietReporter())


def test_stopping_and_resuming_gives_the_same_weights_and_metrics(tmp_path: Path) -> None:
    once = trainer(tmp_path / "once")
    once.start()
    once.run(Budget.parse("24e"))
    first = trainer(tmp_path / "twice")
    first.start()
    first.run(Budget.parse("12e"))
    torch.randn(5)  # whatever else happens in the process must not matter
    second = trainer(tmp_path / "twice")
    second.resume()
    assert second.counters.episodes == 12
    second.run(Budget.parse("24e"))
    assert_same_bits(tmp_path / "once", tmp_path / "twice")
    assert metric_rows(tmp_path / "once") == metric_rows(tmp_path / "twice")
    assert (tmp_path / "once/best.plc").read_bytes() == (tmp_path / "twice/best.plc").read_bytes()


def test_resuming_in_the_middle_of_random_order_episodes_is_exact_too(tmp_path: Path) -> None:
    env = {"order": "random", "reward": "terminal"}

    def short_rollouts(name: str) -> Trainer:
        t = trainer(tmp_path / name, env=env)
        buffer = t.model.rollout_buffer
        t.model.n_steps = buffer.buffer_size = 4  # of the six steps of an episode
        buffer._ready = False
        buffer.reset()
        return t

    once = short_rollouts("once")
    once.start()
    once.run(Budget.parse("160p"))
    first = short_rollouts("parts")
    first.start()
    first.run(Budget.parse("64p"))
    assert set(first.batch.steps.tolist()) == {4}
    second = short_rollouts("parts")
    second.resume()
    second.run(Budget.parse("160p"))
    assert_same_bits(tmp_path / "once", tmp_path / "parts")


def test_another_seed_gives_other_weights(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 4)):
        t = Trainer(tiny_problem(), load_config("default", TINY), seed, RunFolder(tmp_path / name), QuietReporter())
        (tmp_path / name).mkdir()
        t.start()
        t.run(Budget.parse("4e"))
    with pytest.raises(AssertionError):
        assert_same_bits(tmp_path / "a", tmp_path / "b")


def test_a_damaged_newest_checkpoint_is_passed_over(tmp_path: Path) -> None:
    run = trainer(tmp_path / "run")
    run.start()
    run.run(Budget.parse("12e"))
    kept = list_checkpoints(tmp_path / "run/checkpoints")
    assert [p.name for p in kept] == ["00000002", "00000003"]
    (kept[-1] / "network.safetensors").write_bytes(b"not a tensor")
    again = trainer(tmp_path / "run")
    again.resume()
    assert again.counters.update == 2
    assert [r["update"] for r in metric_rows(tmp_path / "run")] == [1, 2]
    (kept[0] / "counters.json").write_text("{")
    with pytest.raises(CheckpointError, match="no readable checkpoint"):
        trainer(tmp_path / "run").resume()


def test_kill_9_and_resume_equals_an_uninterrupted_run(tmp_path: Path) -> None:
    netlist, preset = write_tiny(tmp_path), write_preset(tmp_path)
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    common = ["--netlist", str(netlist), "--preset", str(preset), "--seed", "5", "--quiet"]
    done = kill_at(2, "agents.ppo.command", common, killed)["counters"]["episodes"]
    budget = f"{done + 12}e"  # both runs go on to an update a little after the kill
    assert main(["--resume", str(killed), "--budget", budget, "--quiet"]) == 0
    assert main([*common, "--budget", budget, "--out", str(whole)]) == 0
    assert_same_bits(killed, whole)
    assert metric_rows(killed) == metric_rows(whole)
    assert (killed / "best.plc").read_bytes() == (whole / "best.plc").read_bytes()
