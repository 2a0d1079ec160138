"""The canvas of a floorplanning circuit: the outline that its file has in mind, or a square with some white space."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from floorplan.errors import ProblemError
from floorplan.netlist import Canvas, Netlist, NodeKind, Placement, Problem

__all__ = ["WHITE_SPACE", "blocks_canvas", "blocks_problem", "check_white_space"]

WHITE_SPACE = 0.15
"""Canvas area above that of the blocks, as a share of theirs: what the suites' own outlines leave."""

_ANY_ORIENT = 0xFF  # blocks of these suites may be turned by 90 degrees, too
_CELLS_A_BLOCK = 4  # a side, were the blocks to stand in a square


def check_white_space(white_space: float | None) -> None:
    """Refuse a share that is negative or not finite."""
    if white_space is not None and not (math.isfinite(white_space) and white_space >= 0):
        raise ProblemError(f"white_space must be >= 0, got {white_space}")


def blocks_canvas(
    netlist: Netlist, outline_um: tuple[float, float], white_space: float | None
) -> tuple[Canvas, float, float]:
    """Return the canvas, and by how much x and y of the ports on the outline are to be stretched to lie on it.

    It is the outline, unless that has less area than the blocks or `white_space` is given: then it is a square of the
    blocks' area times (1 + white space). The grid has 4 cells a side for each block, were they to stand in a square,
    but 10 to 128; the tracks are those of `Canvas.default_for`.
    """
    usual = Canvas.default_for(netlist)
    area_um2 = float((netlist.node_w_um * netlist.node_h_um).sum())
    w, h = outline_um
    if white_space is not None or not w * h >= area_um2:
        w = h = math.sqrt(area_um2 * (1 + (WHITE_SPACE if white_space is None else white_space)))
    cells = min(max(math.ceil(_CELLS_A_BLOCK * math.sqrt(len(netlist.hard))), 10), 128)
    canvas = replace(usual, width_um=w, height_um=h, columns=cells, rows=cells)
    return canvas, w / outline_um[0] if outline_um[0] else 1.0, h / outline_um[1] if outline_um[1] else 1.0


def blocks_problem(netlist: Netlist, canvas: Canvas, placement: Placement) -> Problem:
    """Return the problem in which hard macros may also be turned by 90 degrees."""
    orient = np.where(netlist.node_kind == NodeKind.HARD, _ANY_ORIENT, 0x0F).astype(np.uint8)
    return Problem(netlist, canvas, placement, allowed_orient=orient)
