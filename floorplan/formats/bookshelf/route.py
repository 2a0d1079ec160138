"""What newer Bookshelf designs (ISPD 2011, DAC and ICCAD 2012) add: routing supply (.route), odd outlines (.shapes)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from floorplan.errors import ParseError
from floorplan.formats.bookshelf.lines import LEAST_LENGTH, SHOWN, Body, number_of
from floorplan.formats.bookshelf.tables import Nodes

__all__ = ["Route", "read_route", "read_shapes"]

F64 = npt.NDArray[np.float64]

_LISTS = ("VerticalCapacity", "HorizontalCapacity", "MinWireWidth", "MinWireSpacing", "ViaSpacing")
_KEYS = {"Grid": 3, "GridOrigin": 2, "TileSize": 2, "BlockagePorosity": 1}
_MAX_LAYERS = 99


@dataclass
class Route:
    """The routing grid of .route.

    Attributes:
        values: numbers of each key; lists have one for each layer.
        blocked: node and its blocked layers, counted from 0.
    """

    values: dict[str, list[float]] = field(default_factory=dict)
    blocked: list[tuple[int, list[int]]] = field(default_factory=list)

    def tracks(self, macro_area: F64) -> tuple[float, float, float, float]:
        """Return tracks in a unit of length: horizontal, vertical, and those of each that hard macros take.

        A tile's capacity is divided by width and spacing of a wire, and by the tile's extent across the wires. Macros
        take of each layer the share of their area that the listed ones among them have, less the porosity.

        Args:
            macro_area: (N,) in any unit, 0 for nodes that are no hard macros.
        """
        layers = int(self.values["Grid"][2])
        pitch = np.array(self.values["MinWireWidth"]) + np.array(self.values["MinWireSpacing"])
        tile = self.values["TileSize"]
        share = np.zeros(layers)
        for node, at in self.blocked:
            share[at] += macro_area[node]
        share *= (1 - self.values.get("BlockagePorosity", [0.0])[0]) / max(
            float(macro_area.sum()), np.finfo(float).tiny
        )
        h = np.array(self.values["HorizontalCapacity"]) / pitch / tile[1]
        v = np.array(self.values["VerticalCapacity"]) / pitch / tile[0]
        return float(h.sum()), float(v.sum()), float((h * share).sum()), float((v * share).sum())


def read_route(path: Path, nodes: Nodes) -> Route:
    """Read .route: `key : numbers`, then the layers of the terminals above the area, and those that nodes block."""
    body = Body(path, "route")
    out = Route()
    lines: dict[str, int] = {}
    section = ""
    stated = [0, 0]  # line and number of entries of the section at hand
    found = 0
    seen: set[int] = set()
    for number, line in body.entries():
        words = line.replace(":", " : ", 1).split()
        if len(words) > 1 and words[1] == ":":
            if words[0] in ("NumNiTerminals", "NumBlockageNodes"):
                _check_count(path, section, stated, found)
                section, stated, found = words[0], [number, _whole(path, number, words[0], words[2:])], 0
                continue
            if words[0] in lines:
                raise ParseError(path, number, f"{words[0]} is there already (line {lines[words[0]]})")
            if words[0] not in _LISTS and words[0] not in _KEYS:
                raise ParseError(path, number, f"{words[0][:SHOWN]!r} is no key of .route")
            lines[words[0]] = number
            out.values[words[0]] = [number_of(path, number, words[0], w) for w in words[2:]]
            continue
        if not section:
            raise ParseError(path, number, f"expected `key : numbers`, found {line.strip()[:SHOWN]!r}")
        node = nodes.id.get(words[0])
        if node is None:
            raise ParseError(path, number, f"{words[0][:SHOWN]!r} has layers, but .nodes does not name it")
        found += 1
        layers = [_whole(path, number, "a layer", [w]) for w in words[1:]]
        if section == "NumNiTerminals":
            continue
        if len(layers) < 2 or layers[0] != len(layers) - 1 or node in seen:
            raise ParseError(
                path, number, f"expected `node layers layer ...` once a node, found {line.strip()[:SHOWN]!r}"
            )
        seen.add(node)
        out.blocked.append((node, [layer - 1 for layer in dict.fromkeys(layers[1:])]))
        lines[f"node {node}"] = number
    _check_count(path, section, stated, found)
    _check(path, out, lines)
    return out


def _whole(path: Path, number: int, what: str, words: list[str]) -> int:
    text = " ".join(words)
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ParseError(path, number, f"{what} is {text[:SHOWN]!r}, not a number")
    return int(text)


def _check_count(path: Path, section: str, stated: list[int], found: int) -> None:
    if section and stated[1] != found:
        raise ParseError(path, stated[0], f"{section} is {stated[1]}, but the file has {found}")


def _check(path: Path, route: Route, lines: dict[str, int]) -> None:
    """Refuse a grid that is incomplete or makes no sense."""
    for key, count in _KEYS.items():
        if key not in route.values and key != "BlockagePorosity" and key != "GridOrigin":
            raise ParseError(path, 0, f"has no {key}")
        if key in route.values and len(route.values[key]) != count:
            raise ParseError(path, lines[key], f"{key} has {len(route.values[key])} numbers, not {count}")
    layers = route.values["Grid"][2]
    if not (1 <= layers <= _MAX_LAYERS and layers == int(layers)):
        raise ParseError(path, lines["Grid"], f"{layers:g} layers; there can be 1 to {_MAX_LAYERS}")
    for key in _LISTS:
        if key not in route.values and key != "ViaSpacing":
            raise ParseError(path, 0, f"has no {key}")
        values = route.values.get(key, [0.0] * int(layers))
        if len(values) != layers or min(values) < 0:
            raise ParseError(path, lines[key], f"{key} must be {layers:g} numbers that are not negative")
    if min(route.values["TileSize"]) < LEAST_LENGTH:
        raise ParseError(path, lines["TileSize"], "a tile has no area")
    for width, spacing in zip(route.values["MinWireWidth"], route.values["MinWireSpacing"], strict=True):
        if width + spacing < LEAST_LENGTH:
            raise ParseError(path, lines["MinWireWidth"], "wires of a layer have neither width nor spacing")
    if not 0 <= route.values.get("BlockagePorosity", [0.0])[0] <= 1:
        raise ParseError(path, lines["BlockagePorosity"], "porosity is not a share from 0 to 1")
    for node, at in route.blocked:
        if not 0 <= min(at) <= max(at) < layers:
            raise ParseError(path, lines[f"node {node}"], f"a layer is not one of 1 to {layers:g}")


def read_shapes(path: Path, nodes: Nodes) -> int:
    """Read .shapes, `node : n` and then n lines `name x y width height`; return how many nodes it tells of."""
    body = Body(path, "shapes")
    seen: set[str] = set()
    opened, missing = 0, 0
    for number, line in body.entries():
        words = line.replace(":", " : ", 1).split()
        if len(words) == 3 and words[1] == ":":
            if missing:
                raise ParseError(path, opened, f"the node lacks {missing} of its shapes")
            if words[0] not in nodes.id:
                raise ParseError(path, number, f"shapes of {words[0][:SHOWN]!r}, which .nodes does not name")
            if words[0] in seen:
                raise ParseError(path, number, f"{words[0][:SHOWN]!r} has its shapes already")
            seen.add(words[0])
            opened, missing = number, _whole(path, number, "the number of shapes", words[2:])
            continue
        if not missing or len(words) != 5:
            raise ParseError(
                path, number, f"expected `node : shapes`, or a shape of one, found {line.strip()[:SHOWN]!r}"
            )
        missing -= 1
        for what, word in zip(("x", "y", "width", "height"), words[1:], strict=True):
            if number_of(path, number, what, word) <= 0 and what in ("width", "height"):
                raise ParseError(path, number, f"the shape has no area ({what} is {word})")
    if missing:
        raise ParseError(path, opened, f"the node lacks {missing} of its shapes")
    body.check("NumNonRectangularNodes", len(seen), "nodes")
    return len(seen)
