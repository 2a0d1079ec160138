"""Nets as the refinement sees them: repeated terminals dropped, identical nets merged."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from floorplan.cost.arrays import build_arrays
from floorplan.netlist import Problem
from floorplan.soft.springs import movable_index

__all__ = ["RefineNets", "build_nets"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]


class RefineNets(NamedTuple):
    """Nets over points: points 0..S-1 are the movable soft macros, S..S+F-1 the pins that stand still.

    Merging nets over the same points with the same source changes neither wirelength nor demand, as their weights and
    demands add up.

    Attributes:
        fixed_node: (F,) node id of each still pin.
        fixed_dx: (F,) um, offset in orientation N.
        fixed_dy: (F,) likewise.
        ptr: (E + 1,) offsets into point.
        point: distinct points of each net, the source first.
        weight: (E,) in the wirelength.
        demand: (E,) in the routing.
        of_ptr: (S + 1,) offsets into of and everything named of_: J places, one for each soft macro on each net.
        of: (J,) nets of each soft macro.
        of_weight: (J,) the net's weight.
        of_demand: (J,) the net's demand.
        of_source: (J,) whether the macro is the net's source.
        other_ptr: (J + 1,) offsets into other.
        other: the net's points but for the macro; the source first where it is not the macro.
        w: (S,) um, as costed.
        h: (S,) likewise.
    """

    fixed_node: I32
    fixed_dx: F64
    fixed_dy: F64
    ptr: I32
    point: I32
    weight: F64
    demand: F64
    of_ptr: I32
    of: I32
    of_weight: F64
    of_demand: F64
    of_source: npt.NDArray[np.bool_]
    other_ptr: I32
    other: I32
    w: F64
    h: F64


def build_nets(problem: Problem, *, square_soft: bool = False) -> RefineNets:
    """Drop repeated points and merge identical nets."""
    nl = problem.netlist
    arrays = build_arrays(nl, square_soft=square_soft)
    count = len(problem.movable_soft)
    index = movable_index(problem)
    moving = index[arrays.term_node]
    still = np.flatnonzero(moving < 0)
    where = np.stack([arrays.term_node[still], arrays.term_dx[still], arrays.term_dy[still]], axis=1)
    spots, spot = np.unique(where, axis=0, return_inverse=True)
    point = moving.astype(np.int64)
    point[still] = count + spot.ravel()

    flat, size, host = _merged(point, nl.net_ptr)
    weight, demand = np.zeros(len(size)), np.zeros(len(size))
    np.add.at(weight, host[host >= 0], arrays.net_weight[host >= 0])
    np.add.at(demand, host[host >= 0], arrays.net_demand[host >= 0])
    net = np.repeat(np.arange(len(size)), size)
    ends = _offsets(size)

    is_soft = flat < count
    at = np.flatnonzero(is_soft)[np.argsort(flat[is_soft], kind="stable")]
    of = net[at]
    # Each place sees its whole net; its own point is struck out.
    seen = size[of]
    start = np.repeat(ends[of], seen)
    within = np.arange(seen.sum()) - np.repeat(np.cumsum(seen) - seen, seen)
    place = start + within
    other = flat[place[place != np.repeat(at, seen)]]
    return RefineNets(
        fixed_node=spots[:, 0].astype(np.int32),
        fixed_dx=np.ascontiguousarray(spots[:, 1]),
        fixed_dy=np.ascontiguousarray(spots[:, 2]),
        ptr=ends,
        point=flat,
        weight=weight,
        demand=demand,
        of_ptr=_offsets(np.bincount(flat[is_soft], minlength=count)),
        of=of.astype(np.int32),
        of_weight=weight[of],
        of_demand=demand[of],
        of_source=at == ends[of],
        other_ptr=_offsets(seen - 1),
        other=other,
        w=np.ascontiguousarray(arrays.node_w[problem.movable_soft]),
        h=np.ascontiguousarray(arrays.node_h[problem.movable_soft]),
    )


def _merged(point: npt.NDArray[np.int64], net_ptr: I32) -> tuple[I32, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the distinct nets, in the order in which they first come.

    Args:
        point: (T,) where each terminal of the netlist stands, as a number.
        net_ptr: (E + 1,) of the netlist.

    Returns:
        The points of each net, its source first and the others rising, one net after the other; their number a net;
        (E,) which of them each net of the netlist has become, -1 where all of it is in one point.
    """
    nets = len(net_ptr) - 1
    net = np.repeat(np.arange(nets), np.diff(net_ptr))
    source = point[net_ptr[:-1]]
    span = int(point.max(initial=0)) + 1
    sinks = np.unique(net * span + point)
    net, sink = np.divmod(sinks, span)
    other = sink != source[net]
    net, sink = net[other], sink[other]
    degree = np.bincount(net, minlength=nets)
    begin = np.concatenate([[0], np.cumsum(degree)])
    first_of = np.full(nets, -1, np.int64)
    for count in np.unique(degree[degree > 0]).tolist():
        which = np.flatnonzero(degree == count)
        rows = sink[begin[which][:, None] + np.arange(count)]
        _, first, group = np.unique(
            np.column_stack([source[which], rows]), axis=0, return_index=True, return_inverse=True
        )
        first_of[which] = which[first][group.ravel()]
    kept = np.unique(first_of[first_of >= 0])
    host = np.where(first_of >= 0, np.searchsorted(kept, first_of), -1)
    size = degree[kept] + 1
    flat = np.empty(int(size.sum()), np.int32)
    head = np.cumsum(size) - size
    flat[head] = source[kept]
    is_sink = np.ones(len(flat), np.bool_)
    is_sink[head] = False
    flat[is_sink] = sink[np.isin(net, kept)]
    return flat, size, host


def _offsets(sizes: npt.NDArray[np.int64]) -> I32:
    out = np.zeros(len(sizes) + 1, np.int32)
    np.cumsum(sizes, out=out[1:])
    return out
