"""How joules and nanoseconds a token follow the length of all wires together: exact derivatives of the estimate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from floorplan.estimate.errors import ThermalRunawayError
from floorplan.estimate.kernels import chain

if TYPE_CHECKING:
    from floorplan.estimate.estimator import Estimator

__all__ = ["Elasticity", "elasticity"]

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Elasticity:
    """Relative change of a result per relative change of the length of every wire.

    Registers come in whole numbers, so these hold between two lengths at which a bus gets another one.

    Attributes:
        j: d log(J per token) / d log(length); its negative is that of tokens per joule.
        wire: what the wires' own energy contributes to `j`.
        clock: what the clock contributes: more cycles or fewer in the time of a token.
        leakage: what leakage contributes: longer time, warmer die.
        ns: d log(ns per token) / d log(length).
    """

    j: float
    wire: float
    clock: float
    leakage: float
    ns: float


def elasticity(estimator: Estimator, length_m: F64) -> Elasticity:
    """Return the derivatives at given net lengths.

    Raises:
        ThermalRunawayError: the die has no steady temperature.
    """
    totals = estimator.totals(length_m)
    if not math.isfinite(totals.mean_temperature_c):
        raise ThermalRunawayError(f"{estimator.chip.name}: no steady temperature, so nothing to differentiate")
    c, p, nets = estimator.constants, estimator.phases, estimator.nets
    period = 1.0 / totals.clock_hz
    # Only a bus that may have no register makes the clock wait, and the worst one sets it.
    d_period = 0.0
    if totals.wns_s < 0.0:
        rows = np.empty((chain.N_ROW, len(length_m)))
        chain.all_rows(length_m, nets, c, np.ones(chain.N_FACTOR), rows)
        worst = int(np.argmin(rows[chain.R_SLACK]))
        d_period = float(length_m[worst] * nets.tau_s_per_m[worst])
    stages = totals.decode_stages, totals.prefill_stages
    bounds = totals.decode_bound, totals.prefill_bound
    steps = totals.decode_step_s, totals.prefill_step_s
    shares = 1.0, float(c[chain.PREFILL_PER_OUTPUT])
    d_seconds = 0.0
    for ph in range(2):
        tokens = float(p[ph, chain.TOKENS])
        if tokens <= 0.0:
            continue
        passes = float(p[ph, chain.SYNCS]) * stages[ph] * period
        fixed = float(p[ph, chain.OVERHEAD_S]) + tokens * float(p[ph, chain.LINK_S])
        # What is left of the step is the slowest of compute, memory and bus; memory alone keeps its own clock.
        moving = steps[ph] - fixed if bounds[ph] != 1 else passes
        d_seconds += shares[ph] * moving / tokens * d_period / period
    seconds, chips, total = totals.seconds, float(c[chain.CHIPS]), totals.j_per_token
    d_wire = totals.wire_j
    d_clock = totals.clock_j * (d_seconds / seconds - d_period / period)
    on_die = totals.wire_j + totals.sram_j + totals.mac_j + totals.link_j + c[chain.MEMORY_DIE_FRAC] * totals.memory_j
    d_power = (d_wire - on_die * d_seconds / seconds) / (chips * seconds)
    d_power -= totals.clock_j / (chips * seconds) * d_period / period
    leak_w = totals.leakage_j / (chips * seconds)
    rate, r_th = math.log(2.0) / c[chain.LEAK_DOUBLING], c[chain.R_TH]
    d_leak_w = leak_w * rate * r_th * d_power / (1.0 - r_th * leak_w * rate)
    d_leak = chips * (leak_w * d_seconds + d_leak_w * seconds)
    return Elasticity(
        j=float((d_wire + d_clock + d_leak) / total),
        wire=float(d_wire / total),
        clock=float(d_clock / total),
        leakage=float(d_leak / total),
        ns=float(d_seconds / seconds),
    )
