"""Solutions of a factorised spring system some of whose last unknowns are held where they stand.

With the system ordered so that those which may be held come last, the factor of all before them serves whoever is held;
what is left is a small dense system, the Schur complement, of those that are not.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["complement", "solve_held"]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]

_LEAST = 1e-13
"""Of a diagonal entry, as in `floorplan.soft.kernels.solve`."""


@njit(cache=True, nogil=True)
def complement(begin: I64, rows: I32, lower: F64, inverse: F64, first: int) -> F64:
    """Return the Schur complement (S - first, S - first) of the unknowns from `first` on: L D L' of that part alone."""
    n = len(inverse)
    out = np.zeros((n - first, n - first))
    for j in range(first, n):
        d = 1.0 / inverse[j]
        out[j - first, j - first] += d
        for p in range(begin[j], begin[j + 1]):
            a, k = rows[p] - first, lower[p] * d
            out[a, j - first] += k
            out[j - first, a] += k
            for q in range(begin[j], begin[j + 1]):
                out[a, rows[q] - first] += k * lower[q]
    return out


@njit(cache=True, nogil=True)
def solve_held(
    begin: I64,
    rows: I32,
    lower: F64,
    inverse: F64,
    schur: F64,
    held: npt.NDArray[np.bool_],
    x: F64,
) -> None:
    """Overwrite x (S, 2), two right-hand sides, by the solutions.

    Args:
        begin: (S + 1,) offsets of the columns of L, as of `factorize`.
        rows: rows of its entries.
        lower: its entries.
        inverse: (S,) one over D.
        schur: (H, H) of `complement`.
        held: (H,) which of the last H unknowns are held; x has where they stand, not their right-hand sides.
        x: as said.
    """
    n, h = len(inverse), len(held)
    first = n - h
    at = x[first:].copy()
    for i in range(h):
        if held[i]:
            x[first + i] = 0.0
    for j in range(first):
        u, v = x[j, 0], x[j, 1]
        for p in range(begin[j], begin[j + 1]):
            x[rows[p], 0] -= lower[p] * u
            x[rows[p], 1] -= lower[p] * v
    free = np.flatnonzero(~held)
    m = len(free)
    dense = np.empty((m, m))
    right = np.empty((m, 2))
    for a in range(m):
        i = free[a]
        right[a] = x[first + i]
        for j in range(h):
            if held[j]:
                right[a, 0] -= schur[i, j] * at[j, 0]
                right[a, 1] -= schur[i, j] * at[j, 1]
        for b in range(m):
            dense[a, b] = schur[i, free[b]]
    _solve_dense(dense, right)
    for a in range(m):
        x[first + free[a]] = right[a]
    for i in range(h):
        if held[i]:
            x[first + i] = at[i]
    for j in range(first - 1, -1, -1):
        u, v = x[j, 0] * inverse[j], x[j, 1] * inverse[j]
        for p in range(begin[j], begin[j + 1]):
            u -= lower[p] * x[rows[p], 0]
            v -= lower[p] * x[rows[p], 1]
        x[j, 0], x[j, 1] = u, v


@njit(cache=True, nogil=True)
def _solve_dense(a: F64, x: F64) -> None:
    """Overwrite x (M, 2) by the solutions of a positive definite symmetric a (M, M), which is overwritten too."""
    m = len(a)
    for j in range(m):
        least = _LEAST * a[j, j]
        for k in range(j):
            a[j, j] -= a[j, k] * a[j, k] * a[k, k]
        a[j, j] = max(a[j, j], least)
        for i in range(j + 1, m):
            total = a[i, j]
            for k in range(j):
                total -= a[i, k] * a[j, k] * a[k, k]
            a[i, j] = total / a[j, j]
    for j in range(m):
        for k in range(j):
            x[j, 0] -= a[j, k] * x[k, 0]
            x[j, 1] -= a[j, k] * x[k, 1]
    for j in range(m - 1, -1, -1):
        x[j, 0] /= a[j, j]
        x[j, 1] /= a[j, j]
        for k in range(j + 1, m):
            x[j, 0] -= a[k, j] * x[k, 0]
            x[j, 1] -= a[k, j] * x[k, 1]
