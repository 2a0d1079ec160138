"""Where the soft macros go once the hard macros stand: a registry of placers that all keep one contract."""

from __future__ import annotations

from collections.abc import Callable

from floorplan.cost import CostOptions
from floorplan.errors import UnknownNameError
from floorplan.netlist import Problem
from floorplan.soft.base import SoftPlacer
from floorplan.soft.force_directed import ForceDirectedPlacer
from floorplan.soft.none import NoPlacer
from floorplan.soft.quadratic import QuadraticPlacer

__all__ = ["DEFAULT_SOFT_PLACER", "SOFT_PLACERS", "SoftPlacer", "make_soft_placer"]

SOFT_PLACERS: dict[str, Callable[[Problem, CostOptions], SoftPlacer]] = {
    "quadratic": QuadraticPlacer,
    "force_directed": ForceDirectedPlacer,
    "none": NoPlacer,
}
"""Name -> constructor."""

DEFAULT_SOFT_PLACER = "quadratic"


def make_soft_placer(name: str, problem: Problem, cost_options: CostOptions | None = None) -> SoftPlacer:
    """Return the named placer with everything that depends on the problem alone computed.

    Args:
        name: a key of `SOFT_PLACERS`.
        problem: netlist, canvas and what is fixed.
        cost_options: of the proxy that it lowers.

    Raises:
        UnknownNameError: there is no placer of that name.
    """
    if name not in SOFT_PLACERS:
        raise UnknownNameError("soft-macro placer", name, list(SOFT_PLACERS))
    return SOFT_PLACERS[name](problem, cost_options or CostOptions())
