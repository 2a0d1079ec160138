"""How much of the cost of a complete placement lies on each macro."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["macro_parts"]


@njit(cache=True)
def macro_parts(nodes, tables, state, out: npt.NDArray[np.float64]) -> None:  # type: ignore[no-untyped-def]  # numba infers; tables: MoveTables, state: MoveState
    """Write to out (M, 3) what of each part of the cost lies on each of nodes (M,), before it is scaled.

    Its nets' weighted wirelength, um; then density and congestion of the cells that it covers and that count in the
    cost, by the share covered.
    """
    gw, gh, rows, cols = tables.scale[0], tables.scale[1], tables.shape[0], tables.shape[1]
    per_um2, box, half = tables.scale[7], state.net_box, rows * cols
    for n in range(len(nodes)):
        i = nodes[n]
        wirelength = dense = full = 0.0
        for p in range(tables.node_ptr[i], tables.node_ptr[i + 1]):
            e = tables.own_inc[p, 1]
            wirelength += tables.own_weight[p, 0] * ((box[e, 2] - box[e, 0]) + (box[e, 6] - box[e, 4]))
        w, h = tables.node_w[i], tables.node_h[i]
        if state.orient[i] >= 4:
            w, h = h, w
        x0, x1, y0, y1 = state.x[i] - w / 2, state.x[i] + w / 2, state.y[i] - h / 2, state.y[i] + h / 2
        for r in range(max(math.floor(y0 / gh), 0), min(math.floor(y1 / gh), rows - 1) + 1):
            oy = min(y1, (r + 1) * gh) - max(y0, r * gh)
            for c in range(max(math.floor(x0 / gw), 0), min(math.floor(x1 / gw), cols - 1) + 1):
                ox = min(x1, (c + 1) * gw) - max(x0, c * gw)
                if ox <= 0 or oy <= 0:
                    continue
                covered = ox * oy * per_um2
                density, v, hh = state.density[r * cols + c], state.load[c * rows + r], state.load[half + r * cols + c]
                # Where the engine's last search for the threshold of each mean came to rest.
                if density >= state.total[3]:
                    dense += covered * density
                for load in (v, hh):
                    if load >= state.total[5]:
                        full += covered * load
        out[n, 0], out[n, 1], out[n, 2] = wirelength, dense, full
