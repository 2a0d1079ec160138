"""What fills a full grid cell: the cost's own routes and blockages, one net and one macro at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from numba import njit

from floorplan.cost.kernels.congestion import add_macro_blockage, add_route, net_cells, terminal_cells
from floorplan.cost.kernels.wirelength import terminal_positions
from floorplan.geometry import ORIENT_MATRIX, oriented_size_um

if TYPE_CHECKING:
    from floorplan.cost import CostEngine, CostMaps
    from floorplan.netlist import Placement

__all__ = ["MAPS", "CellCause", "WorstCell", "WorstMacro", "worst_cells", "worst_macros"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]

MAPS = ("density", "h_congestion", "v_congestion")
"""The maps that a cost is made of, as a scene names them."""


@dataclass(frozen=True)
class CellCause:
    """What one macro or port has to do with a full cell, in the unit of the map (1.0 is the whole cell).

    Attributes:
        node: its id.
        name: its name.
        area: what it covers itself: cell area (density) or tracks (congestion).
        nets: demand in the cell of the nets that end on it. A net counts for each of its ends, so that these add up
            to more than the cell holds.
    """

    node: int
    name: str
    area: float
    nets: float


@dataclass(frozen=True)
class WorstCell:
    """One of the fullest grid cells of a map.

    Attributes:
        map: one of `MAPS`.
        row: from the bottom.
        column: from the left.
        value: of the map there.
        area: how much of the value macros cover themselves.
        nets: how much of it routing demand makes; area + nets = value.
        crossing: nets whose routes add to the cell, directly or by the smoothing.
        causes: macros and ports with the largest area + nets, largest first.
    """

    map: str
    row: int
    column: int
    value: float
    area: float
    nets: float
    crossing: int
    causes: tuple[CellCause, ...]


@dataclass(frozen=True)
class WorstMacro:
    """What one hard macro costs where it stands, in points of the proxy (weights applied).

    Attributes:
        node: its id.
        name: its name.
        nets: wirelength of the nets that end on it; such a net counts for each of its macros.
        density: its area in the cells that the density cost averages.
        congestion: the tracks it takes in the cells that the congestion cost averages.
        total: the sum.
    """

    node: int
    name: str
    nets: float
    density: float
    congestion: float
    total: float


def worst_macros(engine: CostEngine, placement: Placement, maps: CostMaps, count: int = 10) -> tuple[WorstMacro, ...]:
    """Return the `count` hard macros that cost most, costliest first; what routes cost in full cells is no macro's."""
    nl, arrays, options = engine.problem.netlist, engine.arrays, engine.options
    w = options.weights
    hard = nl.hard[placement.placed[nl.hard]]
    per_net = nl.net_weight * engine.net_hpwl_um(placement)
    node_of_pair = np.repeat(np.arange(nl.num_nodes), np.diff(arrays.node_net_ptr))
    on_node = np.bincount(node_of_pair, weights=per_net[arrays.node_net], minlength=nl.num_nodes)
    cv = engine.problem.canvas
    scale = (cv.width_um + cv.height_um) * float(nl.net_weight.sum())
    counted_density = _counted(maps.density, options.density_top, few=10)
    counted_v, counted_h = _counted(np.stack([maps.v, maps.h]), options.congestion_top)
    blocker = _Blocker(engine, placement)
    out = []
    for i in hard.tolist():
        at, area, taken_h, taken_v = blocker.take(i)
        d = 0.5 * w.density * float((area * counted_density[at]).sum())
        c = w.congestion * float((taken_v * counted_v[at]).sum() + (taken_h * counted_h[at]).sum())
        nets = w.wirelength * float(on_node[i]) / scale
        out.append(WorstMacro(i, nl.node_name[i], nets, d, c, nets + d + c))
    return tuple(sorted(out, key=lambda m: (-m.total, m.node))[:count])


def _counted(values: F64, top: float, few: int = 0) -> F64:
    """Return the weight of each cell in the mean of the fullest ones, as the cost takes it."""
    flat, out = values.ravel(), np.zeros(values.size)
    if len(flat) < few:
        chosen = np.flatnonzero(flat > 0)
    else:
        chosen = np.argsort(-flat, kind="stable")[: max(int(top * len(flat)), 1)]
    if len(chosen):
        out[chosen] = 1.0 / len(chosen)
    return out.reshape(values.shape)


