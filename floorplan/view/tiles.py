"""Soft macros and standard cells as pictures of how much they cover, one square tile at a time, for any number of them.

Level 0 is one tile over the whole canvas (a square of its longer side), each level after it halves the side of a tile.
Where few enough are in sight they are handed out as rectangles instead.
"""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt

from floorplan.geometry import oriented_size_um
from floorplan.netlist import Placement, Problem
from floorplan.view.kernels.raster import add_cover, pick_in_box

__all__ = ["MAX_LEVEL", "TILE_PIXELS", "CellTiles", "KeptTiles", "tiles_of"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]

TILE_PIXELS = 256
MAX_LEVEL = 16
_CELLS_A_BIN = 400


class CellTiles:
    """Finds what is in a box and draws it.

    Args:
        node: (K,) node ids of the rectangles, rising.
        x_um: (K,) centres.
        y_um: (K,) centres.
        w_um: (K,) widths as oriented.
        h_um: (K,) heights as oriented.
        side_um: of the square that level 0 shows, from (0, 0).
    """

    def __init__(self, node: I32, x_um: F64, y_um: F64, w_um: F64, h_um: F64, side_um: float) -> None:
        self.node = node
        self.side_um = side_um
        self.x0, self.x1 = x_um - w_um / 2, x_um + w_um / 2
        self.y0, self.y1 = y_um - h_um / 2, y_um + h_um / 2
        self.bins = int(np.clip(np.sqrt(len(node) / _CELLS_A_BIN), 1, 256))
        self._pitch = side_um / self.bins
        # The few that are larger than a bin are looked at every time; the others reach at most half a bin further.
        large = np.maximum(w_um, h_um) > self._pitch
        self._large = np.flatnonzero(large).astype(np.int32)
        small = np.flatnonzero(~large)
        column = np.clip(x_um[small] / self._pitch, 0, self.bins - 1).astype(np.int32)
        row = np.clip(y_um[small] / self._pitch, 0, self.bins - 1).astype(np.int32)
        key = row * self.bins + column
        self._sorted = small[np.argsort(key, kind="stable")].astype(np.int32)
        self._start = np.concatenate([[0], np.cumsum(np.bincount(key, minlength=self.bins**2))]).astype(np.int64)

    def __len__(self) -> int:
        return len(self.node)

    def tile(self, level: int, column: int, row: int) -> npt.NDArray[np.uint8]:
        """Return (TILE_PIXELS, TILE_PIXELS) uint8, top row first: 255 where the tile is wholly covered.

        Raises:
            ValueError: there is no such tile.
        """
        if not 0 <= level <= MAX_LEVEL or not (0 <= column < 1 << level and 0 <= row < 1 << level):
            raise ValueError(f"there is no tile {level}/{column}/{row}")
        side = self.side_um / (1 << level)
        left, bottom = column * side, row * side
        out = np.zeros((TILE_PIXELS, TILE_PIXELS), np.float32)
        for ids in self._near(left, bottom, left + side, bottom + side):
            add_cover(ids, self.x0, self.y0, self.x1, self.y1, left, bottom, side / TILE_PIXELS, out)
        shade: npt.NDArray[np.uint8] = (np.minimum(out[::-1], 1.0) * 255.0 + 0.5).astype(np.uint8)
        return shade

    def within(self, left: float, bottom: float, right: float, top: float, limit: int) -> I32 | None:
        """Return positions in `node` of what meets a box, in no order; None where there are more than `limit`."""
        found: list[I32] = []
        left_over = limit
        for ids in self._near(left, bottom, right, top):
            out = np.empty(min(left_over, len(ids)), np.int32)
            count = int(pick_in_box(ids, self.x0, self.y0, self.x1, self.y1, left, bottom, right, top, out))
            left_over -= count
            if left_over < 0:
                return None
            found.append(out[:count])
        return np.concatenate(found) if found else np.empty(0, np.int32)

    def _near(self, left: float, bottom: float, right: float, top: float) -> list[I32]:
        """Return lists of rectangles that may meet a box, each rectangle in at most one."""
        n = self.bins
        c0, c1 = (int(np.clip(np.floor(v / self._pitch), 0, n - 1)) for v in (left - self._pitch, right + self._pitch))
        r0, r1 = (int(np.clip(np.floor(v / self._pitch), 0, n - 1)) for v in (bottom - self._pitch, top + self._pitch))
        out = [self._sorted[self._start[r * n + c0] : self._start[r * n + c1 + 1]] for r in range(r0, r1 + 1)]
        return [ids for ids in (*out, self._large) if len(ids)]


def tiles_of(problem: Problem, placement: Placement) -> CellTiles:
    """Return the tiles of all soft macros and cells that a placement places."""
    nl, cv, p = problem.netlist, problem.canvas, placement
    soft = nl.soft[p.placed[nl.soft]]
    w, h = oriented_size_um(nl.node_w_um[soft], nl.node_h_um[soft], p.orient[soft])
    return CellTiles(soft, p.x_um[soft], p.y_um[soft], w, h, max(cv.width_um, cv.height_um))


class KeptTiles:
    """The tiles of the few placements that were asked for last; for any thread."""

    def __init__(self, problem: Problem, most: int = 2) -> None:
        self._problem, self._most = problem, most
        self._lock = threading.Lock()
        self._kept: list[tuple[Placement, CellTiles]] = []

    def of(self, placement: Placement) -> CellTiles:
        """Return the tiles of a placement, made when first asked for."""
        with self._lock:
            for one in self._kept:
                if one[0] is placement:
                    return one[1]
            made = tiles_of(self._problem, placement)
            self._kept = [*self._kept, (placement, made)][-self._most :]
            return made
