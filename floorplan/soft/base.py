"""What every soft-macro placer does."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from floorplan.netlist import NodeKind, Placement, Problem
from floorplan.soft.springs import Springs, anchor_pull
from floorplan.soft.system import SpringSystem

__all__ = ["SoftPlacer", "start_positions"]

F64 = npt.NDArray[np.float64]


class SoftPlacer(Protocol):
    """Places the soft macros of one problem, given its hard macros and ports; the same input gives the same output."""

    problem: Problem

    def place(self, placement: Placement) -> Placement:
        """Return the placement with all movable soft macros placed from scratch; their positions are not read."""
        x, y = placement.x_um[None].copy(), placement.y_um[None].copy()
        self.place_batch(x, y, placement.orient[None])
        placed = placement.placed.copy()
        placed[self.problem.movable_soft] = True
        return placement.replace(x_um=x[0], y_um=y[0], placed=placed)

    def place_batch(self, x_um: F64, y_um: F64, orient: npt.NDArray[np.uint8] | None = None) -> None:
        """Overwrite the movable soft macros' columns of x_um and y_um, each (B, N), on all cores; orient: all N."""

    def start(self) -> tuple[F64, F64]:
        """Return x and y, each (N,), with the soft macros where they stand before any hard macro is placed."""


def start_positions(problem: Problem, springs: Springs) -> tuple[F64, F64]:
    """Return x and y, each (N,), with the soft macros where ports, fixed soft macros and each other pull them.

    Hard macros pull at nothing; a group of soft macros that nothing holds goes to the middle of the canvas. All other
    nodes have their initial coordinates.
    """
    use = problem.netlist.node_kind[springs.anchor_node] != NodeKind.HARD
    x, y = problem.initial.x_um.copy(), problem.initial.y_um.copy()
    pull = anchor_pull(springs, x[None], y[None], problem.initial.orient[None], use)
    soft_x, soft_y = SpringSystem(springs, problem, use=use).solve(*pull)
    w, h = problem.netlist.node_w_um[springs.soft], problem.netlist.node_h_um[springs.soft]
    x[springs.soft] = _inside(soft_x[0], w, problem.canvas.width_um)
    y[springs.soft] = _inside(soft_y[0], h, problem.canvas.height_um)
    return x, y


def _inside(centre: F64, size: F64, span: float) -> F64:
    half = np.minimum(size, span) / 2
    return np.clip(centre, half, span - half)
