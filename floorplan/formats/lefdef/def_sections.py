"""The small statements and sections of a DEF file: rows, tracks, regions, groups, pins and blockages."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import replace

from floorplan.formats.lefdef.def_polygon import bounding_box, is_rectilinear, rectangles
from floorplan.formats.lefdef.def_statement import Statement
from floorplan.formats.lefdef.def_tables import (
    DefBlockage,
    DefGroup,
    DefPin,
    DefRegion,
    Gcells,
    Rect,
    Row,
    Status,
    Tracks,
)
from floorplan.formats.lefdef.text import MAX_STATEMENT, WORD, Source, shown
from floorplan.geometry import ORIENT_MATRIX

__all__ = [
    "MAX_CORNERS",
    "PLACED_WORDS",
    "read_blockages",
    "read_die",
    "read_gcells",
    "read_groups",
    "read_pins",
    "read_regions",
    "read_row",
    "read_tracks",
    "statements",
]

MAX_CORNERS = 256
"""Polygons of more corners are refused: cutting them up takes the square of it."""

_MAX_PATTERNS = 10_000
"""Each is tried on each macro."""

_MAX_GROUP = 1 << 30
"""The group of all cells is one statement."""

PLACED_WORDS = {b"PLACED": Status.PLACED, b"FIXED": Status.FIXED, b"COVER": Status.COVER}
_REGION_TYPES = (b"FENCE", b"GUIDE")

_EXTRA = re.compile(r"\.extra[0-9]+\Z")

log = logging.getLogger(__name__)


def statements(source: Source, start: int, end: int, longest: int = MAX_STATEMENT) -> Iterator[Statement]:
    """Yield the statements between two offsets, each of which must begin with `-`."""
    for at, stop in source.chunks(start, end):
        for part in source.split(at, stop, longest):
            m = WORD.match(source.text, at)
            s = Statement(source, at if m is None else m.start(1), part.split())
            if not s.skip(b"-"):
                raise s.fault(f"expected '-' at the beginning of an entry, found {shown(part) if part else 'a lone ;'}")
            yield s
            at += len(part) + 1


def read_die(s: Statement) -> tuple[tuple[int, int], ...]:
    """Read DIEAREA: two corners, or those of a rectilinear polygon, without repeats."""
    corners: list[tuple[int, int]] = []
    for p in s.points():
        if not corners or p != corners[-1]:
            corners.append(p)
    if len(corners) > 2 and corners[0] == corners[-1]:
        corners.pop()
    _ended(s)
    if len(corners) == 2:
        x0, y0, x1, y1 = bounding_box(corners)
        corners = [(x0, y0), (x1, y1)]
    elif len(corners) < 4 or not is_rectilinear(corners):
        raise s.fault("DIEAREA is neither two corners nor a rectilinear polygon")
    elif len(corners) > MAX_CORNERS:
        raise s.fault(f"DIEAREA has more than {MAX_CORNERS} corners")
    x0, y0, x1, y1 = bounding_box(corners)
    if x0 == x1 or y0 == y1:
        raise s.fault("DIEAREA has no area")
    return tuple(corners)


def read_row(s: Statement) -> Row:
    """Read `name site x y orient [DO nx BY ny [STEP dx dy]] ...`."""
    name, site = s.name("the name of a row"), s.name("a site")
    x, y, orient = s.integer("x"), s.integer("y"), s.orient()
    nx, ny, dx, dy = 1, 1, 0, 0
    if s.skip(b"DO"):
        nx = s.integer("the number of sites in x")
        s.expect(b"BY")
        ny = s.integer("the number of sites in y")
        if s.skip(b"STEP"):
            dx, dy = s.integer("the step in x"), s.integer("the step in y")
    if s.more() and s.peek() != b"+":
        raise s.fault(f"expected '+' or the end of the row, found {shown(s.peek())}")
    if nx < 1 or ny < 1:
        raise s.fault(f"row {name!r} has {nx} x {ny} sites")
    return Row(name, site, x, y, orient, nx, ny, dx, dy)


def read_tracks(s: Statement) -> Tracks:
    """Read `X|Y start DO n STEP d [MASK m [SAMEMASK]] [LAYER name ...]`."""
    axis, start, count, step = _grid(s)
    if s.skip(b"MASK"):
        s.integer("the mask")
        s.skip(b"SAMEMASK")
    layers: list[str] = []
    if s.skip(b"LAYER"):
        while s.more():
            layers.append(s.name("a layer"))
    _ended(s)
    return Tracks(axis, start, count, step, tuple(layers))


def read_gcells(s: Statement) -> Gcells:
    """Read `X|Y start DO n STEP d`."""
    out = Gcells(*_grid(s))
    _ended(s)
    return out


def _grid(s: Statement) -> tuple[str, int, int, int]:
    axis = s.word("X or Y")
    if axis not in (b"X", b"Y"):
        raise s.fault(f"expected X or Y, found {shown(axis)}", 1)
    start = s.integer("the start")
    s.expect(b"DO")
    count = s.integer("the count")
    s.expect(b"STEP")
    step = s.integer("the step")
    if count < 1 or step < 0:
        raise s.fault(f"{count} lines {step} apart are no grid")
    return axis.decode(), start, count, step


def read_regions(source: Source, start: int, end: int) -> tuple[DefRegion, ...]:
    """Read `- name ( x0 y0 ) ( x1 y1 ) ... [+ TYPE FENCE|GUIDE]`."""
    out: dict[str, DefRegion] = {}
    for s in statements(source, start, end):
        name = s.name("the name of a region")
        if name in out:
            raise s.fault(f"region {name!r} is given twice", 1)
        rects = []
        while s.peek() == b"(":
            rects.append(s.rect())
            x0, y0, x1, y1 = rects[-1]
            if x0 == x1 or y0 == y1:
                raise s.fault(f"a rectangle of region {name!r} has no area", 1)
        if not rects:
            raise s.fault(f"region {name!r} has no rectangle")
        kind = ""
        while s.to_plus():
            if s.skip(b"TYPE"):
                word = s.word("FENCE or GUIDE")
                if word not in _REGION_TYPES:
                    raise s.fault(f"type of region {name!r} is {shown(word)}, not FENCE or GUIDE", 1)
                kind = word.decode()
        out[name] = DefRegion(name, tuple(rects), kind)
    return tuple(out.values())


def read_groups(source: Source, start: int, end: int) -> tuple[DefGroup, ...]:
    """Read `- name component-pattern ... [+ REGION name]`."""
    out = []
    patterns = 0
    for s in statements(source, start, end, _MAX_GROUP):
        name = s.name("the name of a group")
        stop = s.words.index(b"+") if b"+" in s.words else len(s.words)
        members = b" ".join(s.words[s.at : stop]).decode().split()
        patterns += sum("*" in m for m in members)
        if patterns > _MAX_PATTERNS:
            raise s.fault_at_start(f"more than {_MAX_PATTERNS} members of groups are patterns")
        region = ""
        while s.to_plus():
            if s.skip(b"REGION"):
                region = s.name("the name of a region")
        out.append(DefGroup(name, tuple(members), region))
    return tuple(out)


def read_pins(source: Source, start: int, end: int) -> tuple[DefPin, ...]:
    """Read the pins of the design.

    Up to DEF 5.6 a pin with several ports has a statement for each: the further ones have its name again, or
    `name.extra1`, `name.extra2`, ... The first that has a place gives the pin its place.
    """
    out: dict[str, DefPin] = {}
    for s in statements(source, start, end):
        pin = _pin(s)
        base = _EXTRA.sub("", pin.name)
        if base in out and out[base].net == pin.net:
            pin = replace(pin, name=base)
        if pin.name in out:
            first = out[pin.name]
            if first.net != pin.net:
                before = source.fault(first.offset, "").line
                raise s.fault_at_start(f"pin {pin.name!r} is given twice (first in line {before})")
            if first.at is not None or pin.at is None:
                continue
        out[pin.name] = pin
    return tuple(out.values())


def _pin(s: Statement) -> DefPin:
    name = s.name("the name of a pin")
    text = {b"NET": "", b"DIRECTION": "", b"USE": ""}
    special = False
    boxes: list[Rect] = []
    placed: tuple[int, int, int] | None = None
    status = Status.UNPLACED
    done: tuple[tuple[int, int], Status] | None = None
    while s.to_plus():
        word = s.word("an attribute of the pin")
        if word in text:
            text[word] = s.name(f"a word after {word.decode()}")
        elif word == b"SPECIAL":
            special = True
        elif word == b"PORT":
            if done is None and placed is not None:
                done = _centre(boxes, placed), status
            boxes, placed = [], None
        elif word == b"LAYER":
            s.word("a layer")
            while s.more() and s.peek() not in (b"(", b"+"):
                s.at += 1  # MASK, SPACING, DESIGNRULEWIDTH and their numbers
            if s.peek() == b"(":
                boxes.append(s.rect())
        elif word == b"POLYGON":
            s.word("a layer")
            while s.more() and s.peek() not in (b"(", b"+"):
                s.at += 1
            corners = s.points()
            if corners:
                boxes.append(bounding_box(corners))
        elif word in PLACED_WORDS:
            x, y = s.point()
            placed, status = (x, y, s.orient()), PLACED_WORDS[word]
    if done is None and placed is not None:
        done = _centre(boxes, placed), status
    at, status = done if done is not None else (None, Status.UNPLACED)
    return DefPin(name, text[b"NET"], text[b"DIRECTION"], text[b"USE"], special, at, status, s.offset)


def _centre(boxes: list[Rect], placed: tuple[int, int, int]) -> tuple[int, int]:
    """Return the centre of a port's shapes as they lie, in half units."""
    x, y, orient = placed
    if not boxes:
        return 2 * x, 2 * y
    dx = min(b[0] for b in boxes) + max(b[2] for b in boxes)
    dy = min(b[1] for b in boxes) + max(b[3] for b in boxes)
    a, b, c, d = (int(v) for v in ORIENT_MATRIX[orient])
    return 2 * x + a * dx + b * dy, 2 * y + c * dx + d * dy


