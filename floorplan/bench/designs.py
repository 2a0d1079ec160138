"""The problems of a benchmark, copied into the results folder so that anyone can score them again."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from floorplan.bench.rows import BenchError, Score, Violations
from floorplan.bench.suite import DesignSpec, Suite, SuiteError, expand_path
from floorplan.cost import CostEngine, CostOptions
from floorplan.errors import FloorplanError
from floorplan.files import read_bytes_maybe_compressed, write_bytes_by_suffix
from floorplan.formats import find_placement, read_plc, read_problem, write_plc
from floorplan.netlist import Placement, Problem, check_legality
from floorplan.plugins import make_agent, parse_budget

__all__ = [
    "Design",
    "load_design",
    "placement_hash",
    "prepare_design",
    "read_design",
    "read_result",
    "score",
    "start_hash",
]

_NETLIST = "netlist.pb.txt.xz"
_START = "start.plc.xz"
_WORST = 5


@dataclass(frozen=True, eq=False)
class Design:
    """A problem of a suite, as it is stored.

    Attributes:
        spec: what the suite says.
        problem: read back from the copy.
        folder: of the copy, relative to the results folder.
        start_file: where the start came from, in the suite's words.
        start_hash: see `start_hash`.
    """

    spec: DesignSpec
    problem: Problem
    folder: str
    start_file: str
    start_hash: str

    @property
    def netlist_hash(self) -> str:
        """Content hash of the netlist."""
        return self.problem.netlist.content_hash


def prepare_design(out: Path, suite: Suite, index: int) -> Design:
    """Read design `index` of a suite, and keep a copy of it below `out`.

    Raises:
        SuiteError: a variable in a path is not set, or a file is missing or damaged.
    """
    spec = suite.designs[index]
    key = f"designs[{index}]"
    netlist_path = expand_path(suite.path, f"{key}.netlist", spec.netlist)
    given = None if spec.placement is None else expand_path(suite.path, f"{key}.placement", spec.placement)
    try:
        start_path = find_placement(netlist_path) if given is None else given
        problem = _with_spacing(read_problem(netlist_path, start_path), spec.macro_spacing_um, spec.boundary_spacing_um)
        start_file = spec.placement or start_path.name
        if spec.start == "random":
            problem = problem.replace(initial=_random_start(problem, spec.start_seed))
            start_file = f"random (seed {spec.start_seed})"
    except FloorplanError as e:
        raise SuiteError(suite.path, key, str(e)) from None
    digest = start_hash(problem)
    folder = f"designs/{problem.netlist.content_hash[:12]}-{digest[:12]}"
    target = out / folder
    if not (target / _START).exists():
        target.mkdir(parents=True, exist_ok=True)
        write_bytes_by_suffix(target / _NETLIST, read_bytes_maybe_compressed(netlist_path))
        # last, so that a folder with a start is complete
        write_plc(target / _START, problem, problem.initial)
    stored = read_design(target, spec.macro_spacing_um, spec.boundary_spacing_um)
    if stored.netlist.content_hash != problem.netlist.content_hash or start_hash(stored) != digest:
        raise BenchError(f"{target}: the copy of design {spec.name!r} is damaged; remove the folder")
    return Design(spec, stored, folder, start_file, digest)


@lru_cache(maxsize=8)
def load_design(folder: Path, macro_spacing_um: float, boundary_spacing_um: float) -> Problem:
    """Read the copy of a design as `read_design` does, once in a process."""
    return read_design(folder, macro_spacing_um, boundary_spacing_um)


def read_design(folder: Path, macro_spacing_um: float, boundary_spacing_um: float) -> Problem:
    """Read the copy of a design.

    Raises:
        ParseError: it is missing or damaged.
    """
    problem = read_problem(folder / _NETLIST, folder / _START)
    return _with_spacing(problem, macro_spacing_um, boundary_spacing_um)


def start_hash(problem: Problem) -> str:
    """Return the SHA-256 of all that a problem adds to its netlist: canvas, start, fixed nodes and constraints."""
    h = hashlib.sha256(b"floorplan-start-1\0")
    h.update(repr((problem.canvas, problem.blockages, problem.macro_spacing_um, problem.boundary_spacing_um)).encode())
    h.update(placement_hash(problem.initial).encode())
    h.update(problem.fixed.tobytes() + problem.allowed_orient.tobytes())
    return h.hexdigest()


def placement_hash(placement: Placement) -> str:
    """Return the SHA-256 of a placement; what unplaced nodes hold does not count."""
    h = hashlib.sha256(b"floorplan-placement-1\0")
    on = placement.placed
    for a in (np.where(on, placement.x_um, 0.0), np.where(on, placement.y_um, 0.0)):
        h.update((a + 0.0).astype("<f8").tobytes())  # adding 0 turns -0 into 0
    h.update(np.where(on, placement.orient, 0).astype(np.uint8).tobytes() + on.tobytes())
    return h.hexdigest()


def score(problem: Problem, placement: Placement, options: CostOptions) -> Score:
    """Return the exact cost and the legality of a placement; the only way by which results get into rows."""
    cost = CostEngine(problem, options).full(placement)
    legality = check_legality(problem, placement)
    worst = sorted(legality.violations, key=lambda v: -v.amount_um)[:_WORST]
    violations = Violations(
        count=len(legality.violations),
        kinds=dict(sorted(Counter(v.kind for v in legality.violations).items())),
        worst=tuple(map(str, worst)),
        warnings=len(legality.warnings),
    )
    return Score(**cost.to_dict(), legal=legality.legal, violations=violations)


def read_result(path: Path, problem: Problem) -> Placement:
    """Read the placement of a stored result.

    Raises:
        ParseError: it is missing, damaged, or of another netlist.
    """
    return read_plc(path, problem.netlist).placement


def _with_spacing(problem: Problem, macro_spacing_um: float, boundary_spacing_um: float) -> Problem:
    return problem.replace(macro_spacing_um=macro_spacing_um, boundary_spacing_um=boundary_spacing_um)


def _random_start(problem: Problem, seed: int) -> Placement:
    unplaced = problem.initial.replace(placed=problem.initial.placed & problem.fixed)
    placement: Placement = (
        make_agent("random").place(problem.replace(initial=unplaced), parse_budget("1e"), seed).placement
    )
    return placement
