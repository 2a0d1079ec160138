"""From net lengths to joules and nanoseconds per token: the whole chain once, for one draw of the constants.

The full estimate, every Monte Carlo draw and every increment run this same code; `tests/estimate` holds an independent
one in plain Python. Two phases: 0 decode, 1 prefill. SI units throughout.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["Nets", "all_rows", "combine", "evaluate_draws", "net_row", "net_timing", "settle_temperature"]

F64 = npt.NDArray[np.float64]

# Rows of the constants c.
(
    PERIOD,  # s
    FLOP_OVERHEAD,  # s, clock-to-Q and set-up
    CLOCK_J,  # J a cycle
    LEAK_W,  # W at the reference temperature
    R_TH,  # K/W, mean die temperature over ambient
    AMBIENT,  # degC
    LEAK_T0,  # degC
    LEAK_DOUBLING,  # K
    CREDIT_CYCLES,
    BASE_CYCLES,
    MFU,
    MBU,
    CHIPS,
    PREFILL_PER_OUTPUT,  # tokens prefilled for each one decoded
    MEMORY_DIE_FRAC,  # share of the memory energy that heats the die
    N_CONST,
) = range(16)

# Rows of the phase table p (2, N_PHASE), per token and chip.
(
    TOKENS,  # in a step
    COMPUTE_CYCLES,  # a token at full utilisation of the MAC units
    MEMORY_S,  # a token at full bandwidth
    LINK_S,  # a token
    SYNCS,  # dependent passes in a step
    OVERHEAD_S,  # a step
    SRAM_J,
    MAC_J,
    MEMORY_J,
    LINK_J,
    N_PHASE,
) = range(11)

# Rows of a draw f: factors on the constants, 1 = nominal.
(
    F_LENGTH,
    F_WIRE,
    F_DELAY,
    F_FLOP,
    F_SRAM,
    F_MAC,
    F_MEMORY,
    F_LINK,
    F_CLOCK,
    F_LEAK,
    F_RTH,
    F_MFU,
    F_MBU,
    F_OVERHEAD,
    N_FACTOR,
) = range(15)

# Rows of the result.
(
    O_WIRE,  # J per output token, all chips, until O_LEAK
    O_SRAM,
    O_MAC,
    O_MEMORY,
    O_LINK,
    O_CLOCK,
    O_LEAK,
    O_SECONDS,  # per output token
    O_WNS,  # s
    O_CLOCK_HZ,  # achieved
    O_MEAN_T,  # degC
    O_DECODE_STEP,  # s
    O_PREFILL_STEP,  # s
    O_DIE_W,  # of one die
    O_DECODE_BOUND,  # 0 compute, 1 memory, 2 bus
    O_PREFILL_BOUND,
    O_DECODE_STAGES,  # of a dependent pass
    O_PREFILL_STAGES,
    N_OUT,
) = range(19)

# Rows of the table of nets; those of prefill follow those of decode.
R_WIRE, R_BUS, R_STAGES, R_SLACK, N_ROW = 0, 2, 4, 5, 6  # J a token; cycles a token; registers; s

_CLASSES = 16
_INV_E = math.exp(-1.0)


class Nets(NamedTuple):
    """What the kernels know of each net, (E,) arrays.

    Attributes:
        j_per_bit_m: energy of a random bit.
        tau_s_per_m: delay of the repeated wire.
        access_s: before the wire: SRAM access of the source.
        width_bits: wires.
        pipelined: registers may be put into it.
        klass: class of its traffic, below 16.
        bits: (2, E) per token and phase.
    """

    j_per_bit_m: F64
    tau_s_per_m: F64
    access_s: F64
    width_bits: F64
    pipelined: npt.NDArray[np.bool_]
    klass: npt.NDArray[np.uint8]
    bits: F64


@njit(cache=True, inline="always")
def net_timing(delay_s, access_s, pipelined, reach_s):  # type: ignore[no-untyped-def]  # numba infers
    """Return (stages, slack_s) of one net: registers that it needs, and what its slowest cycle has left.

    A net that may not be pipelined has no register and its slack may be negative.
    """
    path = access_s + delay_s
    if not pipelined or path <= reach_s or reach_s <= 0.0:
        return 0.0, reach_s - path
    stages = math.ceil(path / reach_s) - 1.0
    return stages, reach_s - path / (stages + 1.0)


@njit(cache=True)
def settle_temperature(power_w, leak_w, r_th, ambient, t0, doubling):  # type: ignore[no-untyped-def]  # numba infers
    """Return the mean temperature T = ambient + r (P + leak 2^((T - t0) / doubling)), or infinity where there is none.

    With a = ln 2 / doubling and T' = T - ambient - r P the equation is T' = k exp(a T'), which has a solution exactly
    if a k <= 1/e; Newton's method from below then climbs to the lower, stable one.
    """
    rate = math.log(2.0) / doubling
    base = ambient + r_th * power_w
    exponent = rate * (base - t0)
    if exponent > 600.0:
        return math.inf
    k = r_th * leak_w * math.exp(exponent)
    if k == 0.0:
        return base
    if rate * k > _INV_E:
        return math.inf
    rise = k
    for _ in range(60):
        e = k * math.exp(rate * rise)
        slope = 1.0 - rate * e
        if slope <= 1e-12:
            break
        step = (e - rise) / slope
        rise += step
        if step <= 1e-13 * rise:
            break
    return base + rise


@njit(cache=True, inline="always")
def net_row(length, per_m, tau, access, width, pipelined, b0, b1, c, f):  # type: ignore[no-untyped-def]  # numba infers
    """Return the rows of one net from its length and what is known of it."""
    length *= f[F_LENGTH]
    reach = c[PERIOD] - c[FLOP_OVERHEAD] * f[F_FLOP]
    stages, slack = net_timing(length * tau * f[F_DELAY], access * f[F_FLOP], pipelined, reach)
    joule = length * per_m
    # Little's law: a bus never has more in flight than its buffers' credits.
    cycles = max(1.0, (c[BASE_CYCLES] + 2.0 * stages) / c[CREDIT_CYCLES]) / width
    if b0 + b1 == 0.0:
        stages = 0.0
    return b0 * joule, b1 * joule, b0 * cycles, b1 * cycles, stages, slack


@njit(cache=True)
def all_rows(length_m, nets, c, f, rows):  # type: ignore[no-untyped-def]  # numba infers
    """Write to rows (N_ROW, E) what follows from the length of each net alone."""
    per_m, tau, access, width = nets.j_per_bit_m, nets.tau_s_per_m, nets.access_s, nets.width_bits
    pipelined, b0, b1 = nets.pipelined, nets.bits[0], nets.bits[1]
    for e in range(len(length_m)):
        row = net_row(length_m[e], per_m[e], tau[e], access[e], width[e], pipelined[e], b0[e], b1[e], c, f)
        rows[0, e], rows[1, e], rows[2, e], rows[3, e], rows[4, e], rows[5, e] = row


@njit(cache=True)
def combine(rows, nets, c, p, f, out):  # type: ignore[no-untyped-def]  # numba infers
    """Write everything that follows from the rows of all nets to out (N_OUT,)."""
    wns = c[PERIOD] - c[FLOP_OVERHEAD] * f[F_FLOP]
    wire0, wire1, bus0, bus1 = 0.0, 0.0, 0.0, 0.0
    stage_of = np.zeros((2, _CLASSES))
    klass = nets.klass
    for e in range(rows.shape[1]):
        wire0 += rows[R_WIRE, e]
        wire1 += rows[R_WIRE + 1, e]
        bus0 = max(bus0, rows[R_BUS, e])
        bus1 = max(bus1, rows[R_BUS + 1, e])
        wns = min(wns, rows[R_SLACK, e])
        stages = rows[R_STAGES, e]
        if stages > 0.0:
            k = klass[e]
            if rows[R_BUS, e] > 0.0:
                stage_of[0, k] = max(stage_of[0, k], stages)
            if rows[R_BUS + 1, e] > 0.0:
                stage_of[1, k] = max(stage_of[1, k], stages)
    period = c[PERIOD] - min(0.0, wns)
    wire = f[F_WIRE]
    mfu, mbu = min(1.0, c[MFU] * f[F_MFU]), min(1.0, c[MBU] * f[F_MBU])
    chips, ratio = c[CHIPS], c[PREFILL_PER_OUTPUT]
    seconds = 0.0
    for o in range(N_OUT):
        out[o] = 0.0
    for ph in range(2):
        share = 1.0 if ph == 0 else ratio
        tokens = p[ph, TOKENS]
        if tokens <= 0.0:
            continue
        compute = p[ph, COMPUTE_CYCLES] * period / mfu
        memory = p[ph, MEMORY_S] / mbu
        bus = (bus0 if ph == 0 else bus1) * period
        bound = 0.0
        longest = compute
        if memory > longest:
            longest, bound = memory, 1.0
        if bus > longest:
            longest, bound = bus, 2.0
        stages = 0.0
        for k in range(_CLASSES):
            stages += stage_of[ph, k]
        step = tokens * (longest + p[ph, LINK_S]) + p[ph, SYNCS] * stages * period + p[ph, OVERHEAD_S] * f[F_OVERHEAD]
        out[O_DECODE_STEP + ph] = step
        out[O_DECODE_BOUND + ph] = bound
        out[O_DECODE_STAGES + ph] = stages
        seconds += share * step / tokens
        out[O_WIRE] += share * chips * (wire0 if ph == 0 else wire1) * wire
        out[O_SRAM] += share * chips * p[ph, SRAM_J] * f[F_SRAM]
        out[O_MAC] += share * chips * p[ph, MAC_J] * f[F_MAC]
        out[O_MEMORY] += share * chips * p[ph, MEMORY_J] * f[F_MEMORY]
        out[O_LINK] += share * chips * p[ph, LINK_J] * f[F_LINK]
    clock_w = c[CLOCK_J] * f[F_CLOCK] / period
    on_die = out[O_WIRE] + out[O_SRAM] + out[O_MAC] + out[O_LINK] + c[MEMORY_DIE_FRAC] * out[O_MEMORY]
    power = on_die / (chips * seconds) + clock_w
    leak0 = c[LEAK_W] * f[F_LEAK]
    mean_t = settle_temperature(power, leak0, c[R_TH] * f[F_RTH], c[AMBIENT], c[LEAK_T0], c[LEAK_DOUBLING])
    leak_w = leak0 * 2.0 ** ((mean_t - c[LEAK_T0]) / c[LEAK_DOUBLING]) if mean_t < math.inf else math.inf
    out[O_CLOCK] = chips * clock_w * seconds
    out[O_LEAK] = chips * leak_w * seconds
    out[O_SECONDS] = seconds
    out[O_WNS] = wns
    out[O_CLOCK_HZ] = 1.0 / period
    out[O_MEAN_T] = mean_t
    out[O_DIE_W] = power + leak_w


@njit(cache=True)
def evaluate_draws(length_m, nets, c, p, draws, out):  # type: ignore[no-untyped-def]  # numba infers
    """Write everything that follows from net lengths (E,), for each of draws (S, N_FACTOR), to out (S, N_OUT)."""
    rows = np.empty((N_ROW, len(length_m)))
    for s in range(len(draws)):
        all_rows(length_m, nets, c, draws[s], rows)
        combine(rows, nets, c, p, draws[s], out[s])
