"""The incremental engine: exact costs of moves, without costing the whole placement anew."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from floorplan.cost.arrays import build_arrays
from floorplan.cost.kernels.moves import MoveState, settle_all
from floorplan.cost.kernels.propose import commit_move, propose_each, propose_move, rollback_move
from floorplan.cost.tables import MoveTables, build_tables
from floorplan.cost.terms import Cost, CostOptions
from floorplan.errors import ProblemError
from floorplan.netlist import Placement, Problem

__all__ = ["IncrementalCost", "new_state"]

F64 = npt.NDArray[np.float64]


class IncrementalCost:
    """Holds a complete placement, tells what moves would cost, and makes them.

    `propose` returns the exact cost after a move; `commit` makes that move, `rollback` drops it. The compiled search
    loops of `floorplan.search` work on the same `tables` and `state`.

    Not to be used from two threads at once.
    """

    def __init__(
        self,
        problem: Problem,
        placement: Placement,
        options: CostOptions | None = None,
        tables: MoveTables | None = None,
    ) -> None:
        """Build the tables and load a placement.

        Args:
            problem: whose nodes move.
            placement: a complete one.
            options: of the cost.
            tables: those of another engine of the same problem and options, to share them; None builds them.

        Raises:
            ProblemError: a node is not placed, or the placement is of another netlist.
        """
        self.problem = problem
        self.options = options or CostOptions()
        if tables is None:
            arrays = build_arrays(problem.netlist, square_soft=self.options.square_soft)
            tables = build_tables(arrays, problem.canvas, self.options)
        self.tables: MoveTables = tables
        self.state: MoveState = new_state(self.tables)
        self._in_hand: tuple[npt.NDArray[np.int64], F64, F64, npt.NDArray[np.uint8]] | None = None
        self._after = np.empty(3)
        self.load(placement)

    def load(self, placement: Placement) -> Cost:
        """Start anew from a placement and return its cost.

        Raises:
            ProblemError: a node is not placed, or the placement is of another netlist.
        """
        if len(placement) != len(self.state.x):
            raise ProblemError(f"placement has {len(placement)} nodes, the netlist {len(self.state.x)}")
        if not placement.placed.all():
            name = self.problem.netlist.node_name[int(np.argmin(placement.placed))]
            raise ProblemError(f"incremental costs need a complete placement; {name} is not placed")
        self.state.x[:] = placement.x_um
        self.state.y[:] = placement.y_um
        self.state.orient[:] = placement.orient
        self._in_hand = None
        settle_all(self.tables, self.state)
        return self.cost

    @property
    def cost(self) -> Cost:
        """The cost of the placement as it stands, a move in hand not counted."""
        return self._cost(self.state.total[:3])

    @property
    def placement(self) -> Placement:
        """The placement as it stands, a move in hand not counted."""
        s = self.state
        if self._in_hand is not None and len(self._in_hand[0]) > 1:
            raise ProblemError("commit or roll back the move in hand before reading the placement")
        return Placement(s.x, s.y, s.orient, np.ones(len(s.x), np.bool_)).on(self.problem)

    def propose(
        self,
        nodes: Sequence[int] | int,
        x_um: npt.ArrayLike,
        y_um: npt.ArrayLike,
        orient: npt.ArrayLike | None = None,
    ) -> Cost:
        """Return the exact cost with some nodes elsewhere; the move is in hand until committed or rolled back.

        Legality is not looked at: any node may go anywhere.

        Args:
            nodes: (M,) distinct node ids, or one.
            x_um: (M,) centres.
            y_um: (M,) centres.
            orient: (M,) orientations; None keeps those of the nodes.

        Raises:
            ProblemError: a move is in hand already, a node does not exist or is named twice, or a value is not finite.
        """
        ids = np.atleast_1d(np.asarray(nodes, np.int64))
        x = np.atleast_1d(np.asarray(x_um, np.float64)).copy()
        y = np.atleast_1d(np.asarray(y_um, np.float64)).copy()
        if self._in_hand is not None:
            raise ProblemError("a move is in hand: commit or roll it back first")
        if len(ids) == 0 or ids.min() < 0 or ids.max() >= len(self.state.x) or len(set(ids.tolist())) != len(ids):
            raise ProblemError("a move names distinct nodes of the netlist, at least one")
        turn = self.state.orient[ids] if orient is None else np.atleast_1d(np.asarray(orient, np.uint8)).copy()
        if not (x.shape == y.shape == turn.shape == ids.shape):
            raise ProblemError("a move needs one position and one orientation a node")
        if not (np.isfinite(x).all() and np.isfinite(y).all()) or turn.max() > 7:
            raise ProblemError("a move needs finite positions and orientations that exist")
        propose_move(ids, x, y, turn, self.tables, self.state, self._after)
        self._in_hand = (ids, x, y, turn)
        return self._cost(self._after)

    def each(self, node: int, x_um: npt.ArrayLike, y_um: npt.ArrayLike) -> F64:
        """Return the exact proxy with one node at each of K places, (K,) centres; nothing is left in hand.

        Raises:
            ProblemError: a move is in hand, the node does not exist, or a place is not finite.
        """
        x, y = np.asarray(x_um, np.float64), np.asarray(y_um, np.float64)
        if self._in_hand is not None:
            raise ProblemError("a move is in hand: commit or roll it back first")
        if not 0 <= node < len(self.state.x):
            raise ProblemError(f"there is no node {node}")
        if x.ndim != 1 or x.shape != y.shape or not (np.isfinite(x).all() and np.isfinite(y).all()):
            raise ProblemError("places are given by as many finite x as y")
        parts = np.empty((len(x), 3))
        at = np.array([node], np.int64)
        propose_each(at, x.copy(), y.copy(), self.state.orient[at], self.tables, self.state, parts)
        w = self.options.weights
        proxy: F64 = (
            w.wirelength * (parts[:, 0] / float(self.tables.scale[6]))
            + w.density * parts[:, 1]
            + w.congestion * parts[:, 2]
        )
        return proxy

    def commit(self) -> Cost:
        """Make the move in hand and return the cost.

        Raises:
            ProblemError: no move is in hand.
        """
        commit_move(*self._take(), self.tables, self.state, self._after)
        return self.cost

    def rollback(self) -> None:
        """Drop the move in hand; every stored value is again what it was, to the last bit.

        Raises:
            ProblemError: no move is in hand.
        """
        rollback_move(*self._take(), self.tables, self.state)

    def refresh(self) -> Cost:
        """Compute everything from the positions, to shed the rounding of many commits; return the cost."""
        if self._in_hand is not None:
            self.rollback()
        settle_all(self.tables, self.state)
        return self.cost

    def _take(self) -> tuple[npt.NDArray[np.int64], F64, F64, npt.NDArray[np.uint8]]:
        if self._in_hand is None:
            raise ProblemError("no move is in hand")
        move, self._in_hand = self._in_hand, None
        return move

    def _cost(self, parts: F64) -> Cost:
        w = self.options.weights
        um, density, congestion = (float(v) for v in parts)
        wirelength = um / float(self.tables.scale[6])
        proxy = w.wirelength * wirelength + w.density * density + w.congestion * congestion
        return Cost(wirelength, density, congestion, proxy, um)


def new_state(tables: MoveTables) -> MoveState:
    """Return a state of the right sizes, its positions zero; `settle_all` makes it valid."""
    nodes, incidences, nets = len(tables.node_kind), len(tables.inc_node), len(tables.net_weight)
    terminals = len(tables.term_dx)
    rows, cols, bits = (int(v) for v in tables.shape[:3])
    cells = rows * cols
    # Each node of a move leaves its old and its new cells in the density log.
    extent = np.maximum(tables.node_w, tables.node_h)
    covered = np.minimum((extent / tables.scale[0] + 3) * (extent / tables.scale[1] + 3), cells)
    logged = int(2 * np.ceil(covered).sum()) + 1
    widest = int(np.diff(tables.inc_term_ptr[tables.net_inc_ptr]).max(initial=1))
    trial = np.zeros(2 * cells)
    return MoveState(
        x=np.zeros(nodes),
        y=np.zeros(nodes),
        orient=np.zeros(nodes, np.uint8),
        total=np.array([0.0, 0.0, 0.0, 0.5, 1e-3, 0.5, 1e-3, 0.0]),
        inc_box=np.zeros((incidences, 4)),
        net_box=np.zeros((nets, 8)),
        term_cell=np.zeros(terminals, np.int32),
        density=np.zeros(cells),
        load=np.zeros(2 * cells),
        trial=trial,
        trial_h=trial[cells:].reshape(rows, cols),
        trial_v=trial[:cells].reshape(cols, rows),
        raw=np.zeros(2 * cells),
        new_cell=np.zeros(terminals, np.int32),
        mark=np.zeros(rows << bits, np.int64),
        used=np.zeros(2, np.int64),
        cells=np.zeros(max(widest, 3) + 1, np.int64),
        cover=np.zeros(cells, np.int32),
        log_cell=np.zeros(logged, np.int32),
        log_was=np.zeros(logged),
        values=np.zeros(2 * cells),
    )
