"""A design as agents place it: on a grid that fits its macros, its standard cells clustered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from floorplan.formats.design import Design
    from floorplan.netlist import Placement, Problem

__all__ = ["MOST_CELLS", "Ready", "constrained", "gridded", "ready_to_place"]

MOST_CELLS = 2000
"""Standard cells that are placed one by one like soft macros; more of them are clustered first."""

_CLUSTERS = 500


@dataclass(frozen=True, eq=False)
class Ready:
    """A problem for agents, and the design that it stands for.

    Attributes:
        design: as it was read, constraints and grid included; its nodes are what files name.
        problem: what agents place: the design's own, or that of its clusters.
        host: (N,) group of each node of the design, -1 for macros and ports; None where nothing was clustered.
    """

    design: Design
    problem: Problem
    host: npt.NDArray[np.int64] | None = None

    @property
    def groups(self) -> int:
        """How many soft macros the cells have become, 0 if they were left alone."""
        return 0 if self.host is None else int(self.host.max(initial=-1)) + 1

    def of_design(self, placement: Placement) -> Placement:
        """Return the placement of the design's nodes: each cell stands where its group does.

        Args:
            placement: (N,) nodes of `problem`.
        """
        if self.host is None:
            return placement
        flat, made = self.design.problem, self.problem.netlist
        source = np.empty(flat.netlist.num_nodes, np.int64)
        cell = self.host >= 0
        source[cell] = made.soft[self.host[cell]]
        source[~cell] = [made.node_id[flat.netlist.node_name[i]] for i in np.flatnonzero(~cell).tolist()]
        # ports that clustering moved onto the edge of the canvas, and whatever is fixed, stay where the design has them
        keep = flat.fixed & flat.initial.placed
        return flat.initial.replace(
            np.where(keep, flat.initial.x_um, placement.x_um[source]),
            np.where(keep, flat.initial.y_um, placement.y_um[source]),
            np.where(keep, flat.initial.orient, placement.orient[source]),
            placed=keep | placement.placed[source],
        )

    def on_chip_grid(self, placement: Placement) -> Placement:
        """Return the placement with hard macros on the manufacturing grid of the chip, or else its database units.

        What is written as DEF, Tcl or a layout is rounded to that; moved to it here, it is costed as it is written.

        Args:
            placement: (N,) nodes of `problem`, legal.

        Raises:
            FloorplanError: there is no legal placement on that grid near this one.
        """
        from floorplan.legalize.snap import snap_to_grid

        step_um = self.design.manufacturing_grid_um or 1.0 / self.design.units_per_um
        x0, y0 = self.design.origin_um
        return snap_to_grid(self.problem, placement, step_um, (-x0, -y0))


def gridded(design: Design) -> Design:
    """Return the design on the grid that AlphaChip's rule chooses, where no file says which grid it has."""
    from floorplan.cluster import choose_grid
    from floorplan.formats.sniff import sniff
    from floorplan.netlist import with_grid

    if design.format == "json" or any(sniff(p) == "plc" for p in design.paths):
        return design
    return design.replace(problem=with_grid(design.problem, *choose_grid(design.problem)))


def constrained(design: Design, path: Path | None) -> Design:
    """Return the design under the constraints of a TOML file, if there is one.

    Raises:
        ParseError: the constraints are wrong.
    """
    from floorplan.formats.constraints_file import read_constraints

    if path is None:
        return design
    site, grid = design.site_um, design.manufacturing_grid_um
    return design.replace(problem=read_constraints(path, design.problem, site_um=site, manufacturing_grid_um=grid))


def ready_to_place(design: Design, constraints: Path | None = None) -> Ready:
    """Return what agents place of a design.

    Args:
        design: of any format.
        constraints: TOML file of constraints that come to those of the design.

    Raises:
        ParseError: the constraints are wrong.
        ProblemError: the partitioner is not installed.
    """
    from floorplan.cluster import ClusterOptions, cluster
    from floorplan.netlist import NodeKind
    from floorplan.soft import DEFAULT_SOFT_PLACER, make_soft_placer

    design = constrained(gridded(design), constraints)
    problem = design.problem
    if int((problem.netlist.node_kind == NodeKind.CELL).sum()) <= MOST_CELLS:
        return Ready(design, problem)
    made = cluster(problem, ClusterOptions(_CLUSTERS))
    clustered = made.problem
    if not made.given and bool(clustered.initial.placed[clustered.netlist.hard].all()):
        start = make_soft_placer(DEFAULT_SOFT_PLACER, clustered).place(clustered.initial)
        clustered = clustered.replace(initial=start)
    return Ready(design, clustered, made.host)
