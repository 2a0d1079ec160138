"""A pre-training run: draw netlists, play them, update one network, measure it on held-out netlists, keep the best."""

from __future__ import annotations

import logging
import math
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from agents.base import BUDGET_KINDS, Budget
from agents.gnn.choosing import make_network
from agents.gnn.instance import Instance
from agents.ppo.algorithm import StepBaseline
from agents.ppo.budgeting import BudgetMeter
from agents.ppo.checkpointfiles import list_checkpoints
from agents.ppo.policyfile import PolicyCard, PretrainingCard, begin_with, save_policy
from agents.ppo.progress import Reporter
from agents.pretrain.curriculum import Draw, draw_round
from agents.pretrain.evolve import Breeder
from agents.pretrain.folder import PretrainFolder, RunStart
from agents.pretrain.heldout import Exam, HeldOut, geometric_mean, score_row
from agents.pretrain.lessons import Pupil, Teacher, pupils_of, teacher_settings
from agents.pretrain.library import Library, StoppedError
from agents.pretrain.member import LiveCache, Member, Played
from agents.pretrain.pool import Pool
from agents.pretrain.state import PretrainState, load_state, save_state
from agents.pretrain.update import learn
from floorplan.env import MAP_CHANNELS, SCALARS, build_graph
from floorplan.errors import ProblemError
from floorplan.interrupt import interruptible, stop_wanted
from floorplan.netlist import Problem

__all__ = ["Pretrainer"]

log = logging.getLogger(__name__)


