"""Demand of runs between points, and its gradient."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["runs_backward", "runs_forward"]

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def runs_forward(at: I64, a: I64, b: I64, demand: F32, beyond: F32, out: F32) -> None:
    """Add demand * |beyond[a] - beyond[b]| of each run to row `at` of out.

    Args:
        at: (S,) rows of out.
        a: (S,) points at one end of each run.
        b: (S,) points at the other.
        demand: (S,) tracks.
        beyond: (P, L) how far (0 to 1) each point lies beyond each grid line.
        out: (P, L).
    """
    lines = beyond.shape[1]
    for s in range(len(at)):
        k, i, j, q = at[s], a[s], b[s], demand[s]
        for c in range(lines):
            out[k, c] += q * abs(beyond[i, c] - beyond[j, c])


@njit(cache=True)  # type: ignore[untyped-decorator]  # numba ships no types
def runs_backward(at: I64, a: I64, b: I64, demand: F32, beyond: F32, grad: F32, out: F32) -> None:
    """Add the gradient of `runs_forward` in `beyond` to out (P, L), that in its result being grad (P, L)."""
    lines = beyond.shape[1]
    for s in range(len(at)):
        k, i, j, q = at[s], a[s], b[s], demand[s]
        for c in range(lines):
            d = beyond[i, c] - beyond[j, c]
            g = q * grad[k, c] * ((d > 0) - (d < 0))
            out[i, c] += g
            out[j, c] -= g
