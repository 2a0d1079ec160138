"""The soft macros stay where the problem's initial placement has them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from floorplan.cost import CostOptions
from floorplan.netlist import Problem
from floorplan.soft.base import F64, SoftPlacer

__all__ = ["NoPlacer"]


class NoPlacer(SoftPlacer):
    """Leaves soft macros at their initial positions, or in the middle of the canvas where they have none."""

    def __init__(self, problem: Problem, cost_options: CostOptions | None = None) -> None:  # noqa: ARG002  # one signature for all
        self.problem = problem
        soft, initial, cv = problem.movable_soft, problem.initial, problem.canvas
        self._soft = soft
        self._x = np.where(initial.placed[soft], initial.x_um[soft], cv.width_um / 2)
        self._y = np.where(initial.placed[soft], initial.y_um[soft], cv.height_um / 2)

    def place_batch(self, x_um: F64, y_um: F64, orient: npt.NDArray[np.uint8] | None = None) -> None:  # noqa: ARG002  # likewise
        """Overwrite the soft columns of x_um and y_um, each (B, N), with the initial positions."""
        x_um[:, self._soft] = self._x
        y_um[:, self._soft] = self._y

    def start(self) -> tuple[F64, F64]:
        """Return the initial x and y, each (N,), with soft macros that have none in the middle."""
        x, y = self.problem.initial.x_um.copy(), self.problem.initial.y_um.copy()
        x[self._soft], y[self._soft] = self._x, self._y
        return x, y
