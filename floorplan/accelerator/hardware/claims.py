"""Judges claims of decoding speed against three roofs that no software passes: capacity, bandwidth, arithmetic."""

from __future__ import annotations

import math

from floorplan.accelerator.hardware.spec import Figure, Hardware
from floorplan.accelerator.llm.model import LlmModel
from floorplan.accelerator.llm.quant import Precision, cache_precision

__all__ = ["bandwidth_roof_tokens_per_s", "refuse_claim"]

# Claims state rounded figures; a roof must be passed by this much to count as passed.
_ROUNDING = 1.01


def bandwidth_roof_tokens_per_s(
    model: LlmModel,
    hardware: Hardware,
    chips: int,
    weights: str | Precision,
    batch: int,
    context: int,
    kv_precision: str | Precision | None = None,
) -> float:
    """Return the tokens per second of all requests if every byte a step needs is read once at full bandwidth.

    The tokens of a step are taken to wake the same experts, the least that a MoE model can read.

    Raises:
        FigureError: the chip's bandwidth is not published.
        ShapeError: `batch` is below one or `context` negative.
    """
    kv = cache_precision(weights) if kv_precision is None else kv_precision
    step_bytes = model.weights_read_bytes(1, weights) + batch * model.kv_bytes(context, kv)
    return batch * chips * hardware.bandwidth() / step_bytes


def refuse_claim(
    model: LlmModel,
    hardware: Hardware,
    chips: int,
    precision: str | Precision,
    batch: int,
    context: int,
    tokens_per_s: float,
    *,
    kv_precision: str | Precision | None = None,
    tokens_per_step: float = 1.0,
) -> str | None:
    """Return why a claimed decoding rate is impossible, or None where no roof forbids it.

    Args:
        model: what is said to run.
        hardware: on what.
        chips: how many of them.
        precision: format of the weights.
        batch: requests decoded together.
        context: tokens in each one's cache.
        tokens_per_s: the claim, all requests together.
        kv_precision: format of the cache; None as in `cache_precision`.
        tokens_per_step: tokens that a step yields per request; above 1 with speculative decoding.
    """
    if not (math.isfinite(tokens_per_s) and tokens_per_s > 0.0):
        return f"{tokens_per_s:g} tokens/s is not a positive finite rate"
    if chips < 1 or batch < 1 or context < 0 or not tokens_per_step >= 1.0:
        return f"{chips} chips, {batch} requests, {context} tokens of context, {tokens_per_step:g} tokens a step"
    kv = cache_precision(precision) if kv_precision is None else kv_precision
    reasons = []
    serving = chips
    needed = model.weight_bytes(precision) + batch * model.kv_bytes(context, kv)
    memory = None if hardware.memory_bytes is None else _most(hardware.memory_bytes)
    if memory is not None and needed > chips * memory:
        serving = math.ceil(needed / memory)
        reasons.append(f"{needed / 1e9:.1f} GB do not fit {chips} x {memory / 1e9:.4g} GB of {hardware.name}")
    if hardware.memory_bytes_per_s is not None:
        roof = tokens_per_step * bandwidth_roof_tokens_per_s(model, hardware, serving, precision, batch, context, kv)
        if tokens_per_s > roof * _ROUNDING:
            reasons.append(
                f"{tokens_per_s:.4g} tokens/s exceed the bandwidth roof of {roof:.4g} on {serving} x {hardware.name}"
            )
    if hardware.peak_flops:
        # The fastest format bounds every other: nothing says in which one the claim multiplies.
        roof = serving * max(_most(peak) for peak in hardware.peak_flops.values()) / model.decode_flops(context)
        if tokens_per_s > roof * _ROUNDING:
            reasons.append(
                f"{tokens_per_s:.4g} tokens/s exceed the compute roof of {roof:.4g} on {serving} x {hardware.name}"
            )
    return "; ".join(reasons) or None


def _most(figure: Figure) -> float:
    """Return the most generous reading of a disputed figure."""
    return figure.value if figure.rival is None else max(figure.value, figure.rival.value)
