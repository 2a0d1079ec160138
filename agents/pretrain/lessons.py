"""Search as the teacher of a run: collects experts for some of its netlists, and turns them into losses."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor, nn

from agents.ppo.algorithm import StepBaseline
from agents.ppo.config import RunConfig
from agents.ppo.gameconfig import construct_config
from agents.ppo.schedule import decayed
from agents.pretrain.clone import CloneConfig, CloneFigures, Cloner
from agents.pretrain.expertfiles import ExpertSet
from agents.pretrain.experts import ExpertProgress, collect_experts, refresh
from agents.pretrain.pool import Pool, PoolError, PoolNetlist
from agents.pretrain.scripts import fit_scripts
from agents.pretrain.targets import TargetConfig
from floorplan.env import ConstructConfig
from floorplan.interrupt import stop_wanted
from floorplan.netlist import Placement, Problem

__all__ = ["Pupil", "Teacher", "TeacherSettings", "pupils_of", "teacher_settings"]

log = logging.getLogger(__name__)

SCRIPT_SHARE = 0.3
"""Of the time for experts, what goes into games that end near them."""

SEARCH_SHARE = 0.6
"""Of the teacher's time, what search and those games get; lessons are prepared in the rest."""


class TeacherSettings(BaseModel):
    """`[settings.teacher]` of a pool.

    Attributes:
        netlists: training netlists that search teaches: those in files first, then generated ones of every source.
        seconds_per_netlist: of search for each of them.
        share: of a budget in seconds, what search and the preparation of lessons take at most; netlists that there is
            no time to prepare are not taught.
        placements: near-best placements of each.
        warm_steps: optimiser steps of cloning alone before the first round of play (where both are learned from).
        steps_a_round: optimiser steps in a round of cloning alone.
        weight: longest gradient of cloning over that of PPO, at the start.
        half_life: episodes after which that weight has halved; 0: constant.
        refresh_every: rounds of play after which search goes on from the policy's placement of one netlist; 0: never.
        refresh_seconds: of search then.
        clone: fields of `CloneConfig`, with those of `TargetConfig` under `targets`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    netlists: int = Field(16, ge=1)
    seconds_per_netlist: float = Field(20.0, gt=0)
    share: float = Field(0.35, gt=0, lt=1)
    placements: int = Field(2, ge=1)
    warm_steps: int = Field(300, ge=0)
    steps_a_round: int = Field(20, ge=1)
    weight: float = Field(0.3, ge=0)
    half_life: float = Field(1500.0, ge=0)
    refresh_every: int = Field(0, ge=0)
    refresh_seconds: float = Field(5.0, gt=0)
    clone: dict[str, Any] = {}

    def clone_config(self) -> CloneConfig:
        """Return the configuration of cloning."""
        given = dict(self.clone)
        return CloneConfig(**given | {"targets": TargetConfig(**given.pop("targets", {}))})


def teacher_settings(pool: Pool) -> TeacherSettings:
    """Return the checked settings of a pool's teacher.

    Raises:
        PoolError: a key is unknown or its value wrong.
    """
    try:
        settings = TeacherSettings.model_validate(pool.settings.teacher)
    except ValidationError as e:
        first = e.errors(include_url=False)[0]
        key = ".".join(["settings.teacher", *map(str, first["loc"])])
        raise PoolError(pool.path, key, first["msg"]) from None
    try:
        settings.clone_config()
    except (TypeError, ValueError) as e:
        raise PoolError(pool.path, "settings.teacher.clone", str(e)) from None
    return settings


def pupils_of(pool: Pool, count: int) -> list[PoolNetlist]:
    """Return the netlists that search teaches: the first of every source, then the second of each, and so on."""
    columns = [list(s.netlists) for s in pool.sources]
    by_turn = [c[i] for i in range(max(map(len, columns))) for c in columns if i < len(c)]
    unique = {n.name: n for n in by_turn}
    return list(unique.values())[:count]


@dataclass(frozen=True)
class Pupil:
    """A netlist that search teaches."""

    name: str
    problem: Problem
    reference: float


class Teacher:
    """Experts of some netlists in `folder`, and the cloning losses that they give."""

    def __init__(
        self,
        settings: TeacherSettings,
        pupils: Sequence[Pupil],
        config: RunConfig,
        folder: Path,
        network: nn.Module,
        seed: int,
        device: str,
    ) -> None:
        self.settings = settings
        self.pupils = {p.name: p for p in pupils}
        self.folder = folder
        self.seed = seed
        self.rules: ConstructConfig = construct_config(config.env)
        self.cloner = Cloner(network, settings.clone_config(), seed, device)
        self.experts: dict[str, ExpertSet] = {}
        self._refreshed = 0

    def prepare(self, seconds: float | None, progress: Callable[[float, str], None]) -> None:
        """Search for experts, as far as they are not stored yet, and take their lessons in.

        Args:
            seconds: of the whole run's budget; None: it has no seconds.
            progress: is told the share that is done and a word.
        """
        began = time.monotonic()
        wanted = self.settings.seconds_per_netlist * len(self.pupils)
        most = math.inf if seconds is None else self.settings.share * seconds
        total = min(wanted, SEARCH_SHARE * most)
        each = total * SCRIPT_SHARE / max(len(self.pupils), 1)

        def found(p: ExpertProgress) -> None:
            progress(p.done / p.total * (1 - SCRIPT_SHARE), f"{p.netlist}: {p.proxy:.4f}")

        problems = {p.name: p.problem for p in self.pupils.values()}
        search = total * (1 - SCRIPT_SHARE)
        options = self.rules.cost
        self.experts = collect_experts(
            problems, self.folder, search, self.settings.placements, self.seed, found, options
        )
        for i, (name, experts) in enumerate(self.experts.items()):
            if stop_wanted() or (self.ready and time.monotonic() - began > most):
                log.info("no time to prepare lessons on %d netlists", len(self.experts) - i)
                break
            if experts.experts:
                self._take(name, experts, each)
            progress(1 - SCRIPT_SHARE * (1 - (i + 1) / len(self.experts)), name)

    @property
    def ready(self) -> bool:
        """Whether there is anything to learn from."""
        return bool(self.cloner.names)

    def weight(self, episodes: int) -> float:
        """Return the weight of cloning beside PPO after so many episodes of play."""
        return decayed(self.settings.weight, episodes, self.settings.half_life)

    def lesson(
        self, episodes: int, baselines: Mapping[str, StepBaseline], rng: np.random.Generator
    ) -> Callable[[], Tensor] | None:
        """Return what gives losses to learn from beside PPO's; None once they weigh nothing."""
        if self.weight(episodes) < 1e-4 or not self.ready:
            return None
        self.cloner.set_baselines(baselines)
        return self.cloner.lesson(rng, 1.0)

    def train(
        self,
        optimizer: torch.optim.Optimizer,
        baselines: Mapping[str, StepBaseline],
        done: int,
        decay: float,
        rng: np.random.Generator,
    ) -> CloneFigures:
        """Take a round's optimiser steps on cloning alone.

        Args:
            optimizer: of the shared network.
            baselines: of netlists that have been played.
            done: such steps taken before.
            decay: factor on the step size.
            rng: for the draws.
        """
        self.cloner.set_baselines(baselines)
        steps = range(done, done + self.settings.steps_a_round)
        return CloneFigures.mean([self.cloner.step(optimizer, step, decay, rng) for step in steps])

    def next_pupil(self) -> Pupil:
        """Return the netlist whose turn it is to be searched on from what the policy makes of it."""
        names = list(self.cloner.names)
        name = names[self._refreshed % len(names)]
        self._refreshed += 1
        return self.pupils[name]

    def refresh(self, pupil: Pupil, placement: Placement) -> float | None:
        """Search on from the policy's placement; return the proxy of what came in, or None if nothing did."""
        seconds = self.settings.refresh_seconds
        keep = self.settings.placements + 1
        known = self.experts[pupil.name]
        seed = self.seed + 1000 + self._refreshed
        now, new = refresh(known, pupil.problem, placement, seconds, seed, keep, self.rules.cost)
        self.experts[pupil.name] = now
        if new is None:
            return None
        self._take(pupil.name, now, SCRIPT_SHARE * seconds * len(now.experts))
        return new.cost.proxy

    def _take(self, name: str, experts: ExpertSet, seconds: float) -> None:
        pupil = self.pupils[name]
        scripts = fit_scripts(pupil.problem, experts, self.rules, seconds, self.seed)
        if scripts:
            self.cloner.add(
                name, pupil.problem, pupil.reference, self.rules, scripts, experts, netlists=len(self.pupils)
            )
