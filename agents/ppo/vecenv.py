# ruff: noqa: ARG002  # several signatures are the parent's
"""The batched environment as a vector environment of stable-baselines3: no processes, no per-episode objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv

from floorplan.env import ConstructBatch, Finished

__all__ = ["ConstructVecEnv", "observation_space"]

Arrays = dict[str, npt.NDArray[Any]]


def observation_space(obs: Arrays) -> spaces.Dict:
    """Return the space of one episode's observation, shapes and dtypes read off a batch's arrays."""
    low_high = {"f": (-np.inf, np.inf), "i": (np.iinfo(np.int64).min, np.iinfo(np.int64).max), "b": (0, 1)}
    boxes: dict[str, spaces.Space[Any]] = {}
    for name, a in obs.items():
        low, high = low_high[a.dtype.kind]
        boxes[name] = spaces.Box(low, high, a.shape[1:], a.dtype.type)
    return spaces.Dict(boxes)


class ConstructVecEnv(VecEnv):
    """Steps all episodes of a `ConstructBatch` at once.

    Observations are copies, as stable-baselines3 stores the previous one after stepping. Complete episodes gather in
    `finished`, and the number of dead ends in `dead_ends`, until the trainer takes them.
    """

    def __init__(self, batch: ConstructBatch) -> None:
        self.batch = batch
        self.finished: list[Finished] = []
        self.dead_ends = 0
        self._actions: npt.NDArray[np.int64] = np.zeros(0, np.int64)
        self._infos: list[dict[str, Any]] = [{} for _ in range(batch.num_envs)]
        super().__init__(batch.num_envs, observation_space(batch.obs), spaces.Discrete(batch.num_actions))

    def observe(self) -> Arrays:
        """Return a copy of the present observation."""
        return {name: a.copy() for name, a in self.batch.obs.items()}

    def reset(self) -> Arrays:
        """Begin new episodes everywhere; a seed given to `seed()` takes effect here."""
        self.batch.reset(self._seeds[0])
        self._reset_seeds()
        return self.observe()

    def step_async(self, actions: npt.NDArray[np.int64]) -> None:
        """Keep the actions for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> tuple[Arrays, npt.NDArray[np.float32], npt.NDArray[np.bool_], list[dict[str, Any]]]:
        """Step; episodes that end begin anew at once."""
        result = self.batch.step(self._actions)
        self.finished.extend(self.batch.finished)
        self.dead_ends += int(result.dead_end.sum())
        return self.observe(), result.reward, result.done.copy(), self._infos

    def take_finished(self) -> tuple[list[Finished], int]:
        """Return complete episodes and the number of dead ends since the last call."""
        out = self.finished, self.dead_ends
        self.finished, self.dead_ends = [], 0
        return out

    def close(self) -> None:
        """Nothing to release."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute that all environments share, once an environment."""
        if attr_name == "render_mode":
            return [None] * self.num_envs
        if attr_name == "action_masks":
            return [self.batch.masks] * self.num_envs
        raise AttributeError(attr_name)

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refuse: the batch has no per-environment attributes."""
        raise AttributeError(attr_name)

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """Answer `action_masks`, the one method asked of an environment."""
        if method_name != "action_masks":
            raise AttributeError(method_name)
        return list(self.batch.masks)

    def env_is_wrapped(self, wrapper_class: type[Any], indices: Any = None) -> Sequence[bool]:  # type: ignore[override]
        """Return False for each environment."""
        return [False] * self.num_envs
