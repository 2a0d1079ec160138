"""Orientations of a macro and what they do to its pins and its size."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

__all__ = ["ORIENT_MATRIX", "Orient", "orient_bit", "oriented_offsets_um", "oriented_size_um"]


class Orient(IntEnum):
    """The eight DEF orientations; the first four keep width and height."""

    N = 0
    FN = 1
    FS = 2
    S = 3
    E = 4
    W = 5
    FE = 6
    FW = 7


def _matrix() -> npt.NDArray[np.float64]:
    table = {
        Orient.N: (1, 0, 0, 1),
        Orient.FN: (-1, 0, 0, 1),
        Orient.FS: (1, 0, 0, -1),
        Orient.S: (-1, 0, 0, -1),
        Orient.E: (0, 1, -1, 0),
        Orient.W: (0, -1, 1, 0),
        Orient.FE: (0, -1, -1, 0),
        Orient.FW: (0, 1, 1, 0),
    }
    out = np.array([table[o] for o in Orient], dtype=np.float64)
    out.flags.writeable = False
    return out


ORIENT_MATRIX: npt.NDArray[np.float64] = _matrix()
"""(8, 4): row o holds a, b, c, d of (dx, dy) -> (a*dx + b*dy, c*dx + d*dy)."""


def orient_bit(orient: Orient) -> int:
    """Return the bit of an orientation in an allowed-orientations mask."""
    return 1 << int(orient)


def oriented_offsets_um(
    dx_um: npt.NDArray[np.float64],
    dy_um: npt.NDArray[np.float64],
    orient: npt.NDArray[np.uint8],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Turn pin offsets given for N, each (P,), into those for `orient` (P,)."""
    m = ORIENT_MATRIX[orient]
    return m[:, 0] * dx_um + m[:, 1] * dy_um, m[:, 2] * dx_um + m[:, 3] * dy_um


def oriented_size_um(
    w_um: npt.NDArray[np.float64],
    h_um: npt.NDArray[np.float64],
    orient: npt.NDArray[np.uint8],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Swap width and height, each (N,), where `orient` turns by 90 degrees."""
    turned = orient >= Orient.E
    return np.where(turned, h_um, w_um), np.where(turned, w_um, h_um)
