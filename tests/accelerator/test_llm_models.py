from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorplan.accelerator.hardware import hardware
from floorplan.accelerator.llm import MODELS, ShapeError, model
from floorplan.accelerator.llm.operators import attention_decode_oi, mla_decode_oi
from floorplan.errors import UnknownNameError

# Total and active (without the input embedding) in 1e9, cache bytes a token at 16 bit, GB of it at 128Ki, decode OI of
# attention. The reference leaves out 0.04 of biases in gpt-oss-120b, and gives Llama 4's cache at 128Ki as an upper
# bound, without its chunked layers.
TABLE = {
    "llama3-70b": (70.55, 69.50, 327_680, 42.95, 8.0),
    "llama3-8b": (8.03, 7.50, 131_072, 17.18, 4.0),
    "llama3-405b": (405.85, 403.75, 516_096, 67.65, 16.0),
    "deepseek-v3": (671.03, 36.62, 70_272, 9.21, 241.8),
    "deepseek-r1": (671.03, 36.62, 70_272, 9.21, 241.8),
    "llama4-scout": (107.77, 16.14, 196_608, 7.65, 5.0),
    "llama4-maverick": (400.71, 16.15, 196_608, 7.65, 5.0),
    "qwen3-235b": (235.09, 21.57, 192_512, 25.23, 16.0),
    "qwen3-30b-a3b": (30.53, 3.04, 98_304, 12.88, 8.0),
    "qwen3-32b": (32.76, 31.98, 262_144, 34.36, 8.0),
    "gpt-oss-120b": (116.83, 5.13, 73_728, 4.84, 8.0),
    "gpt-oss-20b": (20.91, 3.61, 49_152, 3.22, 8.0),
}

# Context in tokens -> footprint in GB at batch 1 and 16, decode OI at batch 1 and 16: LLaMA3-70B in bf16.
FOOTPRINT = {
    2_000: (141.8, 9.5, 1.03, 15.4),
    8_000: (143.7, 11.4, 1.13, 14.2),
    32_000: (151.6, 19.3, 1.49, 11.6),
    85_000: (169.0, 36.7, 2.17, 9.9),
    156_000: (192.2, 59.9, 2.88, 9.2),
    300_000: (239.4, 107.1, 3.90, 8.7),
    1_000_000: (468.8, 336.5, 5.92, 8.2),
}


def test_the_table_covers_the_catalogue() -> None:
    assert set(TABLE) == set(MODELS)


@pytest.mark.parametrize("name", TABLE)
def test_parameters_and_cache_follow_from_the_shape(name: str) -> None:
    m = model(name)
    total, active, per_token, at_128k, _ = TABLE[name]
    assert m.total_params / 1e9 == pytest.approx(total, abs=0.0051)
    assert m.active_params / 1e9 == pytest.approx(active, abs=0.0061)
    assert m.kv_bytes_per_token("bf16") == per_token
    assert m.kv_bytes(131072, "bf16") / 1e9 == pytest.approx(at_128k, abs=0.0051)


@pytest.mark.parametrize("name", MODELS)
def test_shapes_count_the_published_weights_to_the_last_element(name: str) -> None:
    m = model(name)
    assert m.total_params + m.outside_params == m.checkpoint_params


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("deepseek-v3", {"shared_experts": 9}),  # a shared expert as wide as a dense layer, as one tool has it
        ("deepseek-v3", {"dense_layers": 1}),
        ("qwen3-30b-a3b", {"attention": replace(model("qwen3-30b-a3b").attention, head_dim=64)}),  # 2048 / 32
        ("llama3-8b", {"vocab": 32000}),
        ("llama4-maverick", {"dense_layers": 23}),
    ],
)
def test_a_wrong_shape_misses_the_published_total(name: str, change: dict[str, object]) -> None:
    m = replace(model(name), **change)
    assert m.total_params + m.outside_params != pytest.approx(m.published_params, rel=0.005)


@pytest.mark.parametrize("name", MODELS)
def test_totals_are_within_half_a_percent_of_what_the_authors_publish(name: str) -> None:
    m = model(name)
    assert m.published_params > 0
    assert m.published_source
    assert m.total_params + m.outside_params == pytest.approx(m.published_params, rel=0.005)


