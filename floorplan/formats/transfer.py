"""Positions from one design put on another's nodes of the same names: how a placed result finds back to its source."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from floorplan.errors import ParseError
from floorplan.formats.design import Design
from floorplan.netlist import NodeKind, Placement, Problem

__all__ = ["on_floorplan", "positions_by_name", "with_given"]

Ids = npt.NDArray[np.intp]
S = TypeVar("S", bound=np.generic)

log = logging.getLogger(__name__)

_NAMED = 3
_SIZE_TOLERANCE = 0.005
_FIXED_TOLERANCE_UM = 1e-3


def positions_by_name(base: Problem, other: Problem, source: Path) -> Placement:
    """Return `base`'s positions, but for the movable nodes that `other` places under the same names.

    Soft macros that `base` does not know are passed over, and so are cells where it has soft macros. Ports keep the
    place that `base` gives them.

    Args:
        base: whose nodes are placed.
        other: a design of hard macros of the same names, with its positions in `initial`.
        source: the file to name in errors.

    Raises:
        ParseError: `other` has a macro or cell that `base` has not, or with another size, or puts a node elsewhere that
            is fixed in `base`.
    """
    mine, its = base.netlist, other.netlist
    at = _nodes_of(base, other, source)
    theirs = np.flatnonzero((at >= 0) & other.initial.placed & (its.node_kind != NodeKind.PORT))
    to = at[theirs]
    _check_sizes(base, other, theirs, to, source)
    _check_fixed(base, other, theirs, to, source)
    moves = ~base.fixed[to]
    theirs, to = theirs[moves], to[moves]
    if len(to) and not np.allclose(_extent(base), _extent(other), rtol=1e-6):
        log.warning(
            "%s: placed on a canvas of %.6g x %.6g um, that of %s is %.6g x %.6g um; positions count from the corner",
            source,
            other.canvas.width_um,
            other.canvas.height_um,
            mine.name,
            base.canvas.width_um,
            base.canvas.height_um,
        )
    left = 0 if not len(to) else int(np.isin(base.movable_hard, to, invert=True).sum())
    if left:
        log.warning("%s: gives no place to %d of %d movable macros", source, left, len(base.movable_hard))
    return _placed(base.initial, other.initial, to, theirs)


def on_floorplan(design: Design, floorplan: Design, source: Path) -> Design:
    """Return a design that has no canvas of its own on that of another, with what that one says of the same nodes.

    Canvas, origin, blockages and regions are taken over; positions (those of ports, too), fixed nodes, orientations and
    halos of the nodes of the same names.

    Args:
        design: a netlist alone.
        floorplan: of the same ports, and of some of the macros and cells, or all.
        source: the file to name in errors.

    Raises:
        ParseError: as of `positions_by_name`.
    """
    base, other = design.problem, floorplan.problem
    at = _nodes_of(base, other, source)
    theirs = np.flatnonzero(at >= 0)
    to = at[theirs]
    _check_sizes(base, other, theirs, to, source)

    problem = base.replace(
        canvas=other.canvas,
        initial=_placed(base.initial, other.initial, to, theirs),
        fixed=_taken(base.fixed, other.fixed, to, theirs),
        allowed_orient=_taken(base.allowed_orient, other.allowed_orient, to, theirs),
        halo_um=_taken(base.halo_um, other.halo_um, to, theirs),
        region=_taken(base.region, other.region, to, theirs),
        regions=other.regions,
        blockages=other.blockages,
        macro_spacing_um=other.macro_spacing_um,
        boundary_spacing_um=other.boundary_spacing_um,
        snap=other.snap,
    )
    return floorplan.replace(problem=problem, format=design.format, paths=(*design.paths, source), master=design.master)


def with_given(first: Placement, rest: Placement) -> Placement:
    """Return `first`, and where it places no node, `rest`."""
    there = first.placed
    return Placement(
        np.where(there, first.x_um, rest.x_um),
        np.where(there, first.y_um, rest.y_um),
        np.where(there, first.orient, rest.orient),
        there | rest.placed,
    )


def _placed(mine: Placement, its: Placement, to: Ids, theirs: Ids) -> Placement:
    return Placement(
        _taken(mine.x_um, its.x_um, to, theirs),
        _taken(mine.y_um, its.y_um, to, theirs),
        _taken(mine.orient, its.orient, to, theirs),
        _taken(mine.placed, its.placed, to, theirs),
    )


def _taken(mine: npt.NDArray[S], its: npt.NDArray[S], to: Ids, theirs: Ids) -> npt.NDArray[S]:
    """Return `mine` with the entries `theirs` of `its` at `to`."""
    out = mine.copy()
    out[to] = its[theirs]
    return out


def _extent(problem: Problem) -> tuple[float, float]:
    return problem.canvas.width_um, problem.canvas.height_um


def _nodes_of(base: Problem, other: Problem, source: Path) -> Ids:
    """Return `base`'s node of each of `other`'s by name, -1 for those without one that nobody misses."""
    mine, its = base.netlist, other.netlist
    node_id = mine.node_id
    at = np.array([node_id.get(name, -1) for name in its.node_name], np.intp)
    # clusters mean nothing to a netlist of cells, cells nothing to one of clusters, and ports stay where they are
    moved = [NodeKind.HARD] if (mine.node_kind == NodeKind.SOFT).any() else [NodeKind.HARD, NodeKind.CELL]
    strangers = np.flatnonzero((at < 0) & np.isin(its.node_kind, moved))
    if len(strangers):
        names = ", ".join(repr(its.node_name[i]) for i in strangers[:_NAMED].tolist())
        more = f" and {len(strangers) - _NAMED} more" if len(strangers) > _NAMED else ""
        raise ParseError(source, 0, f"places {names}{more}, of which netlist {mine.name!r} has no node")
    return at


def _check_sizes(base: Problem, other: Problem, theirs: Ids, to: Ids, source: Path) -> None:
    hard = other.netlist.node_kind[theirs] == NodeKind.HARD
    theirs, to = theirs[hard], to[hard]
    for a, b in (
        (base.netlist.node_w_um[to], other.netlist.node_w_um[theirs]),
        (base.netlist.node_h_um[to], other.netlist.node_h_um[theirs]),
    ):
        off = np.abs(a - b) > _SIZE_TOLERANCE * np.maximum(a, b)
        if off.any():
            i, k = int(theirs[np.argmax(off)]), int(to[np.argmax(off)])
            size = f"{other.netlist.node_w_um[i]:.6g} x {other.netlist.node_h_um[i]:.6g}"
            known = f"{base.netlist.node_w_um[k]:.6g} x {base.netlist.node_h_um[k]:.6g}"
            raise ParseError(source, 0, f"{other.netlist.node_name[i]!r} is {size} um here, {known} um in the design")


def _check_fixed(base: Problem, other: Problem, theirs: Ids, to: Ids, source: Path) -> None:
    fixed = base.fixed[to]
    theirs, to = theirs[fixed], to[fixed]
    p, q = base.initial, other.initial
    off = np.maximum(np.abs(p.x_um[to] - q.x_um[theirs]), np.abs(p.y_um[to] - q.y_um[theirs]))
    off = np.where(p.orient[to] != q.orient[theirs], np.inf, off)
    if off.max(initial=0.0) > _FIXED_TOLERANCE_UM:
        i, k = int(theirs[np.argmax(off)]), int(to[np.argmax(off)])
        where = f"({q.x_um[i]:.6g}, {q.y_um[i]:.6g}) um here, at ({p.x_um[k]:.6g}, {p.y_um[k]:.6g}) um in the design"
        raise ParseError(source, 0, f"{other.netlist.node_name[i]!r} is fixed, but its centre is at {where}")
