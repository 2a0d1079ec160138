"""A netlist laid out for moves of single nodes: what a node touches lies together, what cannot matter is left out."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from floorplan.cost.arrays import CostArrays
from floorplan.cost.terms import CostOptions
from floorplan.geometry import ORIENT_MATRIX
from floorplan.netlist import Canvas, NodeKind

__all__ = ["MoveTables", "build_tables"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]


class MoveTables(NamedTuple):
    """Static inputs of the incremental kernels.

    E nets, T terminals net by net, I incidences: pairs of a net and a node on it, net by net, the terminals of each
    side by side. Terminals of one net at the same point of the same node are one terminal, nets that join the same
    nodes at their centres from the same source are one net, and nets within one soft macro are left out: none of these
    changes a cost.

    Attributes:
        net_inc_ptr: (E + 1,) incidences of each net.
        net_source: (E,) terminal that drives each net.
        net_weight: (E,) weight in the wirelength.
        net_demand: (E,) weight in the routing demand.
        inc_node: (I,) node of each incidence.
        inc_term_ptr: (I + 1,) terminals of each incidence.
        node_ptr: (N + 1,) offsets into own_inc, node by node.
        own_inc: (I, 8) what moves with each node, node by node: incidence, net, its first terminal and their end, the
            net's first terminal and their end, the net's source, whether the net has just two terminals.
        own_weight: (I, 2) weight and demand of the net, in the order of own_inc.
        term_dx: (T,) um from the node's centre in orientation N.
        term_dy: (T,) likewise.
        node_w: (N,) um in orientation N, as costed.
        node_h: (N,) um likewise.
        node_kind: (N,) uint8 of NodeKind.
        matrix: (8, 4) `ORIENT_MATRIX`.
        scale: (8,) cell width and height in um, routing demand to share of tracks (H, V), macro tracks per um of
            overlap (H, V), um of weighted wirelength per unit of cost, cells per um2.
        shape: (6,) int64: rows, columns, bits of a column in a cell number, smoothing range, and how many cells the
            density and the congestion cost average over (0: the largest alone).
    """

    net_inc_ptr: I32
    net_source: I32
    net_weight: F64
    net_demand: F64
    inc_node: I32
    inc_term_ptr: I32
    node_ptr: I32
    own_inc: I32
    own_weight: F64
    term_dx: F64
    term_dy: F64
    node_w: F64
    node_h: F64
    node_kind: npt.NDArray[np.uint8]
    matrix: F64
    scale: F64
    shape: npt.NDArray[np.int64]


def build_tables(arrays: CostArrays, canvas: Canvas, options: CostOptions) -> MoveTables:
    """Lay out the arrays of a cost engine for moves on a canvas."""
    term_node, dx, dy, net_ptr, source, weight, demand = _merged(arrays)
    nets = len(weight)
    net_of_term = np.repeat(np.arange(nets), np.diff(net_ptr))
    first = np.ones(len(term_node), np.bool_)
    first[1:] = (term_node[1:] != term_node[:-1]) | (net_of_term[1:] != net_of_term[:-1])
    inc_begin = np.flatnonzero(first)
    inc_node = term_node[inc_begin]
    inc_net = net_of_term[inc_begin]
    inc_term_ptr = np.append(inc_begin, len(term_node))
    by_node = np.argsort(inc_node, kind="stable")
    own_net = inc_net[by_node]
    own = np.stack(
        [
            by_node,
            own_net,
            inc_term_ptr[by_node],
            inc_term_ptr[by_node + 1],
            net_ptr[own_net],
            net_ptr[own_net + 1],
            source[own_net],
            (net_ptr[own_net + 1] - net_ptr[own_net] == 2) & (inc_term_ptr[by_node + 1] - inc_term_ptr[by_node] == 1),
        ],
        axis=1,
    )
    weight_sum = float(arrays.net_weight.sum())
    cells = canvas.num_cells
    tables = MoveTables(
        net_inc_ptr=np.searchsorted(inc_net, np.arange(nets + 1)).astype(np.int32),
        net_source=source.astype(np.int32),
        net_weight=weight,
        net_demand=demand,
        inc_node=inc_node.astype(np.int32),
        inc_term_ptr=inc_term_ptr.astype(np.int32),
        node_ptr=np.searchsorted(inc_node[by_node], np.arange(len(arrays.node_kind) + 1)).astype(np.int32),
        own_inc=np.ascontiguousarray(own, np.int32),
        own_weight=np.stack([weight[own_net], demand[own_net]], axis=1),
        term_dx=dx,
        term_dy=dy,
        node_w=arrays.node_w.copy(),
        node_h=arrays.node_h.copy(),
        node_kind=arrays.node_kind.copy(),
        matrix=ORIENT_MATRIX.copy(),
        scale=np.array(
            [
                canvas.cell_w_um,
                canvas.cell_h_um,
                1.0 / (canvas.cell_h_um * canvas.h_tracks_per_um),
                1.0 / (canvas.cell_w_um * canvas.v_tracks_per_um),
                canvas.h_macro_tracks_per_um / (canvas.cell_h_um * canvas.h_tracks_per_um),
                canvas.v_macro_tracks_per_um / (canvas.cell_w_um * canvas.v_tracks_per_um),
                (canvas.width_um + canvas.height_um) * weight_sum,
                1.0 / (canvas.cell_w_um * canvas.cell_h_um),
            ]
        ),
        shape=np.array(
            [
                canvas.rows,
                canvas.columns,
                max(canvas.columns - 1, 1).bit_length(),
                canvas.smooth_range,
                max(math.floor(options.density_top * cells), 1),
                math.floor(options.congestion_top * 2 * cells),
            ],
            np.int64,
        ),
    )
    # Not made read-only: kernels are compiled once for writable arrays, and these reach nobody else.
    return tables


def _merged(a: CostArrays) -> tuple[I32, F64, F64, npt.NDArray[np.int64], npt.NDArray[np.int64], F64, F64]:
    """Return terminals (node, dx, dy), net offsets, source terminals, weights and demands of the nets that matter."""
    nets = len(a.net_weight)
    net_of_term = np.repeat(np.arange(nets), np.diff(a.net_ptr))
    order = np.lexsort((a.term_dy, a.term_dx, a.term_node, net_of_term))
    net, node, dx, dy = net_of_term[order], a.term_node[order], a.term_dx[order], a.term_dy[order]
    new = np.ones(len(order), np.bool_)
    new[1:] = (net[1:] != net[:-1]) | (node[1:] != node[:-1]) | (dx[1:] != dx[:-1]) | (dy[1:] != dy[:-1])
    kept_of_term = np.empty(len(order), np.int64)
    kept_of_term[order] = np.cumsum(new) - 1
    source = kept_of_term[a.net_ptr[:-1]]
    net, node, dx, dy = net[new], node[new], dx[new], dy[new]
    ptr = np.searchsorted(net, np.arange(nets + 1))

    rigid = np.ones(nets, np.bool_)
    np.logical_and.at(rigid, net, a.node_kind[node] != NodeKind.HARD)
    weight, demand = a.net_weight.copy(), a.net_demand.copy()
    size = np.diff(ptr)
    keep = ~(rigid & (size == 1))
    like = _first_alike(np.flatnonzero(rigid & (size > 1)), node, ptr, node[source])
    other = like != np.arange(nets)
    np.add.at(weight, like[other], weight[other])
    np.add.at(demand, like[other], demand[other])
    keep &= ~other
    kept_term = keep[net]
    new_place = np.cumsum(kept_term) - 1
    counts = np.diff(ptr)[keep]
    return (
        node[kept_term].astype(np.int32),
        dx[kept_term],
        dy[kept_term],
        np.concatenate([[0], np.cumsum(counts)]),
        new_place[source[keep]],
        weight[keep],
        demand[keep],
    )


def _first_alike(
    among: npt.NDArray[np.int64], node: I32, ptr: npt.NDArray[np.int64], source: I32
) -> npt.NDArray[np.int64]:
    """Return for every net the first of `among` with the same source and nodes, itself where it is not among them."""
    like = np.arange(len(ptr) - 1)
    sizes = np.diff(ptr)[among]
    for size in np.unique(sizes).tolist():
        these = among[sizes == size]
        rows = np.column_stack([source[these], node[ptr[these][:, None] + np.arange(size)]])
        order = np.lexsort((these, *rows.T[::-1]))
        new = np.ones(len(these), np.bool_)
        new[1:] = (rows[order][1:] != rows[order][:-1]).any(axis=1)
        begin = np.flatnonzero(new)
        like[these[order]] = np.repeat(these[order[begin]], np.diff(np.append(begin, len(these))))
    return like
