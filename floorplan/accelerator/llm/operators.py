"""Operational intensity and capacity footprint of single operators (arXiv 2601.22001, section 2).

A multiply-add counts as two operations. Intensities are FLOP per byte, or FLOP per element where no element size is
given, as the paper states them. Nothing here knows a model; `LlmModel` composes these.
"""

from __future__ import annotations

import math

__all__ = [
    "attended_keys",
    "attention_decode_oi",
    "attention_prefill_oi",
    "experts_touched",
    "ffn_decode_oi",
    "kv_per_token_naive",
    "matmul_cf",
    "matmul_flops",
    "matmul_oi",
    "mla_decode_oi",
    "speculative_oi",
    "speculative_tokens",
]


def matmul_flops(m: int, d: int, L: int) -> float:
    """Return the FLOP of (m, d) @ (d, L)."""
    return 2.0 * m * d * L


def matmul_oi(m: int, d: int, L: int, bytes_per_element: float | None = None) -> float:
    """Return the intensity of (m, d) @ (d, L), every operand moved once: 2mdL / (md + dL + mL).

    Args:
        m: outputs.
        d: inputs.
        L: columns, i.e. tokens.
        bytes_per_element: element size; None gives the paper's FLOP per element.
    """
    elements = float(m) * d + float(d) * L + float(m) * L
    return matmul_flops(m, d, L) / (elements * (1.0 if bytes_per_element is None else bytes_per_element))


def matmul_cf(m: int, d: int, batch: int, bytes_per_element: float, cached_tokens: int = 0) -> float:
    """Return the bytes of memory that one request needs for a matmul's weights and its cache: b (2 d L + m d / B).

    `cached_tokens` = L is the context whose keys and values (of full width d) stay resident; 0 leaves md / B.
    """
    return bytes_per_element * (2.0 * d * cached_tokens + float(m) * d / batch)


def kv_per_token_naive(layers: int, hidden: int, bytes_per_element: float) -> float:
    """Return 2 * layers * hidden * bytes: exact only where every head has keys of its own and heads span the width.

    It over-counts grouped heads by hidden / (kv_heads * head_dim): 8 times for LLaMA3-70B.
    """
    return 2.0 * layers * hidden * bytes_per_element


def attention_decode_oi(heads: int, kv_heads: int, bytes_per_element: float) -> float:
    """Return 2 (heads / kv_heads) / b, the intensity of one decoded token's attention at any context and batch."""
    return 2.0 * (heads / kv_heads) / bytes_per_element


def mla_decode_oi(heads: int, latent_dim: int, rope_dim: int, bytes_per_element: float) -> float:
    """Return 2 n_h (2 d_c + d_r) / ((d_c + d_r) b): all heads read one latent (absorbed form, arXiv 2405.04434)."""
    return 2.0 * heads * (2 * latent_dim + rope_dim) / ((latent_dim + rope_dim) * bytes_per_element)


def attention_prefill_oi(heads: int, kv_heads: int, tokens: int, bytes_per_element: float) -> float:
    """Return n_h L / (b (n_h + n_kv)): causal, scores never leave the chip, Q, K, V and O move once."""
    return heads * tokens / (bytes_per_element * (heads + kv_heads))


def ffn_decode_oi(batch: int, bytes_per_element: float) -> float:
    """Return 2B / b, the intensity of a dense layer whose weights outweigh its activations."""
    return 2.0 * batch / bytes_per_element


def experts_touched(experts: int, experts_per_token: int, tokens: float) -> float:
    """Return E (1 - (1 - k/E)^B), the expected count of experts that B tokens wake, routed uniformly and independently.

    Skewed routing touches fewer. It is k at one token and tends to E.
    """
    if experts == 0:
        return 0.0
    return experts * (1.0 - math.pow(1.0 - experts_per_token / experts, tokens))


def attended_keys(new_tokens: int, prefix_tokens: int, window: int | None = None) -> int:
    """Return the query-key pairs of causal attention: sum over i = 1..N of min(P + i, window)."""
    n, p = new_tokens, prefix_tokens
    if window is None or p + n <= window:
        return n * p + n * (n + 1) // 2
    ramp = max(0, window - p)  # new tokens that still see everything before them
    return ramp * p + ramp * (ramp + 1) // 2 + (n - ramp) * window


def speculative_tokens(acceptance: float, drafted: int) -> float:
    """Return (1 - a^(g+1)) / (1 - a), the tokens that one verification of g drafts yields (arXiv 2211.17192, eq. 1)."""
    if acceptance >= 1.0:
        return float(drafted + 1)
    return (1.0 - math.pow(acceptance, drafted + 1)) / (1.0 - acceptance)


def speculative_oi(decode_oi: float, drafted: int) -> float:
    """Return the intensity of verifying g drafts: weights and cache are read once for g + 1 tokens."""
    return decode_oi * (drafted + 1)
