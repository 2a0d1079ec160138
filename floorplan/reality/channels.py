"""Channels: the room between hard macros that face each other, and between them and the canvas edge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from floorplan.netlist import Problem
from floorplan.reality.options import RealityOptions
from floorplan.reality.outlines import F64, Outlines

__all__ = ["Channel", "ChannelReport", "check_channels", "find_channels"]

EDGES = ("left edge", "bottom edge", "right edge", "top edge")
_TOLERANCE_UM = 1e-6


@dataclass(frozen=True)
class Channel:
    """Two facing sides and the room between them.

    Attributes:
        between: names of two macros, or of a macro and a canvas edge (`left edge`, ...).
        vertical: the room runs up and down (the two stand side by side).
        gap_um: its width.
        seen_um: for how long the two see each other past all other macros.
        tracks: routing tracks that fit into it.
    """

    between: tuple[str, str]
    vertical: bool
    gap_um: float
    seen_um: float
    tracks: float


@dataclass(frozen=True)
class ChannelReport:
    """Widths of all channels of a placement.

    Attributes:
        count: channels, abutments left out.
        least: the narrowest, None if there is none.
        narrow_um: the threshold below which one is narrow.
        narrow: number of narrow ones.
        abutting_um: the gap below which two sides abut.
        abutting: pairs of macros that abut.
        abutting_edge: macro sides that abut the canvas edge.
        bins_um: upper ends of the bins; the last bin has none.
        bins: (len(bins_um) + 1,) channels in each bin.
    """

    count: int
    least: Channel | None
    narrow_um: float
    narrow: int
    abutting_um: float
    abutting: int
    abutting_edge: int
    bins_um: tuple[float, ...]
    bins: tuple[int, ...]


def check_channels(problem: Problem, hard: Outlines, options: RealityOptions) -> ChannelReport:
    """Count the channels of a placement and find the narrowest; pairs that overlap form none."""
    channels = find_channels(problem, hard)
    abut_um, narrow_um = options.abut_um(problem.canvas), options.narrow_um(problem.canvas)
    abutting = [c for c in channels if c.gap_um < abut_um]
    edge = sum(c.between[1] in EDGES for c in abutting)
    open_ = [c for c in channels if c.gap_um >= abut_um]
    gaps = np.array([c.gap_um for c in open_])
    bins = np.bincount(
        np.searchsorted(np.array(options.channel_bins_um), gaps, side="right"),
        minlength=len(options.channel_bins_um) + 1,
    )
    return ChannelReport(
        count=len(open_),
        least=min(open_, key=lambda c: c.gap_um, default=None),
        narrow_um=narrow_um,
        narrow=int((gaps < narrow_um).sum()),
        abutting_um=abut_um,
        abutting=len(abutting) - edge,
        abutting_edge=edge,
        bins_um=options.channel_bins_um,
        bins=tuple(bins.tolist()),
    )


def find_channels(problem: Problem, hard: Outlines) -> list[Channel]:
    """Return every channel, abutments included, in the order of the macros.

    Two macros form a channel if a straight horizontal or vertical line runs from a side of one to the facing side of
    the other without meeting a third, over more than a picometre of the sides; likewise a macro and the canvas edge.
    Its width is the distance of the two sides. A macro that sticks out of the canvas forms none with that edge.
    """
    cv, names = problem.canvas, problem.netlist.node_name
    label = [names[i] for i in hard.node.tolist()]
    found = []
    for vertical in (True, False):
        along0, along1, across0, across1 = (
            (hard.x0, hard.x1, hard.y0, hard.y1) if vertical else (hard.y0, hard.y1, hard.x0, hard.x1)
        )
        size = cv.width_um if vertical else cv.height_um
        tracks = cv.v_tracks_per_um if vertical else cv.h_tracks_per_um
        low, high = (EDGES[0], EDGES[2]) if vertical else (EDGES[1], EDGES[3])
        for i, name in enumerate(label):
            seen = _seen(i, along0, along1, across0, across1, size)
            found += [
                Channel((name, high if j < 0 else label[j]), vertical, gap, length, gap * tracks)
                for j, gap, length in seen
            ]
            # Downward only for the edge: the macros below see this one in their own turn.
            seen = _seen(i, -along1, -along0, across0, across1, 0.0)
            found += [Channel((name, low), vertical, gap, length, gap * tracks) for j, gap, length in seen if j < 0]
    return found


def _seen(i: int, along0: F64, along1: F64, across0: F64, across1: F64, edge: float) -> list[tuple[int, float, float]]:
    """Return (j, gap, length) of what macro i sees looking along the axis; j = -1 for the canvas edge at `edge`.

    The macros ahead are gone through nearest first; each takes from the view what it covers.
    """
    ahead = (across0 < across1[i]) & (across1 > across0[i]) & (along0 >= along1[i] - _TOLERANCE_UM)
    ahead[i] = False
    near = np.flatnonzero(ahead)
    view = [(float(across0[i]), float(across1[i]))]
    found = []
    for j in near[np.argsort(along0[near], kind="stable")].tolist():
        low, high = float(across0[j]), float(across1[j])
        length = sum(max(min(b, high) - max(a, low), 0.0) for a, b in view)
        if length > _TOLERANCE_UM:
            found.append((j, max(float(along0[j] - along1[i]), 0.0), length))
        view = [(a, min(b, low)) for a, b in view if a < low] + [(max(a, high), b) for a, b in view if b > high]
        if not view:
            return found
    length = sum(b - a for a, b in view)
    gap = edge - float(along1[i])
    if length > _TOLERANCE_UM and gap >= -_TOLERANCE_UM:
        found.append((-1, max(gap, 0.0), length))
    return found
