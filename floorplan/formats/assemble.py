"""Tables of nodes and connections to a netlist: the half that every flat format shares."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from floorplan.errors import NetlistError
from floorplan.netlist import Netlist, NodeKind, Side

__all__ = ["Connections", "NameClashError", "NodeTable", "assemble"]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

log = logging.getLogger(__name__)


class NameClashError(NetlistError):
    """A node bears the name of a macro's pin, or two pins share it.

    Attributes:
        name: the name.
        owner: the macro whose pin came later.
    """

    def __init__(self, name: str, owner: int) -> None:
        self.name = name
        self.owner = owner
        super().__init__(f"{name!r} is the name of a macro's pin, too")


@dataclass(frozen=True)
class NodeTable:
    """N nodes in file order; sizes of ports are passed over.

    Attributes:
        name: (N,) unique names.
        kind: (N,) uint8 of `NodeKind`.
        w_um: (N,) width in orientation N.
        h_um: (N,) height in orientation N.
        side: (N,) uint8 of `Side`, None where no port declares one.
    """

    name: Sequence[str]
    kind: npt.NDArray[np.uint8]
    w_um: F64
    h_um: F64
    side: npt.NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Connections:
    """C connections of E nets, by net and within it in file order.

    Attributes:
        begin: (E + 1,) where each net begins among the connections.
        node: (C,) node ids.
        out: (C,) bool, whether the pin drives the net.
        dx_um: (C,) offset from the node's centre in orientation N; passed over where the node is no macro.
        dy_um: (C,) likewise.
        pin_name: (C,) names of the macros' pins (others are passed over); None calls them `node/0`, `node/1`, ...
    """

    begin: I64
    node: I64
    out: npt.NDArray[np.bool_]
    dx_um: F64
    dy_um: F64
    pin_name: Sequence[str] | None = None


def assemble(
    name: str,
    nodes: NodeTable,
    joins: Connections,
    net_weight: F64 | None = None,
    metadata: Sequence[tuple[str, float | str]] = (),
) -> Netlist:
    """Return the netlist of the tables.

    Each connection of a macro is a pin of its own; any other node is its own single pin, at its centre, so it counts
    once in a net. A net's source is its first connection that drives it, or its first one where none does. Nets that
    reach one pin only are left out and counted in the log. A port or cell may be the source of several nets.

    Raises:
        NameClashError: the name of a macro's pin is taken.
        NetlistError: there is no node, or a size or offset is not finite.
    """
    n = len(nodes.name)
    if not n:
        raise NetlistError("netlist has no node")
    kind = nodes.kind
    pin_name, pins, pin_of = _pins(nodes, joins)
    degree = np.diff(joins.begin)
    of_net = np.repeat(np.arange(len(degree)), degree)
    keep, ptr = _terminals(of_net, pin_of, joins.out, len(degree))
    used = np.diff(ptr) > 1
    if not used.all():
        log.info("%s: %d nets reach one pin only and are left out", name, int((~used).sum()))
        keep = keep[np.repeat(used, np.diff(ptr))]
    weight = np.ones(len(degree)) if net_weight is None else net_weight
    is_port = kind == NodeKind.PORT
    arrays: dict[str, npt.NDArray[Any]] = {
        "node_kind": kind.astype(np.uint8),
        "node_w_um": np.where(is_port, 0.0, nodes.w_um),
        "node_h_um": np.where(is_port, 0.0, nodes.h_um),
        "node_side": np.full(n, Side.NONE, np.uint8) if nodes.side is None else nodes.side.astype(np.uint8),
        "net_ptr": np.concatenate([[0], np.cumsum(np.diff(ptr)[used])]).astype(np.int32),
        "net_pin": pin_of[keep].astype(np.int32),
        "net_weight": weight[used].astype(np.float64),
    } | pins
    for key, a in arrays.items():
        if not np.isfinite(a).all():
            raise NetlistError(f"{key} is out of range")
        a.flags.writeable = False
    return Netlist(name=name, node_name=tuple(nodes.name), pin_name=tuple(pin_name), metadata=tuple(metadata), **arrays)


def _pins(nodes: NodeTable, joins: Connections) -> tuple[list[str], dict[str, npt.NDArray[Any]], I64]:
    """Return the pins' names, what the netlist says of them, and the pin of each connection."""
    has_pins = (nodes.kind == NodeKind.HARD) | (nodes.kind == NodeKind.SOFT)
    owner = joins.node

    # pins: the connections of each macro in file order, the one pin of every other node
    mine = np.flatnonzero(has_pins[owner])
    mine = mine[np.argsort(owner[mine], kind="stable")]
    count = np.where(has_pins, np.bincount(owner[mine], minlength=len(has_pins)), 1)
    first = np.concatenate([[0], np.cumsum(count)])
    pin_node = np.repeat(np.arange(len(has_pins)), count)
    pin_of = first[owner].astype(np.int64)
    of_macro = np.flatnonzero(has_pins[pin_node])
    pin_of[mine] = of_macro
    dx, dy = np.zeros(len(pin_node)), np.zeros(len(pin_node))
    dx[of_macro] = joins.dx_um[mine]
    dy[of_macro] = joins.dy_um[mine]

    # a macro takes a number before those of its pins, any other node shares its pin's
    span = np.where(has_pins, count + 1, 1)
    node_index = np.concatenate([[0], np.cumsum(span)])[:-1]
    rank = np.arange(len(pin_node)) - first[pin_node]
    pin_index = node_index[pin_node] + np.where(has_pins[pin_node], rank + 1, 0)
    pins: dict[str, npt.NDArray[Any]] = {
        "node_index": node_index.astype(np.int32),
        "pin_node": pin_node.astype(np.int32),
        "pin_dx_um": dx,
        "pin_dy_um": dy,
        "pin_index": pin_index.astype(np.int32),
    }
    return _pin_names(nodes, joins, pin_node, of_macro, mine, rank), pins, pin_of


def _pin_names(nodes: NodeTable, joins: Connections, pin_node: I64, of_macro: I64, mine: I64, rank: I64) -> list[str]:
    names = [nodes.name[i] for i in pin_node.tolist()]
    pins, owners = of_macro.tolist(), pin_node[of_macro].tolist()
    if joins.pin_name is None:
        for pin, k in zip(pins, rank[of_macro].tolist(), strict=True):
            names[pin] = f"{names[pin]}/{k}"
    else:
        for pin, join in zip(pins, mine.tolist(), strict=True):
            names[pin] = joins.pin_name[join]
    seen = set(nodes.name)
    for pin, owner in zip(pins, owners, strict=True):
        if names[pin] in seen:
            raise NameClashError(names[pin], owner)
        seen.add(names[pin])
    return names


def _terminals(of_net: I64, pin: I64, out: npt.NDArray[np.bool_], num_nets: int) -> tuple[I64, I64]:
    """Return the connections by net with the source first and each pin once, and where each net begins among them."""
    order = np.lexsort((np.arange(len(pin)), ~out, of_net))
    head = np.concatenate([[True], np.diff(of_net[order]) != 0]) if len(order) else np.zeros(0, np.bool_)
    source = order[head]
    place = np.arange(len(pin))
    place[source] = -1  # the source leads, all others keep the order of the file
    order = np.lexsort((place, of_net))
    _, first = np.unique(of_net[order] * (int(pin.max(initial=0)) + 1) + pin[order], return_index=True)
    keep = order[np.sort(first)]
    ptr = np.concatenate([[0], np.cumsum(np.bincount(of_net[keep], minlength=num_nets))])
    return keep, ptr.astype(np.int64)
