"""Turning state into observation."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from floorplan.env.schema import CLIP

__all__ = ["standardise", "write_scalars", "write_state_maps"]

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
BOOL = npt.NDArray[np.bool_]


@njit(cache=True)
def standardise(value: F64, mask: BOOL, count: int, everywhere: bool, out: F32) -> float:
    """Write (value - mean) / std over the legal cells, clipped, to out (R, C); return the std, 0 without a cell.

    Other cells get 0, or with `everywhere` their own value on the same scale.
    """
    rows, columns = value.shape
    if count == 0:
        out[:] = 0.0
        return 0.0
    mean = 0.0
    for r in range(rows):
        for c in range(columns):
            if mask[r, c]:
                mean += value[r, c]
    mean /= count
    square = 0.0
    for r in range(rows):
        for c in range(columns):
            if mask[r, c]:
                square += (value[r, c] - mean) * (value[r, c] - mean)
    std = math.sqrt(square / count)
    # All cells alike up to rounding: the map says nothing.
    if std <= 1e-12 * abs(mean):
        out[:] = 0.0
        return 0.0
    scale = 1.0 / std
    for r in range(rows):
        for c in range(columns):
            z = min(max((value[r, c] - mean) * scale, -CLIP), CLIP)
            out[r, c] = z if everywhere or mask[r, c] else 0.0
    return std


@njit(cache=True)
def write_state_maps(mask: BOOL, density: F64, h: F64, v: F64, hard: F64, edge_x: F32, edge_y: F32, maps: F32) -> None:
    """Write the maps (K, R, C) that show the state itself: channels 0, 2 to 5, 10 and 11."""
    rows, columns = mask.shape
    for r in range(rows):
        for c in range(columns):
            maps[0, r, c] = mask[r, c]
            maps[2, r, c] = density[r, c]
            # Demand taken back in floating point may leave -1e-17.
            maps[3, r, c] = max(h[r, c], 0.0)
            maps[4, r, c] = max(v[r, c], 0.0)
            maps[5, r, c] = hard[r, c]
            maps[10, r, c] = edge_x[c]
            maps[11, r, c] = edge_y[r]


@njit(cache=True)
def write_scalars(
    step: int,
    macros: int,
    legal: int,
    rows: int,
    columns: int,
    gw: float,
    gh: float,
    w: float,
    h: float,
    area_left: float,
    area_hard: float,
    weight: float,
    mean_weight: float,
    wl_std: float,
    cost_std: float,
    cost: F64,
    out: F32,
) -> None:
    """Write `scalars` (S,) in the order of `floorplan.env.schema.SCALAR_TABLE`."""
    width, height = columns * gw, rows * gh
    free = width * height - area_hard
    out[0] = step / macros
    out[1] = legal / (rows * columns)
    # A canvas that fixed macros cover whole has no free area: 1, "full", stands for infinity.
    out[2] = max(area_left, 0.0) / free if free > 1e-9 * width * height else 1.0
    out[3] = min(w / width, 1.0)
    out[4] = min(h / height, 1.0)
    out[5] = math.log1p(w / gw)
    out[6] = math.log1p(h / gh)
    out[7] = weight / mean_weight if mean_weight > 0 else 0.0
    out[8] = wl_std / (weight * (width + height)) if weight > 0 else 0.0
    out[9] = cost_std * macros
    out[10] = cost[0]
    out[11] = cost[1]
    out[12] = cost[2]
