"""Files of placements and moves that search found: one folder a problem, each file whole, all checked when read."""

from __future__ import annotations

import math
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tomli_w

from floorplan.cost import Cost, CostEngine, CostOptions
from floorplan.errors import ParseError
from floorplan.files import atomic_write_text
from floorplan.formats import read_plc, write_plc
from floorplan.netlist import Placement, Problem, check_legality

__all__ = [
    "AGREE",
    "Expert",
    "ExpertSet",
    "Move",
    "Origin",
    "Trail",
    "checked_row",
    "identity",
    "number_of",
    "read_row",
    "remove_expert",
    "row_fits",
    "rows_of",
    "write_expert",
    "write_trail",
]

FORMAT = 1
"""Raised when rows change so that older ones cannot be read."""

AGREE = 1e-9
"""Costs of a stored placement, computed again, may differ by this much."""

PARTS = ("wirelength", "density", "congestion", "proxy")


@dataclass(frozen=True)
class Origin:
    """How a placement was found.

    Attributes:
        seed: of the search.
        budget: of the search, as `agents.base.Budget` reads it.
        start: `auto` or `random` as in `agents.search.start`, or `policy`: what a policy had placed.
    """

    seed: int
    budget: str
    start: str


@dataclass(frozen=True, eq=False)
class Expert:
    """A near-best placement.

    Attributes:
        number: of its files.
        placement: complete and legal.
        cost: exact.
        origin: how it was found.
    """

    number: int
    placement: Placement
    cost: Cost
    origin: Origin


@dataclass(frozen=True)
class Move:
    """A hard macro that search moved alone, all others standing.

    Attributes:
        node: which.
        x_um: centre after the move.
        y_um: centre after the move.
        orient: after the move.
        gain: fall of the proxy, above 0.
    """

    node: int
    x_um: float
    y_um: float
    orient: int
    gain: float


@dataclass(frozen=True, eq=False)
class Trail:
    """Moves made one after another from a placement of middling quality.

    Attributes:
        number: of its files.
        start: complete and legal placement before the first move.
        moves: in their order.
    """

    number: int
    start: Placement
    moves: tuple[Move, ...]


@dataclass(frozen=True, eq=False)
class ExpertSet:
    """What is stored about one problem.

    Attributes:
        folder: of its files.
        experts: by rising proxy.
        trails: by number.
    """

    folder: Path
    experts: tuple[Expert, ...]
    trails: tuple[Trail, ...]

    @classmethod
    def load(cls, folder: str | Path, problem: Problem, options: CostOptions | None = None) -> ExpertSet:
        """Read the folder of one problem; every cost is computed again and every placement checked.

        A placement without a row is what an interrupted run left, and is passed over.

        Raises:
            ParseError: a file is damaged, of another problem, illegal, or its cost is not what its row says.
        """
        path, engine = Path(folder), CostEngine(problem, options)
        experts = [_read_expert(row, problem, engine) for row in rows_of(path, ".toml")]
        trails = [_read_trail(row, problem, engine) for row in rows_of(path, ".moves.toml")]
        return cls(path, tuple(sorted(experts, key=lambda e: e.cost.proxy)), tuple(trails))

    @property
    def best(self) -> Expert:
        """The cheapest placement."""
        return self.experts[0]

    @property
    def worst(self) -> Expert:
        """The dearest placement."""
        return self.experts[-1]


def identity(problem: Problem) -> dict[str, Any]:
    """Return what says which problem a file is about."""
    cv = problem.canvas
    grid = {"columns": cv.columns, "rows": cv.rows, "width_um": cv.width_um, "height_um": cv.height_um}
    return {"format": FORMAT, "netlist": problem.netlist.content_hash, "canvas": grid}


def row_fits(row: Path, problem: Problem) -> bool:
    """Return whether a row is there and about this problem."""
    if not row.is_file():
        return False
    values = read_row(row)
    return all(values.get(key) == value for key, value in identity(problem).items())


def rows_of(folder: Path, suffix: str) -> list[Path]:
    """Return the rows of a folder by number: those named digits + suffix."""
    found = [p for p in folder.glob(f"*{suffix}") if p.name.removesuffix(suffix).isdigit()]
    return sorted(found, key=lambda p: number_of(p, suffix))


def number_of(row: Path, suffix: str) -> int:
    """Return the number in a row's name."""
    return int(row.name.removesuffix(suffix))


