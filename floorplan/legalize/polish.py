"""Least movement for given relations by linear programming, and better relations from its answer."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from floorplan.legalize.frame import Frame
from floorplan.legalize.relations import before, first_relations, pruned, ranks

__all__ = ["least_movement", "polish"]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]


def polish(frame: Frame, at_um: F64, along_x: Bool | None, rounds: int) -> F64 | None:
    """Return centres (2, M) that keep all gaps, with less movement from the targets; None where that fails.

    Args:
        frame: what is moved.
        at_um: (2, M) centres that give the order along each axis; legal, unless `along_x` is given.
        along_x: relations to begin with, None for those of the legal centres.
        rounds: how often relations are chosen anew, while movement falls.
    """
    rank = ranks(at_um)
    at = at_um.copy()
    if along_x is not None:
        for axis in range(2):
            solved = least_movement(frame, rank, along_x, axis)
            if solved is None:
                return None
            at[axis] = solved
        if not frame.holds(at):
            return None
    best, movement = at, frame.movement_um(at)
    for _ in range(rounds):
        at = best.copy()
        for axis in range(2):
            # Relations of what stands now: the order along the other axis has just been renewed.
            solved = least_movement(frame, ranks(at), first_relations(frame, at), axis)
            if solved is not None:
                at[axis] = solved
        now = frame.movement_um(at)
        if not (now < movement * (1 - 1e-4) - 1e-6 and frame.holds(at)):
            break
        best, movement = at, now
    return best


def least_movement(frame: Frame, rank: I64, along_x: Bool, axis: int) -> F64 | None:
    """Return centres (M,) along one axis with the least sum of |movement| under the relations; None if infeasible.

    The program has two variables a macro, movement forward and backward, and one row for each pair that no other pairs
    imply. Its answer, good to 1e-7, is then pushed apart to full precision.
    """
    from scipy.optimize import linprog
    from scipy.sparse import coo_array

    n, m = frame.n, frame.size_um.shape[1]
    first = before(frame, rank, along_x, axis)
    low, high = frame.low_um[axis, :n].copy(), frame.high_um[axis, :n].copy()
    separation = frame.separation_um[axis]
    if m > n:
        still = frame.low_um[axis, n:]
        low = np.maximum(low, np.where(first[n:, :n], still[:, None] + separation[n:, :n], -np.inf).max(axis=0))
        high = np.minimum(high, np.where(first[:n, n:], still[None, :] - separation[:n, n:], np.inf).min(axis=1))
    if (low > high + frame.accept_um).any():
        return None
    high = np.maximum(low, high)
    start = np.clip(frame.target_um[axis, :n], low, high)
    i, j = np.nonzero(pruned(frame, first)[:n, :n])
    need = separation[i, j] - (start[j] - start[i])
    solution = np.zeros(2 * n)
    if len(i) and need.max() > 0:
        row = np.arange(len(i))
        one = np.ones(len(i))
        matrix = coo_array(
            (
                np.concatenate([one, -one, -one, one]),
                (np.tile(row, 4), np.concatenate([i, i + n, j, j + n])),
            ),
            shape=(len(i), 2 * n),
        ).tocsr()
        bounds = [(0.0, most) for most in np.concatenate([high - start, start - low]).tolist()]
        answer = linprog(  # type: ignore[call-overload]  # the stubs know dense matrices only
            np.ones(2 * n), A_ub=matrix, b_ub=-need, bounds=bounds, method="highs"
        )
        if answer.x is None or answer.status != 0:
            return None
        solution = answer.x
    out = frame.target_um[axis].copy()
    out[:n] = start + solution[:n] - solution[n:]
    if frame.limits is not None:
        # Whole pitches apart from each other and from what stands still, so is the answer: rounding sheds its error.
        out[:n] = frame.limits.ground.snapped_along(out[:n], axis)
    return _settled(frame, out, rank[axis], first, axis)


def _settled(frame: Frame, at: F64, rank: I64, first: Bool, axis: int) -> F64:
    """Return centres (M,) pushed apart where the program's tolerance left them too close."""
    from floorplan.legalize.kernels.paths import push_right

    order = np.argsort(rank, kind="stable")
    scratch = np.empty(len(order), np.int64)
    n = frame.n
    up = at.copy()
    up[:n] = np.maximum(up[:n], frame.low_um[axis, :n])
    push_right(order, first, frame.separation_um[axis], up, scratch)
    down = -up
    down[:n] = np.maximum(down[:n], -frame.high_um[axis, :n])
    down[n:] = -at[n:]
    back = frame.separation_back_um[axis]
    push_right(order[::-1].copy(), np.ascontiguousarray(first.T), back, down, scratch)
    out = -down
    out[n:] = at[n:]
    return out
