"""Canvas and grid for a set of macros, and where ports stand on its edges."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from floorplan.accelerator.technology import Technology
from floorplan.netlist import Canvas, Netlist, Placement, Problem, Side

__all__ = ["canvas_for", "cells_along", "port_positions", "with_ports_placed"]

FEWEST_CELLS = 20
MOST_CELLS = 32
"""Cells a side: the public clustered netlists of this size have 21 to 39."""

PORT_SPAN_FRAC = 0.8
"""Share of an edge, about its middle, on which ports stand: pin planners keep corners free."""


def cells_along(
    extent_um: float,
    sizes_um: Sequence[float],
    across_um: Sequence[float],
    fewest: int = FEWEST_CELLS,
    most: int = MOST_CELLS,
) -> int:
    """Return the number of grid cells along one axis that wastes least.

    Macros of size s that stand side by side with their centres on cell centres take whole cells, cell * ceil(s / cell)
    each. The number of cells is the one with the least area lost that way, sum(across * (taken - s)), the smaller of
    equals.

    Args:
        extent_um: length of the canvas along the axis.
        sizes_um: extent of each hard macro along the axis.
        across_um: extent of each across it.
        fewest: least number of cells.
        most: greatest.
    """

    def waste_um2(cells: int) -> float:
        cell = extent_um / cells
        return sum(a * (cell * math.ceil(s / cell - 1e-9) - s) for s, a in zip(sizes_um, across_um, strict=True))

    return min(range(fewest, most + 1), key=lambda n: (round(waste_um2(n), 3), n))


def canvas_for(tech: Technology, w_um: Sequence[float], h_um: Sequence[float], hard_utilisation_frac: float) -> Canvas:
    """Return a square canvas of which hard macros of sizes `w_um` x `h_um` take `hard_utilisation_frac`.

    The side is rounded to 0.001 um.
    """
    area = sum(w * h for w, h in zip(w_um, h_um, strict=True))
    side = round(math.sqrt(area / hard_utilisation_frac), 3)
    return Canvas(
        width_um=side,
        height_um=side,
        columns=cells_along(side, w_um, h_um),
        rows=cells_along(side, h_um, w_um),
        h_tracks_per_um=tech.h_tracks_per_um,
        v_tracks_per_um=tech.v_tracks_per_um,
        h_macro_tracks_per_um=tech.h_macro_tracks_per_um,
        v_macro_tracks_per_um=tech.v_macro_tracks_per_um,
    )


def port_positions(
    canvas: Canvas, sides: Sequence[Side], span_frac: float = PORT_SPAN_FRAC
) -> list[tuple[float, float]]:
    """Return (x, y) of ports on the given edges, evenly spaced in their order over the middle `span_frac` of each."""
    count = {side: sum(s == side for s in sides) for side in dict.fromkeys(sides)}
    seen = dict.fromkeys(count, 0)
    out: list[tuple[float, float]] = []
    for side in sides:
        t = 0.5 + span_frac * ((seen[side] + 0.5) / count[side] - 0.5)
        seen[side] += 1
        if side in (Side.LEFT, Side.RIGHT):
            out.append((0.0 if side == Side.LEFT else canvas.width_um, round(t * canvas.height_um, 4)))
        else:
            out.append((round(t * canvas.width_um, 4), 0.0 if side == Side.BOTTOM else canvas.height_um))
    return out


def with_ports_placed(netlist: Netlist, canvas: Canvas, sides: Sequence[Side]) -> Problem:
    """Return the problem in which ports stand on their edges, `sides` in file order, and nothing else is placed."""
    x, y = np.zeros(netlist.num_nodes), np.zeros(netlist.num_nodes)
    placed = np.zeros(netlist.num_nodes, np.bool_)
    for node, (px, py) in zip(netlist.ports.tolist(), port_positions(canvas, sides), strict=True):
        x[node], y[node], placed[node] = px, py, True
    return Problem(netlist, canvas, Placement(x, y, np.zeros(netlist.num_nodes, np.uint8), placed))
