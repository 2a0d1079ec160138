"""The one way to make a `Netlist`: add nodes, pins and nets, then freeze with every rule checked."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from floorplan.errors import NetlistError
from floorplan.netlist.model import Netlist, NodeKind, Side

__all__ = ["NetlistBuilder"]


class NetlistBuilder:
    """Collects a netlist in file order and validates it on `build`.

    Nodes and pins are numbered in the order they are added (a port counts once), which is the order that .plc files
    count in. Nets may name pins that are added later.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._node: dict[str, int] = {}
        self._kind: list[int] = []
        self._w: list[float] = []
        self._h: list[float] = []
        self._side: list[int] = []
        self._index: list[int] = []
        self._pin: dict[str, int] = {}
        self._pin_node: list[int] = []
        self._dx: list[float] = []
        self._dy: list[float] = []
        self._pin_index: list[int] = []
        self._nets: list[tuple[str, list[str], float]] = []
        self._count = 0
        self.metadata: list[tuple[str, float | str]] = []

    def add_macro(self, name: str, w_um: float, h_um: float, *, soft: bool = False) -> int:
        """Add a hard (or soft) macro and return its node id."""
        return self._add_node(name, NodeKind.SOFT if soft else NodeKind.HARD, w_um, h_um, Side.NONE)

    def add_port(self, name: str, side: Side = Side.NONE) -> int:
        """Add a port, which is its own pin, and return its node id."""
        return self._add_self_pin(name, NodeKind.PORT, 0.0, 0.0, side)

    def add_cell(self, name: str, w_um: float, h_um: float) -> int:
        """Add a standard cell, which is its own pin, and return its node id."""
        return self._add_self_pin(name, NodeKind.CELL, w_um, h_um, Side.NONE)

    def add_pin(self, name: str, owner: str, dx_um: float = 0.0, dy_um: float = 0.0) -> int:
        """Add a pin of a macro that was added before, offset from its centre in orientation N; return its pin id."""
        node = self._node.get(owner)
        if node is None or self._kind[node] not in (NodeKind.HARD, NodeKind.SOFT):
            raise NetlistError(f"pin {name!r} belongs to {owner!r}, which is not a macro")
        if not (math.isfinite(dx_um) and math.isfinite(dy_um)):
            raise NetlistError(f"pin {name!r} has an offset that is not finite")
        pin = self._add_pin(name, node, dx_um, dy_um)
        self._count += 1
        return pin

    def add_net(self, source: str, sinks: list[str], weight: float = 1.0) -> None:
        """Add a net from pin `source` to pins `sinks` (names; ports by their own name)."""
        if not (math.isfinite(weight) and weight > 0):
            raise NetlistError(f"net of {source!r} has weight {weight}; it must be positive")
        self._nets.append((source, sinks, weight))

    def build(self) -> Netlist:
        """Validate and freeze.

        Raises:
            NetlistError: a net names a pin that does not exist, a pin drives two nets, or there is no node.
        """
        if not self._kind:
            raise NetlistError("netlist has no node")
        ptr = np.zeros(len(self._nets) + 1, np.int32)
        terminals: list[int] = []
        sources: set[str] = set()
        for e, (source, sinks, _) in enumerate(self._nets):
            if source in sources:
                raise NetlistError(f"pin {source!r} is the source of two nets")
            sources.add(source)
            for name in (source, *sinks):
                pin = self._pin.get(name)
                if pin is None:
                    raise NetlistError(f"net of {source!r} names pin {name!r}, which does not exist")
                terminals.append(pin)
            ptr[e + 1] = len(terminals)
        arrays: dict[str, npt.NDArray[Any]] = {
            "node_kind": np.array(self._kind, np.uint8),
            "node_w_um": np.array(self._w, np.float64),
            "node_h_um": np.array(self._h, np.float64),
            "node_side": np.array(self._side, np.uint8),
            "node_index": np.array(self._index, np.int32),
            "pin_node": np.array(self._pin_node, np.int32),
            "pin_dx_um": np.array(self._dx, np.float64),
            "pin_dy_um": np.array(self._dy, np.float64),
            "pin_index": np.array(self._pin_index, np.int32),
            "net_ptr": ptr,
            "net_pin": np.array(terminals, np.int32),
            "net_weight": np.array([w for _, _, w in self._nets], np.float64),
        }
        for a in arrays.values():
            a.flags.writeable = False
        return Netlist(
            name=self.name,
            node_name=tuple(self._node),
            pin_name=tuple(self._pin),
            metadata=tuple(self.metadata),
            **arrays,
        )

    def _add_node(self, name: str, kind: NodeKind, w_um: float, h_um: float, side: Side) -> int:
        _check_name(name)
        if name in self._node or name in self._pin:
            raise NetlistError(f"name {name!r} is used twice")
        for what, value in (("width", w_um), ("height", h_um)):
            if not (math.isfinite(value) and value >= 0) or (value == 0 and kind == NodeKind.HARD):
                raise NetlistError(f"{name!r} has {what} {value}")
        node = len(self._kind)
        self._node[name] = node
        self._kind.append(int(kind))
        self._w.append(w_um)
        self._h.append(h_um)
        self._side.append(int(side))
        self._index.append(self._count)
        self._count += 1
        return node

    def _add_self_pin(self, name: str, kind: NodeKind, w_um: float, h_um: float, side: Side) -> int:
        node = self._add_node(name, kind, w_um, h_um, side)
        self._count -= 1
        self._add_pin(name, node, 0.0, 0.0)
        self._count += 1
        return node

    def _add_pin(self, name: str, node: int, dx_um: float, dy_um: float) -> int:
        _check_name(name)
        if name in self._pin or (name in self._node and self._node[name] != node):
            raise NetlistError(f"name {name!r} is used twice")
        pin = len(self._pin_node)
        self._pin[name] = pin
        self._pin_node.append(node)
        self._dx.append(dx_um)
        self._dy.append(dy_um)
        self._pin_index.append(self._count)
        return pin


def _check_name(name: str) -> None:
    # The content hash joins names by line ends, so a name that holds one could hide as two.
    if not name or "\n" in name:
        raise NetlistError(f"{name!r} is not a name: it must not be empty or hold a line end")
