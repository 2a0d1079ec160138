"""The one place under floorplan/ that knows torch: graphs as torch-geometric `Data`.

torch and torch_geometric (4 s to import) are loaded by the functions, not by the module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from floorplan.netlist import Netlist

if TYPE_CHECKING:
    from torch_geometric.data import Data

    from floorplan.env.graph import GraphArrays

__all__ = ["graph_to_data", "to_pyg"]


def graph_to_data(graph: GraphArrays) -> Data:
    """Return the environment's static graph as `Data(x, edge_index, edge_attr, movable)`, sharing its memory."""
    import torch
    from torch_geometric.data import Data

    def shared(a: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.require(a, requirements=["C", "W"]))

    return Data(
        x=shared(graph.node_feat),
        edge_index=shared(graph.edge_index),
        edge_attr=shared(graph.edge_feat),
        movable=shared(graph.movable.astype(np.int64)),
    )


def to_pyg(netlist: Netlist) -> Data:
    """Return the netlist as `Data`: one edge from a net's source node to the node of each of its sinks.

    Fields: `x` (N, 2) float32 width and height in um, `kind` (N,) int64 of `NodeKind`, `edge_index` (2, M) int64,
    `edge_attr` (M, 1) float32 net weight, `net` (M,) int64 net id, `name` list of N node names.
    """
    import torch
    from torch_geometric.data import Data

    degree = np.diff(netlist.net_ptr)
    source = netlist.pin_node[netlist.net_pin[netlist.net_ptr[:-1]]]
    is_sink = np.ones(len(netlist.net_pin), np.bool_)
    is_sink[netlist.net_ptr[:-1]] = False
    net = np.repeat(np.arange(len(degree), dtype=np.int64), degree - 1)
    edge_index = np.stack([source[net], netlist.pin_node[netlist.net_pin[is_sink]]]).astype(np.int64)
    data = Data(
        x=torch.from_numpy(np.stack([netlist.node_w_um, netlist.node_h_um], axis=1).astype(np.float32)),
        edge_index=torch.from_numpy(edge_index),
        edge_attr=torch.from_numpy(netlist.net_weight[net].astype(np.float32)[:, None]),
        kind=torch.from_numpy(netlist.node_kind.astype(np.int64)),
        net=torch.from_numpy(net),
    )
    data.name = list(netlist.node_name)
    return data
