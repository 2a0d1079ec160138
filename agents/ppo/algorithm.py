"""Masked PPO of stable-baselines3-contrib with an update that suits whole placements."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sb3_contrib import MaskablePPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.utils import obs_as_tensor
from torch.nn.functional import mse_loss

from agents.gnn.policy import PlacementPolicy
from agents.ppo.buffer import PlacementRolloutBuffer
from agents.ppo.config import PPOConfig
from agents.ppo.schedule import decayed, set_step_size
from agents.ppo.vecenv import ConstructVecEnv

__all__ = ["PlacementPPO", "StepBaseline", "UpdateStats", "explained_variance", "microbatches", "update_loss"]

BASELINE_RATE = 0.2
"""Share of a new rollout in the running means: an average over about the last five."""


@dataclass(frozen=True)
class UpdateStats:
    """Means over the samples of one update."""

    policy_loss: float
    value_loss: float
    entropy: float
    approx_kl: float
    clip_fraction: float
    grad_norm: float
    explained_variance: float
    learning_rate: float
    entropy_coef: float
    epochs: int

    @classmethod
    def of(cls, sums: npt.NDArray[np.float64], samples: int, norms: Sequence[float], **others: Any) -> UpdateStats:
        """Return the means of what `update_loss` summed over so many samples; `others` are the fields that follow."""
        policy, value, entropy, kl, clipped = (sums / max(samples, 1)).tolist()
        return cls(policy, value, entropy, kl, clipped, float(np.mean(norms)) if norms else 0.0, **others)

    def to_row(self) -> dict[str, float | None]:
        """Return all fields as numbers that JSON can hold; None for one that is not finite."""
        return {k: v if math.isfinite(v) else None for k, v in asdict(self).items()}


@dataclass(frozen=True, eq=False)
class StepBaseline:
    """Mean return from each step of an episode on, and the size of deviations from it.

    Macros come in the same order in every episode, so most of a return's variance is the step that it is counted from.
    Taking the mean out leaves the critic what depends on the placement, at a scale of one.

    Attributes:
        mean: (steps,) float64.
        scale: standard deviation of returns about `mean`, above 0.
    """

    mean: npt.NDArray[np.float64]
    scale: float

    def updated(self, returns: npt.NDArray[np.float64], step: npt.NDArray[np.int64], rate: float) -> StepBaseline:
        """Return the baseline moved towards the means of `returns` (T, B) at their steps (T, B)."""
        count = np.bincount(step.ravel(), minlength=len(self.mean))
        total = np.bincount(step.ravel(), returns.ravel(), minlength=len(self.mean))
        seen = count > 0
        mean = self.mean.copy()
        mean[seen] += rate * (total[seen] / count[seen] - mean[seen])
        scale = float(np.std(returns - mean[step]))
        return StepBaseline(mean, max(self.scale + rate * (scale - self.scale), 1e-6))


class PlacementPPO(MaskablePPO):  # type: ignore[misc]  # sb3_contrib's types are skipped
    """Differs from its parent in what the critic learns and in the update.

    The critic learns deviations from a `StepBaseline`. Advantages are normalised over the whole rollout, not over each
    minibatch (a minibatch of steps from a few episodes has no meaningful mean of its own); gradients of a minibatch may
    be summed over microbatches, so that the batch that a recipe asks for need not fit into memory at once; step size
    and entropy bonus follow the number of episodes played, never the budget, so that a run that is stopped and resumed
    takes the same course.
    """

    def __init__(
        self,
        env: ConstructVecEnv,
        config: PPOConfig,
        network: torch.nn.Module,
        steps_per_episode: int,
        seed: int,
        device: str = "cpu",
    ) -> None:
        self.config = config
        self.episodes = 0
        self.stats: UpdateStats | None = None
        self.baseline: StepBaseline | None = None
        self._steps_per_episode = steps_per_episode
        super().__init__(
            PlacementPolicy,
            env,
            learning_rate=config.learning_rate,
            n_steps=steps_per_episode * config.episodes_per_env,
            batch_size=config.minibatch,
            n_epochs=config.epochs,
            gamma=config.gamma,
            gae_lambda=config.gae_lambda,
            clip_range=config.clip,
            ent_coef=config.entropy,
            vf_coef=config.value,
            max_grad_norm=config.grad_clip,
            target_kl=config.target_kl or None,
            rollout_buffer_class=PlacementRolloutBuffer,
            rollout_buffer_kwargs={"rng": np.random.default_rng([seed, 1])},
            policy_kwargs={"network": network, "adam_eps": config.adam_eps, "seed": seed},
            device=device,
        )
        self.set_logger(Logger(folder=None, output_formats=[]))
        # what `learn` would set up; the trainer calls collect_rollouts and train itself
        self.ep_info_buffer = self.ep_success_buffer = deque[Any]()

    def collect_rollouts(
        self, env: Any, callback: BaseCallback, rollout_buffer: Any, n_rollout_steps: int, use_masking: bool = True
    ) -> bool:
        """Fill the buffer; its values and advantages are in units of reward, its returns are what the critic learns."""
        first_step = np.array(env.batch.steps, np.int64)
        if not super().collect_rollouts(env, callback, rollout_buffer, n_rollout_steps, use_masking):
            return False
        if self.config.step_baseline:
            self._rebase(rollout_buffer, first_step, env)
        return True

    def _rebase(self, buffer: Any, first_step: npt.NDArray[np.int64], env: Any) -> None:
        """Read the critic's outputs as deviations from the baseline and estimate advantages anew."""
        step = np.empty(buffer.values.shape, np.int64)
        step[0] = first_step
        for t in range(1, len(step)):
            step[t] = np.where(buffer.episode_starts[t] > 0, 0, step[t - 1] + 1)
        with torch.no_grad():
            last = self.policy.predict_values(obs_as_tensor(self._last_obs, self.device)).cpu().numpy().ravel()
        deviation = buffer.values.copy()
        last_step = np.array(env.batch.steps, np.int64)

        def estimate(baseline: StepBaseline, gae_lambda: float) -> None:
            buffer.values = (baseline.mean[step] + baseline.scale * deviation).astype(np.float32)
            value = torch.from_numpy(baseline.mean[last_step] + baseline.scale * last)
            buffer.gae_lambda = gae_lambda
            buffer.compute_returns_and_advantage(last_values=value, dones=self._last_episode_starts)

        known = self.baseline or StepBaseline(np.zeros(self._steps_per_episode), 1.0)
        estimate(known, gae_lambda=1.0)
        self.baseline = known.updated(buffer.returns.astype(np.float64), step, BASELINE_RATE if self.baseline else 1.0)
        estimate(self.baseline, self.config.gae_lambda)
        mean, scale = self.baseline.mean[step], self.baseline.scale
        buffer.returns = ((buffer.returns - mean) / scale).astype(np.float32)
        buffer.values = deviation

    def train(self) -> None:
        """Update the policy from the rollout buffer and leave the figures in `stats`."""
        policy: Any = self.policy
        buffer: Any = self.rollout_buffer
        config = self.config
        policy.set_training_mode(True)
        lr = set_step_size(policy.optimizer, config, self.episodes)
        entropy_coef = decayed(config.entropy, self.episodes, config.entropy_half_life)
        explained = explained_variance(buffer.values, buffer.returns)
        advantages = buffer.advantages
        buffer.advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)

        sums = np.zeros(5)
        norms: list[float] = []
        samples = 0
        stopped = False
        epochs = 0
        while epochs < config.epochs and not stopped:
            epochs += 1
            for batch in buffer.get(config.minibatch):
                size = len(batch.actions)
                policy.optimizer.zero_grad(set_to_none=True)
                kl = 0.0
                with policy.placement_network.encode_once():
                    for part in microbatches(batch, config.microbatch):
                        loss, figures = update_loss(policy, part, config, entropy_coef)
                        (loss * (len(part.actions) / size)).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
                        sums += figures
                        kl += figures[3] / size
                samples += size
                if config.target_kl and kl > 1.5 * config.target_kl:
                    stopped = True
                    break
                norm = torch.nn.utils.clip_grad_norm_(policy.parameters(), config.grad_clip)
                norms.append(float(norm))
                policy.optimizer.step()
            self._n_updates += 1
        self.stats = UpdateStats.of(
            sums,
            samples,
            norms,
            explained_variance=explained,
            learning_rate=lr,
            entropy_coef=entropy_coef,
            epochs=epochs,
        )