def read_blockages(source: Source, start: int, end: int) -> tuple[DefBlockage, ...]:
    """Read the placement blockages; those of routing layers are passed over."""
    out = []
    for s in statements(source, start, end):
        if s.skip(b"LAYER"):
            continue
        s.expect(b"PLACEMENT")
        soft, partial, density, component = False, False, 0.0, ""
        rects: list[Rect] = []
        while s.more():
            word = s.word("a part of the blockage")
            if word == b"RECT":
                rects.append(s.rect())
            elif word == b"POLYGON":
                rects += _polygon(s)
            elif word == b"+":
                continue
            elif word == b"SOFT":
                soft = True
            elif word == b"PARTIAL":
                partial, density = True, s.number("the density")
                if not 0 <= density <= 100:
                    raise s.fault(f"density {density:g} is not a percentage", 1)
            elif word == b"COMPONENT":
                component = s.name("a component")
            elif word == b"MASK":
                s.integer("the mask")
            elif word not in (b"PUSHDOWN", b"EXCEPTPGNET", b"SLOTS", b"FILLS"):
                raise s.fault(f"a placement blockage has no {shown(word)}", 1)
        if not rects:
            raise s.fault("the blockage has no RECT and no POLYGON")
        out.append(DefBlockage(tuple(rects), soft, partial, density, component, s.offset))
    return tuple(out)


def _polygon(s: Statement) -> list[Rect]:
    corners = s.points()
    if len(corners) < 3:
        raise s.fault("a polygon has at least three corners")
    if len(corners) > MAX_CORNERS:
        raise s.fault(f"a polygon of more than {MAX_CORNERS} corners")
    if not is_rectilinear(corners):
        log.warning("%s", s.fault_at_start("a polygon that is not rectilinear counts with its bounding box"))
        return [bounding_box(corners)]
    return rectangles(corners)


def _ended(s: Statement) -> None:
    if s.more():
        raise s.fault(f"expected ';', found {shown(s.peek())}")
