"""The default policy network: graph encoder, its embeddings laid on the canvas, and the size-free grid head."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
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

    def encode_once(self) -> AbstractContextManager[None]:
        """Share what does not depend on the sample between all forward passes inside, their backward passes included.

        Gradients of all weights are complete only after leaving. Nothing may change the weights inside.
        """

    def __call__(self, obs: Obs) -> tuple[Tensor, Tensor]:
        """Return logits (B, rows * columns), not yet masked, and values (B,)."""


@dataclass(frozen=True, eq=False)
class _Encoded:
    """An encoder's outputs, and the same cut off from it: gradients gather there until `encode_once` is left."""

    outputs: tuple[Tensor, Tensor]
    leaves: tuple[Tensor, Tensor]


class GridNetwork(nn.Module):
    """Logits for every cell of a grid of any size, from a graph of any size.

    The encoder sees only what is static, so one pass serves a whole batch; while no gradient is wanted, one pass serves
    a whole rollout. Graph and canvas meet on the grid: each placed macro adds, at its cell, a projection of its
    embedding, the attention that the macro in hand pays it (bilinear heads), and how many neighbours the two share.

    Ablated (`use_graph` False), an embedding is a linear function of the node's own features, and no shared neighbours
    are shown: what is left of the nets is in the maps. Maps in `hide_maps` are zeros wherever the network reads them.

    Attributes:
        prior_weights: (2, maps) map weights of a fresh network.
    """

    _shown: Tensor | None

    def __init__(
        self, config: NetworkConfig, node_features: int, edge_features: int, map_names: tuple[str, ...], scalars: int
    ) -> None:
        super().__init__()
        width, heads = config.graph_width, config.affinity_heads
        self.heads = heads
        self.use_graph = config.use_graph
        layers = config.graph_layers if config.use_graph else 0
        self.encoder = GraphEncoder(node_features, edge_features, width, layers)
        self.project = nn.Linear(width, config.canvas_channels)
        self.query = nn.Linear(width, heads * 8)
        self.key = nn.Linear(width, heads * 8)
        extra = config.canvas_channels + heads + 1
        cond = 3 * width + scalars
        self.head = GridHead(len(map_names), extra, cond, config.channels, config.conv_layers, config.dilation)
        priors = {"wl_change": config.wirelength_prior, "cost_change": config.cost_prior}
        self.prior_weights = np.tile(np.array([-priors.get(name, 0.0) for name in map_names], np.float32), (2, 1))
        self.set_map_weights(self.prior_weights)
        shown = torch.tensor([float(name not in config.hide_maps) for name in map_names])[:, None, None]
        # not persistent: a stored policy of before these settings still fits
        self.register_buffer("_shown", shown if config.hide_maps else None, persistent=False)
        self._instance: Instance | None = None
        # by instance, for as long as somebody else holds it: several netlists may take turns with one network
        self._coords: WeakKeyDictionary[Instance, Tensor] = WeakKeyDictionary()
        self._cache: WeakKeyDictionary[Instance, tuple[int, tuple[Tensor, Tensor]]] = WeakKeyDictionary()
        self._encoded: WeakKeyDictionary[Instance, _Encoded] | None = None

    def bind(self, instance: Instance) -> None:
        """Take the static half of all observations to come; going back to an instance of before costs nothing."""
        self._instance = instance
        if instance not in self._coords:
            r = (torch.arange(instance.rows, device=instance.metadata.device) + 0.5) / instance.rows
            c = (torch.arange(instance.columns, device=instance.metadata.device) + 0.5) / instance.columns
            y, x = torch.meshgrid(r, c, indexing="ij")
            self._coords[instance] = torch.stack([2 * x - 1, 2 * y - 1])[None]

    def release(self) -> None:
        """Forget the embeddings of the old weights."""
        self._cache.clear()

    def map_weights(self) -> npt.NDArray[np.float32]:
        """Return (2, maps) how much each map counts in the logits, whatever the macro in hand.

        Row 0 counts for the first macro, row 1 for the last one and in the refine game; in between they are mixed by
        the share of macros that stand.
        """
        head = self.head
        both = torch.stack([head.skip_base, head.skip_base + head.skip_last])
        return np.asarray(SKIP_GAIN * both.detach().cpu().numpy(), np.float32)

    def set_map_weights(self, weights: npt.ArrayLike) -> None:
        """Let each map count this much, (2, maps) as in `map_weights`; all else stays."""
        rows = torch.as_tensor(np.asarray(weights, np.float32) / SKIP_GAIN)
        with torch.no_grad():
            self.head.skip_base.copy_(rows[0])
            self.head.skip_last.copy_(rows[1] - rows[0])

    def read_maps_by(self, weights: npt.ArrayLike) -> None:
        """Become a policy that is linear in the maps, (2, maps) weights; what else there is has nothing to say yet."""
        head = self.head
        with torch.no_grad():
            for silent in (head.logit.weight, head.logit.bias, head.skip.weight):
                if silent is not None:
                    silent.zero_()
        self.set_map_weights(weights)

    @property
    def only_maps(self) -> bool:
        """Whether the logits are linear in the maps by now, so that `map_logits` are the same."""
        head = self.head
        return not (bool(head.logit.weight.any()) or bool(head.skip.weight.any()))

    def map_logits(self, obs: Obs) -> Tensor:
        """Return logits (B, R * C), up to a constant, of a network that has `only_maps` to go by; needs no graph."""
        maps = obs["maps"] if self._shown is None else obs["maps"] * self._shown
        own = self.head.own_weights(_share_placed(obs["placed"].to(maps.dtype)))
        return torch.bmm(own[:, None], maps.flatten(2)).squeeze(1)

    @contextmanager
    def encode_once(self) -> Iterator[None]:
        """Run the encoder once an instance for all forward passes inside, and backward once on leaving.

        The sum of the gradients is the same as without, but they reach the encoder's weights only on leaving; if an
        exception ends the block they do not. Weights must not change inside.

        Raises:
            RuntimeError: a block of this network is open already.
        """
        if self._encoded is not None:
            raise RuntimeError("encode_once() does not nest")
        self._encoded = WeakKeyDictionary()
        try:
            yield
            encoded = list(self._encoded.values())
        finally:
            self._encoded = None
        self._encoder_backward(encoded)

    def _encoder_backward(self, encoded: list[_Encoded]) -> None:
        for e in encoded:
            used = [(out, leaf.grad) for out, leaf in zip(e.outputs, e.leaves, strict=True) if leaf.grad is not None]
            if used:
                torch.autograd.backward([out for out, _ in used], [grad for _, grad in used])

    def forward(self, obs: Obs) -> tuple[Tensor, Tensor]:
        """Return logits (B, R * C), not yet masked, and values (B,)."""
        instance = self._instance
        if instance is None:
            raise RuntimeError("bind() tells the network its instance before the first forward pass")
        z, summary = self._embed(instance)
        current, placed = obs["current"].long(), obs["placed"].to(z.dtype)
        batch = current.shape[0]
        hand = z[current]
        q = self.query(hand).view(batch, self.heads, 8)
        k = self.key(z).view(-1, self.heads, 8)
        attention = torch.einsum("bhd,vhd->bvh", q, k) / math.sqrt(8)
        projected = self.project(z).expand(batch, -1, -1)
        shared = instance.shared[current][:, :, None]
        if not self.use_graph:
            shared = torch.zeros_like(shared)
        values = torch.cat([projected, attention, shared], dim=2) * placed[:, :, None]
        canvas = scatter_to_grid(values, obs["cell"].long(), instance.rows, instance.columns)
        cond = torch.cat([hand, summary.expand(batch, -1), obs["scalars"]], dim=1)
        maps = obs["maps"] if self._shown is None else obs["maps"] * self._shown
        logits, value = self.head(maps, canvas, self._coords[instance], cond, _share_placed(placed))
        return logits, value

    def _embed(self, instance: Instance) -> tuple[Tensor, Tensor]:
        """Return embeddings of the movable macros (H, width) and a summary of the graph (2 * width,)."""
        if not torch.is_grad_enabled():
            # counts every change in place: an optimiser's step, weights that are loaded
            version = sum(p._version for p in self.encoder.parameters())
            kept = self._cache.get(instance)
            if kept is None or kept[0] != version:
                kept = self._cache[instance] = (version, self._encode(instance))
            return kept[1]
        if self._encoded is None:
            return self._encode(instance)
        encoded = self._encoded.get(instance)
        if encoded is None:
            z, summary = self._encode(instance)
            leaves = z.detach().requires_grad_(), summary.detach().requires_grad_()
            encoded = self._encoded[instance] = _Encoded((z, summary), leaves)
        return encoded.leaves

    def _encode(self, instance: Instance) -> tuple[Tensor, Tensor]:
        h = self.encoder(instance.node_feat, instance.edge_index, instance.edge_feat)
        return h[instance.movable], torch.cat([h.mean(dim=0), h.amax(dim=0)])


def _share_placed(placed: Tensor) -> Tensor:
    """Return (B,) the share of the other macros, (B, H) all of them, that stand: 0 at first, 1 for the last one."""
    return placed.sum(dim=1) / max(placed.shape[1] - 1, 1)
