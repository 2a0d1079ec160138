"""Top-down spreading: the halves of a region exchange soft macros until each has room for its own.

This is the look-ahead legalisation of SimPL (Kim, Lee, Markov, 2012) with a cheaper rule: where both halves have room,
nobody moves.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["free_room", "push", "sort_by"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

_RUN = 8
"""Length of the runs that are sorted by insertion before merging."""


@njit(cache=True)
def sort_by(keys: F64, ids: I32, lo: int, hi: int, swap: I32) -> None:
    """Sort ids[lo:hi] by keys[id], equal keys by id; swap is scratch as long as ids."""
    for i in range(lo + 1, hi):
        first = lo + (i - lo) // _RUN * _RUN
        v = ids[i]
        j = i - 1
        while j >= first and (keys[ids[j]] > keys[v] or (keys[ids[j]] == keys[v] and ids[j] > v)):
            ids[j + 1] = ids[j]
            j -= 1
        ids[j + 1] = v
    width = _RUN
    while width < hi - lo:
        for a in range(lo, hi, 2 * width):
            m, b = min(a + width, hi), min(a + 2 * width, hi)
            i, j = a, m
            for k in range(a, b):
                left = i < m
                if left and j < b:
                    p, q = ids[i], ids[j]
                    left = keys[p] < keys[q] or (keys[p] == keys[q] and p < q)
                if left:
                    swap[k] = ids[i]
                    i += 1
                else:
                    swap[k] = ids[j]
                    j += 1
        for i in range(lo, hi):
            ids[i] = swap[i]
        width *= 2


@njit(cache=True)
def free_room(dens: F64, area: float, level: float, room: F64) -> None:
    """Write to room (R, C) what each cell takes up to `level`; the level is raised until `area` (in cells) fits."""
    # 1.02 ** 400 is past any density that a netlist can have.
    for _ in range(400):
        total = 0.0
        for r in range(dens.shape[0]):
            for c in range(dens.shape[1]):
                room[r, c] = max(level - dens[r, c], 0.0)
                total += room[r, c]
        if total >= area:
            break
        level *= 1.02


@njit(cache=True)
def _region(stack: I64, at: int, c0: int, c1: int, r0: int, r1: int, lo: int, hi: int) -> None:
    stack[at, 0] = c0
    stack[at, 1] = c1
    stack[at, 2] = r0
    stack[at, 3] = r1
    stack[at, 4] = lo
    stack[at, 5] = hi


@njit(cache=True)
def _room_in(table: F64, c0: int, c1: int, r0: int, r1: int) -> float:
    room: float = table[r1, c1] - table[r0, c1] - table[r1, c0] + table[r0, c0]
    return room


@njit(cache=True)
def push(
    x: F64, y: F64, area: F64, room: F64, gw: float, gh: float, ids: I32, swap: I32, stack: I64, table: F64
) -> None:
    """Move points x, y (S,) of the given area so that no cell of room (R, C) gets more than it has room for.

    A region is cut in the middle of its longer side. Points stay on their side of the cut unless that side lacks room;
    then those nearest to the cut go over. What is left over for want of whole points stays where it is. ids, swap (S,),
    stack (128, 6) and table (R + 1, C + 1), the summed-area table of room, are scratch.
    """
    rows, cols = room.shape
    table[0, :] = 0.0
    for r in range(rows):
        run = 0.0
        table[r + 1, 0] = 0.0
        for c in range(cols):
            run += room[r, c]
            table[r + 1, c + 1] = table[r, c + 1] + run
    for i in range(len(x)):
        ids[i] = i
    _region(stack, 0, 0, cols, 0, rows, 0, len(x))
    top = 1
    while top > 0:
        top -= 1
        c0, c1, r0, r1 = stack[top, 0], stack[top, 1], stack[top, 2], stack[top, 3]
        lo, hi = stack[top, 4], stack[top, 5]
        if hi == lo:
            continue
        if c1 - c0 == 1 and r1 - r0 == 1:
            for i in range(lo, hi):
                s = ids[i]
                x[s] = min(max(x[s], c0 * gw), c1 * gw)
                y[s] = min(max(y[s], r0 * gh), r1 * gh)
            continue
        along_x = c1 - c0 > 1 and (r1 - r0 == 1 or (c1 - c0) * gw >= (r1 - r0) * gh)
        if along_x:
            cut = (c0 + c1) // 2
            at = cut * gw
            first, second = _room_in(table, c0, cut, r0, r1), _room_in(table, cut, c1, r0, r1)
            keys = x
        else:
            cut = (r0 + r1) // 2
            at = cut * gh
            first, second = _room_in(table, c0, c1, r0, cut), _room_in(table, c0, c1, cut, r1)
            keys = y
        sort_by(keys, ids, lo, hi, swap)
        need = 0.0
        for i in range(lo, hi):
            need += area[ids[i]]
        if need > first + second > 0:
            # Too much for both: each takes its share.
            first *= need / (first + second)
            second = need - first
        mid = lo
        run = 0.0
        while mid < hi:
            s = ids[mid]
            half = run + 0.5 * area[s]
            must, may = half < need - second, half < first
            if not (must or (may and keys[s] < at)):
                break
            run += area[s]
            mid += 1
        if along_x:
            _region(stack, top, c0, cut, r0, r1, lo, mid)
            _region(stack, top + 1, cut, c1, r0, r1, mid, hi)
        else:
            _region(stack, top, c0, c1, r0, cut, lo, mid)
            _region(stack, top + 1, c0, c1, cut, r1, mid, hi)
        top += 2
