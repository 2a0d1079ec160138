"""One search chain: a legal placement that compiled loops improve, with everything needed to go on exactly."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from floorplan.bound.congestion import congestion_bound
from floorplan.bound.density import density_bound
from floorplan.cost import Cost, CostOptions
from floorplan.cost.incremental import IncrementalCost
from floorplan.cost.kernels.moves import settle_all
from floorplan.errors import ProblemError
from floorplan.geometry import oriented_size_um
from floorplan.legalize import safe_gap_um
from floorplan.legalize.ground import ground_of
from floorplan.netlist import NodeKind, Placement, Problem, check_legality
from floorplan.netlist.constraints import turned_halo_um
from floorplan.search.kernels.anneal import anneal_chunk
from floorplan.search.kernels.descend import descend_nodes
from floorplan.search.kernels.draw import uniform
from floorplan.search.kernels.hints import Hints
from floorplan.search.kernels.room import Room
from floorplan.search.kernels.ties import SLACK_UM, Ties

__all__ = ["HARD_SHARE", "Chain", "make_room"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

HARD_SHARE = 0.35
"""Of the proposals, those that move a hard macro."""

SWAP_SHARE, FLIP_SHARE = 0.1, 0.05
"""Of those, exchanges of two macros and flips."""

SOFT_JUMPS, HARD_JUMPS = 0.85, 0.5
"""Of the soft macros' moves, and of the hard macros' others, those to between the nodes of one of their nets."""

APART = 0.7
"""Of all shifts, jumps and flips, those whose congestion is judged apart from the rest."""

FIRST_RATE = 0.1
"""Of the hard macros' moves, those drawn from hints at first."""

HARD_ACCEPTED, SOFT_ACCEPTED = 0.07, 0.1
"""Shares of accepted shifts that step lengths adapt to."""


