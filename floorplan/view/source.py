"""What `floorplan view` is given: a run, a placement or a netlist, as one problem and the placements of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from floorplan.cost import CostOptions
from floorplan.errors import FloorplanError, ProblemError
from floorplan.files import plain_name
from floorplan.formats import read_plc
from floorplan.formats.constraints_file import read_constraints
from floorplan.formats.design import Design
from floorplan.formats.read import read_design
from floorplan.netlist import Placement, Problem
from floorplan.report.bench_runs import ROWS
from floorplan.report.runs import Run, Source, read_runs
from floorplan.view.plc_files import plc_files
from floorplan.view.serving import Serving, Wanted, check_same, chip_beside, serving_of

if TYPE_CHECKING:
    from floorplan.accelerator.chip import Chip

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
        serving: the chip and its load, where they are known.
        said: where those come from, or why there are none.
        technology: node of the wires, where it is named.
    """

    title: str
    problem: Problem
    frames: tuple[Frame, ...]
    options: CostOptions = field(default_factory=CostOptions)
    serving: Serving | None = None
    said: str = "no chip is known"
    technology: str | None = None


def open_path(
    path: Path,
    netlist: Path | None = None,
    constraints: Path | None = None,
    compare: tuple[Path, ...] = (),
    wanted: Wanted | None = None,
) -> Opened:
    """Read a run folder of training or of a benchmark, a placement (.plc), or a design of any format.

    Args:
        path: of it; `FOLDER#KEY` chooses a row of a benchmark.
        netlist: of a placement; None looks beside it.
        constraints: what to hold hard macros to beyond the design's own rules.
        compare: further placements (.plc) of the same netlist.
        wanted: chip and load to estimate; a placement of a chip that is named needs no netlist.

    Raises:
        FloorplanError: something cannot be read, or the files do not fit together.
    """
    wanted = wanted or Wanted()
    chip = wanted.made()
    source: Path | None
    if path.is_file() and not plain_name(path).endswith(".plc"):
        if netlist is not None:
            raise ProblemError(f"{path}: is a netlist itself, so --netlist has no use")
        problem, options, source = _constrained(read_design(path), constraints), CostOptions(), path
        frames = [Frame(path.name, problem.initial)]
    elif chip is not None and netlist is None and _only_placed(path):
        from floorplan.estimate.placed import read_placed

        problem, options, source = chip.problem.replace(initial=read_placed(path, chip)), CostOptions(), None
        problem = problem if constraints is None else read_constraints(constraints, problem)
        frames = [Frame(path.name, problem.initial)]
    else:
        of_file = constraints if path.is_file() else None
        runs = read_runs(path, Source(netlist=netlist, constraints=of_file))
        problem, frames, options, source = _runs(path, runs)
        if constraints is not None and of_file is None:
            problem = read_constraints(constraints, problem)
    frames += [Frame(other.name, read_plc(other, problem.netlist).placement) for other in compare]
    serving, said = _serving(wanted, chip, problem, source)
    title = path.name or problem.netlist.name
    return Opened(title, problem, tuple(frames), options, serving, said, wanted.technology)


def _constrained(design: Design, constraints: Path | None) -> Problem:
    """Return the problem under the constraints of a file, on the grids that the design's own files define."""
    if constraints is None:
        return design.problem
    return read_constraints(
        constraints,
        design.problem,
        site_um=design.site_um,
        manufacturing_grid_um=design.manufacturing_grid_um,
    )


def _serving(wanted: Wanted, chip: Chip | None, problem: Problem, source: Path | None) -> tuple[Serving | None, str]:
    """Return the chip under its load, or why there is none; what was asked for by name and cannot be is an error."""
    if wanted.technology is not None:
        from floorplan.estimate.technology import node

        node(wanted.technology)
    if chip is not None:
        check_same(chip, problem)
        serving = serving_of(wanted, chip, f"{chip.name}, as named")
        return serving, serving.said
    chip, said = chip_beside(source, problem)
    asked = any((wanted.model, wanted.workload, wanted.precision, wanted.batch, wanted.chips, wanted.stages))
    if chip is None:
        if asked:
            raise ProblemError(f"--model, --workload and sizes are of a chip: {said}")
        return None, said
    try:
        serving = serving_of(wanted, chip, f"{chip.name}, {said}")
    except FloorplanError as error:
        if asked:
            raise
        return None, f"{chip.name}: {error}"
    return serving, serving.said


def _only_placed(path: Path) -> bool:
    """Return whether there is a placement, or a folder of placements which no training or benchmark left behind."""
    return path.is_file() or (path.is_dir() and not any((path / name).is_file() for name in ("config.toml", ROWS)))


def _runs(path: Path, runs: list[Run]) -> tuple[Problem, list[Frame], CostOptions, Path | None]:
    """Return the problem of the first run, the placements of all runs of the same netlist, and the netlist's path."""
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
    netlist = dict(first.facts).get("netlist")
    return problem, frames, first.options, None if netlist is None else Path(netlist)


def _stored(folder: Path, problem: Problem) -> list[Frame]:
    """Return what else was placed on the way: every other .plc of a run's folder, oldest first."""
    ordered = sorted(plc_files(folder), key=lambda file: (file[1].st_mtime_ns, file[0].name))
    found = [p for p, _ in ordered if plain_name(p) != "best.plc"]
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
