from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.base import Budget
from agents.ppo.config import load_config, merge
from agents.ppo.progress import QuietReporter
from agents.ppo.runfolder import RunFolder
from agents.ppo.trainer import Trainer
from tests.agents.ppo_cases import TINY, tiny_problem

EPISODES = 480
LEARN = {
    "network": {"channels": 8, "cost_prior": 0},
    "ppo": {"num_envs": 16, "minibatch": 48, "learning_rate": 3e-3, "entropy": 0.0},
    "checkpoint_every_s": 1000,
}


def mean_proxies(folder: Path, **changes: dict[str, Any]) -> list[float]:
    """Train and return the mean proxy of each update's episodes; the first is the untrained policy's."""
    folder.mkdir()
    config = load_config("default", merge(merge(TINY, LEARN), changes))
    trainer = Trainer(tiny_problem(), config, 1, RunFolder(folder), QuietReporter())
    trainer.start()
    trainer.run(Budget.parse(f"{EPISODES}e"))
    return [r["mean_proxy"] for r in trainer.folder.read_metrics()]


def random_mean() -> float:
    from floorplan.env import ConstructBatch, ConstructConfig

    batch = ConstructBatch(tiny_problem(), 64, ConstructConfig(soft_placer="none", soft_start="initial"), seed=0)
    rng = np.random.default_rng(0)
    while not batch.finished:
        batch.step(np.where(batch.masks, rng.random(batch.masks.shape), -1).argmax(axis=1))
    return float(np.mean([f.cost.proxy for f in batch.finished]))


def test_training_beats_the_untrained_policy_and_random_and_a_frozen_one_does_not(tmp_path: Path) -> None:
    trained = mean_proxies(tmp_path / "trained")
    frozen = mean_proxies(tmp_path / "frozen", ppo={"learning_rate": 1e-9})
    untrained = float(np.mean(frozen))
    assert untrained == pytest.approx(random_mean(), abs=0.02)  # no prior: it starts as a random policy, and stays
    assert np.mean(trained[-3:]) < 0.88 * untrained
    assert min(frozen[-3:]) > 0.95 * untrained  # the control: the same run without learning


@pytest.mark.slow
def test_it_learns_from_the_final_cost_alone(tmp_path: Path) -> None:
    means = mean_proxies(tmp_path / "run", env={"reward": "terminal"}, ppo={"gae_lambda": 1.0})
    assert np.mean(means[-3:]) < 0.9 * means[0]
