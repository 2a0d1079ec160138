"""What a problem may ask of where hard macros stand, beyond the canvas: blockages, regions, a grid for corners."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from floorplan.errors import ProblemError
from floorplan.geometry import ORIENT_MATRIX

__all__ = ["SIDE_TURN", "Blockage", "Region", "Snap", "turned_halo_um"]

F64 = npt.NDArray[np.float64]


def _side_turn() -> npt.NDArray[np.int64]:
    # Directions of the sides left, bottom, right and top.
    way = np.array([(-1, 0), (0, -1), (1, 0), (0, 1)], dtype=np.float64)
    out = np.empty((len(ORIENT_MATRIX), 4), np.int64)
    for o, (a, b, c, d) in enumerate(ORIENT_MATRIX):
        turned = np.stack([a * way[:, 0] + b * way[:, 1], c * way[:, 0] + d * way[:, 1]], axis=1)
        for side in range(4):
            out[o, side] = int(np.argmax((turned == way[side]).all(axis=1)))
    out.flags.writeable = False
    return out


SIDE_TURN: npt.NDArray[np.int64] = _side_turn()
"""(8, 4): which side of a macro as in orientation N (0 left, 1 bottom, 2 right, 3 top) lies there when it is turned."""


def turned_halo_um(halo_um: F64, orient: npt.NDArray[np.integer]) -> F64:
    """Turn halos (K, 4) given for orientation N into those for `orient` (K,)."""
    return np.ascontiguousarray(np.take_along_axis(halo_um, SIDE_TURN[orient], axis=1))


@dataclass(frozen=True, repr=False)
class Blockage:
    """A rectangle that hard macros must keep out of; `rate` is the share blocked, as in the .plc header.

    Attributes:
        x0_um, y0_um, x1_um, y1_um: its corners.
        rate: kept from the file; any rate blocks.
        hard: False where macros had better not stand but may: it is avoided where there is a choice, and warned of.
    """

    x0_um: float
    y0_um: float
    x1_um: float
    y1_um: float
    rate: float = 1.0
    hard: bool = True

    def __post_init__(self) -> None:
        values = (self.x0_um, self.y0_um, self.x1_um, self.y1_um, self.rate)
        if not all(math.isfinite(v) for v in values) or self.x1_um < self.x0_um or self.y1_um < self.y0_um:
            raise ProblemError(f"blockage {values} is not a rectangle")

    def __repr__(self) -> str:
        # Stored designs are known by a hash of this text: a hard blockage reads as it did when all were hard.
        names = ("x0_um", "y0_um", "x1_um", "y1_um", "rate")
        fields = [f"{name}={getattr(self, name)!r}" for name in names] + ([] if self.hard else ["hard=False"])
        return f"Blockage({', '.join(fields)})"


@dataclass(frozen=True, eq=False)
class Region:
    """Rectangles that hard macros are tied to: a macro of the region lies wholly in one of them.

    Attributes:
        name: as the user knows it.
        rects_um: (R, 4) x0, y0, x1, y1.
        exclusive: True for a fence (DEF FENCE), which other movable hard macros keep out of.
        part_of: name of a region whose macros those of this one are too, "" without one: part of a fence along an edge.
    """

    name: str
    rects_um: F64
    exclusive: bool = False
    part_of: str = ""

    def __post_init__(self) -> None:
        rects = np.array(self.rects_um, dtype=np.float64)
        if rects.ndim != 2 or rects.shape[1] != 4 or len(rects) == 0:
            raise ProblemError(f"region {self.name!r} needs rectangles of four numbers each")
        if not np.isfinite(rects).all() or (rects[:, 2:] <= rects[:, :2]).any():
            raise ProblemError(f"region {self.name!r} has a rectangle without area, or whose corners are not finite")
        rects.flags.writeable = False
        object.__setattr__(self, "rects_um", rects)


@dataclass(frozen=True)
class Snap:
    """A grid for the lower-left corners of movable hard macros, as oriented.

    Attributes:
        pitch_x_um, pitch_y_um: distance of its lines; 0 leaves that axis free.
        offset_x_um, offset_y_um: where one of its points lies.
        side_x, side_y: 1, or -1 where the right or top edge lies on the grid instead: its image in a mirrored problem.
    """

    pitch_x_um: float
    pitch_y_um: float
    offset_x_um: float = 0.0
    offset_y_um: float = 0.0
    side_x: float = 1.0
    side_y: float = 1.0

    def __post_init__(self) -> None:
        pitches = (self.pitch_x_um, self.pitch_y_um)
        if not all(math.isfinite(p) and p >= 0 for p in pitches) or max(pitches) == 0:
            raise ProblemError(f"a grid to snap to needs pitches >= 0, one of them above 0, got {pitches}")
        if not (math.isfinite(self.offset_x_um) and math.isfinite(self.offset_y_um)):
            raise ProblemError("the offset of a grid to snap to must be finite")
        if {abs(self.side_x), abs(self.side_y)} != {1.0}:
            raise ProblemError(f"side_x and side_y are 1 or -1, got {self.side_x} and {self.side_y}")

    def phase_um(self, w_um: F64, h_um: F64) -> F64:
        """Return (2, K) centres, for oriented sizes w_um and h_um (K,), of macros that stand on the grid."""
        x = self.offset_x_um + self.side_x * w_um / 2
        y = self.offset_y_um + self.side_y * h_um / 2
        return np.stack([x, y])

    def off_grid_um(self, x_um: F64, y_um: F64, w_um: F64, h_um: F64) -> F64:
        """Return (K,) how far macros with centres x_um, y_um and oriented sizes w_um, h_um are from a grid point."""
        out = np.zeros(len(x_um))
        for at, phase, pitch in zip((x_um, y_um), self.phase_um(w_um, h_um), self.pitch_um, strict=True):
            if pitch > 0:
                out = np.maximum(out, np.abs(at - (phase + np.round((at - phase) / pitch) * pitch)))
        return out

    @property
    def pitch_um(self) -> tuple[float, float]:
        """Pitch along x and y."""
        return self.pitch_x_um, self.pitch_y_um
