"""The legaliser: from any placement of the hard macros to a legal one with least movement."""

from __future__ import annotations

import dataclasses
import logging

import numpy as np
import numpy.typing as npt

from floorplan.errors import InfeasibleProblemError, ProblemError
from floorplan.geometry import oriented_size_um
from floorplan.legalize.feasible import check_feasible, free_area_um2
from floorplan.legalize.frame import SAFE, STRICT, Frame, Margins, make_frame
from floorplan.legalize.ground import fitting_orient
from floorplan.legalize.improve import improved, matched
from floorplan.legalize.packing import Packer
from floorplan.legalize.polish import polish
from floorplan.legalize.relations import fitting_relations
from floorplan.netlist import Placement, Problem, check_legality

__all__ = ["legalize"]

F64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

log = logging.getLogger(__name__)

ROUNDS = 12
"""Times that relations are chosen anew, at most."""

ORDERS = 400_000
"""Orders in which macros are packed where nothing near the given placement fits: this over the number of macros."""

MOST_ORDERS = 6000
"""The same where macros are few: the search has seen what there is by then."""

FEW_ORDERS = 8_000
"""In place of `ORDERS` beside soft blockages, which may be covered after all."""

CHUNK = 100
"""Attempts at putting macros back between two linear programs."""


def legalize(problem: Problem, placement: Placement, *, tries: int = 1200) -> Placement:
    """Return a legal placement whose hard macros have moved as little as could be found, in summed |dx| + |dy|.

    Gaps hold in float32: hard macros end up at least max(macro spacing, `safe_gap_um`) apart, and that far from
    blockages and the canvas edge where a macro leaves room for it. Where only the bare spacing fits, that is kept, with
    a warning in the log. Halos, regions and the grid are kept, soft blockages kept clear where that is possible. Fixed
    nodes stand where the problem has them; soft macros are moved wholly into the canvas (to its middle where they are
    larger) and not otherwise; orientations change only where they are not allowed, or a region asks for another. A
    placement that keeps all this comes back bit for bit.

    Args:
        problem: canvas, spacing, blockages, fixed nodes, allowed orientations.
        placement: of all hard macros, anywhere; unplaced soft macros stay so.
        tries: attempts at putting macros back nearer to where they stood; 0 is quickest.

    Raises:
        ProblemError: the placement is not of this netlist, or leaves a hard macro unplaced.
        InfeasibleProblemError: no legal placement exists, or none was found; the message says why, with figures.
    """
    if problem.soft_blockages:
        return _beside_soft_blockages(problem, placement, tries)
    return _legalized(problem, placement, tries, ORDERS)


def _legalized(problem: Problem, placement: Placement, tries: int, orders: int) -> Placement:
    """Do what `legalize` does without soft blockages, packing macros in at most `orders` / n orders at a time."""
    start = _prepared(problem, placement)
    check_feasible(problem, start)
    safe, _ = _solved(problem, start, SAFE, tries, orders)
    if safe is not None:
        return safe
    bare, most = _solved(problem, start, STRICT, tries, orders)
    if bare is None:
        raise InfeasibleProblemError(_reason(problem, start, most))
    # What fits with the bare spacing may be a better start for the safe gap; a result is one that stays as it is.
    again, _ = _solved(problem, bare, SAFE, tries, orders)
    if again is not None:
        return again
    log.warning("no legal placement with float32-safe gaps found: %s keeps the bare spacing", problem.netlist.name)
    return bare