class _Blocker:
    """Says what one hard macro after the other takes of the grid; the memory for it is used again."""

    def __init__(self, engine: CostEngine, placement: Placement) -> None:
        cv = engine.problem.canvas
        self.canvas, self.placement = cv, placement
        self.gw, self.gh = cv.cell_w_um, cv.cell_h_um
        self.w, self.h = oriented_size_um(engine.arrays.node_w, engine.arrays.node_h, placement.orient)
        self.h_share = cv.h_macro_tracks_per_um / (self.gh * cv.h_tracks_per_um)
        self.v_share = cv.v_macro_tracks_per_um / (self.gw * cv.v_tracks_per_um)
        self.taken_h, self.taken_v = np.zeros((cv.rows, cv.columns)), np.zeros((cv.rows, cv.columns))

    def take(self, node: int) -> tuple[tuple[slice, slice], F64, F64, F64]:
        """Return the cells under a macro, and the shares of area and of horizontal and vertical tracks it takes."""
        cv, gw, gh = self.canvas, self.gw, self.gh
        x, y = float(self.placement.x_um[node]), float(self.placement.y_um[node])
        w, h = float(self.w[node]), float(self.h[node])
        rows = slice(max(math.floor((y - h / 2) / gh), 0), max(min(math.floor((y + h / 2) / gh) + 1, cv.rows), 0))
        columns = slice(max(math.floor((x - w / 2) / gw), 0), max(min(math.floor((x + w / 2) / gw) + 1, cv.columns), 0))
        low, left = np.arange(rows.start, rows.stop) * gh, np.arange(columns.start, columns.stop) * gw
        dx = np.clip(np.minimum(x + w / 2, left + gw) - np.maximum(x - w / 2, left), 0.0, None)
        dy = np.clip(np.minimum(y + h / 2, low + gh) - np.maximum(y - h / 2, low), 0.0, None)
        add_macro_blockage(x, y, w, h, gw, gh, self.h_share, self.v_share, self.taken_h, self.taken_v)
        at = rows, columns
        taken = self.taken_h[at].copy(), self.taken_v[at].copy()
        self.taken_h[at] = self.taken_v[at] = 0.0
        return at, np.outer(dy, dx) / (gw * gh), *taken


def worst_cells(
    engine: CostEngine, placement: Placement, maps: CostMaps, count: int = 5, causes: int = 5
) -> tuple[WorstCell, ...]:
    """Return the `count` fullest cells of each map, map by map, fullest first, and what fills them; no empty ones."""
    chosen: list[tuple[str, F64, npt.NDArray[np.int64]]] = []
    for name, values in zip(MAPS, (maps.density, maps.h, maps.v), strict=True):
        flat = values.ravel()
        full = np.argsort(-flat, kind="stable")[:count]
        chosen.append((name, values, full[flat[full] > 0]))
    demand = _net_demand(engine, placement, [(name, cells) for name, _, cells in chosen[1:]])
    out = []
    for name, values, cells in chosen:
        for cell in cells.tolist():
            row, column = divmod(cell, values.shape[1])
            area = _covered(engine, placement, name, row, column)
            nets = demand.get((name, cell), np.zeros(engine.problem.netlist.num_nets))
            out.append(_worst_cell(engine, name, row, column, float(values[row, column]), area, nets, causes))
    return tuple(out)


def _worst_cell(
    engine: CostEngine, name: str, row: int, column: int, value: float, area: F64, nets: F64, causes: int
) -> WorstCell:
    nl, arrays = engine.problem.netlist, engine.arrays
    pairs = np.repeat(np.arange(nl.num_nodes), np.diff(arrays.node_net_ptr))
    through = np.bincount(pairs, weights=nets[arrays.node_net], minlength=nl.num_nodes)
    both = area + through
    first = np.argsort(-both, kind="stable")[:causes]
    found = tuple(
        CellCause(i, nl.node_name[i], float(area[i]), float(through[i])) for i in first.tolist() if both[i] > 0
    )
    return WorstCell(name, row, column, value, float(area.sum()), float(nets.sum()), int(np.count_nonzero(nets)), found)


