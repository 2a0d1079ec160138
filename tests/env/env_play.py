"""Plays either game at random and notes every bit that can be seen of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from env_problems import random_actions

from floorplan.env import ConstructBatch, RefineBatch


def snapshot(b: ConstructBatch | RefineBatch) -> list[np.ndarray]:
    """Copy what can be seen of a batch as it stands; every array has an environment a row."""
    exact = [np.array([c.proxy for c in b.costs])] if isinstance(b, RefineBatch) else []
    return [a.copy() for a in (*b.obs.values(), b.masks, b.wl_change_um, b.cost_change, b.partial)] + exact


def play(b: ConstructBatch | RefineBatch, steps: int, seed: int = 0) -> list[np.ndarray]:
    """Play random moves and return rewards and observations of all steps."""
    rng, out = np.random.default_rng(seed), []
    for _ in range(steps):
        result = b.step(random_actions(b, rng))
        out += [b.reward_exact.copy(), result.done, result.dead_end, *snapshot(b)]
        out += [b.proposed.copy()] if isinstance(b, RefineBatch) else []
        out += [np.array([f.env, f.cost.proxy, f.reward_sum]) for f in b.finished]
        out += [f.placement.x_um for f in b.finished]
    return out


def assert_same(a: Sequence[np.ndarray], b: Sequence[np.ndarray]) -> None:
    assert len(a) == len(b)
    for k, (x, y) in enumerate(zip(a, b, strict=True)):
        np.testing.assert_array_equal(x, y, err_msg=f"array {k}")
