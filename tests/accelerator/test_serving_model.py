from __future__ import annotations

import numpy as np
import pytest

from floorplan.accelerator.hardware import hardware
from floorplan.accelerator.llm import model
from floorplan.accelerator.roofline import RooflineError, roof_of
from floorplan.accelerator.roofline.serving import IDEAL, MAX_BATCH, load_of, loads_of, stored, throughput


def loads(name="llama3-70b", chip="h200", chips=1, inputs=(128, 2048), outputs=(128, 2048), limit=MAX_BATCH):
    return loads_of(roof_of(hardware(chip), "fp8", chips), model(name), "fp8", "fp8", inputs, outputs, limit)


def test_what_does_not_fit_serves_nothing():
    load = loads("llama3-405b")
    assert load.batch.tolist() == [0.0, 0.0]
    assert throughput(load).tolist() == [0.0, 0.0]
    assert np.isfinite(load.step_time_s(stored())).all()


def test_batch_is_memory_or_limit():
    assert loads().batch.tolist() == [1343.0, 83.0]
    assert loads(limit=64).batch.tolist() == [64.0, 64.0]
    assert loads("llama3-8b").batch[0] == MAX_BATCH


def test_longer_prompts_and_answers_never_serve_faster():
    lengths = np.array([128, 512, 2048, 8192, 32768])
    by_input = throughput(loads(inputs=lengths, outputs=512))
    assert (np.diff(by_input) < 0).all()
    full = throughput(loads(inputs=lengths, outputs=512, limit=8))
    longer = throughput(loads(inputs=lengths, outputs=2048, limit=8))
    assert (full < longer)[1:].all()  # more output shares a prefill
    assert full[0] > longer[0]  # and where there is hardly any, the longer context costs


def test_predictions_stay_under_the_naive_roofline():
    load = loads(inputs=(128, 1000, 20000), outputs=(128, 1000, 2000))
    assert (load.tokens_per_s(stored()) < load.tokens_per_s(IDEAL, np.inf)).all()


def test_a_step_moves_what_the_formula_says():
    shape, roof = model("llama3-70b"), roof_of(hardware("h200"), "fp8")
    load = load_of(
        roof,
        shape,
        "fp8",
        "fp8",
        new_tokens=0,
        prefix_tokens=0,
        output_tokens=100,
        decode_context=4096,
        batch=16,
    )
    assert load.memory_s[0] * roof.bytes_per_s == pytest.approx(shape.decode_bytes(4096, 16, "fp8"))
    flops = load.layers_s[0] * roof.flops_per_s + load.attention_s[0] * roof.attention_flops_per_s
    assert flops == pytest.approx(16 * shape.decode_flops(4096))
    assert load.links_s[0] == 0.0


def test_prefill_work_is_counted_once_per_answer():
    shape, roof = model("llama3-70b"), roof_of(hardware("h200"), "fp8")
    common = {"prefix_tokens": 500, "output_tokens": 50, "decode_context": 1000, "batch": 10}
    with_prefill = load_of(roof, shape, "fp8", "fp8", new_tokens=1000, **common)
    without = load_of(roof, shape, "fp8", "fp8", new_tokens=0, **common)
    layers = (with_prefill.layers_s[0] - without.layers_s[0]) * roof.flops_per_s
    attention = (with_prefill.attention_s[0] - without.attention_s[0]) * roof.attention_flops_per_s
    assert layers + attention == pytest.approx(10 / 50 * shape.prefill_flops(1000, 500))


def test_links_are_charged_only_where_chips_talk():
    assert (loads(chips=1).links_s == 0).all()
    assert (loads(chips=2).links_s > 0).all()


def test_bad_requests_are_refused():
    roof, shape = roof_of(hardware("h200"), "fp8"), model("llama3-8b")
    with pytest.raises(RooflineError):
        load_of(roof, shape, "fp8", "fp8", new_tokens=1, prefix_tokens=0, output_tokens=0, decode_context=1, batch=1)
