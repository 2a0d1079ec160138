"""The files of a GSRC/MCNC floorplanning circuit as tables: every complaint with its file and line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from floorplan.errors import ParseError
from floorplan.files import plain_name
from floorplan.formats.bookshelf.lines import SHOWN, Body, number_of
from floorplan.geometry import Orient

__all__ = ["Blocks", "GsrcNets", "Spots", "find_files", "read_block_nets", "read_blocks", "read_spots"]

_KINDS = ("blocks", "nets", "pl")
_ENDS = ("", ".xz", ".gz")
_ORIENTS = {o.name: int(o) for o in Orient}
_POINT = re.compile(r"\(\s*([^\s,()]+)\s*,\s*([^\s,()]+)\s*\)")
_DIMS = re.compile(r"DIMS\s*=\s*\(\s*([^\s,()]+)\s*,\s*([^\s,()]+)\s*\)")
_DIRECTIONS = ("B", "I", "O")
_MAX_CORNERS = 1000
_LEAST_ASPECT = 1e-6


@dataclass(frozen=True)
class Blocks:
    """What .blocks says; parallel lists over blocks and terminals in file order.

    `corner` is the lower left corner of a block's outline in its own coordinates. A soft block has its area and the
    least and largest width / height, and no size yet (0); `area` is 0 for any other.
    """

    name: list[str] = field(default_factory=list)
    terminal: list[bool] = field(default_factory=list)
    corner: list[tuple[float, float]] = field(default_factory=list)
    size: list[tuple[float, float]] = field(default_factory=list)
    area: list[float] = field(default_factory=list)
    aspect: list[tuple[float, float]] = field(default_factory=list)
    cut: list[bool] = field(default_factory=list)
    line: list[int] = field(default_factory=list)
    id: dict[str, int] = field(default_factory=dict)

    def add(
        self,
        name: str,
        line: int,
        size: tuple[float, float] = (0.0, 0.0),
        corner: tuple[float, float] = (0.0, 0.0),
        area: float = 0.0,
        aspect: tuple[float, float] = (0.0, 0.0),
        cut: bool = False,
        terminal: bool = False,
    ) -> None:
        """Append a block or terminal; `cut` marks an outline that does not fill its bounding box."""
        self.id[name] = len(self.name)
        self.name.append(name)
        self.terminal.append(terminal)
        self.corner.append(corner)
        self.size.append(size)
        self.area.append(area)
        self.aspect.append(aspect)
        self.cut.append(cut)
        self.line.append(line)


@dataclass(frozen=True)
class GsrcNets:
    """What .nets says: net e has the pins begin[e] to begin[e + 1]; offsets from the centre in shares of the size."""

    begin: list[int]
    node: list[int]
    out: list[bool]
    share_x: list[float]
    share_y: list[float]


@dataclass(frozen=True)
class Spots:
    """What .pl says of the nodes that it names: lower left corner, orientation, and the size it gives a soft block."""

    node: list[int]
    x: list[float]
    y: list[float]
    orient: list[int]
    dims: dict[int, tuple[float, float]]
    line: list[int]


def find_files(path: Path) -> dict[str, Path]:
    """Return the .blocks, .nets and .pl of a circuit, given any one of them; .pl may be absent."""
    plain = plain_name(path)
    stem, dot, kind = plain.rpartition(".")
    if kind not in _KINDS:
        raise ParseError(path, 0, f"a circuit's files end in .blocks, .nets and .pl, not in {dot + kind[:SHOWN]!r}")
    found = {}
    for wanted in _KINDS:
        beside = [path] if wanted == kind else [path.parent / f"{stem}.{wanted}{end}" for end in _ENDS]
        there = next((p for p in beside if p.is_file()), None)
        if there is None and (wanted != "pl" or wanted == kind):
            raise ParseError(path, 0, f"there is no file '{stem}.{wanted}' beside it, plain, .gz or .xz")
        if there is not None:
            found[wanted] = there
    return found


def read_blocks(path: Path) -> Blocks:
    """Read .blocks: hardrectilinear blocks by their corners, softrectangular ones by area and aspects, terminals."""
    body = Body(path, "blocks")
    out = Blocks()
    for number, line in body.entries():
        words = line.split(None, 2)
        name, kind, rest = words[0], words[1] if len(words) > 1 else "", words[2] if len(words) > 2 else ""
        if name in out.id:
            raise ParseError(path, number, f"{name[:SHOWN]!r} has a line already (line {out.line[out.id[name]]})")
        if kind == "hardrectilinear":
            corner, size, cut = _outline(path, number, name, rest)
            out.add(name, number, size, corner, cut=cut)
        elif kind == "softrectangular":
            area, least, most = _soft(path, number, name, rest.split())
            out.add(name, number, area=area, aspect=(least, most))
        elif kind == "terminal" and not rest:
            out.add(name, number, terminal=True)
        else:
            said = "`name hardrectilinear corners`, `name softrectangular area min max` or `name terminal`"
            raise ParseError(path, number, f"expected {said}, found {line.strip()[:SHOWN]!r}")
    if all(out.terminal):
        raise ParseError(path, 0, "has no block")
    body.check("NumSoftRectangularBlocks", sum(a > 0 for a in out.area), "soft blocks")
    hard = sum(not t and a == 0 for t, a in zip(out.terminal, out.area, strict=True))
    body.check("NumHardRectilinearBlocks", hard, "hard blocks")
    body.check("NumTerminals", sum(out.terminal), "terminals")
    return out


def _outline(path: Path, number: int, name: str, rest: str) -> tuple[tuple[float, float], tuple[float, float], bool]:
    """Return lower left corner and size of the bounding box of `4 (x, y) (x, y) ...`, and whether it is not full."""
    count, points = [*rest.split(None, 1), "", ""][:2]
    found = _POINT.findall(points[: _MAX_CORNERS * SHOWN])
    if not (count.isascii() and count.isdigit() and len(count) < 6) or _POINT.sub("", points).strip():
        raise ParseError(path, number, f"expected the corners of {name[:SHOWN]!r} as `4 (x, y) (x, y) (x, y) (x, y)`")
    if len(found) != int(count) or not 3 < len(found) <= _MAX_CORNERS:
        raise ParseError(path, number, f"{name[:SHOWN]!r} has {len(found)} corners, stated are {count} (at least 4)")
    xs = [number_of(path, number, "x of a corner", x) for x, _ in found]
    ys = [number_of(path, number, "y of a corner", y) for _, y in found]
    w, h = max(xs) - min(xs), max(ys) - min(ys)
    if not (w > 0 and h > 0):
        raise ParseError(path, number, f"{name[:SHOWN]!r} has no area ({w:g} x {h:g})")
    twice = sum(xs[k - 1] * ys[k] - xs[k] * ys[k - 1] for k in range(len(xs)))
    return (min(xs), min(ys)), (w, h), abs(twice) / 2 < w * h * (1 - 1e-9)


def _soft(path: Path, number: int, name: str, words: list[str]) -> tuple[float, float, float]:
    if len(words) != 3:
        raise ParseError(path, number, f"expected `area min max` after softrectangular of {name[:SHOWN]!r}")
    area = number_of(path, number, "area", words[0])
    one, two = (number_of(path, number, "aspect", w) for w in words[1:])
    if not (area > 0 and min(one, two) >= _LEAST_ASPECT and max(one, two) <= 1 / _LEAST_ASPECT):
        raise ParseError(path, number, f"area and aspects of {name[:SHOWN]!r} must be positive, aspects 1e-6 to 1e6")
    return area, min(one, two), max(one, two)


def read_block_nets(path: Path, blocks: Blocks) -> GsrcNets:
    """Read .nets: `NetDegree : n [name]`, then n lines `node [B|I|O] [: %x %y]`, in per cent of the node's size."""
    body = Body(path, "nets")
    out = GsrcNets([0], [], [], [], [])
    opened, degree = 0, 0
    for number, line in body.entries():
        words = line.replace(":", " : ", 1).split() if ":" in line else line.split()
        if words[0] == "NetDegree":
            _check_degree(path, opened, len(out.node) - out.begin[-1], degree)
            if opened:
                out.begin.append(len(out.node))
            opened, degree = number, _degree(path, number, line, words)
            continue
        if len(out.node) - out.begin[-1] == degree:
            said = f"the net of line {opened} has its {degree} pins already" if opened else "a pin before the first net"
            raise ParseError(path, number, f"{said}: {line.strip()[:SHOWN]!r}")
        node = blocks.id.get(words[0])
        if node is None:
            raise ParseError(path, number, f"pin of {words[0][:SHOWN]!r}, which .blocks does not name")
        direction = words.pop(1) if len(words) > 1 and words[1] in _DIRECTIONS else ""
        if len(words) == 4 and words[1] == ":":
            x, y = _share(path, number, "x offset", words[2]), _share(path, number, "y offset", words[3])
        elif len(words) == 1:
            x = y = 0.0
        else:
            raise ParseError(path, number, f"expected `node B|I|O : %x %y`, found {line.strip()[:SHOWN]!r}")
        out.node.append(node)
        out.out.append(direction == "O")
        out.share_x.append(x)
        out.share_y.append(y)
    _check_degree(path, opened, len(out.node) - out.begin[-1], degree)
    if opened:
        out.begin.append(len(out.node))
    body.check("NumNets", len(out.begin) - 1, "nets")
    body.check("NumPins", len(out.node), "pins")
    return out


