"""The folder of a pre-training run: settings, the netlists it has met, metrics, checkpoints, policies."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import tomli_w
from pydantic import ValidationError

from agents.ppo.config import RunConfig
from agents.ppo.runfolder import RunFolder, installed_versions, this_machine
from agents.pretrain.pool import Pool, load_pool
from floorplan.errors import CheckpointError
from floorplan.files import atomic_write_text

__all__ = ["METHODS", "Method", "NetlistRow", "PretrainFolder", "RunStart"]

Method = Literal["both", "ppo", "clone"]
METHODS: tuple[Method, ...] = ("both", "ppo", "clone")


@dataclass(frozen=True)
class NetlistRow:
    """What is known of a netlist that the run has met.

    Attributes:
        name: as the pool calls it.
        hash: content hash.
        role: `train` or `held_out`.
        macros: to be placed.
        columns: of the grid.
        rows: of the grid.
        reference: proxy cost of the greedy agent; None if it found no way through, and the netlist is not used.
    """

    name: str
    hash: str
    role: str
    macros: int
    columns: int
    rows: int
    reference: float | None


@dataclass(frozen=True)
class RunStart:
    """What a run was started with, besides its pool."""

    config: RunConfig
    seed: int
    method: Method
    overrides: dict[str, Any]


class PretrainFolder(RunFolder):
    """Names of, and writes to, the files of one pre-training run.

    `policy/` is the policy that did best on what is held out, `last/` the newest. `pool.toml` is a copy of the pool,
    `netlists.jsonl` has a row for each netlist met so far, with its content hash.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.last = path / "last"
        self.pool = path / "pool.toml"
        self.netlists = path / "netlists.jsonl"
        self.experts = path / "experts"

    def check_new(self) -> None:
        """Check that there is no run here yet.

        Raises:
            CheckpointError: there is one.
        """
        if self.config.exists():
            raise CheckpointError(
                f"{self.path} already holds a run; continue it with --resume, or choose another --out"
            )

    def begin(self, start: RunStart, pool: Pool) -> None:
        """Make the folder and write `config.toml` and `pool.toml`."""
        self.path.mkdir(parents=True, exist_ok=True)
        tree = {
            "run": {
                "pool": str(pool.path),
                "seed": start.seed,
                "method": start.method,
                "settings": start.overrides,
            },
            "config": start.config.model_dump(mode="json", exclude_none=True),
            "versions": installed_versions(),
            "machine": this_machine(),
        }
        atomic_write_text(self.pool, pool.text)
        atomic_write_text(self.config, tomli_w.dumps(tree))

    def reopen(self) -> tuple[RunStart, Pool]:
        """Return what an existing run was started with.

        Raises:
            CheckpointError: no pre-training run here, or a damaged `config.toml`.
            PoolError: the copy of the pool cannot be used any more.
        """
        try:
            tree = tomllib.loads(self.config.read_text(encoding="utf-8"))
            run = tree["run"]
            origin = Path(run["pool"])
            method: Method = {m: m for m in METHODS}[run["method"]]
            start = RunStart(RunConfig.model_validate(tree["config"]), int(run["seed"]), method, dict(run["settings"]))
        except FileNotFoundError:
            raise CheckpointError(f"{self.path}: no run here (no config.toml)") from None
        except (OSError, KeyError, ValueError, TypeError, ValidationError) as e:
            raise CheckpointError(f"{self.config}: damaged, or no pre-training run: {e}") from None
        return start, load_pool(self.pool, start.overrides, origin.parent)

    def append_netlist(self, row: NetlistRow) -> None:
        """Add a row to `netlists.jsonl`."""
        with self.netlists.open("a", encoding="utf-8") as f:
            f.write(json.dumps(asdict(row)) + "\n")

    def read_netlists(self) -> dict[str, NetlistRow]:
        """Return the rows of `netlists.jsonl` by name; a line that was cut off is made again."""
        rows: dict[str, NetlistRow] = {}
        if self.netlists.exists():
            for line in self.netlists.read_text(encoding="utf-8").splitlines():
                try:
                    row = NetlistRow(**json.loads(line))
                except (ValueError, TypeError):
                    continue
                rows[row.name] = row
        return rows

    def rewind(self, number: int) -> None:
        """Drop metrics after round `number`: the resumed run will write them again."""
        rows = [r for r in self.read_metrics() if int(r["round"]) <= number]
        atomic_write_text(self.metrics, "".join(json.dumps(r) + "\n" for r in rows))
        atomic_write_text(self.netlists, "".join(json.dumps(asdict(r)) + "\n" for r in self.read_netlists().values()))
