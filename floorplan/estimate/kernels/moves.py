"""A move: the nets of its nodes measured anew, then everything that follows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from floorplan.estimate.kernels.chain import N_ROW, combine, net_row

__all__ = ["Layout", "move", "take_back"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]


class Layout(NamedTuple):
    """A placement with what follows from it, and room to take a move back. T terminals, N nodes, E nets.

    Attributes:
        ptr: (E + 1,) offsets into the terminals.
        node: (T,) node of each terminal.
        dx: (T,) um from its centre.
        dy: (T,) likewise.
        node_net_ptr: (N + 1,) offsets into node_net.
        node_net: nets of each node.
        matrix: (8, 4) of the orientations.
        scale: (E,) m of wire per um of half-perimeter.
        x: (N,) um.
        y: (N,) um.
        orient: (N,).
        length: (E,) m.
        rows: (N_ROW, E) of the chain.
        stamp: (E,) number of the last move that touched the net.
        touched: (E,) nets of the move in hand.
        kept: (N_ROW + 1, E) their old rows and lengths.
        moved: (N,) nodes of the move in hand.
        was: (3, N) their old x, y and orientation.
        counts: moves so far, nodes and nets of the move in hand.
    """

    ptr: I32
    node: I32
    dx: F64
    dy: F64
    node_net_ptr: I32
    node_net: I32
    matrix: F64
    scale: F64
    x: F64
    y: F64
    orient: npt.NDArray[np.uint8]
    length: F64
    rows: F64
    stamp: I64
    touched: I64
    kept: F64
    moved: I64
    was: F64
    counts: I64


@njit(cache=True, inline="always")
def _hpwl(begin, end, node, dx, dy, matrix, x, y, orient):  # type: ignore[no-untyped-def]  # numba infers
    """Return the half-perimeter of terminals begin..end - 1."""
    x0, x1, y0, y1 = np.inf, -np.inf, np.inf, -np.inf
    for t in range(begin, end):
        i = node[t]
        o = orient[i]
        px, py = x[i], y[i]
        if o == 0:
            px, py = px + dx[t], py + dy[t]
        else:
            px += matrix[o, 0] * dx[t] + matrix[o, 1] * dy[t]
            py += matrix[o, 2] * dx[t] + matrix[o, 3] * dy[t]
        x0, x1, y0, y1 = min(x0, px), max(x1, px), min(y0, py), max(y1, py)
    return (x1 - x0) + (y1 - y0)


@njit(cache=True)
def move(lay, to, nets, c, p, f, out):  # type: ignore[no-untyped-def]  # numba infers
    """Place nodes as `to` (M, 4) says - node, x, y, orientation or -1 to keep it - and write what follows to out."""
    lay.counts[0] += 1
    nodes = len(to)
    for m in range(nodes):
        i = int(to[m, 0])
        lay.moved[m] = i
        lay.was[0, m], lay.was[1, m], lay.was[2, m] = lay.x[i], lay.y[i], lay.orient[i]
        lay.x[i], lay.y[i] = to[m, 1], to[m, 2]
        if to[m, 3] >= 0.0:
            lay.orient[i] = int(to[m, 3])
    # Taken out of their tuples here: numba counts references each time that an array is taken out.
    ptr, node, dx, dy, matrix, scale = lay.ptr, lay.node, lay.dx, lay.dy, lay.matrix, lay.scale
    x, y, orient, length, rows, kept, stamp = lay.x, lay.y, lay.orient, lay.length, lay.rows, lay.kept, lay.stamp
    per_m, tau, access, width = nets.j_per_bit_m, nets.tau_s_per_m, nets.access_s, nets.width_bits
    pipelined, b0, b1 = nets.pipelined, nets.bits[0], nets.bits[1]
    node_net, number = lay.node_net, lay.counts[0]
    touched = 0
    for m in range(nodes):
        i = lay.moved[m]
        for q in range(lay.node_net_ptr[i], lay.node_net_ptr[i + 1]):
            e = node_net[q]
            if stamp[e] == number:
                continue
            stamp[e] = number
            lay.touched[touched] = e
            for r in range(N_ROW):
                kept[r, touched] = rows[r, e]
            kept[N_ROW, touched] = length[e]
            touched += 1
            length[e] = scale[e] * _hpwl(ptr[e], ptr[e + 1], node, dx, dy, matrix, x, y, orient)
            row = net_row(length[e], per_m[e], tau[e], access[e], width[e], pipelined[e], b0[e], b1[e], c, f)
            rows[0, e], rows[1, e], rows[2, e], rows[3, e], rows[4, e], rows[5, e] = row
    lay.counts[1], lay.counts[2] = nodes, touched
    combine(lay.rows, nets, c, p, f, out)


@njit(cache=True)
def take_back(lay):  # type: ignore[no-untyped-def]  # numba infers
    """Undo the last move."""
    for m in range(lay.counts[1]):
        i = lay.moved[m]
        lay.x[i], lay.y[i], lay.orient[i] = lay.was[0, m], lay.was[1, m], int(lay.was[2, m])
    for k in range(lay.counts[2]):
        e = lay.touched[k]
        for r in range(N_ROW):
            lay.rows[r, e] = lay.kept[r, k]
        lay.length[e] = lay.kept[N_ROW, k]
    lay.counts[1], lay.counts[2] = 0, 0
