"""The files of a Bookshelf design as tables: every word checked, every complaint with its file and line."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from floorplan.errors import ParseError
from floorplan.formats.bookshelf import bulk
from floorplan.formats.bookshelf.bytes_ import Names
from floorplan.formats.bookshelf.lines import SHOWN, Body, lines_of, number_of
from floorplan.geometry import Orient

__all__ = ["Nets", "Nodes", "Places", "read_aux", "read_nets", "read_nodes", "read_pl", "read_wts"]

log = logging.getLogger(__name__)

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_ENDS = ("", ".xz", ".gz")
_MAX_NAME = 240  # bytes, a suffix aside: what file systems take
_EXTRAS = ("route", "shapes")
_KINDS = ("nodes", "nets", "pl", "scl", "wts", *_EXTRAS)
_OVER = "terminal_NI"
_TERMINALS = ("terminal", _OVER)
_ORIENTS = {o.name: int(o) for o in Orient}
_DIRECTIONS = ("I", "O", "B")
_FIXED = ("/FIXED", "/FIXED_NI")
_MARKS = ("", "/PLACED", "/UNPLACED", *_FIXED)


@dataclass(frozen=True)
class Nodes:
    """What .nodes says; parallel lists in file order.

    `over` marks terminals that others may overlap (terminal_NI: pads above the area); they are terminals, too.
    """

    name: list[str]
    width: list[float]
    height: list[float]
    terminal: list[bool]
    line: list[int]
    id: dict[str, int]
    over: list[bool] = field(default_factory=list)

    @cached_property
    def names(self) -> Names:
        """To find nodes by name in large files."""
        return Names(self.id)


@dataclass(frozen=True)
class Nets:
    """What .nets says: net e has the pins begin[e] to begin[e + 1]; offsets are from the node's centre.

    Unnamed nets have no entry in `id`.
    """

    id: dict[str, int]
    begin: I64
    pin_node: I64
    pin_out: npt.NDArray[np.bool_]
    pin_dx: F64
    pin_dy: F64


@dataclass(frozen=True)
class Places:
    """What .pl says of the nodes that it names: lower left corner, orientation, whether the node is fixed."""

    node: I64
    x: F64
    y: F64
    orient: npt.NDArray[np.uint8]
    fixed: npt.NDArray[np.bool_]


def read_aux(path: Path) -> dict[str, Path]:
    """Return the files that an .aux file lists, by kind (`nodes`, `nets`, `pl`, `scl`, `wts`, `route`, `shapes`).

    Each may lie beside it compressed. Files of other kinds are passed over, and so are .route and .shapes that are not
    there, since designs are passed on without them.
    """
    number, text = next(((n, t) for n, t in lines_of(path) if t.strip() and not t.lstrip().startswith("#")), (0, ""))
    style, colon, names = text.partition(":")
    if not colon:
        raise ParseError(path, number, "expected `RowBasedPlacement : design.nodes design.nets ...`")
    if style.strip() != "RowBasedPlacement":
        raise ParseError(path, number, f"the design is {style.strip()[:SHOWN]!r}, only RowBasedPlacement is read")
    found: dict[str, Path] = {}
    for name in names.split():
        kind = Path(name).suffix[1:]
        if kind not in _KINDS:
            continue
        if kind in found:
            raise ParseError(path, number, f"two .{kind} files are listed")
        if str(Path(name)) != Path(name).name or "\0" in name:  # a leading ./ is fine
            raise ParseError(path, number, f"{name[:SHOWN]!r} is not the name of a file beside the .aux file")
        if len(name.encode()) > _MAX_NAME:
            raise ParseError(path, number, f"{name[:SHOWN]!r}... is too long for the name of a file")
        beside = (path.parent / (name + end) for end in _ENDS)
        there = next((p for p in beside if p.is_file()), None)
        if there is not None:
            found[kind] = there
        elif kind in _EXTRAS:
            log.warning("%s: there is no file %r beside it", path, name)
        else:
            raise ParseError(path, number, f"there is no file {name!r} beside it, plain, .gz or .xz")
    for kind in ("nodes", "nets"):
        if kind not in found:
            raise ParseError(path, number, f"no .{kind} file is listed")
    return found


def read_nodes(path: Path) -> Nodes:
    """Read .nodes: `name width height [terminal | terminal_NI]`."""
    body = Body(path, "nodes")
    fast = bulk.nodes(body)
    if fast is not None:
        ids, width, height, kind, line = fast
        terminal, over = (kind > 0).tolist(), (kind == 2).tolist()
        out = Nodes(list(ids), width.tolist(), height.tolist(), terminal, line.tolist(), ids, over)
    else:
        out = _nodes_by_line(body)
    body.check("NumNodes", len(out.name), "nodes")
    # some writers count the pads above the area, some do not
    terminals, over = sum(out.terminal), sum(out.over)
    body.check("NumTerminals", terminals, "terminals", also=terminals - over)
    return out


def _nodes_by_line(body: Body) -> Nodes:
    path = body.path
    lines: list[int] = []
    out = Nodes([], [], [], [], lines, {})
    for number, line in body.entries():
        words = line.split()
        if len(words) not in (3, 4) or (len(words) == 4 and words[3] not in _TERMINALS):
            raise ParseError(path, number, f"expected `name width height [terminal]`, found {line[:SHOWN]!r}")
        name = words[0]
        if name in out.id:
            raise ParseError(path, number, f"node {name[:SHOWN]!r} has a line already (line {lines[out.id[name]]})")
        out.id[name] = len(out.name)
        out.name.append(name)
        for value, text, what in ((out.width, words[1], "width"), (out.height, words[2], "height")):
            size = number_of(path, number, what, text)
            if size < 0:
                raise ParseError(path, number, f"{what} of {name[:SHOWN]!r} is negative ({text})")
            value.append(size)
        out.terminal.append(len(words) == 4)
        out.over.append(words[-1] == _OVER)
        lines.append(number)
    if not out.name:
        raise ParseError(path, 0, "has no node")
    return out


def read_nets(path: Path, nodes: Nodes) -> Nets:
    """Read .nets: `NetDegree : n [name]`, then n lines `node [I|O|B] [: dx dy]`."""
    body = Body(path, "nets")
    fast = bulk.nets(body, nodes.names)
    out = Nets(*fast) if fast is not None else _nets_by_line(body, nodes)
    body.check("NumNets", len(out.begin) - 1, "nets")
    body.check("NumPins", len(out.pin_node), "pins")
    return out


def _nets_by_line(body: Body, nodes: Nodes) -> Nets:
    path = body.path
    ids: dict[str, int] = {}
    begin: list[int] = []
    pin_node: list[int] = []
    pin_out: list[bool] = []
    pin_dx: list[float] = []
    pin_dy: list[float] = []
    degree, opened, missing, label = 0, 0, 0, ""
    for number, line in body.entries():
        words = line.split()
        if words[0].startswith("NetDegree"):
            if missing:
                raise ParseError(path, opened, f"net {label} has {degree - missing} pins, its degree is {degree}")
            degree, name = _net_line(path, number, line)
            if name in ids:
                raise ParseError(path, number, f"net {name[:SHOWN]!r} is there already")
            if name:
                ids[name] = len(begin)
            label = repr(name[:SHOWN]) if name else f"number {len(begin)}"
            begin.append(len(pin_node))
            opened, missing = number, degree
            continue
        if not missing:
            said = f"net {label} has its {degree} pins already" if begin else "a pin before the first net"
            raise ParseError(path, number, f"{said}: {line.strip()[:SHOWN]!r}")
        missing -= 1
        if len(words) != 5 or words[2] != ":":
            words = [words[0], *" ".join(words[1:]).replace(":", " : ").split()]
        node = nodes.id.get(words[0])
        if node is None:
            raise ParseError(path, number, f"pin of {words[0][:SHOWN]!r}, which .nodes does not name")
        direction = words.pop(1) if len(words) > 1 and words[1] in _DIRECTIONS else ""
        if len(words) == 4 and words[1] == ":":
            dx, dy = number_of(path, number, "x offset", words[2]), number_of(path, number, "y offset", words[3])
        elif len(words) == 1:
            dx = dy = 0.0
        else:
            raise ParseError(path, number, f"expected `node I|O|B : dx dy`, found {line.strip()[:SHOWN]!r}")
        pin_node.append(node)
        pin_out.append(direction == "O")
        pin_dx.append(dx)
        pin_dy.append(dy)
    if missing:
        raise ParseError(path, opened, f"net {label} has {degree - missing} pins, its degree is {degree}")
    return Nets(
        ids,
        np.array([*begin, len(pin_node)], np.int64),
        np.array(pin_node, np.int64),
        np.array(pin_out, np.bool_),
        np.array(pin_dx, np.float64),
        np.array(pin_dy, np.float64),
    )


def _net_line(path: Path, number: int, line: str) -> tuple[int, str]:
    words = line.replace(":", " : ", 1).split()
    if words[:2] != ["NetDegree", ":"] or not 3 <= len(words) <= 4:
        raise ParseError(path, number, f"expected `NetDegree : pins name`, found {line.strip()[:SHOWN]!r}")
    if not (words[2].isascii() and words[2].isdigit() and len(words[2]) <= 9):
        raise ParseError(path, number, f"net degree is {words[2][:SHOWN]!r}, not a number")
    return int(words[2]), words[3] if len(words) == 4 else ""


def read_pl(path: Path, nodes: Nodes) -> Places:
    """Read .pl: `node x y [: orientation] [/FIXED | /FIXED_NI]`."""
    body = Body(path, "pl")
    fast = bulk.places(body, nodes.names, _ORIENTS)
    return Places(*fast) if fast is not None else _places_by_line(body, nodes)


def _places_by_line(body: Body, nodes: Nodes) -> Places:
    path = body.path
    first: dict[int, int] = {}
    spots: list[tuple[float, float]] = []
    orients: list[int] = []
    fixed: list[bool] = []
    for number, line in body.entries():
        words = line.replace(":", " : ", 1).split()
        node = nodes.id.get(words[0])
        if node is None:
            raise ParseError(path, number, f"{words[0][:SHOWN]!r} is placed, but .nodes does not name it")
        if node in first:
            raise ParseError(path, number, f"{words[0][:SHOWN]!r} is placed already (line {first[node]})")
        first[node] = number
        mark = words.pop() if words[-1].startswith("/") else ""
        if mark not in _MARKS or len(words) not in (3, 5) or (len(words) == 5 and words[3] != ":"):
            raise ParseError(path, number, f"expected `node x y : orientation`, found {line.strip()[:SHOWN]!r}")
        orient = words[4] if len(words) == 5 else "N"
        if orient not in _ORIENTS:
            raise ParseError(path, number, f"orientation {orient[:SHOWN]!r} is none of {' '.join(_ORIENTS)}")
        spots.append((number_of(path, number, "x", words[1]), number_of(path, number, "y", words[2])))
        orients.append(_ORIENTS[orient])
        fixed.append(mark in _FIXED)
    at = np.array(spots, np.float64).reshape(-1, 2)
    return Places(
        np.array(list(first), np.int64), at[:, 0], at[:, 1], np.array(orients, np.uint8), np.array(fixed, np.bool_)
    )


def read_wts(path: Path, nodes: Nodes, nets: Nets) -> F64:
    """Read .wts, `name weight`, and return the weight of each net, 1 where it has no line; nodes' are passed over."""
    body = Body(path, "wts")
    fast = bulk.weights(body, nets.id, nodes.names, len(nets.begin) - 1)
    if fast is not None:
        return fast
    out = np.ones(len(nets.begin) - 1)
    for number, line in body.entries():
        words = line.split()
        if len(words) != 2:
            raise ParseError(path, number, f"expected `name weight`, found {line.strip()[:SHOWN]!r}")
        weight = number_of(path, number, "weight", words[1])
        net = nets.id.get(words[0])
        if net is not None:
            if weight <= 0:
                raise ParseError(path, number, f"weight of net {words[0][:SHOWN]!r} is {words[1]}, not positive")
            out[net] = weight
        elif words[0] not in nodes.id:
            raise ParseError(path, number, f"weight of {words[0][:SHOWN]!r}, which is neither a net nor a node")
    return out