def update_loss(
    policy: Any, batch: Any, config: PPOConfig, entropy_coef: float
) -> tuple[torch.Tensor, npt.NDArray[np.float64]]:
    """Return the mean loss of a batch, and sums over it of policy loss, value loss, entropy, KL and clipped samples.

    Args:
        policy: whose network is bound to the instance that the batch was played on.
        batch: samples of one netlist, advantages normalised.
        config: clipping range and weight of the value loss.
        entropy_coef: weight of the entropy bonus.
    """
    values, log_prob, entropy = policy.evaluate_actions(
        batch.observations, batch.actions, action_masks=batch.action_masks
    )
    log_ratio = log_prob - batch.old_log_prob
    ratio = log_ratio.exp()
    clipped_ratio = ratio.clamp(1 - config.clip, 1 + config.clip)
    policy_loss = -torch.min(batch.advantages * ratio, batch.advantages * clipped_ratio).mean()
    value_loss = mse_loss(values, batch.returns)
    loss = policy_loss - entropy_coef * entropy.mean() + config.value * value_loss
    with torch.no_grad():
        # Schulman's low-variance estimate of the divergence: E[(r - 1) - log r]
        kl = (ratio - 1 - log_ratio).mean()
        clipped = ((ratio - 1).abs() > config.clip).float().mean()
        figures = torch.stack([policy_loss, value_loss, entropy.mean(), kl, clipped]).double().cpu().numpy()
    return loss, figures * len(batch.actions)


def microbatches(batch: Any, size: int) -> list[Any]:
    """Return a batch in parts of at most `size` samples, in order."""
    total = len(batch.actions)
    if total <= size:
        return [batch]
    parts = [slice(start, start + size) for start in range(0, total, size)]
    return [
        type(batch)({k: v[s] for k, v in batch.observations.items()}, *(field[s] for field in batch[1:])) for s in parts
    ]


def explained_variance(values: Any, returns: Any) -> float:
    """Return 1 - var(error) / var(returns); 1 is perfect, 0 no better than the mean, nan where returns do not vary."""
    variance = float(np.var(returns))
    return float(1 - np.var(returns - values) / variance) if variance > 0 else float("nan")
