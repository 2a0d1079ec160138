"""The run folder: what a run leaves for people, for scripts and for `--resume`."""

from __future__ import annotations

import json
import os
import platform
import sys
import tomllib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import ValidationError

from agents.ppo.config import RunConfig
from floorplan.errors import CheckpointError
from floorplan.files import atomic_write_text
from floorplan.netlist import Problem

__all__ = ["RunFolder", "RunSource"]


@dataclass(frozen=True)
class RunSource:
    """What a run was started on."""

    netlist: Path
    placement: Path | None
    seed: int


class RunFolder:
    """Names of, and writes to, the files of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.toml"
        self.metrics = path / "metrics.jsonl"
        self.tensorboard = path / "tensorboard"
        self.checkpoints = path / "checkpoints"
        self.best = path / "best.plc"
        self.policy = path / "policy"
        self.placement_png = path / "placement.png"
        self.curves_png = path / "curves.png"

    def create(self, config: RunConfig, source: RunSource, problem: Problem) -> None:
        """Make the folder and write `config.toml`.

        Raises:
            CheckpointError: the folder already holds a run.
        """
        if self.config.exists():
            raise CheckpointError(
                f"{self.path} already holds a run; continue it with --resume, or choose another --out"
            )
        self.path.mkdir(parents=True, exist_ok=True)
        run: dict[str, Any] = {
            "netlist": str(source.netlist.resolve()),
            "netlist_hash": problem.netlist.content_hash,
            "seed": source.seed,
            "grid": f"{problem.canvas.columns} x {problem.canvas.rows}",
        }
        if source.placement is not None:
            run["placement"] = str(source.placement.resolve())
        tree = {
            "run": run,
            "config": config.model_dump(mode="json", exclude_none=True),
            "versions": _versions(),
            "machine": _machine(),
        }
        atomic_write_text(self.config, tomli_w.dumps(tree))

    def read(self) -> tuple[RunConfig, RunSource, str]:
        """Return configuration, source and netlist hash of an existing run.

        Raises:
            CheckpointError: no run here, or a damaged `config.toml`.
        """
        try:
            tree = tomllib.loads(self.config.read_text(encoding="utf-8"))
            run = tree["run"]
            placement = Path(run["placement"]) if "placement" in run else None
            source = RunSource(Path(run["netlist"]), placement, int(run["seed"]))
            return RunConfig.model_validate(tree["config"]), source, str(run["netlist_hash"])
        except FileNotFoundError:
            raise CheckpointError(f"{self.path}: no run here (no config.toml)") from None
        except (OSError, KeyError, ValueError, TypeError, ValidationError) as e:
            raise CheckpointError(f"{self.config}: damaged: {e}") from None

    def append_metrics(self, row: dict[str, Any]) -> None:
        """Add one row to `metrics.jsonl`."""
        with self.metrics.open("a", encoding="utf-8") as f:
            f.write(json.dumps(row) + "\n")

    def read_metrics(self) -> list[dict[str, Any]]:
        """Return the rows of `metrics.jsonl`; a last line that was cut off is left out."""
        if not self.metrics.exists():
            return []
        rows: list[dict[str, Any]] = []
        for line in self.metrics.read_text(encoding="utf-8").splitlines():
            try:
                rows.append(json.loads(line))
            except ValueError:
                break
        return rows

    def rewind_metrics(self, step: int) -> None:
        """Drop rows after `step`: the resumed run will write them again."""
        rows = [r for r in self.read_metrics() if int(r["step"]) <= step]
        atomic_write_text(self.metrics, "".join(json.dumps(r) + "\n" for r in rows))


def _versions() -> dict[str, str]:
    names = ["floorplan-rl", "numpy", "numba", "scipy", "torch", "torch-geometric", "stable-baselines3", "sb3-contrib"]
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def _machine() -> dict[str, Any]:
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "cpus": os.cpu_count() or 0,
        "byteorder": sys.byteorder,
    }
