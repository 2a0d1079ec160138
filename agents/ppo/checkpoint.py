"""Checkpoints: everything a run needs to go on bit for bit, in files that cannot execute code.

`checkpoints/<update>/` holds `network.safetensors`, `optimizer.safetensors`, `state.safetensors` (random generators and
the environment) and `counters.json`. A folder is written under another name and renamed when complete, so one that is
there is whole; the last two are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import load_file as load_numpy
from safetensors.numpy import save_file as save_numpy
from safetensors.torch import load_file, save_file

from agents.ppo.algorithm import PlacementPPO, StepBaseline
from agents.ppo.checkpointfiles import (
    newest_checkpoint,
    read_counters,
    read_network,
    write_counters,
    write_network,
    writing_checkpoint,
)
from agents.ppo.policyfile import dense_tensors
from agents.ppo.vecenv import ConstructVecEnv

__all__ = ["Counters", "Extra", "load_checkpoint", "save_checkpoint"]


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
) -> None:
    """Write a checkpoint below `folder` and drop all but the last two."""
    policy: Any = model.policy
    rng = model.rollout_buffer.rng.bit_generator.state
    tree = {"counters": asdict(counters), "updates": model._n_updates, "shuffle": rng}
    with writing_checkpoint(folder, counters.update) as part:
        write_network(part, policy.network, policy.optimizer)
        save_numpy(_state_arrays(model, env), part / "state.safetensors")
        if extra is not None:
            save_file(dense_tensors(extra.tensors), part / "extra.safetensors")
            tree["extra"] = extra.values
        write_counters(part, tree)


def load_checkpoint(
    folder: Path, model: PlacementPPO, env: ConstructVecEnv, restore: Callable[[Extra], None] | None = None
) -> Counters:
    """Bring model and environment to the newest readable checkpoint and return its counters.

    `restore` is handed what else the checkpoint holds; a checkpoint that it cannot use raises one of its errors.

    Raises:
        CheckpointError: none is there, or none can be read.
    """
    return newest_checkpoint(folder, lambda path: _load(path, model, env, restore))


def _load(path: Path, model: PlacementPPO, env: ConstructVecEnv, restore: Callable[[Extra], None] | None) -> Counters:
    tree = read_counters(path)
    known = {f.name for f in fields(Counters)}
    counters = Counters(**{k: v for k, v in tree["counters"].items() if k in known})  # older versions counted more
    state = load_numpy(path / "state.safetensors")
    if restore is not None:
        restore(Extra(load_file(path / "extra.safetensors"), tree["extra"]))
    policy: Any = model.policy
    read_network(path, policy.network, policy.optimizer)
    policy.placement_network.release()
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
