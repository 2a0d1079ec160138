"""Legal moves on the exact reward, for what no net weight can say: slowest bus, register counts, hottest cell.

Not a search from scratch: it starts from what an agent returned and hands back the best it met.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from floorplan.errors import ProblemError
from floorplan.estimate.objective_cost import ObjectiveCost
from floorplan.geometry import oriented_size_um
from floorplan.interrupt import stop_wanted
from floorplan.legalize.standing import Standing

if TYPE_CHECKING:
    from floorplan.estimate.reward import Reward, Scored
    from floorplan.netlist import Placement, Problem

__all__ = ["Polished", "polish"]

F64 = npt.NDArray[np.float64]

_TRIES = 200
"""Moves whose size sets the temperature."""
_HOT, _COLD = 0.3, 0.003
"""Temperatures of beginning and end, in median changes of the reward by a move: warm enough to leave the agent's local
optimum, cold enough to keep what it found."""
_SOFT_SHARE, _CRITICAL_SHARE, _SWAP_SHARE = 0.15, 0.2, 0.4
_GAP_UM = 1e-9


@dataclass(frozen=True, eq=False)
class Polished:
    """What polishing found.

    Attributes:
        placement: legal; the best by the exact reward, measured anew, of start and end.
        scored: its score.
        proposals: moves tried, illegal ones counted.
        seconds: spent.
    """

    placement: Placement
    scored: Scored
    proposals: int
    seconds: float


def polish(
    reward: Reward,
    placement: Placement,
    seed: int,
    *,
    proposals: int | None = None,
    seconds: float | None = None,
) -> Polished:
    """Improve a legal placement by swaps and shifts of macros that keep it legal, annealed from a low temperature.

    Detours and the hottest cell are measured anew eight times on the way; the result is never worse than the start.
    With a budget in proposals the same seed gives the same result.

    Args:
        reward: what to improve.
        placement: a legal one.
        seed: of everything random.
        proposals: most moves to try.
        seconds: most time to take.

    Raises:
        IllegalPlacementError: the placement is not legal.
        ProblemError: there is no budget.
    """
    if proposals is None and seconds is None:
        raise ProblemError("polishing needs a budget of proposals or seconds")
    begin = time.perf_counter()
    best, best_scored = placement, reward.score(placement)
    cost = ObjectiveCost(reward, placement)
    moves = _Moves(reward.estimator.chip.problem, cost, np.random.default_rng(seed))
    if not moves.any:
        return Polished(best, best_scored, 0, time.perf_counter() - begin)

    def spent(done: int) -> float:
        by_count = done / proposals if proposals else (1.0 if proposals == 0 else 0.0)
        by_time = (time.perf_counter() - begin) / seconds if seconds else (1.0 if seconds == 0 else 0.0)
        return max(by_count, by_time)

    sizes: list[float] = []
    done, stage, hot = 0, 0, math.inf
    now = cost.scored.reward
    best_seen, kept = now, placement
    while (frac := spent(done)) < 1.0 and not stop_wanted():
        if frac >= (stage + 1) / 8:
            stage += 1
            # The best by what was frozen is scored exactly; from there it goes on.
            scored = reward.score(kept)
            if scored.reward > best_scored.reward:
                best, best_scored = kept, scored
            now = best_seen = cost.load(best).reward
            kept = best
        done += 1
        if not moves.propose(frac):
            continue
        new = cost.scored.reward
        change = new - now
        if len(sizes) < _TRIES:
            sizes.append(abs(change))
            hot = float(np.median(sizes)) or 1e-9
        heat = hot * _HOT * (_COLD / _HOT) ** frac
        if change >= 0 or moves.random() < math.exp(change / heat):
            cost.commit()
            now = new
            if now > best_seen:
                best_seen, kept = now, cost.placement
        else:
            cost.rollback()
    if kept is not best:
        scored = reward.score(kept)
        if scored.reward > best_scored.reward:
            best, best_scored = kept, scored
    return Polished(best, best_scored, done, time.perf_counter() - begin)


class _Moves:
    """Draws moves, drops illegal ones, and puts legal ones in hand."""

    def __init__(self, problem: Problem, cost: ObjectiveCost, rng: np.random.Generator) -> None:
        nl, cv = problem.netlist, problem.canvas
        self._cost, self._problem, self._rng = cost, problem, rng
        self.random: Callable[[], float] = rng.random
        orient = cost.placement.orient
        self._w, self._h = oriented_size_um(nl.node_w_um, nl.node_h_um, orient)
        self._hard, self._soft = nl.hard, problem.movable_soft.tolist()
        self._movable = problem.movable_hard.tolist()
        self._is_free = np.zeros(nl.num_nodes, np.bool_)
        self._is_free[problem.movable_hard] = True
        self._is_hard = np.zeros(nl.num_nodes, np.bool_)
        self._is_hard[nl.hard] = True
        self._is_free[problem.movable_soft] = True
        self._standing = Standing(problem, cost.placement) if problem.confined else None
        alike: dict[tuple[float, float, bytes], list[int]] = {}
        for i in self._movable:
            bound = self._standing.key(i) if self._standing else b""
            alike.setdefault((float(self._w[i]), float(self._h[i]), bound), []).append(i)
        self._alike = {i: group for group in alike.values() if len(group) > 1 for i in group}
        self._swappable = list(self._alike)
        self._reach = (cv.width_um, cv.height_um)
        self._owner = nl.pin_node[nl.net_pin]
        self._net_ptr = nl.net_ptr
        self._hard_w, self._hard_h = self._w[self._hard], self._h[self._hard]

    @property
    def any(self) -> bool:
        """Whether anything may move."""
        return bool(self._movable or self._soft)

    def propose(self, frac: float) -> bool:
        """Put a legal move in hand and return True, or return False; moves get shorter as `frac` goes to 1."""
        u = self.random()
        if self._soft and (u < _SOFT_SHARE or not self._movable):
            return self._shift(self._pick(self._soft), frac)
        if u < _SOFT_SHARE + _CRITICAL_SHARE:
            return self._relieve()
        if self._swappable and u < _SOFT_SHARE + _CRITICAL_SHARE + _SWAP_SHARE:
            a = self._pick(self._swappable)
            b = self._pick(self._alike[a])
            if a == b:
                return False
            self._cost.swap(a, b)
            return True
        return bool(self._movable) and self._shift(self._pick(self._movable), frac)

    def _pick(self, of: list[int]) -> int:
        return of[int(self.random() * len(of))]

    def _shift(self, i: int, frac: float) -> bool:
        spread = 0.02 + 0.25 * (1.0 - frac) ** 2
        x = float(self._cost.x_um[i]) + spread * self._reach[0] * self._rng.standard_normal()
        y = float(self._cost.y_um[i]) + spread * self._reach[1] * self._rng.standard_normal()
        return self._to(i, x, y)

    def _relieve(self) -> bool:
        """Take a node of the slowest bus some way to another node of it, in exchange with a like one that is there."""
        net = self._cost.slowest_net()
        if net is None:
            return False
        nodes = np.unique(self._owner[self._net_ptr[net] : self._net_ptr[net + 1]])
        free = nodes[self._is_free[nodes]].tolist()
        if not free or len(nodes) < 2:
            return False
        i = self._pick(free)
        j = self._pick([n for n in nodes.tolist() if n != i])
        xs, ys = self._cost.x_um, self._cost.y_um
        u = self.random()
        x, y = float(xs[i] + u * (xs[j] - xs[i])), float(ys[i] + u * (ys[j] - ys[i]))
        if i in self._alike and self.random() < 0.7:
            group = np.array(self._alike[i])
            near = int(group[np.argmin(np.abs(xs[group] - x) + np.abs(ys[group] - y))])
            if near == i:
                return False
            self._cost.swap(i, near)
            return True
        return self._to(i, x, y)

    def _to(self, i: int, x: float, y: float) -> bool:
        """Propose node i at a place, if it may stand there."""
        p, w, h = self._problem, float(self._w[i]), float(self._h[i])
        if not self._is_hard[i]:
            x, y = min(max(x, 0.0), self._reach[0]), min(max(y, 0.0), self._reach[1])
            self._cost.propose((i,), (x,), (y,))
            return True
        edge = p.boundary_spacing_um
        x = min(max(x, w / 2 + edge), self._reach[0] - w / 2 - edge)
        y = min(max(y, h / 2 + edge), self._reach[1] - h / 2 - edge)
        if self._standing is not None:
            spot = self._standing.near(i, x, y)
            if spot is None or not self._standing.clear(i, *spot, self._cost.x_um, self._cost.y_um):
                return False
            x, y = spot
        hard, gap = self._hard, p.macro_spacing_um - _GAP_UM
        near = np.abs(self._cost.x_um[hard] - x) < (self._hard_w + w) / 2 + gap
        near &= np.abs(self._cost.y_um[hard] - y) < (self._hard_h + h) / 2 + gap
        near &= hard != i
        if near.any():
            return False
        for b in p.hard_blockages:
            if min(x + w / 2 - b.x0_um, b.x1_um - x + w / 2, y + h / 2 - b.y0_um, b.y1_um - y + h / 2) > 0:
                return False
        self._cost.propose((i,), (x,), (y,))
        return True
