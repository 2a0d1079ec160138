"""The networks as a policy that stable-baselines3-contrib's masked PPO can train."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from gymnasium import spaces
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3.common.torch_layers import FlattenExtractor
from torch import Tensor, nn

from agents.gnn.alphachip import AlphaChipNetwork
from agents.gnn.instance import Instance
from agents.gnn.network import GridNetwork, Obs, PlacementNetwork
from agents.ppo.config import NetworkConfig

__all__ = ["PlacementPolicy", "look", "make_network", "masked_log_prob", "rank", "sample"]

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


class PlacementPolicy(MaskableActorCriticPolicy):  # type: ignore[misc]  # sb3_contrib's types are skipped
    """Actor and critic in one network; sampling draws from the policy's own generator, so that a run can be resumed."""

    def __init__(
        self,
        observation_space: spaces.Dict,
        action_space: spaces.Discrete,
        lr_schedule: Any,
        network: nn.Module,
        adam_eps: float,
        seed: int,
        **_: Any,
    ) -> None:
        self._given: tuple[nn.Module] = (network,)
        super().__init__(
            observation_space,
            action_space,
            lr_schedule,
            features_extractor_class=FlattenExtractor,
            optimizer_kwargs={"eps": adam_eps},
        )
        self.generator = torch.Generator().manual_seed(seed)

    def _build(self, lr_schedule: Any) -> None:
        self.network = self._given[0]
        self.optimizer = self.optimizer_class(self.network.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)

    @property
    def placement_network(self) -> PlacementNetwork:
        """The network with its own interface."""
        network: Any = self.network
        found: PlacementNetwork = network
        return found

    def set_training_mode(self, mode: bool) -> None:
        """Switch between rollout and update; either way the weights may have changed since."""
        self.placement_network.release()
        super().set_training_mode(mode)

    def forward(self, obs: Obs, deterministic: bool = False, action_masks: Any = None) -> tuple[Tensor, Tensor, Tensor]:
        """Return actions (B,), values (B, 1) and their log probabilities (B,)."""
        logits, values = self.network(obs)
        log_prob = masked_log_prob(logits, self._masks(action_masks, logits))
        actions = sample(log_prob, self.generator, deterministic)
        return actions, values[:, None], log_prob.gather(1, actions[:, None]).squeeze(1)

    def evaluate_actions(self, obs: Obs, actions: Tensor, action_masks: Any = None) -> tuple[Tensor, Tensor, Tensor]:
        """Return values (B,), log probabilities (B,) and entropies (B,)."""
        logits, values = self.network(obs)
        masks = self._masks(action_masks, logits)
        log_prob = masked_log_prob(logits, masks)
        entropy = -torch.where(masks, log_prob.exp() * log_prob, 0.0).sum(dim=1)
        return values, log_prob.gather(1, actions.long()[:, None]).squeeze(1), entropy

    def predict_values(self, obs: Obs) -> Tensor:
        """Return values (B, 1)."""
        values: Tensor = self.network(obs)[1]
        return values[:, None]

    def _predict(self, observation: Obs, deterministic: bool = False, action_masks: Any = None) -> Tensor:
        return self.forward(observation, deterministic, action_masks)[0]

    @staticmethod
    def _masks(masks: Any, logits: Tensor) -> Tensor:
        if masks is None:
            return torch.ones_like(logits, dtype=torch.bool)
        return torch.as_tensor(masks, device=logits.device, dtype=torch.bool).reshape(logits.shape)
