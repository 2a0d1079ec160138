"""Change of routing demand when some terminals of a net change their cell.

A cell's number here is row << bits | column, so that it falls apart without a division. Demand goes straight into the
map: nets of a placement worth improving are short, so a run of cells costs less than the sums that differences need.
V comes first in a map, by columns, then H, by rows, so that runs lie along memory.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["change_many", "change_one", "change_two", "smooth_demand"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]


@njit(cache=True, inline="always")
def _h(out: F64, rows: int, cols: int, r: int, ca: int, cb: int, q: float) -> None:
    at = rows * cols + r * cols
    for c in range(at + min(ca, cb), at + max(ca, cb)):
        out[c] += q


@njit(cache=True, inline="always")
def _v(out: F64, rows: int, c: int, ra: int, rb: int, q: float) -> None:
    at = c * rows
    for r in range(at + min(ra, rb), at + max(ra, rb)):
        out[r] += q


@njit(cache=True)
def _branch(source: int, sink: int, qh: float, qv: float, rows: int, cols: int, bits: int, out: F64) -> None:
    mask = (1 << bits) - 1
    r1, c1, r2, c2 = source >> bits, source & mask, sink >> bits, sink & mask
    _h(out, rows, cols, r1, c1, c2, qh)
    _v(out, rows, c2, r1, r2, qv)


@njit(cache=True)
def _three(cells: I64, qh: float, qv: float, rows: int, cols: int, bits: int, out: F64) -> None:
    """Route a net of three distinct cells by the four cases of the cost's definition."""
    a, b, c = cells[0], cells[1], cells[2]
    if a > b:
        a, b = b, a
    if b > c:
        b, c = c, b
    if a > b:
        a, b = b, a
    mask = (1 << bits) - 1
    ra, rb, rc = a >> bits, b >> bits, c >> bits
    ca, cb, cc = a & mask, b & mask, c & mask
    # By (column, row): the rows rise already, so only columns decide, and ties keep the order.
    r1, c1, r2, c2, r3, c3 = ra, ca, rb, cb, rc, cc
    if c1 > c2:
        r1, c1, r2, c2 = r2, c2, r1, c1
    if c2 > c3:
        r2, c2, r3, c3 = r3, c3, r2, c2
    if c1 > c2 or (c1 == c2 and r1 > r2):
        r1, c1, r2, c2 = r2, c2, r1, c1
    if c2 == c3 and r2 > r3:
        r2, c2, r3, c3 = r3, c3, r2, c2
    if c1 < c2 and c2 < c3 and min(r1, r3) < r2 and r2 < max(r1, r3):
        _h(out, rows, cols, r1, c1, c2, qh)
        _h(out, rows, cols, r2, c2, c3, qh)
        _v(out, rows, c2, r1, r2, qv)
        _v(out, rows, c3, r2, r3, qv)
    elif c2 == c3 and c1 < c2 and r1 < min(r2, r3):
        _h(out, rows, cols, r1, c1, c2, qh)
        _v(out, rows, c2, r1, max(r2, r3), qv)
    elif r2 == r3:
        _h(out, rows, cols, r1, c1, c2, qh)
        _h(out, rows, cols, r2, c2, c3, qh)
        _v(out, rows, c2, r1, r2, qv)
    else:
        _h(out, rows, cols, rb, min(ca, min(cb, cc)), max(ca, max(cb, cc)), qh)
        _v(out, rows, ca, ra, rb, qv)
        _v(out, rows, cc, rb, rc, qv)


@njit(cache=True)
def _route(
    source: int, cells: I64, n: int, more: int, qh: float, qv: float, rows: int, cols: int, bits: int, out: F64
) -> None:
    """Add the route from a source to the distinct cells[:n] and, if it is not negative, to one more."""
    total = n + (more >= 0)
    if total == 3:
        if more >= 0:
            cells[n] = more
        _three(cells, qh, qv, rows, cols, bits, out)
        return
    for i in range(n):
        if cells[i] != source:
            _branch(source, cells[i], qh, qv, rows, cols, bits, out)
    if more >= 0 and more != source:
        _branch(source, more, qh, qv, rows, cols, bits, out)


