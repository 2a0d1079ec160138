"""The folder of a pre-training run: settings, the netlists it has met, metrics, checkpoints, policies."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from agents.ppo.config import RunConfig
from agents.ppo.runfolder import RunFolder
from agents.pretrain.pool import Pool, load_pool
from floorplan.errors import CheckpointError
from floorplan.files import atomic_write_bytes, atomic_write_text, sha256_of

__all__ = ["METHODS", "Method", "NetlistRow", "PretrainFolder", "RunStart"]

Method = Literal["evolve+ppo", "evolve", "ppo", "clone+ppo", "clone", "evolve+clone+ppo"]
METHODS: tuple[Method, ...] = get_args(Method)
"""What a policy learns from, in this order: evolution of its linear path, cloning of what search finds, play."""


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
    policy: Path | None = None
    """Weights file to begin with; fresh weights if None."""


class PretrainFolder(RunFolder):
    """Names of, and writes to, the files of one pre-training run.

    `policy/` is the policy that did best on what is held out, `last/` the newest. `pool.toml` is a copy of the pool,
    `netlists.jsonl` has a row for each netlist met so far, with its content hash. `start/` has a copy of the policy
    that the run was started from, if any.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.last = path / "last"
        self.pool = path / "pool.toml"
        self.netlists = path / "netlists.jsonl"
        self.experts = path / "experts"
        self.start = path / "start"

    def begin(self, start: RunStart, pool: Pool) -> None:
        """Make the folder and write `pool.toml`, `config.toml` and, where there is one, the policy to begin with."""
        self.path.mkdir(parents=True, exist_ok=True)
        atomic_write_text(self.pool, pool.text)
        run = {"pool": str(pool.path), "seed": start.seed, "method": start.method, "settings": start.overrides}
        if start.policy is not None:
            self.start.mkdir(exist_ok=True)
            atomic_write_bytes(self._start_file, start.policy.read_bytes())
            run["policy_hash"] = sha256_of(self._start_file)
        self.write_config(run, start.config, {})

    def reopen(self) -> tuple[RunStart, Pool]:
        """Return what an existing run was started with.

        Raises:
            CheckpointError: no pre-training run here, or a damaged `config.toml`.
            PoolError: the copy of the pool cannot be used any more.
        """

        def read(tree: dict[str, Any]) -> tuple[RunStart, Path]:
            run = tree["run"]
            method: Method = {m: m for m in METHODS}[run["method"]]
            config = RunConfig.model_validate(tree["config"])
            policy = self._start_file if "policy_hash" in run else None
            if policy is not None and (not policy.exists() or sha256_of(policy) != run["policy_hash"]):
                raise CheckpointError(f"{policy}: not the policy that the run was started from")
            return RunStart(config, int(run["seed"]), method, dict(run["settings"]), policy), Path(run["pool"])

        start, origin = self.read_config(read, "damaged, or no pre-training run")
        return start, load_pool(self.pool, start.overrides, origin.parent)

    @property
    def _start_file(self) -> Path:
        return self.start / "policy.safetensors"

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
        self.rewind_metrics(number, "round")
        atomic_write_text(self.netlists, "".join(json.dumps(asdict(r)) + "\n" for r in self.read_netlists().values()))
