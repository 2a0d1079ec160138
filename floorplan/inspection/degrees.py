"""Histograms of a netlist: pins of a net, sinks of a node, weights of nets, and what hangs together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from floorplan.netlist import Netlist, NodeKind

__all__ = ["Spread", "WeightRange", "components", "fan_outs", "net_degrees", "spread_of", "weight_range"]

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Spread:
    """The distribution of a whole number.

    Attributes:
        mean: 0 where there is none.
        median: likewise.
        largest: likewise.
        histogram: (value, how often), values rising.
    """

    mean: float
    median: float
    largest: int
    histogram: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class WeightRange:
    """Net weights: how they differ, and how many nets do not weigh 1."""

    least: float
    mean: float
    largest: float
    total: float
    distinct: int
    not_one: int


def spread_of(values: I64) -> Spread:
    """Return the distribution of `values` (any length)."""
    if len(values) == 0:
        return Spread(0.0, 0.0, 0, ())
    value, count = np.unique(values, return_counts=True)
    histogram = tuple(zip(value.tolist(), count.tolist(), strict=True))
    return Spread(float(values.mean()), float(np.median(values)), int(value[-1]), histogram)


def net_degrees(netlist: Netlist) -> I64:
    """Return (E,) the number of pins of each net, its source counted."""
    return np.diff(netlist.net_ptr).astype(np.int64)


def fan_outs(netlist: Netlist) -> I64:
    """Return the number of sink pins that each node with a net of its own drives, over all those nets."""
    source = netlist.pin_node[netlist.net_pin[netlist.net_ptr[:-1][net_degrees(netlist) > 0]]]
    sinks = net_degrees(netlist)[net_degrees(netlist) > 0] - 1
    total = np.bincount(source, weights=sinks, minlength=netlist.num_nodes)
    drives = np.bincount(source, minlength=netlist.num_nodes) > 0
    return total[drives].astype(np.int64)


def weight_range(netlist: Netlist) -> WeightRange:
    """Return what the net weights are."""
    w = netlist.net_weight
    if len(w) == 0:
        return WeightRange(0.0, 0.0, 0.0, 0.0, 0, 0)
    return WeightRange(
        float(w.min()), float(w.mean()), float(w.max()), float(w.sum()), len(np.unique(w)), int((w != 1.0).sum())
    )


def components(netlist: Netlist) -> I64:
    """Return (N,) the component of each node, 0 the largest; nodes that no net ties to another are -1.

    Two nodes are in one component if a chain of nets joins them.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n, degree = netlist.num_nodes, net_degrees(netlist)
    node = netlist.pin_node[netlist.net_pin].astype(np.int64)
    if len(node) == 0:
        return np.full(n, -1, np.int64)
    # each pin's node tied to its net's source: as connected as the net itself
    source = np.repeat(node[netlist.net_ptr[:-1][degree > 0]], degree[degree > 0])
    graph = coo_array((np.ones(len(node), np.int8), (source, node)), shape=(n, n))
    _, label = connected_components(graph.tocsr(), directed=False)
    size = np.bincount(label)
    rank = np.empty(len(size), np.int64)
    order = np.lexsort((np.arange(len(size)), -size))
    rank[order] = np.arange(len(size))
    out: I64 = np.where(size[label] > 1, rank[label], -1)
    return out


def unconnected(netlist: Netlist, kind: NodeKind) -> I64:
    """Return the ids of the nodes of a kind that no net of two or more pins reaches."""
    degree = net_degrees(netlist)
    wide = np.repeat(degree > 1, degree)
    reached = np.zeros(netlist.num_nodes, np.bool_)
    reached[netlist.pin_node[netlist.net_pin[wide]]] = True
    return np.flatnonzero((netlist.node_kind == kind) & ~reached).astype(np.int64)
