"""A Cholesky factor and solutions by it, to the same bits on any machine, alone and in any batch.

A BLAS rounds differently with the number of its threads and of right-hand sides, and from processor to processor; the
greedy stages that follow would blow that up into different placements.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["factorize", "solve_range"]

F64 = npt.NDArray[np.float64]

_BLOCK = 4
"""Unknowns that are struck out together, so that a row is passed over a quarter as often."""

_LINES = 8
"""The same while factorising."""

_PANEL = 64
_STRIP = 256
"""Rows and columns of the part of the matrix that stays in the second-level cache."""

_TOGETHER = 8
"""Rows that share one pass over the factor: their results stay in the second-level cache."""


@njit(cache=True, nogil=True)
def factorize(matrix: F64) -> bool:
    """Overwrite a symmetric positive definite matrix (S, S) by its factor; False if it is not positive definite.

    The factor stands below the diagonal, its transpose above, one over its diagonal on it, so that both passes of a
    solution run along rows.
    """
    n = len(matrix)
    for begin in range(0, n, _PANEL):
        end = min(begin + _PANEL, n)
        for p in range(begin, end):
            line = matrix[p]
            if not line[p] > 0.0:
                return False
            line[p] = 1.0 / np.sqrt(line[p])
            for i in range(p + 1, n):
                line[i] *= line[p]
            # The rows of the panel are brought up to date eight at a time, as all others are below.
            last = min(p - p % _LINES + _LINES, end)
            for q in range(p + 1, last):
                row = matrix[q]
                k = line[q]
                for i in range(q, n):
                    row[i] -= k * line[i]
            if p + 1 == last and last < end:
                for q in range(last, end):
                    _subtract_lines(matrix[q], matrix, last - _LINES, q, q, n)
        for left in range(end, n, _STRIP):
            right = min(left + _STRIP, n)
            for r in range(end, right):
                for p in range(begin, end, _LINES):
                    _subtract_lines(matrix[r], matrix, p, r, max(r, left), right)
    for i in range(n):
        for j in range(i):
            matrix[i, j] = matrix[j, i]
    return True


@njit(cache=True, nogil=True, inline="always")
def _subtract_lines(row: F64, matrix: F64, p: int, r: int, first: int, last: int) -> None:
    """Take what the eight rows from p on contribute from columns first..last - 1 of row r."""
    a0, a1, a2, a3 = matrix[p], matrix[p + 1], matrix[p + 2], matrix[p + 3]
    a4, a5, a6, a7 = matrix[p + 4], matrix[p + 5], matrix[p + 6], matrix[p + 7]
    k0, k1, k2, k3 = a0[r], a1[r], a2[r], a3[r]
    k4, k5, k6, k7 = a4[r], a5[r], a6[r], a7[r]
    for i in range(first, last):
        row[i] -= (k0 * a0[i] + k1 * a1[i] + k2 * a2[i] + k3 * a3[i]) + (
            k4 * a4[i] + k5 * a5[i] + k6 * a6[i] + k7 * a7[i]
        )


@njit(cache=True, nogil=True)
def solve_range(factor: F64, right: F64, out: F64, first: int, last: int) -> None:
    """Write the solutions of rows first..last - 1 of right (B, S) to out (B, S).

    Args:
        factor: (S, S) as `factorize` leaves it.
        right: (B, S).
        out: (B, S).
        first: row.
        last: row.
    """
    n = len(factor)
    whole = n - n % _BLOCK
    for begin in range(first, last, _TOGETHER):
        end = min(begin + _TOGETHER, last)
        for b in range(begin, end):
            out[b] = right[b]
        for j in range(0, whole, _BLOCK):
            for b in range(begin, end):
                row = out[b]
                for p in range(j, j + _BLOCK):
                    row[p] *= factor[p, p]
                    for q in range(p + 1, j + _BLOCK):
                        row[q] -= row[p] * factor[p, q]
                _subtract(row, factor, j, j + _BLOCK, n)
        for b in range(begin, end):
            row = out[b]
            for p in range(whole, n):
                row[p] *= factor[p, p]
                for q in range(p + 1, n):
                    row[q] -= row[p] * factor[p, q]
            for p in range(n - 1, whole - 1, -1):
                row[p] *= factor[p, p]
                for q in range(p):
                    row[q] -= row[p] * factor[p, q]
        for j in range(whole - _BLOCK, -1, -_BLOCK):
            for b in range(begin, end):
                row = out[b]
                for p in range(j + _BLOCK - 1, j - 1, -1):
                    row[p] *= factor[p, p]
                    for q in range(j, p):
                        row[q] -= row[p] * factor[p, q]
                _subtract(row, factor, j, 0, j)


@njit(cache=True, nogil=True, inline="always")
def _subtract(row: F64, factor: F64, j: int, first: int, last: int) -> None:
    """Take what the four unknowns from j on contribute from the others first..last - 1."""
    k0, k1, k2, k3 = row[j], row[j + 1], row[j + 2], row[j + 3]
    line0, line1, line2, line3 = factor[j], factor[j + 1], factor[j + 2], factor[j + 3]
    for i in range(first, last):
        row[i] -= k0 * line0[i] + k1 * line1[i] + k2 * line2[i] + k3 * line3[i]
