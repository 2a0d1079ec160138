"""The netlist: what is to be placed and what is connected, as frozen arrays."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from floorplan.showable import Showable

if TYPE_CHECKING:
    import networkx as nx
    from torch_geometric.data import Data

__all__ = ["Netlist", "NodeKind", "Side"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
U8 = npt.NDArray[np.uint8]


class NodeKind(IntEnum):
    """What a node is; CELL is a standard cell of an unclustered netlist, costed like a soft macro."""

    HARD = 0
    SOFT = 1
    PORT = 2
    CELL = 3


class Side(IntEnum):
    """The canvas edge that a port declares itself on."""

    NONE = 0
    LEFT = 1
    BOTTOM = 2
    RIGHT = 3
    TOP = 4


@dataclass(frozen=True, eq=False)
class Netlist(Showable):
    """A weighted directed hypergraph of nodes (macros, ports), pins and nets.

    All arrays are read-only. N nodes, P pins, E nets, T = len(net_pin) terminals. Nodes and pins keep the order of the
    file they came from. A port (and a CELL) has exactly one pin, of its own name, at offset (0, 0).

    Attributes:
        name: what to call it; not part of the hash.
        node_name: (N,) unique names.
        node_kind: (N,) uint8 of `NodeKind`.
        node_w_um: (N,) width in orientation N; 0 for ports.
        node_h_um: (N,) height in orientation N; 0 for ports.
        node_side: (N,) uint8 of `Side`.
        node_index: (N,) int32, strictly rising: the node's number among all nodes and pins in file order, which is
            what a .plc file counts.
        pin_name: (P,) unique names.
        pin_node: (P,) int32 owner.
        pin_dx_um: (P,) offset from the owner's centre in orientation N.
        pin_dy_um: (P,) likewise.
        pin_index: (P,) int32, strictly rising: number in file order (of the owner itself for a port).
        net_ptr: (E + 1,) int32 offsets into net_pin.
        net_pin: (T,) int32; the first pin of each net is its source, the others its sinks.
        net_weight: (E,) > 0.
        metadata: key and value of the file's `__metadata__` node; not part of the hash.
    """

    name: str
    node_name: tuple[str, ...]
    node_kind: U8
    node_w_um: F64
    node_h_um: F64
    node_side: U8
    node_index: I32
    pin_name: tuple[str, ...]
    pin_node: I32
    pin_dx_um: F64
    pin_dy_um: F64
    pin_index: I32
    net_ptr: I32
    net_pin: I32
    net_weight: F64
    metadata: tuple[tuple[str, float | str], ...] = field(default=())

    @property
    def num_nodes(self) -> int:
        """N."""
        return len(self.node_name)

    @property
    def num_pins(self) -> int:
        """P, the pins of ports counted."""
        return len(self.pin_name)

    @property
    def num_nets(self) -> int:
        """E."""
        return len(self.net_weight)

    @cached_property
    def hard(self) -> I32:
        """(H,) node ids of the hard macros, in file order."""
        return self._of_kind(NodeKind.HARD)

    @cached_property
    def soft(self) -> I32:
        """(S,) node ids of soft macros and standard cells, in file order."""
        ids = np.flatnonzero((self.node_kind == NodeKind.SOFT) | (self.node_kind == NodeKind.CELL))
        return _frozen(ids.astype(np.int32))

    @cached_property
    def ports(self) -> I32:
        """Node ids of the ports, in file order."""
        return self._of_kind(NodeKind.PORT)

    def _of_kind(self, kind: NodeKind) -> I32:
        return _frozen(np.flatnonzero(self.node_kind == kind).astype(np.int32))

    @cached_property
    def node_id(self) -> dict[str, int]:
        """Name -> node id."""
        return {name: i for i, name in enumerate(self.node_name)}

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 (hex) of everything that a cost can depend on: nodes, sizes, pins, nets, weights, in file order."""
        h = hashlib.sha256(b"floorplan-netlist-1\0")
        for names in (self.node_name, self.pin_name):
            h.update("\n".join(names).encode())
            h.update(b"\0")
        for a in (
            self.node_kind,
            self.node_w_um,
            self.node_h_um,
            self.pin_node,
            self.pin_dx_um,
            self.pin_dy_um,
            self.net_ptr,
            self.net_pin,
            self.net_weight,
        ):
            h.update(np.ascontiguousarray(a).astype(a.dtype.newbyteorder("<")).tobytes())
        return h.hexdigest()

    def to_networkx(self) -> nx.MultiDiGraph:
        """Return a graph with one edge from a net's source node to each sink's node.

        Node attributes: kind, w_um, h_um. Edge attributes: net (id), weight, source_pin, sink_pin (names).
        """
        import networkx as nx

        g = nx.MultiDiGraph(name=self.name, netlist_hash=self.content_hash)
        for i, name in enumerate(self.node_name):
            g.add_node(
                name,
                kind=NodeKind(self.node_kind[i]).name.lower(),
                w_um=float(self.node_w_um[i]),
                h_um=float(self.node_h_um[i]),
            )
        for e in range(self.num_nets):
            pins = self.net_pin[self.net_ptr[e] : self.net_ptr[e + 1]]
            source = int(pins[0])
            for sink in pins[1:].tolist():
                g.add_edge(
                    self.node_name[self.pin_node[source]],
                    self.node_name[self.pin_node[sink]],
                    net=e,
                    weight=float(self.net_weight[e]),
                    source_pin=self.pin_name[source],
                    sink_pin=self.pin_name[sink],
                )
        return g

    def to_pyg(self) -> Data:
        """Return the netlist as torch-geometric `Data`; see `floorplan.env.tensors.to_pyg` for its fields."""
        # By name: the adapter is the one module that knows torch, and lies above this one.
        data: Data = import_module("floorplan.env.tensors").to_pyg(self)
        return data

    def __repr__(self) -> str:
        return (
            f"Netlist({self.name!r}, {len(self.hard)} hard, {len(self.soft)} soft, {len(self.ports)} ports, "
            f"{self.num_pins} pins, {self.num_nets} nets, {self.content_hash[:12]})"
        )


def _frozen(a: I32) -> I32:
    a.flags.writeable = False
    return a
