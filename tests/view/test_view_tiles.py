"""Tiles show what is covered, wherever it is, and what is in sight is found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.view.tiles import MAX_LEVEL, TILE_PIXELS, CellTiles

SIDE = 256.0


def cells(n: int, seed: int, largest: float) -> CellTiles:
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-10, SIDE + 10, (2, n))
    w, h = rng.uniform(0.1, largest, (2, n))
    return CellTiles(np.arange(n, dtype=np.int32), x, y, w, h, SIDE)


def covered(t: CellTiles, left: float, bottom: float, side: float) -> np.ndarray:
    """The same picture, one rectangle and one axis at a time."""
    edges = np.linspace(0, side, TILE_PIXELS + 1)
    out = np.zeros((TILE_PIXELS, TILE_PIXELS))
    for x0, y0, x1, y1 in zip(t.x0 - left, t.y0 - bottom, t.x1 - left, t.y1 - bottom, strict=True):
        wide = np.clip(np.minimum(x1, edges[1:]) - np.maximum(x0, edges[:-1]), 0, None)
        high = np.clip(np.minimum(y1, edges[1:]) - np.maximum(y0, edges[:-1]), 0, None)
        out += np.outer(high, wide)
    return np.minimum(out[::-1] / (side / TILE_PIXELS) ** 2, 1.0) * 255.0


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 1500), st.sampled_from([1.0, 20.0, 200.0]), st.integers(0, 5))
def test_a_tile_is_the_share_of_each_pixel_that_is_covered(seed: int, n: int, largest: float, level: int) -> None:
    t = cells(n, seed, largest)
    at = np.random.default_rng(seed).integers(0, 1 << level, 2)
    side = SIDE / (1 << level)
    want = covered(t, float(at[0]) * side, float(at[1]) * side, side)
    got = t.tile(level, int(at[0]), int(at[1]))
    assert got.shape == (TILE_PIXELS, TILE_PIXELS)
    assert np.abs(got.astype(float) - want).max() <= 1.5


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 1500), st.sampled_from([1.0, 20.0, 200.0]), st.integers(0, 400))
def test_what_meets_a_box_is_found_or_said_to_be_too_much(seed: int, n: int, largest: float, limit: int) -> None:
    t = cells(n, seed, largest)
    x, y = np.sort(np.random.default_rng(seed + 1).uniform(-50, SIDE + 50, (2, 2)), axis=1)
    want = np.flatnonzero((t.x1 >= x[0]) & (t.x0 <= x[1]) & (t.y1 >= y[0]) & (t.y0 <= y[1]))
    got = t.within(x[0], y[0], x[1], y[1], limit)
    if len(want) > limit:
        assert got is None
    else:
        assert got is not None
        assert sorted(got.tolist()) == want.tolist()


@pytest.mark.parametrize("at", [(-1, 0, 0), (0, 1, 0), (0, 0, -1), (1, 2, 0), (MAX_LEVEL + 1, 0, 0)])
def test_there_is_no_tile_off_the_canvas(at: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="no tile"):
        cells(3, 0, 1.0).tile(*at)
