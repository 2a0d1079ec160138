"""Writes netlists in the layout of circuit_training's own files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from floorplan.errors import NetlistError, ProblemError
from floorplan.files import write_bytes_by_suffix
from floorplan.formats.pbtxt.reader import METADATA_NODE, SOFT_PREFIX
from floorplan.geometry import Orient, oriented_offsets_um
from floorplan.netlist import Netlist, NodeKind, Placement, Side

__all__ = ["netlist_text", "write_netlist"]

_TYPES = {
    NodeKind.HARD: "MACRO",
    NodeKind.SOFT: "macro",  # the case in which circuit_training's grouper writes what it makes
    NodeKind.PORT: "PORT",
    NodeKind.CELL: "STDCELL",
}
_PIN_TYPES = {NodeKind.HARD: "MACRO_PIN", NodeKind.SOFT: "macro_pin"}
_FLAT_ORDER = (
    "ref_name",
    "width",
    "height",
    "macro_name",
    "type",
    "side",
    "x_offset",
    "y_offset",
    "x",
    "y",
    "orientation",
    "weight",
)
"""Attributes of netlists with standard cells, in the order of TILOS's, which write all types in lower case."""


def write_netlist(
    path: str | Path, netlist: Netlist, placement: Placement | None = None, master: Sequence[str] = ()
) -> None:
    """Write a netlist, and the positions of its placed nodes, so that reading gives the same content hash and doubles.

    Nodes and pins keep their numbers, on which .plc files depend. The format numbers nets by their source pins: nets
    added in another order come back in that one, with another hash. A netlist with standard cells is laid out as the
    flat ones of the TILOS benchmarks, any other as circuit_training does it.

    Args:
        path: file to write, compressed by its suffix.
        netlist: any.
        placement: (N,) nodes; None writes no positions.
        master: (N,) library cells, "" where there is none, for the attribute `ref_name`; () writes none.

    Raises:
        NetlistError: a macro is hard but named as soft macros are, or the other way round, a net has no sink, a pin is
            the source of two nets, or a name is empty, holds a line end or is that of the metadata; the format cannot
            say so.
        ProblemError: the placement or `master` is of another length.
        OSError: the file cannot be written.
    """
    write_bytes_by_suffix(path, netlist_text(netlist, placement, master).encode())


def netlist_text(netlist: Netlist, placement: Placement | None = None, master: Sequence[str] = ()) -> str:
    """Return what `write_netlist` writes; it raises the same errors."""
    placement = Placement.empty(netlist.num_nodes) if placement is None else placement
    if len(placement) != netlist.num_nodes:
        raise ProblemError(f"placement has {len(placement)} nodes, the netlist {netlist.num_nodes}")
    if len(master) not in (0, netlist.num_nodes):
        raise ProblemError(f"{len(master)} masters given for {netlist.num_nodes} nodes")
    return "".join(_Writer(netlist, placement, master).nodes())


