"""The uncertain constants of an estimate, and draws of them that all placements share."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from floorplan.estimate.energy import mac_energy, memory_energy
from floorplan.estimate.kernels import chain
from floorplan.estimate.quantity import Constant
from floorplan.estimate.technology import Node, combined_spread, system_constants
from floorplan.estimate.wires import delay_per_m, energy_per_bit_m

__all__ = ["PRICE_FACTORS", "draws", "price_draws", "spreads"]

F64 = npt.NDArray[np.float64]

PRICE_FACTORS = ("wafer", "defects", "memory_usd", "system_usd", "utilisation", "electricity")


def spreads(node: Node, precision: str, memory: str) -> dict[int, tuple[str, float]]:
    """Return factor of the chain -> what it stands for and its one-sigma factor."""
    s, n = system_constants(), node.constants

    def of(*constants: Constant) -> float:
        return combined_spread(*constants)

    return {
        chain.F_LENGTH: ("routed over estimated length", of(s["base_detour"])),
        chain.F_WIRE: ("wire energy", of(energy_per_bit_m(node))),
        chain.F_DELAY: ("wire delay", of(delay_per_m(node))),
        chain.F_FLOP: ("flip-flop and SRAM delay", of(n["fo4"], s["flop_overhead"])),
        chain.F_SRAM: ("SRAM energy", of(n["sram_base"])),
        chain.F_MAC: ("multiply-accumulate energy", of(mac_energy(node, precision))),
        chain.F_MEMORY: ("external memory energy", of(memory_energy(memory))),
        chain.F_LINK: ("link energy", of(s["link"])),
        chain.F_CLOCK: ("clock energy", of(n["clock_sink"], s["clock_gating"], s["flops_per_mac"])),
        chain.F_LEAK: ("leakage", of(n["leakage"])),
        chain.F_RTH: ("thermal resistance", of(s["r_convec"])),
        chain.F_MFU: ("MFU", of(s["mfu"])),
        chain.F_MBU: ("MBU", of(s["mbu"])),
        chain.F_OVERHEAD: ("step overhead", of(s["overhead"])),
    }


def draws(table: dict[int, tuple[str, float]], samples: int, seed: int) -> F64:
    """Return (samples, N_FACTOR) lognormal factors, independent, medians 1."""
    z = np.random.default_rng(seed).standard_normal((samples, chain.N_FACTOR))
    sigma = np.array([np.log(table[k][1]) for k in range(chain.N_FACTOR)])
    return np.asarray(np.exp(sigma * z), np.float64)


def price_draws(node: Node, samples: int, seed: int) -> dict[str, F64]:
    """Return factors on prices, (samples,) each, of their own stream."""
    c = {**system_constants(), "wafer": node.constants["wafer"]}
    z = np.random.default_rng([seed, 1]).standard_normal((len(PRICE_FACTORS), samples))
    return {name: np.exp(c[name].log_sigma * z[i]) for i, name in enumerate(PRICE_FACTORS)}
