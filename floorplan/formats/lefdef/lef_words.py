"""The words of one block of a LEF file; every complaint knows the line of its word."""

from __future__ import annotations

from pathlib import Path

from floorplan.errors import ParseError
from floorplan.formats.lefdef.cursor import WordCursor
from floorplan.formats.lefdef.text import WORD, Source, shown

__all__ = ["Words"]

_SYMMETRIES = frozenset(("X", "Y", "R90"))
_FAR_UM = 1e9


class Words(WordCursor):
    """The words between two offsets and how far they are read; a semicolon is a word of its own.

    Attributes:
        words, at: of `WordCursor`.
    """

    whole = "block"

    def __init__(self, source: Source, start: int, end: int) -> None:
        self._source = source
        self._start = start
        self._end = end
        text = source.text[start:end]
        words = text.split()
        # a semicolon set behind a word, as hand-written files have it
        if text.count(b";") != words.count(b";"):
            words = [w for word in words for w in ([word] if word[-1:] != b";" else [word[:-1], b";"]) if w]
        super().__init__(words)

    @property
    def path(self) -> Path:
        """The file."""
        return self._source.path

    def fault(self, what: str, back: int = 0) -> ParseError:
        """Return the error at the word that comes next, or `back` words before it."""
        number = max(0, min(self.at - back, len(self.words) - 1))
        offset = self._start
        k = 0
        for m in WORD.finditer(self._source.text, self._start, self._end):
            offset = m.start(1)
            k += 1 if m[1] == b";" or m[1][-1:] != b";" else 2
            if k > number:
                break
        return self._source.fault(offset, what)

    def name(self, what: str) -> str:
        """Return the next word, which is not a semicolon, as text."""
        word = self.word(what)
        if word == b";":
            raise self.fault(f"the statement ends where {what} is expected", 1)
        return word.decode()

    def number(self, what: str) -> float:
        """Return the next word as a number of a sensible size."""
        word = self.word(what)
        try:
            value = float(word)
        except ValueError:
            value = float("nan")
        if not abs(value) <= _FAR_UM or b"_" in word:
            raise self.fault(f"{what} is {shown(word)}, not a number", 1)
        return value

    def numbers(self) -> list[float]:
        """Return all numbers that follow; parentheses around points are passed over."""
        out: list[float] = []
        while self.more():
            word = self.words[self.at]
            if word in (b"(", b")"):
                self.at += 1
                continue
            try:
                value = float(word)
            except ValueError:
                break
            if b"_" in word:  # Python's own way to write long numbers
                break
            if not abs(value) <= _FAR_UM:
                raise self.fault(f"a coordinate is {shown(word)}")
            out.append(value)
            self.at += 1
        return out

    def four_numbers(self) -> list[float] | None:
        """Return the next four words if they are numbers before a semicolon, as in most shapes; else None."""
        if self.words[self.at + 4 : self.at + 5] != [b";"]:
            return None
        try:
            out = list(map(float, self.words[self.at : self.at + 4]))
        except ValueError:
            return None
        if b"_" in b"".join(self.words[self.at : self.at + 4]):
            return None
        if not all(abs(v) <= _FAR_UM for v in out):  # nan, too
            return None
        self.at += 4
        return out

    def size(self) -> tuple[float, float]:
        """Return `w BY h`."""
        w = self.number("a width")
        self.expect(b"BY")
        h = self.number("a height")
        if w < 0 or h < 0:
            raise self.fault(f"the size {w:g} BY {h:g} is negative", 1)
        return w, h

    def symmetry(self) -> frozenset[str]:
        """Return the words up to the semicolon, which must be of X, Y and R90."""
        out = []
        while self.more() and self.peek() != b";":
            word = self.name("a symmetry").upper()
            if word not in _SYMMETRIES:
                raise self.fault(f"symmetry {word[:20]!r} is not X, Y or R90", 1)
            out.append(word)
        return frozenset(out)

    def to_semicolon(self) -> None:
        """Pass over the rest of the statement.

        Raises:
            ParseError: it does not end within the block.
        """
        try:
            self.at = self.words.index(b";", self.at) + 1
        except ValueError:
            raise self.fault("the statement does not end in ' ;'") from None
