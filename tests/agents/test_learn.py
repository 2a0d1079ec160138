from __future__ import annotations

from pathlib import Path

import pytest

from agents.base import Agent, Budget, Progress
from agents.learn import LearnAgent
from agents.policy import PolicyAgent
from floorplan.cost import CostEngine
from floorplan.errors import CheckpointError
from floorplan.netlist import check_legality
from tests.agents.ppo_cases import tiny_problem, train_tiny


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 8 episodes on the tiny problem, and the preset that it was made with."""
    return train_tiny(tmp_path_factory.mktemp("trained"))


def test_learning_from_scratch_is_an_agent_like_all_others(run: Path) -> None:
    agent = LearnAgent(preset=str(run / "tiny.toml"))
    assert isinstance(agent, Agent)
    told: list[Progress] = []
    problem = tiny_problem()
    result = agent.place(problem, Budget.parse("12e"), 1, told.append)
    assert check_legality(problem, result.placement).legal
    assert result.cost.proxy == CostEngine(problem).full(result.placement).proxy
    assert result.episodes >= 12
    assert result.proposals == result.episodes * len(problem.movable_hard)
    bests = [p.best.proxy for p in told if p.best is not None]
    assert bests == sorted(bests, reverse=True)
    assert bests[-1] == result.cost.proxy
    again = agent.place(problem, Budget.parse("12e"), 1)
    assert again.placement.x_um.tolist() == result.placement.x_um.tolist()


def test_starting_from_a_policy_is_never_worse_than_the_policy(run: Path) -> None:
    problem = tiny_problem()
    plain = PolicyAgent(run / "run", refine=0).place(problem, Budget.parse("1e"), 0)
    tuned = LearnAgent(run / "run").place(problem, Budget.parse("4e"), 0)
    assert tuned.cost.proxy <= plain.cost.proxy
    assert tuned.episodes >= 4


def test_a_policy_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no policy here"):
        LearnAgent(tmp_path)
