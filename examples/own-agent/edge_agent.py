"""An agent that keeps macros near the edge of the canvas."""

import numpy as np

from agents.base import Budget, BudgetClock, ProgressCallback, Result, legal_result
from floorplan.env import ConstructBatch
from floorplan.errors import InfeasibleProblemError
from floorplan.netlist import Problem


class EdgeAgent:
    """Puts each macro on the legal cell nearest to the edge, give or take some noise."""

    name = "edge"

    def __init__(self, noise: float = 0.2, num_envs: int = 4, patience: int = 1000) -> None:
        self.noise = noise
        self.num_envs = num_envs
        self.patience = patience

    def place(self, problem: Problem, budget: Budget, seed: int, progress: ProgressCallback | None = None) -> Result:
        """Return the best of as many episodes as the budget allows."""
        clock = BudgetClock(budget)
        rng = np.random.default_rng(seed)
        batch = ConstructBatch(problem, self.num_envs, seed=seed)
        y = np.abs(np.linspace(-1, 1, problem.canvas.rows))[:, None]
        x = np.abs(np.linspace(-1, 1, problem.canvas.columns))[None, :]
        nearness = np.maximum(x, y).ravel()  # 0 in the middle, 1 at the edge

        best, dead_ends = None, 0
        while not clock.spent and (best is not None or dead_ends < self.patience):
            score = nearness + self.noise * rng.random(batch.masks.shape)
            step = batch.step(np.where(batch.masks, score, -1.0).argmax(axis=1))
            clock.proposals += batch.num_envs
            dead_ends += int(step.dead_end.sum())
            for episode in batch.finished[: clock.episodes_left]:
                clock.episodes += 1
                if best is None or episode.cost.proxy < best.cost.proxy:
                    best = episode
            if progress is not None:
                progress(clock.progress(best.cost if best else None))
        if best is None:
            raise InfeasibleProblemError(f"all {dead_ends} episodes ended before the last macro stood")
        return legal_result(problem, best.placement, best.cost, clock)
