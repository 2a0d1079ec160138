"""Folders of checkpoints: written whole or not at all, the newest one that can be read, and Adam's state as tensors."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from agents.ppo.policyfile import dense_tensors, load_weights
from floorplan.errors import CheckpointError

__all__ = [
    "list_checkpoints",
    "newest_checkpoint",
    "read_counters",
    "read_network",
    "write_counters",
    "write_network",
    "writing_checkpoint",
]

KEEP = 2
FORMAT = 1
log = logging.getLogger(__name__)
T = TypeVar("T")


def list_checkpoints(folder: Path) -> list[Path]:
    """Return complete checkpoints, oldest first."""
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if p.is_dir() and p.name.isdigit())


@contextmanager
def writing_checkpoint(folder: Path, number: int) -> Iterator[Path]:
    """Give a folder to write files into; it becomes checkpoint `number` once they are on the disk.

    All but the last two checkpoints are dropped then.
    """
    final = folder / f"{number:08d}"
    part = folder / f".{final.name}.{os.getpid()}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    yield part
    for file in part.iterdir():
        _sync(file)
    _sync(part)
    if final.exists():  # the same number, written before an interruption and reached again: equal by construction
        shutil.rmtree(final)
    part.rename(final)
    _sync(folder)
    for old in list_checkpoints(folder)[:-KEEP]:
        shutil.rmtree(old, ignore_errors=True)


def newest_checkpoint(folder: Path, read: Callable[[Path], T]) -> T:
    """Return what `read` makes of the newest checkpoint that it can read.

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
            return read(path)
        except (CheckpointError, SafetensorError, OSError, KeyError, ValueError, TypeError) as e:
            problems.append(f"{path.name}: {e}")
            log.warning("checkpoint %s cannot be read: %s", path, e)
    raise CheckpointError(f"{folder}: no readable checkpoint ({'; '.join(problems)})")


def write_counters(path: Path, tree: dict[str, Any]) -> None:
    """Write `counters.json` of the checkpoint at `path`: numbers and texts."""
    text = json.dumps({"format": FORMAT, **tree}, indent=1)
    (path / "counters.json").write_text(text, encoding="utf-8")


def read_counters(path: Path) -> dict[str, Any]:
    """Return what `write_counters` wrote.

    Raises:
        CheckpointError: it is of another format.
    """
    tree: dict[str, Any] = json.loads((path / "counters.json").read_text(encoding="utf-8"))
    if tree.get("format") != FORMAT:
        raise CheckpointError(f"{path}: format {tree.get('format')}, this version reads {FORMAT}")
    return tree


def write_network(path: Path, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Write weights and Adam's state: tensors `step`, `exp_avg` and `exp_avg_sq` of every parameter by its number."""
    save_file(dense_tensors(network.state_dict()), path / "network.safetensors")
    state = optimizer.state_dict()["state"]
    tensors = {f"{i}.{name}": torch.as_tensor(t) for i, s in state.items() for name, t in s.items()}
    save_file(dense_tensors(tensors), path / "optimizer.safetensors")


def read_network(path: Path, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Bring a network and its Adam to what `write_network` wrote of them.

    Raises:
        CheckpointError: the weights are damaged, or do not fit.
    """
    tensors = load_file(path / "optimizer.safetensors")
    load_weights(network, path / "network.safetensors")
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, t in tensors.items():
        number, name = key.split(".", 1)
        state.setdefault(int(number), {})[name] = t
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
