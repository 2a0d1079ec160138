"""Dollars: of a die with yield, of a chip with memory and system, and of a million tokens."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from floorplan.estimate.errors import EstimateError

__all__ = ["HOURS_PER_YEAR", "Prices", "die_usd", "dies_per_wafer", "negative_binomial_yield", "usd_per_mtoken"]

Money = float | npt.NDArray[np.float64]

HOURS_PER_YEAR = 8766.0


@dataclass(frozen=True)
class Prices:
    """What serving costs, nominal or (S,) draws; see `data/system.toml` for units and sources."""

    wafer_usd: Money
    wafer_diameter_mm: float
    defects_per_cm2: Money
    cluster: float
    memory_usd_per_gb: Money
    system_usd: Money
    life_years: float
    utilisation_frac: Money
    pue: float
    usd_per_kwh: Money


def dies_per_wafer(area_mm2: float, diameter_mm: float) -> float:
    """Return whole dies on a wafer: its area over the die's, less those that its edge cuts.

    Raises:
        EstimateError: not one fits.
    """
    if not area_mm2 > 0:
        raise EstimateError(f"a die of {area_mm2} mm2 has no price")
    count = math.pi * diameter_mm**2 / 4 / area_mm2 - math.pi * diameter_mm / math.sqrt(2 * area_mm2)
    if count < 1:
        raise EstimateError(f"a die of {area_mm2:.4g} mm2 does not fit on a wafer of {diameter_mm:g} mm")
    return count


def negative_binomial_yield(area_mm2: float, defects_per_cm2: Money, cluster: float) -> Money:
    """Return the share of good dies: (1 + A D0 / alpha)^-alpha."""
    return (1.0 + area_mm2 / 100.0 * defects_per_cm2 / cluster) ** -cluster


def die_usd(area_mm2: float, prices: Prices) -> Money:
    """Return what one good die costs."""
    good = negative_binomial_yield(area_mm2, prices.defects_per_cm2, prices.cluster)
    return prices.wafer_usd / (dies_per_wafer(area_mm2, prices.wafer_diameter_mm) * good)


def usd_per_mtoken(
    area_mm2: float, memory_bytes: float, power_w: Money, tokens_per_s: Money, chips: float, prices: Prices
) -> Money:
    """Return dollars per million output tokens: chips written off over their life, and electricity.

    Args:
        area_mm2: of one die.
        memory_bytes: beside one die.
        power_w: of all chips.
        tokens_per_s: of all chips.
        chips: how many.
        prices: of everything; memory is sold by 10^9 bytes.
    """
    chip = die_usd(area_mm2, prices) + memory_bytes / 1e9 * prices.memory_usd_per_gb + prices.system_usd
    hourly = chips * chip / (prices.life_years * HOURS_PER_YEAR * prices.utilisation_frac)
    hourly += power_w / 1000.0 * prices.pue * prices.usd_per_kwh
    return 1e6 * hourly / (3600.0 * tokens_per_s)
