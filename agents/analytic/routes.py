"""How the exact cost would route the nets now, as pieces whose ends are free to move.

Which pins a net is routed through, and by which of the cases of the cost, is taken from one placement and held; where
the pieces run then follows the pins. So the differentiable congestion counts a cell that two sinks of a net share once,
and three-pin nets as the cost does, until the placement has moved far enough to trace the routes anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agents.analytic.points import F64, I64, Points
from floorplan.netlist import Canvas

__all__ = ["Pieces", "trace_routes"]


@dataclass(frozen=True, eq=False)
class Pieces:
    """S straight pieces in one direction. A horizontal one runs in the row of `at` between the columns of two points.

    Attributes:
        at: (S,) point that gives the row (vertical: the column).
        a: (S,) point at one end.
        b: (S,) point at the other.
        demand: (S,) tracks.
    """

    at: I64
    a: I64
    b: I64
    demand: F64


def trace_routes(points: Points, canvas: Canvas, x_um: F64, y_um: F64) -> tuple[Pieces, Pieces]:
    """Route all nets by the cost's rules at node centres x_um, y_um (N,).

    Returns:
        Horizontal and vertical pieces; those between the same points are merged.
    """
    xy = points.at_um(x_um, y_um)
    col = np.clip(np.floor(xy[:, 0] / canvas.cell_w_um), 0, canvas.columns - 1).astype(np.int64)
    row = np.clip(np.floor(xy[:, 1] / canvas.cell_h_um), 0, canvas.rows - 1).astype(np.int64)
    cell = row * canvas.columns + col
    # One terminal for each distinct cell of a net, in the order of the cells.
    _, first = np.unique(points.net * canvas.num_cells + cell[points.term], return_index=True)
    net, point = points.net[first], points.term[first]
    count = np.bincount(net, minlength=len(points.weight))

    source = points.term[points.net_ptr[:-1]]
    two = (count[net] != 3) & (cell[point] != cell[source[net]])
    s, t, q = source[net[two]], point[two], points.demand[net[two]]
    h, v = [(s, s, t, q)], [(t, s, t, q)]
    three = point[count[net] == 3].reshape(-1, 3)
    if len(three):
        h3, v3 = _route_three(three, row, col, points.demand[np.flatnonzero(count == 3)])
        h += h3
        v += v3
    return _merge(h, len(points.node)), _merge(v, len(points.node))


_Parts = list[tuple[I64, I64, I64, F64]]


def _route_three(three: I64, row: I64, col: I64, demand: F64) -> tuple[_Parts, _Parts]:
    """Return the pieces of nets over three cells; three (K, 3) points, by (row, column) of their cells."""
    order = np.lexsort((row[three], col[three]), axis=1)
    p = np.take_along_axis(three, order, axis=1)
    r, c = row[p], col[p]
    r1, r2, r3 = r.T
    c1, c2, c3 = c.T
    chain = (c1 < c2) & (c2 < c3) & (np.minimum(r1, r3) < r2) & (r2 < np.maximum(r1, r3))
    trunk = ~chain & (c2 == c3) & (c1 < c2) & (r1 < np.minimum(r2, r3))
    level = ~chain & ~trunk & (r2 == r3)
    rest = ~(chain | trunk | level)
    h: _Parts = []
    v: _Parts = []

    both = chain | level
    p1, p2, p3 = p[both].T
    q = demand[both]
    h += [(p1, p1, p2, q), (p2, p2, p3, q)]
    v += [(p2, p1, p2, q)]
    p1, p2, p3 = p[chain].T
    v += [(p3, p2, p3, demand[chain])]

    p1, p2, p3 = p[trunk].T
    q = demand[trunk]
    h += [(p1, p1, p2, q)]
    v += [(p2, p1, np.where(row[p2] > row[p3], p2, p3), q)]

    # Here the order is by (row, column); the ends in x are the first and last by (column, row).
    below, middle, above = three[rest].T
    q = demand[rest]
    h += [(middle, p[rest][:, 0], p[rest][:, 2], q)]
    v += [(below, below, middle, q), (above, middle, above, q)]
    return h, v


def _merge(parts: _Parts, points: int) -> Pieces:
    at, a, b, q = (np.concatenate([part[i] for part in parts]) for i in range(4))
    a, b = np.minimum(a, b), np.maximum(a, b)
    key, which = np.unique((at * points + a) * points + b, return_inverse=True)
    demand: npt.NDArray[np.float64] = np.bincount(which, q, minlength=len(key)).astype(np.float64)
    return Pieces(key // points // points, key // points % points, key % points, demand)
