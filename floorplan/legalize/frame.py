"""What the legaliser moves, and how far apart things must be: rectangles, bounds and separations as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from floorplan.geometry import oriented_size_um
from floorplan.netlist import Canvas, Placement, Problem

__all__ = ["SAFE", "STRICT", "Frame", "Margins", "make_frame", "safe_gap_um"]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]


def safe_gap_um(canvas: Canvas) -> float:
    """Return a gap that stays above 0 when edges are computed in float32: four of its steps at the canvas's size.

    An edge x - w / 2 is off by up to one and a half steps (x, w / 2 and the difference are each rounded by half of
    one), so two facing edges come closer by up to three.
    """
    return 4.0 * float(np.spacing(np.float32(max(canvas.width_um, canvas.height_um))))


@dataclass(frozen=True)
class Margins:
    """How much room is asked for.

    Attributes:
        safe: keep the float32-safe gap everywhere, not only what the problem demands.
        slack_um: what a solution keeps beyond the gap, so that rounding does not eat into it.
        accept_um: how much less than the gap is taken for rounding.
    """

    safe: bool
    slack_um: float
    accept_um: float


SAFE = Margins(safe=True, slack_um=1e-9, accept_um=1e-9)
STRICT = Margins(safe=False, slack_um=0.0, accept_um=2e-7)


@dataclass(frozen=True, eq=False)
class Frame:
    """M rectangles, the first n of which move; the others are fixed hard macros, then blockages.

    Attributes:
        nodes: (n,) node ids of the movable macros.
        num_fixed: fixed hard macros.
        size_um: (2, M) width and height; axis 0 is x, axis 1 is y, here as everywhere.
        target_um: (2, M) wanted centres.
        low_um: (2, M) least centre that keeps a macro off the canvas edge; the centre itself for what is fixed.
        high_um: (2, M) greatest.
        inner_um: (2, 2) the canvas less its margin: row 0 the lower left corner, row 1 the upper right.
        gap_um: between hard macros.
        blockage_gap_um: between a hard macro and a blockage.
        accept_um: see `Margins`.
    """

    nodes: I64
    num_fixed: int
    size_um: F64
    target_um: F64
    low_um: F64
    high_um: F64
    inner_um: F64
    gap_um: float
    blockage_gap_um: float
    accept_um: float

    @property
    def n(self) -> int:
        """Number of macros that move."""
        return len(self.nodes)

    @cached_property
    def separation_um(self) -> F64:
        """(2, M, M) least distance of centres along each axis for two rectangles that lie beside each other."""
        m = self.size_um.shape[1]
        gap = np.full((m, m), self.gap_um)
        macros = self.n + self.num_fixed
        gap[macros:, :] = gap[:, macros:] = self.blockage_gap_um
        half = self.size_um / 2
        out: F64 = half[:, :, None] + half[:, None, :] + gap
        return out

    @cached_property
    def pairs(self) -> Bool:
        """(M, M) True for the pairs that must be kept apart: at least one of the two moves."""
        m = self.size_um.shape[1]
        movable = np.arange(m) < self.n
        out = movable[:, None] | movable[None, :]
        np.fill_diagonal(out, val=False)
        return out

    def overlap_um(self, at_um: F64) -> float:
        """Return by how much the worst pair is too close, or the worst macro too far out, at centres (2, M)."""
        out = float(np.max([self.low_um - at_um, at_um - self.high_um], initial=0.0))
        if self.n:
            distance = np.abs(at_um[:, :, None] - at_um[:, None, :])
            depth = (self.separation_um - distance).min(axis=0)
            out = max(out, float(depth[self.pairs].max(initial=0.0)))
        return out

    def holds(self, at_um: F64) -> bool:
        """Say whether centres (2, M) keep all gaps."""
        return self.overlap_um(at_um) <= self.accept_um

    def movement_um(self, at_um: F64) -> float:
        """Return the summed movement |dx| + |dy| from the targets to centres (2, M)."""
        return float(np.abs(at_um - self.target_um).sum())


def make_frame(problem: Problem, placement: Placement, margins: Margins) -> Frame:
    """Lay out the hard macros of a placement, complete and with orientations chosen, with the given margins.

    A macro that leaves less than the safe margin to the canvas edges stands in the middle between them; its bounds meet
    there, and its size in the frame is cut to what the margins leave.
    """
    nl, cv = problem.netlist, problem.canvas
    nodes = problem.movable_hard.astype(np.int64)
    fixed = nl.hard[problem.fixed[nl.hard]].astype(np.int64)
    both = np.concatenate([nodes, fixed])
    size = np.stack(oriented_size_um(nl.node_w_um[both], nl.node_h_um[both], placement.orient[both]))
    at = np.stack([placement.x_um[both], placement.y_um[both]])
    boxes = np.array([[b.x0_um, b.y0_um, b.x1_um, b.y1_um] for b in problem.blockages], np.float64).reshape(-1, 4).T
    size = np.concatenate([size, boxes[2:] - boxes[:2]], axis=1)
    at = np.concatenate([at, (boxes[2:] + boxes[:2]) / 2], axis=1)

    safe = safe_gap_um(cv) if margins.safe else 0.0
    edge = max(problem.boundary_spacing_um, safe) + margins.slack_um
    extent = np.array([cv.width_um, cv.height_um])
    n = len(nodes)
    room = np.maximum(extent - 2 * edge, 0.0)[:, None]
    size[:, :n] = np.minimum(size[:, :n], room)
    low, high = at.copy(), at.copy()
    low[:, :n] = edge + size[:, :n] / 2
    high[:, :n] = extent[:, None] - edge - size[:, :n] / 2
    tight = high < low + 1e-9
    tight[:, n:] = False
    middle = np.broadcast_to(extent[:, None] / 2, low.shape)
    low[tight] = high[tight] = middle[tight]
    return Frame(
        nodes=nodes,
        num_fixed=len(fixed),
        size_um=size,
        target_um=at,
        low_um=low,
        high_um=high,
        inner_um=np.stack([np.full(2, edge), extent - edge]),
        gap_um=max(problem.macro_spacing_um, safe) + margins.slack_um,
        blockage_gap_um=safe + margins.slack_um,
        accept_um=margins.accept_um + margins.slack_um,
    )
