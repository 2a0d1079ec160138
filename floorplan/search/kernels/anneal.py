"""Simulated annealing in one compiled loop: exact costs, legal placements only."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from floorplan.cost.kernels.moves import settle_all
from floorplan.search.kernels.draw import below, uniform
from floorplan.search.kernels.hints import aim, learn
from floorplan.search.kernels.room import fits
from floorplan.search.kernels.single import try_single, try_swap
from floorplan.search.kernels.ties import halos_clash, near, turn_halo

__all__ = ["anneal_chunk"]

F64 = npt.NDArray[np.float64]

ADAPT = 0.004
"""Relative change of a step length after one shift."""

REFRESH = 50_000
"""Commits after which everything is computed anew, so that rounding cannot add up."""


@njit(cache=True)
def _step(low: float, high: float, now: float, reach: float, seed: npt.NDArray[np.uint64]) -> float:
    """Return a number within `reach` of `now` and within the bounds."""
    a, b = max(now - reach, low), min(now + reach, high)
    return a + (b - a) * uniform(seed) if b > a else min(max(now, low), high)


@njit(cache=True)
def _among(i, tables, state, seed):  # type: ignore[no-untyped-def]  # numba infers
    """Return a random point of what the others on a random net of node i span."""
    p = tables.node_ptr[i] + below(seed, tables.node_ptr[i + 1] - tables.node_ptr[i])
    e, k, box, inc = tables.own_inc[p, 1], tables.own_inc[p, 0], state.net_box, state.inc_box
    x0 = box[e, 1] if inc[k, 0] == box[e, 0] else box[e, 0]
    x1 = box[e, 3] if inc[k, 1] == box[e, 2] else box[e, 2]
    y0 = box[e, 5] if inc[k, 2] == box[e, 4] else box[e, 4]
    y1 = box[e, 7] if inc[k, 3] == box[e, 6] else box[e, 6]
    if not (x0 <= x1 and y0 <= y1):
        return state.x[i], state.y[i]
    return x0 + (x1 - x0) * uniform(seed), y0 + (y1 - y0) * uniform(seed)


@njit(cache=True)
def _somewhere(i, jumps, reach, tables, state, room, seed):  # type: ignore[no-untyped-def]  # numba infers
    """Return whether node i jumps, with the chance `jumps`, or shifts within `reach`, and where to."""
    b = room.bounds
    if uniform(seed) < jumps and tables.node_ptr[i] < tables.node_ptr[i + 1]:
        x, y = _among(i, tables, state, seed)
        return True, min(max(x, b[i, 0]), b[i, 1]), min(max(y, b[i, 2]), b[i, 3])
    x = _step(b[i, 0], b[i, 1], state.x[i], reach, seed)
    y = _step(b[i, 2], b[i, 3], state.y[i], reach, seed)
    return False, x, y


@njit(cache=True, nogil=True)
def anneal_chunk(  # type: ignore[no-untyped-def]  # numba infers
    proposals, hot, cold, mix, reach, weights, floors, tables, state, room, hints, seed, pair, best, best_orient, tally
):
    """Make `proposals` proposals while the temperature falls geometrically from hot to cold.

    Args:
        proposals: how many.
        hot: temperature of the first, in units of the proxy.
        cold: temperature of the last.
        mix: (8,) chances of a hard macro's move, and among those of a swap and of a flip; then, among a soft macro's
            moves, of a jump to between the nodes of one of its nets; last the shares of hard and soft shifts that
            the step lengths keep accepted, the chance of a jump among hard macros' other
            moves, and the share of moves whose congestion is judged apart (see `try_single`).
        reach: (2,) um: how far a hard and a soft macro shift at most; adapted to what gets accepted.
        weights: (3,) as in `try_single`.
        floors: (3,) as in `try_single`.
        tables: MoveTables.
        state: MoveState; left at the last placement.
        room: Room.
        hints: Hints; its rate and sums are brought up to date where there are any.
        seed: (1,) random state.
        pair: scratch of a swap: nodes (2,) int64, x, y (2,), orient (2,), parts after it (3,).
        best: (2N + 1,) x, y and proxy of the best placement so far, looked at every few thousand proposals.
        best_orient: (N,) its orientations.
        tally: (7, 2) int64: proposals and acceptances of hard shifts, swaps, flips, soft shifts, soft and hard jumps,
            and hints; added to.
    """
    n = len(state.x)
    cooling = math.log(cold / hot) / max(proposals, 1)
    largest = max(tables.scale[0] * tables.shape[1], tables.scale[1] * tables.shape[0])
    commits = 0
    hinted = len(hints.cell) > 0
    t = state.total
    for step in range(proposals):
        temperature = hot * math.exp(cooling * step)
        limit = -temperature * math.log(uniform(seed))
        apart = -temperature * math.log(uniform(seed)) if uniform(seed) < mix[7] else -1.0
        kind = 3
        if len(room.hard) > 0 and (len(room.soft) == 0 or uniform(seed) < mix[0]):
            u = uniform(seed)
            kind = 1 if u < mix[1] else (2 if u < mix[1] + mix[2] else 0)
            if hinted and uniform(seed) < hints.rate[0]:
                kind = 6
        moved = False
        before = weights[0] * t[0] + weights[1] * t[1] + weights[2] * t[2]
        # What is proposed: node i to (x, y) in orientation o where j is -1, else a swap with node j; -2 is nothing.
        j, x, y, q = -2, 0.0, 0.0, 0.0
        if kind == 3:
            i = int(room.soft[below(seed, len(room.soft))])
            o = int(state.orient[i])
            jumped, x, y = _somewhere(i, mix[3], reach[1], tables, state, room, seed)
            j, kind = -1, 4 if jumped else 3
        else:
            i = int(room.hard[below(seed, len(room.hard))])
            o = int(state.orient[i])
            if kind == 0:
                jumped, x, y = _somewhere(i, mix[6], reach[0], tables, state, room, seed)
                if jumped:
                    kind = 5
                else:
                    u = uniform(seed)
                    if u < 0.25:
                        x = state.x[i]
                    elif u < 0.5:
                        y = state.y[i]
                if room.ties.on:
                    x, y = near(room.slot[i], x, y, room.ties)
                j = -1 if fits(i, x, y, room) else -2
            elif kind == 1:
                j = int(room.hard[below(seed, len(room.hard))])
                j = j if j != i else -2
            elif kind == 2:
                turned = (o + 1 + below(seed, 3)) & 3
                if o < 4 and (room.allowed[i] >> turned) & 1:
                    j, x, y, o = -1, state.x[i], state.y[i], turned
                    if room.ties.halos:
                        turn_halo(room.slot[i], state.orient[i], o, room.ties)
                        if halos_clash(room.slot[i], x, y, room):
                            turn_halo(room.slot[i], state.orient[i], o, room.ties)
                            j = -2
            else:
                j, x, y, q = aim(i, hints, tables, state, room, seed)
        # Likely cells are come to more often than left; that is made good, so that hints change how soon annealing gets
        # where it goes and not where (Hastings, 1970).
        limit += temperature * q
        if j == -1:
            moved = try_single(i, x, y, o, limit, apart, weights, floors, tables, state)
            if kind == 2 and not moved and room.ties.halos:
                turn_halo(room.slot[i], o, state.orient[i], room.ties)
            if moved and room.slot[i] >= 0:
                room.x[room.slot[i]] = x
                room.y[room.slot[i]] = y
        elif j >= 0:
            moved = try_swap(i, j, limit, weights, tables, state, room, pair)
        tally[kind, 0] += 1
        if moved:
            tally[kind, 1] += 1
            commits += 1
        if hinted:
            change = weights[0] * t[0] + weights[1] * t[1] + weights[2] * t[2] - before
            learn(kind, change, hints)
        if moved and commits % REFRESH == 0:
            settle_all(tables, state)
        # A step length that keeps a given share of shifts accepted finds its own scale at every temperature.
        if kind == 0 or kind == 3:
            k = 0 if kind == 0 else 1
            scale = 1.0 + ADAPT * (1.0 - mix[4 + k] if moved else -mix[4 + k])
            reach[k] = min(max(reach[k] * scale, 1e-3 * largest), largest)
        if step % 4096 == 4095 or step == proposals - 1:
            proxy = weights[0] * t[0] + weights[1] * t[1] + weights[2] * t[2]
            if proxy < best[2 * n]:
                best[:n] = state.x
                best[n : 2 * n] = state.y
                best[2 * n] = proxy
                best_orient[:] = state.orient
