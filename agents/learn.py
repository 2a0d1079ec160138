"""The agent `learn`: trains a policy on the problem at hand, from scratch or from a trained one, and keeps the best."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.base import Budget, BudgetClock, Progress, ProgressCallback, Result, legal_result
from agents.ppo.config import load_config
from agents.ppo.policyfile import find_policy, read_card
from agents.ppo.tuneconfig import TuneConfig
from floorplan.errors import InfeasibleProblemError
from floorplan.netlist import Problem
from floorplan.parallel import core_count

if TYPE_CHECKING:
    from agents.ppo.trainer import Trainer

__all__ = ["SCRATCH", "LearnAgent"]

SCRATCH = "scratch"


class LearnAgent:
    """Trains within the budget, as `floorplan train` and `floorplan finetune` do, and returns the best placement seen.

    So that training can stand beside other agents in a benchmark; the policy that comes of it is thrown away.

    Args:
        policy: to start from: a path, `shipped`, or `scratch` for fresh weights.
        preset: settings of a run from scratch; a policy brings its own network and game, and the preset `finetune`.
    """

    name = "learn"
    warm_up = "200p"

    def __init__(self, policy: str | Path = SCRATCH, preset: str = "default") -> None:
        self.policy = None if str(policy) == SCRATCH else find_policy(policy)
        config = load_config(preset if self.policy is None else "finetune")
        if self.policy is not None:
            config = read_card(self.policy).brought_into(config)
        self.config = config

    def place(self, problem: Problem, budget: Budget, seed: int, progress: ProgressCallback | None = None) -> Result:
        """Return the best placement that training came upon; seconds count everything but the import of torch.

        Raises:
            CheckpointError: the policy is damaged, or made for other observations.
            InfeasibleProblemError: no episode came to a complete legal placement.
        """
        from agents.ppo.finetune import FineTuner
        from agents.ppo.runfolder import RunFolder, RunSource
        from agents.ppo.trainer import Trainer

        clock = BudgetClock(budget)
        config = self.config.model_copy(update={"threads": min(self.config.threads, core_count())})
        with tempfile.TemporaryDirectory(prefix="floorplan-learn-") as name:
            folder = RunFolder(Path(name) / "run")
            folder.create(config, RunSource(Path(problem.netlist.name), None, seed, self.policy), problem)
            teller = _Teller(clock, progress)
            trainer: Trainer
            if self.policy is None:
                trainer = Trainer(problem, config, seed, folder, teller)
            else:
                trainer = FineTuner(problem, config, TuneConfig(), self.policy, seed, folder, teller)
            teller.trainer = trainer
            left = budget if budget.kind != "s" else Budget("s", max(budget.amount - clock.seconds, 1e-3))
            trainer.start()
            counters = trainer.run(left)
            clock.proposals, clock.episodes = counters.step, counters.episodes
            best = trainer.best
        if best is None:
            raise InfeasibleProblemError(f"{counters.dead_ends} episodes ended before the last macro stood")
        return legal_result(problem, best.placement, best.cost, clock)


class _Teller:
    """Passes the rows of a run on as an agent's progress."""

    def __init__(self, clock: BudgetClock, progress: ProgressCallback | None) -> None:
        self.trainer: Trainer | None = None
        self._clock = clock
        self._progress = progress
        self._spent = 0.0

    def note(self, text: str) -> None:
        """Say nothing."""

    def advance(self, fraction: float, phase: str, seconds_left: float) -> None:  # noqa: ARG002  # the protocol's
        """Keep how far the run is."""
        self._spent = min(fraction, 1.0)

    def row(self, row: dict[str, Any]) -> None:
        """Pass on the best placement so far."""
        best = None if self.trainer is None else self.trainer.best
        if self._progress is not None:
            cost = None if best is None else best.cost
            counts = (int(row["step"]), int(row["episodes"]))
            self._progress(Progress(self._spent, self._clock.seconds, *counts, cost, "learning"))

    def close(self) -> None:
        """Nothing to give back."""
