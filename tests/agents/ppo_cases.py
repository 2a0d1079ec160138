"""A tiny problem on disk and the settings that train on it in a second."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
import torch
from safetensors.torch import load_file

from agents.ppo.checkpointfiles import list_checkpoints, read_counters
from agents.ppo.command import main as train
from agents.ppo.runfolder import RunFolder
from floorplan.formats import write_netlist, write_plc
from floorplan.netlist import Canvas, NetlistBuilder, Placement, Problem

TINY: dict[str, Any] = {
    "env": {"soft_placer": "none", "soft_start": "initial"},
    "network": {"graph_width": 8, "graph_layers": 1, "channels": 4, "conv_layers": 2},
    "ppo": {"num_envs": 4, "minibatch": 16, "learning_rate": 3e-3},
    "threads": 1,
    "checkpoint_every_s": 0,
}

TIMING = {"seconds", "episodes_per_s", "setup_s", "collect_s", "learn_s", "evaluate_s"}


def tiny_problem(macros: int = 6, grid: int = 8, seed: int = 0) -> Problem:
    """Macros of 10 x 10 um in a chain between two ports, with two soft macros, on 80 x 80 um."""
    rng = np.random.default_rng(seed)
    b = NetlistBuilder("tiny")
    names = [f"m{i}" for i in range(macros)]
    for i, name in enumerate(names):
        b.add_macro(name, 10 + i % 2 * 4, 10)
        b.add_pin(f"{name}/o", name, 3, 2)
        b.add_pin(f"{name}/i", name, -3, -2)
    for i in range(2):
        b.add_macro(f"Grp_{i}", 8, 8, soft=True)
        b.add_pin(f"Grp_{i}/o", f"Grp_{i}")
        b.add_pin(f"Grp_{i}/i", f"Grp_{i}")
    b.add_port("west")
    b.add_port("east")
    b.add_net("west", ["m0/i"])
    for a, c in pairwise(names):
        b.add_net(f"{a}/o", [f"{c}/i", f"Grp_{int(rng.integers(2))}/i"], weight=float(rng.integers(1, 4)))
    b.add_net(f"{names[-1]}/o", ["east"])
    b.add_net("Grp_0/o", ["m0/i", "m2/i"])
    netlist = b.build()
    x, y = np.full(len(netlist.node_name), 40.0), np.full(len(netlist.node_name), 40.0)
    placed = np.ones(len(x), np.bool_)
    x[netlist.ports], y[netlist.ports] = [0.0, 80.0], [10.0, 70.0]
    orient = np.zeros(len(x), np.uint8)
    canvas = Canvas(80.0, 80.0, grid, grid, 10.0, 10.0, 2.0, 2.0, smooth_range=1)
    return Problem(netlist, canvas, Placement(x, y, orient, placed))


def write_tiny(folder: Path) -> Path:
    """Write the tiny problem and return its netlist file."""
    problem = tiny_problem()
    path = folder / "netlist.pb.txt"
    write_netlist(path, problem.netlist, problem.initial)
    write_plc(folder / "initial.plc", problem, problem.initial)
    return path


def write_preset(folder: Path) -> Path:
    """Write settings of a network and an update that take no time."""
    path = folder / "tiny.toml"
    path.write_text(tomli_w.dumps(TINY))
    return path


def train_tiny(folder: Path) -> Path:
    """Leave the tiny problem, its settings and a run of 8 episodes in a folder, and return it."""
    args = ["--netlist", str(write_tiny(folder)), "--preset", str(write_preset(folder)), "--budget", "8e"]
    assert train([*args, "--out", str(folder / "run"), "--quiet"]) == 0
    return folder


def metric_rows(folder: Path) -> list[dict[str, Any]]:
    """Return the metrics of a run, without those that a clock measured."""
    return [{k: v for k, v in r.items() if k not in TIMING} for r in RunFolder(folder).read_metrics()]


def checkpoint_tensors(folder: Path, *more: str, back: int = 0) -> dict[str, torch.Tensor]:
    """Return network, optimiser and other files of the newest checkpoint, or of one further back."""
    found = list_checkpoints(folder / "checkpoints")[-1 - back]
    files = ("network", "optimizer", *more)
    return {f"{f}.{k}": t for f in files for k, t in load_file(found / f"{f}.safetensors").items()}


def assert_same_bits(a: Path, b: Path, *more: str) -> None:
    """Check that the newest checkpoints of two runs are equal."""
    left, right = checkpoint_tensors(a, *more), checkpoint_tensors(b, *more)
    assert left.keys() == right.keys()
    assert len(left) > 20
    for name, t in left.items():
        assert torch.equal(t, right[name]), name


def assert_refused(
    main: Callable[[list[str]], int], args: list[str], cause: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Check that a command ends with 2, nothing on stdout, and one line on stderr that names the cause."""
    assert main([*args, "--quiet"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert cause in said.err
    assert said.err.count("\n") == 1


def kill_at(number: int, module: str, args: list[str], run: Path) -> dict[str, Any]:
    """Run a command in a process of its own, kill it once checkpoint `number` is there, and return the newest counters.

    The kill comes at an unknown time after that checkpoint.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", module, *args, "--budget", "1000000e", "--out", str(run)],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        cwd=run.parent,
    )
    try:
        give_up = time.monotonic() + 90
        while not any(int(p.name) >= number for p in list_checkpoints(run / "checkpoints")):
            assert process.poll() is None
            assert time.monotonic() < give_up
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    return read_counters(list_checkpoints(run / "checkpoints")[-1])
