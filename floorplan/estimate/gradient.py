"""How the logarithms of J and ns per token go with the half-perimeter of each net, to first order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from floorplan.estimate.kernels import chain

if TYPE_CHECKING:
    from floorplan.estimate.estimator import Estimator

__all__ = ["log_slopes"]

F64 = npt.NDArray[np.float64]

_NORM = 8.0
"""Power of the norm that stands for a maximum over nets: large enough to single the longest out, small enough that the
next ones feel it, too."""
_STEP = 1e-4


def log_slopes(estimator: Estimator, hpwl_um: F64, scale_m_per_um: F64) -> tuple[F64, F64]:
    """Return (d log J / d HPWL, d log ns / d HPWL) in 1/um, (E,) each, all >= 0.

    Joules are linear in every length but for temperature, so their slope is exact up to the part that goes with time.
    Time steps with pipeline registers and follows the longest net of each class: steps are taken as slopes, maxima as
    norms of power 8.

    Args:
        estimator: of chip and load.
        hpwl_um: (E,) half-perimeters where the slopes are taken.
        scale_m_per_um: (E,) metres of wire per um of half-perimeter.
    """
    e = estimator
    length = scale_m_per_um * hpwl_um
    totals = e.totals(length)
    if not np.isfinite(totals.j_per_token):  # leakage runs away here: its part is left out
        cold = np.ones(chain.N_FACTOR)
        cold[chain.F_LEAK] = 0.0
        totals = e.totals(length, cold)
        heat = 1.0
    else:
        heat = _joules_per_wire_joule(e, length)
    seconds = _seconds_slope(e, length) * scale_m_per_um
    joules = heat * e.load.bits_per_output * e.nets.j_per_bit_m * scale_m_per_um
    # Clock and leakage run for as long as a token takes.
    joules = joules + (totals.clock_j + totals.leakage_j) / totals.seconds * seconds
    return joules / totals.j_per_token, seconds / totals.seconds


def _joules_per_wire_joule(e: Estimator, length_m: F64) -> float:
    """Return dJ/dJ_wire: 1, and the leakage that a warmer die adds."""
    up, down = np.ones(chain.N_FACTOR), np.ones(chain.N_FACTOR)
    up[chain.F_WIRE], down[chain.F_WIRE] = 1.0 + _STEP, 1.0 - _STEP
    high, low = e.totals(length_m, up), e.totals(length_m, down)
    wire = high.wire_j - low.wire_j
    slope = (high.j_per_token - low.j_per_token) / wire if wire > 0 else 1.0
    return slope if np.isfinite(slope) else 1.0


def _norm_slope(values: F64) -> F64:
    """Return the slope of the norm that stands for max(values), by each value; values are >= 0."""
    top = float(values.max(initial=0.0))
    if top <= 0.0:
        return np.zeros_like(values)
    part = values / top
    norm = float((part**_NORM).sum() ** (1.0 / _NORM))
    return np.asarray((part / norm) ** (_NORM - 1.0), np.float64)


def _seconds_slope(e: Estimator, length_m: F64) -> F64:
    """Return (E,) seconds per output token and metre of each net."""
    n, c, p = e.nets, e.constants, e.phases
    rows = np.empty((chain.N_ROW, len(length_m)))
    chain.all_rows(length_m, n, c, np.ones(chain.N_FACTOR), rows)
    totals = e.totals(length_m)
    period, reach = 1.0 / totals.clock_hz, c[chain.PERIOD] - c[chain.FLOP_OVERHEAD]
    path = n.access_s + length_m * n.tau_s_per_m
    out = np.zeros(len(length_m))
    cycles = 0.0
    for phase, bound, share in (
        (0, totals.decode_bound, 1.0),
        (1, totals.prefill_bound, float(c[chain.PREFILL_PER_OUTPUT])),
    ):
        tokens = p[phase, chain.TOKENS]
        if tokens <= 0:
            continue
        used = n.bits[phase] > 0
        passes = share * p[phase, chain.SYNCS] / tokens
        bus = rows[chain.R_BUS + phase]
        for k in np.unique(n.klass[used]):
            stages = np.where(used & (n.klass == k) & n.pipelined, path / reach, 0.0)
            if stages.max() > 1.0:
                out += passes * period * _norm_slope(stages) * n.tau_s_per_m / reach
            cycles += passes * max(0.0, np.ceil(stages.max()) - 1.0)
        if bound == 2:
            late = (c[chain.BASE_CYCLES] + 2.0 * rows[chain.R_STAGES] > c[chain.CREDIT_CYCLES]) & n.pipelined
            each = n.bits[phase] / n.width_bits * 2.0 / c[chain.CREDIT_CYCLES] / reach * n.tau_s_per_m
            out += share * period * np.where(late, _norm_slope(bus) * each, 0.0)
            cycles += share * float(bus.max())
        elif bound == 0:
            cycles += share * p[phase, chain.COMPUTE_CYCLES] / min(1.0, c[chain.MFU])
    if totals.wns_s < 0:
        late_s = np.where(~n.pipelined & (rows[chain.R_SLACK] < 0), path, 0.0)
        out += cycles * _norm_slope(late_s) * n.tau_s_per_m
    return out
