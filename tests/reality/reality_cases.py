"""Small problems for the reality checks, positions given by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from floorplan.netlist import Canvas, NetlistBuilder, Placement, Problem

CANVAS = Canvas(100.0, 100.0, 10, 10, 10.0, 20.0, 5.0, 8.0)
"""Cells of 10 x 10 um; 100 horizontal and 200 vertical tracks a cell."""


def rectangles(
    hard: Sequence[tuple[float, float, float, float]],
    soft: Sequence[tuple[float, float, float, float]] = (),
    pins: Sequence[tuple[int, float, float]] = (),
    orient: Sequence[int] | None = None,
    canvas: Canvas = CANVAS,
) -> Problem:
    """Return a problem of macros m0, m1, ... and Grp_0, ... given as x0, y0, x1, y1, and pins (macro, dx, dy).

    One net joins the two ports p and q in the canvas's lower corners. Sizes are those in orientation N, so that
    `orient` is for macros that are square or keep width and height.
    """
    b = NetlistBuilder("rectangles")
    b.add_port("p")
    b.add_port("q")
    shapes = [*hard, *soft]
    for k, (x0, y0, x1, y1) in enumerate(shapes):
        is_soft = k >= len(hard)
        b.add_macro(f"Grp_{k - len(hard)}" if is_soft else f"m{k}", x1 - x0, y1 - y0, soft=is_soft)
    for k, (macro, dx, dy) in enumerate(pins):
        b.add_pin(f"m{macro}/{k}", f"m{macro}", dx, dy)
    b.add_net("p", ["q"])
    x = [0.0, canvas.width_um, *((s[0] + s[2]) / 2 for s in shapes)]
    y = [0.0, 0.0, *((s[1] + s[3]) / 2 for s in shapes)]
    turned = np.zeros(len(x), np.uint8)
    if orient is not None:
        turned[2 : 2 + len(hard)] = orient
    return Problem(b.build(), canvas, Placement(x, y, turned, np.ones(len(x), bool)))
