"""The linear program behind the wirelength bound: its dual values are a flow through the nets of one axis."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from floorplan.bound.netpoints import NetPoints
from floorplan.geometry import ORIENT_MATRIX
from floorplan.netlist import Problem

__all__ = ["solve_flow"]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


def solve_flow(problem: Problem, nets: NetPoints, axis: int, slack_um: float = 0.0) -> F64:
    """Return (T,) the push on each terminal that makes the bound of one axis (0 = x, 1 = y) as large as it can be.

    The program minimises sum(weight * max(0, extent - slack)) over centres inside the canvas and orientations relaxed
    to their hull, overlaps allowed. What comes back are its dual values as HiGHS found them, good or bad: the bound
    that `floorplan.bound.wirelength` computes from them holds whatever they are.
    """
    from scipy.optimize import linprog
    from scipy.sparse import csr_matrix

    size = (problem.canvas.width_um, problem.canvas.height_um)[axis]
    lp = _Program(problem, nets, axis, size, slack_um)
    if not len(nets.weight):
        return np.zeros(0)
    matrix = csr_matrix((lp.value, (lp.row, lp.column)), shape=(lp.rows, len(lp.cost)))
    # scipy takes sparse matrices, its stubs do not know.
    result: Any = linprog(  # type: ignore[call-overload]
        lp.cost, A_ub=matrix, b_ub=lp.right, bounds=lp.bounds, method="highs-ipm"
    )
    if result.x is None or result.ineqlin is None:
        return np.zeros(len(nets.point))
    return lp.pushes(-np.asarray(result.ineqlin.marginals))


class _Program:
    """The linear program in units of the canvas size."""

    def __init__(self, problem: Problem, nets: NetPoints, axis: int, size: float, slack_um: float) -> None:
        self.nets = nets
        num_nodes = problem.netlist.num_nodes
        still = nets.node < 0
        offset = np.stack([nets.dx_um, nets.dy_um]) / size
        place = np.where(still, offset[axis], 0.0)
        lo, hi, a, b = _ranges(problem, axis, size)
        net_of, sizes = nets.net_of, np.diff(nets.ptr)
        fixed_term = still[nets.point]
        pos = place[nets.point]
        self.two = (sizes == 2)[net_of]
        # Variables: centre, A and B of every node (offset = A * dx + B * dy), then d or (hi, lo[, d]) of every net.
        n_base = 3 * num_nodes
        pair = sizes == 2
        extra = 1 if slack_um > 0 else 0
        width = np.where(pair, 1, 2 + extra)
        first = n_base + np.concatenate([np.zeros(1, np.int64), np.cumsum(width)])
        num = int(first[-1])
        self.cost = np.zeros(num)
        bounds = np.empty((num, 2))
        bounds[:num_nodes] = np.column_stack([lo, hi])
        bounds[num_nodes : 2 * num_nodes] = a
        bounds[2 * num_nodes : n_base] = b
        slack = slack_um / size
        w = nets.weight
        many = np.flatnonzero(~pair)
        f = first[:-1]
        bounds[f[pair]] = (0.0, np.inf)
        self.cost[f[pair]] = w[pair]
        top = np.full(len(w), -np.inf)
        bottom = np.full(len(w), np.inf)
        np.maximum.at(top, net_of[fixed_term], pos[fixed_term])
        np.minimum.at(bottom, net_of[fixed_term], pos[fixed_term])
        bounds[f[many], 0], bounds[f[many], 1] = top[many], np.inf
        bounds[f[many] + 1, 0], bounds[f[many] + 1, 1] = -np.inf, bottom[many]
        if extra:
            bounds[f[many] + 2] = (0.0, np.inf)
            self.cost[f[many] + 2] = w[many]
        else:
            self.cost[f[many]] = w[many]
            self.cost[f[many] + 1] = -w[many]
        self.bounds = bounds
        # Rows. Pairs: +(p - q) - d <= slack, -(p - q) - d <= slack. Others: p - hi <= 0, lo - p <= 0 for each movable.
        pairs = np.flatnonzero(pair)
        t0 = nets.ptr[pairs]
        free = np.flatnonzero(~self.two & ~fixed_term)
        self._pairs, self._t0, self._free, self._many, self._slacked = pairs, t0, free, many, bool(extra)
        rows: list[I64] = []
        cols: list[I64] = []
        vals: list[F64] = []
        right = np.zeros(2 * len(pairs) + 2 * len(free) + extra * len(many))

        def add(r: I64, c: I64, v: F64) -> None:
            nonzero = v != 0
            rows.append(r[nonzero])
            cols.append(c[nonzero])
            vals.append(v[nonzero])

        def add_position(r: I64, terminal: I64, sign: float) -> None:
            q = nets.point[terminal]
            moves = ~still[q]
            r, qm = r[moves], q[moves]
            node = nets.node[qm].astype(np.int64)
            add(r, node, np.full(len(r), sign))
            add(r, num_nodes + node, sign * offset[0][qm])
            add(r, 2 * num_nodes + node, sign * offset[1][qm])

        k = len(pairs)
        ups, downs = np.arange(k), np.arange(k, 2 * k)
        for r, sign in ((ups, 1.0), (downs, -1.0)):
            add_position(r, t0, sign)
            add_position(r, t0 + 1, -sign)
            add(r, f[pairs], np.full(k, -1.0))
            right[r] = slack - sign * (pos[t0] - pos[t0 + 1])
        m = len(free)
        above, below = 2 * k + np.arange(m), 2 * k + m + np.arange(m)
        add_position(above, free, 1.0)
        add(above, f[net_of[free]], np.full(m, -1.0))
        add_position(below, free, -1.0)
        add(below, f[net_of[free]] + 1, np.full(m, 1.0))
        if extra:
            last = 2 * k + 2 * m + np.arange(len(many))
            add(last, f[many], np.full(len(many), 1.0))
            add(last, f[many] + 1, np.full(len(many), -1.0))
            add(last, f[many] + 2, np.full(len(many), -1.0))
            right[last] = slack
        self.rows, self.right = len(right), right
        self.row, self.column, self.value = np.concatenate(rows), np.concatenate(cols), np.concatenate(vals)
        self._top, self._bottom, self._fixed_term, self._pos, self._net_of = top, bottom, fixed_term, pos, net_of

    def pushes(self, dual: F64) -> F64:
        """Return (T,) pushes from the dual values (>= 0) of the rows."""
        nets = self.nets
        k, m = len(self._pairs), len(self._free)
        out = np.zeros(len(nets.point))
        flow = dual[:k] - dual[k : 2 * k]
        out[self._t0] = flow
        out[self._t0 + 1] = -flow
        up, down = dual[2 * k : 2 * k + m], dual[2 * k + m : 2 * k + 2 * m]
        out[self._free] = up - down
        # What a net's movable points leave of its flow acts on its outermost fixed points.
        through = nets.weight.copy()
        if self._slacked:
            through[self._many] = dual[2 * k + 2 * m :]
        sum_up = np.bincount(self._net_of[self._free], up, len(nets.weight))
        sum_down = np.bincount(self._net_of[self._free], down, len(nets.weight))
        for edge, rest in ((self._top, through - sum_up), (self._bottom, -(through - sum_down))):
            at = self._fixed_term & ~self.two & (self._pos == edge[self._net_of])
            share = np.bincount(self._net_of[at], minlength=len(nets.weight))
            out[at] += (rest / np.maximum(share, 1))[self._net_of[at]]
        return out


def _ranges(problem: Problem, axis: int, size: float) -> tuple[F64, F64, F64, F64]:
    """Return per node the range of its centre, and (N, 2) those of A and B over its allowed orientations."""
    nl = problem.netlist
    n = nl.num_nodes
    own = (nl.node_w_um, nl.node_h_um)[axis] / size
    other = (nl.node_h_um, nl.node_w_um)[axis] / size
    bits = (problem.allowed_orient[:, None] >> np.arange(8)) & 1 == 1
    extent = np.where(bits, np.where(np.arange(8) < 4, own[:, None], other[:, None]), np.inf).min(axis=1)
    half = np.minimum(extent / 2, 0.5)
    a = ORIENT_MATRIX[:, 2 * axis]
    b = ORIENT_MATRIX[:, 2 * axis + 1]
    hull = []
    for row in (a, b):
        least = np.where(bits, row[None, :], np.inf).min(axis=1)
        most = np.where(bits, row[None, :], -np.inf).max(axis=1)
        hull.append(np.column_stack([least, most]).reshape(n, 2))
    return half, 1.0 - half, hull[0], hull[1]
