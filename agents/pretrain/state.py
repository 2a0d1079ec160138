"""Checkpoints of a pre-training run: weights, optimiser, baselines and counters, in files that cannot execute code.

Nothing of an episode outlives a round, and every draw is seeded by run, round and place in it, so this is all there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import load_file, save_file
from torch import nn

from agents.ppo.algorithm import StepBaseline
from agents.ppo.checkpointfiles import (
    newest_checkpoint,
    read_counters,
    read_network,
    write_counters,
    write_network,
    writing_checkpoint,
)

__all__ = ["PretrainState", "load_state", "save_state"]

SCORES = "evolution/scores"


@dataclass(frozen=True)
class PretrainState:
    """How far a run is.

    Attributes:
        round: rounds played.
        episodes: of training, those of evolution and dead ends among them.
        dead_ends: of training.
        seconds: wall clock, evaluations included.
        evaluations: made so far.
        evaluated_at: rounds at the last one.
        best_score: lowest held-out score; None before the first evaluation.
        stale: evaluations since that.
        seen: names of training netlists met, sorted.
        dropped: names of training netlists met that greedy placement cannot finish, sorted.
        lessons: optimiser steps on expert targets.
        generations: rounds that were generations of evolution; they come before all others.
        evolved: episodes of those.
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
    generations: int = 0
    evolved: int = 0


def save_state(
    folder: Path,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    baselines: dict[str, StepBaseline],
    state: PretrainState,
    scores: Sequence[npt.NDArray[np.float64]] = (),
) -> None:
    """Write a checkpoint below `folder` and drop all but the last two; `scores` are those of evolution."""
    arrays = {f"{name}/mean": b.mean for name, b in baselines.items()}
    arrays |= {f"{name}/scale": np.array([b.scale]) for name, b in baselines.items()}
    if scores:
        arrays[SCORES] = np.stack(scores)
    with writing_checkpoint(folder, state.round) as part:
        write_network(part, network, optimizer)
        save_file(arrays, part / "baselines.safetensors")
        write_counters(part, {"state": asdict(state)})


def load_state(
    folder: Path, network: nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[PretrainState, dict[str, StepBaseline], list[npt.NDArray[np.float64]]]:
    """Bring network and optimiser to the newest readable checkpoint; return counters, baselines by netlist, scores.

    Raises:
        CheckpointError: none is there, or none can be read.
    """
    return newest_checkpoint(folder, lambda path: _load(path, network, optimizer))


def _load(
    path: Path, network: nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[PretrainState, dict[str, StepBaseline], list[npt.NDArray[np.float64]]]:
    tree = read_counters(path)
    given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in tree["state"].items()}
    state = PretrainState(**given)
    arrays = load_file(path / "baselines.safetensors")
    read_network(path, network, optimizer)
    names = [key.removesuffix("/mean") for key in arrays if key.endswith("/mean")]
    baselines = {n: StepBaseline(arrays[f"{n}/mean"], float(arrays[f"{n}/scale"][0])) for n in names}
    return state, baselines, list(arrays.get(SCORES, ()))
