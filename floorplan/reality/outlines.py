"""The rectangles of macros as they stand."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from floorplan.geometry import oriented_size_um
from floorplan.netlist import Netlist, Placement

__all__ = ["Outlines", "outlines"]

F64 = npt.NDArray[np.float64]


class Outlines(NamedTuple):
    """Rectangles of K nodes.

    Attributes:
        node: (K,) node ids.
        x0: (K,) left edge in um.
        y0: (K,) bottom edge.
        x1: (K,) right edge.
        y1: (K,) top edge.
    """

    node: npt.NDArray[np.int32]
    x0: F64
    y0: F64
    x1: F64
    y1: F64


def outlines(netlist: Netlist, placement: Placement, nodes: npt.NDArray[np.int32]) -> Outlines:
    """Return the rectangles of `nodes`, (K,), their orientations applied."""
    w, h = oriented_size_um(netlist.node_w_um[nodes], netlist.node_h_um[nodes], placement.orient[nodes])
    x0, y0 = placement.x_um[nodes] - w / 2, placement.y_um[nodes] - h / 2
    return Outlines(nodes, x0, y0, x0 + w, y0 + h)
