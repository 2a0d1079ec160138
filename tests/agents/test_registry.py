from __future__ import annotations

import tomllib
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

import agents.registry
from agents.greedy import GreedyAgent
from agents.random_ import RandomAgent
from agents.registry import BUILT_IN, agent_names, make_agent
from floorplan.errors import UnknownNameError
from floorplan.plugins import AGENTS_GROUP


def test_the_built_in_agents_are_those_that_the_distribution_declares() -> None:
    root = Path(__file__).resolve().parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert project["entry-points"][AGENTS_GROUP] == BUILT_IN
    assert set(BUILT_IN) <= set(agent_names())


def test_agents_are_made_with_their_options() -> None:
    assert isinstance(make_agent("random"), RandomAgent)
    greedy = make_agent("greedy", candidates=5)
    assert isinstance(greedy, GreedyAgent)
    assert greedy.candidates == 5


def test_a_package_of_its_own_adds_an_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    added = EntryPoints([EntryPoint("mine", "collections:Counter", AGENTS_GROUP)])
    monkeypatch.setattr(agents.registry, "entry_points", lambda group: added.select(group=group))
    assert agent_names() == sorted([*BUILT_IN, "mine"])
    assert make_agent("mine", a=2)["a"] == 2  # type: ignore[index]  # a Counter stands in for an agent


def test_an_unknown_agent_is_named_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown agent 'best'; known: .*greedy.*random"):
        make_agent("best")
