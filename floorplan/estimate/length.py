"""Routed length of every net: half-perimeter x factor of its pin count x detour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from floorplan.cost import build_arrays
from floorplan.geometry import oriented_offsets_um
from floorplan.netlist import Netlist, Placement

if TYPE_CHECKING:
    from floorplan.cost import CostMaps
    from floorplan.netlist import Canvas

__all__ = ["Boxes", "Terminals", "box_means", "detours", "net_boxes_um", "pin_factor", "pin_positions_um", "terminals"]

F64 = npt.NDArray[np.float64]

_PINS = (1, 3, 4, 5, 6, 8, 10, 15, 20, 25, 30, 40, 50)
_FACTORS = (1.0, 1.0, 1.0828, 1.1536, 1.2206, 1.3385, 1.4493, 1.6899, 1.8924, 2.0743, 2.2334, 2.5356, 2.7933)
_BEYOND = 0.02616
"""Steiner tree over half-perimeter by pin count: C. Cheng, RISA, ICCAD 1994, as VPR tabulates it; beyond 50 pins VPR's
slope (recalled). Between listed counts linear."""
MOST_DETOUR = 0.5
"""A bus that would need more than half its length again is not routed around but not routed: read it as a warning."""


class Terminals:
    """Where each net's pins sit on their nodes, as the wirelength of the cost has them.

    Attributes:
        node: (T,) node of each terminal, net by net.
        dx_um: (T,) offset from its centre in orientation N; soft macros have their pins at the centre.
        dy_um: (T,) likewise.
        ptr: (E + 1,) offsets into the terminals.
        pins: (E,) distinct nodes of each net.
        node_net_ptr: (N + 1,) offsets into node_net.
        node_net: distinct nets of each node.
    """

    def __init__(self, netlist: Netlist) -> None:
        a = build_arrays(netlist)
        self.node = np.array(a.term_node)
        self.dx_um = np.array(a.term_dx)
        self.dy_um = np.array(a.term_dy)
        self.ptr = np.array(a.net_ptr)
        self.node_net_ptr = np.array(a.node_net_ptr)
        self.node_net = np.array(a.node_net)
        self.pins = np.bincount(a.node_net, minlength=netlist.num_nets).astype(np.float64)


def terminals(netlist: Netlist) -> Terminals:
    """Lay out the terminals of a netlist.

    Raises:
        ProblemError: it has no net.
    """
    return Terminals(netlist)


def pin_factor(pins: npt.ArrayLike) -> F64:
    """Return length of a Steiner tree over the half-perimeter, expected for a pin count; 1 up to three pins."""
    n = np.asarray(pins, np.float64)
    return np.asarray(np.interp(n, _PINS, _FACTORS) + _BEYOND * np.maximum(0.0, n - _PINS[-1]), np.float64)


class Boxes:
    """Bounding boxes of the nets' pins, (E,) each, in um."""

    def __init__(self, x0: F64, x1: F64, y0: F64, y1: F64) -> None:
        self.x0_um, self.x1_um, self.y0_um, self.y1_um = x0, x1, y0, y1

    @property
    def hpwl_um(self) -> F64:
        """Half-perimeter."""
        return (self.x1_um - self.x0_um) + (self.y1_um - self.y0_um)


def pin_positions_um(t: Terminals, placement: Placement) -> tuple[F64, F64]:
    """Return where every terminal stands, (T,) each."""
    dx, dy = oriented_offsets_um(t.dx_um, t.dy_um, placement.orient[t.node])
    return placement.x_um[t.node] + dx, placement.y_um[t.node] + dy


def net_boxes_um(t: Terminals, placement: Placement) -> Boxes:
    """Return the bounding box of every net; all of its nodes must be placed."""
    x, y = pin_positions_um(t, placement)
    at = t.ptr[:-1]
    low, high = np.minimum.reduceat, np.maximum.reduceat
    return Boxes(low(x, at), high(x, at), low(y, at), high(y, at))


def box_means(cells: F64, boxes: Boxes, canvas: Canvas) -> F64:
    """Return the mean of a (rows, columns) map over the cells that each net's box touches, (E,)."""
    total = np.zeros((cells.shape[0] + 1, cells.shape[1] + 1))
    total[1:, 1:] = cells.cumsum(0).cumsum(1)

    def span(low: F64, high: F64, cell_um: float, count: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        first = np.clip((low / cell_um).astype(np.int64), 0, count - 1)
        return first, np.clip((high / cell_um).astype(np.int64), first, count - 1) + 1

    c0, c1 = span(boxes.x0_um, boxes.x1_um, canvas.cell_w_um, canvas.columns)
    r0, r1 = span(boxes.y0_um, boxes.y1_um, canvas.cell_h_um, canvas.rows)
    inside = total[r1, c1] - total[r0, c1] - total[r1, c0] + total[r0, c0]
    return np.asarray(inside / ((r1 - r0) * (c1 - c0)), np.float64)


def detours(maps: CostMaps, boxes: Boxes, canvas: Canvas, slope: float) -> F64:
    """Return the extra length of each net that crowding causes, (E,), as a share of its length.

    `slope` x the mean overflow (demand beyond 1) of the cells in the net's box, at most `MOST_DETOUR`.
    """
    over = (np.maximum(maps.h - 1.0, 0.0) + np.maximum(maps.v - 1.0, 0.0)) / 2.0
    return np.minimum(slope * box_means(over, boxes, canvas), MOST_DETOUR)
