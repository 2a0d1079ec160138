"""Channels between hard macros made wide enough for what runs through them, power straps above all."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from floorplan.errors import InfeasibleProblemError, ProblemError
from floorplan.geometry import oriented_size_um
from floorplan.legalize.frame import safe_gap_um
from floorplan.legalize.legalizer import legalize
from floorplan.legalize.snap import is_legal, settled
from floorplan.netlist import ONLY_N, NetlistBuilder, Placement, Problem
from floorplan.netlist.constraints import turned_halo_um
from floorplan.netlist.legality import TOLERANCE_UM

__all__ = ["NarrowGap", "abut_um", "narrow_gaps", "widen_channels"]

F64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]
Groups = list[list[int]]

log = logging.getLogger(__name__)

_GRID_UM = 0.005
"""Manufacturing grid of common processes: a gap below it is no channel."""


@dataclass(frozen=True)
class NarrowGap:
    """Two hard macros that face each other with open room between them, narrower than asked for.

    Attributes:
        between: their names, in file order.
        gap_um: the distance of the facing sides.
    """

    between: tuple[str, str]
    gap_um: float

    def __str__(self) -> str:
        return f"{self.gap_um:.6g} um between {self.between[0]} and {self.between[1]}"


def widen_channels(problem: Problem, placement: Placement, channel_um: float) -> Placement:
    """Return a legal placement in which hard macros that face each other abut, as they did, or keep a channel's width.

    Macros that abut (see `abut_um`) move as one, so arrays of memories stay arrays, unless a narrow gap lies between
    two of one group: those are taken apart. Where groups find no room, first those that do not fill their bounding box
    are taken apart, then all, which leaves no abutment. The legaliser moves what is left as little as it finds, with
    the channel as spacing; what stands diagonally to each other is kept apart, too. Fixed macros stay, and so do macros
    that abut them while there is room. Gaps to the canvas edge, and between macros none of which moves, are not looked
    at. Soft macros stay. A placement without narrow gaps comes back as it is; which ones were widened goes to the log.

    Args:
        problem: canvas and constraints, all of which hold for the result.
        placement: (N,) nodes, all hard macros placed; one that is illegal is legalised first.
        channel_um: least width, such as 12.

    Raises:
        ProblemError: the width is not positive and finite.
        InfeasibleProblemError: no such placement was found; the message names the narrow gaps.
    """
    if not (math.isfinite(channel_um) and channel_um > 0):
        raise ProblemError(f"a channel's width must be positive, got {channel_um} um")
    start = placement if is_legal(problem, placement) else legalize(problem, placement)
    narrow = narrow_gaps(problem, start, channel_um)
    if not narrow:
        return start
    tried: list[Groups] = []
    reason = ""
    for groups in _ways(problem, start, channel_um):
        if groups in tried:
            continue
        tried.append(groups)
        try:
            done = _apart(problem, start, groups, channel_um)
        except InfeasibleProblemError as error:
            reason = str(error)
            continue
        left = narrow_gaps(problem, done, channel_um)
        if not left and is_legal(problem, done):
            log.info("channels below %g um widened: %s", channel_um, _listed(narrow, len(narrow)))
            return done
        reason = f"left narrow: {_listed(left)}" if left else "the result breaks a constraint"
    raise InfeasibleProblemError(
        f"no placement with channels of {channel_um:g} um found; too narrow are {_listed(narrow)}; at last: {reason}"
    )


def _listed(gaps: tuple[NarrowGap, ...], most: int = 3) -> str:
    shown = "; ".join(str(g) for g in sorted(gaps, key=lambda g: g.gap_um)[:most])
    return shown + (f"; and {len(gaps) - most} more" if len(gaps) > most else "")


def abut_um(problem: Problem) -> tuple[float, float]:
    """Return the gaps along x and y up to which two macros abut.

    That is what legalisers leave between macros that touch, 5 nm at least, and less than a step of the problem's grid
    where that is more: sizes that are no whole steps come no closer.
    """
    least = max(_GRID_UM, 2 * safe_gap_um(problem.canvas))
    pitch = problem.snap.pitch_um if problem.snap else (0.0, 0.0)
    return max(least, pitch[0] - TOLERANCE_UM), max(least, pitch[1] - TOLERANCE_UM)


def narrow_gaps(problem: Problem, placement: Placement, channel_um: float) -> tuple[NarrowGap, ...]:
    """Return every gap wider than abutment and narrower than a channel, in file order.

    A gap lies between two hard macros that face each other, at least one of which moves; a gap that others fill is
    none.
    """
    boxes = _Boxes(problem, placement)
    names = problem.netlist.node_name
    found = []
    for i, j, gap in boxes.facing(abut_um(problem), channel_um):
        if (boxes.movable[i] or boxes.movable[j]) and boxes.open_between(i, j):
            found.append(NarrowGap((names[boxes.nodes[i]], names[boxes.nodes[j]]), gap))
    return tuple(found)


class _Boxes:
    """Outlines of the hard macros of a placement, (H,) each."""

    def __init__(self, problem: Problem, placement: Placement) -> None:
        nl = problem.netlist
        self.nodes = nl.hard
        self.movable: Bool = ~problem.fixed[nl.hard]
        w, h = oriented_size_um(nl.node_w_um[nl.hard], nl.node_h_um[nl.hard], placement.orient[nl.hard])
        low = np.stack([placement.x_um[nl.hard] - w / 2, placement.y_um[nl.hard] - h / 2])
        self.low: F64 = low
        self.high: F64 = low + np.stack([w, h])

    def _gaps(self, i: int) -> F64:
        """Return (2, H - i - 1) room along each axis between macro i and those after it; below 0 where they overlap."""
        after = slice(i + 1, None)
        return np.maximum(
            self.low[:, after] - self.high[:, i, None],
            self.low[:, i, None] - self.high[:, after],
        )

    def facing(self, above_um: tuple[float, float], below_um: float) -> list[tuple[int, int, float]]:
        """Return pairs i < j that overlap along one axis, and their gap along the other where it lies in between."""
        least = np.array(above_um)
        out = []
        for i in range(len(self.nodes)):
            gap = self._gaps(i)
            wide, face = gap.max(axis=0), gap.min(axis=0)
            hit = (face < -TOLERANCE_UM) & (wide > least[gap.argmax(axis=0)]) & (wide < below_um - TOLERANCE_UM)
            out += [(i, i + 1 + k, float(wide[k])) for k in np.flatnonzero(hit).tolist()]
        return out

    def touching(self, within_um: tuple[float, float]) -> list[tuple[int, int]]:
        """Return pairs i < j no further apart along either axis than that, corners included."""
        most = np.array(within_um)[:, None]
        out = []
        for i in range(len(self.nodes)):
            near = np.flatnonzero((self._gaps(i) <= most).all(axis=0))
            out += [(i, i + 1 + k) for k in near.tolist()]
        return out

    def open_between(self, i: int, j: int) -> bool:
        """Say whether a straight line runs from a side of one macro to the facing side of the other past all others."""
        axis = int(np.argmax(np.maximum(self.low[:, j] - self.high[:, i], self.low[:, i] - self.high[:, j])))
        other = 1 - axis
        start, end = min(self.high[axis, i], self.high[axis, j]), max(self.low[axis, i], self.low[axis, j])
        side0 = max(self.low[other, i], self.low[other, j])
        side1 = min(self.high[other, i], self.high[other, j])
        between = (self.low[axis] < end) & (self.high[axis] > start)
        between &= (self.low[other] < side1) & (self.high[other] > side0)
        between[[i, j]] = False
        at = side0
        for k in np.flatnonzero(between)[np.argsort(self.low[other, between], kind="stable")].tolist():
            if self.low[other, k] > at + TOLERANCE_UM:
                return True
            at = max(at, self.high[other, k])
        return bool(at < side1 - TOLERANCE_UM)


def _ways(problem: Problem, placement: Placement, channel_um: float) -> list[Groups]:
    """Return ways to group the hard macros (their numbers among all hard macros), that of most abutments first."""
    boxes = _Boxes(problem, placement)
    group = _components(len(boxes.nodes), boxes.touching(abut_um(problem)))
    for i, j, _ in boxes.facing(abut_um(problem), channel_um):
        if group[i] == group[j] and boxes.open_between(i, j):
            group[group == group[i]] = -1
    regions = problem.region[boxes.nodes]
    together = [np.flatnonzero(group == g) for g in np.unique(group[group >= 0])]
    alone = [[k] for k in np.flatnonzero(group < 0).tolist()]
    whole, full = list(alone), list(alone)
    for members in together:
        apart = [[k] for k in members.tolist()]
        # One rectangle cannot lie in two regions.
        movable = members[boxes.movable[members]]
        one_region = len(np.unique(regions[movable])) <= 1
        whole += [members.tolist()] if one_region else apart
        full += [members.tolist()] if one_region and _fills_box(boxes, members) else apart
    singles = [[k] for k in range(len(boxes.nodes))]
    return [sorted(whole), sorted(full), singles]


def _components(count: int, pairs: list[tuple[int, int]]) -> npt.NDArray[np.int64]:
    """Return (count,) the least number of the component that each is in."""
    root = list(range(count))

    def find(k: int) -> int:
        while root[k] != k:
            root[k] = root[root[k]]
            k = root[k]
        return k

    for i, j in pairs:
        a, b = find(i), find(j)
        root[max(a, b)] = min(a, b)
    return np.array([find(k) for k in range(count)], np.int64)


def _fills_box(boxes: _Boxes, members: npt.NDArray[np.int64]) -> bool:
    size = boxes.high[:, members] - boxes.low[:, members]
    span = boxes.high[:, members].max(axis=1) - boxes.low[:, members].min(axis=1)
    return float(size.prod(axis=0).sum()) >= 0.999 * float(span.prod())


def _apart(problem: Problem, placement: Placement, groups: Groups, channel_um: float) -> Placement:
    """Return the placement with each group moved as one by the legaliser, with the channel as spacing.

    Raises:
        InfeasibleProblemError: there is no room for that.
    """
    boxes = _Boxes(problem, placement)
    b = NetlistBuilder(problem.netlist.name)
    nodes = boxes.nodes
    low, high, fixed, region, halos, names = [], [], [], [], [], []
    halo = turned_halo_um(problem.halo_um[nodes], placement.orient[nodes])
    moves: Groups = []
    for members in groups:
        stays = not boxes.movable[members].all()
        # What stays is handed over macro by macro: its bounding box may hold others.
        for part in ([k] for k in members) if stays else [members]:
            names.append(problem.netlist.node_name[nodes[part[0]]])
            low.append(boxes.low[:, part].min(axis=1))
            high.append(boxes.high[:, part].max(axis=1))
            fixed.append(stays)
            region.append(-1 if stays else int(problem.region[nodes[part[0]]]))
            halos.append(halo[part].max(axis=0))
            moves.append(part)
    for name, a, c in zip(names, low, high, strict=True):
        b.add_macro(name, *(c - a).tolist())
    n = len(names)
    middle = (np.array(low) + np.array(high)) / 2
    start = Placement(middle[:, 0], middle[:, 1], np.zeros(n, np.uint8), np.ones(n, np.bool_))
    whole = problem.replace(
        netlist=b.build(),
        initial=start,
        fixed=np.array(fixed),
        allowed_orient=np.full(n, ONLY_N, np.uint8),
        macro_spacing_um=max(problem.macro_spacing_um, channel_um),
        halo_um=np.array(halos),
        region=np.array(region, np.int32),
    )
    done = legalize(whole, start)
    x, y = placement.x_um.copy(), placement.y_um.copy()
    for k, part in enumerate(moves):
        # Only what moves is touched: a difference of 0 would round others.
        for at, now, was in ((x, done.x_um[k], start.x_um[k]), (y, done.y_um[k], start.y_um[k])):
            if now != was:
                at[nodes[part]] += now - was
    moved = nodes[(x[nodes] != placement.x_um[nodes]) | (y[nodes] != placement.y_um[nodes])]
    return settled(problem, placement.replace(x, y), moved)
