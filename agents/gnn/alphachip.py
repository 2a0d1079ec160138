"""AlphaChip's network, as an honest baseline: 125,826 parameters, 93 % of them in one dense layer.

A. Mirhoseini et al., "A graph placement methodology for fast chip design", Nature 594 (2021), in the dimensions of its
published code (google-research/circuit_training): node features -> 8, three edge-GCN layers of width 8, a 56-wide
state, policy by transposed convolutions up to 128 x 128 logits. Positions are node features, so the graph network runs
for every sample of every step. Its published code averages over padded edges and scatters them into node 0; there is
no padding here.
"""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise

import torch
from torch import Tensor, nn

from agents.gnn.instance import METADATA, Instance
from agents.gnn.network import Obs
from floorplan.errors import ProblemError

__all__ = ["GRID", "AlphaChipNetwork"]

WIDTH = 8
NODE_FEATURES = 8
GRID = 128


class _EdgeLayer(nn.Module):
    """Edges from [h_i, h_j, weight] both ways, averaged; nodes from the mean of their edges, plus themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(2 * WIDTH + 1, WIDTH)

    def forward(self, h: Tensor, i: Tensor, j: Tensor, weight: Tensor, degree: Tensor) -> tuple[Tensor, Tensor]:
        w_i, w_j, w_e = torch.split(self.fc.weight, [WIDTH, WIDTH, 1], dim=1)
        a, b = h @ w_i.T, h @ w_j.T
        c = weight[:, None] * w_e[:, 0] + self.fc.bias
        edge = (torch.relu(a[:, i] + b[:, j] + c) + torch.relu(a[:, j] + b[:, i] + c)) / 2
        total = torch.zeros_like(h).index_add(1, i, edge).index_add(1, j, edge)
        return h + total / degree[:, None], edge


class AlphaChipNetwork(nn.Module):
    """Logits of the top-left rows x columns of a fixed 128 x 128 grid, and a value.

    Shapes:
        obs as of the environment -> logits (B, rows * columns), value (B,)
    """

    def __init__(self) -> None:
        super().__init__()
        self.node = nn.Linear(NODE_FEATURES, WIDTH)
        self.metadata = nn.Linear(len(METADATA), WIDTH)
        self.layers = nn.ModuleList(_EdgeLayer() for _ in range(3))
        self.query = nn.Linear(WIDTH, WIDTH)
        self.key = nn.Linear(WIDTH, WIDTH)
        self.values = nn.Linear(WIDTH, WIDTH)
        self.dense = nn.Linear(7 * WIDTH, 8 * 8 * 32)
        sizes = [32, 16, 8, 4, 2]
        self.deconv = nn.ModuleList(
            nn.ConvTranspose2d(a, b, 3, stride=2, padding=1, output_padding=1) for a, b in pairwise(sizes)
        )
        self.logit = nn.ConvTranspose2d(2, 1, 3, padding=1)
        self.value = nn.Sequential(nn.Linear(7 * WIDTH, 32), nn.ReLU(), nn.Linear(32, 8), nn.ReLU(), nn.Linear(8, 1))
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.ConvTranspose2d):
                # Keras's initialisation, which the recipe was tuned with; torch's own starts with dead units in the
                # narrow last layers
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        self._instance: Instance | None = None

    def bind(self, instance: Instance) -> None:
        """Take the static half of all observations to come.

        Raises:
            ProblemError: the grid is larger than 128 x 128, which this head cannot express.
        """
        if max(instance.rows, instance.columns) > GRID:
            raise ProblemError(
                f"AlphaChip's head has {GRID} x {GRID} cells, the canvas {instance.columns} x {instance.rows}"
            )
        self._instance = instance
        once = instance.edge_index[0] < instance.edge_index[1]
        self._i, self._j = instance.edge_index[:, once]
        self._weight = instance.edge_feat[once, 0]
        degree = torch.zeros(len(instance.node_feat), device=self._i.device)
        one = torch.ones_like(self._weight)
        self._degree = degree.index_add(0, self._i, one).index_add(0, self._j, one).clamp(min=1)

    def release(self) -> None:
        """Nothing is kept between forward passes."""

    def encode_once(self) -> AbstractContextManager[None]:
        """Positions are node features, so no two samples share a pass of the graph network."""
        return nullcontext()

    def forward(self, obs: Obs) -> tuple[Tensor, Tensor]:
        """Return logits (B, rows * columns), not yet masked, and values (B,)."""
        instance = self._instance
        if instance is None:
            raise RuntimeError("bind() tells the network its instance before the first forward pass")
        current = instance.movable[obs["current"].long()]
        batch = len(current)
        h = torch.relu(self.node(self._node_features(instance, obs)))
        edge = h
        for layer in self.layers:
            h, edge = layer(h, self._i, self._j, self._weight, self._degree)
        hand = h[torch.arange(batch, device=h.device), current]
        score = torch.einsum("bd,bnd->bn", self.query(hand), self.key(h)) / math.sqrt(WIDTH)
        attended = torch.einsum("bn,bnd->bd", torch.softmax(score, dim=1), self.values(h))
        about = torch.relu(self.metadata(instance.metadata)).expand(batch, -1)
        pooled = [edge.mean(dim=1), edge.var(dim=1, unbiased=False), edge.amax(dim=1), edge.amin(dim=1)]
        state = torch.cat([*pooled, attended, hand, about], dim=1)
        x = torch.relu(self.dense(state)).view(batch, 32, 8, 8)
        for deconv in self.deconv:
            x = torch.relu(deconv(x))
        logits = self.logit(x)[:, 0, : instance.rows, : instance.columns]
        return logits.flatten(1), self.value(state).squeeze(1)

    def _node_features(self, instance: Instance, obs: Obs) -> Tensor:
        """Return (B, N, 8): width, height, three flags of the kind, x, y, placed."""
        batch = obs["placed"].shape[0]
        placed = obs["placed"].to(instance.node_placed.dtype)
        is_placed = instance.node_placed.expand(batch, -1).index_copy(1, instance.movable, placed)
        pos = instance.node_pos.expand(batch, -1, -1).index_copy(1, instance.movable, obs["pos"] * placed[:, :, None])
        static = torch.cat([instance.node_size, instance.node_type], dim=1).expand(batch, -1, -1)
        return torch.cat([static, pos, is_placed[:, :, None]], dim=2)
