"""Cloning: the shared network imitates what search found, on its own or as one more loss beside PPO's."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import smooth_l1_loss

from agents.gnn.choosing import masked_log_prob
from agents.gnn.instance import Instance
from agents.ppo.algorithm import StepBaseline
from agents.pretrain.clonesettings import CloneConfig, CloneFigures
from agents.pretrain.expertfiles import ExpertSet
from agents.pretrain.scripts import Script, script_of_trail, variant_cells
from agents.pretrain.targets import (
    RefineState,
    TargetSet,
    construct_targets,
    refine_states,
    refine_targets,
)
from floorplan.env import ConstructBatch, ConstructConfig
from floorplan.env.choice import RefineConfig
from floorplan.env.refine import RefineBatch
from floorplan.errors import ProblemError
from floorplan.interrupt import stop_wanted
from floorplan.netlist import Problem
from floorplan.netlist.variants import SYMMETRIES, Variant, mirror, relabel

__all__ = ["CloneConfig", "CloneFigures", "Cloner"]

WARM = 20
"""Optimiser steps over which the step size of cloning rises to its value."""

FAR = 4.0
"""Returns further from the baseline, in its scale, are taken for this far: a dead end is some hundred scales off, and
its gradient would drown all others."""


@dataclass(eq=False)
class _View:
    """A variant of a netlist, set up, and what is to be imitated on it."""

    variant: Variant
    instance: Instance
    batch: ConstructBatch
    construct: TargetSet
    refine: TargetSet | None


@dataclass(eq=False)
class _Pupil:
    """A netlist that is cloned."""

    problem: Problem
    reference: float
    rules: ConstructConfig
    teaching: list[Script]
    critical: list[Script]
    weights: npt.NDArray[np.float64]
    states: list[RefineState]
    views: list[_View]
    baseline: StepBaseline | None


class Cloner:
    """Makes losses out of experts for a network that many netlists share.

    For each netlist it holds the steps of some games played to script, in several symmetries and macro orders; one
    after the other is played anew as losses are drawn, so that memory is bounded and the policy meets ever other games.

    Args:
        network: with `bind`, `release` and a call as in `agents.gnn.network`.
        config: of cloning.
        seed: of everything random that is not given a generator.
        device: of the network.
    """

    def __init__(
        self, network: nn.Module, config: CloneConfig | None = None, seed: int = 0, device: str = "cpu"
    ) -> None:
        self.network: Any = network
        self.config = config or CloneConfig()
        self.device = torch.device(device)
        self._seed = seed
        self._rng = np.random.default_rng([seed, 7])
        self._pupils: dict[str, _Pupil] = {}
        self._drawn = 0
        self._optimizer: torch.optim.Adam | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Netlists that are cloned."""
        return tuple(self._pupils)

    @property
    def nbytes(self) -> int:
        """Memory that all targets take."""
        sets = [s for p in self._pupils.values() for v in p.views for s in (v.construct, v.refine) if s is not None]
        return sum(s.nbytes for s in sets)

    def add(
        self,
        name: str,
        problem: Problem,
        reference: float,
        rules: ConstructConfig,
        scripts: Sequence[Script],
        experts: ExpertSet,
        netlists: int = 1,
    ) -> None:
        """Take in a netlist, or take its scripts anew after a refresh.

        Args:
            name: of the netlist.
            problem: which.
            reference: proxy cost that counts as 1.
            rules: of the construct game, with the dead-end reward in units of the reference.
            scripts: games to imitate, weighted by their cost.
            experts: where they come from; the trails give placements to refine and tell the critic of worse games.
            netlists: how many will be taken in, which share the memory.

        Raises:
            ProblemError: there are no scripts, or the reference is not above 0.
        """
        if not scripts or reference <= 0:
            raise ProblemError(
                f"cloning {name!r} needs scripts and a reference above 0, got {len(scripts)}, {reference}"
            )
        rules = replace(rules, dead_end_reward=rules.dead_end_reward * reference)
        teaching = sorted(scripts, key=lambda s: s.cost.proxy)
        proxy = np.array([s.cost.proxy for s in teaching])
        weights = np.exp(-(proxy / proxy[0] - 1) / self.config.targets.margin)
        critical = script_of_trail(problem, experts.trails, rules)
        states = refine_states(experts, teaching, self.config.points) if self.config.refine else []
        old = self._pupils.get(name)
        baseline = old.baseline if old is not None else None
        pupil = _Pupil(problem, reference, rules, teaching, critical, weights, states, [], baseline)
        for number in range(self.config.variants):
            pupil.views.append(self._view(pupil, number, netlists, self._draws(name, number, 0)))
        if pupil.baseline is None:
            pupil.baseline = _baseline_of([v.construct for v in pupil.views], len(problem.movable_hard))
        self._pupils[name] = pupil

    def set_baselines(self, baselines: Mapping[str, StepBaseline | None]) -> None:
        """Tell what the critic's outputs are deviations from, for netlists that are also played (`PlacementPPO`)."""
        for name, baseline in baselines.items():
            if name in self._pupils and baseline is not None:
                self._pupils[name].baseline = baseline

    def loss(self, rng: np.random.Generator) -> tuple[Tensor, CloneFigures]:
        """Return the loss of a minibatch of one netlist, drawn evenly, with the network bound to it.

        Cross-entropy between targets and masked log probabilities, weighted, and the critic's Huber loss.

        Raises:
            ProblemError: no netlist was taken in.
        """
        if not self._pupils:
            raise ProblemError("cloning needs a netlist; call add first")
        self._drawn += 1
        every = self.config.renew_every
        if every and self._drawn % every == 0:
            self._renew(self._drawn // every)
        pupil = self._pupils[self.names[int(rng.integers(len(self._pupils)))]]
        view = pupil.views[int(rng.integers(len(pupil.views)))]
        refining = view.refine is not None and rng.random() < self.config.refine
        targets = view.refine if refining and view.refine is not None else view.construct
        self.network.bind(view.instance)
        rows = rng.permutation(len(targets))[: self.config.minibatch]
        return self._loss(targets, rows, pupil.baseline)

    @property
    def drawn(self) -> int:
        """Losses drawn so far: with the same netlists taken in, all that a resumed run has to tell `go_to`."""
        return self._drawn

    def go_to(self, drawn: int) -> None:
        """Stand where a cloner with the same netlists stands after so many losses: views as they were played last."""
        self._drawn = drawn
        every, count = self.config.renew_every, len(self._pupils)
        if not every or not count:
            return
        # No view is played more than once: those whose last turn is longest ago come first, as they would have.
        last = drawn // every
        for turn in range(max(1, last - count * self.config.variants + 1), last + 1):
            self._renew(turn)

    def lesson(self, rng: np.random.Generator, weight: float) -> Callable[[], Tensor]:
        """Return a function that gives `weight` times a new loss at every call, to be added to another one's steps."""
        return lambda: weight * self.loss(rng)[0]

    def step(self, optimizer: torch.optim.Optimizer, done: int, decay: float, rng: np.random.Generator) -> CloneFigures:
        """Take an optimiser step on a new loss and return its figures.

        Args:
            optimizer: of the network.
            done: such steps taken before; the first `WARM` are shorter.
            decay: factor on the step size.
            rng: for the draws.
        """
        for group in optimizer.param_groups:
            group["lr"] = self.config.learning_rate * min(1.0, (done + 1) / WARM) * decay
        loss, figures = self.loss(rng)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        torch.nn.utils.clip_grad_norm_(parameters, self.config.grad_clip)
        optimizer.step()
        return figures

    def fit(
        self,
        steps: int | None = None,
        seconds: float | None = None,
        rng: np.random.Generator | None = None,
        progress: Callable[[int, CloneFigures], None] | None = None,
    ) -> CloneFigures:
        """Clone alone, with an optimiser of its own, for so many steps or seconds; return the last 20 steps' figures.

        Raises:
            ProblemError: neither steps nor seconds are given, or no netlist was taken in.
        """
        if steps is None and seconds is None:
            raise ProblemError("cloning needs a number of steps or of seconds")
        draw = rng or self._rng
        if self._optimizer is None:
            parameters = [p for p in self.network.parameters() if p.requires_grad]
            self._optimizer = torch.optim.Adam(parameters, lr=self.config.learning_rate, eps=1e-5)
        optimizer = self._optimizer
        begun, done = time.perf_counter(), 0
        recent: list[CloneFigures] = []
        while not stop_wanted():
            share = max(
                done / steps if steps is not None else 0.0,
                (time.perf_counter() - begun) / seconds if seconds else 0.0,
            )
            if share >= 1:
                break
            # Warm at first, then falling to a tenth of the full step size.
            figures = self.step(optimizer, done, 1 - 0.9 * share, draw)
            done += 1
            recent = [*recent[-19:], figures]
            if progress is not None:
                progress(done, figures)
        self.network.release()
        return CloneFigures.mean(recent)

    def measure(self, name: str, limit: int = 512) -> CloneFigures:
        """Return the figures of a netlist as it is, without its symmetries, on at most `limit` construct steps."""
        pupil = self._pupils[name]
        view = pupil.views[0]
        self.network.bind(view.instance)
        rows = np.random.default_rng(0).permutation(len(view.construct))[:limit]
        with torch.no_grad():
            figures = self._loss(view.construct, rows, pupil.baseline)[1]
        self.network.release()
        return figures

    def _loss(
        self, targets: TargetSet, rows: npt.NDArray[np.int64], baseline: StepBaseline | None
    ) -> tuple[Tensor, CloneFigures]:
        s = targets.take(rows)

        def put(a: npt.NDArray[Any]) -> Tensor:
            return torch.from_numpy(a).to(self.device)

        logits, values = self.network({k: put(v) for k, v in s.obs.items()})
        log_prob = masked_log_prob(logits, put(s.masks))
        cell, prob, weight = put(s.cell), put(s.prob), put(s.weight)
        cross = -(prob * log_prob.gather(1, cell)).sum(dim=1)
        entropy = -(prob * prob.clamp_min(1e-30).log()).sum(dim=1)
        share = weight / weight.sum().clamp_min(1e-9)
        loss = (share * cross).sum()
        error = float("nan")
        known = np.isfinite(s.returns)
        if self.config.value > 0 and baseline is not None and known.any():
            wanted = (s.returns[known] - baseline.mean[s.step[known]]) / baseline.scale
            wanted = np.clip(wanted, -FAR, FAR).astype(np.float32)
            off = smooth_l1_loss(values[put(known)], put(wanted))
            loss = loss + self.config.value * off
            error = float(off.detach())
        with torch.no_grad():
            said = log_prob.argmax(dim=1)
            off_row = (said // targets.columns - cell[:, 0] // targets.columns).double()
            off_column = (said % targets.columns - cell[:, 0] % targets.columns).double()
            parts = torch.stack(
                [cross.double() - entropy, (said == cell[:, 0]).double(), torch.hypot(off_row, off_column)]
            )
            divergence, agreement, distance = (parts @ share.double()).cpu().tolist()
        return loss, CloneFigures(divergence, agreement, distance, error, len(rows))

    def _view(self, pupil: _Pupil, number: int, netlists: int, rng: np.random.Generator) -> _View:
        """Return the view `number` of a netlist: 0 as it is, then its other symmetries, relabelled."""
        flip_x, flip_y = SYMMETRIES[number % len(SYMMETRIES)]
        variant = mirror(pupil.problem, flip_x, flip_y)
        if number:
            variant = relabel(variant, int(rng.integers(2**31)))
        one = ConstructBatch(variant.problem, 1, pupil.rules)
        share = self.config.limit_mb * 2**20 / max(netlists, len(self._pupils), 1) / self.config.variants
        episode = TargetSet.bytes_a_step(one, self.config.targets.keep) * one.dims.macros
        wanted = min(self.config.episodes, len(pupil.teaching) + len(pupil.critical))
        width = max(1, min(wanted, int(share * (1 - self.config.refine) / episode)))
        batch = one if width == 1 else ConstructBatch(variant.problem, width, pupil.rules)
        instance = Instance.of(variant.problem, batch.graph)
        if self.device.type != "cpu":
            instance = instance.to(self.device)
        refine = None
        if pupil.states:
            game = RefineBatch(
                variant.problem,
                min(self.config.lifted, batch.dims.macros),
                RefineConfig(lifts=1, cost=pupil.rules.cost),
            )
            room = int(share * self.config.refine / TargetSet.bytes_a_step(game, self.config.targets.keep))
            count = max(1, min(len(pupil.states), room // game.num_envs))
            picked = rng.permutation(len(pupil.states))[:count].tolist()
            seen = [RefineState(*(variant.forth(p) for p in pupil.states[i])) for i in picked]
            refine = refine_targets(game, seen, self.config.targets, rng)
        return _View(variant, instance, batch, self._play(pupil, variant, batch, rng), refine)

    def _play(self, pupil: _Pupil, variant: Variant, batch: ConstructBatch, rng: np.random.Generator) -> TargetSet:
        """Play scripts drawn by weight and, where there is more than one environment, one for the critic only."""
        width = batch.num_envs
        spare = 1 if pupil.critical and width > 1 else 0
        p = pupil.weights / pupil.weights.sum()
        picked = rng.choice(len(p), width - spare, p=p, replace=width - spare > int((p > 0).sum()))
        chosen = [pupil.teaching[i] for i in picked.tolist()]
        weights = np.ones(width)
        if spare:
            chosen.append(pupil.critical[int(rng.integers(len(pupil.critical)))])
            weights[-1] = 0.0
        cells = np.stack([variant_cells(variant, s.cells) for s in chosen])
        made, _ = construct_targets(batch, cells, weights, pupil.reference, self.config.targets, rng)
        return made

    def _renew(self, turn: int) -> None:
        """Play the construct games of the view whose turn it is anew: netlists take turns, then views."""
        name = self.names[turn % len(self._pupils)]
        pupil = self._pupils[name]
        number = turn // len(self._pupils) % len(pupil.views)
        view = pupil.views[number]
        view.construct = self._play(pupil, view.variant, view.batch, self._draws(name, number, turn))

    def _draws(self, name: str, number: int, turn: int) -> np.random.Generator:
        """Return what a view is drawn from: the same whatever was drawn before, so that a run can be resumed."""
        return np.random.default_rng([self._seed, zlib.crc32(name.encode()), number, turn])


def _baseline_of(sets: Sequence[TargetSet], macros: int) -> StepBaseline:
    """Return the mean returns of some games by step, for a netlist that nobody has played yet."""
    returns = np.concatenate([s.returns for s in sets]).astype(np.float64)
    step = np.concatenate([s.step for s in sets]).astype(np.int64)
    return StepBaseline(np.zeros(macros), 1.0).updated(returns, step, 1.0)
