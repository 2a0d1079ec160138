"""Energy of the clock: a tree over the canvas and the registers it ends in."""

from __future__ import annotations

import math

from floorplan.estimate.technology import Node, system_constants

__all__ = ["clock_j_per_cycle", "clock_sinks"]


def clock_sinks(macs: float, sram_bits: float) -> float:
    """Return registers: those of the MAC units and at the edges of the SRAM macros."""
    c = system_constants()
    return macs * c["flops_per_mac"].value + sram_bits / 1024.0 * c["flops_per_kbit"].value


def clock_j_per_cycle(node: Node, canvas_um2: float, sinks: float) -> float:
    """Return the energy of one cycle: (c_w k sqrt(A clusters) + sinks c_sink) V^2, gated.

    A clock rises and falls every cycle, hence C V^2 and no toggle rate.
    """
    c = system_constants()
    clusters = max(1.0, sinks / c["cluster_sinks"].value)
    tree_m = c["clock_tree"].value * math.sqrt(canvas_um2 * 1e-12 * clusters)
    farad = node.layer().c_f_per_m * tree_m + sinks * node.constants["clock_sink"].value * 1e-15
    return c["clock_gating"].value * farad * node.constants["vdd"].value ** 2
