"""POOL.toml: which netlists a policy is trained on, in what share and when, and which it is only measured on."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt, StrictStr, ValidationError, model_validator

from agents.ppo.config import CHOICES
from floorplan.accelerator.templates import TEMPLATES, parameter_types, parameters_of
from floorplan.bench.suite import Label, SuiteError, expand_path, key_text, reason_text
from floorplan.errors import FloorplanError
from floorplan.files import plain_name, read_toml
from floorplan.formats import read_problem
from floorplan.netlist import Problem

__all__ = ["FileNetlist", "GeneratedNetlist", "Pool", "PoolError", "PoolNetlist", "PoolSettings", "Source", "load_pool"]

NETLIST_FILE = "netlist.pb.txt"
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1, strict=True)]
Whole = Annotated[int, Field(ge=0, strict=True)]
Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Value = StrictInt | StrictFloat | StrictStr
SpecT = TypeVar("SpecT", bound="_Table")


class PoolError(SuiteError):
    """A pool file is wrong; the message names the file and the key."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class PoolSettings(_Table):
    """How the pool is trained on.

    Attributes:
        netlists_per_round: netlists whose episodes make one update.
        envs: episodes of each of them.
        symmetries: also the images of a netlist in the canvas's symmetries.
        relabel: also its nodes in other orders, which changes the order of macros of one size.
        jitter: also grids of up to this many columns and rows more or fewer.
        variants: how many variants of one netlist are made in all, itself among them; each costs its set-up once.
        live_mb: memory for netlists that are kept set up between rounds.
        evaluate_every: episodes between two evaluations on what is held out; as many rounds of cloning stand for them.
        views: symmetric views, 1 to 4, in which each held-out netlist is graded; their mean counts.
        looks: passes of the refine game in the grading of what is held out, as in a rollout.
        choices: cells that a policy names for a macro in them.
        samples: sampled episodes of each held-out netlist, besides the one of most probable cells.
        patience: evaluations without gain after which a run stops; 0: never.
        teacher: settings of the search that teaches; see `agents.pretrain.lessons`.
        evolution: settings of the evolution that comes first; see `agents.pretrain.evolve`.
    """

    netlists_per_round: Count = 4
    envs: Count = 4
    symmetries: bool = True
    relabel: bool = True
    jitter: Whole = 2
    variants: Count = 8
    live_mb: Count = 1500
    evaluate_every: Count = 400
    views: Annotated[int, Field(strict=True, ge=1, le=4)] = 4
    looks: Whole = 1
    choices: Count = CHOICES
    samples: Whole = 3
    patience: Whole = 0
    teacher: dict[str, Any] = {}
    evolution: dict[str, Any] = {}


class _Netlist(_Table):
    path: str
    name: Label | None = None
    placement: str | None = None


class _TrainedNetlist(_Netlist):
    weight: Weight = 1.0
    start: Share = Field(0.0, alias="from")
    end: Share = Field(1.0, alias="to")


class _Generated(_Table):
    template: str
    seeds: tuple[Whole, Whole]
    name: Label | None = None
    set: dict[str, Value | list[Value]] = {}

    @model_validator(mode="before")
    @classmethod
    def _pairs(cls, tree: Any) -> Any:
        if isinstance(tree, dict) and isinstance(tree.get("seeds"), list):
            return {**tree, "seeds": tuple(tree["seeds"])}
        return tree


class _TrainedGenerated(_Generated):
    weight: Weight = 1.0
    start: Share = Field(0.0, alias="from")
    end: Share = Field(1.0, alias="to")


class PoolNetlist(Protocol):
    """One netlist of a pool, which can be made whenever it is wanted."""

    @property
    def name(self) -> str:
        """What tables call it; unique in the pool."""

    def build(self) -> Problem:
        """Read or generate it; the same problem every time."""


@dataclass(frozen=True)
class FileNetlist:
    """A netlist in a file; without `placement`, the one beside it gives the canvas."""

    name: str
    path: Path
    placement: Path | None = None

    def build(self) -> Problem:
        """Read it."""
        return read_problem(self.path, self.placement)


@dataclass(frozen=True)
class GeneratedNetlist:
    """A netlist that a template makes of its parameters."""

    name: str
    template: str
    parameters: Any

    def build(self) -> Problem:
        """Generate it."""
        return TEMPLATES[self.template].build(self.parameters)


