"""Random draws that give the same numbers on every machine and with every numpy release."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import TypeVar

import numpy as np

__all__ = ["Draws", "power_law"]

T = TypeVar("T")


class Draws:
    """A stream of draws from PCG64.

    numpy promises that the raw stream of a bit generator never changes, but not what `Generator` makes of it; so the
    few distributions needed are made here.
    """

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(seed)

    def unit(self) -> float:
        """Return a number in [0, 1) with 53 random bits."""
        return float(int(self._bits.random_raw()) >> 11) * 2.0**-53

    def between(self, low: float, high: float) -> float:
        """Return a number in [low, high)."""
        return low + (high - low) * self.unit()

    def below(self, n: int) -> int:
        """Return an integer in 0..n-1, biased by less than n / 2**53."""
        return int(self.unit() * n)

    def choice(self, items: Sequence[T]) -> T:
        """Return one of `items`, each as likely."""
        return items[self.below(len(items))]

    def sample(self, items: Sequence[T], k: int) -> list[T]:
        """Return up to `k` different entries of `items`, in the order drawn."""
        pool = list(items)
        out: list[T] = []
        while pool and len(out) < k:
            out.append(pool.pop(self.below(len(pool))))
        return out

    def ranked(self, cumulative: Sequence[float]) -> int:
        """Return 1 + the index at which a draw falls in `cumulative` shares (rising to 1)."""
        return 1 + min(bisect_right(cumulative, self.unit()), len(cumulative) - 1)


def power_law(exponent: float, largest: int) -> list[float]:
    """Return the cumulative shares of 1..largest, where k is drawn in proportion to k**-exponent."""
    mass = [k**-exponent for k in range(1, largest + 1)]
    total = sum(mass)
    return [m / total for m in accumulate(mass)]
