"""A cost term: blocks that run hot should stand apart."""

from fnmatch import fnmatch

import numpy as np

from floorplan.errors import ProblemError
from floorplan.netlist import Placement, Problem


class HotApart:
    """Mean closeness of all pairs of hot macros: 1 on the same spot, less the further apart."""

    def __init__(self, problem: Problem, pattern: str = "mac_*") -> None:
        netlist, canvas = problem.netlist, problem.canvas
        hot = [node for node in netlist.hard.tolist() if fnmatch(netlist.node_name[node], pattern)]
        if len(hot) < 2:
            raise ProblemError(f"{netlist.name} has no two macros whose names match {pattern}")
        self.first, self.second = np.array(hot)[np.stack(np.triu_indices(len(hot), 1))]
        self.reach_um = np.hypot(canvas.width_um, canvas.height_um) / 4

    def __call__(self, placement: Placement) -> float:
        """Return the closeness in a complete placement."""
        x, y = placement.x_um, placement.y_um
        gap_um = np.hypot(x[self.first] - x[self.second], y[self.first] - y[self.second])
        return float(np.exp(-gap_um / self.reach_um).mean())
