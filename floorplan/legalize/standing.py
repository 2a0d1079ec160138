"""Whether one hard macro may stand somewhere by what binds it beyond the canvas, blockages and one spacing for all."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from floorplan.geometry import oriented_size_um
from floorplan.legalize.ground import ROUNDING_UM, ground_of
from floorplan.netlist import Placement, Problem
from floorplan.netlist.constraints import turned_halo_um

__all__ = ["Standing"]

F64 = npt.NDArray[np.float64]


class Standing:
    """Ground, halos and soft blockages of a problem's hard macros, each turned as in a placement.

    Args:
        problem: what is placed.
        placement: gives the orientations; they must not change.
    """

    def __init__(self, problem: Problem, placement: Placement) -> None:
        nl = problem.netlist
        self._hard, movable = nl.hard, problem.movable_hard
        self._ground = ground_of(problem, movable, placement.orient[movable])
        self._number = {node: k for k, node in enumerate(movable.tolist())}
        w, h = oriented_size_um(nl.node_w_um, nl.node_h_um, placement.orient)
        self._half = np.stack([w, h, w, h], axis=1) / 2
        self._halo = turned_halo_um(problem.halo_um, placement.orient)
        self._reach = self._half + self._halo
        soft = [(b.x0_um, b.y0_um, b.x1_um, b.y1_um) for b in problem.soft_blockages]
        self._soft = np.array(soft, np.float64).reshape(-1, 4)

    def key(self, node: int) -> bytes:
        """Return what two movable macros of one size have in common if each may stand wherever the other does."""
        k, g = self._number[node], self._ground
        return bytes(self._halo[node].tobytes()) + g.rect[g.ptr[k] : g.ptr[k + 1]].tobytes()

    def near(self, node: int, x_um: float, y_um: float) -> tuple[float, float] | None:
        """Return the point of a movable macro's ground that is nearest to (x_um, y_um); None where it has none."""
        k, g = self._number[node], self._ground
        rect = g.rect[g.ptr[k] : g.ptr[k + 1]]
        if len(rect) == 0:
            return None
        spots = np.clip((x_um, y_um), rect[:, :2], rect[:, 2:])
        best = spots[np.abs(spots - (x_um, y_um)).sum(axis=1).argmin()]
        for axis in range(2):
            if g.pitch[axis] > 0:
                steps = np.round((best[axis] - g.phase[axis, k]) / g.pitch[axis])
                best[axis] = g.phase[axis, k] + steps * g.pitch[axis]
        return float(best[0]), float(best[1])

    def clear(self, node: int, x_um: float, y_um: float, xs_um: F64, ys_um: F64) -> bool:
        """Return whether a macro may go to (x_um, y_um), all nodes being at xs_um, ys_um (N,).

        Its halo must meet no other, and it must not cover more of soft blockages than where it is.
        """
        dx, dy = x_um - xs_um[self._hard], y_um - ys_um[self._hard]
        own, other = self._reach[node] - ROUNDING_UM, self._reach[self._hard]
        meet = (dx < own[0] + other[:, 2]) & (-dx < own[2] + other[:, 0])
        meet &= (dy < own[1] + other[:, 3]) & (-dy < own[3] + other[:, 1])
        if meet[self._hard != node].any():
            return False
        now = self._covered(node, float(xs_um[node]), float(ys_um[node]))
        return self._covered(node, x_um, y_um) <= now + ROUNDING_UM

    def _covered(self, node: int, x_um: float, y_um: float) -> float:
        half = self._half[node]
        wide = np.minimum(x_um + half[0], self._soft[:, 2]) - np.maximum(x_um - half[0], self._soft[:, 0])
        high = np.minimum(y_um + half[1], self._soft[:, 3]) - np.maximum(y_um - half[1], self._soft[:, 1])
        return float((np.maximum(wide, 0.0) * np.maximum(high, 0.0)).sum())
