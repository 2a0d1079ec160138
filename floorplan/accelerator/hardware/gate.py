"""Rejects accelerator figures that physics or arithmetic rules out, and says why; the gate for claims is in `claims`.

The limits are deliberately wide: a spec that passes may be wrong, one that fails a limit cannot be right. One reason is
weaker, a memory as fast as the links are in bits: it is reported because the slip is common, not because no chip could.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from floorplan.accelerator.hardware.catalogue import HARDWARE
from floorplan.accelerator.hardware.claims import refuse_claim
from floorplan.accelerator.hardware.spec import Figure, Hardware

__all__ = ["implausible", "refuse_claim"]

# Least energy credible on a package that can be bought by 2026; each is below the best chip of the catalogue.
# Bits moved: fine-grained DRAM 1.95 pJ (O'Connor, MICRO 2017); GDDR7 near 4 (recalled, not verified); on-chip SRAM
# 0.05 pJ next to the array (Dally, CACM 2020).
_MIN_PJ_PER_BIT = {"hbm": 1.95, "gddr": 3.0, "sram": 0.05}
# Operations by operand bits: about half of what the best entries of the catalogue imply, TDP over dense peak
# (B200 0.44 at 16 bit, Rubin 0.11 at 8 and 0.036 at 4 if 50 PFLOP/s is dense).
_MIN_PJ_PER_FLOP = {16: 0.22, 8: 0.06, 4: 0.018}
# A package without a published power: no air- or liquid-cooled one passes this (assumption; Rubin is near 1.8 kW).
_POWER_LIMIT_W = 3000.0
# Reading a whole memory once takes longer than this: a stack of HBM4 needs 13 ms, a device of GDDR7 14 ms (2 GB at
# 36 Gb/s a pin), the LPU's SRAM 2.9 us.
_MIN_SWEEP_S = {"hbm": 5e-3, "gddr": 8e-3, "sram": 1e-6}
# Largest memories announced for one package (recalled, not verified): 1 TB of HBM4E (Rubin Ultra); twice Rubin CPX's
# GDDR7; 44 GB of SRAM, a whole wafer (WSE-3).
_MAX_BYTES = {"hbm": 1.1e12, "gddr": 256e9, "sram": 44e9}
_BITS = {"bf16": 16, "fp16": 16, "fp8": 8, "int8": 8, "fp4": 4, "int4": 4}
_UNIT = {
    "memory_bytes": "B",
    "memory_bytes_per_s": "B/s",
    "sram_bytes": "B",
    "sram_bytes_per_s": "B/s",
    "link_bytes_per_s": "B/s",
    "tdp_w": "W",
}
_SAME = 0.01  # figures closer than this are the same figure
_OFF = 0.10  # a figure of a catalogued chip farther off than this contradicts it


def implausible(spec: Hardware) -> tuple[str, ...]:
    """Return the reasons why a spec cannot hold; empty where none was found.

    A spec whose name is in `HARDWARE` is also compared with that entry, and the likely slip is named: sparse for dense,
    bits for bytes, another precision.
    """
    broken = tuple(_malformed(spec))
    if broken:
        return broken  # the physics below would divide by them
    return (*_dense(spec), *_ladder(spec), *_power(spec), *_memory(spec), *_against_catalogue(spec))


def _figures(spec: Hardware) -> Iterator[tuple[str, str, Figure]]:
    """Yield (label, expected unit, figure) of every figure that is given."""
    for key, figure in spec.peak_flops.items():
        yield f"{key} peak", "FLOP/s", figure
    for name, unit in _UNIT.items():
        figure = getattr(spec, name)
        if figure is not None:
            yield name, unit, figure


def _malformed(spec: Hardware) -> Iterator[str]:
    if spec.memory not in _MIN_PJ_PER_BIT:
        yield f"memory {spec.memory!r} is none of {', '.join(_MIN_PJ_PER_BIT)}"
    for key in spec.peak_flops:
        if key not in _BITS:
            yield f"peak at {key!r}: the arithmetic is none of {', '.join(_BITS)}"
    for label, unit, figure in _figures(spec):
        if not (math.isfinite(figure.value) and figure.value > 0.0):
            yield f"{label} of {figure.value:g} {figure.unit} is not a positive finite number"
        if figure.unit != unit:
            yield f"{label} is in {figure.unit}, not in {unit}"
        if not figure.source.strip():
            yield f"{label} has no source"


def _dense(spec: Hardware) -> Iterator[str]:
    for key, figure in spec.peak_flops.items():
        if not figure.dense:
            yield f"{key} peak of {figure.value:.4g} FLOP/s counts structured sparsity; a ridge needs the dense peak"


def _ladder(spec: Hardware) -> Iterator[str]:
    """Compare peaks of one chip: narrower operands are faster, but not without end, and 16-bit formats share units."""
    peak = {key: figure.value for key, figure in spec.peak_flops.items()}
    if "bf16" in peak and "fp16" in peak:
        wide, narrow = max(peak["bf16"], peak["fp16"]), min(peak["bf16"], peak["fp16"])
        if wide > 1.5 * narrow:
            yield f"bf16 and fp16 peaks differ {wide / narrow:.2g} times: one of them is the sparse or the 8-bit figure"
    for slow, slow_bits in _BITS.items():
        for fast, fast_bits in _BITS.items():
            if slow not in peak or fast not in peak or slow_bits <= fast_bits:
                continue
            ratio = peak[fast] / peak[slow]
            # Integer units may be left small (Blackwell Ultra), so only float formats are held to this.
            if ratio < 1.0 - _SAME and not fast.startswith("int"):
                yield f"{slow} peak exceeds that of {fast}, which has narrower operands"
            # Dedicated units may do better than the quadratic saving of a narrower multiplier, but not by more than 2.
            elif ratio > 2.0 * (slow_bits / fast_bits) ** 2:
                yield f"{fast} peak is {ratio:.3g} times that of {slow}, more than narrower operands can give"


def _power(spec: Hardware) -> Iterator[str]:
    limit = _POWER_LIMIT_W if spec.tdp_w is None else spec.tdp_w.value
    stated = f"the {limit:.4g} W that no package passes" if spec.tdp_w is None else f"its TDP of {limit:.4g} W"
    if limit > _POWER_LIMIT_W:
        yield f"TDP of {limit:.4g} W is beyond the {_POWER_LIMIT_W:.4g} W that a package can be cooled at"
    for key, figure in spec.peak_flops.items():
        least = figure.value * _MIN_PJ_PER_FLOP[_BITS[key]] * 1e-12
        if least > limit:
            yield f"{key} peak of {figure.value:.4g} FLOP/s takes at least {least:.4g} W, above {stated}"
    if spec.memory_bytes_per_s is not None:
        floor = _MIN_PJ_PER_BIT[spec.memory]
        least = spec.memory_bytes_per_s.value * 8.0 * floor * 1e-12
        if least > limit:
            yield (
                f"{spec.memory} bandwidth of {spec.memory_bytes_per_s.value:.4g} B/s takes at least {least:.4g} W at "
                f"{floor} pJ/bit, above {stated}"
            )


def _memory(spec: Hardware) -> Iterator[str]:
    if spec.memory_bytes is not None and spec.memory_bytes.value > _MAX_BYTES[spec.memory]:
        yield f"{spec.memory_bytes.value:.4g} B of {spec.memory} exceed any package's {_MAX_BYTES[spec.memory]:.4g} B"
    if spec.memory_bytes_per_s is None:
        return
    rate = spec.memory_bytes_per_s.value
    if spec.memory_bytes is not None and spec.memory_bytes.value / rate < _MIN_SWEEP_S[spec.memory]:
        yield (
            f"bandwidth of {rate:.4g} B/s would read all {spec.memory_bytes.value:.4g} B of {spec.memory} in "
            f"{spec.memory_bytes.value / rate:.3g} s; none is below {_MIN_SWEEP_S[spec.memory]:g} s"
        )
    if spec.link_bytes_per_s is not None:
        link = spec.link_bytes_per_s.value
        if _near(rate, 8.0 * link):
            yield (
                f"memory bandwidth of {rate:.4g} B/s equals the chip-to-chip rate of {8e-9 * link:.4g} Gb/s: "
                "bits of the link were probably read as bytes of the memory"
            )


def _against_catalogue(spec: Hardware) -> Iterator[str]:
    known = HARDWARE.get(spec.name)
    if known is None or known == spec:
        return
    reference = {label: figure for label, _, figure in _figures(known)}
    for label, _, figure in _figures(spec):
        ours = reference.get(label)
        if ours is None or any(abs(figure.value / v - 1.0) <= _OFF for v in _readings(ours)):
            continue
        yield (
            f"{label} of {figure.value:.4g} {figure.unit} contradicts {ours.value:.4g} ({ours.source}, {ours.date})"
            f"{_slip(label, figure.value, ours.value, known)}"
        )


def _readings(figure: Figure) -> tuple[float, ...]:
    """Return the values that sources give for one figure; a sparse rival is not a reading of a dense figure."""
    rival = figure.rival
    return (figure.value,) if rival is None or not rival.dense else (figure.value, rival.value)


def _slip(label: str, value: float, ours: float, known: Hardware) -> str:
    """Return ": what probably happened", or nothing where no usual slip explains the figure."""
    found = []
    link = known.link_bytes_per_s
    if label == "memory_bytes_per_s" and link is not None and _near(value, 8.0 * link.value):
        found.append(f"it is the link's {8e-9 * link.value:.4g} Gb/s with bits read as bytes")
    if label.endswith("peak"):
        same = [k for k, f in known.peak_flops.items() if f"{k} peak" != label and _near(value, f.value)]
        if same:
            found.append(f"it is the {' and '.join(same)} figure")
        if _near(value, 2.0 * ours):
            found.append("it is twice the dense rate, as structured sparsity counts")
    elif _near(value, 8.0 * ours) or _near(value, ours / 8.0):
        found.append("bits and bytes are confused")
    found += [f"the prefix is off by 10^{n}" for n in (-9, -6, -3, 3, 6, 9) if _near(value, ours * 10.0**n)]
    return ": " + "; ".join(found) if found else ""


def _near(a: float, b: float) -> bool:
    return abs(a - b) <= _SAME * abs(b)
