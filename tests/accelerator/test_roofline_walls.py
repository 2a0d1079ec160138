from __future__ import annotations

import math
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorplan.accelerator.hardware import HARDWARE, hardware
from floorplan.accelerator.llm import MODELS, model
from floorplan.accelerator.roofline import Roof, RooflineError, batch_max, operate, roof_of, step
from floorplan.accelerator.roofline.serving import IDEAL
from floorplan.accelerator.roofline.walls import USABLE_FRAC, chips_needed, requests_that_fit
from floorplan.accelerator.workloads import WORKLOADS, workload

ROOF = Roof("toy", 1, 100.0, 50.0, 10.0, 1000.0, 1.0)


@pytest.mark.parametrize(
    ("oi", "resident", "bound", "attainable"),
    [
        (1.0, 0.0, "bandwidth", 10.0),
        (9.99, 900.0, "bandwidth", 99.9),
        (10.0, 900.0, "compute", 100.0),
        (1e9, 900.0, "compute", 100.0),
        (1e9, 900.1, "capacity", 0.0),
        (0.0, 0.0, "bandwidth", 0.0),
    ],
)
def test_three_walls(oi, resident, bound, attainable):
    assert ROOF.bound(oi, resident) == bound
    assert ROOF.attainable_flops_per_s(oi, resident) == pytest.approx(attainable)


def test_what_does_not_fit_is_a_batch_of_zero():
    assert batch_max(10.0, 11.0, 1.0) == 0
    assert batch_max(10.0, 10.0, 1.0) == 0
    assert batch_max(10.0, 8.9, 1.0) == 1
    with pytest.raises(RooflineError):
        batch_max(10.0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("chip", "chips", "expected"),
    [  # accelerator.md 1.4, LLaMA3-70B at bf16: 2K, 8K, 32K, 85K, 156K, 300K, 1M
        ("b200", 1, (31, 7, 1, 0, 0, 0, 0)),
        ("b200", 8, (1762, 440, 110, 41, 22, 11, 3)),
        ("h100", 8, (663, 165, 41, 15, 8, 4, 1)),
    ],
)
def test_requests_that_fit_by_context(chip, chips, expected):
    roof = roof_of(hardware(chip), "bf16", chips)
    contexts = (2_000, 8_000, 32_000, 85_000, 156_000, 300_000, 1_000_000)
    found = tuple(requests_that_fit(roof, model("llama3-70b"), context, "bf16") for context in contexts)
    assert found == expected


def test_a_context_of_zero_still_has_a_finite_batch():
    roof = roof_of(hardware("h200"), "fp8")
    none, one = (requests_that_fit(roof, model("llama3-8b"), context, "fp8") for context in (0, 1))
    assert none == one > 0


@pytest.mark.parametrize(
    ("chip", "precision", "kv", "tokens_per_s"),
    [("h100", "fp8", "fp8", 47.7), ("h200", "fp8", "fp8", 68.4), ("b200", "nvfp4", "fp8", 201.2)],
)
def test_batch_one_bandwidth_roof(chip, precision, kv, tokens_per_s):
    # accelerator.md 4.4, check 6: LLaMA3-70B, batch 1, 4K context; capacity is not asked here
    shape, roof = model("llama3-70b"), roof_of(hardware(chip), precision)
    took = step(roof, shape.decode_flops(4096), shape.decode_bytes(4096, 1, precision, kv))
    assert took.bound == "bandwidth"
    assert took.mbu == pytest.approx(1.0)
    assert 1.0 / took.time_s == pytest.approx(tokens_per_s, rel=2e-3)


@pytest.mark.parametrize(("chip", "precision"), [("h200", "fp8"), ("b200", "nvfp4")])
def test_no_prediction_beats_the_batch_one_roof(chip, precision):
    shape, trace = model("llama3-70b"), workload("chatbot")
    point = operate(shape, hardware(chip), trace, weights=precision, kv="fp8", batch=1)
    roof = point.roof.bytes_per_s / shape.decode_bytes(point.context, 1, precision, "fp8")
    assert 0.0 < point.tokens_per_s < point.tokens_per_s_user < roof
    assert point.tokens_per_s_roof <= roof * (1 + 1e-12)