def _degree(path: Path, number: int, line: str, words: list[str]) -> int:
    if not (3 <= len(words) <= 4 and words[1] == ":"):
        raise ParseError(path, number, f"expected `NetDegree : pins name`, found {line.strip()[:SHOWN]!r}")
    if not (words[2].isascii() and words[2].isdigit() and len(words[2]) <= 9 and int(words[2]) > 0):
        raise ParseError(path, number, f"net degree is {words[2][:SHOWN]!r}, not a number above 0")
    return int(words[2])


def _check_degree(path: Path, opened: int, found: int, degree: int) -> None:
    if found != degree:
        raise ParseError(path, opened, f"the net has {found} pins, its degree is {degree}")


def _share(path: Path, number: int, what: str, text: str) -> float:
    if not text.startswith("%"):
        raise ParseError(path, number, f"{what} is {text[:SHOWN]!r}; expected per cent of the size, as in `%-50.0`")
    return number_of(path, number, what, text[1:]) / 100


def read_spots(path: Path, blocks: Blocks) -> Spots:
    """Read .pl: `node x y [DIMS = (w, h)] [: orientation]`."""
    out = Spots([], [], [], [], {}, [])
    first: dict[int, int] = {}
    for number, line in Body(path, "pl").entries():
        dims = _DIMS.search(line)
        words = (line[: dims.start()] + line[dims.end() :] if dims else line).replace(":", " : ", 1).split()
        if not words:
            raise ParseError(path, number, f"expected `node x y : orientation`, found {line.strip()[:SHOWN]!r}")
        node = blocks.id.get(words[0])
        if node is None:
            raise ParseError(path, number, f"{words[0][:SHOWN]!r} is placed, but .blocks does not name it")
        if node in first:
            raise ParseError(path, number, f"{words[0][:SHOWN]!r} is placed already (line {first[node]})")
        first[node] = number
        if len(words) not in (3, 5) or (len(words) == 5 and words[3] != ":"):
            raise ParseError(path, number, f"expected `node x y : orientation`, found {line.strip()[:SHOWN]!r}")
        orient = words[4] if len(words) == 5 else "N"
        if orient not in _ORIENTS:
            raise ParseError(path, number, f"orientation {orient[:SHOWN]!r} is none of {' '.join(_ORIENTS)}")
        out.node.append(node)
        out.x.append(number_of(path, number, "x", words[1]))
        out.y.append(number_of(path, number, "y", words[2]))
        out.orient.append(_ORIENTS[orient])
        out.line.append(number)
        if dims:
            size = number_of(path, number, "width", dims[1]), number_of(path, number, "height", dims[2])
            if not (size[0] > 0 and size[1] > 0):
                raise ParseError(path, number, f"{words[0][:SHOWN]!r} has no area ({size[0]:g} x {size[1]:g})")
            out.dims[node] = size
    return out
