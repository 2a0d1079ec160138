"""Published figures that stand beside our own, and the netlists they belong to."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field

from floorplan.cost.terms import CostOptions

__all__ = ["Published", "published_for"]


class Published(BaseModel):
    """One figure of somebody else.

    Attributes:
        family: name under which several netlists circulate.
        netlist_hash: the netlist it was measured on; empty if not known.
        variant: what tells that netlist from its namesakes.
        method: how it was reached.
        proxy: weights 1 / 0.5 / 0.5.
        wirelength: part of the cost, where published.
        density: likewise.
        congestion: likewise.
        legal: None where nobody could check.
        hours: wall clock, where published.
        hardware: what it ran on.
        soft: how soft macros were placed.
        source: repository and document.
        note: what else to know before comparing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    family: str
    netlist_hash: str
    variant: str = ""
    method: str
    proxy: float = Field(gt=0)
    wirelength: float | None = None
    density: float | None = None
    congestion: float | None = None
    legal: bool | None = None
    hours: float | None = None
    hardware: str
    soft: str
    source: str
    note: str = ""

    @property
    def caveats(self) -> str:
        """All that qualifies the figure, in one line."""
        parts = [self.variant, f"soft macros: {self.soft}", self.note]
        return "; ".join(part for part in parts if part)


class _Family(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    netlist_hashes: tuple[str, ...]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    family: tuple[_Family, ...]
    entry: tuple[Published, ...]


def published_for(netlist_hash: str, options: CostOptions) -> tuple[list[Published], list[Published]]:
    """Return the figures published for this very netlist, and those for others of its name, best first.

    Both are empty where the cost is not the one that everybody publishes.
    """
    if options != CostOptions():
        return [], []
    data = _data()
    names = {f.name for f in data.family if netlist_hash in f.netlist_hashes}
    ordered = sorted(data.entry, key=lambda e: e.proxy)
    same = [e for e in ordered if e.netlist_hash == netlist_hash]
    others = [e for e in ordered if e.family in names and e.netlist_hash != netlist_hash]
    return same, others


@cache
def _data() -> _File:
    text = files("floorplan.bench").joinpath("published.toml").read_text("utf-8")
    return _File.model_validate(tomllib.loads(text))
