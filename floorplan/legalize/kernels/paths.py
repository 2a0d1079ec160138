"""Longest paths through a constraint graph."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["mark_implied", "push_right"]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]


@njit(cache=True)
def push_right(order: I64, before: Bool, separation: F64, at: F64, pusher: I64) -> None:
    """Raise at (M,) until at[j] >= at[i] + separation[i, j] wherever before[i, j]; least such positions.

    `order` (M,) lists every i before each j that it precedes; pusher[j] becomes the i that j touches, or -1 where j
    stands where it stood.
    """
    m = len(order)
    for b in range(m):
        j = order[b]
        pusher[j] = -1
        for a in range(b):
            i = order[a]
            if before[i, j] and at[i] + separation[i, j] > at[j]:
                at[j] = at[i] + separation[i, j]
                pusher[j] = i


@njit(cache=True)
def mark_implied(first: Bool, n: int, implied: Bool) -> None:
    """Set implied[i, j], all (M, M) and False before, where some k < n lies between: first[i, k] and first[k, j]."""
    m = len(first)
    for i in range(m):
        for k in range(n):
            if first[i, k]:
                for j in range(m):
                    implied[i, j] |= first[k, j]
