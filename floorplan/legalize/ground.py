"""Where each hard macro may stand whatever the others do: its region without the fences of others, on the grid."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from floorplan.errors import InfeasibleProblemError
from floorplan.geometry import Orient, oriented_size_um
from floorplan.netlist import Problem

__all__ = ["Ground", "check_ground", "fitting_orient", "ground_of"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
U8 = npt.NDArray[np.uint8]

ROUNDING_UM = 1e-7
"""A rectangle too small for a macro by less than this fits it: a tenth of what legality takes for rounding."""


class Ground(NamedTuple):
    """Rectangles of centres for K macros: a macro may stand with its centre in any of its own.

    Attributes:
        ptr: (K + 1,) offsets into `rect`.
        rect: (T, 4) least x, least y, greatest x, greatest y; with a grid to snap to, all on it.
        pitch: (2,) of that grid, 0 where an axis is free.
        phase: (2, K) centres of the macros that stand on it.
    """

    ptr: I32
    rect: F64
    pitch: F64
    phase: F64

    def nearest(self, at_um: F64) -> F64:
        """Return (2, K) the nearest points to at_um (2, K) that the macros may stand on; where none is, those given."""
        out = at_um.copy()
        for k in range(at_um.shape[1]):
            rect = self.rect[self.ptr[k] : self.ptr[k + 1]]
            if len(rect):
                near = np.clip(at_um[:, k], rect[:, :2], rect[:, 2:])
                out[:, k] = near[np.abs(near - at_um[:, k]).sum(axis=1).argmin()]
        return self.snapped(out)

    def snapped(self, at_um: F64) -> F64:
        """Return (2, K) centres on the grid; those that are on it to 1e-9 um stay as they are."""
        return np.stack([self.snapped_along(at_um[axis], axis) for axis in range(2)])

    def snapped_along(self, at_um: F64, axis: int) -> F64:
        """Return (K,) coordinates of centres along an axis as `snapped` does."""
        if self.pitch[axis] == 0:
            return at_um
        on = self.phase[axis] + np.round((at_um - self.phase[axis]) / self.pitch[axis]) * self.pitch[axis]
        return np.where(np.abs(on - at_um) <= 1e-9, at_um, on)

    def home(self, at_um: F64) -> F64:
        """Return (4, K) the rectangle of each macro that is nearest to at_um (2, K); inf and -inf without one."""
        out = np.empty((4, at_um.shape[1]))
        for k in range(at_um.shape[1]):
            rect = self.rect[self.ptr[k] : self.ptr[k + 1]]
            if len(rect) == 0:
                out[:, k] = np.inf, np.inf, -np.inf, -np.inf
                continue
            near = np.clip(at_um[:, k], rect[:, :2], rect[:, 2:])
            out[:, k] = rect[np.abs(near - at_um[:, k]).sum(axis=1).argmin()]
        return out


def ground_of(problem: Problem, nodes: npt.NDArray[np.integer], orient: U8, margin_um: float = 0.0) -> Ground:
    """Return where hard macros may stand, given how they are turned.

    Args:
        problem: regions, fences, boundary spacing, grid.
        nodes: (K,) movable hard macros.
        orient: (K,) of them.
        margin_um: to keep from the canvas edge where a macro leaves room for it; no less than the boundary spacing is.
    """
    nl, cv, edge = problem.netlist, problem.canvas, problem.boundary_spacing_um
    w, h = oriented_size_um(nl.node_w_um[nodes], nl.node_h_um[nodes], orient)
    extent = np.array([cv.width_um, cv.height_um])
    pitch = np.array(problem.snap.pitch_um if problem.snap else (0.0, 0.0))
    phase = problem.snap.phase_um(w, h) if problem.snap else np.zeros((2, len(nodes)))
    bodies: dict[int, F64] = {}
    rects: list[F64] = []
    for k, region in enumerate(problem.region[nodes].tolist()):
        if region not in bodies:
            bodies[region] = _room(problem, region)
        half = np.array([w[k], h[k]]) / 2
        body = np.concatenate([bodies[region][:, :2] + half, bodies[region][:, 2:] - half], axis=1)
        for keep in (max(margin_um, edge), edge):
            low, high = keep + half, extent - keep - half
            inside = np.concatenate([np.maximum(body[:, :2], low), np.minimum(body[:, 2:], high)], axis=1)
            found = _on_grid(_kept(inside), pitch, phase[:, k])
            if len(found):
                break
        rects.append(found)
    ptr = np.concatenate([[0], np.cumsum([len(r) for r in rects])]).astype(np.int32)
    return Ground(ptr, np.concatenate(rects) if rects else np.zeros((0, 4)), pitch, np.ascontiguousarray(phase))


def _room(problem: Problem, region: int) -> F64:
    """Return (R, 4) the maximal rectangles that bodies of macros of a region (-1: of none) may fill."""
    from floorplan.legalize.kernels.freespace import cut

    cv, edge = problem.canvas, problem.boundary_spacing_um
    inner = np.array([[edge, edge, cv.width_um - edge, cv.height_um - edge]])
    # A macro as large as the canvas fits on it, to rounding: its edges give no more than rounding away.
    given = problem.regions[region].rects_um if region >= 0 else inner
    own = int(problem.fence_of[region]) if region >= 0 else -1
    holes = [problem.regions[f].rects_um for f in problem.fences if f != own]
    if not holes:
        return given
    out: list[F64] = []
    for rect in given:
        rows = 256
        while True:
            free = np.empty((rows, 4))
            free[0] = rect
            count = 1
            for x0, y0, x1, y1 in np.concatenate(holes):
                count = cut(free, count, x0, y0, x1, y1)
                if count < 0:
                    break
            if count >= 0:
                break
            rows *= 4
        out.append(free[:count].copy())
    return np.concatenate(out)


def _kept(rect: F64) -> F64:
    """Return the rectangles that are not empty, those empty by rounding as their middle."""
    mid = (rect[:, :2] + rect[:, 2:]) / 2
    short = rect[:, 2:] - rect[:, :2]
    out = np.concatenate([np.where(short < 0, mid, rect[:, :2]), np.where(short < 0, mid, rect[:, 2:])], axis=1)
    kept: F64 = out[(short >= -2 * ROUNDING_UM).all(axis=1)]
    return kept


def _on_grid(rect: F64, pitch: F64, phase: F64) -> F64:
    """Return the rectangles cut down to the grid, without those that hold none of its points."""
    out = rect.copy()
    for axis in range(2):
        if pitch[axis] > 0:
            low = np.ceil((rect[:, axis] - ROUNDING_UM - phase[axis]) / pitch[axis])
            high = np.floor((rect[:, axis + 2] + ROUNDING_UM - phase[axis]) / pitch[axis])
            out[:, axis], out[:, axis + 2] = phase[axis] + low * pitch[axis], phase[axis] + high * pitch[axis]
    kept: F64 = out[(out[:, 2:] >= out[:, :2]).all(axis=1)]
    return kept


def fitting_orient(problem: Problem, nodes: npt.NDArray[np.integer], orient: U8) -> U8:
    """Return (K,) orientations: those given where they are allowed and fit, else the first that is and does.

    What fits in no orientation gets the first that is allowed.
    """
    out = orient.copy()
    allowed = problem.allowed_orient[nodes]
    lowest = np.round(np.log2(allowed & -allowed.astype(np.int16))).astype(np.uint8) if len(nodes) else out
    bad = (allowed >> orient) & 1 == 0
    out[bad] = lowest[bad]
    if not problem.confined:
        return out
    unfit = np.flatnonzero(np.diff(ground_of(problem, nodes, out).ptr) == 0)
    for k in unfit.tolist():
        for other in Orient:
            turned = np.array([other], np.uint8)
            if (int(allowed[k]) >> other) & 1 and ground_of(problem, nodes[k : k + 1], turned).ptr[-1] > 0:
                out[k] = other
                break
    return out


def check_ground(problem: Problem, nodes: npt.NDArray[np.integer], ground: Ground, orient: U8) -> None:
    """Raise where a macro finds no place even without the others.

    Raises:
        InfeasibleProblemError: its region is too small for it, fences leave it no room, or no grid point lies there.
    """
    nl = problem.netlist
    for k in np.flatnonzero(np.diff(ground.ptr) == 0).tolist():
        node = int(nodes[k])
        w, h = oriented_size_um(nl.node_w_um[[node]], nl.node_h_um[[node]], orient[[k]])
        size = f"macro {nl.node_name[node]!r} ({w[0]:g} x {h[0]:g} um)"
        region = int(problem.region[node])
        where = f"in no rectangle of its region {problem.regions[region].name!r}" if region >= 0 else "nowhere"
        causes = []
        if problem.boundary_spacing_um:
            causes.append(f"boundary spacing {problem.boundary_spacing_um:g} um")
        if problem.fences:
            causes.append("fences of others")
        if problem.snap:
            causes.append(f"grid of {problem.snap.pitch_x_um:g} x {problem.snap.pitch_y_um:g} um")
        raise InfeasibleProblemError(f"{size} fits {where}" + (f" (given {', '.join(causes)})" if causes else ""))
