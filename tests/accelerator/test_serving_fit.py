from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from floorplan.accelerator.roofline.serving import IDEAL, Constants, stored
from floorplan.accelerator.roofline.serving_data import ROLES, measured
from floorplan.accelerator.roofline.serving_fit import (
    PRIOR,
    fit,
    geomean_error,
    hold_out,
    load_of_measured,
    log_ratio,
    naive_log_ratio,
)
from floorplan.accelerator.roofline.walls import RooflineError

FIT = [p for p in measured() if p.configuration.role == "fit"]


@pytest.fixture(scope="module")
def held_out():
    return hold_out()


def test_the_seventy_points_are_there():
    assert sum(len(p.tokens_per_s) for p in FIT) == 70
    assert len(FIT) == 7
    assert {p.configuration.role for p in measured()} == set(ROLES)
    by_name = {str(p.configuration): p for p in measured()}
    h200 = by_name["llama3-70b h200 x1 fp8"]
    assert (h200.input_tokens[0], h200.output_tokens[0]) == (128, 128)
    assert h200.tokens_per_s[[0, -1]].tolist() == [3803.0, 283.0]
    assert by_name["llama3-8b h200 x1 fp8"].tokens_per_s[1] == 26221.0
    # cells that the page leaves empty are no points
    assert len(by_name["llama4-scout h100 x4 fp8"].tokens_per_s) == 8


def test_the_stored_constants_are_those_of_a_fresh_fit():
    np.testing.assert_allclose(stored().vector(), fit(FIT).vector(), rtol=1e-4)


def test_the_fit_does_not_hang_on_the_order_of_points():
    np.testing.assert_allclose(fit(FIT[::-1]).vector(), stored().vector(), rtol=1e-4)


def test_held_out_configurations_within_twenty_percent(held_out):
    error = geomean_error(np.concatenate([h.log_ratio for h in held_out]))
    naive = geomean_error(np.concatenate([h.naive_log_ratio for h in held_out]))
    assert error < 0.125  # 11.8 % when stored; asked for: 20 %
    assert naive > 0.9  # 102 %
    assert all(h.error < 0.25 for h in held_out)
    assert max(held_out, key=lambda h: h.error).configuration.hardware == "b200"
    assert all(h.error < h.naive_error / 3 for h in held_out)


def test_holding_out_really_leaves_out(held_out):
    vectors = {tuple(h.constants.vector()) for h in held_out}
    assert len(vectors) == len(held_out)
    assert tuple(stored().vector()) not in vectors
    # a configuration with spoilt figures spoils every fit but the one that leaves it out
    whole, first = FIT[:3], FIT[0]
    spoilt = dataclasses.replace(first, tokens_per_s=first.tokens_per_s / 2)
    before, after = hold_out(whole), hold_out([spoilt, *whole[1:]])
    assert after[0].constants == before[0].constants
    assert after[1].constants != before[1].constants
    assert after[0].log_ratio == pytest.approx(before[0].log_ratio + np.log(2))


def test_configurations_that_no_fit_reads():
    for points in measured():
        if points.configuration.role == "unseen":
            load = load_of_measured(points)
            assert geomean_error(log_ratio(load, points, stored())) < 0.15
            assert geomean_error(naive_log_ratio(load, points)) > 1.0


def test_mixtures_of_experts_are_not_claimed():
    errors = {
        str(p.configuration): geomean_error(log_ratio(load_of_measured(p), p, stored()))
        for p in measured()
        if p.configuration.role == "moe"
    }
    assert len(errors) == 9
    # outside what was fitted: better than the naive roofline on average, but far from 20 %
    assert max(errors.values()) > 0.5
    naive = [
        geomean_error(naive_log_ratio(load_of_measured(p), p)) for p in measured() if p.configuration.role == "moe"
    ]
    assert np.mean(list(errors.values())) < np.mean(naive)


def test_more_hardware_serves_more():
    rate = {str(p.configuration): load_of_measured(p).tokens_per_s(stored()) for p in measured()}
    assert (rate["llama3-70b h100 x2 fp8"] > rate["llama3-70b h200 x1 fp8"]).all()
    assert (rate["llama3-70b b200 x1 nvfp4"] > rate["llama3-70b h200 x1 fp8"]).all()
    assert (rate["llama3-405b h200 x8 fp8"] > rate["llama3-405b h100 x8 fp8"]).all()


def test_error_counts_over_and_under_alike():
    assert geomean_error(np.log([2.0, 0.5])) == pytest.approx(1.0)
    assert geomean_error(np.zeros(3)) == 0.0


def test_constants_out_of_range_are_refused():
    assert PRIOR.vector().shape == IDEAL.vector().shape == (6,)
    with pytest.raises(RooflineError):
        Constants(1.1, 0.8, 0.0, 0.0, 0.0, 0.5)
    with pytest.raises(RooflineError):
        Constants(0.7, 0.8, 0.0, -1e-3, 0.0, 0.5)
