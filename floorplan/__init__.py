"""Floorplan: reinforcement-learning macro placement with an exact proxy cost.

Importing the package is cheap: everything below loads on first use, so neither numba nor torch nor scipy is imported
until something needs it.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from floorplan.bound import LowerBound, lower_bound
    from floorplan.cost import Cost, CostEngine, CostOptions, CostWeights, IncrementalCost
    from floorplan.errors import FloorplanError
    from floorplan.formats import read_netlist, read_plc, read_problem, write_netlist, write_plc
    from floorplan.netlist import (
        Canvas,
        Legality,
        Netlist,
        NetlistBuilder,
        Placement,
        Problem,
        check_legality,
    )
    from floorplan.plugins import agent_names, make_agent, parse_budget
    from floorplan.reality import RealityReport, check_reality
    from floorplan.soft import make_soft_placer

__version__ = "0.1.0"

_HOME = {
    "Canvas": "floorplan.netlist",
    "Cost": "floorplan.cost",
    "CostEngine": "floorplan.cost",
    "CostOptions": "floorplan.cost",
    "CostWeights": "floorplan.cost",
    "FloorplanError": "floorplan.errors",
    "IncrementalCost": "floorplan.cost",
    "Legality": "floorplan.netlist",
    "LowerBound": "floorplan.bound",
    "Netlist": "floorplan.netlist",
    "NetlistBuilder": "floorplan.netlist",
    "Placement": "floorplan.netlist",
    "Problem": "floorplan.netlist",
    "RealityReport": "floorplan.reality",
    "agent_names": "floorplan.plugins",
    "check_legality": "floorplan.netlist",
    "check_reality": "floorplan.reality",
    "lower_bound": "floorplan.bound",
    "make_agent": "floorplan.plugins",
    "make_soft_placer": "floorplan.soft",
    "parse_budget": "floorplan.plugins",
    "read_netlist": "floorplan.formats",
    "read_plc": "floorplan.formats",
    "read_problem": "floorplan.formats",
    "write_netlist": "floorplan.formats",
    "write_plc": "floorplan.formats",
}
"""Public name -> the module that defines it."""

__all__ = [
    "Canvas",
    "Cost",
    "CostEngine",
    "CostOptions",
    "CostWeights",
    "FloorplanError",
    "IncrementalCost",
    "Legality",
    "LowerBound",
    "Netlist",
    "NetlistBuilder",
    "Placement",
    "Problem",
    "RealityReport",
    "__version__",
    "agent_names",
    "check_legality",
    "check_reality",
    "lower_bound",
    "make_agent",
    "make_soft_placer",
    "parse_budget",
    "read_netlist",
    "read_plc",
    "read_problem",
    "write_netlist",
    "write_plc",
]


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'floorplan' has no attribute {name!r}")
    _announce()
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})


def _announce() -> None:
    # Gymnasium 1.x looks for no plugins, and importing it here would double the time that `import floorplan` takes:
    # so the environments are registered by whoever comes second.
    if "gymnasium" in sys.modules:
        from floorplan.gym_ids import register

        register()


_announce()
