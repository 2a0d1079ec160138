"""Random legal placements: the floor under every comparison."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from agents.base import Budget, BudgetClock, ProgressCallback, Result, legal_result
from floorplan.env import ConstructBatch, ConstructConfig, Finished
from floorplan.errors import InfeasibleProblemError
from floorplan.netlist import Problem

__all__ = ["RandomAgent", "random_actions"]


def random_actions(masks: npt.NDArray[np.bool_], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Draw one legal cell a row, each as likely.

    Args:
        masks: (B, A) legal cells.
        rng: one number is drawn from it per row.

    Returns:
        (B,) cells; 0 for a row without a legal one.
    """
    seen = np.cumsum(masks, axis=1)
    nth = (rng.random(len(masks)) * seen[:, -1]).astype(np.int64)
    chosen: npt.NDArray[np.int64] = (seen > nth[:, None]).argmax(axis=1)
    return chosen


class RandomAgent:
    """Places macros on uniformly random legal cells, many episodes at once, and keeps the best complete placement.

    An episode that runs into a dead end costs its proposals and its time but does not count as an episode.

    Args:
        num_envs: episodes side by side; fewer where the budget asks for fewer.
        config: rules of the game, among them the macro order and the soft-macro placer.
        patience: dead ends in a row, none of the episodes having been completed before, after which to give up.
    """

    name = "random"

    def __init__(self, num_envs: int = 32, config: ConstructConfig | None = None, patience: int = 2000) -> None:
        self.num_envs = num_envs
        self.config = config or ConstructConfig()
        self.patience = patience

    def place(self, problem: Problem, budget: Budget, seed: int, progress: ProgressCallback | None = None) -> Result:
        """Return the best of the complete episodes within the budget.

        Raises:
            InfeasibleProblemError: no episode was completed; the message counts the dead ends.
        """
        clock = BudgetClock(budget)
        batch = ConstructBatch(problem, self._side_by_side(budget, len(problem.movable_hard)), self.config, seed)
        rng = np.random.default_rng(seed)
        best: Finished | None = None
        dead_ends = 0
        while not clock.spent and (best is not None or dead_ends < self.patience):
            left = clock.proposals_left
            if left is not None and left < batch.num_envs:
                break
            result = batch.step(random_actions(batch.masks, rng))
            clock.proposals += batch.num_envs
            dead_ends += int(result.dead_end.sum())
            for episode in batch.finished[: clock.episodes_left]:
                clock.episodes += 1
                if best is None or episode.cost.proxy < best.cost.proxy:
                    best = episode
            if progress is not None and result.done.any():
                progress(clock.progress(best.cost if best else None, f"{dead_ends} dead ends"))
        if best is None:
            raise InfeasibleProblemError(
                f"random placement completed no episode within {budget}: {dead_ends} dead ends, "
                f"{clock.proposals} proposals for {len(problem.movable_hard)} macros"
            )
        return legal_result(problem, best.placement, best.cost, clock)

    def _side_by_side(self, budget: Budget, macros: int) -> int:
        """Return how many environments the budget can keep busy, one complete episode each."""
        wanted = {"s": float(self.num_envs), "p": budget.amount // macros, "e": budget.amount}[budget.kind]
        return max(1, min(self.num_envs, int(wanted)))
