"""Rows: one run, everything that must be known to judge it, and the folder they are kept in."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from floorplan.errors import FloorplanError
from floorplan.files import atomic_write_text
from floorplan.showable import Showable

__all__ = ["SCHEMA", "BenchError", "Bound", "Failure", "Row", "RowStore", "Score", "Violations", "run_key"]

SCHEMA = 1
"""Version of the row format; it rises when a field changes its meaning."""

_ROWS = "rows.jsonl"
_LOCK = ".lock"


class BenchError(FloorplanError):
    """A results folder is damaged, in use, or lacks what was asked for."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Failure(_Part):
    """What ended a run: the type of the exception (or `Crash`) and its message."""

    type: str
    message: str


class Violations(_Part):
    """Legality in short: how many violations of each kind, the worst in words, and the number of warnings."""

    count: int
    kinds: dict[str, int]
    worst: tuple[str, ...]
    warnings: int


class Score(_Part):
    """Exact cost and legality of one placement, computed by the benchmark itself."""

    wirelength: float
    density: float
    congestion: float
    proxy: float
    wirelength_um: float
    legal: bool
    violations: Violations


class Bound(_Part):
    """The certified lower bound of a problem's proxy and its parts, or the reason why there is none."""

    wirelength: float | None = None
    density: float | None = None
    congestion: float | None = None
    proxy: float | None = None
    reason: str | None = None


class Row(_Part, Showable):
    """One run.

    Attributes:
        schema_version: of this format.
        key: identifies the run; see `run_key`.
        suite: name of the suite.
        started_at: UTC, ISO 8601.
        design: what the suite calls the problem.
        netlist_hash: content hash of the netlist.
        start_hash: hash of canvas, start placement, fixed nodes and constraints.
        design_folder: the copy of netlist and start placement, inside the results folder.
        netlist_file: as the suite states it.
        start_file: likewise; `random (seed 0)` for a start made by the benchmark.
        nodes: number of hard and soft macros, ports and nets.
        start: cost and legality of the start placement; None if something is unplaced in it.
        weights: of the proxy.
        density_top: see `CostOptions`.
        congestion_top: likewise.
        square_soft: likewise.
        grid: columns and rows.
        canvas_um: width and height.
        macro_spacing_um: least gap between hard macros.
        boundary_spacing_um: least gap to the canvas edge.
        label: what the suite calls the agent.
        agent: its installed name.
        options: its options, as the suite states them.
        config_hash: see `AgentSetup`.
        optimises_cost: False if the agent was not told the weights it is scored by.
        seed: the run's.
        budget: such as `60s`.
        threads: what kernels could use.
        jobs: how many runs went on side by side.
        warmup_s: wall clock of the warm-up in this process before this run, 0 if done for an earlier one; None if off.
        warmup_error: why the warm-up failed, if it did; the run was then timed cold.
        wall_s: wall clock of `Agent.place` alone.
        cpu_s: processor time of it, children included.
        proposals: as counted by the agent.
        episodes: likewise.
        machine: processor, cores, memory, platform.
        versions: of floorplan, python, and the libraries loaded.
        score: cost and legality of the result; None if the run failed.
        claimed_proxy: what the agent says of its result.
        bound: of the problem.
        gap_pct: (proxy - bound) / bound in percent; None without a bound, and for illegal results.
        placement_file: inside the results folder.
        placement_hash: of positions and orientations.
        trace_file: improvements over time, inside the results folder.
        error: why there is no result.
    """

    schema_version: Literal[1]
    key: str
    suite: str
    started_at: str
    design: str
    netlist_hash: str
    start_hash: str
    design_folder: str
    netlist_file: str
    start_file: str
    nodes: dict[str, int]
    start: Score | None
    weights: dict[str, float]
    density_top: float
    congestion_top: float
    square_soft: bool
    grid: dict[str, int]
    canvas_um: tuple[float, float]
    macro_spacing_um: float
    boundary_spacing_um: float
    label: str
    agent: str
    options: dict[str, Any]
    config_hash: str
    optimises_cost: bool
    seed: int
    budget: str
    threads: int
    jobs: int
    warmup_s: float | None
    warmup_error: str | None
    wall_s: float | None
    cpu_s: float | None
    proposals: int | None
    episodes: int | None
    machine: dict[str, Any]
    versions: dict[str, str]
    score: Score | None
    claimed_proxy: float | None
    bound: Bound
    gap_pct: float | None
    placement_file: str | None
    placement_hash: str | None
    trace_file: str | None
    error: Failure | None

    def __repr__(self) -> str:
        proxy = "" if self.score is None else f", proxy {self.score.proxy:.4f}"
        return f"Row({self.label} on {self.design}, {self.budget}, seed {self.seed}: {self.status}{proxy})"

    @property
    def legal(self) -> bool:
        """True if there is a result and it is legal."""
        return self.score is not None and self.score.legal

    @property
    def status(self) -> str:
        """`legal`, `ILLEGAL` or `FAILED`."""
        return "FAILED" if self.score is None else ("legal" if self.score.legal else "ILLEGAL")


def run_key(parts: Mapping[str, object]) -> str:
    """Return 20 hex digits that stand for everything a run's result may depend on."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:20]


class RowStore:
    """The results folder: `rows.jsonl`, one line a run, written so that a killed process loses at most its last run.

    Later rows of a key take the place of earlier ones (a failed run that was retried).
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.path = self.folder / _ROWS

    def create(self) -> None:
        """Make the folder and its parts.

        Raises:
            OSError: it cannot be made.
        """
        for part in ("designs", "placements", "traces"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes from adding rows at the same time, where the system can lock files.

        Raises:
            BenchError: another process holds the folder.
        """
        with (self.folder / _LOCK).open("w") as handle:
            try:
                import fcntl
            except ImportError:  # Windows has none; two benchmarks into one folder are then the user's to avoid
                yield
                return
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise BenchError(f"{self.folder}: another benchmark is writing here") from None
            yield

    def read(self) -> dict[str, Row]:
        """Return the latest row of every key, in the order in which the keys first came.

        A last line without its line end was torn by a kill and is ignored.

        Raises:
            BenchError: no such folder of results, or a line in the middle is damaged; the message names it.
        """
        rows: dict[str, Row] = {}
        if not self.folder.is_dir():
            raise BenchError(f"{self.folder}: no such folder of results")
        data = self.path.read_bytes() if self.path.exists() else b""
        whole = data[: data.rfind(b"\n") + 1]
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                row = Row.model_validate_json(line)
            except ValidationError as e:
                first = e.errors(include_url=False)[0]
                where = ".".join(map(str, first["loc"]))
                raise BenchError(f"{self.path}:{number}: {where}: {first['msg']}".replace(": : ", ": ")) from None
            rows[row.key] = row
        return rows

    def append(self, row: Row) -> None:
        """Add a row and wait until it is on the disk; a torn last line is cut off first."""
        line = json.dumps(row.model_dump(mode="json"), allow_nan=False).encode() + b"\n"
        with self.path.open("ab+") as f:
            f.seek(0, os.SEEK_END)
            _cut_torn_line(f)
            f.write(line)
            f.flush()
            os.fsync(f.fileno())

    def write_text(self, name: str, text: str) -> Path:
        """Write a file beside the rows, in one step, and return its path."""
        path = self.folder / name
        atomic_write_text(path, text)
        return path


def _cut_torn_line(f: Any) -> None:
    end = f.tell()
    if end == 0:
        return
    f.seek(end - 1)
    if f.read(1) == b"\n":
        return
    f.seek(0)
    f.truncate(f.read().rfind(b"\n") + 1)
    f.seek(0, os.SEEK_END)
