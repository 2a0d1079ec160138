"""Legal placements on a manufacturing grid: the lower left corner of every movable hard macro on a grid point."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from floorplan.errors import ProblemError
from floorplan.geometry import oriented_size_um
from floorplan.legalize.frame import STRICT, make_frame
from floorplan.legalize.legalizer import legalize
from floorplan.legalize.polish import polish
from floorplan.legalize.relations import fitting_relations
from floorplan.netlist import NodeKind, Placement, Problem, check_legality
from floorplan.netlist.constraints import Snap
from floorplan.netlist.legality import TOLERANCE_UM

__all__ = ["is_legal", "on_grid", "settled", "snap_to_grid"]

_ROUNDS = 4
_WHOLE = 1e-6
"""A pitch is a multiple of another to this share of it."""


def snap_to_grid(
    problem: Problem, placement: Placement, grid_um: float, offset_um: tuple[float, float] = (0.0, 0.0)
) -> Placement:
    """Return a legal placement whose movable hard macros have their lower left corners, as turned, on a grid.

    Macros keep who stands left of whom and below whom where that is possible, and with that move as little as can be,
    in summed |dx| + |dy|, to within half a grid step a macro. Gaps may close to what the problem demands, 0 if it
    demands none; where sizes are whole grid steps, macros that abut still do. An illegal placement is legalised first.
    Fixed macros, soft macros and ports stay. A placement that is legal and on the grid comes back as it is.

    Args:
        problem: its own grid, if it has one, must be a multiple of this one, and is kept.
        placement: (N,) nodes, all hard macros placed.
        grid_um: pitch along both axes, such as 0.005.
        offset_um: where a grid point lies: a design's grid counts from its own origin, not from the canvas's corner.

    Raises:
        ProblemError: the pitch is not positive, or the problem's own grid is none of its multiples.
        InfeasibleProblemError: no legal placement on the grid was found; the message says why, with figures.
    """
    wanted = on_grid(problem, grid_um, offset_um)
    if is_legal(wanted, placement):
        return placement
    start = placement if is_legal(problem, placement) else legalize(problem, placement)
    snapped = _in_order(wanted, start)
    if snapped is None:
        snapped = legalize(wanted, start)
    move = problem.movable_hard
    x, y, orient = placement.x_um.copy(), placement.y_um.copy(), placement.orient.copy()
    x[move], y[move], orient[move] = snapped.x_um[move], snapped.y_um[move], snapped.orient[move]
    return settled(wanted, placement.replace(x, y, orient), move)


def on_grid(problem: Problem, grid_um: float, offset_um: tuple[float, float] = (0.0, 0.0)) -> Problem:
    """Return the problem with the demand that lower left corners of movable hard macros lie on a grid.

    Raises:
        ProblemError: as for `snap_to_grid`.
    """
    if not (math.isfinite(grid_um) and grid_um > 0 and all(math.isfinite(o) for o in offset_um)):
        raise ProblemError(f"a grid's pitch must be positive and its offset finite, got {grid_um} and {offset_um}")
    own = problem.snap
    if own is None:
        return problem.replace(snap=Snap(grid_um, grid_um, *offset_um))
    pitch, offset = [], []
    for has, at, start in zip(own.pitch_um, (own.offset_x_um, own.offset_y_um), offset_um, strict=True):
        for what in (has, at - start):
            steps = what / grid_um
            if has > 0 and abs(steps - round(steps)) > _WHOLE * max(1.0, abs(steps)):
                raise ProblemError(f"the problem's grid of {has:g} um does not lie on one of {grid_um:g} um")
        pitch.append(has or grid_um)
        offset.append(at if has > 0 else start)
    (pitch_x, pitch_y), (offset_x, offset_y) = pitch, offset
    grid = replace(own, pitch_x_um=pitch_x, pitch_y_um=pitch_y, offset_x_um=offset_x, offset_y_um=offset_y)
    return problem.replace(snap=grid)


def settled(problem: Problem, placement: Placement, nodes: npt.NDArray[np.integer]) -> Placement:
    """Return the placement with nodes (K,) that stand on the problem's grid as near to it as a double can be.

    Steps that were added up leave noise, which shows where corners are written in full.
    """
    snap, nl = problem.snap, problem.netlist
    if snap is None:
        return placement
    w, h = oriented_size_um(nl.node_w_um[nodes], nl.node_h_um[nodes], placement.orient[nodes])
    off = snap.off_grid_um(placement.x_um[nodes], placement.y_um[nodes], w, h)
    on, sizes = nodes[off < TOLERANCE_UM], np.stack([w, h])[:, off < TOLERANCE_UM] / 2
    moved = [placement.x_um.copy(), placement.y_um.copy()]
    sides, offsets = (snap.side_x, snap.side_y), (snap.offset_x_um, snap.offset_y_um)
    for at, half, side, pitch, offset in zip(moved, sizes, sides, snap.pitch_um, offsets, strict=True):
        if pitch == 0:
            continue
        # A pitch is meant as the decimal that it is written as.
        step, start = Fraction(repr(float(pitch))), Fraction(repr(float(offset)))
        for i, reach in zip(on.tolist(), (side * half).tolist(), strict=True):
            count = round((at[i] - reach - offset) / pitch)
            at[i] = float(start + count * step + Fraction(reach))
    return placement.replace(*moved)


def is_legal(problem: Problem, placement: Placement) -> bool:
    """Say whether hard macros are placed legally; soft macros and cells may be unplaced."""
    loose = np.isin(problem.netlist.node_kind, (NodeKind.SOFT, NodeKind.CELL))
    names = {problem.netlist.node_name[i] for i in np.flatnonzero(loose & ~placement.placed).tolist()}
    wrong = check_legality(problem, placement).violations
    return all(v.kind == "unplaced" and v.nodes[0] in names for v in wrong)


def _in_order(problem: Problem, placement: Placement) -> Placement | None:
    """Return a legal placement from a legal one but for the grid, by its relations; None where they leave no room."""
    frame = make_frame(problem, placement, STRICT)
    if (frame.low_um > frame.high_um).any():
        return None
    start = np.clip(frame.target_um, frame.low_um, frame.high_um)
    along_x = fitting_relations(frame, start, 2 * frame.n + 20)
    at = None if along_x is None else polish(frame, start, along_x, _ROUNDS)
    if at is None:
        return None
    x, y = placement.x_um.copy(), placement.y_um.copy()
    x[frame.nodes], y[frame.nodes] = at[:, : frame.n]
    moved = placement.replace(x, y)
    return moved if is_legal(problem, moved) else None
