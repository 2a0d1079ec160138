"""A design as a file of some format gave it: the problem, and what that format says beyond it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from dataclasses import replace as dataclass_replace
from pathlib import Path

from floorplan.errors import ProblemError
from floorplan.netlist import Problem
from floorplan.showable import Showable

__all__ = ["Design"]


@dataclass(frozen=True, eq=False)
class Design(Showable):
    """A problem and its origin, which a writer needs to put a placement back into the file it came from.

    Attributes:
        problem: its canvas begins at (0, 0); flat (CELL nodes), clustered, or macros only.
        format: name of the format that it was read from: protobuf, bookshelf, lefdef, gsrc, yal, verilog or json.
        paths: the files that it was read from, the first as its format's main one.
        origin_um: the canvas's lower-left corner in the file's own coordinates.
        units_per_um: the file's own units in a um (DEF's database units, Bookshelf's units).
        master: (N,) library cell of each node, "" where it has none; () where the format knows none.
        manufacturing_grid_um: 0 where the files do not say.
        site_um: width and height of a row's site, None where there are no rows.
    """

    problem: Problem
    format: str
    paths: tuple[Path, ...]
    origin_um: tuple[float, float] = (0.0, 0.0)
    units_per_um: float = 1000.0
    master: tuple[str, ...] = ()
    manufacturing_grid_um: float = 0.0
    site_um: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.master and len(self.master) != self.problem.netlist.num_nodes:
            raise ProblemError(f"{len(self.master)} masters given for {self.problem.netlist.num_nodes} nodes")
        if not (math.isfinite(self.units_per_um) and self.units_per_um > 0):
            raise ProblemError(f"units_per_um must be positive, got {self.units_per_um}")
        if not all(math.isfinite(v) for v in self.origin_um):
            raise ProblemError(f"the canvas's origin must be finite, got {self.origin_um}")
        if not (math.isfinite(self.manufacturing_grid_um) and self.manufacturing_grid_um >= 0):
            raise ProblemError(f"manufacturing_grid_um must be >= 0, got {self.manufacturing_grid_um}")
        if self.site_um is not None and not all(math.isfinite(v) and v > 0 for v in self.site_um):
            raise ProblemError(f"a site's width and height must be positive, got {self.site_um}")

    def replace(self, **changes: object) -> Design:
        """Return a copy with some fields changed, validated anew."""
        return dataclass_replace(self, **changes)  # type: ignore[arg-type]  # fields are checked by __post_init__
