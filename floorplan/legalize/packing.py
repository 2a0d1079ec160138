"""Packing macros one by one into the exact free space, in many orders: what helps where relations cannot be mended."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from floorplan.legalize.frame import Frame

__all__ = ["Packer"]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

NEAREST = (1.0, 0.0, 0.0, 0.0)

PATIENCE = 60
"""Changes of an order without gain before the search begins anew."""


class Packer:
    """Fills the free space of a frame; macros and free space are grown by half the gap, so that touching is enough.

    Attributes:
        frame: what is packed.
        most: the most macros that any order has placed so far.
        left_out: (n,) uint8, 1 for the macros that found no place in the last packing.
    """

    def __init__(self, frame: Frame) -> None:
        from floorplan.legalize.kernels.freespace import cut

        self.frame = frame
        self.most = 0
        n = frame.n
        sides = _sides(frame)
        # A macro with unequal halos is not in the middle of what it takes.
        self._off = (sides[2:] - sides[:2])[:, :n] / 2
        if frame.limits is None:
            self.size = frame.size_um[:, :n] + frame.gap_um
            self.target = np.ascontiguousarray(frame.target_um[:, :n])
            inward = outward = frame.gap_um / 2
        else:
            self.size = frame.size_um[:, :n] + (sides[:2] + sides[2:])[:, :n]
            self.target = frame.target_um[:, :n] + self._off
            # What is not a macro keeps no halo away: free space reaches so far that no macro is kept out in vain at the
            # canvas edge, where its own ground ends, and into blockages as far as is safe for all.
            outward, inward = float(sides[:, :n].max(initial=0.0)), float(sides[:, :n].min(initial=0.0))
        self._ground = _shifted(frame, self._off)
        lower, upper = frame.inner_um[0] - outward, frame.inner_um[1] + outward
        count = frame.size_um.shape[1] - (frame.limits.fences if frame.limits else 0)
        self.rows = 64 * (frame.size_um.shape[1] + 16)
        free = np.empty((self.rows, 4))
        free[0] = [*lower, *upper]
        found = 1
        for k in range(n, count):
            half = frame.size_um[:, k] / 2
            extra = sides[:, k] if k < n + frame.num_fixed else np.full(4, frame.blockage_gap_um - inward)
            at = frame.target_um[:, k]
            low, high = at - np.maximum(half + extra[:2], 1e-6), at + np.maximum(half + extra[2:], 1e-6)
            found = max(0, cut(free, found, *low, *high))
        self.free, self.count = free, found
        self._work = np.empty_like(free)
        self.left_out = np.zeros(n, np.uint8)

    def pack(self, order: I64, weight: tuple[float, float, float, float]) -> tuple[int, F64]:
        """Return how many macros of the order (n,) found a place, and centres (2, M); see `kernels.freespace.fill`."""
        from floorplan.legalize.kernels.freespace import fill_ground

        n = self.frame.n
        self._work[: self.count] = self.free[: self.count]
        at = self.frame.target_um.copy()
        macros = self.size, self.target, np.array(weight), self._work, self.count, at, self.left_out
        placed = int(fill_ground(order, *macros, *self._ground))
        at[:, :n] -= self._off
        self.most = max(self.most, placed)
        return placed, at

    def reinsert(self, at_um: F64, draws: F64) -> F64:
        """Return centres (2, M) improved from legal ones by one try for each row of draws (T, 3); see the kernel."""
        from floorplan.legalize.kernels.reinsert import reinsert

        frame, n = self.frame, self.frame.n
        at = np.ascontiguousarray(at_um[:, :n] + self._off)
        wanted = frame.nearest(frame.target_um)[:, :n] + self._off
        chosen, distance = np.empty(n, np.int64), np.empty(n)
        macros = self.size, self.target, wanted
        scratch = self._work, at, np.empty_like(at), chosen, distance, self.left_out
        reinsert(draws, np.array(NEAREST), *macros, self.free, self.count, *scratch, *self._ground)
        out = at_um.copy()
        out[:, :n] = at - self._off
        return out

    def near(self) -> Iterator[F64]:
        """Yield packings made of nearest free spots, in a few orders."""
        w, h = self.size
        outside = np.abs(np.clip(self.frame.target_um, self.frame.low_um, self.frame.high_um) - self.frame.target_um)
        tried: set[tuple[int, ...]] = set()
        for key in (-(w * h), outside[:, : self.frame.n].sum(axis=0), -np.maximum(w, h), -(w + h)):
            order = np.argsort(key, kind="stable")
            if tuple(order.tolist()) in tried:
                continue
            tried.add(tuple(order.tolist()))
            placed, at = self.pack(order, NEAREST)
            if placed == self.frame.n:
                yield at

    def tight(self, tries: int, seed: int) -> F64 | None:
        """Return centres (2, M) of a packing made of corner spots; None where none of `tries` orders fits.

        A search over orders for the one that leaves out the least area: from large to small by several measures, shaken
        at random; then macros left out move forward, or two change places, and what is no worse is kept.
        """
        rng = np.random.default_rng(seed)
        n = self.frame.n
        w, h = self.size
        area = w * h
        extent = float((self.frame.inner_um[1] - self.frame.inner_um[0]).max())
        keys = (area, np.maximum(w, h) ** 2, (w + h) ** 2, w * w, h * h)
        done = 0
        while done < tries:
            key = keys[int(rng.integers(len(keys)))]
            noise = float(rng.choice([0.0, 0.1, 0.3, 1.0]))
            order = np.argsort(-np.log(key) + noise * rng.standard_normal(n), kind="stable")
            weight = self._weight(rng, extent)
            kept, least = order, np.inf
            stale = 0
            while stale < PATIENCE and done < tries:
                placed, at = self.pack(order, weight)
                done += 1
                if placed == n:
                    return at
                out = float(area @ self.left_out)
                stale = 0 if out < least else stale + 1
                if out <= least:
                    kept, least = order, out
                    missing = np.flatnonzero(self.left_out)
                order = self._moved(kept, missing, rng)
        return None

    @staticmethod
    def _moved(order: I64, missing: I64, rng: np.random.Generator) -> I64:
        """Return a copy of the order with a missing macro moved forward, or two macros in each other's place."""
        new = order.copy()
        if rng.random() < 0.5:
            i, j = rng.integers(len(order), size=2)
            new[i], new[j] = order[j], order[i]
            return new
        who = int(rng.choice(missing))
        at = int(np.argmax(order == who))
        to = int(rng.integers(at + 1))
        new[to + 1 : at + 1] = order[to:at]
        new[to] = who
        return new

    @staticmethod
    def _weight(rng: np.random.Generator, extent: float) -> tuple[float, float, float, float]:
        kind = int(rng.integers(5))
        if kind == 0:
            return (1e-6, 1.0, 0.0, 0.0)
        if kind == 1:
            return (0.0, 0.0, 1.0, 1e-3)
        if kind == 2:
            return (0.0, 0.0, 1e-3, 1.0)
        if kind == 3:
            return (float(rng.uniform(0, 0.3)), 1.0, 0.0, 0.0)
        angle = rng.uniform(0, 2 * np.pi)
        return (0.0, float(rng.uniform(0, 1)) * 1e-3 * extent, float(np.sin(angle)), float(np.cos(angle)))


def _sides(frame: Frame) -> F64:
    """Return (4, M) how far rectangles are grown to the left, below, right and above, so that touching is enough.

    With halos that may be more than is needed, if one of two macros asks for more than half the spacing and the other
    for less.
    """
    out = np.full((4, frame.size_um.shape[1]), frame.gap_um / 2)
    if frame.limits is not None:
        halo = np.concatenate([frame.limits.before_um, frame.limits.behind_um])
        out = np.where(halo > 0, np.maximum(out, halo + frame.limits.slack_um), out)
    return out


def _shifted(frame: Frame, off_um: F64) -> tuple[npt.NDArray[np.int32], F64, F64, F64]:
    """Return the macros' ground as `fill_ground` takes it, for centres moved by off_um (2, n)."""
    if frame.limits is None:
        return np.empty(0, np.int32), np.empty((0, 4)), np.zeros(2), np.empty((0, 4))
    ground = frame.limits.ground
    off = np.repeat(off_um.T, np.diff(ground.ptr), axis=0)
    return ground.ptr, ground.rect + np.concatenate([off, off], axis=1), ground.pitch, ground.phase + off_um