@njit(cache=True)
def change_two(
    there: int, before: int, after: int, drives: bool, qh: float, qv: float, rows: int, cols: int, bits: int, out: F64
) -> None:
    """Reroute a net of two terminals, one of which goes from one cell to another; `drives` if it is the source."""
    if before != there:
        _branch(before if drives else there, there if drives else before, -qh, -qv, rows, cols, bits, out)
    if after != there:
        _branch(after if drives else there, there if drives else after, qh, qv, rows, cols, bits, out)


@njit(cache=True)
def change_one(
    begin: int, end: int, moved: int, after: int, source: int, qh: float, qv: float, rows: int, cols: int, bits: int,
    term_cell: I32, mark: I64, tag: int, cells: I64, out: F64,
) -> None:  # fmt: skip
    """Take a net's old route out of a map and put in the one with a terminal in another cell.

    Args:
        begin: terminals begin..end - 1 are the net's.
        end: see begin.
        moved: the terminal that moves.
        after: its new cell.
        source: terminal that drives the net.
        qh: routing demand of the net as a share of a cell's horizontal tracks.
        qv: likewise, vertical.
        rows: of the grid.
        cols: of the grid.
        bits: of a column in a cell number.
        term_cell: (T,) cells before the move.
        mark: by cell number; holds no `tag` yet.
        tag: unused so far.
        cells: scratch, one place a terminal and one more.
        out: (2 * R * C,) map of demand.
    """
    n = 0
    for t in range(begin, end):
        c = term_cell[t]
        if t != moved and mark[c] != tag:
            mark[c] = tag
            cells[n] = c
            n += 1
    before = term_cell[moved]
    leaves, comes = mark[before] != tag, mark[after] != tag
    if moved != source and n > 3:
        # A star before and after: only the branch to the moved terminal differs.
        if leaves:
            _branch(term_cell[source], before, -qh, -qv, rows, cols, bits, out)
        if comes:
            _branch(term_cell[source], after, qh, qv, rows, cols, bits, out)
        return
    from_old = term_cell[source]
    from_new = after if moved == source else from_old
    _route(from_old, cells, n, before if leaves else -1, -qh, -qv, rows, cols, bits, out)
    _route(from_new, cells, n, after if comes else -1, qh, qv, rows, cols, bits, out)


@njit(cache=True)
def change_many(
    begin: int, end: int, first: int, last: int, source: int, qh: float, qv: float, rows: int, cols: int, bits: int,
    term_cell: I32, new_cell: I32, mark: I64, tag: int, cells: I64, out: F64,
) -> None:  # fmt: skip
    """Do as `change_one` where terminals first..last - 1 go to their new_cell; uses the marks `tag` and `tag` + 1."""
    for now in range(2):
        n = 0
        for t in range(begin, end):
            c = new_cell[t] if now and first <= t < last else term_cell[t]
            if mark[c] != tag + now:
                mark[c] = tag + now
                cells[n] = c
                n += 1
        origin = new_cell[source] if now and first <= source < last else term_cell[source]
        _route(origin, cells, n, -1, qh if now else -qh, qv if now else -qv, rows, cols, bits, out)


@njit(cache=True)
def smooth_demand(raw: F64, rows: int, cols: int, s: int, out: F64) -> None:
    """Add demand to out, that of each cell spread over s cells to both sides across its direction; clear raw."""
    cells = rows * cols
    for c in range(cols):
        lo, hi = max(c - s, 0), min(c + s, cols - 1)
        for r in range(rows):
            share = raw[c * rows + r] / (hi - lo + 1)
            raw[c * rows + r] = 0.0
            if share != 0.0:
                for i in range(lo, hi + 1):
                    out[i * rows + r] += share
    for r in range(rows):
        lo, hi = max(r - s, 0), min(r + s, rows - 1)
        for c in range(cols):
            share = raw[cells + r * cols + c] / (hi - lo + 1)
            raw[cells + r * cols + c] = 0.0
            if share != 0.0:
                for i in range(lo, hi + 1):
                    out[cells + i * cols + c] += share
