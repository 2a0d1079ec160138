"""May a macro stand here: the legality of one spot, without checking the whole placement."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from floorplan.geometry import oriented_size_um
from floorplan.netlist import Netlist, NodeKind, Placement, Problem, Violation, check_legality

__all__ = ["SpotRules"]

F64 = npt.NDArray[np.float64]


class SpotRules:
    """Knows the hard macros of a problem and asks `check_legality` about one of them and those close to it."""

    def __init__(self, problem: Problem) -> None:
        nl = problem.netlist
        self._hard = nl.hard
        self._position = {node: k for k, node in enumerate(nl.hard.tolist())}
        n = len(nl.hard)
        none = np.zeros(0, np.int32)
        self._only_hard = Netlist(
            name=nl.name,
            node_name=tuple(nl.node_name[i] for i in nl.hard.tolist()),
            node_kind=np.full(n, NodeKind.HARD, np.uint8),
            node_w_um=nl.node_w_um[nl.hard],
            node_h_um=nl.node_h_um[nl.hard],
            node_side=np.zeros(n, np.uint8),
            node_index=np.arange(n, dtype=np.int32),
            pin_name=(),
            pin_node=none,
            pin_dx_um=np.zeros(0),
            pin_dy_um=np.zeros(0),
            pin_index=none,
            net_ptr=np.zeros(1, np.int32),
            net_pin=none,
            net_weight=np.zeros(0),
        )
        start = problem.initial
        hard = nl.hard
        self._problem = problem.replace(
            netlist=self._only_hard,
            initial=Placement(start.x_um[hard], start.y_um[hard], start.orient[hard], start.placed[hard]),
            fixed=problem.fixed[hard],
            allowed_orient=problem.allowed_orient[hard],
            halo_um=problem.halo_um[hard],
            region=problem.region[hard],
        )
        self._reach = problem.macro_spacing_um + 2 * float(problem.halo_um[hard].max(initial=0.0))

    def wrong_with(
        self,
        x_um: F64,
        y_um: F64,
        orient: npt.NDArray[np.uint8],
        placed: npt.NDArray[np.bool_],
        move: tuple[int, float, float, int],
    ) -> list[Violation]:
        """Return the rules that one hard macro would break, worst first; none for other nodes.

        Args:
            x_um: (N,) centres, as everything stands.
            y_um: (N,) centres.
            orient: (N,) orientations.
            placed: (N,) which nodes have a place.
            move: node, x_um, y_um and orientation of the one.
        """
        at = self._position.get(move[0])
        if at is None:
            return []
        x, y, turn, on = x_um[self._hard], y_um[self._hard], orient[self._hard], placed[self._hard]
        x[at], y[at], turn[at] = move[1:]
        w, h = oriented_size_um(self._only_hard.node_w_um, self._only_hard.node_h_um, turn)
        near = np.abs(x - x[at]) <= (w + w[at]) / 2 + self._reach
        near &= np.abs(y - y[at]) <= (h + h[at]) / 2 + self._reach
        name = self._only_hard.node_name[at]
        found = check_legality(self._problem, Placement(x, y, turn, near & on)).violations
        mine = [v for v in found if v.kind != "unplaced" and name in v.nodes]
        return sorted(mine, key=lambda v: -v.amount_um)
