"""One MACRO block of a LEF file: size, class, pins with their shapes, obstructions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from floorplan.errors import ParseError
from floorplan.formats.lefdef.lef_tables import LefMacro, LefPin, LefRect
from floorplan.formats.lefdef.lef_words import Words
from floorplan.formats.lefdef.text import shown

__all__ = ["read_macro"]

_SHAPES = frozenset((b"RECT", b"POLYGON", b"PATH"))


def read_macro(path: Path, line: int, w: Words) -> LefMacro:
    """Read a macro.

    Args:
        path: the file.
        line: where it begins.
        w: its words from the name on, without those that end it.

    Raises:
        ParseError: it is damaged or has no SIZE.
    """
    name = w.name("the name of a macro")
    kind, subkind, site, foreign = "", "", "", ""
    size: tuple[float, float] | None = None
    origin = (0.0, 0.0)
    symmetry: frozenset[str] = frozenset()
    pins: dict[str, LefPin] = {}
    obstruction: dict[str, float] = {}
    while w.more():
        word = w.word("a statement of the macro")
        if word == b"PIN":
            pin = _pin(w)
            if pin.name in pins:
                raise w.fault(f"macro {name!r} has two pins {pin.name!r}", 1)
            pins[pin.name] = pin
            continue
        if word == b"OBS":
            for shape in _shapes(w, b"OBS"):
                area = (shape.x1_um - shape.x0_um) * (shape.y1_um - shape.y0_um)
                obstruction[shape.layer] = obstruction.get(shape.layer, 0.0) + area
            continue
        if word in (b"DENSITY", b"TIMING"):
            _pass_over(w, word)
            continue
        if word == b"END":
            raise w.fault(f"'END {shown(w.peek())[1:-1]}' within macro {name!r}", 1)
        if word == b"CLASS":
            kind = w.name("a class").upper()
            subkind = w.name("").upper() if w.peek() not in (b";", b"") else ""
        elif word == b"SIZE":
            size = w.size()
        elif word == b"ORIGIN":
            xy = w.numbers()
            if len(xy) != 2:
                raise w.fault("ORIGIN is not two numbers")
            origin = xy[0], xy[1]
        elif word == b"SYMMETRY":
            symmetry = w.symmetry()
        elif word == b"SITE":
            site = site or w.name("a site")
        elif word == b"FOREIGN":
            foreign = foreign or w.name("a cell")
        w.to_semicolon()
    if size is None:
        raise ParseError(path, line, f"macro {name!r} has no SIZE")
    return LefMacro(name, kind, subkind, *size, origin, symmetry, site, foreign, pins, obstruction, path, line)


def _pin(w: Words) -> LefPin:
    name = w.word("the name of a pin")
    direction, use = "", ""
    shapes: list[LefRect] = []
    end = f"'END {name.decode()}'"
    while True:
        word = w.word(end)
        if word == b"END":
            if not w.skip(name):
                raise w.fault(f"expected {end}, found 'END {shown(w.peek())[1:-1]}'")
            return LefPin(name.decode(), direction, use, tuple(shapes))
        if word == b"PORT":
            shapes += _shapes(w, b"PORT")
            continue
        if word == b"DIRECTION":
            direction = w.name("a direction").upper()
        elif word == b"USE":
            use = w.name("a use").upper()
        elif word in (b"PIN", b"MACRO", b"OBS"):
            raise w.fault(f"pin {name.decode()!r} does not end", 1)
        w.to_semicolon()


def _shapes(w: Words, what: bytes) -> Iterator[LefRect]:
    """Yield the shapes up to END."""
    layer = ""
    half = 0.0
    end = f"the END of {what.decode()}"
    while True:
        word = w.word(end)
        if word == b"END":
            return
        if word == b"RECT":
            x0, y0, x1, y1 = w.four_numbers() or _coordinates(w, 4)
            if not layer:
                raise w.fault("a shape before any LAYER", 1)
            yield LefRect(layer, min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
        elif word == b"LAYER":
            layer = w.name("a layer")
            half = 0.0
        elif word == b"WIDTH":
            half = abs(w.number("a width")) / 2
        elif word in _SHAPES:
            if not layer:
                raise w.fault("a shape before any LAYER", 1)
            xy = _coordinates(w, 2)
            grow = half if word == b"PATH" else 0.0
            x, y = xy[::2], xy[1::2]
            yield LefRect(layer, min(x) - grow, min(y) - grow, max(x) + grow, max(y) + grow)
        elif word in (b"PIN", b"MACRO", b"PORT", b"OBS"):
            raise w.fault(f"{what.decode()} does not end", 1)
        w.to_semicolon()


def _coordinates(w: Words, least: int) -> list[float]:
    if w.skip(b"MASK"):
        w.number("the mask")
    w.skip(b"ITERATE")
    xy = w.numbers()
    if len(xy) < least or len(xy) % 2 or (least == 4 and len(xy) != 4):
        raise w.fault(f"a shape with {len(xy)} coordinates")
    return xy


def _pass_over(w: Words, what: bytes) -> None:
    """Pass over a block that ends in END, or in END and its own name."""
    while w.word(f"the END of {what.decode()}") != b"END":
        pass
    w.skip(what)
