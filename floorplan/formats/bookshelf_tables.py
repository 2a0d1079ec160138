"""The files of a Bookshelf design as tables: every word checked, every complaint with its file and line."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path

from floorplan.errors import ParseError
from floorplan.files import plain_name, read_bytes_maybe_compressed
from floorplan.formats.scanner import decode
from floorplan.geometry import Orient

__all__ = ["Nets", "Nodes", "Places", "Rows", "read_aux", "read_nets", "read_nodes", "read_pl", "read_scl", "read_wts"]

_ENDS = ("", ".xz", ".gz")
_KINDS = ("nodes", "nets", "pl", "scl", "wts")
_TERMINAL = {"terminal": True, "terminal_NI": True}
_ORIENTS = {o.name: int(o) for o in Orient}
_DIRECTIONS = {"I", "O", "B"}
_COUNT = re.compile(r"(NumNodes|NumTerminals|NumNets|NumPins|[Nn]um[Rr]ows)\s*:\s*(\S*)\s*$")
_SHOWN = 40


@dataclass(frozen=True)
class Nodes:
    """What .nodes says; parallel lists in file order."""

    name: list[str]
    width: list[float]
    height: list[float]
    terminal: list[bool]
    line: list[int]
    id: dict[str, int]


@dataclass(frozen=True)
class Nets:
    """What .nets says: net e has the pins begin[e] to begin[e + 1]; offsets are from the node's centre."""

    name: list[str]
    begin: list[int]
    pin_node: list[int]
    pin_out: list[bool]
    pin_dx: list[float]
    pin_dy: list[float]


@dataclass(frozen=True)
class Places:
    """What .pl says of the nodes that it names: lower left corner, orientation, whether the node is fixed."""

    node: list[int]
    x: list[float]
    y: list[float]
    orient: list[int]
    fixed: list[bool]


@dataclass
class Rows:
    """The rows of .scl: their extent, and the height of the lowest."""

    x0: float = math.inf
    y0: float = math.inf
    x1: float = -math.inf
    y1: float = -math.inf
    height: float = math.inf
    count: int = 0


def read_aux(path: Path) -> dict[str, Path]:
    """Return the files that an .aux file lists, by kind (`nodes`, `nets`, `pl`, `scl`, `wts`).

    Each may lie beside it compressed. Files of other kinds (.route, .shapes) are passed over.
    """
    lines = _lines(path)
    number, text = next(((n, t) for n, t in lines if t.strip() and not t.lstrip().startswith("#")), (0, ""))
    style, colon, names = text.partition(":")
    if not colon:
        raise ParseError(path, number, "expected `RowBasedPlacement : design.nodes design.nets ...`")
    if style.strip() != "RowBasedPlacement":
        raise ParseError(path, number, f"the design is {style.strip()[:_SHOWN]!r}, only RowBasedPlacement is read")
    found: dict[str, Path] = {}
    for name in names.split():
        kind = Path(name).suffix[1:]
        if kind not in _KINDS:
            continue
        if kind in found:
            raise ParseError(path, number, f"two .{kind} files are listed")
        if Path(name).name != name:
            raise ParseError(path, number, f"{name[:_SHOWN]!r} is not the name of a file beside the .aux file")
        beside = (path.parent / (name + end) for end in _ENDS)
        found[kind] = next((p for p in beside if p.is_file()), path.parent / name)
        if not found[kind].is_file():
            raise ParseError(path, number, f"there is no file {name!r} beside it, plain, .gz or .xz")
    for kind in ("nodes", "nets"):
        if kind not in found:
            raise ParseError(path, number, f"no .{kind} file is listed")
    return found


def read_nodes(path: Path) -> Nodes:
    """Read .nodes: `name width height [terminal | terminal_NI]`."""
    out = Nodes([], [], [], [], [], {})
    body = _Body(path, "nodes")
    for number, line in body.entries():
        words = line.split()
        if len(words) == 3:
            terminal = False
        elif len(words) == 4 and words[3] in _TERMINAL:
            terminal = True
        else:
            raise ParseError(path, number, f"expected `name width height [terminal]`, found {line[:_SHOWN]!r}")
        name = words[0]
        if name in out.id:
            raise ParseError(path, number, f"node {name[:_SHOWN]!r} has a line already (line {out.line[out.id[name]]})")
        out.id[name] = len(out.name)
        out.name.append(name)
        for value, text, what in ((out.width, words[1], "width"), (out.height, words[2], "height")):
            size = _number(path, number, what, text)
            if size < 0:
                raise ParseError(path, number, f"{what} of {name[:_SHOWN]!r} is negative ({text})")
            value.append(size)
        out.terminal.append(terminal)
        out.line.append(number)
    if not out.name:
        raise ParseError(path, 0, "has no node")
    body.check("NumNodes", len(out.name), "nodes")
    body.check("NumTerminals", sum(out.terminal), "terminals")
    return out


