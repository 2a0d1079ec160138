"""Who stands left of whom, and who below: the constraint graph of a placement, and how to make it fit the canvas."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from floorplan.legalize.frame import Frame

__all__ = ["before", "first_relations", "fitting_relations", "pruned", "ranks"]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

FIT_UM = 1e-9
"""Longest paths may exceed the canvas by this: the rounding of sums."""


def ranks(at_um: F64) -> I64:
    """Return (2, M): each rectangle's rank by its centre along each axis; ties go by number."""
    out = np.empty(at_um.shape, np.int64)
    for axis in range(2):
        out[axis, np.argsort(at_um[axis], kind="stable")] = np.arange(at_um.shape[1])
    return out


def before(frame: Frame, rank: I64, along_x: Bool, axis: int) -> Bool:
    """Return (M, M): whether i must lie wholly before j along the axis, by rank, if along_x (M, M) chose that axis."""
    chosen = along_x if axis == 0 else ~along_x
    out: Bool = chosen & frame.pairs & (rank[axis][:, None] < rank[axis][None, :])
    return out


def first_relations(frame: Frame, at_um: F64) -> Bool:
    """Return (M, M): True where a pair at centres (2, M) is more easily kept apart along x than along y.

    A pair that has room along both axes takes the one along which its targets have more room; others the one along
    which they have to move less.
    """
    need = frame.needed_um(at_um)
    room = np.abs(at_um[:, :, None] - at_um[:, None, :]) - need
    sign = np.sign(at_um[:, None, :] - at_um[:, :, None])
    wanted = sign * (frame.target_um[:, None, :] - frame.target_um[:, :, None]) - need
    both = (room >= -frame.accept_um).all(axis=0)
    out: Bool = np.where(both, wanted[0] >= wanted[1], room[0] >= room[1])
    return out


def pruned(frame: Frame, first: Bool) -> Bool:
    """Return the pairs of first (M, M) that no path over a movable macro implies."""
    from floorplan.legalize.kernels.paths import mark_implied

    implied = np.zeros(first.shape, np.bool_)
    mark_implied(first, frame.n, implied)
    out: Bool = first & ~implied
    return out


class _Paths:
    """Least and greatest positions along one axis that a constraint graph allows, with the chains that force them."""

    def __init__(self, frame: Frame, rank: I64, along_x: Bool, axis: int) -> None:
        self.first = before(frame, rank, along_x, axis)
        self._order = np.argsort(rank[axis], kind="stable")
        self._low, self._high = frame.low_um[axis], frame.high_um[axis]
        self._separation, self._back = frame.separation_um[axis], frame.separation_back_um[axis]
        self._pusher = np.empty(len(self._order), np.int64)
        self._puller = np.empty(len(self._order), np.int64)
        self.update()

    def update(self) -> None:
        """Compute the positions anew from the relations in `first` (M, M)."""
        from floorplan.legalize.kernels.paths import push_right

        self.least = self._low.copy()
        push_right(self._order, self.first, self._separation, self.least, self._pusher)
        mirrored = -self._high
        push_right(self._order[::-1].copy(), np.ascontiguousarray(self.first.T), self._back, mirrored, self._puller)
        self.greatest = -mirrored
        self.excess = self.least - self.greatest

    def chain(self) -> list[tuple[int, int]]:
        """Return the pairs (before, after) that press from both sides on the node with the least room."""
        node = int(np.argmax(self.excess))
        out: list[tuple[int, int]] = []
        at = node
        while self._pusher[at] >= 0:
            out.append((int(self._pusher[at]), at))
            at = int(self._pusher[at])
        at = node
        while self._puller[at] >= 0:
            out.append((at, int(self._puller[at])))
            at = int(self._puller[at])
        return out


def fitting_relations(frame: Frame, at_um: F64, max_switches: int) -> Bool | None:
    """Return relations (M, M), as `first_relations` does, whose longest paths fit the canvas; None where none is found.

    While a chain is too long for the canvas, the pair of it that costs the least movement the other way is turned, if
    the other axis has room for it. Each pair is turned once at most.
    """
    along_x = first_relations(frame, at_um)
    rank = ranks(at_um)
    paths = [_Paths(frame, rank, along_x, axis) for axis in range(2)]
    turned = np.zeros(along_x.shape, np.bool_)
    for _ in range(max_switches):
        axis = int(paths[0].excess.max(initial=-1.0) < paths[1].excess.max(initial=-1.0))
        if paths[axis].excess.max(initial=-1.0) <= frame.accept_um:
            return along_x
        other = 1 - axis
        space = paths[other]
        best, least_cost = (-1, -1), np.inf
        for i, j in paths[axis].chain():
            if turned[i, j]:
                continue
            a, b = (i, j) if rank[other][i] < rank[other][j] else (j, i)
            gap = frame.separation_um[other, a, b]
            cost = float(gap - (at_um[other, b] - at_um[other, a]))
            if space.least[a] + gap <= space.greatest[b] + FIT_UM and cost < least_cost:
                best, least_cost = (a, b), cost
        a, b = best
        if a < 0:
            return None
        turned[a, b] = turned[b, a] = True
        along_x[a, b] = along_x[b, a] = axis == 1
        paths[axis].first[a, b] = paths[axis].first[b, a] = False
        space.first[a, b] = True
        for p in paths:
            p.update()
    return None