def test_scout_meets_its_published_total_only_with_the_vision_tower() -> None:
    scout = model("llama4-scout")
    assert scout.total_params / scout.published_params - 1 == pytest.approx(-0.0113, abs=1e-4)
    assert scout.outside_params / 1e9 == pytest.approx(0.87, abs=0.005)
    assert "vision tower" in scout.note


@pytest.mark.parametrize("name", MODELS)
def test_parts_add_up_to_the_total(name: str) -> None:
    m = model(name)
    assert m.embedding_params + m.always_params + m.routed_params + m.vector_params == m.total_params
    assert m.vector_params < 0.0005 * m.total_params
    assert m.weights_read_bytes(1, "fp8") == pytest.approx(m.active_params)
    assert m.weight_bytes("fp8") == m.total_params
    assert m.source


@pytest.mark.parametrize("name", TABLE)
def test_decode_attention_has_the_intensity_of_its_formula(name: str) -> None:
    m = model(name)
    a = m.attention
    formula = (
        mla_decode_oi(a.heads, a.latent_dim, a.rope_dim, 2.0)
        if a.kind == "mla"
        else attention_decode_oi(a.heads, a.kv_heads, 2.0)
    )
    assert formula == pytest.approx(TABLE[name][4], abs=0.05)
    for context in (1, 4096, 300_000):
        assert m.attention_flops(context) / m.kv_bytes(context, "bf16") == pytest.approx(formula)


@pytest.mark.parametrize("context", FOOTPRINT)
def test_footprint_and_intensity_of_a_70b_model_by_context(context: int) -> None:
    m = model("llama3-70b")
    cf1, cf16, oi1, oi16 = FOOTPRINT[context]
    assert m.capacity_footprint_bytes(context, 1) / 1e9 == pytest.approx(cf1, abs=0.051)
    assert m.capacity_footprint_bytes(context, 16) / 1e9 == pytest.approx(cf16, abs=0.051)
    assert m.decode_oi(context, 1) == pytest.approx(oi1, abs=0.0051)
    assert m.decode_oi(context, 16) == pytest.approx(oi16, rel=0.007)  # the reference counts the input embedding here


def test_intensity_tends_to_that_of_attention_far_below_the_ridge() -> None:
    m = model("llama3-70b")
    assert m.decode_oi(10**10, 1) == pytest.approx(8.0, rel=1e-3)
    assert m.decode_oi(10**10, 64) == pytest.approx(8.0, rel=1e-3)
    assert hardware("b200").ridge("bf16") / m.decode_oi(10**10, 1) == pytest.approx(35, rel=0.01)


def test_a_cached_turn_is_compute_bound_and_its_decoding_is_not() -> None:
    # 85.5K of context on average, 3.6K of it new (141K over 39 turns), all in FP8.
    new, prefix = 3615, 85_500 - 3615 // 2
    dense, mla = model("llama3-70b"), model("deepseek-v3")
    assert dense.prefill_oi(new, prefix, "fp8") == pytest.approx(15_473, rel=0.02)
    assert mla.prefill_oi(new, prefix, "fp8") == pytest.approx(2_626, rel=0.05)
    assert dense.decode_oi(85_000, 1, "fp8") == pytest.approx(4.3, abs=0.05)
    assert dense.decode_oi(85_000, 16, "fp8") == pytest.approx(19.8, abs=0.1)
    assert mla.decode_oi(85_000, 1, "fp8") == pytest.approx(38, rel=0.02)
    assert mla.decode_oi(85_000, 16, "fp8") == pytest.approx(75, rel=0.02)


@pytest.mark.parametrize("name", [n for n, m in MODELS.items() if m.experts])
def test_a_large_batch_reads_every_expert_and_no_more(name: str) -> None:
    m = model(name)
    everything = (m.total_params - m.embedding_params - m.vector_params) * 2.0
    assert m.weights_read_bytes(10**9, "bf16") == pytest.approx(everything)
    read = [m.weights_read_bytes(b, "bf16") for b in (1, 2, 16, 256, 10**9)]
    assert read == sorted(read)
    assert read[0] < read[1] <= everything


