from __future__ import annotations

import pytest

from floorplan.accelerator.hardware import hardware
from floorplan.accelerator.llm import model
from floorplan.accelerator.roofline import RooflineError, operate, roof_of
from floorplan.accelerator.roofline.parallel import (
    all_reduce_bytes,
    balance_pools,
    cache_copies,
    expert_parallel_bytes,
    kv_replication,
    kv_transfer_s,
    pipeline_bytes,
    ranks_of,
    tensor_parallel_bytes,
)
from floorplan.accelerator.workloads import workload
from floorplan.accelerator.workloads.presets import steps


def test_tensor_parallel_traffic_of_70b_over_eight():
    assert tensor_parallel_bytes(model("llama3-70b"), 1, 8) == pytest.approx(4.59e6, rel=1e-3)
    assert tensor_parallel_bytes(model("llama3-70b"), 64, 8) == 64 * tensor_parallel_bytes(model("llama3-70b"), 1, 8)
    assert tensor_parallel_bytes(model("llama3-70b"), 64, 1) == 0.0


def test_expert_parallel_traffic_of_deepseek():
    shape = model("deepseek-v3")
    assert expert_parallel_bytes(shape, 1, None) == pytest.approx(9.98e6, rel=1e-3)
    assert expert_parallel_bytes(shape, 1, 8) == pytest.approx(expert_parallel_bytes(shape, 1, None) * 7 / 8)
    assert expert_parallel_bytes(shape, 1, 1) == 0.0
    assert expert_parallel_bytes(model("llama3-70b"), 1, 8) == 0.0


def test_pipeline_traffic():
    assert pipeline_bytes(model("llama3-70b"), 3, 2) == 3 * 2 * 8192 * 2.0
    with pytest.raises(RooflineError):
        pipeline_bytes(model("llama3-70b"), 1, 80)


@pytest.mark.parametrize(
    ("name", "ranks", "copies"),
    [
        ("llama3-70b", 1, 1.0),
        ("llama3-70b", 8, 1.0),
        ("llama3-70b", 3, 9 / 8),  # 3 + 3 + 2 heads: every rank gets room for 3
        ("llama3-70b", 5, 10 / 8),
        ("llama3-70b", 16, 2.0),
        ("qwen3-235b", 8, 2.0),
        ("deepseek-v3", 8, 8.0),
    ],
)
def test_heads_that_do_not_divide_are_kept_more_than_once(name, ranks, copies):
    assert kv_replication(model(name), ranks) == pytest.approx(copies)


def test_the_latent_is_not_copied_when_requests_are_spread():
    assert cache_copies(model("deepseek-v3"), 8) == 1.0
    assert cache_copies(model("qwen3-235b"), 8) == 2.0


def test_uneven_heads_cost_batch():
    shape, chip, trace = model("llama3-70b"), hardware("h100"), workload("chatbot")
    even = operate(shape, chip, trace, chips=8, weights="fp8").batch_max / 8
    uneven = operate(shape, chip, trace, chips=9, weights="fp8").batch_max / 9
    assert uneven < even


def test_cache_transfer_of_70b():
    assert kv_transfer_s(model("llama3-70b"), 8192, "bf16", 50e9) == pytest.approx(0.054, rel=0.01)
    with pytest.raises(RooflineError):
        kv_transfer_s(model("llama3-70b"), 8192, "bf16", 0.0)


def test_collectives_refuse_no_ranks():
    with pytest.raises(RooflineError):
        all_reduce_bytes(1.0, 0)
    assert all_reduce_bytes(8.0, 2) == 8.0
    for chips, stages in ((8, 3), (0, 1), (4, 0), (2, 4)):
        with pytest.raises(RooflineError):
            ranks_of(chips, stages)
    assert ranks_of(8, 2) == 4


def test_pools_in_balance():
    pools = balance_pools(prefill_s=0.5, decode_requests_per_s=4.0, kv_bytes=2e9, link_bytes_per_s=50e9)
    assert pools.prefill_per_decode == 2.0
    assert pools.kv_bytes_per_s == 8e9
    assert pools.transfer_s == pytest.approx(0.04)
    assert pools.link_busy_frac == pytest.approx(0.16)
    with pytest.raises(RooflineError):
        balance_pools(0.5, 0.0, 2e9, 50e9)


def test_long_prompts_need_more_prefill_servers_and_long_answers_fewer():
    shape, chip = model("llama3-70b"), hardware("b200")
    roof = roof_of(chip, "fp8", 2)

    def pools(new_tokens, output_tokens):
        trace = steps("one", "", 1, new_tokens, output_tokens, source="")
        return operate(shape, chip, trace, chips=2, weights="fp8", batch=32).disaggregated(roof, 50e9)

    usual, long_prompt, long_answer = pools(2_000, 300), pools(8_000, 300), pools(2_000, 1_200)
    assert long_prompt.prefill_per_decode > 3 * usual.prefill_per_decode
    assert long_answer.prefill_per_decode < usual.prefill_per_decode / 3
    # the cache that moves is that of the prompt: 0.33 GB at FP8 for 2,000 tokens
    assert usual.transfer_s == pytest.approx(2_000 * 163_840 / 50e9)
    assert usual.kv_bytes_per_s == pytest.approx(usual.requests_per_s * 2_000 * 163_840)
