"""Where macros may stand: the canvas, other hard macros and blockages."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from floorplan.search.kernels.ties import Ties, holds

__all__ = ["Room", "clash", "fits"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]


class Room(NamedTuple):
    """What limits the moves of a search.

    Attributes:
        hard: (H,) movable hard macros.
        soft: (S,) movable soft macros.
        slot: (N,) place of a hard macro among the obstacles, -1 for other nodes.
        node: (O,) the movable hard macro that an obstacle is, -1 for those that stay.
        x: (O,) centres of the obstacles, um: all hard macros as they stand, then the blockages.
        y: (O,) likewise.
        half_w: (O,) half the width, and half the gap to be kept, um.
        half_h: (O,) likewise.
        bounds: (N, 4) least and greatest x, least and greatest y of each movable node's centre in an orientation that
            keeps width and height.
        allowed: (N,) uint8 mask of orientations, those that keep width and height.
        diagonal_um: of the canvas.
        ties: what else binds hard macros.
    """

    hard: I32
    soft: I32
    slot: I32
    node: I32
    x: F64
    y: F64
    half_w: F64
    half_h: F64
    bounds: F64
    allowed: npt.NDArray[np.uint8]
    diagonal_um: float
    ties: Ties


# A count of booleans runs in vector registers; leaving the loop at the first clash would not.
@njit(cache=True)
def clash(x: float, y: float, half_w: float, half_h: float, ox: F64, oy: F64, ow: F64, oh: F64) -> int:
    """Return how many obstacles the rectangle around (x, y) comes too close to."""
    count = 0
    for j in range(len(ox)):
        count += (abs(x - ox[j]) < half_w + ow[j]) & (abs(y - oy[j]) < half_h + oh[j])
    return count


@njit(cache=True)
def fits(i, x, y, room):  # type: ignore[no-untyped-def]  # numba infers; room: Room
    """Return whether hard macro i may stand at (x, y), all others where they are."""
    b = room.bounds
    if x < b[i, 0] or x > b[i, 1] or y < b[i, 2] or y > b[i, 3]:
        return False
    j = room.slot[i]
    was = room.x[j]
    room.x[j] = 1e30
    free = clash(x, y, room.half_w[j], room.half_h[j], room.x, room.y, room.half_w, room.half_h) == 0
    room.x[j] = was
    if free and room.ties.on:
        free = holds(j, x, y, room)
    return free
