"""The agent `policy`: places with a trained policy. torch is imported when it places, not when it is made."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from agents.base import Budget, BudgetClock, ProgressCallback, Result, legal_result
from floorplan.errors import CheckpointError, InfeasibleProblemError
from floorplan.netlist import Problem

if TYPE_CHECKING:
    from floorplan.env import Finished

__all__ = ["PolicyAgent"]

BATCH = 16
"""Episodes played side by side; more only help where one forward pass does not fill the machine."""

MAX_TRIES = 20
"""Episodes, dead ends included, that are begun for each one asked for."""


class PolicyAgent:
    """Plays episodes with a stored policy and keeps the best legal placement.

    The first episode takes the most probable cell at every step; all others draw from the policy, seeded.

    Args:
        policy: a run folder, a policy folder, or a `policy.safetensors` file.
    """

    name = "policy"

    def __init__(self, policy: str | Path | None = None) -> None:
        if policy is None:
            raise CheckpointError("agent 'policy' needs a trained policy: a run folder or a .safetensors file")
        self.path = Path(policy)

    def place(self, problem: Problem, budget: Budget, seed: int, progress: ProgressCallback | None = None) -> Result:
        """Return the best placement within the budget; at least one round of episodes is played.

        Raises:
            CheckpointError: no policy, damaged, or made for other observations.
            InfeasibleProblemError: no episode came to a complete legal placement.
        """
        import torch

        from agents.gnn.instance import Instance
        from agents.gnn.policy import masked_log_prob, sample
        from agents.ppo.policyfile import load_policy, read_card
        from agents.ppo.trainer import construct_config
        from floorplan.env import MAP_CHANNELS, ConstructBatch

        clock = BudgetClock(budget)
        card = read_card(self.path)
        batch = ConstructBatch(problem, _width(budget), construct_config(card.env), seed=seed)
        instance = Instance.of(problem, batch.graph)
        scalars = batch.obs["scalars"].shape[1]
        network, _ = load_policy(self.path, instance, tuple(MAP_CHANNELS), scalars)
        generator = torch.Generator().manual_seed(seed)

        best: Finished | None = None
        ended = 0
        greedy = True
        while True:
            with torch.no_grad():
                logits, _values = network({k: torch.from_numpy(v) for k, v in batch.obs.items()})
                log_prob = masked_log_prob(logits, torch.from_numpy(batch.masks))
                actions = sample(log_prob, generator)
                if greedy:
                    actions[0] = log_prob[0].argmax()
            result = batch.step(actions.numpy())
            greedy = greedy and not bool(result.done[0])
            ended += int(result.done.sum())
            clock.proposals += batch.num_envs
            clock.episodes += len(batch.finished)
            for f in batch.finished:
                if best is None or f.cost.proxy < best.cost.proxy:
                    best = f
            if progress is not None and result.done.any():
                dead = ended - clock.episodes
                progress(clock.progress(None if best is None else best.cost, f"{dead} dead ends" if dead else ""))
            if clock.spent and (best is not None or ended >= batch.num_envs):
                break
            if budget.kind == "e" and ended >= MAX_TRIES * budget.amount:
                break  # a policy that finds no way through would never complete the episodes asked for
        if best is None:
            raise InfeasibleProblemError(f"{ended} episodes of the policy ended without a complete placement")
        return legal_result(problem, best.placement, best.cost, clock)


def _width(budget: Budget) -> int:
    """Return how many episodes to play side by side, so that a budget in episodes is met without a remainder."""
    if budget.kind != "e":
        return BATCH
    count = max(1, int(budget.amount))
    return math.ceil(count / math.ceil(count / BATCH))
