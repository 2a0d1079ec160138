"""What a wire costs: energy per bit and metre, delay per metre, by node and layer.

Energies are per RANDOM bit: a bit toggles the wire half of the time, and a toggle costs C V^2 / 2. Repeaters are in the
factor `repeater_factor` and nowhere else.
"""

from __future__ import annotations

import math

from floorplan.errors import ProblemError
from floorplan.estimate.quantity import Constant
from floorplan.estimate.technology import Node, combined_spread, system_constants

__all__ = ["delay_per_m", "energy_per_bit_m", "per_random_bit", "per_toggle"]


def per_toggle(c_f_per_m: float, vdd_v: float) -> float:
    """Return the energy of one transition of a bare wire in J/m: C V^2 / 2."""
    return 0.5 * c_f_per_m * vdd_v**2


def per_random_bit(value: float, convention: str, toggle_rate: float = 0.5) -> float:
    """Return a published wire energy per random bit.

    Args:
        value: energy per bit and length, any unit.
        convention: `toggle` (per transition) or `random_bit`.
        toggle_rate: transitions per bit.

    Raises:
        ProblemError: the convention is neither; a figure without one is off by two.
    """
    if convention not in ("toggle", "random_bit"):
        raise ProblemError(f"wire energies are per toggle or per random_bit, got {convention!r}")
    return value * toggle_rate if convention == "toggle" else value


def energy_per_bit_m(node: Node, layer: str | None = None) -> Constant:
    """Return the energy of a random bit on a repeated wire, J/(bit m)."""
    c, vdd = node.layer(layer), node.constants["vdd"]
    toggles, repeaters = system_constants()["toggle_rate"], system_constants()["repeater_factor"]
    value = repeaters.value * per_random_bit(per_toggle(c.c_f_per_m, vdd.value), "toggle", toggles.value)
    spread = combined_spread(vdd, vdd, repeaters, Constant("c", 1.0, "", c.c_spread, c.source, c.date))
    source = f"random bit: {repeaters.value} x {toggles.value} x C V^2 / 2; C: {c.source}"
    return Constant("wire_energy", value, "J/(bit m)", spread, source, c.date)


def delay_per_m(node: Node, layer: str | None = None) -> Constant:
    """Return the delay of a wire with repeaters set for speed, s/m.

    1.67 sqrt(FO4 R C) where the layer's R and C are known, else the node's published delay.
    """
    if node.delay is not None:
        d = node.delay
        return Constant("wire_delay", d.value * 1e-9, "s/m", d.spread, d.source, d.date, d.verified)
    wire, fo4, factor = node.layer(layer), node.constants["fo4"], system_constants()["repeated_delay"]
    value = factor.value * math.sqrt(fo4.value * 1e-12 * wire.r_ohm_per_m * wire.c_f_per_m)
    spread = combined_spread(factor, Constant("", 1.0, "", math.sqrt(fo4.spread), "", ""))
    source = f"{factor.value} sqrt(FO4 R C), {factor.source}; R and C: {wire.source}"
    return Constant("wire_delay", value, "s/m", spread, source, wire.date, verified=False)