class Pretrainer:
    """Trains one policy on a pool of netlists, from scratch or from the newest checkpoint of its folder."""

    def __init__(
        self, pool: Pool, start: RunStart, folder: PretrainFolder, reporter: Reporter, device: str = "cpu"
    ) -> None:
        """Read the netlists and make the network; nothing is played yet.

        Raises:
            PoolError: a netlist is held out and trained on, or differs from the one the run was started with.
            FloorplanError: a netlist cannot be read.
        """
        self.pool = pool
        self.config = start.config
        self.seed = start.seed
        self.method = start.method
        self.folder = folder
        self.reporter = reporter
        self.device = device
        torch.set_num_threads(self.config.threads)
        self.library = Library(pool, folder, self.config, reporter)
        self._members: LiveCache[Member] = LiveCache(pool.settings.live_mb << 20)
        self._held_out = HeldOut(self.library, device)
        self.teacher: Teacher | None = None
        self._teacher_settings = teacher_settings(pool)
        self._parts = start.method.split("+")

        torch.manual_seed(self.seed)
        problem = self.library.problem(next(pool.training()))
        instance = Instance.of(problem, build_graph(problem))
        names = tuple(MAP_CHANNELS)
        self.network = make_network(self.config.network, instance, names, len(SCALARS))
        if device != "cpu":
            self.network.to(torch.device(device))
        ppo = self.config.ppo
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=ppo.learning_rate, eps=ppo.adam_eps)
        self.card = PolicyCard.of(
            self.config.network, self.config.env, instance, map_names=names, scalars=len(SCALARS), netlists=()
        )
        if start.policy is not None:
            self.card = begin_with(self.network, self.card, start.policy)
        self.breeder: Breeder | None = None
        if "evolve" in self._parts:
            alone = self._parts == ["evolve"]
            self.breeder = Breeder(self.library, self.config, self.network, self.seed, alone=alone)
        self.state = PretrainState()
        self.baselines: dict[str, StepBaseline] = {}
        self._saved_at = -math.inf
        self._exam_s = self._round_s = 0.0

    def resume(self) -> None:
        """Go back to the newest checkpoint, or to the beginning where the run was killed before its first.

        Raises:
            CheckpointError: checkpoints are there, but none can be read.
        """
        if list_checkpoints(self.folder.checkpoints):
            self.state, self.baselines, scores = load_state(self.folder.checkpoints, self.network, self.optimizer)
            if self.breeder is not None:
                self.breeder.resume(scores)
            self.network.release()
        self.folder.rewind(self.state.round if self.state.evaluations else -1)

    def run(self, budget: Budget) -> PretrainState:
        """Train until the budget, counted from the start of the run, is spent, or patience is; return how far it is.

        A budget counts episodes or seconds; seconds include set-up and evaluations, and the run ends before a round
        that would overrun them by more than half its length. The first Ctrl-C ends it after the present round.

        Raises:
            ProblemError: no netlist of the pool can be played, or the budget is of another kind.
        """
        if budget.kind == "p" or (budget.kind == "e" and self._parts == ["clone"]):
            raise ProblemError(f"method {self.method!r} has no budget of {BUDGET_KINDS[budget.kind]}; give one in time")
        meter = BudgetMeter(budget, self.state.seconds, self._counted, self.reporter)
        with interruptible():
            try:
                if not self.state.evaluations:
                    self._evaluate(meter)
                    self.save(meter)
                if "clone" in self._parts:
                    self.teacher = self._hire(budget)
                    self.save(meter)
                while not self._over(meter):
                    t = time.monotonic()
                    row = self._next(meter)
                    self._round_s = time.monotonic() - t
                    if self.state.round - self.state.evaluated_at >= self.evaluate_every:
                        row |= self._evaluate(meter)
                    self._write(row, meter)
                    if time.monotonic() - self._saved_at >= self.config.checkpoint_every_s:
                        self.save(meter)
                if self.state.round > self.state.evaluated_at and not stop_wanted():
                    scheduled = self.state.evaluated_at  # this one comes on top: it must not shift the next
                    row = {"round": self.state.round, "episodes": self.state.episodes, **self._evaluate(meter)}
                    self._write(row, meter)
                    self.state = replace(self.state, evaluated_at=scheduled)
            except StoppedError:
                log.info("stopped within a round, which is dropped")
        self.save(meter)
        return self.state

    @property
    def evaluate_every(self) -> int:
        """Rounds between two evaluations, at the pace of the present ones."""
        s = self.pool.settings
        episodes = s.netlists_per_round * s.envs
        if self.breeder is not None and self.state.generations == self.state.round:
            episodes = self.breeder.settings.netlists * self.breeder.settings.population
        return max(1, round(s.evaluate_every / episodes))

    def _next(self, meter: BudgetMeter) -> dict[str, Any]:
        """Do the next round of whatever is due; return its row of metrics."""
        evolved = self.state.generations == self.state.round  # generations come before all other rounds
        if self.breeder is not None and evolved and not self.breeder.over(meter.fraction):
            return self._evolve(self.breeder, meter)
        return self._clone(meter) if self._cloning else self._round(meter)

    def _evolve(self, breeder: Breeder, meter: BudgetMeter) -> dict[str, Any]:
        """Let one generation play; return its row of metrics."""
        t0, s = time.monotonic(), self.state
        meter.tell("evolving")
        made = breeder.generation(s.round, meter.fraction, s.dropped)
        self.network.release()
        self.state = s = replace(
            s,
            round=s.round + 1,
            episodes=s.episodes + made.episodes,
            evolved=s.evolved + made.episodes,
            generations=s.generations + 1,
            seconds=meter.seconds,
            seen=tuple(sorted({*s.seen, *made.names})),
            dropped=made.dropped,
        )
        rate = made.episodes / (time.monotonic() - t0)
        return {"round": s.round, "episodes": s.episodes, **made.to_row(), "episodes_per_s": rate}

    @property
    def _cloning(self) -> bool:
        """Whether the next round is one of cloning alone."""
        if self.teacher is None or not self.teacher.ready:
            return False
        return "ppo" not in self._parts or self.state.lessons < self._teacher_settings.warm_steps

    def save(self, meter: BudgetMeter) -> None:
        """Write a checkpoint and the newest policy."""
        self.state = replace(self.state, seconds=meter.seconds)
        save_policy(self.folder.last, self.network, self._card())
        if self.state.best_score is None:  # nothing is held out that could tell which is best
            save_policy(self.folder.policy, self.network, self._card())
        scores = [] if self.breeder is None else self.breeder.evolution.scores
        save_state(self.folder.checkpoints, self.network, self.optimizer, self.baselines, self.state, scores)
        self._saved_at = time.monotonic()

    def _member(self, draw: Draw) -> Member | None:
        """Return the drawn netlist set up for playing; None if it cannot be played."""

        def make(problem: Problem, reference: float) -> Member:
            return Member(problem, reference, self.config, self.pool.settings.envs, self.network, self.device)

        return self.library.set_up(self._members, draw, make)

    def _round(self, meter: BudgetMeter) -> dict[str, Any]:
        """Play and learn from one round of netlists; return its row of metrics."""
        t0 = time.monotonic()
        number = self.state.round
        members: list[Member] = []
        draws: list[Draw] = []
        spent = meter.fraction
        while not members:  # a draw of nothing but netlists that greedy placement cannot finish is drawn again
            drawn = draw_round(self.pool, self.seed, number, spent, self.state.dropped)
            if not drawn:
                raise ProblemError(
                    f"{self.pool.path}: no netlist of the pool can be played at {spent:.0%} of the budget"
                )
            pairs = [(d, self._member(d)) for d in drawn]
            dropped = {*self.state.dropped, *(d.netlist.name for d, m in pairs if m is None)}
            self.state = replace(self.state, dropped=tuple(sorted(dropped)))
            members = [m for _, m in pairs if m is not None]
            draws = [d for d, m in pairs if m is not None]
        t1 = time.monotonic()
        played = self._play(members, draws, meter)
        t2 = time.monotonic()
        meter.tell("learning")
        finished = sum(len(p.ratios) for p in played)
        state = self.state
        episodes = state.episodes + sum(m.batch.num_envs for m in members)
        rng = np.random.default_rng([self.seed, number, 2])
        lesson, weight = None, 0.0
        of_play = episodes - state.evolved
        if self.teacher is not None:
            draws_of = np.random.default_rng([self.seed, number, 3])
            lesson, weight = self.teacher.lesson(of_play, self.baselines, draws_of), self.teacher.weight(of_play)
        stats = learn(members, self.optimizer, self.config.ppo, of_play, rng, lesson, weight)
        self.network.release()
        refreshed = self._search_on(number + 1)
        t3 = time.monotonic()
        dead_ends = sum(p.dead_ends for p in played)
        self.state = replace(
            state,
            round=number + 1,
            episodes=episodes,
            dead_ends=state.dead_ends + dead_ends,
            seconds=meter.seconds,
            seen=tuple(sorted({*state.seen, *(d.netlist.name for d in draws)})),
        )
        ratios = {d.netlist.name: _mean(p.ratios) for d, p in zip(draws, played, strict=True)}
        complete = [r for r in ratios.values() if r is not None]
        return {
            "round": number + 1,
            "episodes": episodes,
            "mean_ratio": geometric_mean(complete) if complete else None,
            "ratios": ratios,
            "dead_ends": dead_ends,
            **stats.to_row(),
            **refreshed,
            "episodes_per_s": finished / (t3 - t0),
            "setup_s": round(t1 - t0, 4),
            "collect_s": round(t2 - t1, 4),
            "learn_s": round(t3 - t2, 4),
        }

    def _clone(self, meter: BudgetMeter) -> dict[str, Any]:
        """Learn from the teacher alone for one round; return its row of metrics."""
        if self.teacher is None:
            raise RuntimeError("cloning needs a teacher")
        t0 = time.monotonic()
        number = self.state.round
        spent = min(1.0, meter.fraction)
        meter.tell("cloning")
        decay = 1.0 if "ppo" in self._parts else 1 - 0.9 * spent
        rng = np.random.default_rng([self.seed, number, 3])
        figures = self.teacher.train(self.optimizer, self.baselines, self.state.lessons, decay, rng)
        self.network.release()
        t1 = time.monotonic()
        lessons = self.state.lessons + self._teacher_settings.steps_a_round
        self.state = replace(self.state, round=number + 1, lessons=lessons, seconds=meter.seconds)
        return {
            "round": number + 1,
            "episodes": self.state.episodes,
            "lessons": lessons,
            "divergence": figures.divergence,
            "agreement": figures.agreement,
            "clone_value_loss": figures.value_loss if math.isfinite(figures.value_loss) else None,
            "learn_s": round(t1 - t0, 4),
        }

    def _hire(self, budget: Budget) -> Teacher:
        """Return the teacher, its experts found; what search takes counts as seconds of the run."""
        settings = self._teacher_settings
        pupils = []
        for netlist in pupils_of(self.pool, settings.netlists):
            reference = self.library.known(netlist, "train").reference
            if reference is not None:
                pupils.append(Pupil(netlist.name, self.library.problem(netlist), reference))
        teacher = Teacher(settings, pupils, self.config, self.folder.experts, self.network, self.seed, self.device)

        def progress(share: float, word: str) -> None:
            self.reporter.advance(share, "searching", math.inf)
            log.debug("experts: %s", word)

        teacher.prepare(budget.amount if budget.kind == "s" else None, progress)
        if stop_wanted():
            raise StoppedError
        if not teacher.ready:
            raise ProblemError(f"{self.pool.path}: search found nothing to clone")
        self.state = replace(self.state, seen=tuple(sorted({*self.state.seen, *teacher.cloner.names})))
        return teacher

    def _search_on(self, number: int) -> dict[str, Any]:
        """Let search go on from the policy's placement of one netlist, where it is time to."""
        every = self._teacher_settings.refresh_every
        if self.teacher is None or not every or number % every:
            return {}
        pupil = self.teacher.next_pupil()
        exam = Exam(pupil.name, pupil.problem, pupil.reference, self.config, 3, self.device)
        grade = exam.grade(self.network, number)
        if grade.placement is None:
            return {}
        found = self.teacher.refresh(pupil, grade.placement)
        ratio = None if found is None else found / pupil.reference
        return {"refreshed": pupil.name, "refreshed_from": grade.best, "refreshed_to": ratio}

    def _play(self, members: Sequence[Member], draws: Sequence[Draw], meter: BudgetMeter) -> list[Played]:
        played: list[Played] = []
        for member, draw in zip(members, draws, strict=True):
            name = draw.netlist.name
            played.append(member.collect(draw.seed, self.baselines.get(name), meter.watch()))
            baseline = played[-1].baseline
            if baseline is not None:
                self.baselines[name] = baseline
        return played

    def _evaluate(self, meter: BudgetMeter) -> dict[str, Any]:
        """Measure the policy on what is held out, keep it if it is the best so far, and return its part of the row."""
        t0 = time.monotonic()
        meter.tell("measuring")
        state = replace(self.state, evaluations=self.state.evaluations + 1, evaluated_at=self.state.round)
        row = score_row(self._held_out.grades(self.network), state.best_score)
        if row:
            better = row["best_held_out"] != state.best_score
            state = replace(state, best_score=row["best_held_out"], stale=0 if better else state.stale + 1)
            if better:
                save_policy(self.folder.policy, self.network, self._card(row["held_out"]))
        self._exam_s = time.monotonic() - t0
        if not self.state.evaluations and row:
            self.state = state
            self._write({"round": 0, "episodes": 0, "mean_ratio": None, "episodes_per_s": 0.0, **row}, meter)
        self.state = state
        return {**row, "evaluate_s": round(self._exam_s, 4)}

    def _write(self, row: dict[str, Any], meter: BudgetMeter) -> None:
        row = {"seconds": round(meter.seconds, 3), "episodes_per_s": 0.0, **row}
        self.folder.append_metrics(row)
        self.reporter.row(row)

    def _card(self, score: float | None = None) -> PolicyCard:
        rows, s = self.library.rows, self.state
        about = PretrainingCard(
            method=self.method,
            seconds=round(s.seconds, 1),
            held_out_score=s.best_score if score is None else score,
            held_out=tuple(sorted(rows[n.name].hash for n in self.pool.held_out if n.name in rows)),
            updates=s.round,
            seed=self.seed,
            machine=f"{os.cpu_count()} x {platform.machine()}, network on {self.device}",
            licence="Apache-2.0",
        )
        hashes = tuple(sorted({*self.card.netlists, *(rows[name].hash for name in s.seen)}))
        return self.card.model_copy(update={"netlists": hashes, "episodes": s.episodes, "pretraining": about})

    def _over(self, meter: BudgetMeter) -> bool:
        patience = self.pool.settings.patience
        if stop_wanted() or (patience and self.state.stale >= patience):
            return True
        if self._parts == ["evolve"] and self.breeder is not None and self.breeder.over(0.0):
            return True
        return meter.spent(margin_s=self._round_s / 2 + self._exam_s)

    def _counted(self) -> dict[str, float]:
        """Return how far the run is in what a budget may count besides seconds."""
        return {"e": self.state.episodes}


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
