"""Nets as springs: the linear system whose solution is the quadratic placement of the soft macros.

A net of n distinct terminals is a clique of springs of strength weight / (n - 1), the usual choice of quadratic placers
(each terminal is then pulled with about the weight of its net). Springs between the same two nodes add up, so that the
system depends on the netlist alone: it is factorised once, and a placement of the hard macros only changes the
right-hand sides.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from floorplan.geometry import ORIENT_MATRIX
from floorplan.netlist import NodeKind, Problem

__all__ = ["Springs", "anchor_pull", "build_springs", "movable_index"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]

_ROUND = 400_000
"""Spring ends handled at a time, to bound the memory that large nets take while they are taken apart."""


class Springs(NamedTuple):
    """Springs between S movable soft macros, and from them to everything that stands still ("anchors").

    Attributes:
        soft: (S,) node ids of the movable soft macros.
        pair_a: (K,) soft index, pair_a < pair_b; every pair once.
        pair_b: (K,).
        pair_k: (K,) strength.
        anchor_soft: (A,) soft index, rising.
        anchor_node: (A,) node id; every (soft, node) pair once.
        anchor_k: (A,) strength.
        anchor_kdx: (A,) um, strength times the offset of the node's pins in orientation N, summed.
        anchor_kdy: (A,) likewise.
    """

    soft: I32
    pair_a: I32
    pair_b: I32
    pair_k: F64
    anchor_soft: I32
    anchor_node: I32
    anchor_k: F64
    anchor_kdx: F64
    anchor_kdy: F64


def movable_index(problem: Problem) -> I32:
    """Return (N,) the index of each node among the movable soft macros, -1 for the others."""
    index = np.full(problem.netlist.num_nodes, -1, np.int32)
    index[problem.movable_soft] = np.arange(len(problem.movable_soft))
    return index


def build_springs(problem: Problem, model: str = "clique") -> Springs:
    """Take every net apart into springs and add up those between the same two nodes.

    Args:
        problem: its netlist and its fixed flags are used, no position.
        model: `clique`, or `star` (from the source to each sink, with the net's full weight, as AlphaChip's
            force-directed placer pulls).
    """
    nl = problem.netlist
    node = nl.pin_node[nl.net_pin].astype(np.int64)
    index = movable_index(problem)
    on_hard = nl.node_kind[node] == NodeKind.HARD
    dx = np.where(on_hard, nl.pin_dx_um[nl.net_pin], 0.0)
    dy = np.where(on_hard, nl.pin_dy_um[nl.net_pin], 0.0)
    size = np.diff(nl.net_ptr).astype(np.int64)

    parts: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], F64]] = []
    if model == "star":
        first = np.repeat(nl.net_ptr[:-1].astype(np.int64), size)
        here = np.arange(len(node))
        sinks = here != first
        parts.append((first[sinks], here[sinks], np.repeat(nl.net_weight, size)[sinks]))
    else:
        for n in np.unique(size[size > 1]).tolist():
            nets = np.flatnonzero(size == n)
            a, b = np.triu_indices(n, 1)
            step = max(_ROUND // len(a), 1)
            for i in range(0, len(nets), step):
                part = nets[i : i + step]
                start = nl.net_ptr[part].astype(np.int64)[:, None]
                k = np.repeat(nl.net_weight[part] / (n - 1), len(a))
                parts.append(((start + a).ravel(), (start + b).ravel(), k))
    ends_a = np.concatenate([p[0] for p in parts]) if parts else np.zeros(0, np.int64)
    ends_b = np.concatenate([p[1] for p in parts]) if parts else np.zeros(0, np.int64)
    strength = np.concatenate([p[2] for p in parts]) if parts else np.zeros(0)

    soft_a, soft_b = index[node[ends_a]], index[node[ends_b]]
    both = (soft_a >= 0) & (soft_b >= 0) & (soft_a != soft_b)
    lo, hi = np.minimum(soft_a[both], soft_b[both]), np.maximum(soft_a[both], soft_b[both])
    count = max(len(problem.movable_soft), 1)
    pair, where = np.unique(lo.astype(np.int64) * count + hi, return_inverse=True)
    pair_k = _sums(where, strength[both], len(pair))

    one = (soft_a >= 0) != (soft_b >= 0)
    moving = np.where(soft_a[one] >= 0, soft_a[one], soft_b[one]).astype(np.int64)
    still = np.where(soft_a[one] >= 0, ends_b[one], ends_a[one])
    anchor, where_a = np.unique(moving * nl.num_nodes + node[still], return_inverse=True)
    k = strength[one]
    return Springs(
        soft=problem.movable_soft,
        pair_a=(pair // count).astype(np.int32),
        pair_b=(pair % count).astype(np.int32),
        pair_k=pair_k,
        anchor_soft=(anchor // nl.num_nodes).astype(np.int32),
        anchor_node=(anchor % nl.num_nodes).astype(np.int32),
        anchor_k=_sums(where_a, k, len(anchor)),
        anchor_kdx=_sums(where_a, k * dx[still], len(anchor)),
        anchor_kdy=_sums(where_a, k * dy[still], len(anchor)),
    )


def anchor_pull(
    springs: Springs, x_um: F64, y_um: F64, orient: npt.NDArray[np.uint8], use: npt.NDArray[np.bool_] | None = None
) -> tuple[F64, F64]:
    """Return the right-hand sides for x and y, each (B, S): per soft macro the sum of strength times anchor position.

    Args:
        springs: the springs.
        x_um: (B, N) centres.
        y_um: (B, N) centres.
        orient: (B, N).
        use: (A,) leave out the anchors where False.
    """
    a = slice(None) if use is None else use
    node, k = springs.anchor_node[a], springs.anchor_k[a]
    kdx, kdy = springs.anchor_kdx[a], springs.anchor_kdy[a]
    m = ORIENT_MATRIX[orient[:, node]]
    pull_x = k * x_um[:, node] + (m[..., 0] * kdx + m[..., 1] * kdy)
    pull_y = k * y_um[:, node] + (m[..., 2] * kdx + m[..., 3] * kdy)
    count = len(springs.soft)
    at = springs.anchor_soft[a]
    out_x, out_y = np.zeros((len(x_um), count)), np.zeros((len(x_um), count))
    for i in range(len(x_um)):
        out_x[i] = _sums(at, pull_x[i], count)
        out_y[i] = _sums(at, pull_y[i], count)
    return out_x, out_y


def _sums(at: npt.NDArray[np.integer], values: F64, count: int) -> F64:
    return np.bincount(at, values, count).astype(np.float64, copy=False)
