"""A run as it can be shown, and what its readers share."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from floorplan.cost import CostOptions
from floorplan.errors import FloorplanError, ParseError
from floorplan.files import read_bytes_maybe_compressed
from floorplan.netlist import Placement, Problem

__all__ = ["Run", "RunError", "Source", "TracePoint", "is_number", "json_rows", "with_titles_apart"]

_MAX_BYTES = 256 << 20


class RunError(FloorplanError):
    """A run cannot be shown: nothing there to show, or not what its own files say of it."""


@dataclass(frozen=True)
class Source:
    """What else is known of a run than its path.

    Attributes:
        netlist: of a placement that has none beside it, or of a run whose netlist has moved.
        placement: of a netlist.
        constraints: as for `floorplan evaluate`.
        options: of the cost; None takes those of the run, or the defaults.
    """

    netlist: Path | None = None
    placement: Path | None = None
    constraints: Path | None = None
    options: CostOptions | None = None


@dataclass(frozen=True)
class TracePoint:
    """After `seconds` the best proxy was `proxy`."""

    seconds: float
    proxy: float


@dataclass(frozen=True, eq=False)
class Run:
    """One run, as far as it can be shown.

    Attributes:
        kind: training, fine-tuning, pre-training, benchmark, placement or netlist.
        title: short name.
        design: what was placed, by name.
        path: as given.
        problem: what was placed; None for a run over many netlists.
        placement: its best result; None where it has none.
        options: weights and shares of the cost.
        facts: provenance, (what, value) pairs.
        metrics: rows of metrics.jsonl.
        trace: the best proxy over time.
        order: in which a training run places macros: area, random or the path of a file that names them.
        bound: lower bound that is on record, by the names of `LowerBound`.
        bound_file: where a computed lower bound is kept.
    """

    kind: str
    title: str
    design: str
    path: Path
    problem: Problem | None
    placement: Placement | None
    options: CostOptions
    facts: tuple[tuple[str, str], ...]
    metrics: tuple[dict[str, Any], ...] = ()
    trace: tuple[TracePoint, ...] = ()
    order: str = "area"
    bound: dict[str, float] | None = None
    bound_file: Path | None = field(default=None)


def json_rows(path: Path) -> tuple[dict[str, Any], ...]:
    """Return the objects of a file of JSON lines; a last line without its end was torn by a kill and is left out."""
    if not path.is_file():
        return ()
    data = read_bytes_maybe_compressed(path, _MAX_BYTES)
    rows = []
    for number, line in enumerate(data[: data.rfind(b"\n") + 1].splitlines(), 1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as e:
            raise ParseError(path, number, f"is not JSON ({e})") from None
        if not isinstance(row, dict):
            raise ParseError(path, number, "is not a JSON object")
        rows.append(row)
    return tuple(rows)


def is_number(value: object) -> bool:
    """Return whether a value read from JSON is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def with_titles_apart(runs: list[Run]) -> list[Run]:
    """Return the runs with titles that differ: those that agree get the names of their folders, then numbers."""
    titles = [r.title for r in runs]
    out: list[Run] = []
    for run in runs:
        title = run.title
        if titles.count(title) > 1:
            title = f"{run.path.resolve().parent.name}/{title}"
        while any(o.title == title for o in out):
            title = f"{title}'"
        out.append(replace(run, title=title))
    return out
