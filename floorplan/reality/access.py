"""Pins of hard macros that nothing can be routed to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from floorplan.geometry import oriented_offsets_um
from floorplan.netlist import Placement, Problem
from floorplan.reality.options import RealityOptions
from floorplan.reality.outlines import F64, Outlines

__all__ = ["PinReport", "check_pins", "free_way_um"]

_TOLERANCE_UM = 1e-6


@dataclass(frozen=True)
class PinReport:
    """How many hard-macro pins are boxed in.

    Attributes:
        pins: pins of hard macros.
        boxed_in: those whose free way is shorter than `reach_um`.
        share: boxed_in / pins, 0 if there is no pin.
        reach_um: the free way that a pin needs.
        worst_macro: the macro with the most pins boxed in (the first such), None if there is none.
        worst_boxed_in: its pins boxed in.
        worst_pins: its pins.
    """

    pins: int
    boxed_in: int
    share: float
    reach_um: float
    worst_macro: str | None
    worst_boxed_in: int
    worst_pins: int


def check_pins(problem: Problem, placement: Placement, hard: Outlines, options: RealityOptions) -> PinReport:
    """Count the pins of hard macros whose free way (see `free_way_um`) is shorter than they need."""
    reach = options.reach_um(problem.canvas)
    way = free_way_um(problem, placement, hard)
    on_hard = ~np.isnan(way)
    boxed = on_hard & (way < reach - _TOLERANCE_UM)
    nodes = problem.netlist.num_nodes
    boxed_of = np.bincount(problem.netlist.pin_node[boxed], minlength=nodes)
    pins_of = np.bincount(problem.netlist.pin_node[on_hard], minlength=nodes)
    worst = int(np.argmax(boxed_of)) if boxed.any() else -1
    pins, count = int(on_hard.sum()), int(boxed.sum())
    return PinReport(
        pins=pins,
        boxed_in=count,
        share=count / pins if pins else 0.0,
        reach_um=reach,
        worst_macro=problem.netlist.node_name[worst] if worst >= 0 else None,
        worst_boxed_in=int(boxed_of[worst]) if worst >= 0 else 0,
        worst_pins=int(pins_of[worst]) if worst >= 0 else 0,
    )


def free_way_um(problem: Problem, placement: Placement, hard: Outlines) -> F64:
    """Return how far each pin of a hard macro can be left along a straight line, (P,); NaN for other pins.

    The pin is moved to the nearest edge of its macro, orientation applied, and a ray runs from there straight outward.
    The free way is the ray's length up to the canvas edge or the first other hard macro that it meets (touching a
    macro's side from along it is no meeting); 0 if the place itself lies in another macro or outside the canvas. Of
    edges that are equally near, the best counts: a pin in a corner, or in the middle of a square macro, may leave
    either way.
    """
    nl, cv = problem.netlist, problem.canvas
    way = np.full(nl.num_pins, np.nan)
    dx, dy = oriented_offsets_um(nl.pin_dx_um, nl.pin_dy_um, placement.orient[nl.pin_node])
    x, y = placement.x_um[nl.pin_node] + dx, placement.y_um[nl.pin_node] + dy
    by_node = np.argsort(nl.pin_node, kind="stable")
    begins = np.searchsorted(nl.pin_node[by_node], np.arange(nl.num_nodes + 1))
    for k, node in enumerate(hard.node.tolist()):
        pins = by_node[begins[node] : begins[node + 1]]
        if len(pins) == 0:
            continue
        others = np.arange(len(hard.node)) != k
        x0, y0, x1, y1 = (a[others] for a in hard[1:])
        px, py = x[pins], y[pins]
        to_edge = np.stack([px - hard.x0[k], hard.x1[k] - px, py - hard.y0[k], hard.y1[k] - py])
        usable = to_edge <= to_edge.min(axis=0) + _TOLERANCE_UM
        # Looking left and down is looking right and up in a mirror.
        ways = np.stack(
            [
                _ray(-hard.x0[k], py, -x1, -x0, y0, y1, 0.0, cv.height_um),
                _ray(hard.x1[k], py, x0, x1, y0, y1, cv.width_um, cv.height_um),
                _ray(-hard.y0[k], px, -y1, -y0, x0, x1, 0.0, cv.width_um),
                _ray(hard.y1[k], px, y0, y1, x0, x1, cv.height_um, cv.width_um),
            ]
        )
        way[pins] = np.where(usable, ways, 0.0).max(axis=0)
    return way


def _ray(
    start: float, at: F64, along0: F64, along1: F64, across0: F64, across1: F64, edge: float, breadth: float
) -> F64:
    """Return the free length of rays from `start`, at (K,) across, to the rectangles (H,) ahead or the edge."""
    inside = (at >= -_TOLERANCE_UM) & (at <= breadth + _TOLERANCE_UM)
    way = np.where(inside, max(edge - start, 0.0), 0.0)
    ahead = np.flatnonzero((along1 > start + _TOLERANCE_UM) & (along0 < edge))
    for j in ahead.tolist():
        met = (at > across0[j] + _TOLERANCE_UM) & (at < across1[j] - _TOLERANCE_UM)
        way[met] = np.minimum(way[met], max(float(along0[j]) - start, 0.0))
    return way