def read_nets(path: Path, nodes: Nodes) -> Nets:
    """Read .nets: `NetDegree : n [name]`, then n lines `node [I|O|B] [: dx dy]`."""
    out = Nets([], [0], [], [], [], [])
    names: set[str] = set()
    node_id, pin_node, pin_out, pin_dx, pin_dy = nodes.id, out.pin_node, out.pin_out, out.pin_dx, out.pin_dy
    degree, opened, missing = 0, 0, 0
    body = _Body(path, "nets")
    for number, line in body.entries():
        words = line.split()
        if words[0].startswith("NetDegree"):
            if missing:
                raise ParseError(path, opened, f"net {out.name[-1]!r} has {degree - missing} pins, its degree {degree}")
            if out.name:
                out.begin.append(len(pin_node))
            degree, name = _net_line(path, number, line, len(out.name))
            if name in names:
                raise ParseError(path, number, f"net {name[:_SHOWN]!r} is there already")
            names.add(name)
            out.name.append(name)
            opened, missing = number, degree
            continue
        if not missing:
            said = f"net {out.name[-1]!r} has its {degree} pins already" if out.name else "a pin before the first net"
            raise ParseError(path, number, f"{said}: {line.strip()[:_SHOWN]!r}")
        missing -= 1
        if len(words) != 5 or words[2] != ":":
            words = [words[0], *" ".join(words[1:]).replace(":", " : ").split()]
        node = node_id.get(words[0])
        if node is None:
            raise ParseError(path, number, f"pin of {words[0][:_SHOWN]!r}, which .nodes does not name")
        direction = words.pop(1) if len(words) > 1 and words[1] in _DIRECTIONS else ""
        if len(words) == 4 and words[1] == ":":
            dx, dy = _number(path, number, "x offset", words[2]), _number(path, number, "y offset", words[3])
        elif len(words) == 1:
            dx = dy = 0.0
        else:
            raise ParseError(path, number, f"expected `node I|O|B : dx dy`, found {line.strip()[:_SHOWN]!r}")
        pin_node.append(node)
        pin_out.append(direction == "O")
        pin_dx.append(dx)
        pin_dy.append(dy)
    if missing:
        raise ParseError(path, opened, f"net {out.name[-1]!r} has {degree - missing} pins, its degree is {degree}")
    if out.name:
        out.begin.append(len(pin_node))
    body.check("NumNets", len(out.name), "nets")
    body.check("NumPins", len(pin_node), "pins")
    return out


def _net_line(path: Path, number: int, line: str, count: int) -> tuple[int, str]:
    words = line.replace(":", " : ", 1).split()
    if words[:2] != ["NetDegree", ":"] or not 3 <= len(words) <= 4:
        raise ParseError(path, number, f"expected `NetDegree : pins name`, found {line.strip()[:_SHOWN]!r}")
    if not (words[2].isascii() and words[2].isdigit() and len(words[2]) <= 9 and int(words[2]) > 0):
        raise ParseError(path, number, f"net degree is {words[2][:_SHOWN]!r}, not a number above 0")
    return int(words[2]), words[3] if len(words) == 4 else f"net{count}"


def read_pl(path: Path, nodes: Nodes) -> Places:
    """Read .pl: `node x y [: orientation] [/FIXED | /FIXED_NI]`."""
    out = Places([], [], [], [], [])
    first: dict[int, int] = {}
    for number, line in _Body(path, "pl").entries():
        words = line.split()
        node = nodes.id.get(words[0])
        if node is None:
            raise ParseError(path, number, f"{words[0][:_SHOWN]!r} is placed, but .nodes does not name it")
        if node in first:
            raise ParseError(path, number, f"{words[0][:_SHOWN]!r} is placed already (line {first[node]})")
        first[node] = number
        fixed = words[-1] in ("/FIXED", "/FIXED_NI")
        if fixed:
            words.pop()
        if len(words) not in (3, 5) or (len(words) == 5 and words[3] != ":"):
            raise ParseError(path, number, f"expected `node x y : orientation`, found {line.strip()[:_SHOWN]!r}")
        orient = words[4] if len(words) == 5 else "N"
        if orient not in _ORIENTS:
            raise ParseError(path, number, f"orientation {orient[:_SHOWN]!r} is none of {' '.join(_ORIENTS)}")
        out.node.append(node)
        out.x.append(_number(path, number, "x", words[1]))
        out.y.append(_number(path, number, "y", words[2]))
        out.orient.append(_ORIENTS[orient])
        out.fixed.append(fixed)
    return out


def read_scl(path: Path) -> Rows:
    """Read .scl: blocks `CoreRow Horizontal ... End` of `key : value` pairs; only extents matter here."""
    rows = Rows()
    row = _Row(path)
    body = _Body(path, "scl")
    for number, line in body.entries():
        words = line.replace(":", " : ").split()
        if words[0] == "CoreRow":
            if row.line:
                raise ParseError(path, row.line, "the row has no End")
            if words[1:] not in (["Horizontal"], ["HORIZONTAL"]):
                raise ParseError(path, number, f"only horizontal rows are read, found {line.strip()[:_SHOWN]!r}")
            row = _Row(path, number)
        elif not row.line:
            raise ParseError(path, number, f"expected `CoreRow Horizontal`, found {line.strip()[:_SHOWN]!r}")
        elif words == ["End"]:
            row.add_to(rows)
            row = _Row(path)
        else:
            row.take(number, line, words)
    if row.line:
        raise ParseError(path, row.line, "the row has no End")
    if not rows.count:
        raise ParseError(path, 0, "has no row")
    body.check("Numrows", rows.count, "rows")
    return rows


