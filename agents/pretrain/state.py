"""Checkpoints of a pre-training run: weights, optimiser, baselines and counters, in files that cannot execute code.

Nothing of an episode outlives a round, and every draw is seeded by run, round and place in it, so this is all there is.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file as load_numpy
from safetensors.numpy import save_file as save_numpy
from safetensors.torch import load_file, save_file
from torch import nn

from agents.ppo.algorithm import StepBaseline
from agents.ppo.checkpoint import KEEP, dense_tensors, fill_optimizer, list_checkpoints, optimizer_tensors, sync
from agents.ppo.policyfile import load_weights
from floorplan.errors import CheckpointError

__all__ = ["PretrainState", "load_state", "save_state"]

FORMAT = 1
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PretrainState:
    """How far a run is.

    Attributes:
        round: rounds played.
        episodes: of training, dead ends among them.
        dead_ends: of training.
        seconds: wall clock, evaluations included.
        evaluations: made so far.
        evaluated_at: rounds at the last one.
        best_score: lowest held-out score; None before the first evaluation.
        stale: evaluations since that.
        seen: names of training netlists met, sorted.
        dropped: names of training netlists met that greedy placement cannot finish, sorted.
        lessons: optimiser steps on expert targets.
    """

    round: int = 0
    episodes: int = 0
    dead_ends: int = 0
    seconds: float = 0.0
    evaluations: int = 0
    evaluated_at: int = -1
    best_score: float | None = None
    stale: int = 0
    seen: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    lessons: int = 0


def save_state(
    folder: Path,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    baselines: dict[str, StepBaseline],
    state: PretrainState,
) -> Path:
    """Write a checkpoint below `folder` and drop all but the last two."""
    final = folder / f"{state.round:08d}"
    part = folder / f".{final.name}.{os.getpid()}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    save_file(dense_tensors(network.state_dict()), part / "network.safetensors")
    save_file(optimizer_tensors(optimizer), part / "optimizer.safetensors")
    arrays = {f"{name}/mean": b.mean for name, b in baselines.items()}
    arrays |= {f"{name}/scale": np.array([b.scale]) for name, b in baselines.items()}
    save_numpy(arrays, part / "baselines.safetensors")
    tree = {"format": FORMAT, "state": asdict(state)}
    (part / "counters.json").write_text(json.dumps(tree, indent=1), encoding="utf-8")
    for file in part.iterdir():
        sync(file)
    sync(part)
    if final.exists():  # the same round, written before an interruption and reached again: equal by construction
        shutil.rmtree(final)
    part.rename(final)
    sync(folder)
    for old in list_checkpoints(folder)[:-KEEP]:
        shutil.rmtree(old, ignore_errors=True)
    return final


def load_state(
    folder: Path, network: nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[PretrainState, dict[str, StepBaseline]]:
    """Bring network and optimiser to the newest readable checkpoint; return counters and baselines by netlist.

    Raises:
        CheckpointError: none is there, or none can be read.
    """
    found = list_checkpoints(folder)
    problems: list[str] = []
    for path in reversed(found):
        try:
            return _load(path, network, optimizer)
        except (CheckpointError, SafetensorError, OSError, KeyError, ValueError, TypeError) as e:
            problems.append(f"{path.name}: {e}")
            log.warning("checkpoint %s cannot be read: %s", path, e)
    raise CheckpointError(f"{folder}: no readable checkpoint ({'; '.join(problems) or 'none there'})")


def _load(
    path: Path, network: nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[PretrainState, dict[str, StepBaseline]]:
    tree: dict[str, Any] = json.loads((path / "counters.json").read_text(encoding="utf-8"))
    if tree.get("format") != FORMAT:
        raise CheckpointError(f"{path}: format {tree.get('format')}, this version reads {FORMAT}")
    given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in tree["state"].items()}
    state = PretrainState(**given)
    tensors = load_file(path / "optimizer.safetensors")
    arrays = load_numpy(path / "baselines.safetensors")
    load_weights(network, path / "network.safetensors")
    fill_optimizer(optimizer, tensors)
    names = [key.removesuffix("/mean") for key in arrays if key.endswith("/mean")]
    return state, {n: StepBaseline(arrays[f"{n}/mean"], float(arrays[f"{n}/scale"][0])) for n in names}
