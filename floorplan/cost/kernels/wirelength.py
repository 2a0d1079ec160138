"""Pin positions and half-perimeter wirelength."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["net_hpwl", "terminal_positions", "wirelength_sum"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]


@njit(cache=True)
def terminal_positions(
    term_node: I32,
    term_dx: F64,
    term_dy: F64,
    x: F64,
    y: F64,
    orient: npt.NDArray[np.uint8],
    placed: npt.NDArray[np.bool_],
    matrix: F64,
    tx: F64,
    ty: F64,
) -> None:
    """Write the position of every terminal to tx, ty (T,); NaN where its node is not placed."""
    plain = True
    for i in range(len(placed)):
        if orient[i] != 0 or not placed[i]:
            plain = False
            break
    if plain:
        for t in range(len(term_node)):
            i = term_node[t]
            tx[t] = x[i] + term_dx[t]
            ty[t] = y[i] + term_dy[t]
        return
    for t in range(len(term_node)):
        i = term_node[t]
        if not placed[i]:
            tx[t] = np.nan
            ty[t] = np.nan
            continue
        o = orient[i]
        if o == 0:
            tx[t] = x[i] + term_dx[t]
            ty[t] = y[i] + term_dy[t]
        else:
            tx[t] = x[i] + (matrix[o, 0] * term_dx[t] + matrix[o, 1] * term_dy[t])
            ty[t] = y[i] + (matrix[o, 2] * term_dx[t] + matrix[o, 3] * term_dy[t])


@njit(cache=True, inline="always")
def _hpwl(begin: int, end: int, tx: F64, ty: F64) -> float:
    x0, x1, y0, y1 = np.inf, -np.inf, np.inf, -np.inf
    for t in range(begin, end):
        # A NaN compares false, so an unplaced terminal leaves the box alone.
        if tx[t] < x0:
            x0 = tx[t]
        if tx[t] > x1:
            x1 = tx[t]
        if ty[t] < y0:
            y0 = ty[t]
        if ty[t] > y1:
            y1 = ty[t]
    return (x1 - x0) + (y1 - y0) if x1 >= x0 else 0.0


@njit(cache=True)
def wirelength_sum(net_ptr: I32, net_weight: F64, tx: F64, ty: F64) -> float:
    """Return sum(weight * HPWL) in um."""
    total = 0.0
    for e in range(len(net_weight)):
        total += net_weight[e] * _hpwl(net_ptr[e], net_ptr[e + 1], tx, ty)
    return total


@njit(cache=True)
def net_hpwl(net_ptr: I32, tx: F64, ty: F64, out: F64) -> None:
    """Write the HPWL of every net to out (E,)."""
    for e in range(len(out)):
        out[e] = _hpwl(net_ptr[e], net_ptr[e + 1], tx, ty)
