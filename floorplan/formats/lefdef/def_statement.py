"""One statement of a DEF file, word by word; every complaint knows the line of its word."""

from __future__ import annotations

import re

from floorplan.errors import ParseError
from floorplan.formats.lefdef.cursor import WordCursor
from floorplan.formats.lefdef.def_tables import Rect
from floorplan.formats.lefdef.text import WORD, Source, shown
from floorplan.geometry import Orient

__all__ = ["MAX_DBU", "ORIENTS", "Statement"]

ORIENTS = {o.name.encode(): int(o) for o in Orient}
MAX_DBU = 1 << 40
"""Coordinates beyond this are a mistake; sums and products of smaller ones fit the arithmetic that follows."""

_INTEGER = re.compile(rb"[+-]?[0-9]{1,18}")


class Statement(WordCursor):
    """The words of a statement, without the semicolon, and how far they are read.

    Attributes:
        offset: where it begins.
        words, at: of `WordCursor`.
    """

    whole = "statement"

    def __init__(self, source: Source, start: int, words: list[bytes]) -> None:
        super().__init__(words)
        self._source = source
        self.offset = start

    def fault(self, what: str, back: int = 0) -> ParseError:
        """Return the error at the word that comes next, or `back` words before it."""
        number = max(0, min(self.at - back, len(self.words) - 1))
        offset = self.offset
        for m, _ in zip(WORD.finditer(self._source.text, self.offset), range(number + 1), strict=False):
            offset = m.start(1)
        return self._source.fault(offset, what)

    def fault_at_start(self, what: str) -> ParseError:
        """Return the error for the statement as a whole."""
        return self._source.fault(self.offset, what)

    def name(self, what: str) -> str:
        """Return the next word as a name."""
        return self.word(what).decode()

    def text(self, what: str) -> str:
        """Return the next word without the quotation marks around it."""
        return self.word(what).strip(b'"').decode()

    def integer(self, what: str) -> int:
        """Return the next word as a whole number."""
        word = self.word(what)
        if not _INTEGER.fullmatch(word):
            raise self.fault(f"{what} is {shown(word)}, not a whole number", 1)
        value = int(word)
        if abs(value) > MAX_DBU:
            raise self.fault(f"{what} is {value}, out of range", 1)
        return value

    def number(self, what: str) -> float:
        """Return the next word as a finite number."""
        word = self.word(what)
        try:
            value = float(word)
        except ValueError:
            value = float("nan")
        if not abs(value) < 1e15 or b"_" in word:
            raise self.fault(f"{what} is {shown(word)}, not a number", 1)
        return value

    def orient(self) -> int:
        """Return the next word as an orientation."""
        word = self.word("an orientation")
        if word not in ORIENTS:
            raise self.fault(f"orientation is {shown(word)}, not one of {', '.join(o.name for o in Orient)}", 1)
        return ORIENTS[word]

    def point(self, before: tuple[int, int] | None = None) -> tuple[int, int]:
        """Return `( x y )`; `*` repeats the coordinate of the point before."""
        self.expect(b"(")
        out = []
        for k, axis in enumerate("xy"):
            if before is not None and self.skip(b"*"):
                out.append(before[k])
            else:
                out.append(self.integer(axis))
        self.expect(b")")
        return out[0], out[1]

    def points(self) -> list[tuple[int, int]]:
        """Return all points that follow."""
        out: list[tuple[int, int]] = []
        while self.peek() == b"(":
            out.append(self.point(out[-1] if out else None))
        return out

    def rect(self) -> Rect:
        """Return `( x0 y0 ) ( x1 y1 )` with the corners in order."""
        x0, y0 = self.point()
        x1, y1 = self.point((x0, y0))
        return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)

    def to_plus(self) -> bool:
        """Pass over words up to the next `+` and over it; return False at the end."""
        while self.more():
            word = self.word("")
            if word == b"+":
                return True
            if word == b"-":
                raise self.fault("a ';' is missing before this '-'", 1)
        return False
