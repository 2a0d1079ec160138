"""Rectilinear Steiner wirelength of every net."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from floorplan.cost import build_arrays
from floorplan.geometry import oriented_offsets_um
from floorplan.netlist import Netlist, Placement
from floorplan.reality.kernels.exact_tree import EXACT_POINTS
from floorplan.reality.kernels.trees import net_trees

__all__ = ["NetTrees", "SteinerReport", "check_steiner", "steiner_trees", "terminals_um", "trees_of_points"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class NetTrees:
    """A Steiner tree for each of E nets.

    Attributes:
        points: (E,) distinct points of the net.
        hpwl: (E,) half-perimeter.
        length: (E,) length of the tree: shortest possible up to 8 points, above that a refined spanning tree.
        spanning: (E,) length of a minimum spanning tree.
        segment: (S, 4) x0, y0, x1, y1; a segment's length is the Manhattan distance of its ends.
        segment_ptr: (E + 1,) offsets into segment.
    """

    points: I32
    hpwl: F64
    length: F64
    spanning: F64
    segment: F64
    segment_ptr: I32


@dataclass(frozen=True)
class SteinerReport:
    """Weighted wirelength by three measures.

    Attributes:
        hpwl_um: sum(weight * half-perimeter).
        rsmt_um: sum(weight * Steiner tree).
        spanning_um: sum(weight * minimum spanning tree).
        ratio: rsmt_um / hpwl_um, 1 if both are 0.
        exact_share: share of the nets whose tree is certainly shortest.
    """

    hpwl_um: float
    rsmt_um: float
    spanning_um: float
    ratio: float
    exact_share: float


def check_steiner(netlist: Netlist, placement: Placement) -> SteinerReport:
    """Measure a placement by Steiner trees; pins stand where the cost has them, those of soft macros at the centre."""
    trees, weight = steiner_trees(netlist, placement), netlist.net_weight
    hpwl, rsmt = float(weight @ trees.hpwl), float(weight @ trees.length)
    return SteinerReport(
        hpwl_um=hpwl,
        rsmt_um=rsmt,
        spanning_um=float(weight @ trees.spanning),
        ratio=rsmt / hpwl if hpwl > 0 else 1.0,
        exact_share=float((trees.points <= EXACT_POINTS).mean()),
    )


def steiner_trees(netlist: Netlist, placement: Placement) -> NetTrees:
    """Return a Steiner tree in um for every net of a placement of all nodes.

    Raises:
        ProblemError: the netlist has no net.
    """
    x, y = terminals_um(netlist, placement)
    return trees_of_points(netlist.net_ptr, x, y)


def terminals_um(netlist: Netlist, placement: Placement) -> tuple[F64, F64]:
    """Return the positions of all net terminals, (T,) each, as the cost has them."""
    a = build_arrays(netlist)
    dx, dy = oriented_offsets_um(a.term_dx, a.term_dy, placement.orient[a.term_node])
    return placement.x_um[a.term_node] + dx, placement.y_um[a.term_node] + dy


def trees_of_points(ptr: npt.NDArray[np.integer], x: F64, y: F64) -> NetTrees:
    """Return a Steiner tree for each group of points x[ptr[e]:ptr[e + 1]], whatever their order and repetitions.

    Args:
        ptr: (E + 1,) rising offsets, no group empty.
        x: (T,) finite.
        y: (T,) finite.
    """
    nets = len(ptr) - 1
    net = np.repeat(np.arange(nets), np.diff(ptr))
    order = np.lexsort((y, x, net))
    net, sx, sy = net[order], x[order], y[order]
    new = np.ones(len(net), np.bool_)
    new[1:] = (np.diff(net) != 0) | (np.diff(sx) != 0) | (np.diff(sy) != 0)
    net, sx, sy = net[new], np.ascontiguousarray(sx[new]), np.ascontiguousarray(sy[new])
    point_ptr = np.searchsorted(net, np.arange(nets + 1)).astype(np.int32)
    length, spanning = np.empty(nets), np.empty(nets)
    segment, segment_ptr = np.empty((2 * len(net), 4)), np.empty(nets + 1, np.int32)
    net_trees(point_ptr, sx, sy, length, spanning, segment, segment_ptr)
    at = point_ptr[:-1]
    hpwl = np.maximum.reduceat(sx, at) - np.minimum.reduceat(sx, at)
    hpwl += np.maximum.reduceat(sy, at) - np.minimum.reduceat(sy, at)
    return NetTrees(
        np.diff(point_ptr).astype(np.int32), hpwl, length, spanning, segment[: segment_ptr[-1]].copy(), segment_ptr
    )