@dataclass(frozen=True)
class Source:
    """Netlists that are drawn alike, while the spent share of the budget lies within `start` and `end`."""

    name: str
    weight: float
    start: float
    end: float
    netlists: tuple[PoolNetlist, ...]


@dataclass(frozen=True)
class Pool:
    """Netlists to train on and netlists held out.

    Attributes:
        path: the file it was read from.
        text: what that file says.
        settings: how it is trained on.
        sources: of training netlists.
        held_out: what progress is measured on; never trained on.
    """

    path: Path
    text: str
    settings: PoolSettings
    sources: tuple[Source, ...]
    held_out: tuple[PoolNetlist, ...]

    def training(self) -> Iterator[PoolNetlist]:
        """Go through all training netlists."""
        for source in self.sources:
            yield from source.netlists


def load_pool(path: str | Path, overrides: dict[str, Any] | None = None, folder: Path | None = None) -> Pool:
    """Read and check a pool; no netlist is read yet.

    Args:
        path: the TOML file.
        overrides: of its `[settings]`.
        folder: what relative paths in it start from; None: the folder of the file.

    Raises:
        PoolError: the file is missing, no TOML, or a key is wrong; the message names file and key.
    """
    p = Path(path)
    data, text = read_toml(p, lambda cause: PoolError(p, "", cause))
    for key in data.keys() - {"settings", "netlist", "generated", "held_out"}:
        raise PoolError(p, key, "unknown key")
    tables = {key: _tables(p, key, data.get(key, [])) for key in ("netlist", "generated", "held_out")}
    given = data.get("settings", {})
    settings = _checked(PoolSettings, p, "settings", given | (overrides or {}) if isinstance(given, dict) else given)

    reader = _Reader(p, (folder or p.parent) / p.name)
    sources = [reader.file_source(f"netlist[{i}]", t) for i, t in enumerate(tables["netlist"])]
    sources += [reader.generated_source(f"generated[{i}]", t) for i, t in enumerate(tables["generated"])]
    held_out = [n for i, t in enumerate(tables["held_out"]) for n in reader.held_out(f"held_out[{i}]", t)]
    if not sources:
        raise PoolError(p, "", "names nothing to train on: no [[netlist]] and no [[generated]]")
    _check_coverage(p, sources)
    _check_names(p, sources, held_out)
    return Pool(p.absolute(), text, settings, tuple(sources), tuple(held_out))


class _Reader:
    """Turns tables into netlists."""

    def __init__(self, path: Path, base: Path) -> None:
        self.path = path
        self.base = base

    def file_source(self, key: str, table: dict[str, Any]) -> Source:
        spec = _checked(_TrainedNetlist, self.path, key, table)
        files = self._files(key, spec)
        return Source(spec.name or files[0].name, spec.weight, *self._span(key, spec.start, spec.end), tuple(files))

    def generated_source(self, key: str, table: dict[str, Any]) -> Source:
        spec = _checked(_TrainedGenerated, self.path, key, table)
        made = self._generated(key, spec)
        name = spec.name or spec.template
        return Source(name, spec.weight, *self._span(key, spec.start, spec.end), tuple(made))

    def held_out(self, key: str, table: dict[str, Any]) -> list[Any]:
        if "template" in table:
            return list(self._generated(key, _checked(_Generated, self.path, key, table)))
        return list(self._files(key, _checked(_Netlist, self.path, key, table)))

    def _span(self, key: str, start: float, end: float) -> tuple[float, float]:
        if start >= end:
            raise PoolError(self.path, f"{key}.to", f"must be above from = {start:g}, got {end:g}")
        return start, end

    def _files(self, key: str, spec: _Netlist) -> list[FileNetlist]:
        try:
            where = expand_path(self.base, f"{key}.path", spec.path)
            placement = None if spec.placement is None else expand_path(self.base, f"{key}.placement", spec.placement)
        except SuiteError as e:
            raise PoolError(self.path, e.key, str(e).removeprefix(f"{self.base}: {e.key}: ")) from None
        if where.is_file():
            return [FileNetlist(spec.name or where.parent.name, where, placement)]
        if not where.is_dir():
            raise PoolError(self.path, f"{key}.path", f"no such file or folder: {where}")
        if placement is not None:
            raise PoolError(self.path, f"{key}.placement", f"{where} is a folder; its netlists have their own")
        found = sorted(f for f in where.rglob(f"{NETLIST_FILE}*") if f.is_file() and plain_name(f) == NETLIST_FILE)
        if not found:
            raise PoolError(self.path, f"{key}.path", f"no {NETLIST_FILE} below {where}")
        prefix = f"{spec.name}-" if spec.name else ""
        return [FileNetlist(prefix + "-".join(f.parent.relative_to(where).parts or (where.name,)), f) for f in found]

    def _generated(self, key: str, spec: _Generated) -> list[GeneratedNetlist]:
        first, last = spec.seeds
        if spec.template not in TEMPLATES:
            raise PoolError(self.path, f"{key}.template", f"unknown; known: {', '.join(sorted(TEMPLATES))}")
        if last < first:
            raise PoolError(self.path, f"{key}.seeds", f"must be [first, last], got [{first}, {last}]")
        kinds = parameter_types(spec.template)
        for name in spec.set:
            if name not in kinds or name == "seed":
                known = ", ".join(k for k in kinds if k != "seed")
                raise PoolError(
                    self.path, f"{key}.set.{name}", f"{spec.template} has no such parameter; known: {known}"
                )
        out = []
        for seed in range(first, last + 1):
            try:
                parameters = _drawn(spec.template, seed, spec.set, kinds)
            except (FloorplanError, ValueError) as e:
                raise PoolError(self.path, f"{key}.set", f"seed {seed}: {e}") from None
            out.append(GeneratedNetlist(f"{spec.name or spec.template}-{seed}", spec.template, parameters))
        return out


