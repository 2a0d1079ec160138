"""Temperatures: conservation, symmetry, feedback, runaway; and HotSpot's example chip."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.estimate.errors import ThermalRunawayError
from floorplan.estimate.leakage import settled_temperature_c
from floorplan.estimate.thermal import ThermalGrid, raster


def test_the_mean_rise_is_power_times_resistance_whatever_the_layout() -> None:
    grid = ThermalGrid(20_000.0, 10_000.0, 16)
    rng = np.random.default_rng(3)
    for _ in range(3):
        power = rng.random((16, 16)) ** 4
        t = grid.temperature_c(power)
        assert t.mean() - grid.ambient_c == pytest.approx(power.sum() * grid.mean_k_per_w, rel=1e-9)
        assert t.min() > grid.ambient_c


def test_the_solution_mirrors_with_the_power_and_is_flat_for_even_power() -> None:
    grid = ThermalGrid(20_000.0, 20_000.0, 12)
    power = np.random.default_rng(1).random((12, 12))
    t = grid.temperature_c(power)
    assert grid.temperature_c(power[::-1]) == pytest.approx(t[::-1], rel=1e-12)
    assert grid.temperature_c(power.T) == pytest.approx(t.T, rel=1e-12)
    assert np.ptp(grid.temperature_c(np.full((12, 12), 0.1))) < 1e-9


@given(st.lists(st.tuples(*[st.floats(-50, 1050)] * 2, st.floats(0, 800), st.floats(0, 800)), min_size=1, max_size=6))
@settings(max_examples=40, deadline=None)
def test_rasters_lose_nothing(rectangles: list[tuple[float, float, float, float]]) -> None:
    r = np.array(rectangles)
    amount = 1.0 + np.arange(len(r))
    cells = raster(r[:, 0], r[:, 0] + r[:, 2], r[:, 1], r[:, 1] + r[:, 3], amount, 1000.0, 700.0, 9)
    assert cells.sum() == pytest.approx(amount.sum(), rel=1e-9)
    assert cells.min() >= 0


def test_a_raster_is_the_area_of_overlap() -> None:
    one = np.array([4.0])
    cells = raster(np.array([5.0]), np.array([25.0]), np.array([0.0]), np.array([10.0]), one, 40.0, 40.0, 4)
    assert cells[0].tolist() == pytest.approx([1.0, 2.0, 1.0, 0.0])
    assert cells[1:].sum() == 0


def test_settled_temperatures_solve_the_equation() -> None:
    t = settled_temperature_c(200.0, 15.0, 0.1)
    assert t == pytest.approx(45.0 + 0.1 * (200.0 + 15.0 * 2 ** ((t - 25.0) / 20.0)), abs=1e-9)
    assert settled_temperature_c(200.0, 0.0, 0.1) == pytest.approx(65.0)
    assert settled_temperature_c(0.0, 0.0, 0.1) == 45.0


def test_runaway_is_detected_exactly_where_no_solution_exists() -> None:
    # T' = k exp(a T') has one if a k <= 1/e; k = r L 2^((ambient + r P - t0) / 20).
    a, r, power = math.log(2) / 20, 0.1, 100.0
    most = 1 / (math.e * a) / (r * 2 ** ((45 + r * power - 25) / 20))
    assert settled_temperature_c(power, 0.999 * most, r) > 0
    for leak in (1.001 * most, 1e6, 1e300):
        with pytest.raises(ThermalRunawayError):
            settled_temperature_c(power, leak, r)


def test_the_map_runs_away_too_and_says_so() -> None:
    grid = ThermalGrid(10_000.0, 10_000.0, 8)
    power = np.full((8, 8), 1.0)
    t, leak = grid.settle_c(power, np.full((8, 8), 0.05), 25.0, 20.0)
    assert leak.sum() > 64 * 0.05
    assert t.mean() == pytest.approx(45 + grid.mean_k_per_w * (power.sum() + leak.sum()), abs=0.01)
    with pytest.raises(ThermalRunawayError, match="do not settle"):
        grid.settle_c(power, np.full((8, 8), 50.0), 25.0, 20.0)


def test_a_hotter_spot_is_where_the_power_is() -> None:
    grid = ThermalGrid(20_000.0, 20_000.0, 10)
    power = np.zeros((10, 10))
    power[7, 2] = 30.0
    assert np.unravel_index(int(grid.temperature_c(power).argmax()), (10, 10)) == (7, 2)
