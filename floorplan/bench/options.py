"""From an agent's table in a suite to the arguments of its constructor."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import PydanticSchemaGenerationError, PydanticUserError, TypeAdapter, ValidationError

from floorplan.bench.suite import AgentSpec, SuiteError, expand_path
from floorplan.cost.terms import CostOptions
from floorplan.errors import UnknownNameError
from floorplan.plugins import agent_class

__all__ = ["AgentSetup", "set_up_agent"]


@dataclass(frozen=True, eq=False)
class AgentSetup:
    """An agent that can be made.

    Attributes:
        make: its class.
        arguments: for the constructor.
        config_hash: SHA-256 of the agent's name, its options as the suite states them, and the content of the files
            that options name.
        optimises: False if the suite's cost is not the default one and the agent cannot be told so.
    """

    make: Any
    arguments: Mapping[str, Any]
    config_hash: str
    optimises: bool


def set_up_agent(suite_path: Path, key: str, spec: AgentSpec, cost: CostOptions) -> AgentSetup:
    """Check an agent's options against its constructor.

    A cost other than the default one is handed to whatever parameter takes `CostOptions`, directly or as a field of its
    dataclass, unless the options set it.

    Raises:
        SuiteError: no such agent, an unknown option, or a value that the constructor's types do not allow.
    """
    try:
        made = agent_class(spec.agent)
    except UnknownNameError as e:
        raise SuiteError(suite_path, f"{key}.agent", str(e)) from None
    files: dict[str, str] = {}
    reader = _Reader(suite_path, files, cost)
    arguments = reader.arguments(made, spec.options, f"{key}.options")
    text = json.dumps([spec.agent, spec.options, files], sort_keys=True, default=str)
    return AgentSetup(
        made, arguments, hashlib.sha256(text.encode()).hexdigest(), reader.told_cost or cost == CostOptions()
    )


class _Reader:
    def __init__(self, suite_path: Path, files: dict[str, str], cost: CostOptions) -> None:
        self.suite_path = suite_path
        self.files = files
        self.cost = cost
        self.told_cost = False

    def arguments(self, made: Any, table: Mapping[str, Any], key: str) -> dict[str, Any]:
        parameters = inspect.signature(made).parameters
        hints = _hints(made)
        open_ended = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
        known = [n for n, p in parameters.items() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
        out: dict[str, Any] = {}
        for name, value in table.items():
            if name not in known and not open_ended:
                raise SuiteError(self.suite_path, f"{key}.{name}", f"unknown option; known: {', '.join(known) or '-'}")
            out[name] = self._value(hints.get(name), value, f"{key}.{name}")
        self._tell_cost(hints, known, out, key)
        return out

    def _tell_cost(self, hints: Mapping[str, Any], known: list[str], out: dict[str, Any], key: str) -> None:
        if self.cost == CostOptions():
            return
        for name in known:
            kinds = _members(hints.get(name))
            if CostOptions in kinds:
                out.setdefault(name, self.cost)
                self.told_cost = True
            elif name not in out:
                for kind in kinds:
                    if dataclasses.is_dataclass(kind) and CostOptions in _hints(kind).values():
                        out[name] = self._value(kind, {}, f"{key}.{name}")

    def _value(self, hint: Any, value: Any, key: str) -> Any:
        if hint is None:
            return value
        kinds = _members(hint)
        if isinstance(value, dict):
            for kind in kinds:
                if dataclasses.is_dataclass(kind) and isinstance(kind, type):
                    arguments = self.arguments(kind, value, key)
                    try:
                        return kind(**arguments)
                    except (TypeError, ValueError) as e:
                        raise SuiteError(self.suite_path, key, str(e)) from None
        word = isinstance(value, str) and str in kinds and (not value or value.isidentifier())
        if isinstance(value, str) and Path in kinds and not word:  # a parameter may take words such as `shipped`, too
            path = expand_path(self.suite_path, key, value)
            if not path.exists():
                raise SuiteError(self.suite_path, key, f"no such file or folder: {value!r}")
            self.files[key.rpartition("options.")[2]] = _content_hash(path)
            return path
        try:
            return TypeAdapter(hint).validate_python(value)
        except ValidationError as e:
            raise SuiteError(self.suite_path, key, f"{e.errors(include_url=False)[0]['msg']}, got {value!r}") from None
        except (PydanticSchemaGenerationError, PydanticUserError):
            return value  # a type that only the agent itself can check


def _hints(made: Any) -> dict[str, Any]:
    """Return the type of each parameter, as far as the names in them are known."""
    target = made.__init__ if isinstance(made, type) else made  # type: ignore[misc]  # of this very class
    try:
        return typing.get_type_hints(target)
    except (NameError, TypeError, AttributeError):
        return {}


def _members(hint: Any) -> tuple[Any, ...]:
    """Return the alternatives of a union, or the type itself."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return typing.get_args(hint)
    return (hint,)


def _content_hash(path: Path) -> str:
    """Return the SHA-256 of a file, or of the weights and settings in a folder."""
    h = hashlib.sha256()
    kept = (".safetensors", ".toml", ".json")
    parts = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.suffix in kept and p.is_file())
    for part in parts:
        h.update(part.relative_to(path.parent).as_posix().encode() + b"\0")
        h.update(hashlib.sha256(part.read_bytes()).digest())
    return h.hexdigest()
