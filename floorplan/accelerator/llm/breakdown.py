"""One step of a model operator by operator: where its operations and its bytes are, and which wall each part meets.

The rows add up to the totals of `LlmModel`. Activations are taken to stay on the chip, as in the model's own figures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from floorplan.accelerator.llm.attention import ShapeError
from floorplan.accelerator.llm.model import LlmModel
from floorplan.accelerator.llm.operators import experts_touched
from floorplan.accelerator.llm.quant import Precision, precision

__all__ = ["Operator", "decode_operators", "prefill_operators"]


@dataclass(frozen=True)
class Operator:
    """All layers' share of one kind of operator in one step of a batch.

    Attributes:
        name: "projections", "attention", "dense ffn", "shared experts", "routed experts", "router", "norms", "head", or
            "embedding" with biases and other vectors.
        flops: operations of the step.
        read_bytes: weights and cache that the step reads.
        resident_bytes: weights and cache that memory holds for it.
        batch: requests in the step.
    """

    name: str
    flops: float
    read_bytes: float
    resident_bytes: float
    batch: int

    @property
    def oi(self) -> float:
        """Operational intensity in FLOP per byte; nan where nothing is read."""
        return self.flops / self.read_bytes if self.read_bytes else math.nan

    @property
    def cf_bytes(self) -> float:
        """Capacity footprint: bytes of memory per request."""
        return self.resident_bytes / self.batch


def decode_operators(
    model: LlmModel,
    context: int,
    batch: int = 1,
    weights: str | Precision = "bf16",
    kv_precision: str | Precision | None = None,
) -> tuple[Operator, ...]:
    """Return the operators of one decode step; they add up to decode_flops, decode_bytes and the footprint.

    Raises:
        ShapeError: `batch` is below one or `context` negative.
    """
    kv = model.kv_bytes(context, weights if kv_precision is None else kv_precision)
    return _operators(model, batch, batch, batch * model.attention_flops(context), batch * kv, weights)


def prefill_operators(
    model: LlmModel,
    new_tokens: int,
    prefix_tokens: int = 0,
    weights: str | Precision = "bf16",
    kv_precision: str | Precision | None = None,
) -> tuple[Operator, ...]:
    """Return the operators of one request's prefill; they add up to prefill_flops and prefill_bytes.

    Raises:
        ShapeError: a token count is negative.
    """
    attention = model.prefill_flops(new_tokens, prefix_tokens) - 2.0 * model.active_params * new_tokens
    kv = model.kv_bytes(prefix_tokens + new_tokens, weights if kv_precision is None else kv_precision)
    return _operators(model, 1, new_tokens, attention, kv, weights)


def _operators(
    model: LlmModel, batch: int, tokens: int, attention_flops: float, kv_bytes: float, weights: str | Precision
) -> tuple[Operator, ...]:
    if batch < 1:
        raise ShapeError(f"a step of {batch} requests")
    size = precision(weights).bytes_per_element
    width, moe = model.hidden, model.moe_layers
    always = {
        "projections": model.layers * model.attention.params(width),
        "dense ffn": model.dense_layers * 3 * width * model.ffn,
        "shared experts": moe * model.shared_experts * model.expert_params,
        "router": moe * width * model.experts,
        "norms": (2 * model.layers + 1) * width,
        "head": model.vocab * width,
    }
    rows = [Operator(n, 2.0 * tokens * p, size * p, size * p, batch) for n, p in always.items() if p]
    rows.insert(1, Operator("attention", attention_flops, kv_bytes, kv_bytes, batch))
    if model.experts:
        used = moe * model.experts_per_token * model.expert_params
        woken = moe * experts_touched(model.experts, model.experts_per_token, tokens) * model.expert_params
        rows.append(Operator("routed experts", 2.0 * tokens * used, size * woken, size * model.routed_params, batch))
    unread = model.embedding_params + model.vector_params
    rows.append(Operator("embedding", 0.0, 0.0, size * unread, batch))
    return tuple(rows)
