"""Kernels against slow twins."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.legalize.kernels.freespace import cut, fill
from floorplan.legalize.kernels.paths import mark_implied, push_right

Box = tuple[float, float, float, float]


def maximal_empty(size: int, cuts: list[Box]) -> set[Box]:
    """Return the maximal empty rectangles of a canvas of `size` x `size` with whole-numbered cuts, by trying all."""
    full = np.zeros((size, size), np.bool_)
    for x0, y0, x1, y1 in cuts:
        full[int(x0) : int(x1), int(y0) : int(y1)] = True
    spans = [(a, b) for a in range(size) for b in range(a + 1, size + 1)]
    empty = [(x0, y0, x1, y1) for x0, x1 in spans for y0, y1 in spans if not full[x0:x1, y0:y1].any()]
    return {
        r
        for r in empty
        if not any(q != r and q[0] <= r[0] and q[1] <= r[1] and q[2] >= r[2] and q[3] >= r[3] for q in empty)
    }


boxes = st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(1, 4), st.integers(1, 4)).map(
    lambda b: (float(b[0]), float(b[1]), float(min(b[0] + b[2], 7)), float(min(b[1] + b[3], 7)))
)


@settings(max_examples=60, deadline=None)
@given(st.lists(boxes, max_size=6))
def test_cuts_leave_exactly_the_maximal_empty_rectangles(cuts: list[Box]) -> None:
    free = np.zeros((200, 4))
    free[0] = [0, 0, 7, 7]
    count = 1
    for box in cuts:
        count = cut(free, count, *box)
    found = [tuple(r) for r in free[:count].tolist()]
    assert len(found) == len(set(found))
    assert set(found) == maximal_empty(7, cuts)


def test_a_full_table_of_rectangles_is_reported() -> None:
    free = np.zeros((3, 4))
    free[0] = [0, 0, 7, 7]
    assert cut(free, 1, 2.0, 2.0, 3.0, 3.0) == -1


@settings(max_examples=40, deadline=None)
@given(st.lists(boxes, max_size=5), st.integers(1, 3), st.integers(1, 3), st.integers(-2, 9), st.integers(-2, 9))
def test_a_macro_goes_to_the_nearest_free_spot(cuts: list[Box], w: int, h: int, tx: int, ty: int) -> None:
    free = np.zeros((400, 4))
    free[0] = [0, 0, 7, 7]
    count = 1
    for box in cuts:
        count = cut(free, count, *box)
    at = np.zeros((2, 1))
    target = np.array([[float(tx)], [float(ty)]])
    left_out = np.zeros(1, np.uint8)
    placed = fill(
        np.array([0]), np.array([[w], [h]], float), target, np.array([1.0, 0, 0, 0]), free, count, at, left_out
    )
    # Edges of all that stands are whole, so a nearest spot is on half-numbers.
    steps = np.arange(0, 7.5, 0.5)
    spots = [
        abs(x - tx) + abs(y - ty)
        for x, y in itertools.product(steps, steps)
        if w / 2 <= x <= 7 - w / 2
        and h / 2 <= y <= 7 - h / 2
        and all(x + w / 2 <= a or x - w / 2 >= c or y + h / 2 <= b or y - h / 2 >= d for a, b, c, d in cuts)
    ]
    assert placed == (1 if spots else 0)
    assert left_out[0] == 1 - placed
    if spots:
        assert float(np.abs(at - target).sum()) == min(spots)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 9))
def test_pushing_gives_the_least_positions(seed: int, m: int) -> None:
    rng = np.random.default_rng(seed)
    before: npt.NDArray[np.bool_] = np.triu(rng.random((m, m)) < 0.4, 1)
    separation = rng.uniform(1, 5, (m, m))
    start = rng.uniform(0, 5, m)
    at, pusher = start.copy(), np.empty(m, np.int64)
    push_right(np.arange(m), before, separation, at, pusher)
    slow = start.copy()
    for _ in range(m):
        for i, j in zip(*np.nonzero(before), strict=True):
            slow[j] = max(slow[j], slow[i] + separation[i, j])
    np.testing.assert_allclose(at, slow)
    for j in range(m):
        assert at[j] == (start[j] if pusher[j] < 0 else at[pusher[j]] + separation[pusher[j], j])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 9))
def test_implied_pairs_are_those_with_a_movable_one_between(seed: int, m: int) -> None:
    rng = np.random.default_rng(seed)
    first: npt.NDArray[np.bool_] = np.triu(rng.random((m, m)) < 0.5, 1)
    n = int(rng.integers(0, m + 1))
    implied = np.zeros((m, m), np.bool_)
    mark_implied(first, n, implied)
    slow = [[any(first[i, k] and first[k, j] for k in range(n)) for j in range(m)] for i in range(m)]
    assert implied.tolist() == slow
