"""The environment's own configuration from that of a run."""

from __future__ import annotations

from pathlib import Path

from agents.ppo.config import EnvConfig
from floorplan.cost import CostOptions, CostWeights
from floorplan.env import ConstructConfig

__all__ = ["construct_config"]


def construct_config(env: EnvConfig) -> ConstructConfig:
    """Return the environment's own configuration object."""
    weights = CostWeights(env.wirelength_weight, env.density_weight, env.congestion_weight)
    given = {} if env.soft_placer is None else {"soft_placer": env.soft_placer}
    return ConstructConfig(
        order=env.order,
        order_file=None if env.order_file is None else Path(env.order_file),
        reward=env.reward,
        soft_start=env.soft_start,
        outlooks=env.outlooks,
        dead_end_reward=env.dead_end_reward,
        cost=CostOptions(weights=weights),
        **given,
    )
