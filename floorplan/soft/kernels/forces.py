"""Force-directed steps: springs pull, overlapping macros push each other apart, nobody moves far in one step."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["attract", "move", "prepare", "repel", "run_range"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]


@njit(cache=True)
def attract(pair_a: I32, pair_b: I32, pair_k: F64, hold: F64, pull: F64, factor: float, at: F64, force: F64) -> None:
    """Add to force (S,) along one axis what springs pull: factor * strength * distance.

    hold (S,) sums the strengths of the springs to what stands still, pull (S,) strength times position.
    """
    for s in range(len(force)):
        force[s] += factor * (pull[s] - hold[s] * at[s])
    for i in range(len(pair_a)):
        a, b = pair_a[i], pair_b[i]
        f = factor * pair_k[i] * (at[b] - at[a])
        force[a] += f
        force[b] -= f


@njit(cache=True)
def _sort_by_left(x: F64, w: F64, rank: I32) -> None:
    """Sort the macros in rank by left edge; quick where few have changed places."""
    for i in range(1, len(rank)):
        a = rank[i]
        left = x[a] - w[a] / 2
        j = i - 1
        while j >= 0 and x[rank[j]] - w[rank[j]] / 2 > left:
            rank[j + 1] = rank[j]
            j -= 1
        rank[j + 1] = a


@njit(cache=True)
def _gather(x: F64, y: F64, w: F64, h: F64, rank: I32, box: F64) -> None:
    """Write left, right, y and half height of the macros in rank to box (4, n): neighbours in rank lie side by side."""
    for i in range(len(rank)):
        a = rank[i]
        box[0, i] = x[a] - w[a] / 2
        box[1, i] = x[a] + w[a] / 2
        box[2, i] = y[a]
        box[3, i] = h[a] / 2


@njit(cache=True)
def _unit(dx: float, dy: float, first: bool) -> tuple[float, float]:
    """Return the direction (dx, dy); of two macros in the same place, the first goes down and left."""
    distance = math.sqrt(dx * dx + dy * dy)
    if distance > 0.0:
        return dx / distance, dy / distance
    return (-1.0, -1.0) if first else (1.0, 1.0)


@njit(cache=True)
def repel(x: F64, y: F64, w: F64, h: F64, soft: int, rank: I32, box: F64, strength: float, fx: F64, fy: F64) -> None:
    """Add to fx, fy (S,) a push of the given strength between overlapping macros, along the line through their centres.

    Macros 0..soft-1 are pushed, the others only push. rank[:soft] holds the soft ones in the order by left edge of the
    step before and is brought up to date; rank[soft:] the others, sorted once. box (4, n) is scratch.
    """
    movers, others = rank[:soft], rank[soft:]
    _sort_by_left(x, w, movers)
    _gather(x, y, w, h, movers, box)
    for i in range(soft):
        a = movers[i]
        right, y_a, half = box[1, i], box[2, i], box[3, i]
        for j in range(i + 1, soft):
            if box[0, j] >= right:
                break
            if abs(y_a - box[2, j]) < half + box[3, j]:
                b = movers[j]
                ux, uy = _unit(x[a] - x[b], y[a] - y[b], a < b)
                fx[a] += ux * strength
                fy[a] += uy * strength
                fx[b] -= ux * strength
                fy[b] -= uy * strength
    widest = 0.0
    for j in range(len(others)):
        widest = max(widest, w[others[j]])
    n = soft + len(others)
    start = soft
    for i in range(soft):
        a = movers[i]
        left, right, y_a, half = box[0, i], box[1, i], box[2, i], box[3, i]
        while start < n and box[0, start] <= left - widest:
            start += 1
        for j in range(start, n):
            if box[0, j] >= right:
                break
            if box[1, j] > left and abs(y_a - box[2, j]) < half + box[3, j]:
                b = others[j - soft]
                ux, uy = _unit(x[a] - x[b], y[a] - y[b], True)
                fx[a] += ux * strength
                fy[a] += uy * strength


@njit(cache=True)
def prepare(x: F64, y: F64, w: F64, h: F64, soft: int, rank: I32, box: F64) -> None:
    """Fill rank and the part of box that stays for `repel`."""
    for i in range(len(rank)):
        rank[i] = i
    _sort_by_left(x, w, rank[soft:])
    _gather(x, y, w, h, rank[soft:], box[:, soft:])


@njit(cache=True)
def move(x: F64, y: F64, w: F64, h: F64, fx: F64, fy: F64, limit: float, width_um: float, height_um: float) -> None:
    """Move each macro by its force over the largest of all, times limit; moves that leave the canvas are left out."""
    top_x = top_y = 0.0
    for s in range(len(fx)):
        top_x, top_y = max(top_x, abs(fx[s])), max(top_y, abs(fy[s]))
    scale_x = limit / top_x if top_x > 0 else 0.0
    scale_y = limit / top_y if top_y > 0 else 0.0
    for s in range(len(fx)):
        nx, ny = x[s] + fx[s] * scale_x, y[s] + fy[s] * scale_y
        if nx - w[s] / 2 >= 0 and ny - h[s] / 2 >= 0 and nx + w[s] / 2 <= width_um and ny + h[s] / 2 <= height_um:
            x[s], y[s] = nx, ny


@njit(cache=True)
def _run(springs, hold, pull_x, pull_y, schedule, width_um, height_um, x, y, w, h, rank, box, fx, fy):  # type: ignore[no-untyped-def]  # numba infers
    """Run a schedule of (steps, attraction, repulsion, largest move in um) on x, y (S + K,), the first S soft."""
    soft = len(fx)
    for s in range(soft):
        x[s], y[s] = width_um / 2, height_um / 2
    prepare(x, y, w, h, soft, rank, box)
    for phase in range(len(schedule)):
        steps, attraction, repulsion, limit = schedule[phase]
        for _ in range(int(steps)):
            fx[:] = 0.0
            fy[:] = 0.0
            # A force below a ten-thousandth of the other one is not worth computing.
            if attraction > 1e-4 * repulsion:
                attract(springs.pair_a, springs.pair_b, springs.pair_k, hold, pull_x, attraction, x, fx)
                attract(springs.pair_a, springs.pair_b, springs.pair_k, hold, pull_y, attraction, y, fy)
            if repulsion > 1e-4 * attraction:
                repel(x, y, w, h, soft, rank, box, repulsion * limit, fx, fy)
            move(x, y, w, h, fx, fy, limit, width_um, height_um)


@njit(cache=True, nogil=True)
def run_range(  # type: ignore[no-untyped-def]  # numba infers
    lane, begin, end, springs, hold, pull_x, pull_y, schedule, width_um, height_um, x, y, w, h, lanes
):
    """Run the schedule on rows begin..end - 1 of x, y, w, h (B, S + K); pull_x, pull_y (B, S); lanes are scratch."""
    fx, fy, rank, box = lanes
    for b in range(begin, end):
        _run(
            springs, hold, pull_x[b], pull_y[b], schedule, width_um, height_um, x[b], y[b], w[b], h[b],
            rank[lane], box[lane], fx[lane], fy[lane],
        )  # fmt: skip
