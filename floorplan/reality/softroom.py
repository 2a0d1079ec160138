"""Room for soft macros: the proxy lets them lie on hard macros and on each other, silicon does not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from floorplan.netlist import Canvas, Netlist, Placement
from floorplan.reality.outlines import F64, Outlines, outlines

__all__ = ["SoftReport", "check_soft_room"]


@dataclass(frozen=True)
class SoftReport:
    """Where soft area has no room; shares of the area of all soft macros.

    The clustered netlists in circulation make soft macros twice as large as their cells, so a few per cent without
    room can still be placed; what lies on hard macros cannot stay there.

    Attributes:
        area_um2: area of all soft macros.
        on_hard_share: on top of hard macros.
        outside_share: outside the canvas.
        overfull_share: in grid cells that macros cover more than once (density above 1).
        no_room_share: what is too much in those cells once the hard macros have taken theirs.
    """

    area_um2: float
    on_hard_share: float
    outside_share: float
    overfull_share: float
    no_room_share: float


def check_soft_room(netlist: Netlist, canvas: Canvas, placement: Placement, hard: Outlines) -> SoftReport:
    """Measure the soft area that lies where it cannot stay, as drawn (not made square).

    On illegal placements, area on two overlapping hard macros counts twice, up to a soft macro's own area.
    """
    soft = outlines(netlist, placement, netlist.soft)
    area = (soft.x1 - soft.x0) * (soft.y1 - soft.y0)
    total = float(area.sum())
    if total <= 0:
        return SoftReport(0.0, 0.0, 0.0, 0.0, 0.0)
    on_hard = np.zeros(len(area))
    for k in range(len(hard.node)):
        w = np.minimum(soft.x1, hard.x1[k]) - np.maximum(soft.x0, hard.x0[k])
        h = np.minimum(soft.y1, hard.y1[k]) - np.maximum(soft.y0, hard.y0[k])
        on_hard += np.maximum(w, 0.0) * np.maximum(h, 0.0)
    soft_map, hard_map = _area_map(canvas, soft), _area_map(canvas, hard)
    cell = canvas.cell_w_um * canvas.cell_h_um
    overfull = soft_map + hard_map > cell * (1 + 1e-9)
    room = np.maximum(cell - hard_map, 0.0)
    return SoftReport(
        area_um2=total,
        on_hard_share=float(np.minimum(on_hard, area).sum()) / total,
        outside_share=max(1.0 - float(soft_map.sum()) / total, 0.0),
        overfull_share=float(soft_map[overfull].sum()) / total,
        no_room_share=float(np.maximum(soft_map - room, 0.0)[overfull].sum()) / total,
    )


def _area_map(canvas: Canvas, shapes: Outlines) -> F64:
    """Return the area of the rectangles in each grid cell, (R, C)."""
    x = np.linspace(0.0, canvas.width_um, canvas.columns + 1)
    y = np.linspace(0.0, canvas.height_um, canvas.rows + 1)
    in_x = np.minimum(shapes.x1[:, None], x[1:]) - np.maximum(shapes.x0[:, None], x[:-1])
    in_y = np.minimum(shapes.y1[:, None], y[1:]) - np.maximum(shapes.y0[:, None], y[:-1])
    area: F64 = np.maximum(in_y, 0.0).T @ np.maximum(in_x, 0.0)
    return area
