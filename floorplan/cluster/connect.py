"""Which cells, or groups of cells, the nets of a flat netlist connect."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from floorplan.netlist import Netlist

__all__ = ["Hypergraph", "cell_hypergraph", "group_links"]

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Hypergraph:
    """Cells and the nets that connect two or more of them.

    Attributes:
        cells: (C,) node ids in the flat netlist, in file order.
        area_um2: (C,) their areas.
        ptr: (E + 1,) offsets into `ends`.
        ends: cells (0 to C - 1) of each net, each once, rising.
        weight: (E,) net weights.
    """

    cells: I64
    area_um2: F64
    ptr: I64
    ends: I64
    weight: F64

    def of(self, some: I64) -> Hypergraph:
        """Return the hypergraph of some cells (0 to C - 1, rising): nets lose the others, and vanish below two."""
        number = np.full(len(self.cells), -1, np.int64)
        number[some] = np.arange(len(some))
        net = np.repeat(np.arange(len(self.weight)), np.diff(self.ptr))
        end = number[self.ends]
        net, end = net[end >= 0], end[end >= 0]
        degree = np.bincount(net, minlength=len(self.weight))
        wide = degree > 1
        return Hypergraph(
            self.cells[some],
            self.area_um2[some],
            np.concatenate([[0], np.cumsum(degree[wide])]),
            end[wide[net]],
            self.weight[wide],
        )


def cell_hypergraph(netlist: Netlist) -> Hypergraph:
    """Return the hypergraph of a netlist's cells; macros and ports have no part in it."""
    cells = netlist.soft.astype(np.int64)
    number = np.full(netlist.num_nodes, -1, np.int64)
    number[cells] = np.arange(len(cells))
    net = np.repeat(np.arange(netlist.num_nets), np.diff(netlist.net_ptr))
    end = number[netlist.pin_node[netlist.net_pin]]
    pairs = np.unique(net[end >= 0] * max(len(cells), 1) + end[end >= 0])
    net, end = np.divmod(pairs, max(len(cells), 1))
    degree = np.bincount(net, minlength=netlist.num_nets)
    wide = degree > 1
    return Hypergraph(
        cells,
        netlist.node_w_um[cells] * netlist.node_h_um[cells],
        np.concatenate([[0], np.cumsum(degree[wide])]),
        end[wide[net]],
        netlist.net_weight[wide],
    )


def group_links(graph: Hypergraph, group: I64, num_groups: int, max_groups: int = 32) -> csr_array:
    """Return the (G, G) symmetric strength of connection between groups.

    A net that reaches d groups ties each pair of them by its weight / (d - 1); nets that reach more than `max_groups`
    tie nothing in particular and are left out.
    """
    net = np.repeat(np.arange(len(graph.weight)), np.diff(graph.ptr))
    net, end = np.divmod(np.unique(net * num_groups + group[graph.ends]), num_groups)
    reach = np.bincount(net, minlength=len(graph.weight))
    use = (reach[net] > 1) & (reach[net] <= max_groups)
    net, end = net[use], end[use]
    value = np.sqrt(graph.weight[net] / np.maximum(reach[net] - 1, 1))
    incidence = csr_array((value, (net, end)), shape=(len(graph.weight), num_groups))
    links = csr_array(incidence.T @ incidence)
    links.setdiag(0.0)
    links.eliminate_zeros()
    links.sort_indices()
    return links
