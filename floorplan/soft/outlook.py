"""Where soft macros are likely to end up while hard macros are still to come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from floorplan.cost import CostOptions
from floorplan.geometry import ORIENT_MATRIX
from floorplan.netlist import NodeKind, Placement, Problem
from floorplan.parallel import core_count, share_out
from floorplan.soft import SOFT_PLACERS
from floorplan.soft.base import SoftPlacer
from floorplan.soft.kernels.stages import refine_range, spread_range
from floorplan.soft.nets import RefineNets, build_nets
from floorplan.soft.quadratic import DEFAULT_ANCHORS, DEFAULT_SWEEPS, rows_of
from floorplan.soft.springs import Springs, anchor_pull, build_springs
from floorplan.soft.system import SpringSystem, anchored_systems
from floorplan.soft.workspace import Blocks, make_blocks, make_geometry, make_workspace

__all__ = ["Outlook", "make_outlook", "soft_outlook"]

F64 = npt.NDArray[np.float64]
U8 = npt.NDArray[np.uint8]
BOOL = npt.NDArray[np.bool_]

_Row = tuple[RefineNets, Blocks, npt.NDArray[np.int32]]


class Outlook(Protocol):
    """Guesses again and again, for one problem, as hard macros come to stand."""

    def guess(self, x_um: F64, y_um: F64, orient: U8, stands: BOOL) -> None:
        """Overwrite the movable soft macros' columns of x_um and y_um, each (B, N).

        Args:
            x_um: centres.
            y_um: centres.
            orient: (B, N).
            stands: (B, M) which of `problem.movable_hard` stand; where the others are is not read.
        """


def make_outlook(name: str, problem: Problem, cost_options: CostOptions | None = None) -> Outlook:
    """Return what guesses where a soft placer will put the soft macros.

    Args:
        name: of the soft placer.
        problem: what is placed.
        cost_options: of the proxy.
    """
    if name == "quadratic":
        return _QuadraticOutlook(problem, cost_options or CostOptions())
    return _EachAnew(SOFT_PLACERS[name], problem, cost_options or CostOptions())


def soft_outlook(
    problem: Problem,
    now: Placement,
    make: Callable[[Problem, CostOptions], SoftPlacer],
    cost_options: CostOptions | None = None,
) -> Placement:
    """Place the soft macros around the hard macros that stand, and with them those to come as if they were soft.

    Args:
        problem: what is being placed.
        now: (N,) nodes; hard macros to come are not placed.
        make: constructor of the soft-macro placer to use.
        cost_options: of the proxy.

    Returns:
        All nodes placed; hard macros to come stand where they would like to be, overlaps and all.
    """
    relaxed = _relaxed(problem, ~now.placed[problem.movable_hard])
    placer = make(relaxed, cost_options or CostOptions())
    return placer.place(now.replace(placed=np.ones(len(now), np.bool_)))


def _relaxed(problem: Problem, to_come: BOOL) -> Problem:
    """Return the problem with some movable hard macros, (M,), made soft."""
    kind = problem.netlist.node_kind.copy()
    kind[problem.movable_hard[to_come]] = NodeKind.SOFT
    kind.flags.writeable = False
    return problem.replace(netlist=replace(problem.netlist, node_kind=kind))


class _EachAnew:
    """`soft_outlook` from scratch: for placers that know no more."""

    def __init__(
        self, make: Callable[[Problem, CostOptions], SoftPlacer], problem: Problem, cost_options: CostOptions
    ) -> None:
        self._make, self._problem, self._options = make, problem, cost_options

    def guess(self, x_um: F64, y_um: F64, orient: U8, stands: BOOL) -> None:
        soft, hard = self._problem.movable_soft, self._problem.movable_hard
        for b in range(len(x_um)):
            placed = np.ones(x_um.shape[1], np.bool_)
            placed[hard] = stands[b]
            now = Placement(x_um[b], y_um[b], orient[b], placed)
            seen = soft_outlook(self._problem, now, self._make, self._options)
            x_um[b, soft], y_um[b, soft] = seen.x_um[soft], seen.y_um[soft]


class _QuadraticOutlook:
    """The quadratic placer without its last stage, over soft macros and hard ones to come alike.

    Which macros stand changes from guess to guess, the springs do not: hard macros are the last unknowns of one
    factorised system, held where they stand. They weigh on density and routing as what they are, those to come as soft
    ones; pins of nets are taken for their macro's centre in the sweeps, not in the springs.
    """

    def __init__(self, problem: Problem, cost_options: CostOptions) -> None:
        self._problem = problem
        relaxed = _relaxed(problem, np.ones(len(problem.movable_hard), np.bool_))
        self._springs = build_springs(relaxed)
        self._own = _of_movable_hard(build_springs(problem), problem)
        soft = self._springs.soft
        hard = np.zeros(problem.netlist.num_nodes, np.bool_)
        hard[problem.movable_hard] = True
        self._hard = hard[soft]
        self._index = np.searchsorted(soft, problem.movable_hard)
        self._own_index = np.searchsorted(soft, self._own.soft)[self._own.anchor_soft]
        plain = SpringSystem(self._springs, relaxed, holdable=self._hard)
        self._systems = [plain, *anchored_systems(plain, self._springs, relaxed, DEFAULT_ANCHORS, self._hard)]
        self._nets = build_nets(relaxed, square_soft=cost_options.square_soft)
        self._blocks = make_blocks(problem, square_soft=cost_options.square_soft)
        self._block_of = np.searchsorted(self._blocks.node, problem.movable_hard)
        self._geometry = make_geometry(problem, cost_options)
        self._plan = rows_of(DEFAULT_SWEEPS)
        self._order = np.argsort(-self._nets.w * self._nets.h, kind="stable").astype(np.int32)
        self._lanes = make_workspace(relaxed, self._nets, core_count())

    def guess(self, x_um: F64, y_um: F64, orient: U8, stands: BOOL) -> None:
        problem, soft = self._problem, self._springs.soft
        held = np.zeros((len(x_um), len(soft)), np.bool_)
        held[:, self._index] = stands
        at_x, at_y = x_um[:, soft], y_um[:, soft]
        pull_x, pull_y = anchor_pull(self._springs, x_um, y_um, orient)
        self._add_offsets(pull_x, pull_y, orient, stands)
        still = (held, at_x, at_y)
        x, y = self._systems[0].solve_held(pull_x, pull_y, *still)
        rows = [self._row(held[b], stands[b]) for b in range(len(x_um))]
        for system in (*self._systems[1:], None):
            self._spread(rows, x_um, y_um, orient, x, y)
            if system is not None:
                x, y = system.solve_held(pull_x, pull_y, *still, x, y)
        x[held], y[held] = at_x[held], at_y[held]
        self._refine(rows, x_um, y_um, orient, x, y)
        own = ~self._hard
        x_um[:, problem.movable_soft] = x[:, own]
        y_um[:, problem.movable_soft] = y[:, own]

    def _add_offsets(self, pull_x: F64, pull_y: F64, orient: U8, stands: BOOL) -> None:
        """Add what the pins of standing macros pull beyond their centres."""
        own = self._own
        stand = np.zeros((len(stands), self._problem.netlist.num_nodes), np.bool_)
        stand[:, self._problem.movable_hard] = stands
        for b in range(len(stands)):
            m = ORIENT_MATRIX[orient[b, own.anchor_node]] * stand[b, own.anchor_node, None]
            for pull, i in ((pull_x, 0), (pull_y, 2)):
                offset = m[:, i] * own.anchor_kdx + m[:, i + 1] * own.anchor_kdy
                pull[b] += np.bincount(self._own_index, offset, pull.shape[1])

    def _row(self, held: BOOL, stands: BOOL) -> _Row:
        """Return nets, blocks and order of sweeps of one placement: each macro to come is soft, each other a block."""
        nets, blocks = self._nets, self._blocks
        w, h = blocks.w.copy(), blocks.h.copy()
        come = self._block_of[~stands]
        w[come] = h[come] = 0.0
        seen = nets._replace(w=np.where(held, 0.0, nets.w), h=np.where(held, 0.0, nets.h))
        return seen, blocks._replace(w=w, h=h), self._order[~held[self._order]]

    def _spread(self, rows: list[_Row], *given: npt.NDArray[np.generic]) -> None:
        def run(lane: int, begin: int, end: int) -> None:
            for b in range(begin, end):
                nets, blocks, _ = rows[b]
                spread_range(lane, b, b + 1, nets, blocks, self._geometry, 1.0, *given, self._lanes)

        share_out(run, len(rows))

    def _refine(self, rows: list[_Row], x_um: F64, y_um: F64, orient: U8, x: F64, y: F64) -> None:
        def run(lane: int, begin: int, end: int) -> None:
            for b in range(begin, end):
                nets, blocks, order = rows[b]
                refine_range(
                    lane, b, b + 1, nets, blocks, self._geometry, order, self._plan, x_um, y_um, orient, ORIENT_MATRIX,
                    x, y, self._lanes,
                )  # fmt: skip

        share_out(run, len(rows))


def _of_movable_hard(springs: Springs, problem: Problem) -> Springs:
    """Return the springs without the anchors that are not movable hard macros."""
    movable = np.zeros(problem.netlist.num_nodes, np.bool_)
    movable[problem.movable_hard] = True
    keep = movable[springs.anchor_node]
    return springs._replace(
        anchor_soft=springs.anchor_soft[keep],
        anchor_node=springs.anchor_node[keep],
        anchor_k=springs.anchor_k[keep],
        anchor_kdx=springs.anchor_kdx[keep],
        anchor_kdy=springs.anchor_kdy[keep],
    )