def _covered(engine: CostEngine, placement: Placement, name: str, row: int, column: int) -> F64:
    """Return (N,) how much of a cell each node covers itself."""
    problem, arrays = engine.problem, engine.arrays
    cv = problem.canvas
    gw, gh = cv.cell_w_um, cv.cell_h_um
    w, h = oriented_size_um(arrays.node_w, arrays.node_h, placement.orient)
    x, y = placement.x_um, placement.y_um
    dx = np.minimum(x + w / 2, (column + 1) * gw) - np.maximum(x - w / 2, column * gw)
    dy = np.minimum(y + h / 2, (row + 1) * gh) - np.maximum(y - h / 2, row * gh)
    on = placement.placed & (dx > 0) & (dy > 0)
    if name == "density":
        return np.where(on, np.maximum(dx, 0) * np.maximum(dy, 0), 0.0) / (gw * gh)
    out = np.zeros(len(x))
    hard, blocker = problem.netlist.hard, _Blocker(engine, placement)
    for i in hard[on[hard]].tolist():
        (rows, columns), _, taken_h, taken_v = blocker.take(i)
        out[i] = (taken_h if name == "h_congestion" else taken_v)[row - rows.start, column - columns.start]
    return out


def _net_demand(
    engine: CostEngine, placement: Placement, wanted: list[tuple[str, npt.NDArray[np.int64]]]
) -> dict[tuple[str, int], F64]:
    """Return (E,) demand of each net in each wanted cell, smoothed and scaled as in the map."""
    arrays, cv = engine.arrays, engine.problem.canvas
    tx, ty = np.empty(len(arrays.term_node)), np.empty(len(arrays.term_node))
    x, y, orient, placed = (
        a.copy() for a in (placement.x_um, placement.y_um, placement.orient, placement.placed)
    )  # writeable: the compiled kernels know no others
    terminal_positions(arrays.term_node, arrays.term_dx, arrays.term_dy, x, y, orient, placed, ORIENT_MATRIX, tx, ty)
    cell = np.empty(len(tx), np.int32)
    terminal_cells(tx, ty, cv.cell_w_um, cv.cell_h_um, cv.rows, cv.columns, cell)
    scale = {
        "h_congestion": 1.0 / (cv.cell_h_um * cv.h_tracks_per_um),
        "v_congestion": 1.0 / (cv.cell_w_um * cv.v_tracks_per_um),
    }
    out = {}
    for name, cells in wanted:
        for k in cells.tolist():
            row, column = divmod(k, cv.columns)
            demand = np.zeros(engine.problem.netlist.num_nets)
            _demand_at(
                arrays.net_ptr, arrays.net_demand, cell, cv.rows, cv.columns, cv.smooth_range,
                name == "h_congestion", row, column, scale[name], demand,
            )  # fmt: skip
            out[name, k] = demand
    return out


@njit(cache=True)
def _demand_at(  # type: ignore[no-untyped-def]  # numba infers
    net_ptr, net_demand, term_cell, rows, cols, s, horizontal, row, column, scale, out
):
    """Write to out (E,) what each net adds to the map at (row, column); its route lies within its bounding box."""
    hd = np.zeros((rows, cols + 1))
    vd = np.zeros((rows + 1, cols))
    stamp = np.full(rows * cols, -1, np.int32)
    cells = np.empty(rows * cols, np.int32)
    for e in range(len(net_demand)):
        n = net_cells(net_ptr[e], net_ptr[e + 1], term_cell, e, stamp, cells)
        if n < 2:
            continue
        r0, r1, c0, c1 = rows, -1, cols, -1
        for i in range(n):
            r, c = cells[i] // cols, cells[i] % cols
            r0, r1, c0, c1 = min(r0, r), max(r1, r), min(c0, c), max(c1, c)
        # demand spreads across the direction of the wires, so that only this line of cells reaches (row, column)
        if horizontal:
            if column < c0 or column > c1 or row + s < r0 or row - s > r1:
                continue
        elif row < r0 or row > r1 or column + s < c0 or column - s > c1:
            continue
        add_route(cells, n, cols, net_demand[e], hd, vd)
        total = 0.0
        if horizontal:
            for r in range(max(row - s, r0), min(row + s, r1) + 1):
                run = 0.0
                for c in range(c0, column + 1):
                    run += hd[r, c]
                total += run / (min(r + s, rows - 1) - max(r - s, 0) + 1)
        else:
            for c in range(max(column - s, c0), min(column + s, c1) + 1):
                run = 0.0
                for r in range(r0, row + 1):
                    run += vd[r, c]
                total += run / (min(c + s, cols - 1) - max(c - s, 0) + 1)
        out[e] = total * scale
        hd[r0 : r1 + 1, c0 : c1 + 2] = 0.0
        vd[r0 : r1 + 2, c0 : c1 + 1] = 0.0
