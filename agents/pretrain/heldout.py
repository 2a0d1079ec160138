"""How good a policy is on netlists it was not trained on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from agents.gnn.instance import Instance
from agents.ppo.config import CHOICES, RunConfig
from agents.ppo.evaluate import play_once
from agents.ppo.gameconfig import construct_config
from agents.ppo.second_look import SecondLook
from agents.pretrain.library import Library
from floorplan.env import ConstructBatch, Finished
from floorplan.netlist import SYMMETRIES, Placement, Problem, mirror, relabel

__all__ = ["Exam", "Grade", "HeldOut", "geometric_mean", "score_row"]

EXAM_SEED = 20
"""Of the sampled episodes: the same at every evaluation, so that scores differ by policy alone."""


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
        self,
        name: str,
        problem: Problem,
        reference: float,
        config: RunConfig,
        samples: int,
        device: str = "cpu",
        *,
        looks: int = 0,
        choices: int = CHOICES,
    ) -> None:
        self.name = name
        self.problem = problem
        self.reference = reference
        self.dead_end = -config.env.dead_end_reward
        rules = construct_config(config.env)
        self.batch = ConstructBatch(problem, 1 + samples, rules)
        self.looks = looks
        self._second = SecondLook(problem, 1, choices, rules.cost) if looks else None
        self.device = torch.device(device)
        instance = Instance.of(problem, self.batch.graph)
        self.instance = instance if device == "cpu" else instance.to(self.device)

    def grade(self, network: nn.Module, seed: int) -> Grade:
        """Play the exam: the samples side by side with one episode of most probable cells, which gets a second look."""
        bound: Any = network
        bound.bind(self.instance)
        finished = play_once(network, self.batch, seed, self.device)
        if self._second is not None:
            finished = [f if f.env else self._look_again(self._second, network, f) for f in finished]
        bound.release()
        ratio = np.full(self.batch.num_envs, self.dead_end)
        for f in finished:
            ratio[f.env] = f.cost.proxy / self.reference
        best = min(finished, key=lambda f: f.cost.proxy, default=None)
        return Grade(
            zero_shot=float(ratio[0]),
            sampled=float(ratio[1:].mean()) if len(ratio) > 1 else None,
            best=None if best is None else best.cost.proxy / self.reference,
            placement=None if best is None else best.placement,
        )

    def _look_again(self, second: SecondLook, network: nn.Module, made: Finished) -> Finished:
        scores = second.by(network, self.device)
        for number in range(self.looks):
            made = replace(second([made.placement], scores, number)[0], env=made.env)
        return made


class HeldOut:
    """All held-out netlists of a pool, set up when they are asked for first."""

    def __init__(self, library: Library, device: str) -> None:
        self._library = library
        self._device = device
        self._exams: dict[str, list[Exam]] | None = None

    def grades(self, network: nn.Module) -> dict[str, Grade]:
        """Return what the policy makes of each netlist that greedy placement can finish, by name.

        One cell chosen otherwise early on moves a rollout's cost by a per cent. So each netlist is graded in several of
        its symmetric views, and their mean is what counts.
        """
        if self._exams is None:
            self._exams = {exams[0].name: exams for exams in self._set_up()}
        return {
            name: _mean_grade([exam.grade(network, EXAM_SEED) for exam in exams]) for name, exams in self._exams.items()
        }

    def _set_up(self) -> Iterator[list[Exam]]:
        library, settings = self._library, self._library.pool.settings
        for netlist in library.pool.held_out:
            reference = library.known(netlist, "held_out").reference
            if reference is None:
                continue
            problem = library.problem(netlist)
            others = list(enumerate(SYMMETRIES))[1 : settings.views]
            views = [problem, *(relabel(mirror(problem, *flip), k).problem for k, flip in others)]
            yield [
                Exam(
                    netlist.name,
                    view,
                    reference,
                    library.config,
                    settings.samples,
                    self._device,
                    looks=settings.looks,
                    choices=settings.choices,
                )
                for view in views
            ]


def _mean_grade(grades: Sequence[Grade]) -> Grade:
    """Return the geometric mean of the views' grades; the best is that of the netlist as it is, with its placement."""
    sampled = [g.sampled for g in grades if g.sampled is not None]
    return replace(
        grades[0],
        zero_shot=geometric_mean([g.zero_shot for g in grades]),
        sampled=geometric_mean(sampled) if sampled else None,
    )


def score_row(grades: Mapping[str, Grade], best: float | None) -> dict[str, Any]:
    """Return the metrics of grades, empty where there are none.

    `held_out` is the score, the geometric mean of the zero-shot grades; `best_held_out` the lowest so far, `best` being
    that of all evaluations before.
    """
    if not grades:
        return {}
    score = geometric_mean([g.zero_shot for g in grades.values()])
    sampled = [g.sampled for g in grades.values() if g.sampled is not None]
    return {
        "held_out": score,
        "best_held_out": score if best is None else min(score, best),
        "held_out_sampled": geometric_mean(sampled) if sampled else None,
        "zero_shot": {name: g.zero_shot for name, g in grades.items()},
        "best_of": {name: g.best for name, g in grades.items()},
    }


def geometric_mean(values: Sequence[float]) -> float:
    """Return the geometric mean of positive numbers."""
    return math.exp(sum(math.log(v) for v in values) / len(values))
