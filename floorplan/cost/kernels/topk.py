"""Mean of the largest values of a list, without sorting it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["top_sum"]


@njit(cache=True)
def top_sum(values: npt.NDArray[np.float64], n: int, k: int) -> float:
    """Return the sum of the k largest of values[:n], reordering them (quickselect, Hoare partition)."""
    lo, hi = 0, n - 1
    while lo < hi:
        a, b, c = values[lo], values[(lo + hi) >> 1], values[hi]
        pivot = max(min(a, b), min(max(a, b), c))
        i, j = lo, hi
        while i <= j:
            while values[i] > pivot:
                i += 1
            while values[j] < pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if k - 1 <= j:
            hi = j
        elif k - 1 >= i:
            lo = i
        else:
            break
    total = 0.0
    for i in range(k):
        total += values[i]
    return total
