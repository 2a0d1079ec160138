"""Moves of one node or several as a whole: proposed, made, or dropped."""

from __future__ import annotations

from numba import njit

from floorplan.cost.kernels.moves import (
    CONGESTION,
    DENSITY,
    WIRELENGTH,
    change_block,
    change_density,
    change_load,
    change_wirelength,
    congestion_now,
    density_now,
    restore_density,
    settle,
)

__all__ = ["commit_move", "propose_each", "propose_move", "rollback_move"]


@njit(cache=True, nogil=True)
def propose_move(nodes, x, y, orient, tables, state, after):  # type: ignore[no-untyped-def]  # numba infers
    """Write weighted wirelength (um), density and congestion after a move to after (3,).

    A single node stays where it is stored; of several, x, y, orient (M,) get their old places in exchange, and all of
    them are stored at the new ones, for `rollback_move` to take back.
    """
    state.used[1] = 0
    state.trial[:] = state.load
    wirelength = 0.0
    changed = False
    for n in range(len(nodes)):
        i = nodes[n]
        wirelength += change_wirelength(i, x[n], y[n], orient[n], tables, state)
        change_density(i, x[n], y[n], orient[n], tables, state)
        changed |= change_load(i, x[n], y[n], orient[n], tables, state)
        if len(nodes) > 1:
            x_was, y_was, o_was = state.x[i], state.y[i], state.orient[i]
            settle(i, x[n], y[n], orient[n], tables, state, True)
            x[n], y[n], orient[n] = x_was, y_was, o_was
    after[WIRELENGTH] = state.total[WIRELENGTH] + wirelength
    after[DENSITY] = density_now(tables, state)
    after[CONGESTION] = state.total[CONGESTION]
    if changed:
        for n in range(len(nodes)):
            if tables.node_kind[nodes[n]] == 0:
                change_block(nodes[n], x[n], y[n], orient[n], tables, state, 1.0 if len(nodes) == 1 else -1.0)
        after[CONGESTION] = congestion_now(tables, state)


@njit(cache=True, nogil=True)
def commit_move(nodes, x, y, orient, tables, state, after):  # type: ignore[no-untyped-def]  # numba infers
    """Make the move that `propose_move` left in hand; x, y, orient are read for a single node only."""
    if len(nodes) == 1:
        settle(nodes[0], x[0], y[0], orient[0], tables, state, True)
    state.load[:] = state.trial
    state.total[:3] = after
    state.used[1] = 0


@njit(cache=True, nogil=True)
def rollback_move(nodes, x, y, orient, tables, state):  # type: ignore[no-untyped-def]  # numba infers
    """Drop the move in hand; of several nodes, x, y, orient say where they were."""
    restore_density(state)
    if len(nodes) > 1:
        for n in range(len(nodes)):
            settle(nodes[n], x[n], y[n], orient[n], tables, state, True)


@njit(cache=True, nogil=True)
def propose_each(node, x, y, orient, tables, state, parts):  # type: ignore[no-untyped-def]  # numba infers
    """Write weighted wirelength (um), density and congestion with node (1,) at each of K places to parts (K, 3)."""
    for k in range(len(x)):
        propose_move(node, x[k : k + 1], y[k : k + 1], orient, tables, state, parts[k])
        restore_density(state)
