"""Amounts on rectangles, spread over the cells of a grid."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["spread"]

F64 = npt.NDArray[np.float64]


@njit(cache=True)
def _clipped(low: float, high: float, extent: float, cell: float) -> tuple[float, float]:
    """Return the part inside 0..extent, at least a thousandth of a cell wide."""
    thin = 1e-3 * cell
    a = min(max(low, 0.0), extent - thin)
    return a, min(max(high, a + thin), extent)


@njit(cache=True)
def spread(x0: F64, x1: F64, y0: F64, y1: F64, amount: F64, width: float, height: float, out: F64) -> None:
    """Add amounts (K,), each even over its rectangle, to out (rows, columns) of a canvas width x height."""
    rows, columns = out.shape
    cw, ch = width / columns, height / rows
    for k in range(len(amount)):
        if amount[k] == 0.0:
            continue
        a, b = _clipped(x0[k], x1[k], width, cw)
        c, d = _clipped(y0[k], y1[k], height, ch)
        density = amount[k] / ((b - a) * (d - c))
        first, last = min(int(a / cw), columns - 1), min(int(b / cw), columns - 1)
        for r in range(min(int(c / ch), rows - 1), min(int(d / ch), rows - 1) + 1):
            tall = max(0.0, min(d, (r + 1) * ch) - max(c, r * ch))
            for q in range(first, last + 1):
                out[r, q] += density * tall * max(0.0, min(b, (q + 1) * cw) - max(a, q * cw))
