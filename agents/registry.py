"""Agents by name: those of installed distributions, and this project's own where it runs uninstalled.

A package of its own adds an agent through the entry-point group `floorplan.agents`; nothing here changes for it.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from agents.base import Agent
from floorplan.errors import UnknownNameError
from floorplan.plugins import AGENTS_GROUP

__all__ = ["BUILT_IN", "agent_names", "make_agent"]

BUILT_IN: dict[str, str] = {
    "analytic": "agents.analytic:AnalyticAgent",
    "anneal": "agents.search.anneal:AnnealAgent",
    "descent": "agents.search.descent:DescentAgent",
    "evolve": "agents.evolve:EvolveAgent",
    "greedy": "agents.greedy:GreedyAgent",
    "learn": "agents.learn:LearnAgent",
    "policy": "agents.policy:PolicyAgent",
    "portfolio": "agents.search.portfolio:PortfolioAgent",
    "random": "agents.random_:RandomAgent",
}
"""The agents that pyproject.toml declares, as `module:class`; the module is imported when the agent is made."""


def agent_names() -> list[str]:
    """Return all names that `make_agent` knows, sorted."""
    return sorted(_known())


def make_agent(name: str, **options: Any) -> Agent:
    """Make an agent by name; `options` go to its constructor.

    Raises:
        UnknownNameError: no installed distribution, and not this project, has an agent of that name.
    """
    known = _known()
    if name not in known:
        raise UnknownNameError("agent", name, list(known))
    module, _, attribute = known[name].partition(":")
    agent: Agent = getattr(import_module(module), attribute)(**options)
    return agent


def _known() -> dict[str, str]:
    return BUILT_IN | {entry.name: entry.value for entry in entry_points(group=AGENTS_GROUP)}
