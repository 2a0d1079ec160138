from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorplan.accelerator.hardware import HARDWARE, hardware, refuse_claim
from floorplan.accelerator.hardware.claims import bandwidth_roof_tokens_per_s
from floorplan.accelerator.llm import MODELS, model
from floorplan.accelerator.roofline import operate
from floorplan.accelerator.workloads import workload

LLAMA2_70B = replace(model("llama3-70b"), name="llama2-70b", vocab=32000)  # the same layers under a smaller vocabulary
LLAMA2_7B = replace(
    model("llama3-8b"),
    name="llama2-7b",
    attention=replace(model("llama3-8b").attention, kind="mha", kv_heads=32),
    ffn=11008,
    vocab=32000,
)


@pytest.mark.parametrize(
    ("chip", "weights", "roof"), [("h100", "fp8", 47.7), ("h200", "fp8", 68.4), ("b200", "nvfp4", 201.0)]
)
def test_batch_one_roofs_of_a_70b_model(chip: str, weights: str, roof: float) -> None:
    m, h = model("llama3-70b"), hardware(chip)
    found = bandwidth_roof_tokens_per_s(m, h, 1, weights, 1, 4096)
    assert found == pytest.approx(roof, rel=2e-3)
    assert refuse_claim(m, h, 1, weights, 1, 4096, found) is None
    reason = refuse_claim(m, h, 1, weights, 1, 4096, found * 1.02)
    assert reason is not None
    assert "bandwidth roof" in reason


@pytest.mark.parametrize("tokens_per_s", [85.0, 110.0])
def test_a_70b_model_in_fp16_on_one_h100_is_refused(tokens_per_s: float) -> None:
    reason = refuse_claim(LLAMA2_70B, hardware("h100"), 1, "fp16", 1, 4096, tokens_per_s)
    assert reason is not None
    assert "do not fit 1 x 80 GB of h100" in reason
    assert "bandwidth roof of 48" in reason
    assert "2 x h100" in reason


def test_the_same_claim_on_two_chips_fits_and_still_fails() -> None:
    reason = refuse_claim(LLAMA2_70B, hardware("h100"), 2, "fp16", 1, 4096, 85.0)
    assert reason is not None
    assert "fit" not in reason
    assert "bandwidth roof" in reason
    assert refuse_claim(LLAMA2_70B, hardware("h100"), 2, "fp16", 1, 4096, 40.0) is None


def test_capacity_alone_refuses_a_slow_claim() -> None:
    reason = refuse_claim(model("deepseek-v3"), hardware("h100"), 1, "fp8", 1, 4096, 1.0)
    assert reason is not None
    assert reason.startswith("671.2 GB do not fit 1 x 80 GB")
    assert "roof" not in reason


def test_the_cache_counts_towards_capacity() -> None:
    m, h = model("llama3-8b"), hardware("h100")
    assert refuse_claim(m, h, 1, "fp8", 64, 8192, 100.0) is None
    reason = refuse_claim(m, h, 1, "fp8", 512, 8192, 100.0)
    assert reason is not None
    assert "do not fit" in reason


def test_a_large_batch_meets_the_compute_roof() -> None:
    m, h = model("llama3-8b"), hardware("h200")
    reason = refuse_claim(m, h, 1, "fp8", 8192, 16, 200_000.0)
    assert reason is not None
    assert "compute roof" in reason
    assert "bandwidth" not in reason


def test_speculation_lifts_the_bandwidth_roof_and_no_other() -> None:
    m, h = model("llama3-70b"), hardware("h100")
    assert refuse_claim(m, h, 1, "fp8", 1, 4096, 100.0) is not None
    assert refuse_claim(m, h, 1, "fp8", 1, 4096, 100.0, tokens_per_step=3.0) is None


# Total output tokens per second as NVIDIA publishes them for TensorRT-LLM; (input, output): rate. The context of a
# request is at least its input plus, on average, half its output.
MEASURED = [
    ("llama3-70b", "h200", 1, "fp8", 128, 2048, 4336.0),
    ("llama3-70b", "h100", 2, "fp8", 128, 2048, 6651.0),
    ("llama3-70b", "b200", 1, "nvfp4", 128, 128, 11147.0),
    ("llama3-405b", "h200", 8, "fp8", 128, 2048, 5348.0),
    ("llama3-8b", "h100", 1, "fp8", 128, 128, 28312.0),
    ("llama3-70b", "h200", 1, "fp8", 20000, 2000, 283.0),
]


@pytest.mark.parametrize("row", MEASURED)
def test_measured_throughput_is_never_refused(row: tuple[str, str, int, str, int, int, float]) -> None:
    name, chip, chips, weights, new, out, rate = row
    m, h = model(name), hardware(chip)
    context = new + out // 2
    assert h.memory_bytes is not None
    free = chips * h.memory_bytes.value - m.weight_bytes(weights)
    batch = int(free / m.kv_bytes(context, "fp8"))
    assert refuse_claim(m, h, chips, weights, batch, context, rate) is None


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("chip", ["h200", "mi300x"])
def test_the_projects_own_predictions_pass(name: str, chip: str) -> None:
    for chips in (1, 16):
        point = operate(model(name), hardware(chip), workload("coding", 1), chips=chips, weights="fp8")
        for rate in (point.tokens_per_s, point.tokens_per_s_roof):
            if point.batch:
                context = round(point.context)
                assert refuse_claim(point.model, point.hardware, chips, "fp8", point.batch, context, rate) is None
        assert point.batch or chips == 1


@given(
    st.sampled_from(sorted(MODELS)),
    st.sampled_from(sorted(HARDWARE)),
    st.integers(1, 64),
    st.integers(1, 64),
    st.integers(0, 100_000),
)
def test_no_rate_above_the_roof_passes_and_half_of_all_roofs_does(
    name: str, chip: str, chips: int, batch: int, context: int
) -> None:
    m, h = model(name), hardware(chip)
    roof = bandwidth_roof_tokens_per_s(m, h, chips, "fp8", batch, context)
    compute = chips * min(f.value for f in h.peak_flops.values()) / m.decode_flops(context)
    over = refuse_claim(m, h, chips, "fp8", batch, context, roof * 1.02)
    under = refuse_claim(m, h, chips, "fp8", batch, context, 0.5 * min(roof, compute))
    assert over is not None
    # What is below both roofs can fail only for want of memory, and what lacks memory always fails.
    assert under is None or ("do not fit" in under and "roof" not in under)
    assert ("do not fit" in over) == (under is not None)


@pytest.mark.parametrize("rate", [0.0, -5.0, float("nan"), float("inf")])
def test_a_rate_that_is_no_number_is_refused(rate: float) -> None:
    assert "positive finite" in (refuse_claim(model("llama3-8b"), hardware("h100"), 1, "fp8", 1, 10, rate) or "")


@pytest.mark.parametrize(
    ("chips", "batch", "context", "step"), [(0, 1, 1, 1.0), (1, 0, 1, 1.0), (1, 1, -1, 1.0), (1, 1, 1, 0.5)]
)
def test_a_claim_about_nothing_is_refused(chips: int, batch: int, context: int, step: float) -> None:
    reason = refuse_claim(model("llama3-8b"), hardware("h100"), chips, "fp8", batch, context, 5.0, tokens_per_step=step)
    assert reason is not None
    assert "chips" in reason
