"""Leakage of a die, and the temperature at which leakage and cooling balance."""

from __future__ import annotations

from floorplan.estimate.errors import ThermalRunawayError
from floorplan.estimate.kernels.chain import settle_temperature
from floorplan.estimate.technology import Node, system_constants

__all__ = ["leakage_at_reference_w", "settled_temperature_c"]


def leakage_at_reference_w(node: Node, area_um2: float) -> float:
    """Return the leakage of `area_um2` of macros at the reference temperature."""
    return node.constants["leakage"].value * area_um2 * 1e-6


def settled_temperature_c(power_w: float, leak_w: float, k_per_w: float) -> float:
    """Return the mean die temperature for a power and a leakage at the reference temperature.

    Raises:
        ThermalRunawayError: no temperature balances them.
    """
    c = system_constants()
    t: float = settle_temperature(
        power_w,
        leak_w,
        k_per_w,
        c["ambient"].value,
        c["leakage_reference"].value,
        c["leakage_doubling"].value,
    )
    if t == float("inf"):
        raise ThermalRunawayError(
            f"{power_w:.4g} W and {leak_w:.4g} W of leakage at {c['leakage_reference'].value:g} degC never settle "
            f"behind {k_per_w:.3g} K/W"
        )
    return t
