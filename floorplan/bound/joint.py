"""Wirelength and density together: macros that are spread thin enough for a low density are far from each other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from floorplan.bound.density import total_density
from floorplan.bound.hubs import FlowGraph, HubFlow
from floorplan.bound.netpoints import NetPoints
from floorplan.bound.packing import knapsack
from floorplan.bound.wirelength import program_value
from floorplan.cost.arrays import build_arrays
from floorplan.cost.terms import CostOptions
from floorplan.netlist import Problem
from floorplan.netlist.legality import TOLERANCE_UM

__all__ = ["SpreadFlows", "wirelength_and_density"]

F64 = npt.NDArray[np.float64]
_MOST_CELLS = 2500
"""On a finer grid the distances from every place to every cell would not be worth their memory."""
_STEPS = 100
"""Densities looked at; the bound loses about one part in so many of what it gains."""


@dataclass(frozen=True, eq=False)
class SpreadFlows:
    """Flows from hubs to all macros, and the grid that those have to spread over.

    Attributes:
        used: (E,) weight of each net taken up.
        flows: one a hub.
    """

    used: F64
    flows: tuple[HubFlow, ...]
    _grid: _Grid
    _macros: _Macros

    def wire_um(self, density: float) -> float:
        """Return a lower bound of sum(used * HPWL) over legal placements whose density cost is at most `density`."""
        way = self._grid.way_um(density)
        return sum(max(0.0, _wire_um(self._grid, self._macros, way, flow)) for flow in self.flows)


def wirelength_and_density(
    problem: Problem, options: CostOptions, nets: NetPoints, wirelength: float, density: float
) -> float:
    """Return a lower bound of weight * wirelength + weight * density, at least what the bounds of the two give.

    Proof. A placement of density cost at most d needs the wire that `SpreadFlows` and the program on the weight left
    prove, which falls with d; so between two densities the sum is at least the lower density with the wire of the
    higher. The least of these over all densities from the bound upwards holds for every placement.
    """
    nl, cv, w = problem.netlist, problem.canvas, options.weights
    apart = w.wirelength * wirelength + w.density * density
    spread = _spread_flows(problem, options, nets, density) if w.wirelength > 0 and w.density > 0 else None
    if spread is None:
        return apart
    full = (cv.width_um + cv.height_um) * float(nl.net_weight.sum())
    rest = program_value(problem, nets.with_weight(nets.weight - spread.used))
    gain = w.wirelength * ((spread.wire_um(density) + rest) / full - wirelength)
    if gain <= 0:
        return apart
    least, step, low = np.inf, gain / w.density / _STEPS, density
    while apart + w.density * (low - density) < least:
        wire = max(wirelength, (spread.wire_um(low + step) + rest) / full)
        least = min(least, w.wirelength * wire + w.density * low)
        low += step
    return max(apart, float(least))


def _spread_flows(problem: Problem, options: CostOptions, nets: NetPoints, density: float) -> SpreadFlows | None:
    """Return flows from hubs to all movable macros, chosen for a low density; None where the argument has no hold."""
    movable = np.concatenate([problem.movable_hard, problem.movable_soft])
    if not 10 <= problem.canvas.num_cells <= _MOST_CELLS or not len(movable):
        return None
    graph = FlowGraph(problem, nets, movable)
    grid = _Grid(problem, options)
    macros = _Macros.of(problem, options, graph.macros)
    way = grid.way_um(density * 1.001)
    flows = tuple(graph.hub_flows(lambda flow: _wire_um(grid, macros, way, flow) > 0.0))
    return SpreadFlows(graph.taken, flows, grid, macros) if flows else None


@dataclass(frozen=True, eq=False)
class _Macros:
    """Of each macro (M,): the area in cells that surely lies inside the canvas, and its greatest width and height."""

    cells: F64
    w_um: F64
    h_um: F64

    @classmethod
    def of(cls, problem: Problem, options: CostOptions, ids: npt.NDArray[np.int64]) -> _Macros:
        nl, cv = problem.netlist, problem.canvas
        a = build_arrays(nl, square_soft=options.square_soft)
        w = np.minimum(nl.node_w_um, a.node_w)[ids]
        h = np.minimum(nl.node_h_um, a.node_h)[ids]
        shrink = 2 * TOLERANCE_UM
        cells = np.maximum(w - shrink, 0.0) * np.maximum(h - shrink, 0.0) / (cv.cell_w_um * cv.cell_h_um)
        turns = (problem.allowed_orient[ids] & 0xF0) != 0
        return cls(cells, np.where(turns, np.maximum(w, h), w), np.where(turns, np.maximum(w, h), h))


class _Grid:
    """How much the cells nearest to a place can hold, and how far they are."""

    def __init__(self, problem: Problem, options: CostOptions) -> None:
        cv = problem.canvas
        self.cv = cv
        self.n = cv.num_cells
        self.k = max(math.floor(options.density_top * self.n), 1)
        self.total = total_density(problem, options)
        # The hub stands in some quarter of a cell; by symmetry one quadrant of the canvas is enough.
        x = _distances(cv.columns, cv.cell_w_um)
        y = _distances(cv.rows, cv.cell_h_um)
        away = (y[:, None, :, None] + x[None, :, None, :]).reshape(len(x) * len(y), self.n)
        away.sort(axis=1)
        self._away = away

    def holds(self, density: float) -> F64:
        """Return (n + 1,) an upper bound of what any 0, 1, ..., n cells hold together at a density cost.

        Proof. With D_j the sum of the j fullest cells, D_k <= 2 * k * density. For j >= k, D_j <= D_k * j / k. For j <
        k, the fullest k - j of the other n - j cells hold at least their part of total - D_j, so D_k >= D_j + (k - j) *
        (total - D_j) / (n - j): solved for D_j.
        """
        j = np.arange(self.n + 1)
        most = 2.0 * density * np.maximum(j, self.k)
        if self.k < self.n:
            few = j[: self.k]
            held = (2.0 * density * self.k * (self.n - few) - (self.k - few) * self.total) / (self.n - self.k)
            most[: self.k] = np.minimum(most[: self.k], held)
        most[0] = 0.0
        return np.maximum.accumulate(np.maximum(most, 0.0))

    def way_um(self, density: float) -> tuple[F64, F64]:
        """Return (n + 1,) masses in cells and the least sum of mass * distance from a place, linear in between."""
        holds = self.holds(density)
        way = np.cumsum(self._away * np.diff(holds), axis=1).min(axis=0)
        return holds, np.concatenate([np.zeros(1), way])


def _wire_um(grid: _Grid, macros: _Macros, way: tuple[F64, F64], flow: HubFlow) -> float:
    """Return a lower bound of sum(flow * L1 distance from a point to the pins of macros).

    Proof. As in `floorplan.bound.packing`, but instead of being disjoint the macros share cells that hold no more than
    `_Grid.holds` says: the sum of flow * mean distance is least when the macros with most flow an area fill the nearest
    cells. The hub may be anywhere: each sum over the nearest cells is the least over all places. A macro whose column
    (row) the hub crosses lies in the few columns (rows) around; their mass bounds what such macros gain, a quarter of
    their width (height) times the flow.
    """
    cv = grid.cv
    real = (macros.cells > 0) & (flow.at_macro > 0)
    sent, cells, w, h = flow.at_macro[real], macros.cells[real], macros.w_um[real], macros.h_um[real]
    if not len(sent):
        return 0.0
    holds, least = way
    order = np.argsort(-sent / cells)
    mass = np.cumsum(cells[order])
    spread = float(((sent / cells)[order] * np.diff(np.interp(mass, holds, least), prepend=0.0)).sum())
    columns = min(cv.columns, math.floor(2 * float(w.max()) / cv.cell_w_um) + 3)
    rows = min(cv.rows, math.floor(2 * float(h.max()) / cv.cell_h_um) + 3)
    crossed = knapsack(sent * w / 4, cells, float(holds[columns * cv.rows]))
    crossed += knapsack(sent * h / 4, cells, float(holds[rows * cv.columns]))
    return (spread - crossed - flow.offset_um) * (1 - 1e-9)


def _distances(cells: int, size_um: float, parts: int = 2) -> F64:
    """Return (places, cells) the least distance along one axis from an interval of places to a cell.

    The places are the parts of the cells in the lower half of the axis, the middle one included.
    """
    count = math.ceil(cells * parts / 2)
    begin = np.arange(count)[:, None] / parts
    cell = np.arange(cells)[None, :]
    return np.maximum(np.maximum(cell - (begin + 1 / parts), begin - (cell + 1)), 0.0) * size_um
