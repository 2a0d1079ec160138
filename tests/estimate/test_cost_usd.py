"""Dollars: yield, dies on a wafer, and a sum that can be checked by hand."""

from __future__ import annotations

import math

import pytest

from floorplan.estimate import EstimateError
from floorplan.estimate.cost_usd import Prices, die_usd, dies_per_wafer, negative_binomial_yield, usd_per_mtoken

PRICES = Prices(10_000.0, 300.0, 0.1, 3.0, 12.0, 4000.0, 4.0, 0.5, 1.2, 0.10)


def test_yield_falls_with_area_from_one() -> None:
    assert negative_binomial_yield(0.0, 0.1, 3.0) == 1.0
    assert negative_binomial_yield(800.0, 0.1, 3.0) == pytest.approx((1 + 0.8 / 3) ** -3)
    # Poisson is the limit of even defects.
    assert negative_binomial_yield(800.0, 0.1, 1e9) == pytest.approx(math.exp(-0.8), rel=1e-6)


def test_dies_per_wafer_and_dies_too_large() -> None:
    assert dies_per_wafer(100.0, 300.0) == pytest.approx(math.pi * 22500 / 100 - math.pi * 300 / math.sqrt(200))
    for bad in (0.0, 60_000.0):
        with pytest.raises(EstimateError):
            dies_per_wafer(bad, 300.0)


def test_a_million_tokens_by_hand() -> None:
    die = 10_000.0 / (dies_per_wafer(100.0, 300.0) * negative_binomial_yield(100.0, 0.1, 3.0))
    assert die_usd(100.0, PRICES) == pytest.approx(die)
    hourly = 2 * (die + 80 * 12 + 4000) / (4 * 8766 * 0.5) + 1.0 * 1.2 * 0.10
    got = usd_per_mtoken(100.0, 80e9, 1000.0, 500.0, 2, PRICES)
    assert got == pytest.approx(hourly / (500 * 3600) * 1e6)
    # 80 GiB are not 80 GB.
    assert usd_per_mtoken(100.0, 80 * 2**30, 1000.0, 500.0, 2, PRICES) > got
