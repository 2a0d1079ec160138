"""YAL text to modules: sections, pins and networks as they stand, every complaint with its file and line.

Grammar: B. Preas and K. Roberts, YAL description, 1987, as amended by J. Rose for the MCNC building blocks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from floorplan.errors import ParseError
from floorplan.formats.bookshelf.lines import SHOWN, number_of

__all__ = ["Call", "Module", "Pin", "read_modules"]

_TYPES = ("GENERAL", "PARENT", "PAD", "STANDARD", "FEEDTHROUGH")
_PIN_TYPES = {"I": False, "O": True, "B": False, "PI": True, "PO": False, "PB": False, "F": False} | dict.fromkeys(
    ("PWR", "GND"), False
)
_SIDES = ("BOTTOM", "RIGHT", "TOP", "LEFT")
_SECTIONS = ("IOLIST", "NETWORK", "PLACEMENT", "CRITICALNETS")
_MAX_STATEMENT = 1 << 22
_COMMENT = re.compile(r"/\*(?:.*?\*/|.*+)", re.DOTALL)  # one that does not end goes to the end of the file
_NOT_END = re.compile(r"[^\n]+")


@dataclass(frozen=True)
class Pin:
    """A line of an IOLIST: name, position in the module's coordinates, whether it drives its net from the inside.

    A pin of a parent drives its net where it is an input of the chip (PI).
    """

    name: str
    x: float
    y: float
    out: bool
    line: int


@dataclass(frozen=True)
class Call:
    """A line of a NETWORK: an instance, its module, and the signals of the module's pins in their order."""

    name: str
    module: str
    signals: list[str]
    line: int


@dataclass
class Module:
    """A module; `box` is x0, y0, x1, y1 of its outline, `cut` says that the outline does not fill it."""

    name: str
    line: int
    type: str = ""
    box: tuple[float, float, float, float] | None = None
    cut: bool = False
    pins: list[Pin] = field(default_factory=list)
    network: list[Call] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)


def read_modules(path: Path, text: str) -> dict[str, Module]:
    """Return the modules of a file by name, in file order."""
    found: dict[str, Module] = {}
    module: Module | None = None
    section = ""
    for line, words in _statements(path, text):
        key = words[0]
        if module is None:
            if key != "MODULE" or len(words) != 2:
                raise ParseError(path, line, f"expected `MODULE name;`, found {_shown(words)}")
            if words[1] in found:
                raise ParseError(
                    path, line, f"module {words[1][:SHOWN]!r} is there already (line {found[words[1]].line})"
                )
            module = found[words[1]] = Module(words[1], line)
        elif section:
            if words == ["END" + section]:
                section = ""
            elif key in ("ENDMODULE", "MODULE") and len(words) <= 2:
                raise ParseError(path, line, f"{section} of module {module.name[:SHOWN]!r} has no END{section}")
            else:
                _entry(path, line, module, section, words)
        elif words == ["ENDMODULE"]:
            _check(path, module)
            module = None
        elif key in _SECTIONS and len(words) == 1:
            section = key
            if section in ("PLACEMENT", "CRITICALNETS"):
                module.passed_over.append(section)
        elif key == "TYPE":
            if len(words) != 2 or words[1] not in _TYPES:
                raise ParseError(path, line, f"expected TYPE and one of {' '.join(_TYPES)}, found {_shown(words)}")
            module.type = words[1]
        elif key == "DIMENSIONS":
            module.box, module.cut = _dimensions(path, line, module, words[1:])
        else:
            raise ParseError(path, line, f"expected TYPE, DIMENSIONS, a section or ENDMODULE, found {_shown(words)}")
    if module is not None:
        raise ParseError(path, module.line, f"module {module.name[:SHOWN]!r} has no ENDMODULE")
    return found


