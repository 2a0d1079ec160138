"""One node tried elsewhere: moved if the exact proxy stays within a limit."""

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
from floorplan.search.kernels.room import fits

__all__ = ["try_hard", "try_single"]


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
def try_hard(i, x, y, limit, apart, weights, floors, tables, state, room):  # type: ignore[no-untyped-def]  # numba infers
    """Do as `try_single` with hard macro i, if it fits at (x, y)."""
    if not fits(i, x, y, room):
        return False
    moved = try_single(i, x, y, state.orient[i], limit, apart, weights, floors, tables, state)
    if moved:
        room.x[room.slot[i]] = x
        room.y[room.slot[i]] = y
    return moved
