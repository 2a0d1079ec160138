"""What a move does to joules and nanoseconds per token, without estimating the whole layout anew."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from floorplan.errors import ProblemError
from floorplan.estimate.estimator import Estimator
from floorplan.estimate.kernels import chain
from floorplan.estimate.kernels.moves import Layout, move, take_back
from floorplan.estimate.length import net_boxes_um
from floorplan.estimate.results import Totals
from floorplan.geometry import ORIENT_MATRIX
from floorplan.netlist import Placement

__all__ = ["IncrementalEstimate"]

F64 = npt.NDArray[np.float64]


class IncrementalEstimate:
    """Holds a placement, tells exactly what moves would do to its totals, and makes them.

    Detours are those of the placement that was loaded: a move changes lengths, not where the crowding is; `load`
    measures anew. Legality is not looked at: a search looks after that itself, as with the cost engine.

    A move measures only the nets of its nodes; the sums over all nets are taken afresh, so that nothing drifts.
    Compiled loops call `floorplan.estimate.kernels.moves.move` with `layout` and `tables` themselves.
    """

    def __init__(self, estimator: Estimator, placement: Placement) -> None:
        """Load a complete placement.

        Raises:
            ProblemError: a node is not placed, or the placement is of another netlist.
        """
        self.estimator = estimator
        self._ones = np.ones(chain.N_FACTOR)
        self._out = np.empty(chain.N_OUT)
        self._before = np.empty(chain.N_OUT)
        self._in_hand = False
        self.load(placement)

    def load(self, placement: Placement, scale_m_per_um: F64 | None = None) -> Totals:
        """Start anew from a placement and return its totals.

        Args:
            placement: a complete one.
            scale_m_per_um: (E,) fixed detours, as `Estimator.scale_m_per_um` returns them; None measures them.

        Raises:
            ProblemError: a node is not placed, or the placement is of another netlist.
        """
        nl = self.estimator.chip.problem.netlist
        if len(placement) != nl.num_nodes:
            raise ProblemError(f"placement has {len(placement)} nodes, the netlist {nl.num_nodes}")
        if not placement.placed.all():
            name = nl.node_name[int(np.argmin(placement.placed))]
            raise ProblemError(f"increments need a complete placement; {name} is not placed")
        e, t = self.estimator, self.estimator.terminals
        nodes, nets = nl.num_nodes, nl.num_nets
        scale = e.scale_m_per_um(placement) if scale_m_per_um is None else np.array(scale_m_per_um)
        self.layout = Layout(
            ptr=t.ptr,
            node=t.node,
            dx=t.dx_um,
            dy=t.dy_um,
            node_net_ptr=t.node_net_ptr,
            node_net=t.node_net,
            matrix=np.array(ORIENT_MATRIX),
            scale=scale,
            x=np.array(placement.x_um),
            y=np.array(placement.y_um),
            orient=np.array(placement.orient),
            length=scale * net_boxes_um(t, placement).hpwl_um,
            rows=np.empty((chain.N_ROW, nets)),
            stamp=np.zeros(nets, np.int64),
            touched=np.empty(nets, np.int64),
            kept=np.empty((chain.N_ROW + 1, nets)),
            moved=np.empty(nodes, np.int64),
            was=np.empty((3, nodes)),
            counts=np.zeros(3, np.int64),
        )
        self.tables = (e.nets, e.constants, e.phases, self._ones)
        chain.all_rows(self.layout.length, e.nets, e.constants, self._ones, self.layout.rows)
        chain.combine(self.layout.rows, *self.tables, self._out)
        self._in_hand = False
        return self.totals

    @property
    def totals(self) -> Totals:
        """Totals of the layout as it stands, a move in hand counted."""
        return Totals.of(self._out)

    @property
    def scale_m_per_um(self) -> F64:
        """(E,) metres of wire per um of half-perimeter, as measured when the placement was loaded."""
        return self.layout.scale.copy()

    @property
    def placement(self) -> Placement:
        """The layout as it stands, a move in hand counted."""
        lay = self.layout
        return Placement(lay.x, lay.y, lay.orient, np.ones(len(lay.x), np.bool_))

    def propose(
        self,
        nodes: Sequence[int],
        x_um: Sequence[float],
        y_um: Sequence[float],
        orient: Sequence[int] | None = None,
    ) -> tuple[float, float]:
        """Return (J per token, ns per token) with some nodes elsewhere; commit or roll back before the next move.

        Infinite joules say that the die would not settle at a temperature. The other totals are in `totals`.

        Args:
            nodes: (M,) distinct node ids.
            x_um: (M,) centres.
            y_um: (M,) centres.
            orient: (M,) orientations; None keeps them.

        Raises:
            ProblemError: a move is in hand already, a node does not exist or is named twice.
        """
        if self._in_hand:
            raise ProblemError("a move is in hand: commit or roll it back first")
        turns = (-1,) * len(nodes) if orient is None else orient
        if min(nodes) < 0 or max(nodes) >= len(self.layout.x) or len(set(nodes)) != len(nodes):
            raise ProblemError("a move names distinct nodes of the netlist")
        to = np.array(list(zip(nodes, x_um, y_um, turns, strict=True)), np.float64)
        self._before, self._out = self._out, self._before
        move(self.layout, to, *self.tables, self._out)
        self._in_hand = True
        return self.figures

    @property
    def figures(self) -> tuple[float, float]:
        """J and ns per token of the layout as it stands, a move in hand counted."""
        v = self._out.tolist()
        return sum(v[: chain.O_LEAK + 1]), v[chain.O_SECONDS] * 1e9

    def swap(self, a: int, b: int) -> tuple[float, float]:
        """Return (J, ns) per token with the centres of two nodes exchanged; orientations stay with the nodes."""
        x, y = self.layout.x, self.layout.y
        return self.propose((a, b), (x[b], x[a]), (y[b], y[a]))

    def commit(self) -> None:
        """Make the move in hand.

        Raises:
            ProblemError: there is none.
        """
        if not self._in_hand:
            raise ProblemError("no move is in hand")
        self._in_hand = False

    def rollback(self) -> None:
        """Drop the move in hand.

        Raises:
            ProblemError: there is none.
        """
        self.commit()
        take_back(self.layout)
        self._before, self._out = self._out, self._before