class _Writer:
    def __init__(self, netlist: Netlist, placement: Placement, master: Sequence[str]) -> None:
        self._netlist = netlist
        self._placement = placement
        self._master = master
        self._flat = bool((netlist.node_kind == NodeKind.CELL).any())
        self._driven: dict[int, list[int]] = {}
        self._weight: dict[int, float] = {}
        for e, weight in enumerate(netlist.net_weight.tolist()):
            pins = netlist.net_pin[netlist.net_ptr[e] : netlist.net_ptr[e + 1]].tolist()
            if len(pins) < 2:
                raise NetlistError(f"net of {netlist.pin_name[pins[0]]!r} has no sink; the format cannot say so")
            if pins[0] in self._driven:
                raise NetlistError(f"{netlist.pin_name[pins[0]]!r} is the source of two nets; the format cannot say so")
            self._driven[pins[0]] = pins[1:]
            self._weight[pins[0]] = weight
        owner = netlist.pin_node
        dx, dy = oriented_offsets_um(netlist.pin_dx_um, netlist.pin_dy_um, placement.orient[owner])
        soft = netlist.node_kind[owner] == NodeKind.SOFT
        # a pin's own x and y only repeat centre + offset, and stand in single precision, as in circuit_training's files
        self._pin_x = placement.x_um[owner].astype(np.float32) + np.where(soft, 0.0, dx).astype(np.float32)
        self._pin_y = placement.y_um[owner].astype(np.float32) + np.where(soft, 0.0, dy).astype(np.float32)

    def nodes(self) -> list[str]:
        """Return the text of every node, in the order of their numbers."""
        nl = self._netlist
        for name in (*nl.node_name, *nl.pin_name):
            if name == METADATA_NODE:
                raise NetlistError(f"a file cannot hold a node called {name!r}")
        out = [_node(METADATA_NODE, [], dict(nl.metadata))] if nl.metadata else []
        numbered: list[tuple[int, str]] = []
        own_pin: dict[int, int] = {}
        for pin, (owner, index) in enumerate(zip(nl.pin_node.tolist(), nl.pin_index.tolist(), strict=True)):
            if nl.node_kind[owner] in _PIN_TYPES:
                numbered.append((index, self._pin(pin, owner)))
            else:
                own_pin[owner] = pin
        for node, index in enumerate(nl.node_index.tolist()):
            numbered.append((index, self._node(node, own_pin.get(node))))
        numbered.sort(key=lambda entry: entry[0])
        return out + [text for _, text in numbered]

    def _node(self, node: int, own_pin: int | None) -> str:
        nl, pl = self._netlist, self._placement
        name, kind = nl.node_name[node], NodeKind(nl.node_kind[node])
        attrs: dict[str, float | str] = {"type": _TYPES[kind]}
        if kind == NodeKind.PORT:
            if nl.node_side[node] != Side.NONE:
                attrs["side"] = Side(nl.node_side[node]).name
        else:
            attrs["width"], attrs["height"] = float(nl.node_w_um[node]), float(nl.node_h_um[node])
        if kind in _PIN_TYPES and (kind == NodeKind.SOFT) != name.startswith(SOFT_PREFIX):
            raise NetlistError(
                f"{name!r} is a {kind.name.lower()} macro; in a file, only soft ones begin with {SOFT_PREFIX}"
            )
        if kind == NodeKind.HARD or (kind != NodeKind.PORT and pl.orient[node] != Orient.N):
            attrs["orientation"] = Orient(pl.orient[node]).name
        if pl.placed[node]:
            attrs["x"], attrs["y"] = float(pl.x_um[node]), float(pl.y_um[node])
        if self._master and self._master[node]:
            attrs["ref_name"] = self._master[node]
        return _node(name, self._sinks(own_pin, attrs), self._laid_out(attrs))

    def _laid_out(self, attrs: dict[str, float | str]) -> dict[str, float | str]:
        if not self._flat:
            return dict(sorted(attrs.items()))
        attrs["type"] = str(attrs["type"]).lower()
        return {key: attrs[key] for key in _FLAT_ORDER if key in attrs}

    def _pin(self, pin: int, owner: int) -> str:
        nl = self._netlist
        attrs: dict[str, float | str] = {
            "macro_name": nl.node_name[owner],
            "type": _PIN_TYPES[NodeKind(nl.node_kind[owner])],
            "x_offset": float(nl.pin_dx_um[pin]),
            "y_offset": float(nl.pin_dy_um[pin]),
        }
        if self._placement.placed[owner]:
            attrs["x"], attrs["y"] = float(str(self._pin_x[pin])), float(str(self._pin_y[pin]))
        return _node(nl.pin_name[pin], self._sinks(pin, attrs), self._laid_out(attrs))

    def _sinks(self, pin: int | None, attrs: dict[str, float | str]) -> list[str]:
        if pin is None or pin not in self._driven:
            return []
        if self._weight[pin] != 1.0:
            attrs["weight"] = self._weight[pin]
        return [self._netlist.pin_name[sink] for sink in self._driven[pin]]


def _node(name: str, inputs: list[str], attrs: dict[str, float | str]) -> str:
    lines = [f"node {{\n  name: {_quoted(name)}\n"]
    lines += [f"  input: {_quoted(sink)}\n" for sink in inputs]
    for key, value in attrs.items():
        text = f"placeholder: {_quoted(value)}" if isinstance(value, str) else f"f: {value!r}"
        lines.append(f"  attr {{\n    key: {_quoted(key)}\n    value {{\n      {text}\n    }}\n  }}\n")
    lines.append("}\n")
    return "".join(lines)


def _quoted(text: str) -> str:
    if '"' not in text and "\\" not in text and text.isprintable():
        return f'"{text}"'
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return '"' + "".join(c if c.isprintable() else "".join(f"\\{b:03o}" for b in c.encode()) for c in escaped) + '"'