def _beside_soft_blockages(problem: Problem, placement: Placement, tries: int) -> Placement:
    """Keep macros off all soft blockages if they find room beside them, else off the larger half of them, and so on."""
    hard, soft = problem.hard_blockages, problem.soft_blockages
    size = [(b.x1_um - b.x0_um) * (b.y1_um - b.y0_um) for b in soft]
    kept = tuple(soft[k] for k in sorted(range(len(soft)), key=lambda k: -size[k]))
    while kept:
        closed = tuple(dataclasses.replace(b, hard=True) for b in kept)
        try:
            return _legalized(problem.replace(blockages=hard + closed), placement, tries, FEW_ORDERS)
        except InfeasibleProblemError as error:
            log.info("macros do not fit beside %d soft blockages: %s", len(kept), error)
        kept = kept[: len(kept) // 2]
    return _legalized(problem.replace(blockages=hard), placement, tries, ORDERS)


def _prepared(problem: Problem, placement: Placement) -> Placement:
    """Return the placement with what is not a question of overlaps put right."""
    nl, cv = problem.netlist, problem.canvas
    if len(placement) != nl.num_nodes:
        raise ProblemError(f"placement has {len(placement)} nodes, the netlist {nl.num_nodes}")
    missing = nl.hard[~placement.placed[nl.hard] & ~problem.fixed[nl.hard]]
    if len(missing):
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ProblemError(f"hard macro {nl.node_name[missing[0]]}{more} unplaced: the legaliser moves what is placed")
    x, y = placement.x_um.copy(), placement.y_um.copy()
    orient, placed = placement.orient.copy(), placement.placed.copy()

    fixed, given = problem.fixed, problem.initial
    off = fixed & ~(placed & (np.abs(x - given.x_um) <= 1e-6) & (np.abs(y - given.y_um) <= 1e-6))
    x[off], y[off] = given.x_um[off], given.y_um[off]
    orient[fixed], placed[fixed] = given.orient[fixed], True

    move = problem.movable_hard
    orient[move] = fitting_orient(problem, move, orient[move])

    soft = problem.movable_soft[placed[problem.movable_soft]]
    w, h = oriented_size_um(nl.node_w_um[soft], nl.node_h_um[soft], orient[soft])
    for at, size, extent in ((x, w, cv.width_um), (y, h, cv.height_um)):
        inside = np.clip(at[soft], size / 2, np.maximum(size / 2, extent - size / 2))
        at[soft] = np.where(size > extent, extent / 2, inside)
    return placement.replace(x, y, orient, placed)


def _solved(
    problem: Problem, start: Placement, margins: Margins, tries: int, orders: int
) -> tuple[Placement | None, int]:
    """Return a placement that `check_legality` accepts, with the margins; None, and how many macros fitted, else."""
    frame = make_frame(problem, start, margins)
    if frame.holds(frame.target_um):
        return _accepted(problem, _moved(start, frame, frame.target_um)), frame.n
    at, most = _best(frame, tries, orders)
    if at is None:
        return None, most
    return _accepted(problem, _moved(start, frame, at)), most


def _moved(start: Placement, frame: Frame, at_um: F64) -> Placement:
    x, y = start.x_um.copy(), start.y_um.copy()
    x[frame.nodes], y[frame.nodes] = at_um[:, : frame.n]
    return start.replace(x, y)


def _accepted(problem: Problem, placement: Placement) -> Placement | None:
    soft = {problem.netlist.node_name[i] for i in problem.netlist.soft.tolist()}
    wrong = [v for v in check_legality(problem, placement).violations if v.kind != "unplaced" or v.nodes[0] not in soft]
    return None if wrong else placement


def _best(frame: Frame, tries: int, orders: int) -> tuple[F64 | None, int]:
    """Return centres (2, M) with all gaps, the best of several ways; None, and how many macros fitted, if all fail."""
    if (frame.low_um > frame.high_um).any():
        return None, 0
    found: list[F64] = []
    start = np.clip(frame.target_um, frame.low_um, frame.high_um)
    # Where a macro has several rectangles it begins with the nearest; packing may bring it to others.
    along_x = fitting_relations(frame, start, 2 * frame.n + 20)
    packer = Packer(frame)
    if along_x is not None:
        found += _polished(frame, start, along_x)
    if not found or frame.movement_um(found[0]) > frame.movement_um(start) + 1e-6:
        for packed in packer.near():
            found += _polished(frame, matched(frame, packed), None)
    if not found:
        packed_tight = packer.tight(min(orders // frame.n + 1, MOST_ORDERS), seed=0)
        if packed_tight is not None:
            found += _polished(frame, matched(frame, packed_tight), None)
    if not found:
        return None, packer.most
    found.sort(key=frame.movement_um)
    rounds = -(-tries // (3 * CHUNK))
    two = [improved(frame, packer, at, rounds=rounds, tries=CHUNK, seed=0) for at in found[:2]]
    best = min(two, key=frame.movement_um)
    return improved(frame, packer, best, rounds=rounds, tries=CHUNK, seed=1), frame.n


def _polished(frame: Frame, at_um: F64, along_x: Bool | None) -> list[F64]:
    """Return the polished centres (2, M) if they hold, else nothing."""
    if along_x is None:
        frame = frame.bound_at(at_um)
        if not frame.holds(at_um):
            return []
    at = polish(frame, at_um, along_x, ROUNDS)
    return [] if at is None or not frame.holds(at) else [at]


def _reason(problem: Problem, start: Placement, most: int) -> str:
    """Say with figures that nothing was found."""
    frame = make_frame(problem, start, STRICT)
    area = float(np.prod(frame.size_um[:, : frame.n], axis=0).sum())
    return (
        f"no legal placement found: {frame.n} movable hard macros take {area / free_area_um2(problem):.1%} of the free "
        f"area; the best attempt found room for {most} of them; as given they overlap, or stick out, by up to "
        f"{frame.overlap_um(frame.target_um):.6g} um"
    )