def test_every_combination_is_finite_and_ordered():
    combinations = 0
    for chip in HARDWARE.values():
        if chip.memory_bytes is None or chip.memory_bytes_per_s is None:
            continue
        for name in MODELS:
            for work in ("chatbot", "web-use"):
                point = operate(model(name), chip, workload(work))
                numbers = [v for v in vars(point).values() if isinstance(v, int | float)]
                assert all(math.isfinite(v) and v >= 0 for v in numbers), (chip.name, name)
                assert (point.batch_max == 0) == (point.bound == "capacity") == (point.tokens_per_s == 0.0)
                assert point.tokens_per_s <= point.tokens_per_s_roof
                assert point.mfu <= 1.0
                assert point.mbu <= 1.0
                combinations += 1
    assert combinations > 200
    assert set(WORKLOADS) == {"chatbot", "coding", "web-use", "computer-use"}


def test_the_model_that_does_not_fit_fits_on_the_chips_it_asks_for():
    shape, chip, trace = model("llama3-70b"), hardware("h200"), workload("chatbot")
    small = operate(shape, chip, trace)
    assert (small.batch_max, small.batch, small.bound, small.bound_prefill) == (0, 0, "capacity", "capacity")
    assert small.chips_needed == 2
    enough = operate(shape, chip, trace, chips=small.chips_needed)
    assert enough.batch_max > 0
    assert enough.tokens_per_s > 0
    assert small.capacity_footprint_bytes == enough.capacity_footprint_bytes > small.roof.usable_bytes
    for attempt in (lambda: small.speculative_gain(4, 0.7), lambda: small.disaggregated(enough.roof, 5e10)):
        with pytest.raises(RooflineError, match="does not fit"):
            attempt()


