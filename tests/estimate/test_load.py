"""What a chip has to do for a token: sizes, phases, prefixes, and what does not fit."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from floorplan.accelerator.chip import TRAFFIC
from floorplan.accelerator.llm import model
from floorplan.accelerator.traffic import bits_per_token
from floorplan.accelerator.workloads import workload
from floorplan.estimate import DoesNotFitError, EstimateError, load_of
from tests.estimate.chips import small_chip

CHIP = small_chip()
LLAMA = model("llama3-8b")


def test_a_load_without_prefix_is_the_traffic_module_s() -> None:
    load = load_of(CHIP, LLAMA, workload("chatbot"), batch=4)
    assert (load.chips, load.batch, load.context) == (1, 4, 2150)
    assert load.prefill_per_output == pytest.approx(2000 / 300)
    assert load.decode.bits == pytest.approx(bits_per_token(CHIP, LLAMA, "bf16", "decode", 4, 2150))
    assert load.prefill is not None
    assert load.prefill.bits == pytest.approx(bits_per_token(CHIP, LLAMA, "bf16", "prefill", 1, 2000))
    assert load.decode.flops == LLAMA.decode_flops(2150)
    assert load.prefill.flops == pytest.approx(LLAMA.prefill_flops(2000, 0) / 2000)


def test_a_cached_prefix_is_read_but_not_computed() -> None:
    work = workload("web-use")
    load = load_of(CHIP, LLAMA, work, batch=1)
    assert load.prefill is not None
    new = round(float(work.new_tokens.mean()))
    assert load.prefill.tokens == new
    cold = load_of(CHIP, LLAMA, work.uncached(), batch=1)
    assert cold.prefill is not None
    assert load.prefill.flops * load.prefill_per_output < 0.2 * cold.prefill.flops * cold.prefill_per_output
    prefix = round(float((work.new_tokens * work.prefix_tokens).sum() / work.new_tokens.sum()))
    want = (LLAMA.weights_read_bytes(new, "bf16") + LLAMA.kv_bytes(prefix + new, "bf16")) / new
    want /= load.chips
    assert load.prefill.memory_bytes == pytest.approx(want)
    assert (load.prefill.bits >= 0).all()


def test_bits_grow_with_context_and_fall_with_batch() -> None:
    chat = workload("chatbot")
    kv = CHIP.net_mix[:, TRAFFIC.index("kv")] > 0
    short = load_of(CHIP, LLAMA, chat, batch=2)
    long = load_of(CHIP, LLAMA, workload("computer-use"), batch=2)
    many = load_of(CHIP, LLAMA, chat, batch=8)
    assert (long.decode.bits[kv] > short.decode.bits[kv]).all()
    assert many.decode.memory_bytes < short.decode.memory_bytes


def test_what_does_not_fit_is_said_and_is_no_endless_time() -> None:
    with pytest.raises(DoesNotFitError, match="does not fit"):
        load_of(CHIP, model("llama3-70b"), workload("chatbot"), chips=1)
    with pytest.raises(DoesNotFitError, match="10000 are asked for"):
        load_of(CHIP, LLAMA, workload("chatbot"), batch=10_000, chips=1)
    spread = load_of(CHIP, model("llama3-70b"), workload("chatbot"))
    # 141 GB of weights in chips of 24 decimal GB, nine tenths usable.
    assert spread.chips == 7
    assert spread.decode.hops == 2 * 80 * 3
    alone = dataclasses.replace(
        CHIP, block_bytes_per_s=np.where(CHIP.block_kind == "link_phy", 0.0, CHIP.block_bytes_per_s)
    )
    with pytest.raises(EstimateError, match="no link"):
        load_of(alone, model("llama3-70b"), workload("chatbot"))


def test_scales_of_four_bit_weights_count() -> None:
    load = load_of(CHIP, LLAMA, workload("chatbot"), precision="nvfp4", batch=1)
    half = load_of(CHIP, LLAMA, workload("chatbot"), precision="fp8", batch=1)
    assert load.decode.memory_bytes / half.decode.memory_bytes == pytest.approx(0.5625)


def test_one_phase_alone_and_bad_sizes() -> None:
    chat = workload("chatbot")
    assert load_of(CHIP, LLAMA, chat, mix="decode").prefill is None
    only = load_of(CHIP, LLAMA, chat, mix="prefill")
    assert only.prefill is None
    assert only.decode.tokens == 2000
    for bad in ({"batch": 0}, {"chips": 0}, {"mix": "half"}):
        with pytest.raises(EstimateError):
            load_of(CHIP, LLAMA, chat, **bad)  # type: ignore[arg-type]  # bad on purpose
