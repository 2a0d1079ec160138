"""Hints: cells that somebody expects hard macros to do well on, and what became of those that were tried."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from floorplan.search.kernels.draw import uniform
from floorplan.search.kernels.ties import holds, near

__all__ = ["Hints", "aim", "learn"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]

TRIES = 6
"""Points of a cell that are looked at for room, its centre first."""

EVEN = 0.1
"""Share of the draws that take any cell, so that there is a way back from every move."""

MEMORY = 1e-3
"""Weight of the newest proposal in the running means of what proposals gain."""

TURN = 0.01
"""Relative change of the rate after a proposal by a hint."""

PREMIUM = 1.2
"""Times the mean gain of other moves that hints must bring: they cost the time it takes to make them, too."""

LEAST, MOST = 0.01, 0.5
"""Bounds of the rate."""


class Hints(NamedTuple):
    """Cells drawn for hard macros, and the rate at which they are drawn.

    Attributes:
        cell: (O, K) int32 cells for each obstacle of `Room`, row * columns + column; O is 0 where there are no hints.
        chance: (O, K) cumulative probabilities of them; a row of zeros has none.
        rate: (5,) chance that a hard macro's move is drawn from here; running means of what a proposal drawn from here
            gains, and another shift, jump or swap of a hard macro; running means of the squares of both.
        change: (7, 2) sums of all accepted falls and rises of the proxy, by the rows of a chain's tally.
    """

    cell: I32
    chance: F64
    rate: F64
    change: F64


@njit(cache=True)
def _in_the_way(j, x, y, room):  # type: ignore[no-untyped-def]  # numba infers
    """Return -1 if obstacle j may stand at (x, y), the one obstacle in its way, or -2 if there are more."""
    found = -1
    w, h = room.half_w[j], room.half_h[j]
    for k in range(len(room.x)):
        if k != j and abs(x - room.x[k]) < w + room.half_w[k] and abs(y - room.y[k]) < h + room.half_h[k]:
            if found >= 0:
                return -2
            found = k
    return found


@njit(cache=True)
def aim(i, hints, tables, state, room, seed):  # type: ignore[no-untyped-def]  # numba infers
    """Draw a place for hard macro i: (-1, x, y, q) where it has room, else (node to trade places with, x, y, q).

    A few points of the cell are looked at. Where none has room but a movable macro alone is in the way, that macro is
    named. The node is -2 where there is nothing to propose. q is the natural logarithm of how much likelier the
    way back is drawn.
    """
    j = room.slot[i]
    cell, chance = hints.cell[j], hints.chance[j]
    last = len(chance) - 1
    rows, columns = int(tables.shape[0]), int(tables.shape[1])
    cells = rows * columns
    if chance[last] <= 0.0:
        return -2, 0.0, 0.0, 0.0
    u = uniform(seed)
    if uniform(seed) < EVEN:
        to = int(u * cells)
    else:
        k = 0
        while k < last and chance[k] < u:
            k += 1
        to = int(cell[k])
    column, row = int(state.x[i] / tables.scale[0]), int(state.y[i] / tables.scale[1])
    at = min(max(row, 0), rows - 1) * columns + min(max(column, 0), columns - 1)
    there, back = EVEN / cells, EVEN / cells
    was = 0.0
    for k in range(last + 1):
        if cell[k] == to:
            there += (1.0 - EVEN) * (chance[k] - was)
        if cell[k] == at:
            back += (1.0 - EVEN) * (chance[k] - was)
        was = chance[k]
    q = math.log(back / there)
    b = room.bounds
    other = -2
    for t in range(TRIES):
        across, along = (0.5, 0.5) if t == 0 else (uniform(seed), uniform(seed))
        x = min(max((to % columns + across) * tables.scale[0], b[i, 0]), b[i, 1])
        y = min(max((to // columns + along) * tables.scale[1], b[i, 2]), b[i, 3])
        if room.ties.on:
            x, y = near(j, x, y, room.ties)
        found = _in_the_way(j, x, y, room)
        if found == -1 and room.ties.on and not holds(j, x, y, room):
            found = -2
        if found == -1:
            return -1, x, y, q
        if found >= 0 and other < 0 and room.node[found] >= 0:
            other = room.node[found]
    return other, 0.0, 0.0, q


@njit(cache=True)
def learn(kind: int, change: float, hints: Hints) -> None:
    """Take note of what a proposal changed the proxy by, and turn the rate towards what gains more.

    A gain is a fall less the rises: moves that go back and forth gain nothing, however often they are accepted. Hints
    have to be ahead by more than the noise of both means, so that the rate is at its least unless they clearly pay.
    """
    hints.change[kind, 0 if change < 0.0 else 1] += change
    if kind >= 2 and kind <= 4:
        return
    rate = hints.rate
    g = 1 if kind == 6 else 2
    rate[g] -= MEMORY * (change + rate[g])
    rate[g + 2] += MEMORY * (change * change - rate[g + 2])
    if g == 1:
        noise = math.sqrt((rate[3] + rate[4]) * MEMORY / 2)
        pays = rate[1] > PREMIUM * max(rate[2], 0.0) + noise
        rate[0] = min(max(rate[0] * (1.0 + TURN if pays else 1.0 - TURN), LEAST), MOST)