def test_a_dense_model_reads_the_same_weights_at_every_batch() -> None:
    m = model("llama3-8b")
    assert m.weights_read_bytes(1, "bf16") == m.weights_read_bytes(4096, "bf16") == 2.0 * m.active_params


def test_moe_decodes_at_a_lower_intensity_than_a_dense_model_of_its_active_size() -> None:
    moe = model("qwen3-30b-a3b")
    dense = replace(moe, experts=0, experts_per_token=0, expert_ffn=0, ffn=8 * 768, dense_layers=48)
    assert dense.active_params == pytest.approx(moe.active_params, rel=0.005)
    assert moe.decode_oi(4096, 1) == pytest.approx(dense.decode_oi(4096, 1), rel=0.01)
    assert moe.decode_oi(4096, 16) < 0.5 * dense.decode_oi(4096, 16)


def test_published_gpt_oss_checkpoints_hold_only_experts_in_mxfp4() -> None:
    m = model("gpt-oss-120b")
    assert m.weight_bytes("bf16", "mxfp4") / 2**30 == pytest.approx(60.8, rel=0.01)  # the model card's checkpoint size
    assert m.weight_bytes("mxfp4") < m.weight_bytes("bf16", "mxfp4") < m.weight_bytes("bf16")
    assert m.weights_read_bytes(1, "bf16", "mxfp4") < m.weights_read_bytes(1, "bf16")


@given(st.sampled_from(sorted(MODELS)), st.integers(0, 200_000), st.integers(1, 512), st.integers(1, 10_000))
def test_footprint_and_intensity_move_the_way_they_must(name: str, context: int, batch: int, more: int) -> None:
    m = model(name)
    assert m.capacity_footprint_bytes(context + more, batch) > m.capacity_footprint_bytes(context, batch)
    assert m.capacity_footprint_bytes(context, batch + more) < m.capacity_footprint_bytes(context, batch)
    assert m.capacity_footprint_bytes(context, batch, "fp8") == pytest.approx(
        m.capacity_footprint_bytes(context, batch) / 2
    )
    assert m.decode_oi(context, batch, "fp8") == pytest.approx(2 * m.decode_oi(context, batch))
    assert m.decode_flops(context + more) > m.decode_flops(context)
    assert batch * m.capacity_footprint_bytes(context, batch) >= m.decode_bytes(context, batch)


def test_a_narrow_cache_beside_wide_weights_is_counted_as_such() -> None:
    m = model("llama3-8b")
    assert m.capacity_footprint_bytes(1000, 1, "bf16", "fp8") == m.weight_bytes("bf16") + 65_536 * 1000
    assert m.decode_bytes(1000, 2, "bf16", "fp8") == m.weights_read_bytes(2, "bf16") + 2 * 65_536 * 1000


def test_no_request_is_no_footprint() -> None:
    with pytest.raises(ShapeError, match="does not fit"):
        model("llama3-8b").capacity_footprint_bytes(4096, 0)
    with pytest.raises(ShapeError, match="does not fit"):
        model("llama3-8b").decode_oi(4096, 0)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"layers": 0, "dense_layers": 0}, "positive"),
        ({"dense_layers": 33}, "dense layers of"),
        ({"dense_layers": 16}, "with 0 experts"),
        ({"dense_layers": 16, "experts": 8, "experts_per_token": 9, "expert_ffn": 64}, "per token"),
        ({"ffn": 0}, "inner width"),
    ],
)
def test_models_that_contradict_themselves_are_refused(change: dict[str, int], what: str) -> None:
    with pytest.raises(ShapeError, match=what):
        replace(model("llama3-8b"), **change)


def test_more_windowed_layers_than_layers_are_refused() -> None:
    m = model("llama3-8b")
    with pytest.raises(ShapeError, match="windowed layers"):
        replace(m, attention=replace(m.attention, window=8, windowed_layers=33))


def test_an_unknown_model_is_named_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"gpt-5.*llama3-70b"):
        model("gpt-5")
