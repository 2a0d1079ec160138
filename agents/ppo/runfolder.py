"""The run folder: what a run leaves for people, for scripts and for `--resume`."""

from __future__ import annotations

import json
import os
import platform
import shlex
import socket
import sys
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

import tomli_w
from pydantic import ValidationError

from agents.base import Budget
from agents.ppo.config import RunConfig
from floorplan.errors import CheckpointError
from floorplan.files import atomic_write_text, sha256_of
from floorplan.formats import read_problem
from floorplan.netlist import Problem

__all__ = ["RunFolder", "RunSource", "command_line", "default_out"]

T = TypeVar("T")


@dataclass(frozen=True)
class RunSource:
    """What a run was started on; `policy` is the weights file it started from, None for fresh weights."""

    netlist: Path
    placement: Path | None
    seed: int
    policy: Path | None = None


class RunFolder:
    """Names of, and writes to, the files of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.toml"
        self.metrics = path / "metrics.jsonl"
        self.status = path / "status.json"
        self.tensorboard = path / "tensorboard"
        self.checkpoints = path / "checkpoints"
        self.best = path / "best.plc"
        self.policy = path / "policy"
        self.placement_png = path / "placement.png"
        self.curves_png = path / "curves.png"

    def check_new(self) -> None:
        """Check that there is no run here yet.

        Raises:
            CheckpointError: there is one.
        """
        if self.config.exists():
            raise CheckpointError(
                f"{self.path} already holds a run; continue it with --resume, or choose another --out"
            )

    def write_config(self, run: dict[str, Any], config: RunConfig, tables: Mapping[str, dict[str, Any]]) -> None:
        """Make the folder and write `config.toml`: what the run is started on and by, all settings, further tables."""
        self.path.mkdir(parents=True, exist_ok=True)
        tree = {
            "run": {**run, "command": command_line()},
            "config": config.model_dump(mode="json", exclude_none=True),
            "versions": _installed_versions(),
            "machine": _this_machine(),
            **tables,
        }
        atomic_write_text(self.config, tomli_w.dumps(tree))

    def create(
        self, config: RunConfig, source: RunSource, problem: Problem, tables: Mapping[str, dict[str, Any]] | None = None
    ) -> None:
        """Make the folder and write `config.toml`.

        Args:
            config: all settings.
            source: what the run is started on.
            problem: what is placed.
            tables: further tables of `config.toml`.

        Raises:
            CheckpointError: the folder already holds a run.
        """
        self.check_new()
        run: dict[str, Any] = {
            "netlist": str(source.netlist.resolve()),
            "netlist_hash": problem.netlist.content_hash,
            "seed": source.seed,
            "grid": f"{problem.canvas.columns} x {problem.canvas.rows}",
        }
        if source.placement is not None:
            run["placement"] = str(source.placement.resolve())
        if source.policy is not None:
            run["policy"] = str(source.policy.resolve())
            run["policy_sha256"] = sha256_of(source.policy)
        self.write_config(run, config, tables or {})

    def read(self) -> tuple[RunConfig, RunSource, str]:
        """Return configuration, source and netlist hash of an existing run.

        Raises:
            CheckpointError: no run here, or a damaged `config.toml`.
        """

        def read(tree: dict[str, Any]) -> tuple[RunConfig, RunSource, str]:
            run = tree["run"]
            placement = Path(run["placement"]) if "placement" in run else None
            policy = Path(run["policy"]) if "policy" in run else None
            source = RunSource(Path(run["netlist"]), placement, int(run["seed"]), policy)
            return RunConfig.model_validate(tree["config"]), source, str(run["netlist_hash"])

        return self.read_config(read)

    def read_config(self, read: Callable[[dict[str, Any]], T], wrong: str = "damaged") -> T:
        """Return what `read` makes of `config.toml`; `wrong` says what it is where that fails.

        Raises:
            CheckpointError: no run here, or a damaged `config.toml`.
        """
        try:
            return read(tomllib.loads(self.config.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise CheckpointError(f"{self.path}: no run here (no config.toml)") from None
        except (OSError, KeyError, ValueError, TypeError, ValidationError) as e:
            raise CheckpointError(f"{self.config}: {wrong}: {e}") from None

    def read_problem(self, source: RunSource, netlist_hash: str) -> Problem:
        """Return the problem that the run was started on.

        Raises:
            CheckpointError: the netlist has changed since.
            FloorplanError: it cannot be read.
        """
        problem = read_problem(source.netlist, source.placement)
        if problem.netlist.content_hash != netlist_hash:
            raise CheckpointError(f"{source.netlist} has changed since the run was started")
        return problem

    def check_policy(self, source: RunSource) -> None:
        """Check that the policy that the run started from is still the same file.

        Raises:
            CheckpointError: it is gone or has changed.
        """
        if source.policy is None:
            return
        wanted = self.table("run").get("policy_sha256")
        if not source.policy.is_file() or sha256_of(source.policy) != wanted:
            raise CheckpointError(f"{source.policy} is gone or has changed since the run was started")

    def table(self, name: str) -> dict[str, Any]:
        """Return a table of `config.toml`, empty where there is none.

        Raises:
            CheckpointError: no run here, or a damaged `config.toml`.
        """

        def read(tree: dict[str, Any]) -> dict[str, Any]:
            return dict(tree.get(name, {}))

        return self.read_config(read)

    def write_status(self, state: str, budget: Budget, began_unix_s: float) -> None:
        """Write `status.json`: what a viewer cannot tell from metrics.

        Args:
            state: `running`, `ended` or `failed`.
            budget: of the run as a whole.
            began_unix_s: when this process began to train.
        """
        tree = {
            "state": state,
            "budget": {"kind": budget.kind, "amount": budget.amount},
            "began_unix_s": round(began_unix_s, 3),
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "command": command_line(),
        }
        atomic_write_text(self.status, json.dumps(tree) + "\n")

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

    def rewind_metrics(self, last: int, key: str = "step") -> None:
        """Drop rows whose `key` is beyond `last`: the resumed run will write them again."""
        rows = [r for r in self.read_metrics() if int(r[key]) <= last]
        atomic_write_text(self.metrics, "".join(json.dumps(r) + "\n" for r in rows))


def default_out(subject: str) -> Path:
    """Return the folder of a run that was told none: runs/<what it is about>-<time>."""
    return Path("runs") / f"{subject}-{time.strftime('%Y%m%d-%H%M%S')}"


def command_line() -> str:
    """Return how this program was called, as a shell would take it; the program by its name alone."""
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])


def _installed_versions() -> dict[str, str]:
    """Return the versions of what a run depends on."""
    names = ["floorplan-rl", "numpy", "numba", "scipy", "torch", "torch-geometric", "stable-baselines3", "sb3-contrib"]
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def _this_machine() -> dict[str, Any]:
    """Return what a reader must know of the machine to compare times."""
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "cpus": os.cpu_count() or 0,
        "byteorder": sys.byteorder,
    }
