"""How good a policy is on one problem: an episode of its most probable cells and a few drawn from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from agents.gnn.choosing import rank, sample
from floorplan.env import ConstructBatch, ConstructConfig, Finished
from floorplan.netlist import Problem

__all__ = ["Evaluation", "Evaluator", "play_once"]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a policy came to.

    Attributes:
        plain: exact proxy of the episode of most probable cells; what a dead end costs, if it was one.
        drawn: mean of that over the episodes drawn; `plain` where there are none.
        finished: complete episodes.
        dead_ends: episodes that were not completed.
    """

    plain: float
    drawn: float
    finished: list[Finished]
    dead_ends: int

    @property
    def score(self) -> float:
        """Return the mean of both, lower is better: the one is what the policy is used for, the other steadies it."""
        return (self.plain + self.drawn) / 2


class Evaluator:
    """Plays the same episodes with the same random numbers each time, so that two policies differ by what they are."""

    def __init__(
        self, problem: Problem, config: ConstructConfig, samples: int, seed: int, device: torch.device
    ) -> None:
        self.batch = ConstructBatch(problem, 1 + samples, config, seed=seed, auto_reset=True)
        self.seed = seed
        self.device = device

    def __call__(self, network: torch.nn.Module) -> Evaluation:
        """Return what a network that is bound to the problem comes to."""
        batch = self.batch
        finished = play_once(network, batch, self.seed, self.device)
        proxy = np.full(batch.num_envs, -batch.config.dead_end_reward)
        for f in finished:
            proxy[f.env] = f.cost.proxy
        drawn = float(proxy[1:].mean()) if len(proxy) > 1 else float(proxy[0])
        return Evaluation(float(proxy[0]), drawn, finished, batch.num_envs - len(finished))


def play_once(network: torch.nn.Module, batch: ConstructBatch, seed: int, device: torch.device) -> list[Finished]:
    """Play one episode in each environment, that of number 0 with the most probable cells, the others drawn.

    Args:
        network: bound to the netlist.
        batch: whose episodes begin anew when they end; what is played after a dead end does not count.
        seed: of the draws and of random macro orders.
        device: of the network.

    Returns:
        the complete episodes, in the order in which they ended.
    """
    generator = torch.Generator().manual_seed(seed)
    batch.reset(seed)
    on = np.ones(batch.num_envs, np.bool_)
    finished: list[Finished] = []
    while on.any():
        log_prob = rank(network, batch.obs, batch.masks, device)
        actions = sample(log_prob, generator)
        actions[0] = log_prob[0].argmax()
        done = batch.step(actions.cpu().numpy()).done
        finished.extend(f for f in batch.finished if on[f.env])
        on &= ~done
    return finished
