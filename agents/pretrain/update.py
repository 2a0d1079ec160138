"""One update of the shared network from the episodes of several netlists of different sizes and grids."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from agents.ppo.algorithm import UpdateStats, explained_variance, microbatches, update_loss
from agents.ppo.config import PPOConfig
from agents.ppo.schedule import decayed, set_step_size
from agents.pretrain.member import Member

__all__ = ["Lesson", "learn"]

Lesson = Callable[[], torch.Tensor]
"""Gives a loss of another kind, the network bound as it needs it."""


def learn(
    members: Sequence[Member],
    optimizer: torch.optim.Optimizer,
    config: PPOConfig,
    episodes: int,
    rng: np.random.Generator,
    lesson: Lesson | None = None,
    lesson_weight: float = 1.0,
) -> UpdateStats:
    """Improve the network that the members share from what each has just played.

    Every minibatch holds the same share of each member's samples; each member's part is a mean over its own samples, so
    a netlist of many macros weighs no more than one of few. Gradients are summed part by part with the network bound to
    one netlist at a time: nothing is padded. Advantages have mean 0 on each netlist and the scale of all of them.

    Args:
        members: with full rollout buffers.
        optimizer: of the shared network.
        config: of PPO; `minibatch` counts the samples of all members together.
        episodes: played so far, what schedules go by.
        rng: for the order of samples.
        lesson: what else to learn from at each step; its gradient may be as long as `lesson_weight` times the longest
            of PPO. (Cross-entropy with near-best cells pulls ten times as hard as PPO does: summed before they are
            clipped, nothing of PPO would be left.)
        lesson_weight: see `lesson`.
    """
    lr = set_step_size(optimizer, config, episodes)
    entropy_coef = decayed(config.entropy, episodes, config.entropy_half_life)
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for m in members:
        m.model.policy.set_training_mode(True)
    explained = _normalise([m.model.rollout_buffer for m in members])
    total = sum(m.samples for m in members)
    steps = max(1, round(total / config.minibatch))

    sums = np.zeros(5)
    norms: list[float] = []
    samples = epochs = 0
    stopped = False
    while epochs < config.epochs and not stopped:
        epochs += 1
        orders = [np.array_split(rng.permutation(m.samples), steps) for m in members]
        for step in range(steps):
            optimizer.zero_grad(set_to_none=True)
            kl = 0.0
            for member, order in zip(members, orders, strict=True):
                picked = order[step]
                if len(picked) == 0:
                    continue
                figures = _backward(member, picked, config, entropy_coef, 1 / len(members))
                sums += figures
                samples += len(picked)
                kl += float(figures[3]) / len(picked) / len(members)
            if config.target_kl and kl > 1.5 * config.target_kl:
                stopped = True
                break
            norms.append(float(torch.nn.utils.clip_grad_norm_(parameters, config.grad_clip)))
            if lesson is not None:
                _add_lesson(lesson, parameters, lesson_weight * config.grad_clip)
            optimizer.step()
    for m in members:
        m.model.policy.set_training_mode(False)
    return UpdateStats.of(
        sums, samples, norms, explained_variance=explained, learning_rate=lr, entropy_coef=entropy_coef, epochs=epochs
    )


def _add_lesson(lesson: Lesson, parameters: Sequence[torch.Tensor], longest: float) -> None:
    """Add the gradient of a lesson, cut to a length, to the gradients that are there."""
    present = [None if p.grad is None else p.grad.detach().clone() for p in parameters]
    for p in parameters:
        p.grad = None
    lesson().backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    torch.nn.utils.clip_grad_norm_(parameters, longest)
    for p, other in zip(parameters, present, strict=True):
        if other is not None:
            p.grad = other if p.grad is None else p.grad + other


def _backward(
    member: Member, picked: npt.NDArray[np.int64], config: PPOConfig, entropy_coef: float, weight: float
) -> npt.NDArray[np.float64]:
    """Add the gradient of a member's samples, times `weight`; return sums of its figures."""
    policy: Any = member.model.policy
    member.bind()
    batch = member.model.rollout_buffer._get_samples(picked)
    sums = np.zeros(5)
    for part in microbatches(batch, config.microbatch):
        loss, figures = update_loss(policy, part, config, entropy_coef)
        (loss * (weight * len(part.actions) / len(picked))).backward()  # type: ignore[no-untyped-call]  # untyped
        sums += figures
    return sums


def _normalise(buffers: Sequence[Any]) -> float:
    """Bring advantages to mean 0 on each netlist and to variance 1 in all; return the variance that values explain."""
    centred = [b.advantages - b.advantages.mean() for b in buffers]
    scale = float(np.sqrt(np.mean([np.mean(a**2) for a in centred]))) + 1e-8
    for b, a in zip(buffers, centred, strict=True):
        b.advantages = (a / scale).astype(np.float32)
    values, returns = (np.concatenate([getattr(b, name).ravel() for b in buffers]) for name in ("values", "returns"))
    return explained_variance(values, returns)
