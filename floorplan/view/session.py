"""What one viewer holds: the placement as it stands, its exact cost, what has been done to it, and what is pinned."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from floorplan.cost import Cost, CostEngine, CostMaps, IncrementalCost
from floorplan.cost.tables import build_tables
from floorplan.errors import ProblemError
from floorplan.netlist import NodeKind, Placement, Problem, check_legality
from floorplan.report.animation import episode_steps
from floorplan.report.runs import Run
from floorplan.view.names import NameIndex, NetIndex
from floorplan.view.source import Frame, Opened
from floorplan.view.spot import SpotRules
from floorplan.view.steps import Move, Steps
from floorplan.view.tiles import CellTiles, tiles_of

if TYPE_CHECKING:
    from floorplan.netlist import Violation

__all__ = ["LARGE_NODES", "MAX_VECTORS", "Session"]

F64 = npt.NDArray[np.float64]

MAX_VECTORS = 2500
"""Soft macros and cells that are drawn one by one; more are tiles, and rectangles only where few are in sight."""

LARGE_NODES = 50_000
"""Nodes above which a cost may take longer than a person waits for."""

_LIVE_NODES = 3_000_000
_NAMED = 20
_EPISODE = "episode: "


class Session:
    """The state behind the page. Every public method may be called from any thread.

    Attributes:
        work: lock that is held while costs are computed or something is changed.
        version: counts changes.
        cells_version: counts changes of soft macros and cells.
    """

    def __init__(self, opened: Opened) -> None:
        self.opened = opened
        self.options = opened.options
        self.problem: Problem = opened.problem
        self.frames: list[Frame] = list(opened.frames)
        nl = self.problem.netlist
        p = self.problem.initial
        # `work` is held while costs are computed, which may take long, `_state` only while positions are read or set,
        # so that the page can be drawn meanwhile. Who takes both takes `work` first.
        self.work = threading.RLock()
        self._state = threading.RLock()
        self._index = threading.RLock()
        # held while the engine of moves is built; taken before `work`, never after it
        self._building = threading.Lock()
        self._x, self._y = p.x_um.copy(), p.y_um.copy()
        self._orient, self._placed = p.orient.copy(), p.placed.copy()
        self.version = 0
        self.cells_version = 0
        self._steps = Steps()
        self.pinned = np.zeros(nl.num_nodes, np.bool_)
        self.vector_nodes = self._vectors()
        self._is_vector = np.zeros(nl.num_nodes, np.bool_)
        self._is_vector[self.vector_nodes] = True
        self._tiles: CellTiles | None = None
        self._engine: CostEngine | None = None
        self._live: IncrementalCost | None = None
        self._spot: SpotRules | None = None
        self._names: NameIndex | None = None
        self._nets: NetIndex | None = None
        self._cost: tuple[int, Cost] | None = None
        self._maps: tuple[int, CostMaps] | None = None
        self._frame_cost: dict[int, Cost] = {}
        self.opened_cost: Cost | None = None

    # -- what there is ------------------------------------------------------------------------------------------------

    def _vectors(self) -> npt.NDArray[np.int32]:
        nl = self.problem.netlist
        on = self._placed
        soft = nl.soft[on[nl.soft]]
        few = soft if len(soft) <= MAX_VECTORS else soft[:0]
        parts = [nl.hard[on[nl.hard]], few, nl.ports[on[nl.ports]]]
        return np.concatenate(parts).astype(np.int32)

    @property
    def tiled(self) -> bool:
        """Whether soft macros and cells are too many to be drawn one by one."""
        nl = self.problem.netlist
        return int(self._placed[nl.soft].sum()) > MAX_VECTORS

    @property
    def placement(self) -> Placement:
        """The placement as it stands."""
        with self._state:
            return Placement(self._x, self._y, self._orient, self._placed)

    def history(self) -> dict[str, Any]:
        """Return what can be undone and redone."""
        with self._state:
            return self._steps.told()

    def tiles(self) -> CellTiles:
        """Return the pictures of soft macros and cells as they stand."""
        with self._state:
            if self._tiles is None:
                self._tiles = tiles_of(self.problem, self.placement)
            return self._tiles

    def positions(self, nodes: npt.NDArray[np.integer], placement: Placement | None = None) -> bytes:
        """Return x_um, y_um (float64 each) and orientation (uint8) of K nodes, one array after the other.

        Nodes that the placement leaves out have x_um that is not a number.
        """
        p = placement or self.placement
        x = np.where(p.placed[nodes], p.x_um[nodes], np.nan)
        y, orient = p.y_um[nodes], p.orient[nodes]
        return b"".join([x.astype("<f8").tobytes(), y.astype("<f8").tobytes(), orient.tobytes()])

    # -- cost ---------------------------------------------------------------------------------------------------------

    def engine(self) -> CostEngine:
        """Return the engine of whole placements, made when first asked for."""
        with self.work:
            if self._engine is None:
                self._engine = CostEngine(self.problem, self.options)
            return self._engine

    def cost(self) -> Cost:
        """Return the exact cost of the placement as it stands; nodes without a place are left out of it."""
        with self.work:
            if self._cost is None or self._cost[0] != self.version:
                self._cost = self.version, self.engine().full(self.placement)
            if self.opened_cost is None and self.version == 0:
                self.opened_cost = self._cost[1]
            return self._cost[1]

    def maps(self) -> CostMaps:
        """Return the maps behind the cost."""
        with self.work:
            if self._maps is None or self._maps[0] != self.version:
                self._maps = self.version, self.engine().maps(self.placement)
            return self._maps[1]

    def frame_maps(self, index: int) -> CostMaps:
        """Return the maps of one of the frames."""
        with self.work:
            return self.engine().maps(self.frames[index].placement)

    def frame_cost(self, index: int) -> Cost:
        """Return the exact cost of one of the frames."""
        with self.work:
            if index not in self._frame_cost:
                self._frame_cost[index] = self.engine().full(self.frames[index].placement)
            return self._frame_cost[index]

    def live(self) -> IncrementalCost | None:
        """Return the engine of moves, made when first asked for; None where a node has no place.

        Not to be asked for the first time while `work` is held. Meanwhile others may hold that.
        """
        if self._live is not None or not self._placed.all() or len(self._x) > _LIVE_NODES:
            return self._live
        with self._building:
            if self._live is None:
                tables = build_tables(self.engine().arrays, self.problem.canvas, self.options)
                with self._state:
                    version, at = self.version, self.placement
                made = IncrementalCost(self.problem, at, self.options, tables)
                with self.work:
                    if self.version != version:
                        made.load(self.placement)  # a macro was moved meanwhile
                    self._live = made
            return self._live

    @property
    def prompt(self) -> bool:
        """Whether a proposal is answered within milliseconds."""
        return self._live is not None

    def standing(self) -> dict[str, Any]:
        """Return cost, verdict and history of the placement as it stands."""
        with self.work:
            cost = self.cost()
            verdict = check_legality(self.problem, self.placement)
            worst = sorted(verdict.violations, key=lambda v: -v.amount_um)[:_NAMED]
            return {
                "version": self.version,
                "cells_version": self.cells_version,
                "prompt": self.prompt,
                "cost": cost.to_dict(),
                "opened": None if self.opened_cost is None else self.opened_cost.to_dict(),
                "legal": verdict.legal,
                "violations": [self._told(v) for v in worst],
                "violation_count": len(verdict.violations),
                "history": self.history(),
            }

    def _told(self, v: Violation) -> dict[str, Any]:
        index = self.problem.netlist.node_id
        return {"text": str(v), "kind": v.kind, "nodes": [index[n] for n in v.nodes], "amount_um": v.amount_um}

    # -- moves --------------------------------------------------------------------------------------------------------

    def propose(self, node: int, x_um: float, y_um: float, orient: int | None = None) -> dict[str, Any]:
        """Return the exact cost with one node elsewhere, and what is wrong with the spot; nothing is moved.

        Raises:
            ProblemError: the node does not exist or may not move, or the orientation is not allowed.
        """
        # that of a large design takes seconds to build: until it is there the whole placement is costed
        live = self.live() if len(self._x) <= LARGE_NODES else self._live
        with self.work:
            turn = self._check(node, orient)
            if live is not None:
                cost = live.propose(node, x_um, y_um, [turn])
                live.rollback()
            else:
                x, y, o = self._x.copy(), self._y.copy(), self._orient.copy()
                x[node], y[node], o[node] = x_um, y_um, turn
                cost = self.engine().full(Placement(x, y, o, self._placed))
            return {
                "version": self.version,
                "cost": cost.to_dict(),
                "from": self.cost().to_dict(),
                "wrong": [str(v) for v in self._wrong(node, x_um, y_um, turn)],
            }

    def _wrong(self, node: int, x_um: float, y_um: float, turn: int) -> list[Violation]:
        if self._spot is None:
            self._spot = SpotRules(self.problem)
        return self._spot.wrong_with(self._x, self._y, self._orient, self._placed, (node, x_um, y_um, turn))

    def check_exists(self, node: int) -> None:
        """Check that there is such a node.

        Raises:
            ProblemError: there is none.
        """
        if not 0 <= node < self.problem.netlist.num_nodes:
            raise ProblemError(f"there is no node {node}")

    def _check(self, node: int, orient: int | None) -> int:
        self.check_exists(node)
        nl = self.problem.netlist
        name = nl.node_name[node]
        if self.problem.fixed[node] or nl.node_kind[node] == NodeKind.PORT:
            raise ProblemError(f"{name} is fixed by the design")
        if self.pinned[node]:
            raise ProblemError(f"{name} is pinned; unpin it first")
        if not self._placed[node]:
            raise ProblemError(f"{name} has no place yet")
        turn = int(self._orient[node]) if orient is None else orient
        if not 0 <= turn <= 7 or (turn != self._orient[node] and not self.problem.allowed_orient[node] >> turn & 1):
            raise ProblemError(f"{name} may not be turned that way")
        return turn

    def move(
        self, nodes: Sequence[int], x_um: Sequence[float], y_um: Sequence[float], orient: Sequence[int] | None = None
    ) -> None:
        """Move nodes, as one step that can be undone.

        Raises:
            ProblemError: a node does not exist, is named twice or may not move, or an orientation is not allowed.
        """
        with self.work:
            if not nodes or len(set(nodes)) != len(nodes):
                raise ProblemError("a move names distinct nodes, at least one")
            turns = [self._check(n, None if orient is None else orient[k]) for k, n in enumerate(nodes)]
            name = self.problem.netlist.node_name
            label = f"move {name[nodes[0]]}" if len(nodes) == 1 else f"move {len(nodes)} nodes"
            self._step(label, np.array(nodes, np.int64), np.array([x_um, y_um, turns], np.float64).T)

    def take_over(self, placement: Placement, label: str) -> int:
        """Make another placement the current one, as one step that can be undone; return how many nodes moved.

        Nodes that the other one does not place stay where they are.
        """
        with self.work:
            on = placement.placed & self._placed
            moved = (placement.x_um != self._x) | (placement.y_um != self._y) | (placement.orient != self._orient)
            ids = np.flatnonzero(moved & on & ~self.problem.fixed)
            if len(ids):
                self._step(label, ids, np.stack([placement.x_um, placement.y_um, placement.orient], axis=1)[ids])
            return len(ids)

    def _step(self, label: str, ids: npt.NDArray[np.int64], after: F64) -> None:
        before = np.stack([self._x, self._y, self._orient], axis=1)[ids].astype(np.float64)
        with self._state:
            self._steps.add(Move(label, ids, before, after))
        self._put(ids, after)

    def undo(self) -> bool:
        """Take the last step back; return whether there was one."""
        with self.work:
            with self._state:
                step = self._steps.back()
            if step is not None:
                self._put(step.node, step.before)
            return step is not None

    def redo(self) -> bool:
        """Do the last step that was undone again; return whether there was one."""
        with self.work:
            with self._state:
                step = self._steps.again()
            if step is not None:
                self._put(step.node, step.after)
            return step is not None

    def _put(self, ids: npt.NDArray[np.int64], to: F64) -> None:
        self.cost()  # that of the placement as it was opened is kept
        with self._state:
            self._x[ids], self._y[ids], self._orient[ids] = to[:, 0], to[:, 1], to[:, 2].astype(np.uint8)
            self.version += 1
            if np.isin(self.problem.netlist.node_kind[ids], (NodeKind.SOFT, NodeKind.CELL)).any():
                self._tiles = None
                self.cells_version += 1
        if self._live is not None:
            # from the positions each time: no rounding is carried from move to move
            self._live.load(self.placement)

    def pin(self, nodes: Iterable[int], *, pinned: bool) -> None:
        """Hold nodes where they are, against the hand and against agents, or let them go.

        Raises:
            ProblemError: a node does not exist.
        """
        ids = list(nodes)
        for node in ids:
            self.check_exists(node)
        with self.work:
            self.pinned[ids] = pinned

    def task(self) -> Problem:
        """Return the problem that an agent is given: the placement as it stands to start from, pinned nodes fixed."""
        with self._state:
            return self.problem.replace(initial=self.placement, fixed=self.problem.fixed | (self.pinned & self._placed))

    # -- looking things up --------------------------------------------------------------------------------------------

    def names(self) -> NameIndex:
        """Return the index of names, made when first asked for."""
        with self._index:
            if self._names is None:
                self._names = NameIndex(self.problem.netlist)
            return self._names

    def nets(self) -> NetIndex:
        """Return which nets each node is on."""
        with self._index:
            if self._nets is None:
                self._nets = NetIndex(self.problem.netlist)
            return self._nets

    def episode(self) -> tuple[int, int]:
        """Add the placement as it stands as frames, macro by macro in the order agents take; return first and end.

        Raises:
            ProblemError: the design is too large for it.
        """
        if len(self._x) > LARGE_NODES:
            raise ProblemError("the design is too large for this")
        with self.work:
            run = Run(
                "placement", "now", self.problem.netlist.name, Path(), self.problem, self.placement, self.options, ()
            )
            steps = episode_steps(run)
            kept = [f for f in self.frames if not f.label.startswith(_EPISODE)]
            self.frames = kept + [Frame(f"{_EPISODE}{step.caption}", step.placement) for step in steps]
            self._frame_cost = {k: c for k, c in self._frame_cost.items() if k < len(kept)}
            return len(kept), len(self.frames)

    def add_frame(self, label: str, placement: Placement) -> int:
        """Add a placement to step through and compare with; return its number."""
        with self._state:
            self.frames.append(Frame(label, placement))
            return len(self.frames) - 1