def _statements(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line and the words of each statement that is not empty."""

    def blank(m: re.Match[str]) -> str:
        if not m[0].endswith("*/") or len(m[0]) < 4:
            raise ParseError(path, text.count("\n", 0, m.start()) + 1, "the comment does not end")
        return _NOT_END.sub(" ", m[0])

    bare = _COMMENT.sub(blank, text)
    line, start = 1, 0
    while start < len(bare):
        end = bare.find(";", start)
        if (len(bare) if end < 0 else end) - start > _MAX_STATEMENT:
            raise ParseError(path, line, f"a statement of more than {_MAX_STATEMENT} characters begins here")
        piece = bare[start:] if end < 0 else bare[start:end]
        words = piece.split()
        if words:
            first = line + piece.count("\n", 0, piece.index(words[0]))
            if end < 0:
                raise ParseError(path, first, f"{_shown(words)} does not end with a semicolon")
            yield first, words
        line += piece.count("\n")
        start = len(bare) if end < 0 else end + 1


def _dimensions(
    path: Path, line: int, module: Module, words: list[str]
) -> tuple[tuple[float, float, float, float], bool]:
    if module.box is not None:
        raise ParseError(path, line, f"module {module.name[:SHOWN]!r} has DIMENSIONS twice")
    values = [number_of(path, line, "a dimension", w) for w in words]
    if len(values) == 2:  # of a standard cell: width and height
        values = [0.0, 0.0, values[0], 0.0, values[0], values[1], 0.0, values[1]]
    if len(values) < 8 or len(values) % 2:
        raise ParseError(path, line, f"DIMENSIONS needs the x and y of 4 corners or more, found {len(values)} numbers")
    xs, ys = values[::2], values[1::2]
    box = min(xs), min(ys), max(xs), max(ys)
    area = (box[2] - box[0]) * (box[3] - box[1])
    if not area > 0:
        raise ParseError(path, line, f"module {module.name[:SHOWN]!r} has no area")
    twice = sum(xs[k - 1] * ys[k] - xs[k] * ys[k - 1] for k in range(len(xs)))
    return box, abs(twice) / 2 < area * (1 - 1e-9)


def _entry(path: Path, line: int, module: Module, section: str, words: list[str]) -> None:
    if section == "NETWORK":
        if len(words) < 2:
            raise ParseError(path, line, f"expected `instance module signals`, found {_shown(words)}")
        module.network.append(Call(words[0], words[1], words[2:], line))
    elif section == "IOLIST":
        module.pins.append(_pin(path, line, module, words))


def _pin(path: Path, line: int, module: Module, words: list[str]) -> Pin:
    if len(words) < 4 or words[1] not in _PIN_TYPES:
        raise ParseError(path, line, f"expected `name type x y width layer`, found {_shown(words)}")
    if words[2] not in _SIDES:
        x, y = number_of(path, line, "x", words[2]), number_of(path, line, "y", words[3])
        return Pin(words[0], x, y, _PIN_TYPES[words[1]], line)
    if module.box is None:
        raise ParseError(path, line, f"a pin on a side of module {module.name[:SHOWN]!r}, which has no DIMENSIONS yet")
    x0, y0, x1, y1 = module.box
    at = number_of(path, line, "position", words[3])
    if words[2] in ("BOTTOM", "TOP"):
        return Pin(words[0], x0 + at, y0 if words[2] == "BOTTOM" else y1, _PIN_TYPES[words[1]], line)
    return Pin(words[0], x0 if words[2] == "LEFT" else x1, y0 + at, _PIN_TYPES[words[1]], line)


def _check(path: Path, module: Module) -> None:
    if not module.type:
        raise ParseError(path, module.line, f"module {module.name[:SHOWN]!r} has no TYPE")
    if module.type != "PARENT" and module.box is None:
        raise ParseError(path, module.line, f"module {module.name[:SHOWN]!r} has no DIMENSIONS")
    if module.type != "PARENT" and module.network:
        line = module.network[0].line
        raise ParseError(path, line, f"module {module.name[:SHOWN]!r} has a NETWORK, but is no PARENT")


def _shown(words: list[str]) -> str:
    return repr(" ".join(words[:4])[:SHOWN])
