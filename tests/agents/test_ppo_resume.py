from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from agents.base import Budget
from agents.ppo.checkpoint import list_checkpoints
from agents.ppo.config import RunConfig, load_config
from agents.ppo.progress import QuietReporter
from agents.ppo.runfolder import RunFolder
from agents.ppo.trainer import Trainer
from floorplan.errors import CheckpointError
from tests.agents.ppo_cases import TINY, tiny_problem, write_tiny


def trainer(path: Path, **changes: dict[str, Any]) -> Trainer:
    path.mkdir(parents=True, exist_ok=True)
    tree = {k: {**v, **changes.get(k, {})} if isinstance(v, dict) else v for k, v in TINY.items()}
    config: RunConfig = load_config("default", tree)
    return Trainer(tiny_problem(), config, 3, RunFolder(path), QuietReporter())


def weights(folder: Path) -> dict[str, torch.Tensor]:
    newest = list_checkpoints(folder / "checkpoints")[-1]
    tensors = load_file(newest / "network.safetensors") | load_file(newest / "optimizer.safetensors")
    return {k: tensors[k] for k in sorted(tensors)}


def assert_same_bits(a: Path, b: Path) -> None:
    left, right = weights(a), weights(b)
    assert left.keys() == right.keys()
    assert len(left) > 20
    for name, t in left.items():
        assert torch.equal(t, right[name]), name


def rows(folder: Path) -> list[dict[str, Any]]:
    timing = {"seconds", "episodes_per_s", "collect_s", "learn_s"}
    return [{k: v for k, v in r.items() if k not in timing} for r in RunFolder(folder).read_metrics()]


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
    assert rows(tmp_path / "once") == rows(tmp_path / "twice")
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
    assert [r["update"] for r in rows(tmp_path / "run")] == [1, 2]
    (kept[0] / "counters.json").write_text("{")
    with pytest.raises(CheckpointError, match="no readable checkpoint"):
        trainer(tmp_path / "run").resume()


def command(*args: object) -> list[str]:
    return [sys.executable, "-m", "agents.ppo.command", *map(str, args)]


def tiny_file(folder: Path) -> Path:
    import tomli_w

    file = folder / "tiny.toml"
    file.write_text(tomli_w.dumps(TINY))
    return file


def test_kill_9_and_resume_equals_an_uninterrupted_run(tmp_path: Path) -> None:
    netlist, preset = write_tiny(tmp_path), tiny_file(tmp_path)
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    root = Path(__file__).resolve().parents[2]
    env = os.environ | {"PYTHONPATH": str(root)}
    common = ["--netlist", netlist, "--preset", preset, "--seed", 5, "--quiet"]
    process = subprocess.Popen(command(*common, "--budget", "1000000e", "--out", killed), env=env, cwd=tmp_path)
    try:
        give_up = time.monotonic() + 90
        while len(list_checkpoints(killed / "checkpoints")) < 2:
            assert process.poll() is None
            assert time.monotonic() < give_up
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    # the kill comes at an unknown update, so both runs go on to one a little after it
    done = json.loads((list_checkpoints(killed / "checkpoints")[-1] / "counters.json").read_text())["counters"]
    budget = f"{done['episodes'] + 12}e"
    from agents.ppo.command import main

    assert main(["--resume", str(killed), "--budget", budget, "--quiet"]) == 0
    assert main([str(a) for a in (*common, "--budget", budget, "--out", whole)]) == 0
    assert_same_bits(killed, whole)
    assert rows(killed) == rows(whole)
    assert (killed / "best.plc").read_bytes() == (whole / "best.plc").read_bytes()
