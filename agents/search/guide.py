"""A trained policy inside search: where each hard macro would go, were it lifted out of the placement at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from agents.ppo.policyfile import SHIPPED, find_policy, shipped_policy
from floorplan.cost import CostOptions
from floorplan.netlist import Placement, Problem

__all__ = ["Guide", "wanted_policy"]

WIDEST = 64
"""Macros lifted side by side; what lifting them all takes in memory is bounded by it."""

CELLS = 32
"""Most probable cells of a macro that become hints."""

GRAIN = 4096
"""Probabilities are rounded to multiples of one over this: the last bits of a network depend on the machine."""


def wanted_policy(option: str | Path) -> Path | None:
    """Return the policy that an agent's option stands for: a path, `shipped`, or none at all where it is empty.

    Raises:
        CheckpointError: a path is given, and no policy is there.
    """
    if not str(option):
        return None
    return shipped_policy() if option == SHIPPED else find_policy(option)


class Guide:
    """Turns a policy into hints for hard macros.

    Each movable hard macro is lifted in turn, as in the refine game; one batched pass of the network gives it a
    distribution over the cells. Importing torch and building the game take seconds: make one guide for a whole search.

    Args:
        problem: what is placed.
        policy: its weights file.
        cost: weights and options of the proxy cost.

    Raises:
        CheckpointError: no policy, damaged, or made for other observations.
    """

    def __init__(self, problem: Problem, policy: Path, cost: CostOptions) -> None:
        from agents.gnn.instance import Instance
        from agents.ppo.policyfile import load_policy
        from floorplan.env import MAP_CHANNELS
        from floorplan.env.choice import RefineConfig
        from floorplan.env.refine import RefineBatch

        self.macros = len(problem.movable_hard)
        self._batch = RefineBatch(problem, min(self.macros, WIDEST), RefineConfig(lifts=1, cost=cost))
        instance = Instance.of(problem, self._batch.graph)
        scalars = self._batch.obs["scalars"].shape[1]
        network: Any = load_policy(policy, instance, tuple(MAP_CHANNELS), scalars)[0]
        self._network = network.eval()

    def hints(self, placement: Placement) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64]]:
        """Return cells (H, K) and their probabilities for each movable hard macro of a legal placement.

        The row of a macro that finds no legal cell is all zeros.
        """
        from agents.gnn.choosing import rank

        batch = self._batch
        k = min(CELLS, batch.num_actions)
        cells = np.zeros((self.macros, k), np.int32)
        chance = np.zeros((self.macros, k))
        for first in range(0, self.macros, batch.num_envs):
            # The last round lifts some macros twice.
            lifted = np.minimum(np.arange(first, first + batch.num_envs), self.macros - 1)
            batch.begin(placement, lifted)
            p = rank(self._network, batch.obs, batch.masks).exp().numpy()
            p = np.where(batch.masks, np.round(p * GRAIN) / GRAIN, 0.0)
            best = np.argsort(-p, axis=1, kind="stable")[:, :k]
            cells[lifted] = best
            chance[lifted] = np.take_along_axis(p, best, axis=1)
        return cells, chance
