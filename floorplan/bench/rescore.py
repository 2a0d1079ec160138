"""Scoring every stored placement again: what a row claims must follow from the files beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from floorplan.bench.designs import placement_hash, read_design, read_result, score, start_hash
from floorplan.bench.rows import Row, RowStore, Score
from floorplan.cost.terms import CostOptions, CostWeights
from floorplan.errors import FloorplanError
from floorplan.netlist import Problem

__all__ = ["TOLERANCE_REL", "Checked", "cost_options", "rescore"]

TOLERANCE_REL = 1e-9
_PARTS = ("wirelength", "density", "congestion", "proxy", "wirelength_um")


@dataclass(frozen=True)
class Checked:
    """A row that was scored again.

    Attributes:
        key: of the row.
        design: of the row.
        label: of the row.
        seed: of the row.
        budget: of the row.
        stated: proxy in the row.
        recomputed: proxy of the stored placement; None if it cannot be scored.
        legal: of the stored placement.
        differences: what does not agree, in words; empty if all is well.
    """

    key: str
    design: str
    label: str
    seed: int
    budget: str
    stated: float
    recomputed: float | None
    legal: bool | None
    differences: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """True if the row follows from its files."""
        return not self.differences


def rescore(folder: str | Path, show: Callable[[int, int], None] | None = None) -> list[Checked]:
    """Score every row with a result again, write `rescored.jsonl`, and return what was found, in the order of the rows.

    Netlist, start and placement are read from the results folder; their hashes must be those of the row, every part of
    the cost must agree to `TOLERANCE_REL`, and so must the legality.

    Args:
        folder: of results.
        show: called with the number of rows done and of all rows.

    Raises:
        BenchError: the folder or its rows are damaged.
    """
    store = RowStore(folder)
    rows = [row for row in store.read().values() if row.score is not None]
    designs = _Designs(store.folder)
    found = []
    for done, row in enumerate(rows, 1):
        found.append(_check(store.folder, designs, row))
        if show is not None:
            show(done, len(rows))
    lines = [json.dumps({**asdict(c), "agrees": c.agrees}, allow_nan=False) for c in found]
    store.write_text("rescored.jsonl", "".join(line + "\n" for line in lines))
    return found


def cost_options(row: Row) -> CostOptions:
    """Return the options by which a row was scored."""
    return CostOptions(CostWeights(**row.weights), row.density_top, row.congestion_top, row.square_soft)


def _check(folder: Path, designs: _Designs, row: Row) -> Checked:
    assert row.score is not None
    now: Score | None = None
    differences: list[str] = []
    try:
        if row.placement_file is None:
            raise FloorplanError("the row names no placement")
        problem, digest = designs.of(row)
        if problem.netlist.content_hash != row.netlist_hash:
            differences.append(f"netlist is {problem.netlist.content_hash[:12]}, the row says {row.netlist_hash[:12]}")
        if digest != row.start_hash:
            differences.append(f"start is {digest[:12]}, the row says {row.start_hash[:12]}")
        placement = read_result(folder / row.placement_file, problem)
        if placement_hash(placement) != row.placement_hash:
            differences.append("placement is another one than the row says")
        now = score(problem, placement, cost_options(row))
    except (FloorplanError, OSError) as e:
        differences.append(str(e))
    if now is not None:
        differences += _compare(row.score, now)
    return Checked(
        key=row.key,
        design=row.design,
        label=row.label,
        seed=row.seed,
        budget=row.budget,
        stated=row.score.proxy,
        recomputed=None if now is None else now.proxy,
        legal=None if now is None else now.legal,
        differences=tuple(differences),
    )


def _compare(stated: Score, now: Score) -> list[str]:
    out = []
    for part in _PARTS:
        a, b = getattr(stated, part), getattr(now, part)
        if abs(a - b) > TOLERANCE_REL * max(abs(a), abs(b)):
            out.append(f"{part} is {b!r}, the row says {a!r}")
    if stated.legal != now.legal:
        words = {True: "legal", False: "ILLEGAL"}
        out.append(f"placement is {words[now.legal]}, the row says {words[stated.legal]}")
    return out


class _Designs:
    """The last design that was read; rows of one design follow each other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key: tuple[str, float, float] | None = None
        self._problem: tuple[Problem, str] | None = None

    def of(self, row: Row) -> tuple[Problem, str]:
        """Return the problem of a row, and its start hash, from the files as they are now."""
        key = (row.design_folder, row.macro_spacing_um, row.boundary_spacing_um)
        if self._problem is None or key != self._key:
            problem = read_design(self._folder / key[0], key[1], key[2])
            self._key, self._problem = key, (problem, start_hash(problem))
        return self._problem
