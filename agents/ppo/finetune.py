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

import torch

from agents.ppo.budgeting import BudgetMeter
from agents.ppo.checkpoint import Extra
from agents.ppo.config import RunConfig
from agents.ppo.evaluate import Evaluation, Evaluator
from agents.ppo.progress import Reporter
from agents.ppo.runfolder import RunFolder
from agents.ppo.trainer import Trainer, construct_config
from agents.ppo.tuneconfig import TuneConfig
from floorplan.errors import CheckpointError
from floorplan.netlist import Problem

__all__ = ["FineTuner"]

log = logging.getLogger(__name__)


class FineTuner(Trainer):
    """Trains a stored policy further on one problem.

    Before anything is learned the policy places the problem as it is, so the best placement is never worse than that.
    Then only the critic learns for a while: its values belong to other netlists, and would mislead the policy. Every
    few updates the policy is evaluated; the weights that came out best are the run's policy, those it started from
    included, and training goes back to them when it has got worse several times in a row, with half the step size.

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
        game = construct_config(config.env)
        self._evaluator = Evaluator(problem, game, tune.samples, seed, self.model.device)

    def start(self) -> None:
        """Place the problem with the policy as it is, write that down, and begin the first episodes."""
        began = time.monotonic()
        super().start()
        self.reporter.advance(0.0, "zero-shot", float("inf"))
        found = self._evaluate()
        self.zero_shot = found
        self.champion_score = self._zero_score = found.score
        self.counters = replace(self.counters, seconds=time.monotonic() - began)
        c = self.counters
        row: dict[str, Any] = {
            "step": 0,
            "update": 0,
            "seconds": round(c.seconds, 3),
            "episodes": 0,
            "best_proxy": c.best_proxy,
            "mean_proxy": found.drawn,
            "min_proxy": c.best_proxy,
            "dead_ends": found.dead_ends,
            "explained_variance": None,
            "episodes_per_s": (1 + self.tune.samples) / max(c.seconds, 1e-9),
            **self._figures(found),
        }
        self.folder.append_metrics(row)
        self.reporter.row(row)
        self.save()

    def summary(self) -> dict[str, float]:
        """Return how the run's policy and the one it started from evaluate; lower is better."""
        return {"policy_score": self.champion_score, "zero_shot_score": self._zero_score}

    def _update(self, meter: BudgetMeter) -> dict[str, Any]:
        number = self.counters.update + 1
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

    def _evaluate(self) -> Evaluation:
        network: Any = self.network
        network.release()
        found = self._evaluator(network)
        network.release()
        for f in found.finished:
            self._offer(f.placement, f.cost)
        return found

    def _judge(self, found: Evaluation) -> None:
        """Keep the weights if they are the best, or go back to the best ones."""
        if found.score < self.champion_score:
            self.champion.load_state_dict(self.network.state_dict())
            self.champion_score = found.score
            self._worse = 0
            return
        self._worse += 1
        if self._worse < self.tune.patience:
            return
        self._worse = 0
        self._set_rate(self._rate / 2)
        self.network.load_state_dict(self.champion.state_dict())
        network: Any = self.network
        network.release()
        policy: Any = self.model.policy
        policy.optimizer.state.clear()
        log.info("the policy got worse: back to the best weights, step size %g", self.model.config.learning_rate)

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
        }
        return Extra({f"champion.{k}": v for k, v in self.champion.state_dict().items()}, values)

    def _restore(self) -> Callable[[Extra], None]:
        def restore(extra: Extra) -> None:
            tensors = {k.removeprefix("champion."): v for k, v in extra.tensors.items()}
            try:
                self.champion.load_state_dict(tensors, strict=True)
            except RuntimeError as e:
                raise CheckpointError(f"the best weights do not fit the network: {' '.join(str(e).split())}") from None
            v = extra.values
            self.champion_score, self._zero_score = float(v["champion_score"]), float(v["zero_score"])
            self._worse = int(v["worse"])
            self._set_rate(float(v["rate"]))

        return restore
