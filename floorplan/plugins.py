"""What installed distributions add to Floorplan: agents and commands, found through entry points.

A package adds an agent with two lines in its pyproject.toml and without touching this project:

    [project.entry-points."floorplan.agents"]
    mine = "my_package.my_module:MyAgent"
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from floorplan.errors import UnknownNameError

__all__ = [
    "AGENTS_GROUP",
    "COMMANDS_GROUP",
    "CONTRACTS_GROUP",
    "agent_class",
    "agent_names",
    "command_names",
    "explains_policies",
    "load_command",
    "make_agent",
    "make_explainer",
    "parse_budget",
]

AGENTS_GROUP = "floorplan.agents"
"""Entry-point group of agent classes; see `agents.base.Agent` for what they offer."""

COMMANDS_GROUP = "floorplan.commands"
"""Entry-point group of functions `main(argv) -> exit code`, which become verbs of the `floorplan` command."""

CONTRACTS_GROUP = "floorplan.contracts"
"""Entry-point group of what agents and their callers must share; `budget` parses the text of a budget, `explain` says
where a policy wants a macro."""

Command = Callable[[Sequence[str]], int | None]


def agent_names() -> list[str]:
    """Return the names of all installed agents, sorted."""
    return sorted(_found(AGENTS_GROUP))


def make_agent(name: str, **options: Any) -> Any:
    """Make an installed agent by name; `options` go to its constructor.

    The result follows `agents.base.Agent`: it has `name` and `place(problem, budget, seed, progress=None)`. Its type is
    open here because this package knows no agent.

    Raises:
        UnknownNameError: no installed distribution declares the name.
    """
    return agent_class(name)(**options)


def agent_class(name: str) -> Any:
    """Return what an installed distribution declares as the agent `name`: a class, or a function that makes one.

    Raises:
        UnknownNameError: no installed distribution declares the name.
    """
    return _load(AGENTS_GROUP, "agent", name)


def parse_budget(text: str) -> Any:
    """Return the budget that `text` (60s, 200000p, 10e) stands for, as `Agent.place` takes it.

    Raises:
        BudgetError: the text has another form.
    """
    return _load(CONTRACTS_GROUP, "contract", "budget")(text)


def explains_policies() -> bool:
    """Return whether an installed distribution says where a policy wants a macro."""
    return "explain" in _found(CONTRACTS_GROUP)


def make_explainer(problem: Any) -> Any:
    """Return what says where a policy wants a macro of a problem, and why; see `agents.explain.Explainer`.

    Raises:
        UnknownNameError: no installed distribution declares it.
    """
    return _load(CONTRACTS_GROUP, "contract", "explain")(problem)


def command_names() -> list[str]:
    """Return the verbs that installed distributions add to the command line, sorted."""
    return sorted(_found(COMMANDS_GROUP))


def load_command(name: str) -> Command:
    """Return the function behind an added verb.

    Raises:
        UnknownNameError: no installed distribution declares the verb.
    """
    command: Command = _load(COMMANDS_GROUP, "command", name)
    return command


def _found(group: str) -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=group)}


def _load(group: str, kind: str, name: str) -> Any:
    found = _found(group)
    if name not in found:
        raise UnknownNameError(kind, name, list(found))
    return found[name].load()
