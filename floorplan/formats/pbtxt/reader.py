"""Protobuf-text netlists, as circuit_training reads and writes them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from floorplan.errors import NetlistError, ParseError
from floorplan.files import plain_name, read_bytes_maybe_compressed
from floorplan.formats.collector import collector_paused
from floorplan.formats.grammar import RawNode
from floorplan.formats.pbtxt.build import TYPES, build_netlist
from floorplan.formats.pbtxt.columns import read_columns
from floorplan.formats.pbtxt.scanner import Scan, decode, scan
from floorplan.geometry import Orient
from floorplan.netlist import Netlist, NetlistBuilder, Placement, Side

__all__ = ["METADATA_NODE", "SOFT_PREFIX", "read_netlist"]

METADATA_NODE = "__metadata__"
SOFT_PREFIX = "Grp"
"""A macro so named is a cluster of standard cells (circuit_training's grouper names them Grp_0, Grp_1, ...)."""

_SIDES = {side.name: side for side in Side if side != Side.NONE}
_ORIENTS = {o.name: int(o) for o in Orient}


def read_netlist(path: str | Path) -> tuple[Netlist, Placement]:
    """Read a protobuf-text netlist and the positions that it gives.

    Args:
        path: plain, .gz or .xz file.

    Returns:
        The netlist, called after the file (after its folder, where the file is just `netlist`), and the placement of
        its attributes `x`, `y` and `orientation`: a node without `x` and `y` is not placed.

    Raises:
        ParseError: the file does not make a netlist; it names the line.
    """
    p = Path(path)
    data = read_bytes_maybe_compressed(p)
    with collector_paused():
        columns = read_columns(data, TYPES, list(_ORIENTS), list(_SIDES), METADATA_NODE)
        made = None if columns is None else build_netlist(columns, _netlist_name(p), SOFT_PREFIX)
        if made is not None:
            return made
        # another layout, or a mistake: node by node, by the grammar, with the line of what is wrong
        return _Reader(scan(p, decode(p, data)), _netlist_name(p)).read()


def _netlist_name(path: Path) -> str:
    stem = plain_name(path)
    for suffix in (".txt", ".pb", ".pbtxt"):
        stem = stem.removesuffix(suffix)
    return path.absolute().parent.name if stem == "netlist" else stem


class _Reader:
    """Turns raw nodes into a netlist, one node at a time, and every complaint into a line of the file."""

    def __init__(self, found: Scan, name: str) -> None:
        self._scan = found
        self._builder = NetlistBuilder(name)
        self._pins: set[str] = set()
        self._sources: list[tuple[int, RawNode]] = []
        self._x: list[float] = []
        self._y: list[float] = []
        self._orient: list[int] = []
        self._number = 0

    def read(self) -> tuple[Netlist, Placement]:
        add = {
            "port": self._add_port,
            "macro": self._add_macro,
            "macro_pin": self._add_pin,
            "stdcell": self._add_cell,
        }
        for number, node in enumerate(self._scan.nodes):
            self._number = number
            if node.name == METADATA_NODE:
                self._builder.metadata.extend(node.attrs.items())
                continue
            kind = node.attrs.get("type")
            maker = add.get(kind) or add.get(kind.lower()) if isinstance(kind, str) else None
            if maker is None:
                what = _no(node, "type") if kind is None else f"node {node.name!r} has the unknown type {kind!r}"
                raise self._fault(what, "type")
            if not node.name or "\n" in node.name:
                raise self._fault(f"node name {node.name!r} is empty or holds a line end")
            try:
                maker(node)
            except NetlistError as e:
                raise self._fault(str(e)) from None
        self._add_nets()
        try:
            netlist = self._builder.build()
        except NetlistError as e:
            raise ParseError(self._scan.path, 0, str(e)) from None
        x, y = np.array(self._x), np.array(self._y)
        placed = ~np.isnan(x)
        return netlist, Placement(
            np.where(placed, x, 0.0), np.where(placed, y, 0.0), np.array(self._orient, np.uint8), placed
        )

    def _fault(self, what: str, attr: str | None = None) -> ParseError:
        return self._scan.fault(self._number, what, attr=attr)

    def _number_of(self, node: RawNode, key: str) -> float:
        value = node.attrs[key]
        if not isinstance(value, float):
            raise self._fault(f"{key} of {node.name!r} is {value!r}, not a number", key)
        if not math.isfinite(value):
            raise self._fault(f"{key} of {node.name!r} is {value}, not finite", key)
        return value

    def _size(self, node: RawNode) -> tuple[float, float]:
        out = []
        for key in ("width", "height"):
            if key not in node.attrs:
                raise self._fault(_no(node, key))
            value = self._number_of(node, key)
            if value < 0:
                raise self._fault(f"{key} of {node.name!r} is negative ({value})", key)
            out.append(value)
        return out[0], out[1]

    def _text_of(self, node: RawNode, key: str) -> str:
        value = node.attrs[key]
        if not isinstance(value, str):
            raise self._fault(f"{key} of {node.name!r} is a number, not a string", key)
        return value

    def _place(self, node: RawNode, orient: int = 0) -> None:
        has_x, has_y = "x" in node.attrs, "y" in node.attrs
        if has_x != has_y:
            raise self._fault(f"{node.name!r} has {'x' if has_x else 'y'} but no {'y' if has_x else 'x'}")
        self._x.append(self._number_of(node, "x") if has_x else math.nan)
        self._y.append(self._number_of(node, "y") if has_y else math.nan)
        self._orient.append(orient)

    def _add_port(self, node: RawNode) -> None:
        side = Side.NONE
        if "side" in node.attrs:
            given = self._text_of(node, "side")
            if given.upper() not in _SIDES:
                raise self._fault(f"side of {node.name!r} is {given!r}, not left, bottom, right or top", "side")
            side = _SIDES[given.upper()]
        self._builder.add_port(node.name, side)
        self._place(node)
        self._pins.add(node.name)
        self._add_source(node)

    def _add_cell(self, node: RawNode) -> None:
        self._builder.add_cell(node.name, *self._size(node))
        self._place(node, self._orient_of(node))
        self._pins.add(node.name)
        self._add_source(node)

    def _add_macro(self, node: RawNode) -> None:
        if node.inputs:
            raise self._fault(f"macro {node.name!r} drives {node.inputs[0]!r}; only its pins can")
        self._builder.add_macro(node.name, *self._size(node), soft=node.name.startswith(SOFT_PREFIX))
        self._place(node, self._orient_of(node))

    def _orient_of(self, node: RawNode) -> int:
        if "orientation" not in node.attrs:
            return 0
        given = self._text_of(node, "orientation")
        if given not in _ORIENTS:
            raise self._fault(f"orientation of {node.name!r} is {given!r}", "orientation")
        return _ORIENTS[given]

    def _add_pin(self, node: RawNode) -> None:
        attrs = node.attrs
        if "macro_name" not in attrs:
            raise self._fault(_no(node, "macro_name"))
        dx = self._number_of(node, "x_offset") if "x_offset" in attrs else 0.0
        dy = self._number_of(node, "y_offset") if "y_offset" in attrs else 0.0
        self._builder.add_pin(node.name, self._text_of(node, "macro_name"), dx, dy)
        self._pins.add(node.name)
        self._add_source(node)

    def _add_source(self, node: RawNode) -> None:
        if node.inputs:
            self._sources.append((self._number, node))

    def _add_nets(self) -> None:
        """Add the nets last: a sink may stand anywhere in the file."""
        pins = self._pins
        for number, node in self._sources:
            self._number = number
            if not pins.issuperset(node.inputs):
                at = next(i for i, sink in enumerate(node.inputs) if sink not in pins)
                what = f"{node.name!r} drives {node.inputs[at]!r}, which is no port, macro pin or cell"
                raise self._scan.fault(self._number, what, sink=at)
            weight = 1.0
            if "weight" in node.attrs:
                weight = self._number_of(node, "weight")
                if weight <= 0:
                    raise self._fault(f"weight of {node.name!r} is {weight}; it must be positive", "weight")
            self._builder.add_net(node.name, node.inputs, weight)


def _no(node: RawNode, key: str) -> str:
    return f"node {node.name!r} has no {key}"
