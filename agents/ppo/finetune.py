"""Fine-tuning: training on one problem that starts from a policy and never ends below it."""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from agents.gnn.network import GridNetwork
from agents.ppo.budgeting import BudgetMeter
from agents.ppo.checkpoint import Extra
from agents.ppo.config import RunConfig
from agents.ppo.evaluate import Evaluation, Evaluator
from agents.ppo.evolution import Evolution, play_population
from agents.ppo.gameconfig import construct_config
from agents.ppo.progress import Reporter
from agents.ppo.runfolder import RunFolder
from agents.ppo.trainer import Trainer
from agents.ppo.tuneconfig import TuneConfig
from floorplan.env import ConstructBatch
from floorplan.errors import CheckpointError
from floorplan.netlist import Problem

__all__ = ["FineTuner"]

SCORES = "evolution.scores"
START = "evolution/start"

log = logging.getLogger(__name__)


class FineTuner(Trainer):
    """Trains a stored policy further on one problem.

    Before anything is learned the policy places the problem as it is, so the best placement is never worse than
    that. For a share of the budget, or until nothing better has been found for a while, the weights by which it reads
    the maps are evolved on whole rollouts of this problem. Then it is trained, as from scratch, by map weights of a
    fresh network: evolved ones are sure of themselves, and what they draw stays in the layouts found already. At first
    only the critic learns: its values belong to other netlists, and would mislead the policy. Every few updates the
    policy is evaluated; the weights that came out best are the run's policy, those it started from included.

    Attributes:
        tune: settings of all that.
        zero_shot: what the policy came to before training; None before `start` or after `resume`.
        champion: the weights that evaluated best.
        champion_score: their evaluation.
    """

    def __init__(
        self,
        problem: Problem,
        config: RunConfig,
        tune: TuneConfig,
        policy: Path,
        seed: int,
        folder: RunFolder,
        reporter: Reporter,
        device: str = "cpu",
    ) -> None:
        """Set up as a `Trainer` does and take the policy's weights.

        Raises:
            CheckpointError: the policy is damaged, or its network or game is not that of `config`.
        """
        super().__init__(problem, config, seed, folder, reporter, device)
        self.begin_from(policy)
        self.tune = tune
        self.zero_shot: Evaluation | None = None
        self.champion = copy.deepcopy(self.network)
        self.champion_score = float("inf")
        self._zero_score = float("inf")
        self._worse = 0
        self._rate = 1.0
        self._found_at = 0.0
        game = construct_config(config.env)
        self._evaluator = Evaluator(problem, game, tune.samples, seed, self.model.device)
        self._seed = seed
        self._evolution: Evolution | None = None
        if tune.evolve > 0 and isinstance(self.network, GridNetwork):
            self._begin_evolution(self.network.map_weights()[0])
            self._population = ConstructBatch(problem, tune.population, game, seed=seed)

    def start(self) -> None:
        """Place the problem with the policy as it is, write that down, and begin the first episodes."""
        began = time.monotonic()
        super().start()
        self.reporter.advance(0.0, "zero-shot", float("inf"))
        found = self._evaluate()
        self.zero_shot = found
        # What `floorplan place` answers with this policy; the best of the evaluation had its second look there.
        best = min(found.finished, key=lambda f: f.cost.proxy, default=None)
        for f in found.finished:
            if f.env == 0 and self.config.looks and f is not best:
                self._offer(*self._look_again(f.placement))
        self._zero_score = found.score
        self.champion_score = (self._try_prior(found) if self.tune.prior else found).score
        self.counters = replace(self.counters, seconds=time.monotonic() - began)
        learned = {"explained_variance": None}
        row = {**self._row(found.finished, found.dead_ends, self.counters.seconds, learned), **self._figures(found)}
        row |= {"step": 0, "update": 0, "episodes": 0, "mean_proxy": found.drawn}
        self.folder.append_metrics(row)
        self.reporter.row(row)
        self.save()

    def _begin_evolution(self, start: npt.NDArray[np.floating[Any]]) -> None:
        """Evolve from these weights of maps.

        One vector moves what is read of the first macro and of the last; their difference stays.
        """
        self._evolution_start = np.asarray(start, np.float32)
        self._evolution = Evolution(start, self.tune.sigma, self.tune.population, self._seed)

    def _try_prior(self, found: Evaluation) -> Evaluation:
        """Begin from fresh map weights if rollouts by them alone are better; return how the policy begun from does."""
        network = self.network
        if self._evolution is None or not isinstance(network, GridNetwork):
            return found
        own = copy.deepcopy(network.state_dict())
        network.read_maps_by(network.prior_weights)
        other = self._evaluate()
        if other.score >= found.score:
            network.load_state_dict(own)
            network.release()
            return found
        log.info("fresh map weights place better than the policy's: %g against %g", other.score, found.score)
        self.champion.load_state_dict(network.state_dict())
        self._begin_evolution(network.map_weights()[0])
        return other

    def summary(self) -> dict[str, float]:
        """Return how the run's policy and the one it started from evaluate; lower is better."""
        return {"policy_score": self.champion_score, "zero_shot_score": self._zero_score}

    @property
    def _generations(self) -> int:
        return 0 if self._evolution is None else len(self._evolution.scores)

    def _update(self, meter: BudgetMeter) -> dict[str, Any]:
        number = self.counters.update + 1
        evolution = self._evolution
        if evolution is not None and self._generations == self.counters.update:  # generations come before all else
            spent = meter.fraction
            if spent < min(self.tune.evolve, self._found_at + self.tune.stall) and not evolution.settled:
                before = self.counters.best_proxy
                row = self._evolve(evolution, meter)
                if self.counters.best_proxy != before:
                    self._found_at = meter.fraction
                return row
            self._return_to_champion()
            if self.tune.afresh and isinstance(self.network, GridNetwork):
                self.network.set_map_weights(self.network.prior_weights)
                self.network.release()
        number -= self._generations
        critic_only = number <= self.tune.critic_updates
        with self._critic_only(only=critic_only):
            row = super()._update(meter)
        found: Evaluation | None = None
        if self.tune.evaluates(number) and not critic_only:
            found = self._evaluate()
            self._judge(found)
            self.counters = replace(self.counters, seconds=meter.seconds)
            row["seconds"] = round(self.counters.seconds, 3)
            row["best_proxy"] = self.counters.best_proxy
        return {**row, **self._figures(found)}

    def _evolve(self, evolution: Evolution, meter: BudgetMeter) -> dict[str, Any]:
        """Let a generation of policies play that differ in how they read the maps; return its row of metrics."""
        t0, c = time.monotonic(), self.counters
        meter.tell("evolving")
        network: Any = self.network
        network.release()
        batch, played = self._population, []

        def logits() -> npt.NDArray[np.float32]:
            with torch.no_grad():
                obs = {k: torch.from_numpy(v).to(self.model.device) for k, v in batch.obs.items()}
                found: npt.NDArray[np.float32] = network(obs)[0].cpu().numpy()
                return found

        def play(drawn: npt.NDArray[np.float64]) -> list[npt.NDArray[np.float64]]:
            apart = np.repeat((drawn - network.map_weights()[0])[:, None], 2, axis=1)
            proxy, finished = play_population(batch, apart, self._evaluator.seed, logits)
            played.extend(finished)
            return [np.where(np.isnan(proxy), -self.config.env.dead_end_reward, proxy)]

        evolution.generation(play)
        before = network.map_weights()
        network.set_map_weights(before + (evolution.mean - before[0]))
        self._take(played)
        dead_ends = batch.num_envs - len(played)
        self.model.num_timesteps += batch.num_envs * batch.dims.macros
        found = self._evaluate() if self.tune.evaluates(c.update + 1) else None
        if found is not None and found.score < self.champion_score:
            self._keep_champion(found)
        self.counters = replace(
            self.counters,
            update=c.update + 1,
            step=self.model.num_timesteps,
            episodes=c.episodes + len(played),
            dead_ends=c.dead_ends + dead_ends,
            seconds=meter.seconds,
        )
        learned = {"sigma": evolution.sigma, "explained_variance": None}
        return {**self._row(played, dead_ends, time.monotonic() - t0, learned), **self._figures(found)}

    def _evaluate(self) -> Evaluation:
        network: Any = self.network
        network.release()
        found = self._evaluator(network)
        network.release()
        self._take(found.finished)
        return found

    def _judge(self, found: Evaluation) -> None:
        """Keep the weights if they are the best, or, after `patience` times, go back to the best ones."""
        if found.score < self.champion_score:
            self._keep_champion(found)
            return
        self._worse += 1
        if not 0 < self.tune.patience <= self._worse:
            return
        self._worse = 0
        self._set_rate(self._rate / 2)
        self._return_to_champion()
        policy: Any = self.model.policy
        policy.optimizer.state.clear()
        log.info("the policy got worse: back to the best weights, step size %g", self.model.config.learning_rate)

    def _keep_champion(self, found: Evaluation) -> None:
        self.champion.load_state_dict(self.network.state_dict())
        self.champion_score = found.score
        self._worse = 0

    def _return_to_champion(self) -> None:
        self.network.load_state_dict(self.champion.state_dict())
        network: Any = self.network
        network.release()

    def _set_rate(self, factor: float) -> None:
        self._rate = factor
        rate = self.config.ppo.learning_rate * factor
        self.model.config = self.config.ppo.model_copy(update={"learning_rate": rate})

    @contextmanager
    def _critic_only(self, *, only: bool) -> Iterator[None]:
        """Let no weights but those of the critic's own layers move; leave nothing of it in the optimiser."""
        if not only:
            yield
            return
        others = [p for name, p in self.network.named_parameters() if "value." not in name]
        if len(others) == len(list(self.network.parameters())):
            raise CheckpointError("the policy's network has no layers of a critic")
        # Gradients of zero, not none at all: the network has a backward pass of its own that wants them.
        hooks: list[Any] = [p.register_hook(torch.zeros_like) for p in others]  # type: ignore[no-untyped-call]  # torch's
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()
            policy: Any = self.model.policy
            for p in others:
                policy.optimizer.state.pop(p, None)

    def _figures(self, found: Evaluation | None) -> dict[str, Any]:
        return {
            "eval_plain": None if found is None else found.plain,
            "eval_drawn": None if found is None else found.drawn,
            **self.summary(),
        }

    def _policy_network(self) -> torch.nn.Module:
        return self.champion

    def _extra(self) -> Extra:
        values = {
            "champion_score": self.champion_score,
            "zero_score": self._zero_score,
            "worse": self._worse,
            "rate": self._rate,
            "found_at": self._found_at,
        }
        tensors = {f"champion.{k}": v for k, v in self.champion.state_dict().items()}
        if self._evolution is not None:
            tensors[START] = torch.from_numpy(self._evolution_start)
            if self._evolution.scores:
                tensors[SCORES] = torch.from_numpy(np.stack(self._evolution.scores))
        return Extra(tensors, values)

    def _restore(self) -> Callable[[Extra], None]:
        def restore(extra: Extra) -> None:
            tensors = {k.removeprefix("champion."): v for k, v in extra.tensors.items() if k not in (SCORES, START)}
            try:
                self.champion.load_state_dict(tensors, strict=True)
            except RuntimeError as e:
                raise CheckpointError(f"the best weights do not fit the network: {' '.join(str(e).split())}") from None
            if self._evolution is not None and START in extra.tensors:
                self._begin_evolution(extra.tensors[START].numpy())
            if self._evolution is not None and SCORES in extra.tensors:
                self._evolution.replay(list(extra.tensors[SCORES].numpy()))
            v = extra.values
            self.champion_score, self._zero_score = float(v["champion_score"]), float(v["zero_score"])
            self._worse = int(v["worse"])
            self._set_rate(float(v["rate"]))
            self._found_at = float(v.get("found_at", 0.0))  # checkpoints of before had none

        return restore
