"""The networks as a policy that stable-baselines3-contrib's masked PPO can train."""

from __future__ import annotations

from typing import Any

import torch
from gymnasium import spaces
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3.common.torch_layers import FlattenExtractor
from torch import Tensor, nn

from agents.gnn.choosing import masked_log_prob, sample
from agents.gnn.network import Obs, PlacementNetwork

__all__ = ["PlacementPolicy"]


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
