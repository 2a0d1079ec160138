"""Constraints that no placement can meet, as far as simple counting shows."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

from floorplan.geometry import Orient
from floorplan.inspection.suspicion import ERROR, Suspicion, suspicion
from floorplan.netlist import Problem, Snap
from floorplan.netlist.legality import TOLERANCE_UM

__all__ = ["unmet_constraints"]

F64 = npt.NDArray[np.float64]
Box = tuple[float, float, float, float]

_KEEPS = sum(1 << int(o) for o in (Orient.N, Orient.FN, Orient.FS, Orient.S))
_TURNS = sum(1 << int(o) for o in (Orient.E, Orient.W, Orient.FE, Orient.FW))
_MOST_PAIRED = 60
_MOST_BOXES = 2000


def unmet_constraints(problem: Problem) -> tuple[Suspicion, ...]:
    """Return the constraints that cannot be met; that none is found does not mean that a legal placement exists."""
    return (
        *_too_big(problem),
        *_no_room(problem),
        *_pairs(problem),
        *_regions(problem),
        *_off_grid(problem),
    )


def _sizes(problem: Problem, node: int) -> list[tuple[float, float]]:
    """Return width and height of a macro in each way it may be turned."""
    w, h = float(problem.netlist.node_w_um[node]), float(problem.netlist.node_h_um[node])
    allowed = int(problem.allowed_orient[node])
    return [(w, h)] * bool(allowed & _KEEPS) + [(h, w)] * bool(allowed & _TURNS)


def _too_big(problem: Problem) -> tuple[Suspicion, ...]:
    cv, edge = problem.canvas, 2 * problem.boundary_spacing_um
    items = []
    for i in problem.netlist.hard.tolist():
        margin = 0.0 if problem.fixed[i] else edge
        by = min(max(w + margin - cv.width_um, h + margin - cv.height_um) for w, h in _sizes(problem, i))
        if by > TOLERANCE_UM:
            items.append((problem.netlist.node_name[i], by))
    what = "{n} macro{s} larger than the canvas" + (f" less {edge / 2:g} um at each edge" if edge else "")
    return suspicion("macro_too_big", ERROR, f"{what}, however turned", items, "um")


def _no_room(problem: Problem) -> tuple[Suspicion, ...]:
    """Movable macros with half the spacing around each must fit what fixed macros and blockages leave."""
    nl, cv, gap = problem.netlist, problem.canvas, problem.macro_spacing_um
    ids = problem.movable_hard
    if len(ids) == 0:
        return ()
    edge = problem.boundary_spacing_um
    need = float(((nl.node_w_um[ids] + gap) * (nl.node_h_um[ids] + gap)).sum())
    room = max(cv.width_um - 2 * edge + gap, 0.0) * max(cv.height_um - 2 * edge + gap, 0.0)
    boxes = _taken(problem)
    if boxes is not None:
        # half the spacing around the movable macros may lie over what is taken, so it is shrunk by that much
        inner = [(a + gap / 2, b + gap / 2, c - gap / 2, d - gap / 2) for a, b, c, d in boxes]
        room -= union_area([b for b in inner if b[2] > b[0] and b[3] > b[1]])
    if need <= room * (1 + 1e-12):
        return ()
    what = f"movable macros with their spacing need {need:.6g} um2, but {room:.6g} um2 are left for them"
    return suspicion("no_room", ERROR, what, [("movable macros", need - room)], "um2")


def _taken(problem: Problem) -> list[Box] | None:
    """Return what no movable macro may cover, cut to the canvas; None where it is too much to add up."""
    nl, cv, start = problem.netlist, problem.canvas, problem.initial
    boxes: list[Box] = [(b.x0_um, b.y0_um, b.x1_um, b.y1_um) for b in problem.hard_blockages]
    for i in nl.hard[problem.fixed[nl.hard]].tolist():
        w, h = float(nl.node_w_um[i]), float(nl.node_h_um[i])
        if start.orient[i] >= Orient.E:
            w, h = h, w
        x, y = float(start.x_um[i]), float(start.y_um[i])
        boxes.append((x - w / 2, y - h / 2, x + w / 2, y + h / 2))
    if len(boxes) > _MOST_BOXES:
        return None
    edge = problem.boundary_spacing_um
    x1, y1 = cv.width_um - edge, cv.height_um - edge
    cut = [(max(a, edge), max(b, edge), min(c, x1), min(d, y1)) for a, b, c, d in boxes]
    return [b for b in cut if b[2] > b[0] and b[3] > b[1]]


def union_area(boxes: list[Box]) -> float:
    """Return the area that rectangles (x0, y0, x1, y1) cover together, by slabs between their x coordinates."""
    xs = sorted({x for b in boxes for x in (b[0], b[2])})
    total = 0.0
    for x0, x1 in itertools.pairwise(xs):
        reach = -np.inf
        length = 0.0
        for low, high in sorted((b[1], b[3]) for b in boxes if b[0] <= x0 and b[2] >= x1):
            length += max(high - max(low, reach), 0.0)
            reach = max(reach, high)
        total += length * (x1 - x0)
    return total


def _pairs(problem: Problem) -> tuple[Suspicion, ...]:
    """Two macros fit on a canvas only side by side or one above the other; tried on the largest."""
    nl, cv = problem.netlist, problem.canvas
    ids = problem.movable_hard
    largest = ids[np.argsort(-np.maximum(nl.node_w_um[ids], nl.node_h_um[ids]), kind="stable")][:_MOST_PAIRED]
    edge, gap = 2 * problem.boundary_spacing_um, problem.macro_spacing_um
    width, height = cv.width_um - edge, cv.height_um - edge
    items = []
    for i, j in itertools.combinations(largest.tolist(), 2):
        ways = itertools.product(_sizes(problem, i), _sizes(problem, j))
        by = min(min(a + c + gap - width, b + d + gap - height) for (a, b), (c, d) in ways)
        if by > TOLERANCE_UM:
            items.append((f"{nl.node_name[i]} and {nl.node_name[j]}", by))
    return suspicion("pair_too_big", ERROR, "{n} pair{s} of macros that do not fit on the canvas together", items, "um")


def _regions(problem: Problem) -> tuple[Suspicion, ...]:
    """A macro lies wholly in one rectangle of its region, and the macros of a region do not overlap."""
    nl, cv = problem.netlist, problem.canvas
    edge = problem.boundary_spacing_um
    low, high = (edge, edge), (cv.width_um - edge, cv.height_um - edge)
    misfits, crowds = [], []
    ids = problem.movable_hard
    for k, region in enumerate(problem.regions):
        mine = ids[problem.region[ids] == k]
        boxes = np.concatenate([np.maximum(region.rects_um[:, :2], low), np.minimum(region.rects_um[:, 2:], high)], 1)
        for i in mine.tolist():
            ways = itertools.product(boxes.tolist(), _sizes(problem, i))
            by = min(max(w - (x1 - x0), h - (y1 - y0)) for (x0, y0, x1, y1), (w, h) in ways)
            if by > TOLERANCE_UM:
                misfits.append((f"{nl.node_name[i]} and {region.name}", by))
        room = union_area([(a, b, c, d) for a, b, c, d in boxes.tolist() if c > a and d > b])
        need = float((nl.node_w_um[mine] * nl.node_h_um[mine]).sum())
        if need > room * (1 + 1e-12):
            crowds.append((region.name, need - room))
    what = "{n} macro{s} larger than every rectangle of the region that they are tied to, however turned"
    found = suspicion("region_too_small", ERROR, what, misfits, "um")
    what = "{n} region{s} with less area on the canvas than the macros tied to them"
    return found + suspicion("region_no_room", ERROR, what, crowds, "um2")


def _off_grid(problem: Problem) -> tuple[Suspicion, ...]:
    """No point of the grid that corners must lie on leaves a macro on the canvas."""
    snap = problem.snap
    if snap is None:
        return ()
    cv, edge = problem.canvas, problem.boundary_spacing_um
    items = []
    for i in problem.movable_hard.tolist():
        by = min(_grid_gap(snap, w, h, cv.width_um, cv.height_um, edge) for w, h in _sizes(problem, i))
        if by > TOLERANCE_UM:
            items.append((problem.netlist.node_name[i], by))
    what = "{n} macro{s} that no point of the grid for corners keeps on the canvas"
    return suspicion("snap_too_coarse", ERROR, what, items, "um")


def _grid_gap(snap: Snap, w: float, h: float, width: float, height: float, edge: float) -> float:
    """Return how far a macro reaches out of the canvas at the grid point that suits it best."""
    phase = snap.phase_um(np.array([w]), np.array([h]))[:, 0].tolist()
    out = 0.0
    for centre, pitch, size, length in zip(phase, snap.pitch_um, (w, h), (width, height), strict=True):
        least, most = edge + size / 2, length - edge - size / 2
        if pitch > 0 and most >= least - TOLERANCE_UM:  # a macro too big for the canvas is said to be that already
            first = centre + np.ceil((least - TOLERANCE_UM - centre) / pitch) * pitch
            out = max(out, min(first - most, least - (first - pitch)))
    return float(out)
