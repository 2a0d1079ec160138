"""Coordinate descent: nodes in turn go to the best of the places where the cost of their coordinate can be least.

Along one axis wirelength is piecewise linear with its breaks where the node meets the ends of its nets; density and
macro blockage break where an edge of the node meets a grid line, congestion where a pin does; hard macros may come no
nearer than contact. The least value lies at one of these breaks.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from floorplan.search.kernels.draw import below, uniform
from floorplan.search.kernels.hints import aim, learn
from floorplan.search.kernels.room import fits
from floorplan.search.kernels.single import try_single
from floorplan.search.kernels.ties import along_grid, halos_clash, near, turn_halo

__all__ = ["descend_nodes"]

F64 = npt.NDArray[np.float64]

QUANTILES = 5
"""Points of the weighted distribution of net ends that are tried along an axis."""

LEAST_FALL = 1e-10
"""Fall of the proxy below which a move counts as rounding."""

ASIDE_UM = 1e-6
"""How far beyond a grid line a node stops, so that rounding can't leave it on the line."""


@njit(cache=True)
def _net_ends(i, axis, tables, state, at, mass):  # type: ignore[no-untyped-def]  # numba infers
    """Write where node i's centre meets the ends of what its nets span without it, and net weights; return how many."""
    own, weight, box, m = tables.own_inc, tables.own_weight, state.net_box, tables.matrix
    centre = state.x[i] if axis == 0 else state.y[i]
    o, b = state.orient[i], 4 * axis
    n = 0
    for p in range(tables.node_ptr[i], tables.node_ptr[i + 1]):
        if n + 2 > len(at):
            break
        e = own[p, 1]
        low, high = np.inf, -np.inf
        for t in range(own[p, 2], own[p, 3]):
            d = m[o, 2 * axis] * tables.term_dx[t] + m[o, 2 * axis + 1] * tables.term_dy[t]
            low, high = min(low, d), max(high, d)
        end0 = box[e, b + 1] if centre + low == box[e, b] else box[e, b]
        end1 = box[e, b + 3] if centre + high == box[e, b + 2] else box[e, b + 2]
        if end0 > -1e300 and end1 < 1e300 and end0 < 1e300 and end1 > -1e300:
            at[n], mass[n] = end0 - low, weight[p, 0]
            at[n + 1], mass[n + 1] = end1 - high, weight[p, 0]
            n += 2
    return n


@njit(cache=True)
def _with_halos(j, k, axis, along, across, gap, clear, reach):  # type: ignore[no-untyped-def]  # numba infers
    """Return the distances along and across the axis that obstacles j and k keep, the larger of gap and halos."""
    # 0 and 1 are the lower sides along x and y, 2 and 3 the upper ones.
    mine, other = (axis + 2, axis) if along > 0 else (axis, axis + 2)
    own_flank, flank = (3 - axis, 1 - axis) if across > 0 else (1 - axis, 3 - axis)
    return max(gap, reach[j, mine] + reach[k, other]), max(clear, reach[j, own_flank] + reach[k, flank])


