"""Random numbers whose whole state is one array element, so that a search resumes exactly (SplitMix64)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["below", "uniform"]

U64 = npt.NDArray[np.uint64]

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_A = np.uint64(0xBF58476D1CE4E5B9)
_MIX_B = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)


@njit(cache=True)
def uniform(seed: U64) -> float:
    """Return a number in (0, 1) and advance seed (1,)."""
    seed[0] += _STEP
    z = seed[0]
    z = (z ^ (z >> _S30)) * _MIX_A
    z = (z ^ (z >> _S27)) * _MIX_B
    z = z ^ (z >> _S31)
    # Half a step off both ends: a logarithm is taken of it.
    return (np.float64(z >> _S11) + 0.5) * (1.0 / 9007199254740992.0)


@njit(cache=True)
def below(seed: U64, n: int) -> int:
    """Return a whole number in 0..n - 1, each as likely."""
    return int(uniform(seed) * n)
