"""The components of a DEF file.

They are read a megabyte at a time. A stretch in the form that every tool writes is taken apart by one split and a few
comparisons; any other goes entry by entry to `Statement`, which accepts what the format accepts and knows the place of
what it rejects.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from floorplan.errors import ParseError
from floorplan.formats.lefdef.def_sections import PLACED_WORDS, statements
from floorplan.formats.lefdef.def_statement import MAX_DBU, ORIENTS, Statement
from floorplan.formats.lefdef.def_tables import Components, Halo, Status
from floorplan.formats.lefdef.text import WORD, Numbers, Source, names, shown

__all__ = ["Entry", "component_entry", "read_components"]

_STATUS = {word: int(status) for word, status in PLACED_WORDS.items()} | {b"UNPLACED": int(Status.UNPLACED)}
_MAX_TABLE = 8 << 20
"""A longer stretch is no table: a component takes a line, and stretches end a megabyte apart."""
_STATUS_WORDS = {status: word for word, status in _STATUS.items()}
_ORIENT_WORDS = {orient: word for word, orient in ORIENTS.items()}
_UNPLACED = [b"+", b"UNPLACED"]
_NOWHERE = b"+ UNPLACED ( 0 0 ) N".split()


@dataclass
class Entry:
    """One component as its statement gives it, and where in the statement its place is said."""

    name: bytes
    master: bytes
    status: int = int(Status.UNPLACED)
    x: int = 0
    y: int = 0
    orient: int = 0
    halo: Halo | None = None
    region: str | None = None
    place_words: tuple[int, int] | None = field(default=None)


def component_entry(s: Statement) -> Entry:
    """Read the statement of a component, of which `-` is passed over already."""
    out = Entry(s.word("the name of a component"), s.word("a library cell"))
    while s.to_plus():
        word = s.word("an attribute of the component")
        begin = s.at - 1
        if word in PLACED_WORDS:
            out.status = int(PLACED_WORDS[word])
            out.x, out.y = s.point()
            out.orient = s.orient()
            out.place_words = begin, s.at
        elif word == b"UNPLACED":
            out.status = int(Status.UNPLACED)
            if s.peek() == b"(":  # some tools leave the old place behind the word
                s.point()
                s.orient()
            out.place_words = begin, s.at
        elif word == b"HALO":
            soft = s.skip(b"SOFT")
            sides = [s.integer(side) for side in ("left", "bottom", "right", "top")]
            if min(sides) < 0:
                raise s.fault("a halo is negative", 1)
            out.halo = Halo((sides[0], sides[1], sides[2], sides[3]), soft)
        elif word == b"REGION":
            out.region = s.name("the name of a region")
            if s.peek() == b"(":
                raise s.fault("a region of points, as before DEF 5.4, is not read; name one of REGIONS")
    return out


@dataclass
class _Columns:
    """Components as they are found."""

    name: list[bytes] = field(default_factory=list)
    master: list[bytes] = field(default_factory=list)
    status: list[bytes] = field(default_factory=list)
    x: list[bytes] = field(default_factory=list)
    y: list[bytes] = field(default_factory=list)
    orient: list[bytes] = field(default_factory=list)
    halo: dict[int, Halo] = field(default_factory=dict)
    region: dict[int, str] = field(default_factory=dict)


def read_components(source: Source, start: int, end: int) -> Components:
    """Read COMPONENTS.

    Raises:
        ParseError: a statement is not one of a component, or a name comes twice.
    """
    found = _Columns()
    for at, stop in source.chunks(start, end):
        words = source.text[at:stop].split() if stop - at <= _MAX_TABLE else []
        if words and source.text.count(b";", at, stop) * 11 == len(words) and _is_table(words):
            found.name += words[1::11]
            found.master += words[2::11]
            found.status += words[4::11]
            found.x += words[6::11]
            found.y += words[7::11]
            found.orient += words[9::11]
        else:
            try:
                _read_one_by_one(source, at, stop, found)
            except ParseError:  # there may be another before it
                raise _component_fault(source, start, end) from None
    try:
        x, y = (np.array(list(map(int, v)), np.int64) for v in (found.x, found.y))
        bad = b"_" in b"".join(found.x) + b"".join(found.y) or max(np.abs(v).max(initial=0) for v in (x, y)) > MAX_DBU
    except (ValueError, OverflowError):
        bad = True
    if bad or len(set(found.name)) < len(found.name):
        raise _component_fault(source, start, end)
    masters = Numbers()
    status = np.array([_STATUS[s] for s in found.status], np.uint8)
    placed = status != Status.UNPLACED
    return Components(
        name=names(found.name),
        master=np.array([masters[m] for m in found.master], np.int32),
        masters=tuple(names(list(masters))),
        status=status,
        x=x * placed,
        y=y * placed,
        orient=np.array([ORIENTS[o] for o in found.orient], np.uint8) * placed,
        halo=found.halo,
        region=found.region,
    )


def _is_table(words: list[bytes]) -> bool:
    """Return whether the words are `- name master + PLACED ( x y ) N ;` over and over."""
    n, rest = divmod(len(words), 11)
    marks = ((0, b"-"), (3, b"+"), (5, b"("), (8, b")"), (10, b";"))
    return (
        rest == 0
        and all(words[k::11].count(mark) == n for k, mark in marks)
        and set(words[4::11]) <= _STATUS.keys()
        and set(words[9::11]) <= ORIENTS.keys()
    )


def _read_one_by_one(source: Source, at: int, stop: int, found: _Columns) -> None:
    for part in source.split(at, stop):
        t = part.split()
        if len(t) == 13 and t[4] == b"SOURCE" and t[3] == b"+":
            del t[3:6]
        elif len(t) == 3 or (len(t) == 5 and t[3:] == _UNPLACED):
            t[3:] = _NOWHERE
        if len(t) != 10 or not _is_table([*t, b";"]):
            m = WORD.match(source.text, at)
            s = Statement(source, at if m is None else m.start(1), part.split())
            s.expect(b"-")
            entry = component_entry(s)
            if entry.halo is not None:
                found.halo[len(found.name)] = entry.halo
            if entry.region is not None:
                found.region[len(found.name)] = entry.region
            status, orient = _STATUS_WORDS[entry.status], _ORIENT_WORDS[entry.orient]
            t = [b"-", entry.name, entry.master, b"+", status, b"(", b"%d" % entry.x, b"%d" % entry.y, b")", orient]
        found.name.append(t[1])
        found.master.append(t[2])
        found.status.append(t[4])
        found.x.append(t[6])
        found.y.append(t[7])
        found.orient.append(t[9])
        at += len(part) + 1


def _component_fault(source: Source, start: int, end: int) -> ParseError:
    """Return the error that the quick way only knows to be there."""
    seen: dict[bytes, int] = {}
    try:
        for s in statements(source, start, end):
            entry = component_entry(s)
            if entry.name in seen:
                before = source.fault(seen[entry.name], "").line
                return s.fault_at_start(f"component {shown(entry.name)} is given twice (first in line {before})")
            seen[entry.name] = s.offset
    except ParseError as e:
        return e
    raise AssertionError("a coordinate is wrong and no statement says so")
