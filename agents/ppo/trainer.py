"""A training run: collect whole episodes, update, keep the best placement, leave a folder that can be resumed."""

from __future__ import annotations

import logging
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch.utils.tensorboard import SummaryWriter

from agents.base import Budget
from agents.gnn.choosing import make_network
from agents.gnn.instance import Instance
from agents.ppo.algorithm import PlacementPPO
from agents.ppo.budgeting import BudgetMeter
from agents.ppo.checkpoint import Counters, Extra, load_checkpoint, save_checkpoint
from agents.ppo.checkpointfiles import list_checkpoints
from agents.ppo.config import RunConfig
from agents.ppo.gameconfig import construct_config
from agents.ppo.policyfile import PolicyCard, begin_with, save_policy
from agents.ppo.progress import Reporter
from agents.ppo.runfolder import RunFolder
from agents.ppo.second_look import SecondLook
from agents.ppo.vecenv import ConstructVecEnv
from floorplan.cost import Cost
from floorplan.env import MAP_CHANNELS, ConstructBatch, Finished
from floorplan.formats import write_plc
from floorplan.netlist import Placement, Problem, check_legality

__all__ = ["Trainer"]

log = logging.getLogger(__name__)

LEAST_GAIN = 5e-4
"""Share of the cost that a second look must bring for another to follow it."""

MOST_LOOKS = 8
"""In a row; one takes about as long as an episode."""

ORDERS_APART = 1 << 20
"""More updates than a run has: between the numbers of looks that follow one another."""


@dataclass
class _Best:
    placement: Placement
    cost: Cost