@njit(cache=True)
def _places(i, axis, tables, state, room, at, mass, out, seed):  # type: ignore[no-untyped-def]  # numba infers
    """Write places along an axis worth a try for node i to out; return how many."""
    count = 0
    n = _net_ends(i, axis, tables, state, at, mass)
    if n > 0:
        order = np.argsort(at[:n])
        whole = mass[:n].sum()
        for k in range(QUANTILES):
            goal = whole * (0.5 + 0.15 * (k - QUANTILES // 2))
            run = 0.0
            for j in range(n):
                run += mass[order[j]]
                if run >= goal:
                    out[count] = at[order[j]]
                    count += 1
                    break
        out[count] = at[below(seed, n)]
        count += 1
    centre = state.x[i] if axis == 0 else state.y[i]
    turned = state.orient[i] >= 4
    w, h = tables.node_w[i], tables.node_h[i]
    half = (h if turned != (axis == 1) else w) / 2
    pitch = tables.scale[axis]
    for side in (-half, 0.0, half):
        line = np.floor((centre + side) / pitch)
        out[count] = line * pitch - side + ASIDE_UM
        out[count + 1] = line * pitch - side - ASIDE_UM
        out[count + 2] = (line + 1) * pitch - side + ASIDE_UM
        out[count + 3] = (line + 1) * pitch - side - ASIDE_UM
        count += 4
    if tables.node_kind[i] == 0:
        # Contact with the next macro to either side.
        j = room.slot[i]
        below_it, above_it = -1e300, 1e300
        for k in range(len(room.x)):
            if k == j:
                continue
            along, across = room.x[k] - room.x[j], room.y[k] - room.y[j]
            gap, clear = room.half_w[k] + room.half_w[j], room.half_h[k] + room.half_h[j]
            if axis == 1:
                along, across, gap, clear = across, along, clear, gap
            if room.ties.halos:
                gap, clear = _with_halos(j, k, axis, along, across, gap, clear, room.ties.reach)
            if abs(across) < clear:
                if along > 0:
                    above_it = min(above_it, along - gap)
                else:
                    below_it = max(below_it, along + gap)
        for shift in (below_it, above_it):
            if abs(shift) < room.diagonal_um:
                out[count] = centre + shift - (1e-9 if shift > 0 else -1e-9)
                if room.ties.on:
                    way = -1 if shift > 0 else 1
                    out[count] = along_grid(out[count], room.ties.phase[j, axis], room.ties.pitch[axis], way)
                count += 1
    return count


@njit(cache=True, nogil=True)
def descend_nodes(turn, shuffle, proposals, weights, floors, tables, state, room, hints, seed):  # type: ignore[no-untyped-def]  # numba infers
    """Try places for each node of `turn` once, keeping every move that lowers the proxy; return the proposals made.

    Args:
        turn: (K,) movable nodes; reordered at random where `shuffle` is set.
        shuffle: see turn.
        proposals: most that may be made; the node in hand is finished beyond it.
        weights: (3,) as in `try_single`.
        floors: (3,) as in `try_single`.
        tables: MoveTables.
        state: MoveState.
        room: Room.
        hints: Hints; its rate is brought up to date where there are any.
        seed: (1,) random state.
    """
    most = 1
    for k in range(len(turn)):
        most = max(most, 2 * (tables.node_ptr[turn[k] + 1] - tables.node_ptr[turn[k]]))
    at, mass = np.empty(most), np.empty(most)
    xs, ys = np.empty(QUANTILES + 20), np.empty(QUANTILES + 20)
    if shuffle:
        for k in range(len(turn) - 1, 0, -1):
            j = below(seed, k + 1)
            turn[k], turn[j] = turn[j], turn[k]
    made = 0
    for k in range(len(turn)):
        if made >= proposals:
            break
        i = turn[k]
        hard = tables.node_kind[i] == 0
        nx = _places(i, 0, tables, state, room, at, mass, xs, seed)
        ny = _places(i, 1, tables, state, room, at, mass, ys, seed)
        b = room.bounds
        tried = nx + ny + QUANTILES
        turns = 4 if hard and state.orient[i] < 4 else 0
        # Hints take their share of the proposals; the last of them by chance.
        wanted = 0
        if hard and len(hints.cell) > 0:
            share = tried * hints.rate[0] / (1.0 - hints.rate[0])
            wanted = int(share) + (1 if uniform(seed) < share - int(share) else 0)
        for c in range(tried + wanted + turns):
            x, y, o = state.x[i], state.y[i], int(state.orient[i])
            room_for = True
            if c < nx:
                x = xs[c]
            elif c < nx + ny:
                y = ys[c - nx]
            elif c < tried:
                x, y = xs[below(seed, nx)], ys[below(seed, ny)]
            elif c < tried + wanted:
                j, x, y, _q = aim(i, hints, tables, state, room, seed)
                room_for = j == -1
            else:
                turned = c - tried - wanted
                if turned == o or not (room.allowed[i] >> turned) & 1:
                    continue
                o = turned
                if room.ties.halos:
                    turn_halo(room.slot[i], state.orient[i], o, room.ties)
                    room_for = not halos_clash(room.slot[i], x, y, room)
            if c < tried:
                if hard:
                    if room.ties.on:
                        x, y = near(room.slot[i], x, y, room.ties)
                    room_for = fits(i, x, y, room)
                else:
                    x, y = min(max(x, b[i, 0]), b[i, 1]), min(max(y, b[i, 2]), b[i, 3])
            made += 1
            was = weights[0] * state.total[0] + weights[1] * state.total[1] + weights[2] * state.total[2]
            if room_for and try_single(i, x, y, o, -LEAST_FALL, -1.0, weights, floors, tables, state) and hard:
                room.x[room.slot[i]] = x
                room.y[room.slot[i]] = y
            if room.ties.halos and c >= tried + wanted and state.orient[i] != o:
                turn_halo(room.slot[i], o, state.orient[i], room.ties)
            if wanted > 0 and c < tried + wanted:
                now = weights[0] * state.total[0] + weights[1] * state.total[1] + weights[2] * state.total[2]
                learn(0 if c < tried else 6, now - was, hints)
    return made
