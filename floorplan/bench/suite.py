"""Suites: which designs, agents, seeds and budgets a benchmark runs, read from one TOML file."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from floorplan.cost.terms import CostOptions, CostWeights
from floorplan.errors import FloorplanError
from floorplan.files import read_toml
from floorplan.plugins import parse_budget

__all__ = ["AgentSpec", "CostSpec", "DesignSpec", "Suite", "SuiteError", "expand_path", "load_suite"]

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")

Label = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._+@-]{0,47}$")]
Size = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]
Share = Annotated[float, Field(gt=0, le=1, strict=True)]
Seed = Annotated[int, Field(ge=0, lt=2**32, strict=True)]
Flag = Annotated[bool, Field(strict=True)]


class SuiteError(FloorplanError):
    """A suite file is wrong; the message names the file and the key."""

    def __init__(self, path: Path, key: str, what: str) -> None:
        self.path = path
        self.key = key
        super().__init__(f"{path}: {key}: {what}" if key else f"{path}: {what}")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Weights(_Table):
    """Weights of the proxy; the field's defaults."""

    wirelength: Size = 1.0
    density: Size = 0.5
    congestion: Size = 0.5


class CostSpec(_Table):
    """What every run of the suite is scored by; the same meanings as in `CostOptions`."""

    weights: Weights = Weights()
    density_top: Share = 0.1
    congestion_top: Share = 0.05
    square_soft: Flag = False

    def options(self) -> CostOptions:
        """Return the options of the cost engine."""
        weights = CostWeights(**self.weights.model_dump())
        return CostOptions(weights, self.density_top, self.congestion_top, self.square_soft)


class DesignSpec(_Table):
    """One problem.

    Attributes:
        name: what tables call it.
        netlist: netlist file, relative to the suite file; `${VAR}` stands for an environment variable.
        placement: .plc that gives canvas, ports, fixed nodes and a start; None takes the one beside the netlist.
        start: `file` hands agents that placement; `random` hands them a random legal one instead, made by the agent
            `random` from `start_seed`, so that nothing of the given start is left.
        start_seed: see `start`.
        macro_spacing_um: least gap between hard macros.
        boundary_spacing_um: least gap to the canvas edge.
    """

    name: Label
    netlist: str
    placement: str | None = None
    start: Literal["file", "random"] = "file"
    start_seed: Seed = 0
    macro_spacing_um: Size = 0.0
    boundary_spacing_um: Size = 0.0


class AgentSpec(_Table):
    """One way to place.

    Attributes:
        label: what tables call it; letters, digits, blanks and `._+@-`.
        agent: name of an installed agent.
        options: arguments of its constructor; where that is typed, tables become dataclasses, and paths are treated as
            those of designs.
        budgets: instead of the suite's.
        seeds: instead of the suite's.
    """

    label: Label
    agent: str
    options: dict[str, Any] = {}
    budgets: tuple[str, ...] | None = None
    seeds: tuple[Seed, ...] | None = None

    @field_validator("budgets", "seeds", mode="before")
    @classmethod
    def _lists(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("budgets")
    @classmethod
    def _budgets(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if value is None else _canonical(value)


class Suite(_Table):
    """A benchmark: designs x agents x seeds x budgets.

    Attributes:
        path: the file it was read from.
        name: what reports call it.
        seeds: of everything random in an agent.
        budgets: such as `60s`, `200000p` or `10e`, in the form in which they were parsed.
        warmup: let every agent place a small problem before it is timed, so that compiling is not billed.
        cost: how results are scored.
        designs: at least one.
        agents: at least one.
    """

    path: Path
    name: Label
    seeds: tuple[Seed, ...] = Field(min_length=1)
    budgets: tuple[str, ...] = Field(min_length=1)
    warmup: Flag = True
    cost: CostSpec = CostSpec()
    designs: tuple[DesignSpec, ...] = Field(min_length=1)
    agents: tuple[AgentSpec, ...] = Field(min_length=1)

    @field_validator("seeds", "budgets", "designs", "agents", mode="before")
    @classmethod
    def _lists(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("budgets")
    @classmethod
    def _budgets(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _canonical(value)

    @property
    def folder(self) -> Path:
        """The folder that relative paths start from."""
        return self.path.parent


def load_suite(path: str | Path) -> Suite:
    """Read and check a suite; unknown keys are refused, and so is what would run twice.

    Raises:
        SuiteError: the file is missing, no TOML, or a key is wrong; the message names file and key.
    """
    p = Path(path)
    data, _ = read_toml(p, lambda cause: SuiteError(p, "", cause))
    if "path" in data:
        raise SuiteError(p, "path", "unknown key")
    try:
        suite = Suite(path=p.absolute(), **data)
    except ValidationError as e:
        first = e.errors(include_url=False)[0]
        raise SuiteError(p, key_text(first["loc"]), reason_text(first)) from None
    _refuse_repeats(p, "seeds", suite.seeds)
    _refuse_repeats(p, "budgets", suite.budgets)
    _refuse_repeats(p, "designs", [d.name for d in suite.designs])
    _refuse_repeats(p, "agents", [a.label for a in suite.agents])
    for i, agent in enumerate(suite.agents):
        _refuse_repeats(p, f"agents[{i}].budgets", agent.budgets or ())
        _refuse_repeats(p, f"agents[{i}].seeds", agent.seeds or ())
        for j, other in enumerate(suite.agents[:i]):
            if (agent.agent, agent.options) == (other.agent, other.options):
                raise SuiteError(p, f"agents[{i}]", f"is the same agent with the same options as agents[{j}]")
    return suite


def expand_path(suite_path: Path, key: str, text: str) -> Path:
    """Return `text` with every `${VAR}` replaced and made absolute from the suite's folder.

    Raises:
        SuiteError: a variable is not set; the message names it and the key.
    """

    def value(found: re.Match[str]) -> str:
        if not os.environ.get(found[1]):
            raise SuiteError(suite_path, key, f"the environment variable {found[1]} is not set (in {text!r})")
        return os.environ[found[1]]

    return (suite_path.parent / _VARIABLE.sub(value, text)).absolute()


def _canonical(texts: tuple[str, ...]) -> tuple[str, ...]:
    out = []
    for text in texts:
        try:
            out.append(str(parse_budget(text)))
        except FloorplanError as e:
            raise ValueError(str(e)) from None
    return tuple(out)


def key_text(loc: tuple[int | str, ...]) -> str:
    """Return `designs[0].netlist` for ("designs", 0, "netlist")."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).removeprefix(".")


def reason_text(error: Any) -> str:
    """Return what is wrong with a value, from pydantic's account of it."""
    if error["type"] == "extra_forbidden":
        return "unknown key"
    if error["type"] == "missing":
        return "is missing"
    if error["type"] == "string_pattern_mismatch":
        allowed = "1 to 48 letters, digits, blanks and ._+@-, the first a letter or digit"
        return f"must be {allowed}, got {error['input']!r}"
    text = str(error["msg"]).removeprefix("Value error, ")
    given = error.get("input")
    return f"{text}, got {given!r}" if isinstance(given, str | int | float) else text


def _refuse_repeats(path: Path, key: str, values: Any) -> None:
    seen = set()
    for value in values:
        if value in seen:
            raise SuiteError(path, key, f"{value!r} comes twice")
        seen.add(value)
