"""From a network's logits to a choice among the allowed cells; needs torch alone, none of what training is built on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from agents.gnn.alphachip import AlphaChipNetwork
from agents.gnn.instance import Instance
from agents.gnn.network import GridNetwork
from agents.ppo.config import NetworkConfig

__all__ = ["look", "make_network", "masked_log_prob", "rank", "sample"]

MASKED = -1e8
"""Logit of a forbidden cell: its probability is exactly 0 in float32."""


def make_network(
    config: NetworkConfig, instance: Instance, map_names: tuple[str, ...], scalars: int
) -> GridNetwork | AlphaChipNetwork:
    """Return the network that a configuration names, with fresh weights, bound to an instance."""
    network: GridNetwork | AlphaChipNetwork
    if config.kind == "grid":
        nodes, edges = instance.node_feat.shape[1], instance.edge_feat.shape[1]
        network = GridNetwork(config, nodes, edges, map_names, scalars)
    else:
        network = AlphaChipNetwork()
    network.bind(instance)
    return network


def masked_log_prob(logits: Tensor, masks: Tensor) -> Tensor:
    """Return log probabilities (B, A) over the allowed cells; forbidden ones get about -1e8."""
    return torch.log_softmax(torch.where(masks, logits, MASKED), dim=1)


def look(
    network: Any, obs: Mapping[str, npt.NDArray[Any]], masks: npt.NDArray[np.bool_], device: torch.device | None = None
) -> tuple[Tensor, Tensor]:
    """Return log probabilities (B, A) as `masked_log_prob` does, and values (B,), of a batch's arrays; no gradients."""
    with torch.no_grad():
        logits, values = network({name: torch.from_numpy(a).to(device) for name, a in obs.items()})
        return masked_log_prob(logits, torch.from_numpy(masks).to(device)), values


def rank(
    network: Any, obs: Mapping[str, npt.NDArray[Any]], masks: npt.NDArray[np.bool_], device: torch.device | None = None
) -> Tensor:
    """Return the log probabilities of `look` alone: much sooner where the policy is linear in the maps."""
    if isinstance(network, GridNetwork) and network.only_maps:
        with torch.no_grad():
            own = {name: torch.from_numpy(obs[name]).to(device) for name in ("maps", "placed")}
            return masked_log_prob(network.map_logits(own), torch.from_numpy(masks).to(device))
    return look(network, obs, masks, device)[0]


def sample(log_prob: Tensor, generator: torch.Generator | None, deterministic: bool = False) -> Tensor:
    """Return one action (B,) int64 a row: the most probable, or drawn with the generator's randomness."""
    if deterministic:
        return log_prob.argmax(dim=1)
    # one generator on the host serves every device and is part of a checkpoint
    u = torch.rand(len(log_prob), 1, generator=generator, dtype=torch.float64).to(log_prob.device)
    below = log_prob.exp().double().cumsum(dim=1)
    total = below[:, -1:]
    # strictly below the total, so that the cell found is one where the sum rises: one of probability above 0
    goal = torch.minimum(u * total, torch.nextafter(total, torch.zeros_like(total)))
    return torch.searchsorted(below, goal, right=True).squeeze(1)
