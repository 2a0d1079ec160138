"""Process nodes and system constants, read from the TOML tables of this package."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from floorplan.errors import UnknownNameError
from floorplan.estimate.quantity import Constant

__all__ = ["NODES", "Layer", "Node", "node", "system_constants"]

_FILES = ("ng45.toml", "asap7.toml", "sky130.toml")
_KIT_SPREAD = 1.15
"""Capacitance per length of a kit's layer: it depends on spacing and neighbours, which a floorplan does not know."""
_SI = {"fF/mm": 1e-12, "ohm/mm": 1e3}


@dataclass(frozen=True)
class Layer:
    """One routing layer.

    Attributes:
        name: as the kit calls it.
        r_ohm_per_m: resistance; 0 where only a measured delay is known.
        c_f_per_m: capacitance of the bare wire, repeaters not counted.
        c_spread: one-sigma factor of the capacitance.
        source: file or paper.
        date: of the source.
    """

    name: str
    r_ohm_per_m: float
    c_f_per_m: float
    c_spread: float
    source: str
    date: str


@dataclass(frozen=True)
class Node:
    """One process node.

    Attributes:
        name: key in `NODES`.
        feature_nm: what the node is called by.
        layers: routing layers by name.
        bus_layer: layer that block-level buses take.
        constants: vdd, fo4, leakage, sram_base, sram_slope, mac_bf16 (int8, fp8, fp4), clock_sink, wafer.
        delay: published delay of a repeated wire; None where it follows from R, C and FO4.
    """

    name: str
    feature_nm: float
    layers: Mapping[str, Layer]
    bus_layer: str
    constants: Mapping[str, Constant]
    delay: Constant | None = None

    def layer(self, name: str | None = None) -> Layer:
        """Return a layer, the bus layer by default.

        Raises:
            UnknownNameError: the node has no such layer.
        """
        found = self.layers.get(name or self.bus_layer)
        if found is None:
            raise UnknownNameError("layer", str(name), list(self.layers))
        return found


def node(name: str) -> Node:
    """Return the node called `name`, in any of its spellings (`nangate45` is `ng45`, `n16` is `n14`).

    Raises:
        UnknownNameError: there is none.
    """
    found = _nodes().get(name)
    if found is None:
        raise UnknownNameError("technology", name, list(_nodes()))
    return found


@cache
def system_constants() -> Mapping[str, Constant]:
    """Return the constants that belong to no process node."""
    return _constants(_read("system.toml")["constants"])


def _read(file: str) -> dict[str, Any]:
    return tomllib.loads((resources.files("floorplan.estimate") / "data" / file).read_text("utf-8"))


def _constant(name: str, row: Mapping[str, Any]) -> Constant:
    return Constant(
        name,
        float(row["value"]),
        row["unit"],
        float(row.get("spread", 1.0)),
        row["source"],
        row["date"],
        bool(row.get("verified", True)),
    )


def _constants(table: Mapping[str, Any]) -> Mapping[str, Constant]:
    return MappingProxyType({name: _constant(name, row) for name, row in table.items()})


@cache
def _nodes() -> Mapping[str, Node]:
    out: dict[str, Node] = {}
    for file in _FILES:
        table = _read(file)
        layers = {
            row["name"]: Layer(
                row["name"],
                row["r_ohm_per_mm"] * _SI["ohm/mm"],
                row["c_ff_per_mm"] * _SI["fF/mm"],
                _KIT_SPREAD,
                row["source"],
                row["date"],
            )
            for row in table["layers"]
        }
        made = Node(
            table["name"],
            table["feature_nm"],
            MappingProxyType(layers),
            table["bus_layer"],
            _constants(table["constants"]),
        )
        out |= dict.fromkeys([made.name, *table["aliases"]], made)
    scaled = _read("scaled.toml")
    base, delay = scaled["base"], _constant("delay", scaled["delay"])
    vdd = Constant("vdd", base["vdd_v"], "V", 1.0, base["source"], base["date"])
    for step in scaled["steps"]:
        c = base["c_ff_per_mm"] * _SI["fF/mm"] * step["energy_ratio"]
        layer = Layer("bus", 0.0, c, base["spread"], f"{base['source']}; {step['source']}", step["date"])
        constants = MappingProxyType({"vdd": vdd, **_constants(step["constants"])})
        made = Node(step["name"], step["feature_nm"], MappingProxyType({"bus": layer}), "bus", constants, delay)
        out |= dict.fromkeys([made.name, *step["aliases"]], made)
    return MappingProxyType(out)


NODES = ("asap7", "n10", "n14", "n20", "n28", "n7", "ng45", "sky130")
"""Names of the nodes, aliases left out."""


def combined_spread(*constants: Constant) -> float:
    """Return the one-sigma factor of a product of independent constants."""
    return math.exp(math.hypot(*(c.log_sigma for c in constants)))
