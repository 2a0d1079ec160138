"""A sparse Cholesky factor L D L' and solutions by it, to the same bits on any machine, alone and in any batch.

A BLAS rounds differently with the number of its threads and of right-hand sides, and from processor to processor; the
greedy stages that follow would blow that up into different placements. The method is the up-looking one (Davis, "Direct
Methods for Sparse Linear Systems", 2006, chapter 4): row k of L is a sparse triangular solution with the rows above it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["TOGETHER", "count_columns", "factorize", "solve"]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]

TOGETHER = 8
"""Right-hand sides that share one pass over the factor, as lanes of vector registers."""

_LEAST = 1e-13
"""Of a diagonal entry: a spring system whose weak springs drown in the rounding of strong ones still has a solution."""


@njit(cache=True, nogil=True)
def count_columns(ptr: I32, index: I32, parent: I64) -> I64:
    """Return the offsets (S + 1,) of the columns of L, and write the elimination tree to parent (S,).

    Args:
        ptr: (S + 1,) of a symmetric matrix, by columns.
        index: rows; those below the diagonal are not looked at.
        parent: written; -1 at roots.
    """
    n = len(parent)
    count = np.zeros(n + 1, np.int64)
    seen = np.empty(n, np.int64)
    for k in range(n):
        parent[k] = -1
        seen[k] = k
        for p in range(ptr[k], ptr[k + 1]):
            i = np.int64(index[p])
            if i >= k:
                continue
            while seen[i] != k:
                if parent[i] == -1:
                    parent[i] = k
                count[i + 1] += 1
                seen[i] = k
                i = parent[i]
    return np.cumsum(count)


@njit(cache=True, nogil=True)
def factorize(ptr: I32, index: I32, value: F64, parent: I64, begin: I64, rows: I32, lower: F64, inverse: F64) -> None:
    """Write L and one over D of a positive definite symmetric matrix; what rounding makes negative is taken for small.

    Args:
        ptr: (S + 1,) as for `count_columns`.
        index: likewise.
        value: likewise.
        parent: (S,) of `count_columns`.
        begin: (S + 1,) of `count_columns`.
        rows: (begin[-1],) written: rows of the entries of L below the diagonal, which is 1, by columns.
        lower: likewise the entries.
        inverse: (S,) written.
    """
    n = len(parent)
    end = begin[:-1].copy()
    tail = begin[:-1].copy()  # the last entries of a column whose rows follow one another need no list of rows
    seen = np.empty(n, np.int64)
    path = np.empty(n, np.int64)
    stack = np.empty(n, np.int64)
    y = np.zeros(n)
    for k in range(n):
        seen[k] = k
        top = n
        pivot = diagonal = 0.0
        for p in range(ptr[k], ptr[k + 1]):
            i = np.int64(index[p])
            if i > k:
                continue
            if i == k:
                pivot = diagonal = value[p]
                continue
            y[i] += value[p]
            length = 0
            while seen[i] != k:
                path[length] = i
                length += 1
                seen[i] = k
                i = parent[i]
            while length > 0:
                top -= 1
                length -= 1
                stack[top] = path[length]
        for t in range(top, n):
            i = stack[t]
            k_i = y[i]
            y[i] = 0.0
            for p in range(begin[i], tail[i]):
                y[rows[p]] -= lower[p] * k_i
            last = end[i]
            if last > tail[i]:
                first = rows[tail[i]]
                there = y[first : first + last - tail[i]]
                here = lower[tail[i] : last]
                for q in range(len(here)):
                    there[q] -= here[q] * k_i
                if rows[last - 1] != k - 1:
                    tail[i] = last
            scaled = k_i * inverse[i]
            pivot -= scaled * k_i
            rows[last] = k
            lower[last] = scaled
            end[i] = last + 1
        inverse[k] = 1.0 / max(pivot, _LEAST * diagonal)


@njit(cache=True, nogil=True)
def solve(begin: I64, rows: I32, lower: F64, inverse: F64, x: F64) -> None:
    """Overwrite x (S, TOGETHER), a right-hand side in each column, by the solutions."""
    n = len(inverse)
    for j in range(n):
        here = x[j]
        for p in range(begin[j], begin[j + 1]):
            k = lower[p]
            there = x[rows[p]]
            for b in range(TOGETHER):
                there[b] -= k * here[b]
    for j in range(n - 1, -1, -1):
        here = x[j]
        for b in range(TOGETHER):
            here[b] *= inverse[j]
        for p in range(begin[j], begin[j + 1]):
            k = lower[p]
            there = x[rows[p]]
            for b in range(TOGETHER):
                here[b] -= k * there[b]