def _drawn(template: str, seed: int, given: dict[str, Any], kinds: dict[str, type[Any]]) -> Any:
    """Return the template's variant of a seed with the given parameters instead of its own.

    A list of two numbers is a range to draw from, any other list a choice.
    """
    base = TEMPLATES[template].parameters.variant(seed)
    drawn: dict[str, Any] = {}
    for name in sorted(given):
        value = given[name]
        rng = np.random.default_rng([seed, *name.encode()])  # so that one more parameter does not change the others
        if isinstance(value, list) and not value:
            raise ValueError(f"{name}: an empty list")
        if isinstance(value, list) and len(value) == 2 and not any(isinstance(v, str) for v in value):
            low, high = value
            if high < low:
                raise ValueError(f"{name}: a range is [low, high], got {value}")
            whole = kinds[name] is int
            value = int(rng.integers(low, high + 1)) if whole else round(float(rng.uniform(low, high)), 4)
        elif isinstance(value, list):
            value = value[int(rng.integers(len(value)))]
        drawn[name] = value
    checked = parameters_of(template, **{**dataclasses.asdict(base), **drawn})
    # a family may know when its macros would not find room, and give way
    return checked.with_room() if hasattr(checked, "with_room") else checked


def _tables(path: Path, key: str, found: Any) -> list[dict[str, Any]]:
    if not isinstance(found, list) or not all(isinstance(t, dict) for t in found):
        raise PoolError(path, key, f"must be tables, written [[{key}]]")
    return found


def _checked(spec: type[SpecT], path: Path, key: str, table: Any) -> SpecT:
    try:
        return spec.model_validate(table)
    except ValidationError as e:
        first = e.errors(include_url=False)[0]
        raise PoolError(path, f"{key}.{key_text(first['loc'])}".rstrip("."), reason_text(first)) from None


def _check_coverage(path: Path, sources: list[Source]) -> None:
    """Refuse a pool that has nothing to draw at some share of the budget."""
    for at in sorted({0.0, *(s.end for s in sources if s.end < 1)}):
        if not any(s.start <= at < s.end for s in sources):
            raise PoolError(path, "", f"names nothing to train on from {at:g} of the budget on")


def _check_names(path: Path, sources: list[Source], held_out: list[PoolNetlist]) -> None:
    seen: dict[str, PoolNetlist] = {}
    for netlist in [*(n for s in sources for n in s.netlists), *held_out]:
        if netlist.name in seen and seen[netlist.name] != netlist:
            raise PoolError(path, "", f"two netlists are called {netlist.name!r}; give one a name")
        seen[netlist.name] = netlist
    held = {_identity(n) for n in held_out}
    for source in sources:
        for n in source.netlists:
            if _identity(n) in held:
                raise PoolError(path, "held_out", f"{n.name!r} is also trained on")


def _identity(netlist: PoolNetlist) -> str:
    """Return what two netlists that are surely the same have in common."""
    if isinstance(netlist, GeneratedNetlist):
        return repr(netlist.parameters)
    return repr(netlist.path.resolve()) if isinstance(netlist, FileNetlist) else netlist.name
