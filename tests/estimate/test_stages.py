"""A model in stages of chips: what each chip moves, waits for and holds."""

from __future__ import annotations

import math

import pytest

from floorplan.accelerator.llm import model
from floorplan.accelerator.templates import chip
from floorplan.accelerator.workloads import workload
from floorplan.estimate import DoesNotFitError, EstimateError, Estimator, EstimatorOptions, Load, load_of
from floorplan.plugins import make_agent, parse_budget
from tests.accelerator.chip_cases import SMALL

SRAM = chip("sram_first", **SMALL["sram_first"])
HBM = chip("gpu_tile", **SMALL["gpu_tile"])
LLAMA, ASKED = model("llama3-8b"), workload("chatbot")


def of(**choices: object) -> Load:
    return load_of(SRAM, LLAMA, ASKED, mix="decode", **choices)  # type: ignore[arg-type]  # as given


def test_chips_with_memory_split_layers_and_others_pipeline_unless_told() -> None:
    assert load_of(HBM, LLAMA, ASKED).stages == 1
    assert of().stages > 1
    assert of().stages <= LLAMA.layers
    assert of(stages=1).stages == 1
    assert "stages" in of().name


def test_a_stage_has_its_part_of_the_layers_the_waits_and_the_weights() -> None:
    whole, parts = of(chips=512, stages=1), of(chips=512, stages=8)
    assert parts.decode.passes == pytest.approx(whole.decode.passes / 8)
    # 64 ranks take 6 hops where 512 take 9, an eighth as often, and one hop leads on to the next stage.
    assert parts.decode.hops == pytest.approx(whole.decode.hops / 8 * 6 / 9 + 1)
    layer_bytes = 4 * LLAMA.hidden * 1.0
    assert parts.decode.link_bytes == pytest.approx(LLAMA.layers / 8 * layer_bytes * 63 / 64 + LLAMA.hidden / 64)
    # A token still moves every weight once over all chips together.
    assert parts.decode.flops == whole.decode.flops


def test_every_stage_has_requests_of_its_own_and_the_memory_holds_them() -> None:
    load = of(batch=2)
    cache = 2 * LLAMA.kv_bytes(load.context, "fp8") * load.stages
    assert LLAMA.weight_bytes("fp8") + cache <= 0.9 * SRAM.sram_bytes * load.chips
    with pytest.raises(DoesNotFitError, match="2 stages"):
        of(chips=load.chips // load.stages * 2, stages=2, batch=50)


def test_stages_that_cannot_be_are_refused() -> None:
    with pytest.raises(EstimateError, match="33"):
        of(stages=33)
    with pytest.raises(EstimateError, match="equal"):
        of(chips=100, stages=3)


def test_a_pipeline_writes_more_tokens_and_each_request_waits_for_all_stages() -> None:
    placement = make_agent("random").place(SRAM.problem, parse_budget("1e"), 1).placement
    options = EstimatorOptions(samples=20, grid=4)
    one, many = (Estimator(SRAM, of(chips=512, batch=1, stages=s), options).estimate(placement) for s in (1, 8))
    assert many.totals.seconds < one.totals.seconds / 5
    assert many.totals.leakage_j < one.totals.leakage_j
    step = many.quantities["step_time_s"]
    assert step.value == pytest.approx(8 * many.totals.decode_step_s)
    assert step.low < step.value < step.high or math.isclose(step.low, step.high)
    # Weights pass as they did; all-reduces are among fewer chips.
    assert 0.7 * one.totals.wire_j < many.totals.wire_j < one.totals.wire_j
