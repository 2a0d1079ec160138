"""The nets of a DEF file.

They are read a megabyte at a time. The words of a stretch in the form that every tool writes are told apart all at
once; any other goes entry by entry to `Statement`, which accepts what the format accepts and knows the place of what it
rejects.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import itemgetter

import numpy as np
import numpy.typing as npt

from floorplan.formats.lefdef.def_statement import Statement
from floorplan.formats.lefdef.def_tables import DefNets
from floorplan.formats.lefdef.text import WHITE, WORD, Numbers, Source, names, shown

__all__ = ["DESIGN_PIN", "MUST_JOIN", "WILD_CARD", "read_nets"]

DESIGN_PIN = -1
WILD_CARD = -2
MUST_JOIN = b"MUSTJOIN"
"""Stands for the name of an entry that joins pins of one component and is no net of the design."""

_TAIL = re.compile(rb"\+(?!\S)(?<!\S\+)(?!\s++SYNTHESIZED(?!\S))")
"""The first plus behind the connections; one word with a plus may stand within a connection."""
_USE_OR_WEIGHT = re.compile(rb"\+(?<!\S\+)\s+(USE|WEIGHT)\s+(\S++)")
_LONE_DASH = re.compile(rb"-(?!\S)(?<!\S-)")
_MAX_TABLE = 8 << 20
"""A longer stretch is one net with its wires, of which only the connections need be cut into words."""
_MAX_NET = 1 << 30

_IS_WHITE = np.isin(np.arange(256), list(WHITE))

log = logging.getLogger(__name__)

I64 = npt.NDArray[np.int64]


@dataclass
class _Columns:
    """Nets as they are found; `joins` and `pins` hold one array a stretch."""

    number: dict[bytes, int]
    pin_number: Numbers = field(default_factory=Numbers)
    name: list[bytes] = field(default_factory=list)
    use: list[bytes] = field(default_factory=list)
    weight: list[float] = field(default_factory=list)
    count: list[int] = field(default_factory=list)
    joins: list[npt.NDArray[np.int32]] = field(default_factory=list)
    pins: list[npt.NDArray[np.int32]] = field(default_factory=list)

    def add(self, joins: npt.NDArray[np.int32], pins: Sequence[bytes]) -> None:
        """Add the connections of a stretch."""
        self.joins.append(joins)
        self.pins.append(np.fromiter(map(self.pin_number.__getitem__, pins), np.int32, len(pins)))


def read_nets(source: Source, start: int, end: int, component: dict[bytes, int]) -> DefNets:
    """Read NETS; routed wires are passed over.

    Args:
        source: the file.
        start: offset of the first statement.
        end: offset behind the last.
        component: number of each component.

    Raises:
        ParseError: a statement is not one of a net, or a component does not exist.
    """
    found = _Columns(component | {b"PIN": DESIGN_PIN, b"*": WILD_CARD})
    for at, stop in source.chunks(start, end):
        if not _read_table(source.text[at:stop], found):
            _read_one_by_one(source, at, stop, found)
    again = len(found.name) - len(set(found.name)) - max(found.name.count(MUST_JOIN) - 1, 0)
    if again:  # a public benchmark has such; what a net joins is known all the same
        log.warning("%s: %d nets have the name of another; each entry is a net of its own", source.path, again)
    empty = np.zeros(0, np.int32)
    return DefNets(
        name=names(found.name),
        use=names(found.use),
        weight=np.array(found.weight, np.float64),
        ptr=np.concatenate([[0], np.cumsum(found.count)]).astype(np.int64),
        component=np.concatenate([*found.joins, empty]),
        pin=np.concatenate([*found.pins, empty]),
        pin_names=tuple(names(list(found.pin_number))),
    )


def _read_table(chunk: bytes, found: _Columns) -> bool:
    """Add the nets of a stretch of `- name ( component pin ) ... [+ ...] ;`; return False, none added, if it is none.

    Words are told apart by their length and first letter: marks are one letter long.
    """
    if len(chunk) > _MAX_TABLE:
        return False
    words = chunk.split()
    first, alone = _marks(chunk)
    if len(first) != len(words) or not len(words):
        return False
    is_end = alone & (first == ord(";"))
    last = np.flatnonzero(is_end)
    begin = np.concatenate([[0], last[:-1] + 1])
    is_dash = alone & (first == ord("-"))
    if not is_end[-1] or chunk.count(b";") != len(last) or is_dash.sum() != len(last) or not is_dash[begin].all():
        return False
    # connections stand between the name and the first plus, four words each
    plus = np.flatnonzero(alone & (first == ord("+")))
    stop = np.minimum(np.append(plus, len(words))[np.searchsorted(plus, begin)], last)
    count, rest = np.divmod(stop - begin - 2, 4)
    if rest.any() or (count < 0).any():
        return False
    before = np.cumsum(count) - count
    at = np.repeat(begin + 2 - 4 * before, count) + 4 * np.arange(int(count.sum()))
    if not ((alone & (first == ord("(")))[at].all() and (alone & (first == ord(")")))[at + 3].all()):
        return False
    who = _picked(words, at + 1)
    try:
        joins = np.fromiter(map(found.number.__getitem__, who), np.int32, len(who))
    except KeyError:
        return False
    said = _uses_and_weights(words, plus, np.searchsorted(last, plus), len(last))
    if said is None:
        return False
    name = _picked(words, begin + 1)
    if MUST_JOIN in name:
        return False
    found.name += name
    found.use += said[0]
    found.weight += said[1]
    found.count += count.tolist()
    found.add(joins, _picked(words, at + 2))
    return True


def _marks(chunk: bytes) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """Return the first letter of each word, and whether it is the only one."""
    letters = np.frombuffer(chunk, np.uint8)
    white = np.concatenate([[True], _IS_WHITE[letters], [True]])
    edges = np.flatnonzero(white[1:] != white[:-1])
    starts, ends = edges[::2], edges[1::2]
    return letters[starts], ends - starts == 1


def _picked(words: list[bytes], at: I64) -> Sequence[bytes]:
    """Return the words at these places."""
    if len(at) < 2:
        return [words[i] for i in at.tolist()]
    out: tuple[bytes, ...] = itemgetter(*at.tolist())(words)
    return out


def _uses_and_weights(words: list[bytes], plus: I64, net: I64, count: int) -> tuple[list[bytes], list[float]] | None:
    """Return USE and WEIGHT of each net; None where one is not as expected."""
    use, weight = [b""] * count, [1.0] * count
    kind = _picked(words, plus + 1)
    for p, e, word in zip(plus.tolist(), net.tolist(), kind, strict=True):
        if word == b"USE":
            use[e] = words[p + 2]
            if use[e] == b";":
                return None
        elif word == b"WEIGHT":
            value = _weight(words[p + 2])
            if value is None:
                return None
            weight[e] = value
    return use, weight


def _weight(word: bytes) -> float | None:
    try:
        value = float(word)
    except ValueError:
        return None
    return value if 0 <= value < 1e12 and b"_" not in word else None


def _read_one_by_one(source: Source, start: int, stop: int, found: _Columns) -> None:
    joins: list[int] = []
    pins: list[bytes] = []
    at = start
    for part in source.split(start, stop, _MAX_NET):
        tail = _TAIL.search(part)
        head = part if tail is None else part[: tail.start()]
        m = WORD.match(source.text, at)
        s = Statement(source, at if m is None else m.start(1), head.split())
        s.expect(b"-")
        name = s.word("the name of a net")
        before = len(joins)
        while s.more():
            joins.append(_component(s, name, found.number))
            pins.append(s.word("a pin"))
            if s.skip(b"+"):
                s.expect(b"SYNTHESIZED")
            s.expect(b")")
        use, weight = (b"", 1.0) if tail is None else _use_and_weight(source, at + tail.start(), part[tail.start() :])
        found.name.append(name)
        found.use.append(MUST_JOIN if name == MUST_JOIN else use)
        found.weight.append(weight)
        found.count.append(len(joins) - before)
        at += len(part) + 1
    found.add(np.array(joins, np.int32), pins)


def _component(s: Statement, net: bytes, number: dict[bytes, int]) -> int:
    s.expect(b"(")
    word = s.word("a component or PIN")
    if word in (b"(", b")"):
        raise s.fault(f"expected a component or PIN, found {shown(word)}", 1)
    if word not in number:
        raise s.fault(f"net {shown(net)} joins {shown(word)}, which is no component", 1)
    return number[word]


def _use_and_weight(source: Source, offset: int, tail: bytes) -> tuple[bytes, float]:
    """Return USE and WEIGHT of what follows the connections of a net; routed wires in it are run over."""
    use, weight = b"", 1.0
    merged = _LONE_DASH.search(tail)
    if merged is not None:
        raise source.fault(offset + merged.start(), "a ';' is missing before this '-'")
    for m in _USE_OR_WEIGHT.finditer(tail):
        if m[1] == b"USE":
            use = m[2]
            continue
        value = _weight(m[2])
        if value is None:
            raise source.fault(offset + m.start(2), f"the weight of a net is {shown(m[2])}, not a number >= 0")
        weight = value
    return use, weight
