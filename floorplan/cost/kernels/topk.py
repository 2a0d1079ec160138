"""Sums of the largest values of a list, without sorting it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["top_sum", "top_sum_near"]

SAME = 1e-13
"""Values this close count as equal: rounding of sums that were updated in another order."""

FAR = 1e300


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


# Reassociation lets the sums run in vector registers; values are finite, so no other liberty changes a result. Counts
# of booleans and a maximum are what the compiler turns into vector code; a conditional sum is ten times slower.
@njit(cache=True, fastmath={"reassoc", "nnan", "ninf", "nsz"})
def _split(values: npt.NDArray[np.float64], n: int, t: float) -> tuple[int, int, float]:
    """Return how many of values[:n] lie above t, how many at t or above it, and their summed excess over t."""
    above, below, excess = 0, 0, 0.0
    high, low = t + SAME, t - SAME
    for i in range(n):
        v = values[i]
        above += v > high
        below += v < low
        excess += max(v - t, 0.0)
    return above, n - below, excess


@njit(cache=True)
def top_sum_near(values: npt.NDArray[np.float64], n: int, k: int, t: float, gap: float) -> tuple[float, float, float]:
    """Return the sum of the k largest of values[:n], the threshold t reached, and the spacing of values around it.

    The sum is k t + sum of max(v - t, 0) for every t between the k-th and the next largest value. From a t near that
    it takes a few vector passes: steps of the spacing `gap` a rank, then bisection. Values are left in place.
    """
    low, high = -FAR, FAR
    above, reached, excess = _split(values, n, t)
    for step in range(400):
        if above <= k <= reached:
            break
        before, count = t, above if above > k else reached
        if above > k:
            low = t
        else:
            high = t
        if step == 8:
            # After the ends took t, which may lie far outside.
            low, high = max(low, values[:n].min() - 1.0), min(high, values[:n].max() + 1.0)
        # A step that rounding swallows would look like one past an end that is not known yet.
        gap = max(gap, 4 * SAME * max(1.0, abs(t)))
        if low > -FAR and high < FAR and (step & 1 or high - low < 8 * SAME):
            t = 0.5 * (low + high)
        else:
            t += (count - k) * gap
            if not low < t < high:
                t = 0.5 * (low + high)
        above, reached, excess = _split(values, n, t)
        moved = abs((above if above > k else reached) - count)
        if low == -FAR or high == FAR:
            gap = 2 * gap if moved < 1 else abs(t - before) / moved
        elif moved > 0:
            gap = max(abs(t - before) / moved, 4 * SAME)
    return k * t + excess, t, gap
