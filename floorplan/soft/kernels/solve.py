"""Products with a symmetric inverse whose result for a row does not depend on the rows beside it.

A matrix product of a BLAS rounds differently with the number of rows; here a placement gets the same bits alone and in
any batch, which the greedy stages after it would otherwise blow up into different placements.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit, prange

__all__ = ["apply_batch", "apply_each"]

F64 = npt.NDArray[np.float64]

_TOGETHER = 8
"""Rows that share one pass over the inverse: their results stay in the second-level cache."""


@njit(cache=True)
def _apply(inverse: F64, right: F64, begin: int, end: int, out: F64) -> None:
    n = len(inverse)
    for b in range(begin, end):
        out[b] = 0.0
    for j in range(n):
        line = inverse[j]
        for b in range(begin, end):
            k = right[b, j]
            row = out[b]
            for i in range(n):
                row[i] += k * line[i]


@njit(cache=True)
def apply_each(inverse: F64, right: F64, out: F64) -> None:
    """Write right (B, S) times the symmetric inverse (S, S) to out (B, S)."""
    for begin in range(0, len(right), _TOGETHER):
        _apply(inverse, right, begin, min(begin + _TOGETHER, len(right)), out)


@njit(cache=True, parallel=True)
def apply_batch(inverse: F64, right: F64, out: F64) -> None:
    """Do what apply_each does on all cores."""
    n = (len(right) + _TOGETHER - 1) // _TOGETHER
    for k in prange(n):
        _apply(inverse, right, k * _TOGETHER, min((k + 1) * _TOGETHER, len(right)), out)
