from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from floorplan.formats.lefdef.def_polygon import bounding_box, complement, is_rectilinear, rectangles


def painted(rects: list[tuple[int, int, int, int]], size: int = 24) -> np.ndarray:
    """Return how often each unit square is covered."""
    out = np.zeros((size, size), int)
    for x0, y0, x1, y1 in rects:
        out[y0:y1, x0:x1] += 1
    return out


def test_l_shape() -> None:
    corners = [(0, 0), (4, 0), (4, 2), (2, 2), (2, 4), (0, 4)]
    assert rectangles(corners) == [(0, 0, 4, 2), (0, 2, 2, 4)]
    assert complement(corners) == [(2, 2, 4, 4)]
    assert rectangles([(3, 5), (1, 2)]) == [(1, 2, 3, 5)]
    assert complement([(3, 5), (1, 2)]) == []


def test_u_shape_has_two_arms_and_a_gap() -> None:
    corners = [(0, 0), (6, 0), (6, 4), (4, 4), (4, 1), (2, 1), (2, 4), (0, 4)]
    assert rectangles(corners) == [(0, 0, 6, 1), (0, 1, 2, 4), (4, 1, 6, 4)]
    assert complement(corners) == [(2, 1, 4, 4)]


def test_slanted_edges_are_noticed() -> None:
    assert is_rectilinear([(0, 0), (2, 0), (2, 2), (0, 2)])
    assert not is_rectilinear([(0, 0), (2, 0), (1, 2)])


@given(steps=st.lists(st.tuples(st.integers(1, 4), st.integers(0, 20)), min_size=1, max_size=6), low=st.integers(0, 5))
def test_skylines(steps: list[tuple[int, int]], low: int) -> None:
    """A skyline is drawn square by square; its rectangles cover it once, the complement the rest of its box once."""
    want = np.zeros((24, 24), int)
    corners = [(0, 0)]
    x = 0
    for width, height in steps:
        top = height + 1 if low < height else low + 1
        corners += [(x, top), (x + width, top)]
        want[:top, x : x + width] = 1
        x += width
    corners.append((x, 0))
    assert is_rectilinear(corners)
    assert np.array_equal(painted(rectangles(corners)), want)
    box = painted([bounding_box(corners)])
    assert np.array_equal(painted(complement(corners)), box - want)
