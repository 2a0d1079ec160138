"""The usual layout of large Bookshelf files, a block of lines at a time; anything else is for the readers by the line.

Each function returns None as soon as something is not as nearly every tool writes it: a comment among the lines, an odd
number of words, a number that is none, a name that is not known or there twice. The reader by the line then accepts it,
or knows its line.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from floorplan.formats.bookshelf.bytes_ import Names, blocks
from floorplan.formats.bookshelf.lines import Body

__all__ = ["BulkNets", "nets", "nodes", "places", "weights"]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_TERMINALS = ("terminal", "terminal_NI")
_FIXED = ("/FIXED", "/FIXED_NI")
_DIRECTIONS = ("I", "O", "B")
_NET = "NetDegree"


class BulkNets(NamedTuple):
    """Name and number of each net that has a name, where the nets begin, and the columns of the pins."""

    id: dict[str, int]
    begin: I64
    node: I64
    out: npt.NDArray[np.bool_]
    dx: F64
    dy: F64


def nodes(body: Body) -> tuple[dict[str, int], F64, F64, I64, I64] | None:
    """Return names with their numbers, width, height, 1 for terminals or 2 for those that others may overlap, line."""
    names: list[str] = []
    columns: list[tuple[F64, F64, I64, I64]] = []
    for words in blocks(body):
        if words is None or not np.isin(words.count, (3, 4)).all():
            return None
        width, height = words.numbers(words.first + 1), words.numbers(words.first + 2)
        marked = words.count == 4
        kind = np.zeros(len(marked), np.int64)
        kind[marked] = words.one_of(words.first[marked] + 3, _TERMINALS) + 1
        if width is None or height is None or min(width.min(initial=0.0), height.min(initial=0.0)) < 0:
            return None
        if (kind[marked] == 0).any():
            return None
        names += words.strings(words.first)
        columns.append((width, height, kind, words.line))
    ids = dict(zip(names, range(len(names)), strict=True))
    if not names or len(ids) < len(names):
        return None
    width, height, kind, line = (np.concatenate(column) for column in zip(*columns, strict=True))
    return ids, width, height, kind, line


def nets(body: Body, node: Names) -> BulkNets | None:
    """Return nets `NetDegree : n [name]` all of whose pins are `node I` or `node I : dx dy`."""
    names: list[str] = []
    named: list[I64] = []
    degrees: list[I64] = []
    columns: list[tuple[I64, npt.NDArray[np.bool_], F64, F64]] = []
    count = 0
    for words in blocks(body, _NET):
        if words is None:
            return None
        head = words.one_of(words.first, (_NET,)) == 0
        first, size = words.first[head], words.count[head]
        if not len(head) or not head[0] or not np.isin(size, (3, 4)).all():
            return None
        degree = words.counts(first + 2)
        at = np.flatnonzero(head)
        if degree is None or (np.diff(np.append(at, len(head))) - 1 != degree).any():
            return None
        pin, length = words.first[~head], words.count[~head]
        placed = length == 5
        direction = words.one_of(pin[length > 1] + 1, _DIRECTIONS)
        colons = np.concatenate([first + 1, pin[placed] + 2])
        x, y = words.numbers(pin[placed] + 3), words.numbers(pin[placed] + 4)
        owner = words.find(pin, node)
        if not (placed | (length == 2)).all() or (direction < 0).any() or (words.one_of(colons, (":",)) < 0).any():
            return None
        if x is None or y is None or owner.min(initial=0) < 0:
            return None
        dx, dy = np.zeros(len(pin)), np.zeros(len(pin))
        dx[placed], dy[placed] = x, y
        columns.append((owner, direction == 1, dx, dy))
        degrees.append(degree)
        names += words.strings(first[size == 4] + 3)
        named.append(count + np.flatnonzero(size == 4))
        count += len(first)
    if not columns:
        return None
    ids = dict(zip(names, np.concatenate(named).tolist(), strict=True))
    if len(ids) < len(names):
        return None
    begin = np.concatenate([[0], np.cumsum(np.concatenate(degrees))])
    owner, out, dx, dy = (np.concatenate(column) for column in zip(*columns, strict=True))
    return BulkNets(ids, begin, owner, out, dx, dy)


def places(
    body: Body, node: Names, orients: dict[str, int]
) -> tuple[I64, F64, F64, npt.NDArray[np.uint8], npt.NDArray[np.bool_]] | None:
    """Return node, x, y, orientation and whether it is fixed, of lines `node x y : N [/FIXED]`."""
    columns: list[tuple[I64, F64, F64, npt.NDArray[np.uint8], npt.NDArray[np.bool_]]] = []
    of_mark = np.array(list(orients.values()), np.uint8)
    for words in blocks(body):
        if words is None or not np.isin(words.count, (5, 6)).all():
            return None
        first, fixed = words.first, words.count == 6
        at, x, y = words.find(first, node), words.numbers(first + 1), words.numbers(first + 2)
        turn = words.one_of(first + 4, list(orients))
        marks = np.concatenate([words.one_of(first + 3, (":",)), turn, words.one_of(first[fixed] + 5, _FIXED)])
        if x is None or y is None or at.min(initial=0) < 0 or marks.min(initial=0) < 0:
            return None
        columns.append((at, x, y, of_mark[turn], fixed))
    if not columns:
        return None
    at, x, y, orient, fixed = (np.concatenate(column) for column in zip(*columns, strict=True))
    return (at, x, y, orient, fixed) if len(np.unique(at)) == len(at) else None


def weights(body: Body, net_id: dict[str, int], node: Names, num_nets: int) -> F64 | None:
    """Return the weight of each net of lines `name weight`, those of nodes passed over."""
    out = np.ones(num_nets)
    known = Names(net_id)
    for words in blocks(body):
        if words is None or not (words.count == 2).all():
            return None
        weight, net = words.numbers(words.first + 1), words.find(words.first, known)
        mine = net >= 0
        if weight is None or (words.find(words.first[~mine], node) < 0).any() or weight[mine].min(initial=1.0) <= 0:
            return None
        out[net[mine]] = weight[mine]
    return out
