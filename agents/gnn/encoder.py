"""The graph encoder: embeddings of all nodes of a netlist, from an edge-based message-passing network."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.nn import MessagePassing

__all__ = ["EdgeGraphLayer", "GraphEncoder"]


class EdgeGraphLayer(MessagePassing):  # type: ignore[misc]  # torch_geometric ships no types
    r"""One round of messages along edges that carry features.

    .. math:: m_{ij} = \mathrm{relu}(W_s h_i + W_d h_j + W_e e_{ij}), \quad
              h'_j = \mathrm{LayerNorm}(h_j + W_o \, \mathrm{mean}_i \, m_{ij})

    The edge network of AlphaChip (Mirhoseini et al., Nature 594, 2021) with a linear layer on [h_i, h_j, e] split into
    its three parts, so that nodes are projected once each instead of once an edge. Edges must be listed in both
    directions.

    Shapes:
        x (N, width), edge_index (2, M), edge_attr (M, edge_features) -> (N, width)
    """

    def __init__(self, width: int, edge_features: int) -> None:
        super().__init__(aggr="mean", flow="source_to_target")
        self.source = nn.Linear(width, width, bias=False)
        self.target = nn.Linear(width, width)
        self.edge = nn.Linear(edge_features, width, bias=False)
        self.out = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, edge_index: Tensor, edge_attr: Tensor) -> Tensor:
        """Return the embeddings after one round."""
        pooled = self.propagate(edge_index, s=self.source(x), d=self.target(x), e=self.edge(edge_attr))
        return self.norm(x + self.out(pooled))  # type: ignore[no-any-return]  # nn.Module calls are untyped

    def message(self, s_j: Tensor, d_i: Tensor, e: Tensor) -> Tensor:
        """Return the message of every edge; torch_geometric calls the sender j and the receiver i."""
        return torch.relu(s_j + d_i + e)


class GraphEncoder(nn.Module):
    """Embeds every node of a graph of any size.

    Shapes:
        x (N, node_features), edge_index (2, M), edge_attr (M, edge_features) -> (N, width)
    """

    def __init__(self, node_features: int, edge_features: int, width: int, layers: int) -> None:
        super().__init__()
        self.inp = nn.Linear(node_features, width)
        self.layers = nn.ModuleList(EdgeGraphLayer(width, edge_features) for _ in range(layers))

    def forward(self, x: Tensor, edge_index: Tensor, edge_attr: Tensor) -> Tensor:
        """Return the embeddings."""
        h: Tensor = self.inp(x)
        for layer in self.layers:
            h = layer(h, edge_index, edge_attr)
        return h
