"""What `floorplan view` is given: a run, a placement or a netlist, as one problem and the placements of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from floorplan.cost import CostOptions
from floorplan.errors import FloorplanError, ProblemError
from floorplan.files import plain_name
from floorplan.formats import read_plc
from floorplan.formats.constraints_file import read_constraints
from floorplan.formats.read import read_design
from floorplan.netlist import Placement, Problem
from floorplan.report.runs import Run, Source, read_runs

__all__ = ["Frame", "Opened", "open_path"]

MAX_FRAMES = 200
"""Placements of one folder that are read; of more, evenly many."""


@dataclass(frozen=True)
class Frame:
    """One placement to look at, and what to call it."""

    label: str
    placement: Placement


@dataclass(frozen=True, eq=False)
class Opened:
    """What is looked at.

    Attributes:
        title: of the page.
        problem: netlist, canvas, constraints; `initial` is the placement shown first.
        frames: placements that can be stepped through and compared with, oldest first; at least one.
        options: of the cost.
    """

    title: str
    problem: Problem
    frames: tuple[Frame, ...]
    options: CostOptions = field(default_factory=CostOptions)


def open_path(
    path: Path,
    netlist: Path | None = None,
    constraints: Path | None = None,
    compare: tuple[Path, ...] = (),
) -> Opened:
    """Read a run folder of training or of a benchmark, a placement (.plc), or a design of any format.

    Args:
        path: of it; `FOLDER#KEY` chooses a row of a benchmark.
        netlist: of a placement; None looks beside it.
        constraints: what to hold hard macros to beyond the design's own rules.
        compare: further placements (.plc) of the same netlist.

    Raises:
        FloorplanError: something cannot be read, or the files do not fit together.
    """
    if path.is_file() and not plain_name(path).endswith(".plc"):
        if netlist is not None:
            raise ProblemError(f"{path}: is a netlist itself, so --netlist has no use")
        problem, options = read_design(path).problem, CostOptions()
        frames = [Frame(path.name, problem.initial)]
    else:
        problem, frames, options = _runs(path, read_runs(path, Source(netlist=netlist)))
    frames += [Frame(other.name, read_plc(other, problem.netlist).placement) for other in compare]
    if constraints is not None:
        problem = read_constraints(constraints, problem)
    return Opened(path.name or problem.netlist.name, problem, tuple(frames), options)


def _runs(path: Path, runs: list[Run]) -> tuple[Problem, list[Frame], CostOptions]:
    """Return the problem of the first run, and the placements of all runs of the same netlist on the same canvas."""
    first = next((r for r in runs if r.problem is not None), None)
    if first is None or first.problem is None:
        raise ProblemError(f"{path}: is a run over many netlists, which has no placement to show")
    problem = first.problem
    frames = [] if first.kind == "placement" else [Frame("start", problem.initial)]
    frames += _stored(path, problem) if path.is_dir() and len(runs) == 1 else []
    for run in runs:
        if run.placement is None or run.problem is None:
            continue
        if run.problem.netlist.content_hash == problem.netlist.content_hash and run.problem.canvas == problem.canvas:
            frames.append(Frame("best" if run is first and len(runs) == 1 else run.title, run.placement))
    if first.kind == "placement":
        frames = [Frame(path.name, problem.initial)]
    elif first.placement is not None:
        problem = problem.replace(initial=_with_positions(problem.initial, first.placement))
    return problem, frames, first.options


def _stored(folder: Path, problem: Problem) -> list[Frame]:
    """Return what else was placed on the way: every other .plc of a run's folder, oldest first."""
    found = sorted(
        (p for p in folder.rglob("*.plc*") if p.is_file() and plain_name(p).endswith(".plc")),
        key=lambda p: (p.stat().st_mtime_ns, p.name),
    )
    found = [p for p in found if plain_name(p) != "best.plc"]
    if len(found) > MAX_FRAMES:
        found = [found[round(i * (len(found) - 1) / (MAX_FRAMES - 1))] for i in range(MAX_FRAMES)]
    frames = []
    for p in found:
        try:
            frames.append(Frame(str(p.relative_to(folder)), read_plc(p, problem.netlist).placement))
        except FloorplanError:
            continue  # a placement of another netlist, as a benchmark's folder holds
    return frames


def _with_positions(under: Placement, over: Placement) -> Placement:
    """Return `over`, and `under` where that places nothing."""
    on = over.placed
    x, y, orient = under.x_um.copy(), under.y_um.copy(), under.orient.copy()
    x[on], y[on], orient[on] = over.x_um[on], over.y_um[on], over.orient[on]
    return Placement(x, y, orient, under.placed | on)
