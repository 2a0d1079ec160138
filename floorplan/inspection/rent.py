"""Rent's exponent of a netlist, by min-cut partitions into ever more blocks.

A block of B nodes has about T = t * B**p terminals, nets with pins inside and outside of it (B. Landman and R. Russo,
On a Pin Versus Block Relationship for Partitions of Logic Graphs, IEEE Trans. Computers C-20, 1971). The netlist is cut
into 8, 16, 32, ... blocks of like node count with as few cut nets as the partitioner finds, and p is the slope of log T
over log B. Fewer blocks would fall below the line, since the ports of the whole bound their terminals (region II). A
partitioner that cuts fewer nets gives a lower, truer p (L. Hagen, A. Kahng, F. Kurdahi and C.
Ramachandran, On the Intrinsic Rent Parameter and Spectra-Based Partitioning Methodologies, IEEE Trans. CAD 13, 1994).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from floorplan.netlist import Netlist, NodeKind

__all__ = ["AUTO_NODES", "LEAST_NODES", "Rent", "RentLevel", "rent_exponent"]

I64 = npt.NDArray[np.int64]

LEAST_NODES = 64
"""Fewer nodes give no three levels to fit."""

AUTO_NODES = 20_000
"""Up to here the measurement takes up to 15 seconds; beyond, it can take minutes."""

_FEW_NODES = 4096

_MOST_BLOCKS = 512
_LEAST_BLOCKS = 8
_LEAST_BLOCK_NODES = 4


@dataclass(frozen=True)
class RentLevel:
    """One partition.

    Attributes:
        blocks: how many.
        nodes: mean nodes of a block, B.
        terminals: mean terminals of a block, T, in net weight.
    """

    blocks: int
    nodes: float
    terminals: float


@dataclass(frozen=True)
class Rent:
    """T = coefficient * B**exponent.

    Attributes:
        exponent: p.
        coefficient: t, the terminals of one node as the line has it.
        r2: share of the variance of log T that the line explains.
        levels: single nodes first, then by falling number of blocks.
    """

    exponent: float
    coefficient: float
    r2: float
    levels: tuple[RentLevel, ...]


def rent_exponent(netlist: Netlist, seed: int = 1) -> Rent | None:
    """Measure p on macros and cells, each a node; ports lie outside of every block. None below `LEAST_NODES`.

    A net counts with its weight, which in a clustered netlist is the number of wires it stands for.

    Raises:
        ProblemError: no partitioner is installed.
    """
    from floorplan.cluster.connect import Hypergraph
    from floorplan.cluster.partition import partition

    nodes = np.flatnonzero(netlist.node_kind != NodeKind.PORT)
    count, num_nets = len(nodes), netlist.num_nets
    if count < LEAST_NODES or num_nets == 0:
        return None
    net, end, leaves = _ends(netlist, nodes)
    degree = np.bincount(net, minlength=num_nets)
    wide = degree > 1
    # blocks alike in nodes, not in area: B counts nodes
    graph = Hypergraph(
        nodes,
        np.ones(count),
        np.concatenate([[0], np.cumsum(degree[wide])]),
        end[wide[net]],
        netlist.net_weight[wide],
    )
    levels: list[RentLevel] = []
    for blocks in (count, *_block_counts(count)):
        block = np.arange(count) if blocks == count else partition(graph, blocks, seed)
        terminals = _terminals(net, block[end], leaves, netlist.net_weight)
        levels.append(RentLevel(blocks, count / blocks, terminals / blocks))
    return _fit(levels)


def _block_counts(nodes: int) -> list[int]:
    """Return powers of 2 from the highest that leaves blocks of `_LEAST_BLOCK_NODES` down to `_LEAST_BLOCKS`.

    Every other one will do for netlists of more than `_FEW_NODES`.
    """
    most = min(nodes // _LEAST_BLOCK_NODES, _MOST_BLOCKS)
    step = 1 if nodes <= _FEW_NODES else 2
    return [1 << k for k in range(most.bit_length() - 1, _LEAST_BLOCKS.bit_length() - 2, -step)]


def _ends(netlist: Netlist, nodes: I64) -> tuple[I64, I64, npt.NDArray[np.bool_]]:
    """Return net and node (0 to len(nodes) - 1) of each connection, once, and (E,) whether a net reaches a port."""
    number = np.full(netlist.num_nodes, -1, np.int64)
    number[nodes] = np.arange(len(nodes))
    net = np.repeat(np.arange(netlist.num_nets), np.diff(netlist.net_ptr))
    end = number[netlist.pin_node[netlist.net_pin]]
    leaves = np.zeros(netlist.num_nets, np.bool_)
    leaves[net[end < 0]] = True
    net, end = np.divmod(np.unique(net[end >= 0] * len(nodes) + end[end >= 0]), len(nodes))
    return net, end, leaves


def _terminals(net: I64, block: I64, leaves: npt.NDArray[np.bool_], weight: npt.NDArray[np.float64]) -> float:
    """Return the terminals of all blocks together: for each net that leaves a block, its weight once a block."""
    size = int(block.max(initial=0)) + 1
    pairs = np.unique(net * size + block) // size
    reach = np.bincount(pairs, minlength=len(weight))
    return float((reach * weight * ((reach > 1) | leaves)).sum())


def _fit(levels: list[RentLevel]) -> Rent | None:
    used = [v for v in levels if v.terminals > 0]
    if len(used) < 3:
        return None
    b, t = np.log([v.nodes for v in used]), np.log([v.terminals for v in used])
    slope, offset = np.polyfit(b, t, 1)
    spread = float(((t - t.mean()) ** 2).sum())
    left = float(((t - (slope * b + offset)) ** 2).sum())
    return Rent(float(slope), float(np.exp(offset)), 1.0 - left / spread if spread > 0 else 0.0, tuple(levels))