def test_ranks_that_copy_the_cache_need_stages():
    shape, chip, trace = model("llama3-70b"), hardware("groq-lpu1"), workload("web-use")
    needed = operate(shape, chip, trace, weights="int8").chips_needed
    enough = 8 * math.ceil(needed / 8)
    # every rank of one stage would hold a whole head of 155K tokens, which no rank can
    flat = operate(shape, chip, trace, chips=4 * enough, weights="int8")
    assert (flat.batch_max, flat.cache_copies) == (0, 4 * enough / 8)
    staged = operate(shape, chip, trace, chips=enough, weights="int8", stages=enough // 8)
    assert (staged.batch_max >= 1, staged.cache_copies) == (True, 1.0)


def test_pipeline_stages_keep_one_copy_of_the_cache_and_read_weights_more_often():
    shape, chip, trace = model("llama3-70b"), hardware("h100"), workload("chatbot")
    flat = operate(shape, chip, trace, chips=16, weights="fp8")
    staged = operate(shape, chip, trace, chips=16, weights="fp8", stages=2)
    assert staged.batch_max > 1.9 * flat.batch_max  # 16 ranks copy 8 heads twice
    one, other = (operate(shape, chip, trace, chips=8, weights="fp8", batch=8, stages=s) for s in (1, 4))
    assert other.decode_step_s > one.decode_step_s
    with pytest.raises(RooflineError, match="stages"):
        operate(shape, chip, trace, chips=8, stages=3)


def test_batch_at_the_ridge():
    trace = workload("chatbot")
    # 70B's grouped attention stays below 2 * 8 FLOP/B at FP8, so long contexts never reach H200's 412
    assert operate(model("llama3-70b"), hardware("h200"), workload("web-use"), weights="fp8").batch_at_ridge is None
    point = operate(model("deepseek-v3"), hardware("h100"), trace, chips=16, weights="fp8")
    assert point.batch_at_ridge is not None
    assert point.model.decode_oi(point.context, point.batch_at_ridge, "fp8") >= point.ridge
    assert point.model.decode_oi(point.context, point.batch_at_ridge - 1, "fp8") < point.ridge


def test_speculation_pays_while_memory_waits_and_not_when_compute_does():
    shape, chip = model("llama3-70b"), hardware("b200")
    lonely = operate(shape, chip, workload("chatbot"), weights="fp8", batch=1)
    assert lonely.speculative_gain(0, 0.5) == pytest.approx(1.0)
    # nothing accepted: the drafts only cost
    assert lonely.speculative_gain(4, 0.0) < 1.0
    assert lonely.speculative_gain(4, 0.7) > 2.0
    crowd = operate(model("llama3-8b"), hardware("h100"), workload("chatbot"), weights="fp8")
    assert crowd.speculative_gain(4, 0.7) < lonely.speculative_gain(4, 0.7)


def test_bad_arguments_are_refused():
    shape, chip, trace = model("llama3-8b"), hardware("h200"), workload("chatbot")
    for batch in (0, -1, 10**9):
        with pytest.raises(RooflineError):
            operate(shape, chip, trace, batch=batch)
    with pytest.raises(RooflineError):
        operate(shape, chip, trace, chips=0)
    with pytest.raises(RooflineError):
        ROOF.attainable_flops_per_s(math.nan)
    with pytest.raises(RooflineError):
        step(ROOF, 1.0, 1.0, mfu=0.0)
    with pytest.raises(RooflineError):
        step(ROOF, 0.0, 0.0)


def test_chips_needed_counts_usable_memory():
    chip = hardware("h200")
    assert chip.memory_bytes is not None
    usable = USABLE_FRAC * chip.memory_bytes.value
    assert [chips_needed(chip, v) for v in (0.0, usable, usable * 1.001, 2.5 * usable)] == [1, 1, 2, 3]


positive = st.floats(1e-3, 1e6)


@given(positive, positive, st.floats(1.0, 20.0), st.floats(0.05, 1.0), st.floats(0.05, 1.0))
def test_a_step_is_never_faster_than_its_walls(flops, moved, overlap, mfu, mbu):
    classic = step(ROOF, flops, moved)
    lossy = step(ROOF, flops, moved, mfu=mfu, mbu=mbu, overlap=overlap, overhead_s=0.01)
    assert classic.time_s == pytest.approx(max(flops / 100.0, moved / 10.0))
    assert lossy.time_s >= max(lossy.compute_s, lossy.memory_s) + 0.01 - 1e-12
    assert lossy.time_s <= lossy.compute_s + lossy.memory_s + 0.01 + 1e-9 * lossy.time_s
    for took in (classic, lossy):
        assert 0.0 <= took.mfu <= 1.0 + 1e-12
        assert 0.0 <= took.mbu <= 1.0 + 1e-12
    assert all(math.isfinite(v) for v in asdict(lossy).values() if isinstance(v, float))


@given(st.integers(0, 200_000), st.integers(1, 5_000), st.integers(1, 16))
def test_longer_contexts_never_fit_more(context, more, chips):
    roof = roof_of(hardware("b200"), "fp8", chips)
    shape = model("gpt-oss-120b")
    assert requests_that_fit(roof, shape, context, "fp8") >= requests_that_fit(roof, shape, context + more, "fp8")


def test_ideal_constants_give_the_classic_roofline():
    point = operate(model("llama3-8b"), hardware("h100"), workload("chatbot"), weights="fp8", constants=IDEAL)
    assert point.decode_step_s == pytest.approx(
        math.hypot(
            point.batch * 2 * point.model.active_params / point.roof.flops_per_s
            + point.batch * point.model.attention_flops(point.context) / point.roof.attention_flops_per_s,
            point.model.decode_bytes(point.context, point.batch, "fp8") / point.roof.bytes_per_s,
        )
    )
