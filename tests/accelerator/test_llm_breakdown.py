from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorplan.accelerator.hardware import hardware
from floorplan.accelerator.llm import MODELS, Operator, ShapeError, decode_operators, model, prefill_operators


def total(rows: tuple[Operator, ...], field: str) -> float:
    return math.fsum(getattr(r, field) for r in rows)


def named(rows: tuple[Operator, ...]) -> dict[str, Operator]:
    return {r.name: r for r in rows}


@given(st.sampled_from(sorted(MODELS)), st.integers(0, 300_000), st.integers(1, 300))
def test_decode_operators_add_up_to_the_models_own_figures(name: str, context: int, batch: int) -> None:
    m = model(name)
    rows = decode_operators(m, context, batch, "nvfp4", "fp8")
    assert total(rows, "flops") == pytest.approx(batch * m.decode_flops(context), rel=1e-12)
    assert total(rows, "read_bytes") == pytest.approx(m.decode_bytes(context, batch, "nvfp4", "fp8"), rel=1e-12)
    assert total(rows, "cf_bytes") == pytest.approx(
        m.capacity_footprint_bytes(context, batch, "nvfp4", "fp8"), rel=1e-12
    )


@given(st.sampled_from(sorted(MODELS)), st.integers(1, 20_000), st.integers(0, 100_000))
def test_prefill_operators_add_up_to_the_models_own_figures(name: str, new: int, prefix: int) -> None:
    m = model(name)
    rows = prefill_operators(m, new, prefix, "fp8")
    assert total(rows, "flops") == pytest.approx(m.prefill_flops(new, prefix), rel=1e-12)
    assert total(rows, "read_bytes") == pytest.approx(m.prefill_bytes(new, prefix, "fp8"), rel=1e-12)


def test_a_batch_lifts_the_intensity_of_weights_and_never_that_of_attention() -> None:
    one, many = (named(decode_operators(model("llama3-70b"), 8192, b)) for b in (1, 64))
    for row in ("projections", "dense ffn", "head"):
        assert one[row].oi == pytest.approx(1.0)
        assert many[row].oi == pytest.approx(64.0)
    assert one["attention"].oi == pytest.approx(8.0)
    assert many["attention"].oi == pytest.approx(8.0)
    assert many["dense ffn"].cf_bytes == one["dense ffn"].cf_bytes / 64
    assert many["attention"].cf_bytes == one["attention"].cf_bytes


def test_experts_hold_most_of_the_memory_and_read_little_of_it() -> None:
    rows = named(decode_operators(model("deepseek-v3"), 4096))
    experts = rows["routed experts"]
    assert experts.resident_bytes / total(tuple(rows.values()), "resident_bytes") > 0.95
    assert experts.read_bytes / experts.resident_bytes == pytest.approx(8 / 256)
    assert set(rows) == {
        *("projections", "attention", "dense ffn", "shared experts"),
        *("router", "norms", "head", "routed experts", "embedding"),
    }


def test_prefill_passes_the_ridge_that_decoding_stays_below() -> None:
    m, ridge = model("llama3-70b"), hardware("b200").ridge("bf16")
    assert all(r.oi > ridge for r in prefill_operators(m, 4096) if r.flops)
    assert all(r.oi < ridge / 30 for r in decode_operators(m, 4096, 8) if r.flops)


def test_what_reads_nothing_has_no_intensity() -> None:
    rows = named(decode_operators(model("llama3-8b"), 0))
    assert math.isnan(rows["embedding"].oi)
    assert math.isnan(rows["attention"].oi)
    assert "router" not in rows


def test_no_request_is_no_step() -> None:
    with pytest.raises(ShapeError, match="0 requests"):
        decode_operators(model("llama3-8b"), 10, 0)
