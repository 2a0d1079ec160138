"""Step size and other weights of an update, as the number of episodes played has them."""

from __future__ import annotations

import torch

from agents.ppo.config import PPOConfig

__all__ = ["decayed", "set_step_size"]


def decayed(value: float, episodes: int, half_life: float) -> float:
    """Return what is left of `value` after that many episodes; half_life 0 keeps it."""
    return float(value * 0.5 ** (episodes / half_life)) if half_life > 0 else value


def set_step_size(optimizer: torch.optim.Optimizer, config: PPOConfig, episodes: int) -> float:
    """Set and return Adam's step size after so many episodes."""
    warm = min(1.0, episodes / config.warmup) if config.warmup else 1.0
    lr = decayed(config.learning_rate * warm, episodes, config.learning_rate_half_life)
    for group in optimizer.param_groups:
        group["lr"] = lr
    return lr
