"""Reads quantities as data sheets write them ("4800 Gb/s", "32 GiB", "989 TFLOP/s") into SI units."""

from __future__ import annotations

import math
import re

from floorplan.errors import FloorplanError

__all__ = ["FigureError", "si"]


class FigureError(FloorplanError):
    """A figure of a chip is unreadable, or one that a calculation needs is not published."""


_DECIMAL = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_BINARY = {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40}
# Unit as written -> (SI unit, factor). OP is FLOP's integer sister; both count two to a multiply-add.
_UNITS = {
    "B": ("B", 1.0),
    "b": ("B", 0.125),
    "B/s": ("B/s", 1.0),
    "b/s": ("B/s", 0.125),
    "FLOP/s": ("FLOP/s", 1.0),
    "OP/s": ("FLOP/s", 1.0),
    "W": ("W", 1.0),
}
_TEXT = re.compile(
    r"\s*([0-9][0-9_]*(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)\s*(Ki|Mi|Gi|Ti|[kMGTPE]?)(B/s|b/s|FLOP/s|OP/s|B|b|W)\s*"
)


def si(text: str) -> tuple[float, str]:
    """Return the value in SI units and that unit: bytes, bytes per second, FLOP/s or watts.

    Case and binary prefixes count: "Gb/s" is an eighth of "GB/s", "GiB" is 1.0737 "GB".

    Raises:
        FigureError: the text is not number, prefix and unit.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        raise FigureError(f"cannot read {text!r}: expected a number and one of B, b, B/s, b/s, FLOP/s, OP/s, W")
    number, prefix, written = match.groups()
    unit, factor = _UNITS[written]
    value = float(number) * (_BINARY[prefix] if prefix in _BINARY else _DECIMAL[prefix]) * factor
    if not math.isfinite(value):
        raise FigureError(f"{text!r} is not a finite quantity")
    return value, unit
