from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.accelerator.llm import model
from floorplan.accelerator.workloads import CodingSession, WorkloadError, coding_session, workload
from floorplan.accelerator.workloads.cache import WRITE_PRICE_FRAC, compute_saving, input_price_frac

SESSION = coding_session()


def test_the_measured_totals():
    main = SESSION.main()
    assert (len(SESSION), len(main), len(SESSION) - len(main)) == (283, 58, 225)
    assert SESSION.duration_s == 33 * 60
    assert SESSION.duration_s / len(SESSION) == pytest.approx(7.0, abs=0.05)
    assert SESSION.duration_s / len(main) == pytest.approx(34.0, abs=0.2)
    context = main.input_tokens
    assert (context[0], context[39], context[40]) == (15_000, 156_000, 20_000)
    assert (np.diff(context[:40]) > 0).all()
    assert context[:40].mean() == pytest.approx(85_500, rel=0.001)
    assert context[:40].sum() == pytest.approx(3.5e6, rel=0.03)
    assert context[40:].sum() == pytest.approx(1e6, rel=0.1)
    assert context.sum() == pytest.approx(4.4e6, rel=0.02)


def test_new_tokens_and_hit_rate():
    main = SESSION.main()
    assert main.new_tokens[1:40].mean() == pytest.approx(3_600, rel=0.01)
    # without the first turn, which no cache can hold: 95.8 %
    later = 1 - main.new_tokens[1:40].sum() / main.input_tokens[1:40].sum()
    assert later == pytest.approx(0.958, abs=0.002)
    assert 0.94 < main.hit_rate < 0.98
    # a compacted context shares no prefix with what went before
    assert main.prefix_tokens[40] == 0
    assert main.uncached().hit_rate == 0.0
    assert main.uncached().input_tokens.tolist() == main.input_tokens.tolist()


def test_price_of_cached_input():
    assert input_price_frac(0.95) == pytest.approx(0.145)
    assert 1 / input_price_frac(0.95) == pytest.approx(6.9, abs=0.01)
    assert 1 / input_price_frac(0.95, write_price_frac=WRITE_PRICE_FRAC) == pytest.approx(6.35, abs=0.01)
    assert 1 / input_price_frac(0.98) == pytest.approx(8.5, abs=0.03)
    assert 1 / input_price_frac(0.98, write_price_frac=WRITE_PRICE_FRAC) == pytest.approx(8.1, abs=0.05)
    assert (input_price_frac(0.0), input_price_frac(1.0)) == (1.0, 0.1)
    for hit_rate in (-0.1, 1.1, float("nan")):
        with pytest.raises(WorkloadError):
            input_price_frac(hit_rate)


@pytest.mark.parametrize(
    ("name", "cached", "uncached", "factor"),
    [("llama3-70b", 7.66e16, 1.17e18, 15.3), ("deepseek-v3", 9.9e16, 1.38e18, 14.0)],
)
def test_compute_saved_is_another_factor_than_price(name, cached, uncached, factor):
    saving = compute_saving(SESSION.main(), model(name))
    # the reference's trace is not published turn by turn; ours has 4.33 M main tokens against its 4.4 M
    assert saving.uncached_flops == pytest.approx(uncached, rel=0.05)
    assert saving.cached_flops == pytest.approx(cached, rel=0.05)
    assert saving.factor == pytest.approx(factor, rel=0.04)


@pytest.mark.parametrize(("name", "prefill", "decode"), [("llama3-70b", 15_473, 4.3), ("deepseek-v3", 2_626, 38.0)])
def test_one_session_mixes_intensities_over_decades(name, prefill, decode):
    shape = model(name)
    flops = shape.prefill_flops(3_600, 85_000)
    resident = shape.weight_bytes("fp8") + shape.kv_bytes(88_600, "fp8")  # the reference reads all weights
    assert flops / resident == pytest.approx(prefill, rel=0.04)
    assert shape.decode_oi(85_000, 1, "fp8") == pytest.approx(decode, rel=0.02)


def test_equal_seeds_equal_arrays():
    one, two, other = coding_session(3), coding_session(3), coding_session(4)
    for field in ("new_tokens", "prefix_tokens", "output_tokens", "agent"):
        np.testing.assert_array_equal(getattr(one, field), getattr(two, field))
    assert one.output_tokens.tolist() != other.output_tokens.tolist()
    assert one.main().input_tokens.tolist() == other.main().input_tokens.tolist()
    assert workload("coding", 3).output_tokens.tolist() == one.output_tokens.tolist()


def test_sub_agents_have_contexts_of_their_own():
    agents = np.unique(SESSION.agent)
    assert agents.tolist() == list(range(16))
    for agent in agents[1:].tolist():
        asked = SESSION.of(agent)
        assert (asked.input_tokens[0], asked.prefix_tokens[0]) == (8_000, 0)
        # every later request repeats exactly the one before it
        np.testing.assert_array_equal(asked.prefix_tokens[1:], asked.input_tokens[:-1])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 40), st.integers(0, 20), st.integers(0, 60), st.integers(1, 9))
def test_any_session_is_consistent(seed, ramp, after, requests, agents):
    session = CodingSession(
        main_turns=ramp + after, ramp_turns=ramp, subagent_requests=requests, subagents=agents, peak_context=200_000
    )
    trace = coding_session(seed, session)
    assert len(trace) == ramp + after + requests
    assert (trace.prefix_tokens >= 0).all()
    assert (trace.new_tokens > 0).all()
    assert 0 < trace.mean_decode_context <= trace.peak_context


@pytest.mark.parametrize(
    "change",
    [
        {"ramp_turns": 1},
        {"ramp_turns": 59},
        {"peak_context": 10_000},
        {"compacted_context": 0},
        {"subagents": 0},
        {"output_low": 900},
        {"output_high": 4_000},
        {"minutes": 0.0},
    ],
)
def test_impossible_sessions_are_refused(change):
    with pytest.raises(WorkloadError):
        dataclasses.replace(CodingSession(), **change)
