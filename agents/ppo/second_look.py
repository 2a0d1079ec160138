"""The second look: every macro of a finished placement is lifted once and put back where the exact cost is least."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from agents.gnn.choosing import rank
from agents.ppo.config import CHOICES
from floorplan.cost import Cost, CostOptions
from floorplan.env import Finished
from floorplan.env.choice import RefineConfig
from floorplan.env.refine import RefineBatch
from floorplan.netlist import Placement, Problem

__all__ = ["SecondLook", "least_of"]

I64 = npt.NDArray[np.int64]
Floats = npt.NDArray[np.floating[Any]]


def least_of(batch: RefineBatch, scores: Floats, choices: int = CHOICES) -> I64:
    """Return (B,) the cell of the least exact cost among the `choices` cells of the highest score.

    Args:
        batch: with a macro in hand.
        scores: (B, A) what the policy thinks of each cell; below all others where a cell is not legal.
        choices: K.
    """
    k = min(choices, batch.num_actions)
    if k == batch.num_actions:
        cells = np.broadcast_to(np.arange(k), scores.shape)
    else:
        cells = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        cells.sort(axis=1)  # so that of cells of one cost the same is taken on every machine
    least: I64 = cells[np.arange(len(cells)), batch.changes(cells).argmin(axis=1)]
    return least


class SecondLook:
    """Passes of the refine game that belong to a rollout, for B placements of one problem side by side.

    The order in which macros are lifted is drawn, and is the same for all of them.

    Args:
        problem: what is placed.
        count: B.
        choices: cells costed for a macro.
        cost: weights and options of the proxy cost.
        seed: of the orders.
    """

    def __init__(
        self, problem: Problem, count: int, choices: int = CHOICES, cost: CostOptions | None = None, seed: int = 0
    ) -> None:
        self.choices = choices
        self.seed = seed
        config = RefineConfig(choice="given", cost=cost or CostOptions())
        self.batch = RefineBatch(problem, count, config, seed, auto_reset=False)

    def __call__(self, start: Sequence[Placement], scores: Callable[[], Floats], number: int = 0) -> list[Finished]:
        """Return what one pass makes of B placements, in their order.

        Args:
            start: B complete legal placements.
            scores: gives (B, A) scores of cells for the batch as it stands, lowest where not legal.
            number: of the pass; each has an order of its own.
        """
        batch = self.batch
        order = np.random.default_rng([self.seed, number]).permutation(batch.dims.macros)
        batch.begin(list(start), np.tile(order, (batch.num_envs, 1)))
        for _ in range(batch.lifts):
            batch.step(least_of(batch, scores(), self.choices))
        return batch.finished

    def by(self, network: Any, device: torch.device | None = None) -> Callable[[], Floats]:
        """Return what scores cells as a network that is bound to the problem does."""

        def scores() -> npt.NDArray[np.float32]:
            found: npt.NDArray[np.float32] = rank(network, self.batch.obs, self.batch.masks, device).cpu().numpy()
            return found

        return scores

    def improve(
        self,
        placement: Placement,
        scores: Callable[[], Floats],
        passes: int,
        soft_anew: Callable[[Placement], tuple[Placement, Cost]],
        first: int = 0,
    ) -> tuple[Placement, Cost]:
        """Return what some passes make of one placement, the soft macros placed anew after each where that helps.

        Args:
            placement: complete and legal; B is 1.
            scores: as in a call.
            passes: at least one.
            soft_anew: returns the placement with its soft macros placed anew, and its cost.
            first: number of the first pass; each number is another order of macros.
        """
        now, cost = placement, None
        for number in range(first, first + passes):
            made = self([now], scores, number)[0]
            again, other = soft_anew(made.placement)
            now, cost = (again, other) if other.proxy < made.cost.proxy else (made.placement, made.cost)
        if cost is None:
            raise ValueError("a second look has at least one pass")
        return now, cost
