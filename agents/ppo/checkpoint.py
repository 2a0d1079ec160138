"""Checkpoints: everything a run needs to go on bit for bit, in files that cannot execute code.

`checkpoints/<update>/` holds `network.safetensors`, `optimizer.safetensors`, `state.safetensors` (random generators and
the environment) and `counters.json`. A folder is written under another name and renamed when complete, so one that is
there is whole; the last two are kept.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file as load_numpy
from safetensors.numpy import save_file as save_numpy
from safetensors.torch import load_file, save_file

from agents.ppo.algorithm import PlacementPPO, StepBaseline
from agents.ppo.policyfile import load_weights
from agents.ppo.vecenv import ConstructVecEnv
from floorplan.errors import CheckpointError

__all__ = [
    "KEEP",
    "Counters",
    "Extra",
    "dense_tensors",
    "fill_optimizer",
    "list_checkpoints",
    "load_checkpoint",
    "optimizer_tensors",
    "save_checkpoint",
    "sync",
]

KEEP = 2
FORMAT = 1
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Counters:
    """How far a run is; `best_proxy` is None before the first complete placement."""

    update: int = 0
    step: int = 0
    episodes: int = 0
    dead_ends: int = 0
    seconds: float = 0.0
    best_proxy: float | None = None


@dataclass(frozen=True)
class Extra:
    """What a kind of run keeps besides: tensors by name, and numbers and texts that JSON can hold."""

    tensors: dict[str, torch.Tensor] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)


def save_checkpoint(
    folder: Path, model: PlacementPPO, env: ConstructVecEnv, counters: Counters, extra: Extra | None = None
) -> Path:
    """Write a checkpoint below `folder` and drop all but the last two."""
    final = folder / f"{counters.update:08d}"
    part = folder / f".{final.name}.{os.getpid()}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    policy: Any = model.policy
    save_file(dense_tensors(policy.network.state_dict()), part / "network.safetensors")
    save_file(optimizer_tensors(policy.optimizer), part / "optimizer.safetensors")
    save_numpy(_state_arrays(model, env), part / "state.safetensors")
    rng = model.rollout_buffer.rng.bit_generator.state
    tree = {"format": FORMAT, "counters": asdict(counters), "updates": model._n_updates, "shuffle": rng}
    if extra is not None:
        save_file(dense_tensors(extra.tensors), part / "extra.safetensors")
        tree["extra"] = extra.values
    (part / "counters.json").write_text(json.dumps(tree, indent=1), encoding="utf-8")
    for file in part.iterdir():
        sync(file)
    sync(part)
    if final.exists():  # the same update, written before an interruption and reached again: equal by construction
        shutil.rmtree(final)
    part.rename(final)
    sync(folder)
    for old in list_checkpoints(folder)[:-KEEP]:
        shutil.rmtree(old, ignore_errors=True)
    return final


def list_checkpoints(folder: Path) -> list[Path]:
    """Return complete checkpoints, oldest first."""
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if p.is_dir() and p.name.isdigit())


def load_checkpoint(
    folder: Path, model: PlacementPPO, env: ConstructVecEnv, restore: Callable[[Extra], None] | None = None
) -> Counters:
    """Bring model and environment to the newest readable checkpoint and return its counters.

    `restore` is handed what else the checkpoint holds; a checkpoint that it cannot use raises one of its errors.
    A damaged newest checkpoint is passed over with a warning: the run then repeats what came after the one before.

    Raises:
        CheckpointError: none is there, or none can be read.
    """
    found = list_checkpoints(folder)
    if not found:
        raise CheckpointError(f"{folder}: no checkpoint")
    problems: list[str] = []
    for path in reversed(found):
        try:
            return _load(path, model, env, restore)
        except (CheckpointError, SafetensorError, OSError, KeyError, ValueError, TypeError) as e:
            problems.append(f"{path.name}: {e}")
            log.warning("checkpoint %s cannot be read: %s", path, e)
    raise CheckpointError(f"{folder}: no readable checkpoint ({'; '.join(problems)})")


def _load(path: Path, model: PlacementPPO, env: ConstructVecEnv, restore: Callable[[Extra], None] | None) -> Counters:
    tree = json.loads((path / "counters.json").read_text(encoding="utf-8"))
    if tree.get("format") != FORMAT:
        raise CheckpointError(f"{path}: format {tree.get('format')}, this version reads {FORMAT}")
    counters = Counters(**tree["counters"])
    optimizer = load_file(path / "optimizer.safetensors")
    state = load_numpy(path / "state.safetensors")
    if restore is not None:
        restore(Extra(load_file(path / "extra.safetensors"), tree["extra"]))
    policy: Any = model.policy
    load_weights(policy.network, path / "network.safetensors")
    policy.placement_network.release()
    fill_optimizer(policy.optimizer, optimizer)
    model.rollout_buffer.rng.bit_generator.state = tree["shuffle"]
    model._n_updates = int(tree["updates"])
    model.num_timesteps = counters.step
    model.episodes = counters.episodes
    model.baseline = (
        StepBaseline(state["baseline/mean"], float(state["baseline/scale"][0])) if "baseline/mean" in state else None
    )
    policy.generator.set_state(torch.from_numpy(state["rng/sampler"].copy()))
    torch.set_rng_state(torch.from_numpy(state["rng/torch"].copy()))
    env.batch.set_state({k.removeprefix("env/"): v for k, v in state.items() if k.startswith("env/")})
    model._last_obs = env.observe()
    model._last_episode_starts = state["episode_starts"]
    return counters


def _state_arrays(model: PlacementPPO, env: ConstructVecEnv) -> dict[str, npt.NDArray[Any]]:
    policy: Any = model.policy
    arrays: dict[str, npt.NDArray[Any]] = {
        f"env/{k}": np.ascontiguousarray(v) for k, v in env.batch.get_state().items()
    }
    if model.baseline is not None:
        arrays["baseline/mean"] = model.baseline.mean
        arrays["baseline/scale"] = np.array([model.baseline.scale])
    arrays["rng/sampler"] = policy.generator.get_state().numpy()
    arrays["rng/torch"] = torch.get_rng_state().numpy()
    arrays["episode_starts"] = np.asarray(model._last_episode_starts, dtype=np.bool_)
    return arrays


def dense_tensors(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return tensors as safetensors wants them: on the host, without gradients, in one piece."""
    return {k: v.detach().cpu().contiguous() for k, v in tensors.items()}


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """Return Adam's state, one tensor each of `step`, `exp_avg` and `exp_avg_sq` for every parameter by its number."""
    state = optimizer.state_dict()["state"]
    return dense_tensors({f"{i}.{name}": torch.as_tensor(t) for i, s in state.items() for name, t in s.items()})


def fill_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    """Put what `optimizer_tensors` returned back into an Adam of the same parameters."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, t in tensors.items():
        number, name = key.split(".", 1)
        state.setdefault(int(number), {})[name] = t
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
