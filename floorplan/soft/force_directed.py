"""AlphaChip's force-directed placement of soft macros.

The method as its authors and the open re-implementation (TILOS MacroPlacement, CodeElements/FDPlacement) describe it:
each net pulls its source and each sink together by weight times distance; overlapping macros push each other apart by
a constant force; forces are divided by the largest one along each axis; a step moves no macro further than a share of
the canvas; soft macros count as squares and start in the middle. The schedule is that of
circuit_training (`fd_placement_schedule`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from floorplan.cost import CostOptions
from floorplan.geometry import oriented_size_um
from floorplan.netlist import Problem
from floorplan.parallel import core_count, share_out
from floorplan.soft.base import F64, SoftPlacer, start_positions
from floorplan.soft.kernels.forces import run_range
from floorplan.soft.springs import anchor_pull, build_springs
from floorplan.soft.workspace import make_blocks

__all__ = ["ForceDirectedPlacer"]

STEPS = (100, 100, 100)
ATTRACT = (100.0, 1.0e-3, 1.0e-5)
REPEL = (0.0, 1.0e6, 1.0e7)
MOVE = (1.0, 1.0, 1.0)
"""circuit_training's schedule; MOVE is in canvas lengths over all steps of a phase. Springs to ports count once."""


class ForceDirectedPlacer(SoftPlacer):
    """Pulls soft macros together by their nets, then pushes them apart where they overlap.

    The cost options do not steer it.
    """

    def __init__(self, problem: Problem, cost_options: CostOptions | None = None) -> None:  # noqa: ARG002  # one signature for all
        self.problem = problem
        nl, cv = problem.netlist, problem.canvas
        self._springs = build_springs(problem, "star")
        soft = self._springs.soft
        self._hold = np.bincount(self._springs.anchor_soft, self._springs.anchor_k, len(soft))
        self._side = np.sqrt(nl.node_w_um[soft] * nl.node_h_um[soft])
        self._blocks = make_blocks(problem, square_soft=True)
        longer = max(cv.width_um, cv.height_um)
        self._schedule = np.array(
            [[n, a, r, m * longer / n] for n, a, r, m in zip(STEPS, ATTRACT, REPEL, MOVE, strict=True)]
        )

    def place_batch(self, x_um: F64, y_um: F64, orient: npt.NDArray[np.uint8] | None = None) -> None:
        """Overwrite the movable soft macros' columns of x_um and y_um, each (B, N), on all cores; orient: all N."""
        soft, blocks = self._springs.soft, self._blocks
        b, s = len(x_um), len(soft)
        if not s or not b:
            return
        # A copy is writable like any other: kernels are compiled anew for read-only arrays.
        orient = np.zeros(x_um.shape, np.uint8) if orient is None else orient.copy()
        pull_x, pull_y = anchor_pull(self._springs, x_um, y_um, orient)
        block_w, block_h = oriented_size_um(blocks.w, blocks.h, orient[:, blocks.node])
        side = np.broadcast_to(self._side, (b, s))
        w, h = np.concatenate([side, block_w], axis=1), np.concatenate([side, block_h], axis=1)
        x, y = np.empty(w.shape), np.empty(w.shape)
        x[:, s:], y[:, s:] = x_um[:, blocks.node], y_um[:, blocks.node]
        cores = min(core_count(), b)
        n = w.shape[1]
        lanes = (
            np.empty((cores, s)),
            np.empty((cores, s)),
            np.empty((cores, n), np.int32),
            np.empty((cores, 4, n)),
        )
        canvas = self.problem.canvas
        forces = (self._springs, self._hold, pull_x, pull_y, self._schedule, canvas.width_um, canvas.height_um)
        share_out(lambda lane, begin, end: run_range(lane, begin, end, *forces, x, y, w, h, lanes), b)
        x_um[:, soft] = x[:, :s]
        y_um[:, soft] = y[:, :s]

    def start(self) -> tuple[F64, F64]:
        """Return x and y, each (N,), with the soft macros where ports and each other pull them."""
        return start_positions(self.problem, self._springs)
