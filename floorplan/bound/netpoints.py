"""Nets as sets of points: what a wirelength bound needs of a netlist, with everything that costs nothing left out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from floorplan.cost.arrays import build_arrays
from floorplan.geometry import ORIENT_MATRIX
from floorplan.netlist import Problem

__all__ = ["NetPoints", "gather_points"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class NetPoints:
    """Nets whose terminals are points; nets that can have no length are gone, equal ones are one.

    Attributes:
        node: (Q,) node that carries the point, -1 for a point that never moves.
        dx_um: (Q,) offset from the node's centre in orientation N; the position of a point that never moves.
        dy_um: (Q,) likewise.
        ptr: (E + 1,) offsets into `point`.
        point: (T,) points of each net, at least two, no two equal.
        weight: (E,) summed over the nets merged.
    """

    node: I32
    dx_um: F64
    dy_um: F64
    ptr: I64
    point: I32
    weight: F64

    @property
    def net_of(self) -> I64:
        """(T,) net of each terminal."""
        return np.repeat(np.arange(len(self.weight), dtype=np.int64), np.diff(self.ptr))

    def with_weight(self, weight: F64) -> NetPoints:
        """Return the same nets with other weights, (E,); negative ones count as 0."""
        return replace(self, weight=np.maximum(weight, 0.0))


def gather_points(problem: Problem, weight: F64, *, inside_only: bool = False) -> NetPoints:
    """Return the nets of a problem as points.

    Args:
        problem: whose nets.
        weight: (E,) weight of each net.
        inside_only: clamp the points that never move to the canvas, and leave out those of movable macros that may
            come to lie outside the macro. A net without some of its pins is never longer.
    """
    nl, cv = problem.netlist, problem.canvas
    a = build_arrays(nl)
    node = a.term_node.astype(np.int64)
    dx, dy = a.term_dx.copy(), a.term_dy.copy()
    still = problem.fixed[node]
    m = ORIENT_MATRIX[problem.initial.orient[node]]
    dx[still] = (problem.initial.x_um[node] + m[:, 0] * a.term_dx + m[:, 1] * a.term_dy)[still]
    dy[still] = (problem.initial.y_um[node] + m[:, 2] * a.term_dx + m[:, 3] * a.term_dy)[still]
    keep = np.ones(len(node), dtype=np.bool_)
    if inside_only:
        dx[still] = np.clip(dx[still], 0.0, cv.width_um)
        dy[still] = np.clip(dy[still], 0.0, cv.height_um)
        keep = still | ((np.abs(dx) <= nl.node_w_um[node] / 2) & (np.abs(dy) <= nl.node_h_um[node] / 2))
    rows = np.column_stack([np.where(still, -1, node).astype(np.float64), dx, dy])
    points, number = np.unique(rows, axis=0, return_inverse=True)
    number = number.reshape(-1)
    merged: dict[bytes, float] = {}
    for e, (begin, end) in enumerate(zip(nl.net_ptr[:-1].tolist(), nl.net_ptr[1:].tolist(), strict=True)):
        ids = number[begin:end][keep[begin:end]]
        ids = np.unique(ids)
        if len(ids) > 1:
            key = ids.astype(np.int32).tobytes()
            merged[key] = merged.get(key, 0.0) + float(weight[e])
    nets = [np.frombuffer(key, dtype=np.int32) for key in merged]
    sizes = np.array([len(n) for n in nets], dtype=np.int64)
    return NetPoints(
        node=points[:, 0].astype(np.int32),
        dx_um=points[:, 1].copy(),
        dy_um=points[:, 2].copy(),
        ptr=np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)]),
        point=np.concatenate(nets).astype(np.int32) if nets else np.zeros(0, np.int32),
        weight=np.array(list(merged.values())),
    )
