"""Ports of a design whose files give them no position."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["spread_on_edges"]

F64 = npt.NDArray[np.float64]


def spread_on_edges(count: int, width_um: float, height_um: float) -> tuple[F64, F64]:
    """Return x and y, each (count,), of points evenly along a canvas's edges in order.

    They run counter-clockwise from the lower left corner (bottom, right, top, left), each in the middle of its share
    of the perimeter, so no point stands on a corner unless the share's middle does.
    """
    way = (np.arange(count) + 0.5) / max(count, 1) * 2 * (width_um + height_um)
    x = np.interp(way, np.cumsum([0, width_um, height_um, width_um, height_um]), [0, width_um, width_um, 0, 0])
    y = np.interp(way, np.cumsum([0, width_um, height_um, width_um, height_um]), [0, 0, height_um, height_um, 0])
    return x, y
