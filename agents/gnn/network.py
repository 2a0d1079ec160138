"""The default policy network: graph encoder, its embeddings laid on the canvas, and the size-free grid head."""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor, nn

from agents.gnn.encoder import GraphEncoder
from agents.gnn.heads import SKIP_GAIN, GridHead, scatter_to_grid
from agents.gnn.instance import Instance
from agents.ppo.config import NetworkConfig

__all__ = ["GridNetwork", "Obs", "PlacementNetwork"]

Obs = dict[str, Tensor]


class PlacementNetwork(Protocol):
    """What the policy needs of a network: told the instance once, then asked for logits and values."""

    def bind(self, instance: Instance) -> None:
        """Take the static half of all observations to come."""

    def release(self) -> None:
        """Forget what was computed from weights that are about to change."""

    def __call__(self, obs: Obs) -> tuple[Tensor, Tensor]:
        """Return logits (B, rows * columns), not yet masked, and values (B,)."""


class GridNetwork(nn.Module):
    """Logits for every cell of a grid of any size, from a graph of any size.

    The encoder sees only what is static, so one pass serves a whole batch; while no gradient is wanted, one pass serves
    a whole rollout. Graph and canvas meet on the grid: each placed macro adds, at its cell, a projection of its
    embedding, the attention that the macro in hand pays it (bilinear heads), and how many neighbours the two share.
    """

    def __init__(
        self, config: NetworkConfig, node_features: int, edge_features: int, map_names: tuple[str, ...], scalars: int
    ) -> None:
        super().__init__()
        width, heads = config.graph_width, config.affinity_heads
        self.heads = heads
        self.encoder = GraphEncoder(node_features, edge_features, width, config.graph_layers)
        self.project = nn.Linear(width, config.canvas_channels)
        self.query = nn.Linear(width, heads * 8)
        self.key = nn.Linear(width, heads * 8)
        extra = config.canvas_channels + heads + 1 + 2
        cond = 3 * width + scalars
        self.head = GridHead(len(map_names), extra, cond, config.channels, config.conv_layers, config.dilation)
        with torch.no_grad():
            for name, prior in (("wl_change", config.wirelength_prior), ("cost_change", config.cost_prior)):
                self.head.skip_base[map_names.index(name)] = -prior / SKIP_GAIN
        self._instance: Instance | None = None
        self._coords: Tensor | None = None
        self._cache: tuple[Tensor, Tensor] | None = None

    def bind(self, instance: Instance) -> None:
        """Take the static half of all observations to come."""
        self._instance = instance
        r = (torch.arange(instance.rows, device=instance.metadata.device) + 0.5) / instance.rows
        c = (torch.arange(instance.columns, device=instance.metadata.device) + 0.5) / instance.columns
        y, x = torch.meshgrid(r, c, indexing="ij")
        self._coords = torch.stack([2 * x - 1, 2 * y - 1])[None]
        self._cache = None

    def release(self) -> None:
        """Forget the embeddings of the old weights."""
        self._cache = None

    def forward(self, obs: Obs) -> tuple[Tensor, Tensor]:
        """Return logits (B, R * C), not yet masked, and values (B,)."""
        instance, coords = self._instance, self._coords
        if instance is None or coords is None:
            raise RuntimeError("bind() tells the network its instance before the first forward pass")
        z, summary = self._embed(instance)
        current, placed = obs["current"].long(), obs["placed"].to(z.dtype)
        batch = current.shape[0]
        hand = z[current]
        q = self.query(hand).view(batch, self.heads, 8)
        k = self.key(z).view(-1, self.heads, 8)
        attention = torch.einsum("bhd,vhd->bvh", q, k) / math.sqrt(8)
        projected = self.project(z).expand(batch, -1, -1)
        values = torch.cat([projected, attention, instance.shared[current][:, :, None]], dim=2) * placed[:, :, None]
        canvas = scatter_to_grid(values, obs["cell"].long(), instance.rows, instance.columns)
        extra = torch.cat([canvas, coords.expand(batch, -1, -1, -1)], dim=1)
        cond = torch.cat([hand, summary.expand(batch, -1), obs["scalars"]], dim=1)
        logits, value = self.head(obs["maps"], extra, cond)
        return logits, value

    def _embed(self, instance: Instance) -> tuple[Tensor, Tensor]:
        """Return embeddings of the movable macros (H, width) and a summary of the graph (2 * width,)."""
        if not torch.is_grad_enabled() and self._cache is not None:
            return self._cache
        h = self.encoder(instance.node_feat, instance.edge_index, instance.edge_feat)
        out = h[instance.movable], torch.cat([h.mean(dim=0), h.amax(dim=0)])
        if not torch.is_grad_enabled():
            self._cache = out
        return out
