"""One node tried elsewhere, or two at each other's place: moved if the exact proxy stays within a limit."""

from __future__ import annotations

from numba import njit

from floorplan.cost.kernels.moves import (
    change_block,
    change_density,
    change_load,
    change_wirelength,
    congestion_now,
    density_now,
    restore_density,
    settle,
)
from floorplan.cost.kernels.propose import commit_move, propose_move, rollback_move
from floorplan.search.kernels.room import fits
from floorplan.search.kernels.ties import covered, near

__all__ = ["try_single", "try_swap"]


@njit(cache=True)
def try_single(i, x, y, o, limit, apart, weights, floors, tables, state):  # type: ignore[no-untyped-def]  # numba infers
    """Move node i if the proxy rises by no more than `limit`; return whether it moved.

    With `apart` not negative, the rise of wirelength and density must be within `limit` and that of congestion within
    `apart`: with limits drawn for each, annealing still samples the same distribution (delayed acceptance), and most
    refused moves are refused before congestion, the dear part, is computed.

    weights (3,) are those of wirelength in um, density and congestion; floors (3,) are values that no placement of
    the problem undercuts: once the parts known so far exceed the limit by more than the others could still fall, the
    rest need not be computed. What is decided is exact either way.
    """
    total = state.total
    slack = limit if apart >= 0.0 else limit + weights[2] * (total[2] - floors[2])
    um = change_wirelength(i, x, y, o, tables, state)
    if weights[0] * um > slack + weights[1] * (total[1] - floors[1]):
        return False
    state.used[1] = 0
    change_density(i, x, y, o, tables, state)
    density = density_now(tables, state)
    change = weights[0] * um + weights[1] * (density - total[1])
    if change > slack:
        restore_density(state)
        return False
    state.trial[:] = state.load
    congestion = total[2]
    rerouted = change_load(i, x, y, o, tables, state)
    if rerouted:
        if tables.node_kind[i] == 0:
            change_block(i, x, y, o, tables, state, 1.0)
        congestion = congestion_now(tables, state)
    jam = weights[2] * (congestion - total[2])
    if (jam > apart) if apart >= 0.0 else (change + jam > limit):
        restore_density(state)
        return False
    if rerouted:
        state.load[:] = state.trial
    settle(i, x, y, o, tables, state, True)
    total[0] += um
    total[1] = density
    total[2] = congestion
    return True


@njit(cache=True)
def try_swap(i, j, limit, weights, tables, state, room, pair):  # type: ignore[no-untyped-def]  # numba infers
    """Exchange the places of two hard macros if they fit and the proxy rises by no more than `limit`.

    pair is scratch: nodes (2,) int64, x, y (2,), orient (2,), parts after it (3,).
    """
    nodes, x, y, orient, after = pair
    a, b = room.slot[i], room.slot[j]
    xi, yi, xj, yj = state.x[i], state.y[i], state.x[j], state.y[j]
    # Where they go: each to the other's place, or as near to it as what binds them allows.
    to_xi, to_yi, to_xj, to_yj = xj, yj, xi, yi
    free = True
    if room.ties.on:
        to_xi, to_yi = near(a, xj, yj, room.ties)
        to_xj, to_yj = near(b, xi, yi, room.ties)
        was = covered(a, xi, yi, room.ties) + covered(b, xj, yj, room.ties)
        free = covered(a, to_xi, to_yi, room.ties) + covered(b, to_xj, to_yj, room.ties) <= was + 1e-9
    room.x[a], room.y[a], room.x[b], room.y[b] = to_xi, to_yi, to_xj, to_yj
    if free and fits(i, to_xi, to_yi, room) and fits(j, to_xj, to_yj, room):
        nodes[0], nodes[1] = i, j
        x[0], y[0], x[1], y[1] = to_xi, to_yi, to_xj, to_yj
        orient[0], orient[1] = state.orient[i], state.orient[j]
        propose_move(nodes, x, y, orient, tables, state, after)
        t = state.total
        change = weights[0] * (after[0] - t[0]) + weights[1] * (after[1] - t[1]) + weights[2] * (after[2] - t[2])
        if change <= limit:
            commit_move(nodes, x, y, orient, tables, state, after)
            return True
        rollback_move(nodes, x, y, orient, tables, state)
    room.x[a], room.y[a], room.x[b], room.y[b] = xi, yi, xj, yj
    return False
