"""Data behind the figures of arXiv 2601.22001: its Figure 3 exactly, its Figures 2 and 4 by stated assumptions.

The paper publishes no raw data. Figure 3 follows from its caption except for the head width, the number of key-value
heads and the latent's width, which it does not state: `FIGURE_3` carries both readings. Figures 2 and 4 are drawn in
the paper's layout from this package's workloads and catalogue, so their bars are ours, not the paper's.
"""

from __future__ import annotations

from dataclasses import dataclass

from floorplan.accelerator.llm import Attention, LlmModel, model
from floorplan.accelerator.workloads import WORKLOADS, workload

__all__ = [
    "FIGURE_3",
    "FIGURE_3_CONTEXTS",
    "FIGURE_4_CONTEXTS",
    "FIGURE_4_MODELS",
    "AgentBar",
    "FootprintBar",
    "KvScheme",
    "figure_2",
    "figure_4",
]

_LAYERS, _HIDDEN, _HEADS = 48, 2048, 32


@dataclass(frozen=True)
class KvScheme:
    """One line of Figure 3: 48 layers, hidden width 2048, 32 heads, 16 bit.

    Attributes:
        label: as the legend names it.
        attention: its shape.
        reading: which reading of the head's width it belongs to: 64 = hidden / heads, 128 = as Qwen3-30B-A3B has it.
    """

    label: str
    attention: Attention
    reading: int

    @property
    def bytes_per_token(self) -> int:
        """Cache that a token adds over all layers at 16 bit."""
        return _LAYERS * self.attention.kv_elements() * 2

    def tokens_in(self, memory_bytes: float) -> int:
        """Return the tokens whose cache alone fills a memory."""
        return int(memory_bytes // self.bytes_per_token)


def _grouped(kv_heads: int, head_dim: int) -> KvScheme:
    kind = "mha" if kv_heads == _HEADS else "gqa"
    label = f"MHA, head {head_dim}" if kind == "mha" else f"GQA, {kv_heads} KV heads of {head_dim}"
    return KvScheme(label, Attention(kind, _HEADS, kv_heads, head_dim), head_dim)


def _latent(latent: int, rope: int, head_dim: int) -> KvScheme:
    shape = Attention(
        "mla",
        _HEADS,
        _HEADS,
        head_dim + rope,
        latent_dim=latent,
        rope_dim=rope,
        nope_dim=head_dim,
        value_dim=head_dim,
    )
    return KvScheme(f"MLA, latent {latent} + {rope}", shape, head_dim)


FIGURE_3: tuple[KvScheme, ...] = (
    _grouped(32, 64),
    _grouped(8, 64),
    _grouped(4, 64),
    _latent(256, 32, 64),
    _grouped(32, 128),
    _grouped(8, 128),
    _grouped(4, 128),
    _latent(512, 64, 128),
)
"""MLA's latent is 4 heads wide and its rotary key half a head (DeepSeek-V2, arXiv 2405.04434, 2.1.4)."""

FIGURE_3_CONTEXTS = (4_096, 32_768, 131_072, 262_144, 1_048_576)


@dataclass(frozen=True)
class AgentBar:
    """A workload in Figure 2: LLaMA3-70B, 16 bit, a batch of one.

    Attributes:
        workload: its name.
        prefill_tokens: input of the whole session as sent, repeated prefixes included.
        new_tokens: input of the session that a prompt cache does not hold.
        decode_tokens: output of the whole session.
        weight_bytes: of the model.
        kv_bytes: cache at the longest context.
        oi_prefill: FLOP per byte of the session's prefill, prompt cache used.
        oi_decode: FLOP per byte of decoding at the mean context.
    """

    workload: str
    prefill_tokens: int
    new_tokens: int
    decode_tokens: int
    weight_bytes: float
    kv_bytes: float
    oi_prefill: float
    oi_decode: float


def figure_2(model_name: str = "llama3-70b", precision: str = "bf16") -> tuple[AgentBar, ...]:
    """Return the four workloads in the layout of Figure 2."""
    shape = model(model_name)
    bars = []
    for name in WORKLOADS:
        trace = workload(name)
        pairs = list(zip(trace.new_tokens.tolist(), trace.prefix_tokens.tolist(), strict=True))
        flops = sum(shape.prefill_flops(new, prefix) for new, prefix in pairs)
        moved = sum(shape.prefill_bytes(new, prefix, precision) for new, prefix in pairs)
        bars.append(
            AgentBar(
                name,
                int(trace.input_tokens.sum()),
                int(trace.new_tokens.sum()),
                int(trace.output_tokens.sum()),
                shape.weight_bytes(precision),
                shape.kv_bytes(trace.peak_context, precision),
                flops / moved,
                shape.decode_oi(trace.mean_decode_context, 1, precision),
            )
        )
    return tuple(bars)


FIGURE_4_MODELS = ("llama3-70b", "llama3-405b", "llama4-maverick", "qwen3-235b", "gpt-oss-120b", "deepseek-v3")
FIGURE_4_CONTEXTS = (8_192, 131_072)


@dataclass(frozen=True)
class FootprintBar:
    """A model in Figure 4 at one context and batch, 16 bit.

    Attributes:
        model: the model.
        context: tokens of every request.
        batch: requests that share the weights.
        weight_bytes: weights per request.
        kv_bytes: cache of a request.
        oi_decode: FLOP per byte of a decode step.
    """

    model: LlmModel
    context: int
    batch: int
    weight_bytes: float
    kv_bytes: float
    oi_decode: float


def figure_4(precision: str = "bf16") -> tuple[FootprintBar, ...]:
    """Return dense models and mixtures of experts in the layout of Figure 4: batches of 1 and 16, short and long."""
    bars = []
    for context in FIGURE_4_CONTEXTS:
        for batch in (1, 16):
            for name in FIGURE_4_MODELS:
                shape = model(name)
                weights = shape.weight_bytes(precision) / batch
                kv = shape.kv_bytes(context, precision)
                bars.append(
                    FootprintBar(shape, context, batch, weights, kv, shape.decode_oi(context, batch, precision))
                )
    return tuple(bars)