def write_expert(folder: Path, problem: Problem, expert: Expert) -> Path:
    """Write the placement, then the row that makes it count; return the row."""
    row = folder / f"{expert.number:03d}.toml"
    row.unlink(missing_ok=True)
    write_plc(folder / f"{expert.number:03d}.plc", problem, expert.placement)
    values = identity(problem) | {"cost": asdict(expert.cost), "origin": asdict(expert.origin)}
    atomic_write_text(row, tomli_w.dumps(values))
    return row


def write_trail(folder: Path, problem: Problem, trail: Trail) -> None:
    """Write the start, then the moves that make it count."""
    row = folder / f"{trail.number:03d}.moves.toml"
    row.unlink(missing_ok=True)
    write_plc(folder / f"{trail.number:03d}.start.plc", problem, trail.start)
    moves = [[m.node, m.x_um, m.y_um, m.orient, m.gain] for m in trail.moves]
    atomic_write_text(row, tomli_w.dumps(identity(problem) | {"moves": moves}))


def remove_expert(folder: Path, number: int) -> None:
    """Take a placement out: the row first, so that no row is ever without its placement."""
    (folder / f"{number:03d}.toml").unlink(missing_ok=True)
    (folder / f"{number:03d}.plc").unlink(missing_ok=True)


def read_row(path: Path) -> dict[str, Any]:
    """Read a row.

    Raises:
        ParseError: it cannot be read.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ParseError(path, 0, f"cannot be read as TOML: {error}") from error


def checked_row(path: Path, problem: Problem) -> dict[str, Any]:
    """Read a row about a problem.

    Raises:
        ParseError: it cannot be read, or is about another problem.
    """
    values = read_row(path)
    for key, value in identity(problem).items():
        if values.get(key) != value:
            raise ParseError(path, 0, f"{key} is {values.get(key)!r}, but this problem has {value!r}")
    return values


def _read_placement(path: Path, problem: Problem) -> Placement:
    placement = read_plc(path, problem.netlist).placement
    legality = check_legality(problem, placement)
    if not legality.legal:
        raise ParseError(path, 0, f"the placement is not legal: {legality.summary()}")
    return placement


def _read_expert(row: Path, problem: Problem, engine: CostEngine) -> Expert:
    values = checked_row(row, problem)
    plc = row.with_suffix(".plc")
    placement = _read_placement(plc, problem)
    cost = engine.full(placement)
    try:
        said = Cost(**values["cost"])
        origin = Origin(**values["origin"])
        gap = max(abs(getattr(said, part) - getattr(cost, part)) for part in PARTS)
    except (KeyError, TypeError) as error:
        raise ParseError(row, 0, f"lacks or mistakes a field: {error}") from error
    if not gap <= AGREE:
        raise ParseError(plc, 0, f"the placement's proxy is {cost.proxy!r}, but {row.name} says {said.proxy!r}")
    return Expert(number_of(row, ".toml"), placement, cost, origin)


def _read_trail(row: Path, problem: Problem, engine: CostEngine) -> Trail:
    values = checked_row(row, problem)
    number = number_of(row, ".moves.toml")
    plc = row.with_name(f"{number:03d}.start.plc")
    start = _read_placement(plc, problem)
    try:
        moves = tuple(Move(int(n), float(x), float(y), int(o), float(g)) for n, x, y, o, g in values["moves"])
    except (KeyError, TypeError, ValueError) as error:
        raise ParseError(row, 0, f"lacks or mistakes a move: {error}") from error
    end = _after(problem, start, moves, row)
    legality = check_legality(problem, end)
    if not legality.legal:
        raise ParseError(row, 0, f"the moves end in an illegal placement: {legality.summary()}")
    fall = engine.full(start).proxy - engine.full(end).proxy
    said = math.fsum(m.gain for m in moves)
    if not abs(fall - said) <= AGREE * (1 + len(moves)):
        raise ParseError(row, 0, f"the moves lower the proxy by {fall!r}, not by {said!r} as their gains say")
    return Trail(number, start, moves)


def _after(problem: Problem, start: Placement, moves: tuple[Move, ...], row: Path) -> Placement:
    """Return the placement after all moves."""
    x, y, orient = start.x_um.copy(), start.y_um.copy(), start.orient.copy()
    movable = set(problem.movable_hard.tolist())
    for m in moves:
        if m.node not in movable or not 0 <= m.orient <= 7 or not (math.isfinite(m.x_um) and math.isfinite(m.y_um)):
            raise ParseError(row, 0, f"{m} is no move of a movable hard macro")
        x[m.node], y[m.node], orient[m.node] = m.x_um, m.y_um, m.orient
    return start.replace(x, y, orient)
