"""The netlist as a graph for a policy: static, handed over once, and free of the netlist's size and unit of length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from floorplan.geometry import oriented_size_um
from floorplan.netlist import NodeKind, Problem

__all__ = ["EDGE_FEATURES", "NODE_FEATURES", "GraphArrays", "build_graph"]

NODE_FEATURES: tuple[str, ...] = (
    "is_movable_hard",
    "is_fixed_hard",
    "is_soft",
    "is_port",
    "width",  # over canvas width
    "height",  # over canvas height
    "log_area",  # log10 of the share of the canvas, + 4, at least 0: 1e-4 of the canvas and below is 0
    "log_aspect",  # ln(width / height)
    "log_degree",  # ln(1 + nets)
    "log_weight",  # ln(1 + net weight over the mean of that over all nodes)
    "has_position",  # fixed nodes: ports, fixed macros
    "x",  # over canvas width; 0 without a position
    "y",
)
"""Columns of `GraphArrays.node_feat`."""

EDGE_FEATURES: tuple[str, ...] = (
    "log_weight",  # ln(1 + weight both ways over the mean net weight)
    "log_forward",  # ln(1 + weight of the nets that the edge's first node drives)
    "log_backward",  # ln(1 + weight of the nets that its second node drives)
    "log_shared",  # ln(1 + weight / sinks): what a two-pin net would weigh
)
"""Columns of `GraphArrays.edge_feat`."""


@dataclass(frozen=True, eq=False)
class GraphArrays:
    """A netlist's nodes and the pairs of nodes that share a net's source and sink.

    Attributes:
        node_feat: (N, F) float32, columns as in `NODE_FEATURES`.
        edge_index: (2, M) int64 node ids; every connected pair stands in it once in each direction.
        edge_feat: (M, G) float32, columns as in `EDGE_FEATURES`.
        movable: (H,) int32 node ids of the hard macros to place, in file order.
    """

    node_feat: npt.NDArray[np.float32]
    edge_index: npt.NDArray[np.int64]
    edge_feat: npt.NDArray[np.float32]
    movable: npt.NDArray[np.int32]


def build_graph(problem: Problem) -> GraphArrays:
    """Build the graph of a problem; only positions of fixed nodes enter it."""
    edge_index, edge_feat = _edges(problem)
    arrays = GraphArrays(_nodes(problem), edge_index, edge_feat, problem.movable_hard.copy())
    for a in (arrays.node_feat, arrays.edge_index, arrays.edge_feat, arrays.movable):
        a.flags.writeable = False
    return arrays


def _nodes(problem: Problem) -> npt.NDArray[np.float32]:
    nl, cv, fixed = problem.netlist, problem.canvas, problem.fixed
    w, h = oriented_size_um(nl.node_w_um, nl.node_h_um, np.where(fixed, problem.initial.orient, 0).astype(np.uint8))
    hard = nl.node_kind == NodeKind.HARD
    soft = (nl.node_kind == NodeKind.SOFT) | (nl.node_kind == NodeKind.CELL)
    sized = (w > 0) & (h > 0)
    share = np.where(sized, w * h, 1.0) / (cv.width_um * cv.height_um)

    net_of_term = np.repeat(np.arange(nl.num_nets), np.diff(nl.net_ptr))
    pairs = np.unique(nl.pin_node[nl.net_pin].astype(np.int64) * max(nl.num_nets, 1) + net_of_term)
    node, net = pairs // max(nl.num_nets, 1), pairs % max(nl.num_nets, 1)
    degree = np.bincount(node, minlength=nl.num_nodes)
    weight = np.bincount(node, nl.net_weight[net], minlength=nl.num_nodes)
    mean_weight = weight.mean() if weight.any() else 1.0

    columns = {
        "is_movable_hard": hard & ~fixed,
        "is_fixed_hard": hard & fixed,
        "is_soft": soft,
        "is_port": nl.node_kind == NodeKind.PORT,
        "width": w / cv.width_um,
        "height": h / cv.height_um,
        "log_area": np.where(sized, np.maximum(np.log10(share) + 4, 0), 0),
        "log_aspect": np.where(sized, np.log(np.where(sized, w, 1) / np.where(sized, h, 1)), 0),
        "log_degree": np.log1p(degree),
        "log_weight": np.log1p(weight / mean_weight),
        "has_position": fixed,
        "x": np.where(fixed, np.clip(problem.initial.x_um / cv.width_um, 0, 1), 0),
        "y": np.where(fixed, np.clip(problem.initial.y_um / cv.height_um, 0, 1), 0),
    }
    return np.stack([columns[name] for name in NODE_FEATURES], axis=1).astype(np.float32)


def _edges(problem: Problem) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    nl = problem.netlist
    n = nl.num_nodes
    sinks = np.diff(nl.net_ptr) - 1
    node = nl.pin_node[nl.net_pin].astype(np.int64)
    is_source = np.zeros(len(node), np.bool_)
    is_source[nl.net_ptr[:-1]] = True
    source = np.repeat(node[nl.net_ptr[:-1]], sinks)
    sink = node[~is_source]
    weight = np.repeat(nl.net_weight / (nl.net_weight.mean() if nl.num_nets else 1.0), sinks)
    shared = weight / np.repeat(np.maximum(sinks, 1), sinks)
    apart = source != sink
    source, sink, weight, shared = source[apart], sink[apart], weight[apart], shared[apart]

    low, high = np.minimum(source, sink), np.maximum(source, sink)
    key, group = np.unique(low * n + high, return_inverse=True)
    up = np.bincount(group, np.where(source < sink, weight, 0), minlength=len(key))
    down = np.bincount(group, np.where(source < sink, 0, weight), minlength=len(key))
    both = np.bincount(group, shared, minlength=len(key))
    a, b = key // n, key % n
    index = np.stack([np.concatenate([a, b]), np.concatenate([b, a])])
    feat = np.stack(
        [
            np.tile(np.log1p(up + down), 2),
            np.log1p(np.concatenate([up, down])),
            np.log1p(np.concatenate([down, up])),
            np.tile(np.log1p(both), 2),
        ],
        axis=1,
    )
    return index.astype(np.int64), feat.astype(np.float32)
