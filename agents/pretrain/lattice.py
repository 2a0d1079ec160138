"""Placements of the construct game found from a free placement: every macro on a cell's centre, the cost as the game's.

Which cells a complete game uses does not depend on the order in which they are taken: what is legal side by side is
legal in any order. So the cells are found first, with moves and exchanges, and played afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from floorplan.cost import Cost
from floorplan.cost.incremental import IncrementalCost
from floorplan.env import ConstructBatch
from floorplan.env.arrays import build_static
from floorplan.env.kernels.mask import legal_mask
from floorplan.errors import InfeasibleProblemError
from floorplan.interrupt import stop_wanted
from floorplan.netlist import Placement

__all__ = ["Lattice", "Snapped", "least_of"]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
BOOL = npt.NDArray[np.bool_]

NEAR, HOME, PARTNERS = 12, 4, 6
"""Cells about where a macro stands, cells about where it stood in the free placement, and macros of its size to change
places with, that a pass tries."""

TURN = (4, 0.45)
"""Least number and greatest share of the macros that move between two calls of the soft placer."""

INNER_HEAT, OUTER_HEAT = 3e-4, 1e-3
"""Mean of what a move may cost with the soft macros standing, and of what a new state of the game may, at the start."""

IDLE = 200
"""Rounds without a better state after which there is nothing more to find from here."""

OFF_CENTRE = 1e-6
"""Share of a cell by which a macro's centre may miss a cell's and still count as on it."""

LEAST_GAIN = 1e-9
"""A move that gains less is rounding."""


@dataclass(frozen=True, eq=False)
class Snapped:
    """Macros on cells.

    Attributes:
        cells: (M,) int64 cell of each movable macro, in the order of `problem.movable_hard`.
        cost: exact, with the game's soft placer.
        shift: mean distance from the free placement, in cells.
    """

    cells: I64
    cost: Cost
    shift: float


class Lattice:
    """Looks for complete placements on cell centres near a free one.

    Args:
        batch: a construct game with an episode that has not begun yet in environment 0; it is not changed.
    """

    def __init__(self, batch: ConstructBatch) -> None:
        self.problem = batch.problem
        self.options = batch.config.cost
        self._soft_placer = batch.soft_placer
        self._engine = batch.engine
        self._start = batch.placement(0)
        self._static = build_static(batch.problem, batch.engine, self._start)
        cv = batch.problem.canvas
        self.movable: npt.NDArray[np.int32] = batch.graph.movable
        index = np.arange(cv.num_cells)
        self.x_um: F64 = np.asarray((index % cv.columns + 0.5) * cv.cell_w_um, np.float64)
        self.y_um: F64 = np.asarray((index // cv.columns + 0.5) * cv.cell_h_um, np.float64)
        self._unit = cv.cell_w_um, cv.cell_h_um
        m = len(self.movable)
        self._cell, self._placed = np.zeros(m, np.int64), np.zeros(m, np.bool_)
        self._diff = np.zeros((cv.rows + 1, cv.columns + 1), np.int32)
        self._mask = np.zeros((cv.rows, cv.columns), np.bool_)
        size = np.stack([self._static.macro_w, self._static.macro_h], axis=1)
        self._alike: BOOL = np.all(np.abs(size[:, None] - size[None]) < 1e-6, axis=2)

    def distance(self, x_um: float, y_um: float) -> F64:
        """Return (A,) distances of all cell centres from a point, in cells."""
        d: F64 = np.hypot((self.x_um - x_um) / self._unit[0], (self.y_um - y_um) / self._unit[1])
        return d

    def score(self, cells: I64) -> list[tuple[Placement, Cost]]:
        """Return what the game makes of (K, M) complete sets of cells: soft macros by its placer, the exact cost."""
        k = len(cells)
        x, y = np.tile(self._start.x_um, (k, 1)), np.tile(self._start.y_um, (k, 1))
        orient = np.tile(self._start.orient, (k, 1))
        x[:, self.movable], y[:, self.movable] = self.x_um[cells], self.y_um[cells]
        self._soft_placer.place_batch(x, y, orient)
        costs = self._engine.batch(x, y, orient)
        placed = np.ones(x.shape[1], np.bool_)
        return [(Placement(x[i], y[i], orient[i], placed), costs[i]) for i in range(k)]

    def allows(self, cells: I64) -> bool:
        """Return whether the game lets the macros stand on these cells (M,)."""
        if len(cells) and not (cells.min() >= 0 and cells.max() < len(self.x_um)):
            return False
        self._placed[:] = False
        for m, cell in enumerate(cells.tolist()):
            if cell not in self._legal(m):
                return False
            self._cell[m], self._placed[m] = cell, True
        return True

    def nearest(self, placement: Placement, order: npt.NDArray[np.integer]) -> I64 | None:
        """Put macro after macro on the legal cell nearest to its centre; None where one finds no cell."""
        self._placed[:] = False
        for m in order.tolist():
            legal = self._legal(m)
            if not len(legal):
                return None
            node = self.movable[m]
            d = self.distance(float(placement.x_um[node]), float(placement.y_um[node]))
            self._cell[m], self._placed[m] = legal[np.argmin(d[legal])], True
        return self._cell.copy()

    def cells_of(self, placement: Placement) -> I64 | None:
        """Return the cells (M,) of a placement whose macros stand on cell centres as the game allows, else None."""
        x, y = placement.x_um[self.movable] / self._unit[0], placement.y_um[self.movable] / self._unit[1]
        column, row = np.floor(x), np.floor(y)
        cells = (row * self.problem.canvas.columns + column).astype(np.int64)
        centred = np.abs(np.stack([x - column, y - row]) - 0.5).max() < OFF_CENTRE
        return cells if centred and self.allows(cells) else None

    def fit(
        self, placement: Placement, seconds: float, rng: np.random.Generator, others: Sequence[I64] = ()
    ) -> Snapped:
        """Return macros on cells near a free placement and as cheap in the game as they get in the time.

        Macros are snapped in several orders. From the cheapest, some macros at a time try cells nearby and exchanges by
        exact incremental cost, the soft macros standing where the soft placer put them; then those are placed anew, and
        what made the game's cost worse by more than a falling random margin is taken back.

        Args:
            placement: the free one.
            seconds: to spend.
            rng: of everything random.
            others: cells (M,) of games to begin from where they are cheaper than the placement snapped.

        Raises:
            InfeasibleProblemError: in no order did all macros find a cell.
        """
        begun = time.perf_counter()
        found = [c for c in (self.nearest(placement, o) for o in self._orders(placement, rng)) if c is not None]
        found += list(others)
        if not found:
            raise InfeasibleProblemError(
                f"netlist {self.problem.netlist.name!r}: macros of this placement find no cells in any order tried"
            )
        scored = self.score(np.stack(found))
        first = int(np.argmin([c.proxy for _, c in scored]))
        cells, (stands, cost) = found[first], scored[first]
        best = cells, cost
        engine = IncrementalCost(self.problem, stands, self.options)
        idle = 0
        while (spent := (time.perf_counter() - begun) / max(seconds, 1e-9)) < 1 and idle < IDLE and not stop_wanted():
            turn = _draw_turn(len(cells), rng)
            tried = self._pass(engine, cells, placement, turn, INNER_HEAT * (1 - spent), rng)
            idle += 1
            if (tried != cells).any():
                [(there, then)] = self.score(tried[None])
                if then.proxy < cost.proxy + OUTER_HEAT * (1 - spent) * rng.exponential():
                    cells, stands, cost = tried, there, then
            if cost.proxy < best[1].proxy - LEAST_GAIN:
                best, idle = (cells, cost), 0
            engine.load(stands)
        cells, cost = best
        home = placement.x_um[self.movable], placement.y_um[self.movable]
        shift = np.hypot((self.x_um[cells] - home[0]) / self._unit[0], (self.y_um[cells] - home[1]) / self._unit[1])
        return Snapped(cells, cost, float(shift.mean()))

    def _orders(self, placement: Placement, rng: np.random.Generator) -> list[npt.NDArray[np.integer]]:
        """Return orders to snap in: by area, from each side, from the rim inwards, and two at random."""
        s, cv = self._static, self.problem.canvas
        x, y = placement.x_um[self.movable], placement.y_um[self.movable]
        rim = np.minimum(np.minimum(x, cv.width_um - x) / cv.width_um, np.minimum(y, cv.height_um - y) / cv.height_um)
        keys = [-s.macro_w * s.macro_h, x - s.macro_w / 2, -x - s.macro_w / 2, y - s.macro_h / 2, -y - s.macro_h / 2]
        keys += [rim, *rng.random((2, len(x)))]
        return [np.argsort(k, kind="stable") for k in keys]

    def _pass(
        self, engine: IncrementalCost, cells: I64, home: Placement, turn: I64, heat: float, rng: np.random.Generator
    ) -> I64:
        """Return the cells after each macro of `turn` had its; `heat` is what a move may cost, drawn exponentially."""
        self._cell[:], self._placed[:] = cells, True
        now = engine.cost.proxy
        for m in turn.tolist():
            node = int(self.movable[m])
            self._placed[m] = False
            legal = self._legal(m)
            self._placed[m] = True
            here = int(self._cell[m])
            about = self.distance(float(self.x_um[here]), float(self.y_um[here]))
            toward = self.distance(float(home.x_um[node]), float(home.y_um[node]))
            tries = np.unique(np.concatenate([least_of(about, legal, NEAR), least_of(toward, legal, HOME)]))
            moves = [([m], [int(c)]) for c in tries if c != here]
            others = np.flatnonzero(self._alike[m] & (self._cell != here))
            close = others[np.argsort(about[self._cell[others]], kind="stable")[:PARTNERS]]
            moves += [([m, o], [int(self._cell[o]), here]) for o in close.tolist()]
            allowed = now + heat * rng.exponential()
            best: tuple[list[int], list[int]] | None = None
            least = allowed - LEAST_GAIN
            for who, to in moves:
                proxy = self._propose(engine, who, to)
                engine.rollback()
                if proxy < least:
                    best, least = (who, to), proxy
            if best is not None:
                now = self._propose(engine, *best)
                engine.commit()
                self._cell[best[0]] = best[1]
        return self._cell.copy()

    def _propose(self, engine: IncrementalCost, who: list[int], to: list[int]) -> float:
        return engine.propose(self.movable[who].tolist(), self.x_um[to], self.y_um[to]).proxy

    def _legal(self, macro: int) -> I64:
        """Return the cells that the game would allow the macro next to those that stand."""
        s = self._static
        legal_mask(
            float(s.macro_w[macro]), float(s.macro_h[macro]), s.gw, s.gh, s.edge, s.gap, s.macro_w, s.macro_h,
            self._placed, self._cell, s.obstacle, self._diff, self._mask,
        )  # fmt: skip
        return np.flatnonzero(self._mask)


def _draw_turn(count: int, rng: np.random.Generator) -> I64:
    """Return which macros move, in random order: few often, many now and then."""
    least, most = min(TURN[0], count), max(TURN[0], TURN[1] * count)
    size = least * (most / least) ** rng.random()
    return rng.permutation(count)[: int(size)]


def least_of(value: F64, among: I64, count: int) -> I64:
    """Return the `count` of the indices `among` with the least value."""
    if len(among) <= count:
        return among
    return among[np.argpartition(value[among], count)[:count]]
