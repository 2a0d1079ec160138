"""What binds hard macros of a search beyond the canvas, blockages and one gap: ground, halos, soft blockages."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["Ties", "covered", "halos_clash", "holds", "near", "turn_halo"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]

SLACK_UM = 1e-9
"""How far outside its ground a macro may stand, which is the rounding of what the legaliser makes."""


class Ties(NamedTuple):
    """What binds the obstacles of a `Room`, hard macros first; arrays are empty where nothing does.

    Attributes:
        on: whether anything binds.
        halos: whether a macro has a halo.
        ptr: (O + 1,) offsets into `rect`; obstacles that do not move have none.
        rect: (T, 4) rectangles of centres, as in `floorplan.legalize.ground.Ground`.
        pitch: (2,) of the grid that macros snap to, 0 where an axis is free.
        phase: (O, 2) centres on that grid.
        reach: (O, 4) how far a macro grown by its halo reaches left, below, right and above of its centre; minus
            infinity for what keeps no halo away.
        body: (O, 2) half the width and height.
        avoid: (S, 4) soft blockages.
    """

    on: bool
    halos: bool
    ptr: I32
    rect: F64
    pitch: F64
    phase: F64
    reach: F64
    body: F64
    avoid: F64


@njit(cache=True)
def near(j, x, y, ties):  # type: ignore[no-untyped-def]  # numba infers
    """Return the point nearest to (x, y) of the ground of obstacle j."""
    best, bx, by = np.inf, x, y
    for r in range(ties.ptr[j], ties.ptr[j + 1]):
        rx = min(max(x, ties.rect[r, 0]), ties.rect[r, 2])
        ry = min(max(y, ties.rect[r, 1]), ties.rect[r, 3])
        away = abs(rx - x) + abs(ry - y)
        if away < best:
            best, bx, by = away, rx, ry
    return along_grid(bx, ties.phase[j, 0], ties.pitch[0], 0), along_grid(by, ties.phase[j, 1], ties.pitch[1], 0)


@njit(cache=True)
def along_grid(x: float, phase: float, pitch: float, way: int) -> float:
    """Return the nearest number on a grid, or with way -1 or 1 the next below or above; x where there is no grid."""
    if pitch <= 0.0:
        return x
    steps = (x - phase) / pitch
    whole: float = np.floor(steps) if way < 0 else (np.ceil(steps) if way > 0 else np.round(steps))
    return phase + whole * pitch


@njit(cache=True)
def covered(j, x, y, ties):  # type: ignore[no-untyped-def]  # numba infers
    """Return the area of soft blockages that obstacle j covers at (x, y), um2."""
    w, h = ties.body[j, 0], ties.body[j, 1]
    area = 0.0
    for k in range(len(ties.avoid)):
        wide = min(x + w, ties.avoid[k, 2]) - max(x - w, ties.avoid[k, 0])
        high = min(y + h, ties.avoid[k, 3]) - max(y - h, ties.avoid[k, 1])
        if wide > 0.0 and high > 0.0:
            area += wide * high
    return area


@njit(cache=True)
def halos_clash(j, x, y, room):  # type: ignore[no-untyped-def]  # numba infers; room: Room
    """Return whether obstacle j, at (x, y) and grown by its halo, overlaps another grown by its own."""
    reach = room.ties.reach
    left, below, right, above = reach[j, 0], reach[j, 1], reach[j, 2], reach[j, 3]
    count = 0
    for k in range(len(room.x)):
        dx, dy = x - room.x[k], y - room.y[k]
        across = (dx < left + reach[k, 2]) & (-dx < right + reach[k, 0])
        along = (dy < below + reach[k, 3]) & (-dy < above + reach[k, 1])
        count += (k != j) & across & along
    return count > 0


@njit(cache=True)
def holds(j, x, y, room):  # type: ignore[no-untyped-def]  # numba infers; room: Room
    """Return whether obstacle j may stand at (x, y) by what binds it; it may not go further onto soft blockages."""
    ties = room.ties
    inside = False
    for r in range(ties.ptr[j], ties.ptr[j + 1]):
        wide = ties.rect[r, 0] - SLACK_UM <= x <= ties.rect[r, 2] + SLACK_UM
        inside |= wide and ties.rect[r, 1] - SLACK_UM <= y <= ties.rect[r, 3] + SLACK_UM
    if not inside:
        return False
    if abs(along_grid(x, ties.phase[j, 0], ties.pitch[0], 0) - x) > 1e-7:
        return False
    if abs(along_grid(y, ties.phase[j, 1], ties.pitch[1], 0) - y) > 1e-7:
        return False
    if len(ties.avoid) > 0 and covered(j, x, y, ties) > covered(j, room.x[j], room.y[j], ties) + SLACK_UM:
        return False
    return not (ties.halos and halos_clash(j, x, y, room))


@njit(cache=True)
def turn_halo(j, was, now, ties):  # type: ignore[no-untyped-def]  # numba infers
    """Turn the halo of obstacle j from one of the orientations N, FN, FS, S to another."""
    for axis in range(2):
        if ties.halos and ((was ^ now) >> axis) & 1:
            kept = ties.reach[j, axis]
            ties.reach[j, axis] = ties.reach[j, axis + 2]
            ties.reach[j, axis + 2] = kept