class Trainer:
    """Trains a policy on one problem, from scratch, from a policy, or from the newest checkpoint of its folder."""

    def __init__(
        self, problem: Problem, config: RunConfig, seed: int, folder: RunFolder, reporter: Reporter, device: str = "cpu"
    ) -> None:
        self.problem = problem
        self.config = config
        self.folder = folder
        self.reporter = reporter
        torch.set_num_threads(config.threads)
        torch.manual_seed(seed)
        ppo = config.ppo
        self.batch = ConstructBatch(problem, ppo.num_envs, construct_config(config.env), seed=seed)
        self.env = ConstructVecEnv(self.batch)
        instance = Instance.of(problem, self.batch.graph)
        scalars = self.batch.obs["scalars"].shape[1]
        network = make_network(config.network, instance, tuple(MAP_CHANNELS), scalars)
        steps = len(self.batch.graph.movable)
        self.model = PlacementPPO(self.env, ppo, network, steps, seed, device)
        if self.model.device.type != "cpu":
            network.bind(instance.to(self.model.device))
        self.network = network
        self.card = PolicyCard.of(
            config.network,
            config.env,
            instance,
            map_names=tuple(MAP_CHANNELS),
            scalars=scalars,
            netlists=(problem.netlist.content_hash,),
        )
        self.counters = Counters()
        self.best: _Best | None = None
        self._second: SecondLook | None = None
        self._stop = threading.Event()
        self._saved_at = -math.inf

    def begin_from(self, policy: Path) -> None:
        """Take the weights of a stored policy in place of fresh ones; comes before `start`.

        Raises:
            CheckpointError: damaged, or made for other observations or by another network than this run's.
        """
        self.card = begin_with(self.network, self.card, policy)
        self.network.release()

    def start(self) -> None:
        """Begin the first episodes."""
        self.model._last_obs = self.env.reset()
        self.model._last_episode_starts = np.ones(self.batch.num_envs, np.bool_)

    def resume(self) -> None:
        """Go back to the newest checkpoint.

        Raises:
            CheckpointError: there is none that can be read.
        """
        self.counters = load_checkpoint(self.folder.checkpoints, self.model, self.env, self._restore())
        self.folder.rewind_metrics(self.counters.step)

    def go_on(self) -> None:
        """Go back to the newest checkpoint, or to the beginning where the run was killed before its first.

        The same seed takes the same course from there.

        Raises:
            CheckpointError: checkpoints are there, but none can be read.
        """
        if list_checkpoints(self.folder.checkpoints):
            self.resume()
        else:
            self.folder.rewind_metrics(-1)
            self.start()

    def run(self, budget: Budget) -> Counters:
        """Train until the budget, counted from the start of the run, is spent; return how far the run is.

        The run ends after the update that reaches the budget. A budget in seconds ends before an update that would
        overrun it by more than half its length. SIGINT and SIGTERM end the run after the present update.
        """
        meter = BudgetMeter(budget, self.counters.seconds, self._counted, self.reporter)
        writer = SummaryWriter(str(self.folder.tensorboard), purge_step=self.counters.step or None)
        last_s = 0.0
        try:
            with self._signals():
                while not self._stop.is_set() and not meter.spent(margin_s=last_s / 2):
                    t = time.monotonic()
                    row = self._update(meter)
                    last_s = time.monotonic() - t
                    self.folder.append_metrics(row)
                    for key, value in row.items():
                        if isinstance(value, int | float) and math.isfinite(value):
                            writer.add_scalar(f"train/{key}", value, self.counters.step)
                    self.reporter.row(row)
                    if time.monotonic() - self._saved_at >= self.config.checkpoint_every_s:
                        self.save()
        finally:
            writer.close()
        self.save()
        return self.counters

    def save(self) -> None:
        """Write a checkpoint and the policy."""
        save_checkpoint(self.folder.checkpoints, self.model, self.env, self.counters, self._extra())
        c = self.counters
        card = self.card.model_copy(update={"episodes": c.episodes, "best_proxy": c.best_proxy})
        save_policy(self.folder.policy, self._policy_network(), card)
        self._saved_at = time.monotonic()

    def _policy_network(self) -> torch.nn.Module:
        """Return the network that the run offers as its policy."""
        return self.network

    def _extra(self) -> Extra | None:
        """Return what a checkpoint holds besides."""
        return None

    def _restore(self) -> Callable[[Extra], None] | None:
        """Return what takes that back."""
        return None

    def _counted(self) -> dict[str, float]:
        """Return how far the run is in what a budget may count."""
        return {"p": self.model.num_timesteps, "e": self.counters.episodes}

    def _update(self, meter: BudgetMeter) -> dict[str, Any]:
        """Collect one rollout and learn from it; return its row of metrics."""
        t0 = time.monotonic()
        model = self.model
        watch = meter.watch()
        watch.init_callback(model)
        model.collect_rollouts(self.env, watch, model.rollout_buffer, model.n_steps)
        t1 = time.monotonic()
        finished, dead_ends = self.env.take_finished()
        self._take(finished)
        c = self.counters
        meter.tell("learning")
        model.episodes = c.episodes + len(finished)
        model.train()
        stats = model.stats
        if stats is None:
            raise RuntimeError("train() leaves its figures in stats")
        t2 = time.monotonic()
        self.counters = replace(
            c,
            update=c.update + 1,
            step=model.num_timesteps,
            episodes=c.episodes + len(finished),
            dead_ends=c.dead_ends + dead_ends,
            seconds=meter.seconds,
        )
        times = {"collect_s": round(t1 - t0, 4), "learn_s": round(t2 - t1, 4)}
        return {**self._row(finished, dead_ends, t2 - t0, stats.to_row()), **times}

    def _row(
        self, finished: Sequence[Finished], dead_ends: int, elapsed_s: float, learned: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the metrics of an update that is counted already, in the order in which they are written."""
        c = self.counters
        proxies = [f.cost.proxy for f in finished]
        return {
            "step": c.step,
            "update": c.update,
            "seconds": round(c.seconds, 3),
            "episodes": c.episodes,
            "best_proxy": c.best_proxy,
            "mean_proxy": sum(proxies) / len(proxies) if proxies else None,
            "min_proxy": min(proxies) if proxies else None,
            "dead_ends": dead_ends,
            **learned,
            "episodes_per_s": len(finished) / max(elapsed_s, 1e-9),
        }

    def _take(self, finished: Sequence[Finished]) -> None:
        """Keep what episodes built; the best of them gets a second look, and more while these make the run's best."""
        best = min(finished, key=lambda f: f.cost.proxy, default=None)
        if best is None:
            return
        self._offer(best.placement, best.cost)
        placement = best.placement
        for again in range(MOST_LOOKS if self.config.looks else 0):
            before = self.counters.best_proxy
            placement, cost = self._look_again(placement, self.counters.update + again * ORDERS_APART)
            self._offer(placement, cost)
            if before is not None and cost.proxy > before * (1 - LEAST_GAIN):
                return

    def _look_again(self, placement: Placement, number: int = 0) -> tuple[Placement, Cost]:
        """Return what a second look makes of a placement, macros lifted in the order of this number.

        Number 0 has the order of `floorplan place`. Updates have other numbers, so that what a settled policy builds
        again and again is looked at in another order each time.
        """
        if self._second is None:
            self._second = SecondLook(self.problem, 1, cost=self.batch.config.cost)
        self.network.release()
        second = self._second
        scores = second.by(self.network, self.model.device)
        return second.improve(placement, scores, self.config.looks, self.batch.soft_anew, number)

    def _offer(self, placement: Placement, cost: Cost) -> None:
        """Keep a complete placement, in `best.plc` too, if it is legal and better than all before."""
        best = self.counters.best_proxy
        if best is not None and cost.proxy >= best:
            return
        legality = check_legality(self.problem, placement)
        if not legality.legal:
            log.warning("an episode ended in an illegal placement, which is dropped: %s", legality.summary())
            return
        self.best = _Best(placement, cost)
        self.counters = replace(self.counters, best_proxy=cost.proxy)
        costs = {
            "Wirelength cost": cost.wirelength,
            "Congestion cost": cost.congestion,
            "Density cost": cost.density,
            "Proxy cost": cost.proxy,
        }
        write_plc(self.folder.best, self.problem, placement, {k: repr(v) for k, v in costs.items()})

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Turn the first SIGINT or SIGTERM into a wish to stop; a second one acts at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}

        def stop(_number: int, _frame: FrameType | None) -> None:
            self._stop.set()
            for s, handler in before.items():
                signal.signal(s, handler)
            self.reporter.note("stopping after this update; once more to stop at once")

        for s in before:
            signal.signal(s, stop)
        try:
            yield
        finally:
            for s, handler in before.items():
                signal.signal(s, handler)
