"""A rollout buffer that keeps masks as booleans and shuffles with a generator of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sb3_contrib.common.maskable.buffers import MaskableDictRolloutBuffer, MaskableDictRolloutBufferSamples

__all__ = ["PlacementRolloutBuffer"]


class PlacementRolloutBuffer(MaskableDictRolloutBuffer):  # type: ignore[misc]  # sb3_contrib's types are skipped
    """Differs from its parent in three ways.

    Masks take one byte a cell instead of four; memory is taken once and reused, and minibatches are gathered from it
    without a flattened copy of the whole rollout; the order of samples comes from `rng`, not from numpy's global state.
    """

    def __init__(self, *args: Any, rng: np.random.Generator | None = None, **kwargs: Any) -> None:
        self.rng = np.random.default_rng(0) if rng is None else rng
        self._ready = False
        super().__init__(*args, **kwargs)

    def reset(self) -> None:
        """Empty the buffer, keeping its memory."""
        if not self._ready:
            super().reset()
            self.observations = {
                k: np.zeros((self.buffer_size, self.n_envs, *shape), self.observation_space[k].dtype)
                for k, shape in self.obs_shape.items()
            }
            self.action_masks = np.zeros((self.buffer_size, self.n_envs, self.mask_dims), np.bool_)
            self._ready = True
        self.pos = 0
        self.full = False

    def get(self, batch_size: int | None = None) -> Iterator[MaskableDictRolloutBufferSamples]:
        """Yield the rollout once, in random order, in parts of `batch_size`."""
        total = self.buffer_size * self.n_envs
        order = self.rng.permutation(total)
        size = total if batch_size is None else batch_size
        for start in range(0, total, size):
            yield self._get_samples(order[start : start + size])

    def _get_samples(self, batch_inds: npt.NDArray[np.int64], env: Any = None) -> MaskableDictRolloutBufferSamples:  # noqa: ARG002  # parent's signature
        t, e = np.divmod(batch_inds, self.n_envs)

        def take(a: npt.NDArray[Any]) -> torch.Tensor:
            return torch.from_numpy(a[t, e]).to(self.device)

        return MaskableDictRolloutBufferSamples(
            observations={name: take(a) for name, a in self.observations.items()},
            actions=take(self.actions).long().flatten(),
            old_values=take(self.values),
            old_log_prob=take(self.log_probs),
            advantages=take(self.advantages),
            returns=take(self.returns),
            action_masks=take(self.action_masks),
        )
