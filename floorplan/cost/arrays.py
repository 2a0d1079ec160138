"""A netlist laid out for kernels: one flat list of net terminals, and which nets each node is on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from floorplan.errors import ProblemError
from floorplan.netlist import Netlist, NodeKind

__all__ = ["CostArrays", "build_arrays"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]


class CostArrays(NamedTuple):
    """Static inputs of the cost kernels.

    Attributes:
        term_node: (T,) node of each terminal, net by net, the source first.
        term_dx: (T,) um from the node's centre in orientation N; 0 for ports and soft macros.
        term_dy: (T,) likewise.
        net_ptr: (E + 1,) offsets into the terminals.
        net_weight: (E,) weight in the wirelength.
        net_demand: (E,) weight in the routing demand: the weight if above 1, else 1.
        node_w: (N,) um as costed (square soft macros if so chosen).
        node_h: (N,) um likewise.
        node_kind: (N,) uint8 of NodeKind.
        node_net_ptr: (N + 1,) offsets into node_net.
        node_net: distinct nets of each node, rising.
    """

    term_node: I32
    term_dx: F64
    term_dy: F64
    net_ptr: I32
    net_weight: F64
    net_demand: F64
    node_w: F64
    node_h: F64
    node_kind: npt.NDArray[np.uint8]
    node_net_ptr: I32
    node_net: I32


def build_arrays(netlist: Netlist, *, square_soft: bool = False) -> CostArrays:
    """Lay a netlist out for the kernels.

    Raises:
        ProblemError: the netlist has no net, so that no wirelength is defined.
    """
    if netlist.num_nets == 0:
        raise ProblemError(f"netlist {netlist.name!r} has no net: its cost is not defined")
    term_node = netlist.pin_node[netlist.net_pin]
    on_hard = netlist.node_kind[term_node] == NodeKind.HARD
    term_dx = np.where(on_hard, netlist.pin_dx_um[netlist.net_pin], 0.0)
    term_dy = np.where(on_hard, netlist.pin_dy_um[netlist.net_pin], 0.0)
    w, h = netlist.node_w_um.copy(), netlist.node_h_um.copy()
    if square_soft:
        side = np.sqrt(w[netlist.soft] * h[netlist.soft])
        w[netlist.soft] = side
        h[netlist.soft] = side
    net_of_term = np.repeat(np.arange(netlist.num_nets, dtype=np.int64), np.diff(netlist.net_ptr))
    pairs = np.sort(term_node.astype(np.int64) * netlist.num_nets + net_of_term)  # np.unique takes ten times as long
    pairs = pairs[np.diff(pairs, prepend=-1) != 0]
    node_of_pair = pairs // netlist.num_nets
    node_net_ptr = np.searchsorted(node_of_pair, np.arange(netlist.num_nodes + 1)).astype(np.int32)
    arrays = CostArrays(
        term_node=np.ascontiguousarray(term_node, np.int32),
        term_dx=term_dx,
        term_dy=term_dy,
        net_ptr=np.ascontiguousarray(netlist.net_ptr),
        net_weight=np.ascontiguousarray(netlist.net_weight),
        net_demand=np.where(netlist.net_weight > 1, netlist.net_weight, 1.0),
        node_w=w,
        node_h=h,
        node_kind=np.ascontiguousarray(netlist.node_kind),
        node_net_ptr=node_net_ptr,
        node_net=(pairs % netlist.num_nets).astype(np.int32),
    )
    for a in arrays:
        a.flags.writeable = False
    return arrays
