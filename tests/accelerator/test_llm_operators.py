from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorplan.accelerator.llm import PRECISIONS, cache_precision, model, precision
from floorplan.accelerator.llm.operators import (
    attended_keys,
    attention_decode_oi,
    attention_prefill_oi,
    experts_touched,
    ffn_decode_oi,
    kv_per_token_naive,
    matmul_cf,
    matmul_flops,
    matmul_oi,
    mla_decode_oi,
    speculative_oi,
    speculative_tokens,
)
from floorplan.errors import UnknownNameError

sizes = st.integers(1, 4096)


@given(sizes, sizes, sizes)
def test_matmul_intensity_is_operations_over_operands_moved_once(m: int, d: int, tokens: int) -> None:
    per_element = matmul_oi(m, d, tokens)
    assert per_element == pytest.approx(matmul_flops(m, d, tokens) / (m * d + d * tokens + m * tokens))
    # The paper omits the element size: 16-bit operands halve the figure, per byte.
    assert matmul_oi(m, d, tokens, 2.0) == pytest.approx(per_element / 2.0)
    assert per_element <= 2.0 * min(m, d, tokens)


def test_one_token_costs_two_operations_per_element_and_one_per_byte_at_16_bit() -> None:
    assert matmul_oi(1 << 14, 1 << 14, 1) == pytest.approx(2.0, rel=2e-4)
    assert matmul_oi(1 << 14, 1 << 14, 1, 2.0) == pytest.approx(1.0, rel=2e-4)


def test_capacity_footprint_shares_weights_over_the_batch_but_never_the_cache() -> None:
    m, d, b = 4096, 8192, 2.0
    assert matmul_cf(m, d, 1, b) == b * m * d
    assert matmul_cf(m, d, 16, b) == b * m * d / 16
    assert matmul_cf(m, d, 16, b, cached_tokens=100) == b * (2 * d * 100 + m * d / 16)
    assert matmul_cf(m, d, 1 << 40, b, cached_tokens=100) == pytest.approx(b * 2 * d * 100, rel=1e-6)


def test_the_lectures_cache_equation_counts_a_70b_model_eight_times() -> None:
    m = model("llama3-70b")
    naive = kv_per_token_naive(m.layers, m.hidden, 2.0)
    assert naive == 2_621_440
    assert naive / m.kv_bytes_per_token("bf16") == 8.0


def test_the_lectures_equation_holds_where_every_head_has_its_own_keys() -> None:
    assert kv_per_token_naive(32, 4096, 2.0) == 2 * 32 * (32 * 128) * 2.0  # LLaMA-7B: 32 heads of 128 span the width


def test_attention_intensities_of_the_reference() -> None:
    assert attention_decode_oi(32, 32, 2.0) == 1.0
    assert attention_decode_oi(64, 8, 2.0) == 8.0
    assert mla_decode_oi(128, 512, 64, 2.0) == pytest.approx(241.8, abs=0.05)
    assert attention_prefill_oi(64, 8, 8192, 2.0) == pytest.approx(3641, abs=0.5)


def test_prefill_intensity_follows_from_counting_causal_pairs_and_operands() -> None:
    heads, kv_heads, dim, tokens = 64, 8, 128, 8192
    flops = 4 * heads * dim * attended_keys(tokens, 0)
    moved = 2.0 * tokens * dim * (2 * heads + 2 * kv_heads)
    assert flops / moved == pytest.approx(attention_prefill_oi(heads, kv_heads, tokens, 2.0), rel=2e-4)


@pytest.mark.parametrize("batch", [1, 16, 64])
def test_a_dense_layers_intensity_is_the_batch_at_16_bit(batch: int) -> None:
    assert ffn_decode_oi(batch, 2.0) == batch
    assert matmul_oi(28672, 8192, batch, 2.0) == pytest.approx(batch, rel=0.02)


def test_experts_touched_run_from_those_of_one_token_to_all() -> None:
    assert experts_touched(256, 8, 1) == pytest.approx(8.0)
    assert experts_touched(256, 8, 0) == 0.0
    assert experts_touched(256, 8, 1e9) == 256.0
    assert experts_touched(4, 4, 1) == 4.0
    assert experts_touched(0, 0, 7) == 0.0
    assert experts_touched(128, 8, 2) == pytest.approx(8 + 8 - 8 * 8 / 128)  # inclusion and exclusion


@given(st.integers(1, 512), st.integers(1, 16), st.integers(1, 1000))
def test_experts_touched_grow_with_tokens_and_never_pass_what_exists(experts: int, k: int, tokens: int) -> None:
    k = min(k, experts)
    now, then = experts_touched(experts, k, tokens), experts_touched(experts, k, tokens + 1)
    assert now <= then <= experts
    assert now <= k * tokens * (1 + 1e-12)


@given(st.integers(0, 60), st.integers(0, 60), st.one_of(st.none(), st.integers(1, 80)))
def test_attended_keys_are_those_of_the_causal_mask(new: int, prefix: int, window: int | None) -> None:
    seen = [prefix + i if window is None else min(prefix + i, window) for i in range(1, new + 1)]
    assert attended_keys(new, prefix, window) == sum(seen)


def test_speculation_yields_between_one_token_and_all_drafts_and_one() -> None:
    assert speculative_tokens(0.0, 4) == 1.0
    assert speculative_tokens(1.0, 4) == 5.0
    assert speculative_tokens(0.8, 4) == pytest.approx(sum(0.8**i for i in range(5)))
    assert speculative_tokens(1.0 - 1e-9, 4) == pytest.approx(5.0)
    assert speculative_oi(4.0, 3) == 16.0


@pytest.mark.parametrize(
    ("name", "bits"),
    [("fp16", 16), ("bf16", 16), ("fp8", 8), ("int8", 8), ("int4", 4.15625), ("mxfp4", 4.25), ("nvfp4", 4.5)],
)
def test_four_bit_formats_pay_for_their_scales(name: str, bits: float) -> None:
    assert precision(name).bits_per_element == bits
    assert precision(name).bytes_per_element == bits / 8
    assert precision(precision(name)) is PRECISIONS[name]


def test_fp4_scales_add_an_eighth_to_a_model() -> None:
    m = model("llama3-70b")
    assert m.weight_bytes("nvfp4") / (m.total_params * 0.5) == pytest.approx(1.125)
    assert m.weight_bytes("mxfp4") / (m.total_params * 0.5) == pytest.approx(1.0625)


def test_four_bit_weights_keep_an_eight_bit_cache() -> None:
    assert {n: cache_precision(n).name for n in ("bf16", "int8", "nvfp4", "int4")} == {
        "bf16": "bf16",
        "int8": "int8",
        "nvfp4": "fp8",
        "int4": "fp8",
    }


def test_an_unknown_precision_is_named_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"fp6.*bf16.*nvfp4"):
        precision("fp6")


def test_every_precision_can_be_multiplied_somewhere_and_says_where_it_is_defined() -> None:
    for p in PRECISIONS.values():
        assert p.arithmetic
        assert p.source
        assert math.isfinite(p.bits_per_element)
