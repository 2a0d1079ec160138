from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorplan.accelerator.llm import Attention, LlmModel, ShapeError, model

MHA = Attention("mha", 32, 32, 64)


def figure3(attention: Attention) -> LlmModel:
    """The source paper's example: 48 layers, width 2048, 32 heads; feed-forward and vocabulary do not matter here."""
    return LlmModel("figure 3", 48, 2048, attention, ffn=5632, dense_layers=48, vocab=32000, source="arXiv 2601.22001")


def mla(latent: int, rope: int) -> Attention:
    return Attention("mla", 32, 32, 64 + rope, latent_dim=latent, rope_dim=rope, nope_dim=64, value_dim=64)


# Scheme -> bytes a token, decimal GB at 4Ki, 32Ki, 128Ki, 256Ki and 1Mi tokens, million tokens in 80, 141 and 180 GB.
# The first five rows read the head dimension as 2048 / 32, the sixth as the 128 of the model with this very shape.
FIGURE3 = {
    "MHA 64": (MHA, 393_216, "1.61 12.88 51.54 103.08 412.3", "0.20 0.36 0.46"),
    "GQA 8": (Attention("gqa", 32, 8, 64), 98_304, "0.40 3.22 12.88 25.77 103.1", "0.81 1.43 1.83"),
    "GQA 4": (Attention("gqa", 32, 4, 64), 49_152, "0.20 1.61 6.44 12.88 51.5", "1.63 2.87 3.66"),
    "MLA 256": (mla(256, 32), 27_648, "0.11 0.91 3.62 7.25 29.0", "2.89 5.10 6.51"),
    "MLA 512": (mla(512, 64), 55_296, "0.23 1.81 7.25 14.50 58.0", "1.45 2.55 3.26"),
    "MHA 128": (Attention("mha", 32, 32, 128), 786_432, "3.22 25.77 103.1 206.2 824.6", "0.10 0.18 0.23"),
}


def printed(text: str) -> list[object]:
    """Figures as a table prints them: each may be off by half a unit of its last digit."""
    return [pytest.approx(float(t), abs=0.501 * 10.0 ** -len(t.partition(".")[2])) for t in text.split()]


@pytest.mark.parametrize("row", FIGURE3)
def test_figure_3_of_the_source_paper(row: str) -> None:
    attention, per_token, gigabytes, capacity = FIGURE3[row]
    m = figure3(attention)
    assert m.kv_bytes_per_token("bf16") == per_token
    contexts = (4096, 32768, 131072, 262144, 1048576)
    assert [m.kv_bytes(c, "bf16") / 1e9 for c in contexts] == printed(gigabytes)
    assert [gb * 1e3 / m.kv_bytes_per_token("bf16") for gb in (80, 141, 180)] == printed(capacity)


