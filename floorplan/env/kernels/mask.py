"""Where the macro in hand may stand."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["TOLERANCE_UM", "legal_mask"]

F64 = npt.NDArray[np.float64]

TOLERANCE_UM = 5e-7
"""Half the tolerance of check_legality, so that rounding never turns a legal cell into an illegal placement."""


@njit(cache=True, inline="always")
def _forbid(diff: npt.NDArray[np.int32], r0: int, r1: int, c0: int, c1: int) -> None:
    """Mark rows r0..r1 - 1 and columns c0..c1 - 1 as differences."""
    diff[r0, c0] += 1
    diff[r0, c1] -= 1
    diff[r1, c0] -= 1
    diff[r1, c1] += 1


@njit(cache=True)
def legal_mask(
    w: float,
    h: float,
    gw: float,
    gh: float,
    edge: float,
    gap: float,
    macro_w: F64,
    macro_h: F64,
    placed: npt.NDArray[np.bool_],
    cell: npt.NDArray[np.int64],
    obstacle: F64,
    diff: npt.NDArray[np.int32],
    mask: npt.NDArray[np.bool_],
) -> int:
    """Write to mask (R, C) whether a macro of w x h um may stand on each cell's centre; return how many such cells.

    Each macro placed and each obstacle forbids a rectangle of centres; two-dimensional differences add them up.
    """
    rows, columns = mask.shape
    diff[:] = 0
    for j in range(len(macro_w)):
        if not placed[j]:
            continue
        # Both centres lie on the grid: forbidden are those up to nc columns and nr rows away.
        nc = math.ceil(((w + macro_w[j]) / 2 + gap - TOLERANCE_UM) / gw) - 1
        nr = math.ceil(((h + macro_h[j]) / 2 + gap - TOLERANCE_UM) / gh) - 1
        row, column = cell[j] // columns, cell[j] % columns
        _forbid(
            diff, max(row - nr, 0), min(row + nr, rows - 1) + 1, max(column - nc, 0), min(column + nc, columns - 1) + 1
        )
    for i in range(len(obstacle)):
        # Forbidden centres lie strictly between lo and hi.
        apart = obstacle[i, 4] - TOLERANCE_UM
        lo_x, hi_x = obstacle[i, 0] - w / 2 - apart, obstacle[i, 2] + w / 2 + apart
        lo_y, hi_y = obstacle[i, 1] - h / 2 - apart, obstacle[i, 3] + h / 2 + apart
        c0, c1 = max(math.floor(lo_x / gw - 0.5) + 1, 0), min(math.ceil(hi_x / gw - 0.5), columns)
        r0, r1 = max(math.floor(lo_y / gh - 0.5) + 1, 0), min(math.ceil(hi_y / gh - 0.5), rows)
        if c0 < c1 and r0 < r1:
            _forbid(diff, r0, r1, c0, c1)
    # Centres that keep the macro on the canvas, by the same arithmetic in both directions.
    least_x, most_x = edge + w / 2 - TOLERANCE_UM, columns * gw - edge - w / 2 + TOLERANCE_UM
    least_y, most_y = edge + h / 2 - TOLERANCE_UM, rows * gh - edge - h / 2 + TOLERANCE_UM
    count = 0
    for r in range(rows):
        y = (r + 0.5) * gh
        inside = least_y <= y <= most_y
        run = 0
        for c in range(columns):
            run += diff[r, c]
            x = (c + 0.5) * gw
            legal = inside and run == 0 and least_x <= x <= most_x
            mask[r, c] = legal
            count += legal
        # What is forbidden in this row stays so in the next, until it is taken back there.
        for c in range(columns + 1):
            diff[r + 1, c] += diff[r, c]
    return count
