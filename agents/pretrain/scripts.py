"""Scripts: which cell each macro goes to in a construct game that ends cheaply and near an expert."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tomli_w

from agents.base import Budget
from agents.greedy import GreedyAgent
from agents.pretrain.expertfiles import AGREE, Expert, ExpertSet, Trail, checked_row, identity, read_row
from agents.pretrain.lattice import Lattice
from floorplan.cost import Cost
from floorplan.env import ConstructBatch, ConstructConfig
from floorplan.errors import InfeasibleProblemError, ParseError, ProblemError
from floorplan.files import atomic_write_text
from floorplan.interrupt import stop_wanted
from floorplan.netlist import Placement, Problem
from floorplan.netlist.variants import Variant

__all__ = ["Script", "fit_scripts", "script_of_trail", "variant_cells"]

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Script:
    """A complete construct game.

    Attributes:
        number: of the expert or trail that it comes from.
        cells: (M,) cell of each macro, in the order of `problem.movable_hard`.
        placement: what the game makes of it.
        cost: exact, of that placement.
        shift: mean distance of the macros from where the expert has them, in cells.
    """

    number: int
    cells: I64
    placement: Placement
    cost: Cost
    shift: float


def fit_scripts(
    problem: Problem,
    experts: ExpertSet,
    rules: ConstructConfig,
    seconds: float,
    seed: int,
    progress: Callable[[Script, Expert], None] | None = None,
) -> list[Script]:
    """Return a script for each expert, by rising cost; those that are not in a file yet are looked for and stored.

    Where a greedy game is cheaper than an expert snapped to cells, the search begins from that one. Scripts are kept
    beside the experts as <number>.cells.toml, and checked when read: the game allows the cells, and they cost what the
    row says.

    Args:
        problem: of the experts.
        experts: whose placements are followed.
        rules: of the game; what the final cost depends on is part of the row.
        seconds: for all experts together, those that have a script counted.
        seed: of the search.
        progress: is told after each.

    Raises:
        ParseError: a stored script of this game is damaged or wrong.
    """
    lattice = Lattice(ConstructBatch(problem, 1, replace(rules, order="area", order_file=None)))
    each = seconds / max(len(experts.experts), 1)
    greedy: list[I64] | None = None
    out: list[Script] = []
    for expert in experts.experts:
        row = experts.folder / f"{expert.number:03d}.cells.toml"
        script = _read(row, problem, expert, lattice, rules) if row.is_file() else None
        if script is None:
            if stop_wanted():
                break
            if greedy is None:
                greedy = _greedy_cells(problem, rules, lattice)
            try:
                found = lattice.fit(expert.placement, each, np.random.default_rng([seed, expert.number]), greedy)
            except InfeasibleProblemError:
                continue  # too full for cell centres; the expert still teaches moves
            [(placement, cost)] = lattice.score(found.cells[None])
            script = Script(expert.number, found.cells, placement, cost, found.shift)
            values = identity(problem) | _rules(rules, expert)
            values |= {"cells": found.cells.tolist(), "shift": found.shift, "cost": asdict(cost)}
            atomic_write_text(row, tomli_w.dumps(values))
        out.append(script)
        if progress is not None:
            progress(script, expert)
    return sorted(out, key=lambda s: s.cost.proxy)


def script_of_trail(problem: Problem, trails: Iterable[Trail], rules: ConstructConfig) -> list[Script]:
    """Return the games that trails begin with: they tell a critic what middling placements cost.

    Trails whose start is no game on this grid are left out.
    """
    lattice = Lattice(ConstructBatch(problem, 1, replace(rules, order="area", order_file=None)))
    out = []
    for t in trails:
        cells = lattice.cells_of(t.start)
        if cells is not None:
            [(placement, cost)] = lattice.score(cells[None])
            out.append(Script(t.number, cells, placement, cost, 0.0))
    return out


def variant_cells(variant: Variant, cells: I64) -> I64:
    """Return the cells (M,) of the variant's macros, in its own order, for cells (M,) of the original's.

    Raises:
        ProblemError: the variant has another grid, on which the cells mean nothing.
    """
    cv, home = variant.problem.canvas, variant.original.canvas
    if (cv.columns, cv.rows) != (home.columns, home.rows):
        raise ProblemError(f"cells of a {home.columns} x {home.rows} grid say nothing on {cv.columns} x {cv.rows}")
    position = np.full(variant.original.netlist.num_nodes, -1, np.int64)
    position[variant.original.movable_hard] = np.arange(len(cells))
    row, column = np.divmod(cells[position[variant.node[variant.problem.movable_hard]]], cv.columns)
    if variant.flip_x:
        column = cv.columns - 1 - column
    if variant.flip_y:
        row = cv.rows - 1 - row
    return row * cv.columns + column


def _greedy_cells(problem: Problem, rules: ConstructConfig, lattice: Lattice) -> list[I64]:
    """Return the cells of one greedy game, or nothing where it comes to a dead end."""
    agent = GreedyAgent(config=replace(rules, order="area", order_file=None, reward="terminal"))
    try:
        cells = lattice.cells_of(agent.place(problem, Budget("e", 1), seed=0).placement)
    except InfeasibleProblemError:
        return []
    return [] if cells is None else [cells]


def _rules(rules: ConstructConfig, expert: Expert) -> dict[str, Any]:
    """Return what the cost of a script depends on besides the problem, and which placement it follows."""
    game = {"soft_placer": rules.soft_placer, "soft_start": rules.soft_start, "cost": asdict(rules.cost)}
    return {"rules": game, "expert": expert.cost.proxy}


def _read(row: Path, problem: Problem, expert: Expert, lattice: Lattice, rules: ConstructConfig) -> Script | None:
    """Return the stored script, None if it is of another problem, expert or game.

    Raises:
        ParseError: it is damaged, or not what the game makes of it.
    """
    if any(read_row(row).get(key) != value for key, value in (identity(problem) | _rules(rules, expert)).items()):
        return None
    values = checked_row(row, problem)
    try:
        cells = np.array(values["cells"], np.int64)
        said, shift = float(values["cost"]["proxy"]), float(values["shift"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ParseError(row, 0, f"lacks or mistakes a field: {error}") from error
    if cells.shape != (len(problem.movable_hard),) or not lattice.allows(cells):
        raise ParseError(row, 0, "the game does not allow these cells")
    [(placement, cost)] = lattice.score(cells[None])
    if not abs(cost.proxy - said) <= AGREE:
        raise ParseError(row, 0, f"the game costs {cost.proxy!r}, but the row says {said!r}")
    return Script(expert.number, cells, placement, cost, shift)
