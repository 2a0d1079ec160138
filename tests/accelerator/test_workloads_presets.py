from __future__ import annotations

import numpy as np
import pytest

from floorplan.accelerator.workloads import WORKLOADS, Workload, WorkloadError, workload
from floorplan.errors import UnknownNameError


@pytest.mark.parametrize(
    ("name", "requests", "first_input", "peak", "output"),
    [
        ("chatbot", 1, 2_000, 2_300, 300),
        ("web-use", 25, 6_000, 25 * 6_200, 200),
        ("computer-use", 25, 2_500, 25 * 2_650, 150),
    ],
)
def test_presets(name, requests, first_input, peak, output):
    trace = workload(name)
    assert (len(trace), trace.input_tokens[0], trace.peak_context) == (requests, first_input, peak)
    assert (trace.output_tokens == output).all()
    assert "assumption" in trace.source
    assert not trace.measured


def test_contexts_snowball():
    trace = workload("web-use")
    # each step's cached prefix is the last step's whole input; the last answer is new input
    np.testing.assert_array_equal(trace.prefix_tokens[1:], trace.input_tokens[:-1])
    assert (trace.new_tokens[1:] == 6_000 + 200).all()
    assert trace.hit_rate > 0.9
    assert trace.input_per_output > workload("chatbot").input_per_output


def test_every_preset_names_itself_and_keeps_its_arrays():
    for name in WORKLOADS:
        trace = workload(name)
        assert trace.name == name
        with pytest.raises(ValueError, match="read-only"):
            trace.new_tokens[0] = 1


def test_mean_decode_context_weighs_by_output():
    trace = Workload("two", "", "", np.array([10, 1000]), np.array([0, 0]), np.array([30, 10]), np.zeros(2, np.int64))
    assert trace.mean_decode_context == round((30 * 25 + 10 * 1005) / 40)


def test_unknown_workload_lists_the_known():
    with pytest.raises(UnknownNameError, match="chatbot, coding, computer-use, web-use"):
        workload("poetry")


@pytest.mark.parametrize(
    "arrays",
    [
        ([1, 2], [0], [1], [0]),
        ([], [], [], []),
        ([-1], [5], [1], [0]),
        ([0], [0], [1], [0]),
        ([1], [0], [0], [0]),
    ],
)
def test_contradictory_traces_are_refused(arrays):
    with pytest.raises(WorkloadError):
        Workload("bad", "", "", *(np.array(a, np.int64) for a in arrays))


def test_a_cache_that_holds_less():
    trace = workload("computer-use")
    assert trace.cached(1.0).prefix_tokens.tolist() == trace.prefix_tokens.tolist()
    half = trace.cached(0.5)
    assert half.hit_rate == pytest.approx(trace.hit_rate / 2, rel=1e-3)
    assert half.input_tokens.tolist() == trace.input_tokens.tolist()
    assert trace.uncached().prefix_tokens.sum() == 0
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(WorkloadError):
            trace.cached(share)
