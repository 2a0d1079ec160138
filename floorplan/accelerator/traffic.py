"""Bytes that a token moves on a chip, by class of traffic, and so bits a token on each of its nets.

A token is one that is decoded, or one of the prompt in prefill. With T tokens in a step (`batch` sequences in decode,
`batch * context` in prefill), n chips that share the model evenly (tensor parallelism), M multiply-accumulates a token,
b bytes an operand and a bytes a partial sum, each chip moves per token:

    weights      W(T) / (T n) * ceil(T / t)     W(T): weights that T tokens touch; one delivery serves t of them
    kv           KV(context) / n         decode: the new token's is written, the others' are read
                 sum_{i=1..context} KV(i) / (context n q) + KV(context) / (context n)
                                         prefill: q queries share a reading; and each token's is written once, as in
                                         the cache (MLA's latents), whatever is expanded beside the MAC units
    activation   b M / (C n)             one activation feeds C columns
    partial_sum  a M / (R n)             one partial sum gathers R rows
    collective   2 layers * 2 (n - 1) / n * hidden * b      two all-reduces a layer
    offchip      W(T) / (T n) + kv       decode, less what KV cache stays on chip; a step reads each weight once
                 W(T) / (T n) + KV(context) / (context n)        prefill
                                         0 on a chip without memory PHYs
    kv_offchip   the KV cache in offchip

Source of the shapes of these: the roofline tables of LLM-Viewer and GenZ (arXiv 2406.01698) for weights, KV cache and
collectives, and the reuse of a weight-stationary array (SCALE-Sim, arXiv 1811.02883) for activations and partial sums.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from floorplan.accelerator.chip import TRAFFIC, Chip, Dataflow
from floorplan.errors import ProblemError

if TYPE_CHECKING:
    from floorplan.accelerator.llm import LlmModel, Precision

__all__ = ["PHASES", "Phase", "bits_per_token", "class_bytes_per_token"]

Phase = Literal["prefill", "decode"]
PHASES: tuple[Phase, ...] = ("prefill", "decode")


def class_bytes_per_token(
    model: LlmModel,
    precision: str | Precision,
    phase: Phase,
    batch: int,
    context: int,
    chips: int = 1,
    *,
    dataflow: Dataflow,
    kv_precision: str | Precision | None = None,
) -> dict[str, float]:
    """Return class of `TRAFFIC` -> bytes a token on each of `chips` chips, by the equations above.

    Args:
        model: what is served.
        precision: of the weights, or its name.
        phase: decode: one token each of `batch` sequences; prefill: all `context` tokens of `batch` prompts.
        batch: sequences in a step.
        context: tokens attended to, the new one counted.
        chips: that share the model.
        dataflow: of the chip.
        kv_precision: of the KV cache; None = the weights'.

    Raises:
        ProblemError: a count is out of range or the phase is not one.
        UnknownNameError: there is no such precision.
    """
    if phase not in PHASES:
        raise ProblemError(f"phase must be prefill or decode, got {phase!r}")
    least = 1 if phase == "prefill" else 0
    if batch < 1 or chips < 1 or context < least:
        raise ProblemError(f"batch and chips must be >= 1 and context >= {least}, got {batch}, {chips}, {context}")
    tokens = batch * context if phase == "prefill" else batch
    weights = model.weights_read_bytes(tokens, precision) / (tokens * chips)
    cache = precision if kv_precision is None else kv_precision
    held = model.kv_bytes(context, cache) / chips
    if phase == "decode":
        macs = model.decode_flops(context) / 2
        kv = held
        # What fits of the whole batch's cache stays; the rest passes the PHYs.
        stays_frac = min(1.0, dataflow.kv_sram_bytes / (batch * held)) if held else 0.0
        moved = held * (1.0 - stays_frac)
    else:
        macs = model.prefill_flops(context, 0) / 2 / context
        moved = held / context
        # Query i attends to i tokens, or a window of them: as many token-layers of cache as there are such pairs.
        pairs = model.attention.query_key_pairs(model.layers, context, 0)
        read = pairs / model.layers * model.kv_bytes_per_token(cache)
        kv = read / (context * chips * dataflow.query_block) + moved
    return {
        "none": 0.0,
        "weights": weights * math.ceil(tokens / dataflow.reuse_tokens),
        "kv": kv,
        "activation": dataflow.operand_bytes * macs / (dataflow.reuse_columns * chips),
        "partial_sum": dataflow.accumulator_bytes * macs / (dataflow.reuse_rows * chips),
        "collective": 2 * model.layers * 2 * (chips - 1) / chips * model.hidden * dataflow.operand_bytes,
        "offchip": weights + moved if dataflow.has_memory else 0.0,
        "kv_offchip": moved if dataflow.has_memory else 0.0,
    }


def bits_per_token(
    chip: Chip,
    model: LlmModel,
    precision: str | Precision,
    phase: Phase,
    batch: int,
    context: int,
    chips: int = 1,
    *,
    kv_precision: str | Precision | None = None,
) -> npt.NDArray[np.float64]:
    """Return (E,) bits that each net of `chip` carries for a token; see `class_bytes_per_token` for the rest."""
    by_class = class_bytes_per_token(
        model, precision, phase, batch, context, chips, dataflow=chip.dataflow, kv_precision=kv_precision
    )
    bits: npt.NDArray[np.float64] = chip.net_mix @ (8.0 * np.array([by_class[c] for c in TRAFFIC]))
    return bits
