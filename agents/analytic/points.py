"""Where the pins are: the netlist's terminals, gathered into few points that move with their nodes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from floorplan.cost.arrays import CostArrays
from floorplan.geometry import ORIENT_MATRIX
from floorplan.netlist import NodeKind, Problem

__all__ = ["POINTS_A_CELL", "Points", "gather_points", "wire_groups"]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

POINTS_A_CELL = 8
"""Pins of a hard macro that fall into the same eighth of a grid cell are one point, at their mean offset."""


@dataclass(frozen=True, eq=False)
class Points:
    """P points and the nets over them. A net names each of its points once; the source's comes first.

    Attributes:
        node: (P,) owner.
        offset_um: (P, 2) from the owner's centre, as oriented.
        net_ptr: (E + 1,) offsets into `term`.
        term: (T,) point of each terminal.
        net: (T,) net of each terminal.
        weight: (E,) in the wirelength.
        demand: (E,) in the routing demand.
    """

    node: I64
    offset_um: F64
    net_ptr: I64
    term: I64
    net: I64
    weight: F64
    demand: F64

    def at_um(self, x_um: F64, y_um: F64) -> F64:
        """Return (P, 2) positions for node centres x_um, y_um (N,)."""
        return np.stack([x_um, y_um], axis=1)[self.node] + self.offset_um


def gather_points(problem: Problem, arrays: CostArrays, orient: npt.NDArray[np.uint8]) -> Points:
    """Gather the terminals of `arrays` into points, hard macros being oriented as in `orient` (N,)."""
    cv = problem.canvas
    node = arrays.term_node.astype(np.int64)
    matrix = ORIENT_MATRIX[orient[node]]
    on_hard = arrays.node_kind[node] == NodeKind.HARD
    dx = np.where(on_hard, matrix[:, 0] * arrays.term_dx + matrix[:, 1] * arrays.term_dy, 0.0)
    dy = np.where(on_hard, matrix[:, 2] * arrays.term_dx + matrix[:, 3] * arrays.term_dy, 0.0)
    bins = np.stack(
        [node, np.floor(dx * POINTS_A_CELL / cv.cell_w_um), np.floor(dy * POINTS_A_CELL / cv.cell_h_um)], axis=1
    ).astype(np.int64)
    keys, term = np.unique(bins, axis=0, return_inverse=True)
    term = term.reshape(-1).astype(np.int64)
    count = np.bincount(term)
    offset = np.stack([np.bincount(term, dx) / count, np.bincount(term, dy) / count], axis=1)

    net = np.repeat(np.arange(len(arrays.net_weight)), np.diff(arrays.net_ptr))
    _, first = np.unique(net * len(keys) + term, return_index=True)
    first.sort()  # the order of the file: each net's source stays its first
    return Points(
        node=keys[:, 0],
        offset_um=offset,
        net_ptr=np.searchsorted(net[first], np.arange(len(arrays.net_weight) + 1)),
        term=term[first],
        net=net[first],
        weight=arrays.net_weight,
        demand=arrays.net_demand,
    )


def wire_groups(points: Points) -> list[tuple[I64, F64]]:
    """Return nets of like degree together, those over the same points as one.

    Returns:
        Per group: (D, G) points of its G nets, shorter nets filled up by repeating their first point; (G,) weights.
    """
    degree = np.diff(points.net_ptr)
    out: list[tuple[I64, F64]] = []
    low = 1
    while low < int(degree.max(initial=0)):
        high = low + max(1, low // 3)
        nets = np.flatnonzero((degree > low) & (degree <= high))
        low = high
        if not len(nets):
            continue
        slot = np.arange(high)
        at = points.net_ptr[nets][:, None] + np.where(slot < degree[nets][:, None], slot, 0)
        members = np.sort(points.term[at], axis=1)
        rows, which = np.unique(members, axis=0, return_inverse=True)
        weight = np.bincount(which.reshape(-1), points.weight[nets]).astype(np.float64)
        out.append((np.ascontiguousarray(rows.T), weight))
    return out
