"""What the legaliser moves, and how far apart things must be: rectangles, bounds and separations as arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from floorplan.geometry import oriented_size_um
from floorplan.legalize.ground import ROUNDING_UM, Ground, ground_of
from floorplan.netlist import Canvas, Placement, Problem
from floorplan.netlist.constraints import turned_halo_um

__all__ = ["SAFE", "STRICT", "Frame", "Limits", "Margins", "make_frame", "safe_gap_um"]

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
class Limits:
    """What binds the rectangles of a frame beyond one gap for all; the last F of them are fences.

    Attributes:
        ground: of the n macros that move.
        before_um: (2, M) room that a rectangle wants for itself on its lower side along each axis.
        behind_um: (2, M) on its upper side.
        home: (M,) for macros the fence that they are inside of, for rectangles of fences that fence, else -1.
        fences: F.
        slack_um: what a solution keeps beyond halos and fences, as in `Margins`.
    """

    ground: Ground
    before_um: F64
    behind_um: F64
    home: I64
    fences: int
    slack_um: float


@dataclass(frozen=True, eq=False)
class Frame:
    """M rectangles, the first n of which move; the others are fixed hard macros, blockages, rectangles of fences.

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
        limits: what else binds them; None where nothing does.
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
    limits: Limits | None = None

    @property
    def n(self) -> int:
        """Number of macros that move."""
        return len(self.nodes)

    @cached_property
    def separation_um(self) -> F64:
        """(2, M, M) least distance of centres along each axis where the first of two rectangles lies before the second.

        With a grid it is what takes a macro on it to another that is, or to and from what stands still.
        """
        m = self.size_um.shape[1]
        gap = np.full((m, m), self.gap_um)
        macros = self.n + self.num_fixed
        gap[macros:, :] = gap[:, macros:] = self.blockage_gap_um
        half = self.size_um / 2
        if self.limits is None:
            out: F64 = half[:, :, None] + half[:, None, :] + gap
            return out
        gaps = np.broadcast_to(gap, (2, m, m)).copy()
        halo = self.limits.behind_um[:, :macros, None] + self.limits.before_um[:, None, :macros]
        wide = np.maximum(gap[:macros, :macros], halo + self.limits.slack_um)
        gaps[:, :macros, :macros] = np.where(halo > 0, wide, gap[:macros, :macros])
        if self.limits.fences:
            gaps[:, m - self.limits.fences :, :] = gaps[:, :, m - self.limits.fences :] = self.limits.slack_um
        return self._on_grid(half[:, :, None] + half[:, None, :] + gaps)

    def _on_grid(self, separation: F64) -> F64:
        """Return separations (2, M, M) made long enough that macros on the grid keep them on the grid."""
        assert self.limits is not None
        ground, n = self.limits.ground, self.n
        out = separation
        for axis in range(2):
            pitch = float(ground.pitch[axis])
            if pitch == 0:
                continue
            phase = ground.phase[axis]
            need = separation[axis, :n, :n] - (phase[None, :] - phase[:, None])
            out[axis, :n, :n] = _up(need, pitch) + (phase[None, :] - phase[:, None])
            still = self.target_um[axis, n:]
            after = still[:, None] + separation[axis, n:, :n] - phase[None, :]
            out[axis, n:, :n] = _up(after, pitch) + phase[None, :] - still[:, None]
            until = still[None, :] - separation[axis, :n, n:] - phase[:, None]
            out[axis, :n, n:] = still[None, :] - (-_up(-until, pitch) + phase[:, None])
        return out

    @cached_property
    def separation_back_um(self) -> F64:
        """(2, M, M) the same where the second lies before the first."""
        if self.limits is None:
            return self.separation_um
        return np.ascontiguousarray(self.separation_um.transpose(0, 2, 1))

    def needed_um(self, at_um: F64) -> F64:
        """Return (2, M, M) least distances of centres in the order in which centres (2, M) lie along each axis."""
        if self.limits is None:
            return self.separation_um
        in_order = at_um[:, :, None] <= at_um[:, None, :]
        return np.where(in_order, self.separation_um, self.separation_back_um)

    @cached_property
    def pairs(self) -> Bool:
        """(M, M) True for the pairs that must be kept apart: at least one of the two moves."""
        m = self.size_um.shape[1]
        movable = np.arange(m) < self.n
        out = movable[:, None] | movable[None, :]
        np.fill_diagonal(out, val=False)
        if self.limits is not None and self.limits.fences:
            of_fence = np.arange(m) >= m - self.limits.fences
            home = self.limits.home
            out &= ~((of_fence[:, None] | of_fence[None, :]) & (home[:, None] == home[None, :]))
        return out

    def bound_at(self, at_um: F64) -> Frame:
        """Return the frame in which macros keep to those rectangles of their ground that at_um (2, M) is nearest to."""
        if self.limits is None or (np.diff(self.limits.ground.ptr) == 1).all():
            return self
        low, high = self.low_um.copy(), self.high_um.copy()
        home = self.limits.ground.home(at_um[:, : self.n])
        low[:, : self.n], high[:, : self.n] = home[:2], home[2:]
        return replace(self, low_um=low, high_um=high)

    def nearest(self, at_um: F64) -> F64:
        """Return centres (2, M) moved as little as it takes to stand on the macros' ground, others or not."""
        if self.limits is None:
            return np.clip(at_um, self.low_um, self.high_um)
        out = np.clip(at_um, self.low_um, self.high_um)
        out[:, : self.n] = self.limits.ground.nearest(at_um[:, : self.n])
        return out

    def overlap_um(self, at_um: F64) -> float:
        """Return by how much the worst pair is too close, or the worst macro too far out, at centres (2, M)."""
        out = float(np.max([self.low_um - at_um, at_um - self.high_um], initial=0.0))
        if self.n:
            distance = np.abs(at_um[:, :, None] - at_um[:, None, :])
            depth = (self.needed_um(at_um) - distance).min(axis=0)
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
    blocked = [[b.x0_um, b.y0_um, b.x1_um, b.y1_um] for b in problem.hard_blockages]
    boxes = np.array(blocked, np.float64).reshape(-1, 4).T
    fences = [(k, rect) for k in problem.fences for rect in problem.regions[k].rects_um]
    if fences and problem.confined:
        boxes = np.concatenate([boxes, np.stack([rect for _, rect in fences], axis=1)], axis=1)
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
    limits = None
    if problem.confined:
        limits = _limits(problem, nodes, fixed, placement, edge, [k for k, _ in fences], size.shape[1], margins)
        at[:, :n] = limits.ground.snapped(at[:, :n])
        home = limits.ground.home(at[:, :n])
        low[:, :n], high[:, :n] = home[:2], home[2:]
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
        limits=limits,
    )


def _limits(
    problem: Problem,
    nodes: I64,
    fixed: I64,
    placement: Placement,
    edge: float,
    fences: list[int],
    count: int,
    margins: Margins,
) -> Limits:
    """Return what binds `count` rectangles beyond one gap for all; fences (F,) are the numbers of their regions."""
    ground = ground_of(problem, nodes, placement.orient[nodes], edge)
    both = np.concatenate([nodes, fixed])
    halo = turned_halo_um(problem.halo_um[both], placement.orient[both])
    rest = np.zeros((count - len(both), 4))
    halo = np.concatenate([halo, rest]).T
    home = np.full(count, -1, np.int64)
    home[: len(nodes)] = np.append(problem.fence_of, -1)[problem.region[nodes]]
    if fences:
        home[count - len(fences) :] = fences
    return Limits(ground, halo[:2], halo[2:], home, len(fences), margins.slack_um)


def _up(lengths: F64, pitch: float) -> F64:
    """Return lengths rounded up to whole pitches, those that exceed one by rounding down to it."""
    out: F64 = np.ceil((lengths - ROUNDING_UM) / pitch) * pitch
    return out
