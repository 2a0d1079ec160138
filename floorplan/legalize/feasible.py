"""What makes a problem infeasible whatever the placement, said before any search."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from floorplan.errors import InfeasibleProblemError
from floorplan.geometry import oriented_size_um
from floorplan.legalize.ground import check_ground, ground_of
from floorplan.netlist import Placement, Problem
from floorplan.netlist.legality import TOLERANCE_UM

__all__ = ["check_feasible", "free_area_um2"]

F64 = npt.NDArray[np.float64]


def check_feasible(problem: Problem, placement: Placement) -> None:
    """Raise where no positions of the movable hard macros can be legal.

    Raises:
        InfeasibleProblemError: a macro is larger than the canvas within the boundary spacing; the macros' area exceeds
            what is free; fixed macros overlap or stick out; a macro fits nowhere in its region, or a fence is too small
            for all of its macros.
    """
    nl, cv = problem.netlist, problem.canvas
    edge = problem.boundary_spacing_um
    _check_fixed(problem)
    nodes = problem.movable_hard
    w, h = oriented_size_um(nl.node_w_um[nodes], nl.node_h_um[nodes], placement.orient[nodes])
    within = f" less the boundary spacing of {edge:.6g} um on both sides" if edge else ""
    for size, extent, word, what in ((w, cv.width_um, "wider", "width"), (h, cv.height_um, "higher", "height")):
        over = size - (extent - 2 * edge)
        if len(over) and over.max() > 2 * TOLERANCE_UM:
            k = int(np.argmax(over))
            raise InfeasibleProblemError(
                f"{nl.node_name[nodes[k]]} is {word} than the canvas: {size[k]:.6g} um, "
                f"canvas {what} {extent:.6g} um{within}"
            )
    if problem.confined:
        check_ground(problem, nodes, ground_of(problem, nodes, placement.orient[nodes]), placement.orient[nodes])
        _check_fences(problem, w * h)
    area, free = float((w * h).sum()), free_area_um2(problem)
    if area > free * (1 + 1e-9) + TOLERANCE_UM:
        raise InfeasibleProblemError(
            f"the movable hard macros take {area:.6g} um2, the canvas has {free:.6g} um2 free of fixed macros, "
            f"blockages and boundary spacing"
        )


def _check_fences(problem: Problem, area_um2: F64) -> None:
    """Raise where the macros tied to a region exceed it; area_um2 (K,) is that of the movable hard macros."""
    region = problem.region[problem.movable_hard]
    for k, r in enumerate(problem.regions):
        wanted = float(area_um2[region == k].sum())
        room = float(np.prod(r.rects_um[:, 2:] - r.rects_um[:, :2], axis=1).sum())
        if wanted > room * (1 + 1e-9) + TOLERANCE_UM:
            raise InfeasibleProblemError(
                f"the macros of region {r.name!r} take {wanted:.6g} um2, its rectangles {room:.6g} um2"
            )


def _fixed_boxes(problem: Problem) -> tuple[list[str], F64]:
    """Return names and (K, 4) edges x0, y0, x1, y1 of the fixed hard macros."""
    nl, at = problem.netlist, problem.initial
    nodes = nl.hard[problem.fixed[nl.hard]]
    w, h = oriented_size_um(nl.node_w_um[nodes], nl.node_h_um[nodes], at.orient[nodes])
    x0, y0 = at.x_um[nodes] - w / 2, at.y_um[nodes] - h / 2
    return [nl.node_name[i] for i in nodes.tolist()], np.stack([x0, y0, x0 + w, y0 + h], axis=1)


def _check_fixed(problem: Problem) -> None:
    cv = problem.canvas
    names, box = _fixed_boxes(problem)
    if not names:
        return
    out = np.max([-box[:, 0], -box[:, 1], box[:, 2] - cv.width_um, box[:, 3] - cv.height_um], axis=0)
    if out.max() > TOLERANCE_UM:
        k = int(np.argmax(out))
        raise InfeasibleProblemError(
            f"fixed macro {names[k]} is {out[k]:.6g} um outside the canvas, and fixed macros are not moved"
        )
    depth = np.minimum(
        np.minimum(box[:, None, 2], box[None, :, 2]) - np.maximum(box[:, None, 0], box[None, :, 0]),
        np.minimum(box[:, None, 3], box[None, :, 3]) - np.maximum(box[:, None, 1], box[None, :, 1]),
    )
    depth[np.tril_indices(len(names))] = 0.0
    if depth.max() > TOLERANCE_UM:
        i, j = np.unravel_index(int(np.argmax(depth)), depth.shape)
        raise InfeasibleProblemError(
            f"fixed macros {names[i]} and {names[j]} overlap by {depth[i, j]:.6g} um, and fixed macros are not moved"
        )


def free_area_um2(problem: Problem) -> float:
    """Return the area in um2 within the boundary spacing that neither fixed macros nor blockages cover."""
    cv, edge = problem.canvas, problem.boundary_spacing_um
    _, fixed = _fixed_boxes(problem)
    blocked = np.array([[b.x0_um, b.y0_um, b.x1_um, b.y1_um] for b in problem.hard_blockages]).reshape(-1, 4)
    lower = np.array([edge, edge])
    upper = np.maximum(lower, np.array([cv.width_um, cv.height_um]) - edge)
    box = np.concatenate([fixed, blocked])
    box = np.concatenate([np.clip(box[:, :2], lower, upper), np.clip(box[:, 2:], lower, upper)], axis=1)
    xs, ys = (np.unique(np.concatenate([box[:, k], box[:, k + 2], [lower[k], upper[k]]])) for k in range(2))
    covered = np.zeros((len(xs) - 1, len(ys) - 1), np.bool_)
    for x0, y0, x1, y1 in box:
        covered[
            np.searchsorted(xs, x0) : np.searchsorted(xs, x1), np.searchsorted(ys, y0) : np.searchsorted(ys, y1)
        ] = 1
    cell = np.diff(xs)[:, None] * np.diff(ys)[None, :]
    return float(cell[~covered].sum())
