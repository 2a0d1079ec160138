"""Where the pins of a placement lie and how its nets are routed, by the cost's own kernels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from floorplan.cost import CostEngine
from floorplan.cost.kernels.congestion import route_nets, terminal_cells
from floorplan.cost.kernels.wirelength import terminal_positions, wirelength_sum
from floorplan.geometry import ORIENT_MATRIX
from floorplan.netlist import Placement

__all__ = ["Settled", "settle"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]


class Settled(NamedTuple):
    """Pins and routes of a placement.

    Attributes:
        tx, ty: (T,) um of each net terminal, NaN where it is not placed.
        cell: (T,) its cell, likewise -1.
        hd, vd: (R, C + 1), (R + 1, C) routing demand differences.
        wl_um: weighted wirelength.
    """

    tx: F64
    ty: F64
    cell: I32
    hd: F64
    vd: F64
    wl_um: float


def settle(engine: CostEngine, placement: Placement) -> Settled:
    """Lay pins and routes of a placement out by the cost's own kernels, so that both agree to each pin's cell."""
    a, cv = engine.arrays, engine.problem.canvas
    terms = len(a.term_node)
    tx, ty, cell = np.empty(terms), np.empty(terms), np.empty(terms, np.int32)
    terminal_positions(
        a.term_node, a.term_dx, a.term_dy, placement.x_um, placement.y_um, placement.orient, placement.placed,
        ORIENT_MATRIX, tx, ty,
    )  # fmt: skip
    terminal_cells(tx, ty, cv.cell_w_um, cv.cell_h_um, cv.rows, cv.columns, cell)
    hd, vd = np.empty((cv.rows, cv.columns + 1)), np.empty((cv.rows + 1, cv.columns))
    stamp, cells = np.empty(cv.num_cells, np.int32), np.empty(cv.num_cells, np.int32)
    route_nets(a.net_ptr, a.net_demand, cell, cv.columns, stamp, cells, hd, vd)
    return Settled(tx, ty, cell, hd, vd, float(wirelength_sum(a.net_ptr, a.net_weight, tx, ty)))
