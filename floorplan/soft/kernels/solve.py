"""Products with a symmetric inverse whose result for a row does not depend on the rows beside it.

A matrix product of a BLAS rounds differently with the number of rows; here a placement gets the same bits alone and in
any batch, which the greedy stages after it would otherwise blow up into different placements.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["apply_range"]

F64 = npt.NDArray[np.float64]

_TOGETHER = 8
"""Rows that share one pass over the inverse: their results stay in the second-level cache."""


@njit(cache=True, nogil=True)
def apply_range(inverse: F64, right: F64, out: F64, first: int, last: int) -> None:
    """Write rows first..last - 1 of right (B, S) times the symmetric inverse (S, S) to out (B, S)."""
    n = len(inverse)
    for begin in range(first, last, _TOGETHER):
        end = min(begin + _TOGETHER, last)
        for b in range(begin, end):
            out[b] = 0.0
        for j in range(n):
            line = inverse[j]
            for b in range(begin, end):
                k = right[b, j]
                row = out[b]
                for i in range(n):
                    row[i] += k * line[i]
