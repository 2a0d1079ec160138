"""Less movement from a legal placement than its relations allow: macros trade places or are put back elsewhere."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from floorplan.legalize.frame import Frame
from floorplan.legalize.packing import Packer
from floorplan.legalize.polish import polish

__all__ = ["improved", "matched"]

F64 = npt.NDArray[np.float64]

STALE = 1e-3
"""A round that saves less than this share of the movement has saved next to nothing."""


def improved(frame: Frame, packer: Packer, at_um: F64, *, rounds: int, tries: int, seed: int) -> F64:
    """Return centres (2, M) with no more movement than the legal ones given.

    Each of `rounds` rounds lets macros of one size trade places, makes `tries` attempts to put a few macros back
    nearer to their targets, and ends with `polish`; two rounds in a row that save next to nothing end it.
    """
    rng = np.random.default_rng(seed)
    best, movement = at_um, frame.movement_um(at_um)
    least = frame.movement_um(frame.nearest(frame.target_um))
    stale = 0
    for _ in range(rounds):
        if movement <= least + 1e-6 or stale == 2:
            break
        at = packer.reinsert(matched(frame, best), rng.random((tries, 3)))
        here = frame.bound_at(at)
        polished = polish(here, at, None, 2) if here.holds(at) else None
        now = np.inf if polished is None else frame.movement_um(polished)
        stale = 0 if now < movement * (1 - STALE) else stale + 1
        if polished is not None and now < movement and here.holds(polished):
            best, movement = polished, now
    return best


def matched(frame: Frame, at_um: F64) -> F64:
    """Return centres (2, M) in which macros alike stand on the same places, shared out with least movement."""
    from scipy.optimize import linear_sum_assignment

    at = at_um.copy()
    n = frame.n
    kind = frame.size_um[:, :n]
    if frame.limits is not None:
        # Only macros that are bound alike may trade.
        here, x = frame.bound_at(at_um), frame.limits
        kind = np.concatenate([kind, here.low_um[:, :n], here.high_um[:, :n], x.before_um[:, :n], x.behind_um[:, :n]])
        kind = np.concatenate([kind, x.home[None, :n]])
    _, group = np.unique(kind, axis=1, return_inverse=True)
    group = group.reshape(-1)
    for g in np.flatnonzero(np.bincount(group) > 1):
        who = np.flatnonzero(group == g)
        cost = np.abs(frame.target_um[:, who, None] - at_um[:, None, who]).sum(axis=0)
        rows, places = linear_sum_assignment(cost)
        # Ties must not shuffle macros that stand well.
        if cost[rows, places].sum() < np.trace(cost) - 1e-9:
            at[:, who[rows]] = at_um[:, who[places]]
    return at
