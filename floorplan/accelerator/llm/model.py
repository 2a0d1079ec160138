"""A language model as a shape: its parameters, the bytes that inference moves and keeps, its operations."""

from __future__ import annotations

from dataclasses import dataclass

from floorplan.accelerator.llm.attention import Attention, ShapeError
from floorplan.accelerator.llm.operators import experts_touched
from floorplan.accelerator.llm.quant import Precision, precision

__all__ = ["LlmModel"]


@dataclass(frozen=True)
class LlmModel:
    """A decoder-only transformer with gated feed-forward layers (three matrices), dense or mixture of experts.

    Precisions are names or `Precision`; where a method takes `kv_precision`, None means the weights' own. Token counts
    are of one request.

    Attributes:
        name: key in `MODELS`.
        layers: transformer layers.
        hidden: model width.
        attention: shape of the attention layers.
        ffn: inner width of a dense layer's feed-forward part; 0 where no layer is dense.
        dense_layers: layers whose feed-forward part is dense; the others hold experts.
        vocab: rows of the input embedding, and of the output matrix.
        source: where the shape is published.
        experts: routed experts of a MoE layer.
        experts_per_token: experts that one token uses.
        expert_ffn: inner width of an expert.
        shared_experts: experts that every token uses, each of width `expert_ffn`.
        vector_params: biases, per-head norms and the like, under 0.05 %: in totals and memory, in no step.
        outside_params: part of the published total that no text token uses (a vision tower).
        published_params: total that the authors state, rounded as they do; 0 = none known.
        published_source: where they state it.
        checkpoint_params: elements of the published weights, counted; 0 = not known.
        note: what a reader of the figures has to know.
    """

    name: str
    layers: int
    hidden: int
    attention: Attention
    ffn: int
    dense_layers: int
    vocab: int
    source: str
    experts: int = 0
    experts_per_token: int = 0
    expert_ffn: int = 0
    shared_experts: int = 0
    vector_params: int = 0
    outside_params: int = 0
    published_params: float = 0.0
    published_source: str = ""
    checkpoint_params: int = 0
    note: str = ""

    def __post_init__(self) -> None:
        if min(self.layers, self.hidden, self.vocab) < 1:
            raise ShapeError(f"{self.name}: layers, hidden and vocab must be positive")
        if not 0 <= self.dense_layers <= self.layers:
            raise ShapeError(f"{self.name}: {self.dense_layers} dense layers of {self.layers}")
        if (self.moe_layers > 0) != (self.experts > 0):
            raise ShapeError(f"{self.name}: {self.moe_layers} MoE layers with {self.experts} experts")
        if self.experts and not (0 < self.experts_per_token <= self.experts and self.expert_ffn > 0):
            raise ShapeError(f"{self.name}: {self.experts_per_token} of {self.experts} experts per token")
        if (self.dense_layers > 0) != (self.ffn > 0):
            raise ShapeError(f"{self.name}: {self.dense_layers} dense layers of inner width {self.ffn}")
        if self.attention.windowed_layers > self.layers:
            raise ShapeError(f"{self.name}: {self.attention.windowed_layers} windowed layers of {self.layers}")

    # ---- parameters -------------------------------------------------------------------------------------------------

    @property
    def moe_layers(self) -> int:
        """Layers with experts."""
        return self.layers - self.dense_layers

    @property
    def embedding_params(self) -> int:
        """Rows of the input embedding; a step reads one row a token, which counts as nothing."""
        return self.vocab * self.hidden

    @property
    def expert_params(self) -> int:
        """Weights of one routed expert in one layer."""
        return 3 * self.hidden * self.expert_ffn

    @property
    def routed_params(self) -> int:
        """Weights of all routed experts of all layers."""
        return self.moe_layers * self.experts * self.expert_params

    @property
    def always_params(self) -> int:
        """Weights that every decode step reads: attention, norms, dense and shared parts, routers, output matrix."""
        per_layer = self.attention.params(self.hidden) + 2 * self.hidden
        dense = 3 * self.hidden * self.ffn
        moe = self.shared_experts * self.expert_params + self.hidden * self.experts
        head = self.vocab * self.hidden + self.hidden
        return self.layers * per_layer + self.dense_layers * dense + self.moe_layers * moe + head

    @property
    def total_params(self) -> int:
        """All weights of the text model, input embedding and output matrix included."""
        return self.embedding_params + self.always_params + self.routed_params + self.vector_params

    @property
    def active_params(self) -> int:
        """Weights that one token multiplies with: no input embedding, `experts_per_token` routed experts a layer."""
        return self.always_params + self.moe_layers * self.experts_per_token * self.expert_params

    # ---- bytes ------------------------------------------------------------------------------------------------------

    def weight_bytes(self, weights: str | Precision, expert_weights: str | Precision | None = None) -> float:
        """Return the bytes of all weights; `expert_weights` is the routed experts' format where it differs."""
        rest = (self.total_params - self.routed_params) * precision(weights).bytes_per_element
        return rest + self.routed_params * _or(expert_weights, weights).bytes_per_element

    def weights_read_bytes(
        self, batch: float, weights: str | Precision, expert_weights: str | Precision | None = None
    ) -> float:
        """Return the expected weight bytes that a step of `batch` tokens reads, uniform routing assumed."""
        woken = self.moe_layers * experts_touched(self.experts, self.experts_per_token, batch)
        routed = woken * self.expert_params * _or(expert_weights, weights).bytes_per_element
        return self.always_params * precision(weights).bytes_per_element + routed

    def kv_bytes_per_token(self, kv: str | Precision, *, absorbed: bool = True) -> float:
        """Return the bytes that a token adds to the cache while the context is shorter than every window."""
        return self.layers * self.attention.kv_elements(absorbed=absorbed) * precision(kv).bytes_per_element

    def kv_bytes(self, context: int, kv: str | Precision, *, absorbed: bool = True) -> float:
        """Return the cache of one request at a context, windowed layers cut at their window."""
        per_layer_token = self.attention.kv_elements(absorbed=absorbed) * precision(kv).bytes_per_element
        return self.attention.cached_tokens(self.layers, context) * per_layer_token

    def capacity_footprint_bytes(
        self,
        context: int,
        batch: int = 1,
        weights: str | Precision = "bf16",
        kv_precision: str | Precision | None = None,
    ) -> float:
        """Return the memory per request, W / B + KV(context); times B it is what the devices must hold.

        Raises:
            ShapeError: `batch` is below one; no request fits then, which is not a footprint.
        """
        _check_batch(batch)
        return self.weight_bytes(weights) / batch + self.kv_bytes(context, _or(kv_precision, weights))

    # ---- operations -------------------------------------------------------------------------------------------------

    def attention_flops(self, context: int, *, absorbed: bool = True) -> float:
        """Return the FLOP of scores and values for one decoded token that sees `context` tokens."""
        return float(
            self.attention.cached_tokens(self.layers, context) * self.attention.flops_per_key(absorbed=absorbed)
        )

    def decode_flops(self, context: int, *, absorbed: bool = True) -> float:
        """Return the FLOP of one decoded token: 2 P_active + attention."""
        return 2.0 * self.active_params + self.attention_flops(context, absorbed=absorbed)

    def prefill_flops(
        self, new_tokens: int, prefix_tokens: int = 0, *, absorbed: bool = False, expand_prefix: bool = False
    ) -> float:
        """Return the FLOP of processing new tokens behind a cached prefix: 2 P_active N + causal attention.

        The output matrix is counted for every token; a server that samples only the last saves 2 vocab hidden (N - 1).
        MLA runs its naive form here, which needs fewer operations per pair; `expand_prefix` adds the work of expanding
        the prefix's latents again, about a tenth of a cached turn.
        """
        pairs = self.attention.query_key_pairs(self.layers, new_tokens, prefix_tokens)
        flops = 2.0 * self.active_params * new_tokens + pairs * self.attention.flops_per_key(absorbed=absorbed)
        if expand_prefix and not absorbed:
            flops += 2.0 * self.attention.cached_tokens(self.layers, prefix_tokens) * self.attention.expand_params
        return flops

    # ---- intensities ------------------------------------------------------------------------------------------------

    def decode_bytes(
        self,
        context: int,
        batch: int = 1,
        weights: str | Precision = "bf16",
        kv_precision: str | Precision | None = None,
    ) -> float:
        """Return the bytes that one decode step of the whole batch reads: W_read(B) + B KV(context)."""
        _check_batch(batch)
        return self.weights_read_bytes(batch, weights) + batch * self.kv_bytes(context, _or(kv_precision, weights))

    def decode_oi(
        self,
        context: int,
        batch: int = 1,
        weights: str | Precision = "bf16",
        kv_precision: str | Precision | None = None,
    ) -> float:
        """Return FLOP per byte of a decode step: B (2 P_active + F_attention) / (W_read(B) + B KV)."""
        return batch * self.decode_flops(context) / self.decode_bytes(context, batch, weights, kv_precision)

    def prefill_bytes(
        self,
        new_tokens: int,
        prefix_tokens: int = 0,
        weights: str | Precision = "bf16",
        kv_precision: str | Precision | None = None,
    ) -> float:
        """Return the bytes of processing a turn: the weights that N tokens wake, and the cache of P + N tokens."""
        kv = self.kv_bytes(prefix_tokens + new_tokens, _or(kv_precision, weights))
        return self.weights_read_bytes(new_tokens, weights) + kv

    def prefill_oi(
        self,
        new_tokens: int,
        prefix_tokens: int = 0,
        weights: str | Precision = "bf16",
        kv_precision: str | Precision | None = None,
    ) -> float:
        """Return FLOP per byte of processing new tokens behind a cached prefix."""
        flops = self.prefill_flops(new_tokens, prefix_tokens)
        return flops / self.prefill_bytes(new_tokens, prefix_tokens, weights, kv_precision)


def _or(given: str | Precision | None, otherwise: str | Precision) -> Precision:
    return precision(otherwise if given is None else given)


def _check_batch(batch: int) -> None:
    if batch < 1:
        raise ShapeError(f"a batch of {batch} requests: nothing runs, the model does not fit")
