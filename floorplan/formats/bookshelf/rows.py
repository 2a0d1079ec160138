"""The rows of a Bookshelf design: their extent, the height of the lowest, the pitch of its sites."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

from floorplan.errors import ParseError
from floorplan.formats.bookshelf.lines import LEAST_LENGTH, SHOWN, Body, number_of

__all__ = ["Rows", "read_scl"]


@dataclass
class Rows:
    """The rows of .scl: their extent, the height of the lowest, and the pitch of its sites."""

    x0: float = math.inf
    y0: float = math.inf
    x1: float = -math.inf
    y1: float = -math.inf
    height: float = math.inf
    site: float = math.inf
    count: int = 0


def read_scl(path: Path) -> Rows:
    """Read .scl: blocks `CoreRow Horizontal ... End` of `key : value` pairs; only extents matter here."""
    rows = Rows()
    row = _Row(path)
    body = Body(path, "scl")
    for number, line in body.entries():
        words = line.replace(":", " : ").split()
        if words[0] == "CoreRow":
            if row.line:
                raise ParseError(path, row.line, "the row has no End")
            if words[1:] not in (["Horizontal"], ["HORIZONTAL"]):
                raise ParseError(path, number, f"only horizontal rows are read, found {line.strip()[:SHOWN]!r}")
            row = _Row(path, number)
        elif not row.line:
            raise ParseError(path, number, f"expected `CoreRow Horizontal`, found {line.strip()[:SHOWN]!r}")
        elif words == ["End"]:
            row.add_to(rows)
            row = _Row(path)
        else:
            row.take(number, line, words)
    if row.line:
        raise ParseError(path, row.line, "the row has no End")
    if not rows.count:
        raise ParseError(path, 0, "has no row")
    body.check("NumRows", rows.count, "rows")
    return rows


@dataclass
class _Row:
    path: Path
    line: int = 0
    values: dict[str, float] = field(default_factory=dict)
    parts: list[tuple[float, float]] = field(default_factory=list)

    def take(self, number: int, line: str, words: list[str]) -> None:
        if words[0].lower() in ("siteorient", "sitesymmetry") and words[1:2] == [":"]:
            return  # one word, several, or none
        if len(words) % 3 or any(colon != ":" for colon in words[1::3]):
            raise ParseError(self.path, number, f"expected `key : value`, found {line.strip()[:SHOWN]!r}")
        pairs = {key.lower(): value for key, value in zip(words[::3], words[2::3], strict=True)}
        for key in ("coordinate", "height", "sitewidth", "sitespacing", "subroworigin", "numsites"):
            if key in pairs:
                self.values[key] = number_of(self.path, number, key, pairs[key])
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
        if min(height, pitch) < LEAST_LENGTH or any(sites <= 0 for _, sites in self.parts):
            raise ParseError(self.path, self.line, "the row has no area")
        rows.x0 = min(rows.x0, *(origin for origin, _ in self.parts), math.inf)
        rows.x1 = max(rows.x1, *(origin + sites * pitch for origin, sites in self.parts), -math.inf)
        rows.y0, rows.y1 = min(rows.y0, y), max(rows.y1, y + height)
        rows.height, rows.site = min(rows.height, height), min(rows.site, pitch)
        rows.count += 1