@dataclass
class _Row:
    path: Path
    line: int = 0
    values: dict[str, float] = field(default_factory=dict)
    parts: list[tuple[float, float]] = field(default_factory=list)

    def take(self, number: int, line: str, words: list[str]) -> None:
        if len(words) % 3 or any(colon != ":" for colon in words[1::3]):
            raise ParseError(self.path, number, f"expected `key : value`, found {line.strip()[:_SHOWN]!r}")
        pairs = {key.lower(): value for key, value in zip(words[::3], words[2::3], strict=True)}
        for key in ("coordinate", "height", "sitewidth", "sitespacing", "subroworigin", "numsites"):
            if key in pairs:
                self.values[key] = _number(self.path, number, key, pairs[key])
        if "numsites" in pairs:
            if "subroworigin" not in self.values:
                raise ParseError(self.path, number, "Numsites stands before SubrowOrigin")
            self.parts.append((self.values["subroworigin"], self.values["numsites"]))

    def add_to(self, rows: Rows) -> None:
        for key in ("coordinate", "height"):
            if key not in self.values:
                raise ParseError(self.path, self.line, f"the row has no {key.title()}")
        if not self.parts:
            raise ParseError(self.path, self.line, "the row has no SubrowOrigin and Numsites")
        y, height = self.values["coordinate"], self.values["height"]
        pitch = self.values.get("sitespacing", self.values.get("sitewidth", 1.0))
        if height <= 0 or pitch <= 0 or any(sites <= 0 for _, sites in self.parts):
            raise ParseError(self.path, self.line, "the row has no area")
        rows.x0 = min(rows.x0, *(origin for origin, _ in self.parts), math.inf)
        rows.x1 = max(rows.x1, *(origin + sites * pitch for origin, sites in self.parts), -math.inf)
        rows.y0, rows.y1 = min(rows.y0, y), max(rows.y1, y + height)
        rows.height = min(rows.height, height)
        rows.count += 1


def read_wts(path: Path, nodes: Nodes, nets: Nets) -> dict[int, float]:
    """Read .wts, `name weight`, and return net -> weight; weights of nodes are checked and passed over."""
    net_id = {name: e for e, name in enumerate(nets.name)}
    out: dict[int, float] = {}
    for number, line in _Body(path, "wts").entries():
        words = line.split()
        if len(words) != 2:
            raise ParseError(path, number, f"expected `name weight`, found {line.strip()[:_SHOWN]!r}")
        weight = _number(path, number, "weight", words[1])
        net = net_id.get(words[0])
        if net is not None:
            if weight <= 0:
                raise ParseError(path, number, f"weight of net {words[0][:_SHOWN]!r} is {words[1]}, not positive")
            out[net] = weight
        elif words[0] not in nodes.id:
            raise ParseError(path, number, f"weight of {words[0][:_SHOWN]!r}, which is neither a net nor a node")
    return out


class _Body:
    """The lines of a file that say something, after its `UCLA kind 1.0` and without its counts, which are kept."""

    def __init__(self, path: Path, kind: str) -> None:
        self.path = path
        self._counts: dict[str, tuple[int, str]] = {}
        self._lines = _lines(path)
        head = [(n, t.split()) for n, t in self._lines[:200] if t.strip() and not t.startswith("#")][:1]
        if not head or head[0][1][:2] != ["UCLA", kind]:
            raise ParseError(path, head[0][0] if head else 0, f"expected `UCLA {kind} 1.0` (in {plain_name(path)})")
        self._first = head[0][0]

    def entries(self) -> list[tuple[int, str]]:
        out = []
        for number, line in self._lines[self._first :]:
            if "#" in line:
                line = line.partition("#")[0]
            if not line or line.isspace():
                continue
            # counts stand above the entries, which never begin so
            if line.lstrip()[:3] in ("Num", "num") and (m := _COUNT.match(line.strip())):
                self._counts.setdefault(m[1].capitalize() if m[1][1:] == "umRows" else m[1], (number, m[2]))
                continue
            out.append((number, line))
        return out

    def check(self, key: str, found: int, what: str) -> None:
        if key in self._counts:
            number, text = self._counts[key]
            if not (text.isascii() and text.isdigit() and len(text) <= 12):
                raise ParseError(self.path, number, f"{key} is {text[:_SHOWN]!r}, not a number")
            if int(text) != found:
                raise ParseError(self.path, number, f"{key} is {text}, but the file has {found} {what}")


def _lines(path: Path) -> list[tuple[int, str]]:
    return list(enumerate(decode(path, read_bytes_maybe_compressed(path)).split("\n"), 1))


def _number(path: Path, line: int, what: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or "_" in text or not text.isascii():
        raise ParseError(path, line, f"{what} is {text[:_SHOWN]!r}, not a finite number")
    return value
