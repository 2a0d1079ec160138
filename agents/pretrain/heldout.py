"""How good a policy is on netlists it was not trained on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from agents.gnn.instance import Instance
from agents.gnn.policy import masked_log_prob, sample
from agents.ppo.config import RunConfig
from agents.ppo.trainer import construct_config
from floorplan.env import ConstructBatch, Finished
from floorplan.netlist import Placement, Problem

__all__ = ["Exam", "Grade", "geometric_mean"]


@dataclass(frozen=True)
class Grade:
    """What a policy makes of one netlist, in units of its reference cost.

    Attributes:
        zero_shot: of the most probable cells; a dead end counts as the reward of one.
        sampled: mean over episodes drawn from the policy, likewise; None where none are drawn.
        best: lowest of all that were completed; None if none was.
        placement: that one.
    """

    zero_shot: float
    sampled: float | None
    best: float | None
    placement: Placement | None = field(default=None, compare=False)


class Exam:
    """A netlist that is held out, set up once."""

    def __init__(
        self, name: str, problem: Problem, reference: float, config: RunConfig, samples: int, device: str = "cpu"
    ) -> None:
        self.name = name
        self.problem = problem
        self.reference = reference
        self.dead_end = -config.env.dead_end_reward
        self.batch = ConstructBatch(problem, 1 + samples, construct_config(config.env))
        self.device = torch.device(device)
        instance = Instance.of(problem, self.batch.graph)
        self.instance = instance if device == "cpu" else instance.to(self.device)

    def grade(self, network: nn.Module, seed: int) -> Grade:
        """Play the exam: one episode of the most probable cells and the samples, side by side."""
        bound: Any = network
        bound.bind(self.instance)
        batch = self.batch
        batch.reset(seed)
        generator = torch.Generator().manual_seed(seed)
        ratio = np.full(batch.num_envs, self.dead_end)
        best: Finished | None = None
        running, complete = np.ones(batch.num_envs, np.bool_), np.zeros(batch.num_envs, np.bool_)
        for _ in range(batch.dims.macros):
            with torch.no_grad():
                logits, _values = network({k: torch.from_numpy(v).to(self.device) for k, v in batch.obs.items()})
                log_prob = masked_log_prob(logits, torch.from_numpy(batch.masks).to(self.device))
                actions = sample(log_prob, generator)
                actions[0] = log_prob[0].argmax()
            result = batch.step(actions.cpu().numpy())
            for f in batch.finished:
                if running[f.env]:  # an episode begun after a dead end does not count
                    ratio[f.env] = f.cost.proxy / self.reference
                    complete[f.env] = True
                    best = f if best is None or f.cost.proxy < best.cost.proxy else best
            running &= ~result.done
        bound.release()
        done = ratio[complete]
        return Grade(
            zero_shot=float(ratio[0]),
            sampled=float(ratio[1:].mean()) if len(ratio) > 1 else None,
            best=float(done.min()) if len(done) else None,
            placement=None if best is None else best.placement,
        )


def geometric_mean(values: Sequence[float]) -> float:
    """Return the geometric mean of positive numbers."""
    return math.exp(sum(math.log(v) for v in values) / len(values))
