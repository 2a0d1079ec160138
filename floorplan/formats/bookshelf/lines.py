"""Lines of Bookshelf and GSRC files: what is on them, their numbers, and the counts a file states of itself."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

from floorplan.errors import ParseError
from floorplan.files import plain_name, read_bytes_maybe_compressed
from floorplan.formats.pbtxt.scanner import decode

__all__ = ["LEAST_LENGTH", "MAX_NUMBER", "SHOWN", "Body", "lines_of", "number_of"]

MAX_NUMBER = 1e15
"""No length, weight or count of a design is larger; areas and sums of what is smaller stay finite."""

LEAST_LENGTH = 1e-6
"""No length that others are divided by is smaller."""

SHOWN = 40
"""Characters of a file that a message repeats."""

_COUNT = re.compile(
    r"(NumNodes|NumTerminals|NumNets|NumPins|NumRows|NumSoftRectangularBlocks|NumHardRectilinearBlocks"
    r"|NumNonRectangularNodes)\s*:\s*(\S*)\s*",
    re.IGNORECASE,
)
_HEAD_LINES = 200
_MAX_LINE = 1 << 18  # words take ten times the memory of their line


class Body:
    """What a file says after its `UCLA kind 1.0`; its counts (`NumNets : 3`) are kept to be checked at the end.

    Attributes:
        path: the file.
        text: all of it.
        start: offset of the line after the last count above the entries.
        first: number of that line.
    """

    def __init__(self, path: Path, *kinds: str) -> None:
        self.path = path
        self.text = decode(path, read_bytes_maybe_compressed(path))
        for start in range(0, len(self.text) - _MAX_LINE, _MAX_LINE):
            if self.text.find("\n", start, start + _MAX_LINE) < 0:
                number = self.text.count("\n", 0, start) + 1
                raise ParseError(path, number, f"a line of more than {_MAX_LINE} characters")
        self._counts: dict[str, tuple[int, str, str]] = {}
        words: list[str] = []
        number = 0
        for number, end, line in _numbered(self.text, 0, 1):
            if line.strip() and not line.lstrip().startswith("#"):
                words, self.start, self.first = line.split(), end, number + 1
                break
            if number == _HEAD_LINES:
                break
        kind = words[1:2] if words[:1] in (["UCLA"], ["UCSC"]) else words[:1]  # .route and .shapes have no UCLA
        if not kind or kind[0] not in kinds:
            said = f"expected `UCLA {kinds[0]} 1.0` (in {plain_name(path)})"
            raise ParseError(path, number if words else 0, said)
        for number, end, line in _numbered(self.text, self.start, self.first):
            if not self._is_count(number, line) and line.strip() and not line.lstrip().startswith("#"):
                break
            self.start, self.first = end, number + 1

    def entries(self) -> Iterator[tuple[int, str]]:
        """Yield number and text of each line that says something, without its comment."""
        for number, _, line in _numbered(self.text, self.start, self.first):
            text = line.partition("#")[0] if "#" in line else line
            if text and not text.isspace() and not self._is_count(number, text):
                yield number, text

    def _is_count(self, number: int, line: str) -> bool:
        if line.lstrip()[:3].lower() != "num":
            return False
        m = _COUNT.fullmatch(line.partition("#")[0].strip())
        if m:
            self._counts.setdefault(m[1].lower(), (number, m[1], m[2]))
        return m is not None

    def check(self, key: str, found: int, what: str, also: int | None = None) -> None:
        """Refuse a file that states another count under `key` than was found; `also` is one more that is right."""
        number, key, text = self._counts.get(key.lower(), (0, key, str(found)))
        if not (text.isascii() and text.isdigit() and len(text) <= 12):
            raise ParseError(self.path, number, f"{key} is {text[:SHOWN]!r}, not a number")
        if int(text) not in (found, also):
            raise ParseError(self.path, number, f"{key} is {text}, but the file has {found} {what}")


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield number and text of every line of a file."""
    for number, _, line in _numbered(decode(path, read_bytes_maybe_compressed(path)), 0, 1):
        yield number, line


def _numbered(text: str, start: int, number: int) -> Iterator[tuple[int, int, str]]:
    """Yield number, offset of the next line, and text of each line; one at a time, for files can be large."""
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield number, end + 1, text[start:end]
        start, number = end + 1, number + 1


def number_of(path: Path, line: int, what: str, text: str) -> float:
    """Return the number that `text` is."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or "_" in text or not text.isascii():
        raise ParseError(path, line, f"{what} is {text[:SHOWN]!r}, not a finite number")
    if abs(value) > MAX_NUMBER:
        raise ParseError(path, line, f"{what} is {text[:SHOWN]!r}, more than {MAX_NUMBER:g}")
    return value