def test_figure_3_ratios_hold_under_both_readings_if_the_latent_scales_with_the_head() -> None:
    for head in (64, 128):
        kv = [
            figure3(a).kv_bytes_per_token("bf16")
            for a in (
                Attention("mha", 32, 32, head),
                Attention("gqa", 32, 8, head),
                Attention("mla", 32, 32, head + head // 2, 4 * head, head // 2, head, head),
            )
        ]
        assert kv[0] / kv[2] == pytest.approx(14.2, abs=0.03)
        assert kv[1] / kv[2] == pytest.approx(3.56, abs=0.01)
        assert kv[2] / (kv[0] / 32) == 2.25  # MLA is a GQA of 2.25 groups


def test_grouped_and_multi_query_attention_are_one_formula() -> None:
    kinds = [Attention("mha", 32, 32, 64), Attention("gqa", 32, 8, 64), Attention("mqa", 32, 1, 64)]
    assert [a.kv_elements() for a in kinds] == [2 * 32 * 64, 2 * 8 * 64, 2 * 64]
    assert len({a.flops_per_key() for a in kinds}) == 1  # sharing keys saves bytes, not operations


def test_absorbed_mla_stores_71_times_less_and_computes_3_4_times_more_per_key() -> None:
    v3 = model("deepseek-v3")
    naive = v3.kv_bytes_per_token("bf16", absorbed=False)
    assert naive == 2 * 61 * 128 * (192 + 128)
    assert naive / v3.kv_bytes_per_token("bf16") == pytest.approx(71.1, abs=0.05)
    absorbed, plain = v3.attention_flops(1000), v3.attention_flops(1000, absorbed=False)
    assert absorbed == 61 * 2 * 128 * 1000 * (2 * 512 + 64)
    assert absorbed / plain == pytest.approx(3.4)
    per_token = v3.kv_bytes_per_token("bf16")
    assert absorbed / (1000 * per_token) == pytest.approx(241.8, abs=0.05)
    assert plain / (1000 * naive) == pytest.approx(1.0)  # naive MLA reads like MHA


def test_prefill_runs_mla_naive_and_may_pay_for_expanding_the_prefix() -> None:
    v3 = model("deepseek-v3")
    plain, absorbed = v3.prefill_flops(3600, 85000), v3.prefill_flops(3600, 85000, absorbed=True)
    expanded = v3.prefill_flops(3600, 85000, expand_prefix=True)
    assert plain < expanded < absorbed
    assert expanded - plain == 2.0 * 85000 * 61 * 512 * 128 * (128 + 128)
    gqa = model("llama3-70b")
    assert gqa.prefill_flops(10, 100, expand_prefix=True) == gqa.prefill_flops(10, 100, absorbed=True)


@given(st.integers(0, 3000), st.integers(1, 3000), st.integers(1, 12))
def test_a_window_caps_its_layers_and_leaves_the_others(context: int, window: int, windowed: int) -> None:
    a = Attention("gqa", 8, 2, 64, window=window, windowed_layers=windowed)
    assert a.cached_tokens(12, context) == (12 - windowed) * context + windowed * min(context, window)
    free = replace(a, window=0, windowed_layers=0)
    assert a.cached_tokens(12, context) <= free.cached_tokens(12, context)
    if window >= context:
        assert a.cached_tokens(12, context) == free.cached_tokens(12, context)


def test_gpt_oss_caches_128_tokens_in_every_second_layer() -> None:
    m = model("gpt-oss-120b")
    assert m.kv_bytes(100, "bf16") == 73_728 * 100  # the window is wider than the context
    assert m.kv_bytes(128, "bf16") == 73_728 * 128
    assert m.kv_bytes(129, "bf16") - m.kv_bytes(128, "bf16") == 36_864
    assert m.kv_bytes(131072, "bf16") / 1e9 == pytest.approx(4.84, abs=0.005)


def test_llama4_chunks_make_the_reference_figure_an_upper_bound() -> None:
    m = model("llama4-scout")
    unchunked = replace(m, attention=replace(m.attention, window=0, windowed_layers=0))
    assert unchunked.kv_bytes(131072, "bf16") / 1e9 == pytest.approx(25.77, abs=0.005)
    assert m.kv_bytes(131072, "bf16") == 2 * 2 * 8 * 128 * (12 * 131072 + 36 * 8192)


def test_an_empty_context_costs_weights_only() -> None:
    for name in ("llama3-70b", "deepseek-v3", "gpt-oss-20b"):
        m = model(name)
        assert m.kv_bytes(0, "bf16") == 0.0
        assert m.attention_flops(0) == 0.0
        assert m.decode_flops(0) == 2.0 * m.active_params
        assert m.prefill_flops(0, 5000) == 0.0
        assert m.decode_oi(0) == pytest.approx(1.0)


@given(st.integers(0, 20000), st.sampled_from(["llama3-8b", "gpt-oss-120b", "llama4-scout", "deepseek-v3"]))
def test_prefilling_one_token_is_decoding_it(prefix: int, name: str) -> None:
    m = model(name)
    assert m.prefill_flops(1, prefix, absorbed=True) == m.decode_flops(prefix + 1)


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(0, 5000))
def test_prefill_in_two_chunks_computes_what_one_computes(first: int, second: int, prefix: int) -> None:
    m = model("gpt-oss-20b")
    parts = m.prefill_flops(first, prefix) + m.prefill_flops(second, prefix + first)
    assert parts == pytest.approx(m.prefill_flops(first + second, prefix), rel=1e-12)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"kind": "linear"}, "none of"),
        ({"heads": 0}, "do not divide"),
        ({"kind": "gqa", "kv_heads": 5}, "do not divide"),
        ({"kv_heads": 8}, "as many key-value heads"),
        ({"kind": "mqa", "kv_heads": 2}, "one key-value head"),
        ({"latent_dim": 512, "nope_dim": 64, "value_dim": 64}, "belong to mla"),
        ({"kind": "mla"}, "needs all three"),
        ({"kind": "mla", "latent_dim": 512, "nope_dim": 64, "value_dim": 64, "rope_dim": 32}, "is not the head's"),
        ({"window": 128}, "needs windowed layers"),
        ({"windowed_layers": 4}, "needs windowed layers"),
        ({"window": -1, "windowed_layers": -1}, "window"),
    ],
)
def test_shapes_that_contradict_themselves_are_refused(change: dict[str, int | str], what: str) -> None:
    with pytest.raises(ShapeError, match=what):
        replace(MHA, **change)


def test_negative_token_counts_are_refused() -> None:
    m = model("llama3-8b")
    with pytest.raises(ShapeError, match="context"):
        m.kv_bytes(-1, "bf16")
    with pytest.raises(ShapeError, match="new tokens"):
        m.prefill_flops(-1)
    with pytest.raises(ShapeError, match="prefix"):
        m.prefill_flops(1, -1)