class Chain:
    """A complete legal placement under search.

    Every loop keeps it legal: hard macros at least max(macro spacing, a few float32 steps) from each other and, where
    they fit, from the canvas edge, their halos apart, in their regions and on the grid; soft macros wholly inside the
    canvas. No move of hard macros makes them cover more of soft blockages.

    Args:
        problem: what is placed.
        placement: legal start; not changed.
        seed: of everything random.
        options: of the cost.

    Raises:
        ProblemError: the start is not legal.

    Attributes:
        proposals: made so far.
        tally: (7, 2) proposals and acceptances of hard shifts, swaps, flips, soft shifts, soft and hard jumps, and
            hints so far.
        best_proxy: of the best placement seen.
    """

    def __init__(self, problem: Problem, placement: Placement, seed: int, options: CostOptions | None = None) -> None:
        legality = check_legality(problem, placement)
        if not legality.legal:
            raise ProblemError(f"a search starts from a legal placement: {legality.summary()}")
        self.problem = problem
        self.options = options or CostOptions()
        self.engine = IncrementalCost(problem, placement, self.options)
        self.room = make_room(problem, placement, self.options)
        w = self.options.weights
        self._weights = np.array([w.wirelength / self.engine.tables.scale[6], w.density, w.congestion])
        self._floors = np.array(
            [0.0, density_bound(problem, self.options)[0], congestion_bound(problem, self.options, 0.0)[0]]
        )
        n = problem.netlist.num_nodes
        self._seed = np.array([seed], np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(1)
        self._pair = (np.zeros(2, np.int64), np.zeros(2), np.zeros(2), np.zeros(2, np.uint8), np.zeros(3))
        largest = max(problem.canvas.width_um, problem.canvas.height_um)
        self._reach = np.full(2, largest / 10)
        self._mix = np.array(
            [HARD_SHARE, SWAP_SHARE, FLIP_SHARE, SOFT_JUMPS, HARD_ACCEPTED, SOFT_ACCEPTED, HARD_JUMPS, APART]
        )
        self._best = np.empty(2 * n + 1)
        self._best_orient = np.empty(n, np.uint8)
        self.proposals = 0
        self.tally = np.zeros((7, 2), np.int64)
        self._no_hints = Hints(np.empty((0, 1), np.int32), np.empty((0, 1)), np.zeros(5), np.zeros((7, 2)))
        self._hints = self._no_hints
        self._keep_best()

    @property
    def best_proxy(self) -> float:
        """Proxy cost of the best placement seen."""
        return float(self._best[-1])

    @property
    def cost(self) -> Cost:
        """Cost of the placement as it stands."""
        return self.engine.cost

    @property
    def best_placement(self) -> Placement:
        """The best placement seen."""
        n = len(self._best_orient)
        return Placement(self._best[:n], self._best[n : 2 * n], self._best_orient, np.ones(n, np.bool_))

    @property
    def hint_rate(self) -> float:
        """Of the hard macros' moves, those that are drawn from hints; 0 before there were any."""
        return float(self._hints.rate[0])

    @property
    def movable(self) -> int:
        """How many nodes move."""
        return len(self.room.hard) + len(self.room.soft)

    def anneal(self, proposals: int, hot: float, cold: float, nodes: I64 | None = None) -> None:
        """Make proposals while the temperature falls geometrically from hot to cold.

        Args:
            proposals: how many.
            hot: temperature at the start, in units of the proxy cost.
            cold: at the end.
            nodes: those that move; None for all that can.
        """
        self.proposals += proposals
        if self.movable == 0:
            return
        room, reach, hints = self.room, self._reach, self._hints
        if nodes is not None:
            hard = self.room.slot[nodes] >= 0
            room = room._replace(hard=nodes[hard].astype(np.int32), soft=nodes[~hard].astype(np.int32))
            reach = reach.copy()
            hints = self._no_hints
        anneal_chunk(
            proposals, hot, cold, self._mix, reach, self._weights, self._floors, self.engine.tables,
            self.engine.state, room, hints, self._seed, self._pair, self._best, self._best_orient, self.tally,
        )  # fmt: skip

    def hint(self, cells: I32 | None, probability: F64 | None = None) -> None:
        """Let hard macros also jump to given cells, or trade places with what stands there.

        How often is settled by what such moves gain beside others; it never falls below one in a hundred of the hard
        macros' moves. Hints serve until others are given. They are not part of `get_state`, only what was learned of
        them is: to go on bit for bit, give the same ones again.

        Args:
            cells: (H, K) for each movable hard macro, in the order of `problem.movable_hard`; row * columns + column.
                None: no more hints.
            probability: (H, K) of them; each row is scaled to a sum of 1, a row of zeros has no hints.

        Raises:
            ProblemError: another shape, a cell that does not exist, a negative or infinite probability.
        """
        if cells is None or probability is None:
            self._hints = self._no_hints._replace(rate=self._hints.rate, change=self._hints.change)
            return
        hard, width = self.problem.movable_hard, cells.shape[-1]
        if cells.shape != probability.shape or cells.shape != (len(hard), width) or width == 0:
            raise ProblemError(f"hints must be (H, K) with H = {len(hard)}, got {cells.shape} and {probability.shape}")
        if len(hard) and (cells.min() < 0 or cells.max() >= self.problem.canvas.num_cells):
            raise ProblemError(f"hints must be cells 0..{self.problem.canvas.num_cells - 1}")
        if not np.isfinite(probability).all() or (probability < 0).any():
            raise ProblemError("probabilities of hints must be finite and >= 0")
        rows = self.room.slot[hard]
        cell = np.zeros((len(self.room.x), width), np.int32)
        chance = np.zeros((len(self.room.x), width))
        total = probability.sum(axis=1, keepdims=True)
        cell[rows] = cells
        chance[rows] = np.cumsum(probability, axis=1) / np.where(total > 0, total, 1.0)
        if self._hints.rate[0] == 0.0:
            self._hints.rate[0] = FIRST_RATE
        self._hints = self._hints._replace(cell=cell, chance=chance)

    def draw(self) -> float:
        """Return a random number in (0, 1) from the chain's own sequence."""
        return float(uniform(self._seed))

    def descend(self, proposals: int, nodes: I64 | None = None) -> float:
        """Move nodes in turn to the best of the places where their cost can have its least; return the fall of proxy.

        Args:
            proposals: how many at most.
            nodes: in the order given; None for all that move, shuffled.
        """
        before = self._now()
        turn = np.concatenate([self.room.hard, self.room.soft]).astype(np.int64) if nodes is None else nodes
        made = descend_nodes(
            turn, nodes is None, proposals, self._weights, self._floors, self.engine.tables, self.engine.state,
            self.room, self._hints, self._seed,
        )  # fmt: skip
        self.proposals += made if len(turn) else proposals
        self._keep_best()
        return before - self._now()

    def go_to(self, placement: Placement) -> None:
        """Go on from another placement, which must be legal; the best seen is kept."""
        self.engine.load(placement)
        hard = self.problem.netlist.hard
        self.room.x[: len(hard)] = placement.x_um[hard]
        self.room.y[: len(hard)] = placement.y_um[hard]
        if self.room.ties.halos:
            self.room.ties.reach[: len(hard)] = _reach(self.problem, placement)
        self._keep_best()

    def refresh(self) -> None:
        """Shed the rounding of many moves, so that chains with the same positions hold the same numbers."""
        settle_all(self.engine.tables, self.engine.state)

    def get_state(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return all that later moves depend on, as plain arrays; a chain that is set to it goes on bit for bit."""
        self.refresh()
        s = self.engine.state
        return {
            "x_um": s.x.copy(),
            "y_um": s.y.copy(),
            "orient": s.orient.copy(),
            "thresholds": s.total[3:].copy(),
            "seed": self._seed.copy(),
            "reach_um": self._reach.copy(),
            "best": self._best.copy(),
            "best_orient": self._best_orient.copy(),
            "tally": self.tally.copy(),
            "hint_rate": self._hints.rate.copy(),
            "hint_change": self._hints.change.copy(),
            "proposals": np.array([self.proposals]),
        }

    def set_state(self, state: dict[str, npt.NDArray[np.generic]]) -> None:
        """Go back to what `get_state` returned."""
        n = len(self._best_orient)
        placement = Placement(
            state["x_um"].astype(np.float64),
            state["y_um"].astype(np.float64),
            state["orient"].astype(np.uint8),
            np.ones(n, np.bool_),
        )
        self.engine.state.total[3:] = state["thresholds"]
        self.go_to(placement)
        self.engine.state.total[3:] = state["thresholds"]
        self._seed[:] = state["seed"]
        self._reach[:] = state["reach_um"]
        self._best[:] = state["best"]
        self._best_orient[:] = state["best_orient"]
        self.tally[:] = state["tally"]
        self._hints.rate[:] = state["hint_rate"]
        self._hints.change[:] = state["hint_change"]
        self.proposals = int(state["proposals"][0])

    def _now(self) -> float:
        return float(self._weights @ self.engine.state.total[:3])

    def _keep_best(self) -> None:
        n = len(self._best_orient)
        if self.proposals == 0 or self._now() < self._best[-1]:
            self._best[:n] = self.engine.state.x
            self._best[n : 2 * n] = self.engine.state.y
            self._best[-1] = self._now()
            self._best_orient[:] = self.engine.state.orient


def make_room(problem: Problem, placement: Placement, options: CostOptions) -> Room:
    """Return what limits the moves of a search that starts from a placement.

    Movable hard macros keep max(macro spacing, safe gap) from each other and max(boundary spacing, safe gap) from the
    canvas edge, where they fit; movable soft macros stay wholly inside the canvas. Soft macros move by their size as
    costed (square where the options say so).
    """
    nl, cv = problem.netlist, problem.canvas
    safe = safe_gap_um(cv)
    gap = max(problem.macro_spacing_um, safe)
    w, h = oriented_size_um(nl.node_w_um, nl.node_h_um, placement.orient)
    hard, soft = nl.hard, nl.soft
    # Both the shape as drawn and as costed lie inside.
    soft_w, soft_h = w.copy(), h.copy()
    if options.square_soft:
        side = np.sqrt(w[soft] * h[soft])
        soft_w[soft], soft_h[soft] = np.maximum(w[soft], side), np.maximum(h[soft], side)
    slot = np.full(nl.num_nodes, -1, np.int32)
    slot[hard] = np.arange(len(hard))
    blocks = problem.hard_blockages
    node = np.full(len(hard) + len(blocks), -1, np.int32)
    node[slot[problem.movable_hard]] = problem.movable_hard
    edge = np.where(nl.node_kind == NodeKind.HARD, max(problem.boundary_spacing_um, safe), 0.0)
    bounds = np.empty((nl.num_nodes, 4))
    for axis, (size, extent) in enumerate(((soft_w, cv.width_um), (soft_h, cv.height_um))):
        margin = np.minimum(edge, np.maximum((extent - size) / 2, 0.0))
        low = np.minimum(size / 2 + margin, extent / 2)
        bounds[:, 2 * axis] = low
        bounds[:, 2 * axis + 1] = extent - low
    ties = _ties(problem, placement, safe, len(blocks))
    for i in problem.movable_hard.tolist() if ties.on else []:
        rect = ties.rect[ties.ptr[slot[i]] : ties.ptr[slot[i] + 1]]
        if len(rect):
            bounds[i, 0::2], bounds[i, 1::2] = rect[:, :2].min(axis=0) - SLACK_UM, rect[:, 2:].max(axis=0) + SLACK_UM
    block_w = [(b.x1_um - b.x0_um) / 2 + safe - gap / 2 for b in blocks]
    block_h = [(b.y1_um - b.y0_um) / 2 + safe - gap / 2 for b in blocks]
    return Room(
        hard=problem.movable_hard.copy(),
        soft=problem.movable_soft.copy(),
        slot=slot,
        node=node,
        x=np.concatenate([placement.x_um[hard], [(b.x0_um + b.x1_um) / 2 for b in blocks]]),
        y=np.concatenate([placement.y_um[hard], [(b.y0_um + b.y1_um) / 2 for b in blocks]]),
        half_w=np.concatenate([w[hard] / 2 + gap / 2, block_w]),
        half_h=np.concatenate([h[hard] / 2 + gap / 2, block_h]),
        bounds=bounds,
        allowed=problem.allowed_orient & np.uint8(15),
        diagonal_um=math.hypot(cv.width_um, cv.height_um),
        ties=ties,
    )


def _ties(problem: Problem, placement: Placement, margin_um: float, blockages: int) -> Ties:
    """Return what binds hard macros, and then `blockages` other obstacles, beyond the canvas and one gap."""
    hard, none = problem.netlist.hard, np.zeros((0, 4))
    if not problem.confined:
        two = np.zeros((0, 2))
        return Ties(False, False, np.zeros(0, np.int32), none, np.zeros(2), two, none, two, none)
    fixed = problem.fixed[hard]
    ground = ground_of(problem, hard, placement.orient[hard], margin_um)
    count = np.where(fixed, 0, np.diff(ground.ptr))
    kept = np.repeat(~fixed, np.diff(ground.ptr))
    others = np.zeros((blockages, 2))
    avoid = [(b.x0_um, b.y0_um, b.x1_um, b.y1_um) for b in problem.soft_blockages]
    w, h = oriented_size_um(problem.netlist.node_w_um[hard], problem.netlist.node_h_um[hard], placement.orient[hard])
    return Ties(
        on=True,
        halos=problem.has_halos,
        ptr=np.concatenate([[0], np.cumsum(count), np.full(blockages, count.sum())]).astype(np.int32),
        rect=ground.rect[kept],
        pitch=ground.pitch,
        # All arrays lie in memory as those of a problem that nothing binds, or the loops would be compiled anew.
        phase=np.ascontiguousarray(np.concatenate([ground.phase.T, others])),
        reach=np.concatenate([_reach(problem, placement), np.full((blockages, 4), -np.inf)]),
        body=np.concatenate([np.stack([w, h], axis=1) / 2, others]),
        avoid=np.array(avoid, np.float64).reshape(-1, 4),
    )


def _reach(problem: Problem, placement: Placement) -> F64:
    """Return (H, 4) how far hard macros grown by their halos reach left, below, right and above of their centres."""
    nl, hard = problem.netlist, problem.netlist.hard
    w, h = oriented_size_um(nl.node_w_um[hard], nl.node_h_um[hard], placement.orient[hard])
    half = np.stack([w, h, w, h], axis=1) / 2
    out: F64 = half + turned_halo_um(problem.halo_um[hard], placement.orient[hard])
    return out
