"""Rankings under uncertainty, and weights under which wirelength is energy."""

from __future__ import annotations

import numpy as np
import pytest

from floorplan.errors import ProblemError
from floorplan.estimate import (
    Estimator,
    EstimatorOptions,
    IllegalPlacementError,
    compare,
    placer_weights,
    traffic_weights,
)
from floorplan.estimate.kernels import chain
from floorplan.estimate.length import net_boxes_um
from tests.estimate.chips import small_chip, small_load

CHIP = small_chip(16, seed=2)
LOAD = small_load(CHIP)
DRAWN = Estimator(CHIP, LOAD, EstimatorOptions(congestion=False, samples=150, grid=4))


def test_a_placement_against_itself_is_equal_in_every_draw() -> None:
    p = CHIP.problem.initial
    same = compare(DRAWN, p, p)
    assert (same.j_ratio, same.ns_ratio, same.j_survival, same.ns_survival) == (1.0, 1.0, 1.0, 1.0)
    assert (same.j_ratios == 1.0).all()


def test_common_draws_keep_a_ranking_that_separate_error_bars_would_not() -> None:
    p = CHIP.problem.initial
    wide = p.replace(p.x_um * 1.5, p.y_um * 1.5)
    r = compare(DRAWN, p, wide)
    assert r.j_ratio > 1
    assert r.j_survival == 1.0
    assert np.std(r.j_ratios) > 0
    bars = [DRAWN.estimate(q).quantities["j_per_token"] for q in (p, wide)]
    assert bars[0].high > bars[1].low
    swapped = compare(DRAWN, wide, p)
    assert swapped.j_ratio == pytest.approx(1 / r.j_ratio)
    assert swapped.to_dict()["j_survival"] == 1.0


def test_draws_are_shared_seeded_and_have_median_one() -> None:
    other = Estimator(CHIP, LOAD, EstimatorOptions(congestion=False, samples=150, grid=4))
    assert (other.draws == DRAWN.draws).all()
    assert (Estimator(CHIP, LOAD, EstimatorOptions(samples=150, seed=2, grid=4)).draws != DRAWN.draws).any()
    many = Estimator(CHIP, LOAD, EstimatorOptions(samples=4000, grid=4)).draws
    assert np.median(many, axis=0) == pytest.approx(np.ones(chain.N_FACTOR), rel=0.06)
    sigma = np.std(np.log(many), axis=0)
    assert sigma == pytest.approx([np.log(v) for v in DRAWN.factors.values()], rel=0.06, abs=1e-12)


def test_comparisons_refuse_illegal_placements_and_no_draws() -> None:
    p = CHIP.problem.initial
    with pytest.raises(IllegalPlacementError):
        compare(DRAWN, p, p.replace(p.x_um * 0.5))
    with pytest.raises(ProblemError, match="samples"):
        compare(Estimator(CHIP, LOAD, EstimatorOptions(samples=0, grid=4)), p, p)


def test_weighted_wirelength_is_the_wire_energy() -> None:
    w = traffic_weights(CHIP, LOAD)
    for scale in (1.0, 1.3):
        p = CHIP.problem.initial.replace(CHIP.problem.initial.x_um * scale, CHIP.problem.initial.y_um * scale)
        hpwl = net_boxes_um(DRAWN.terminals, p).hpwl_um
        assert float(w @ hpwl) == pytest.approx(DRAWN.estimate(p).totals.wire_j, rel=1e-12)
    assert traffic_weights(CHIP, LOAD, "n7").sum() < w.sum()


def test_layers_change_the_weights_of_their_class_alone() -> None:
    w, thick = traffic_weights(CHIP, LOAD), traffic_weights(CHIP, LOAD, layers={"kv": "M9"})
    kv = CHIP.net_class == 2
    assert (thick[~kv] == w[~kv]).all()
    assert thick[kv] == pytest.approx(w[kv] * 106.0 / 117.5)


def test_weights_for_a_placer_are_positive_with_mean_one() -> None:
    w = placer_weights(np.array([0.0, 1.0, 3.0]))
    assert w.tolist() == [1e-3, 0.75, 2.25]
    with pytest.raises(ProblemError):
        placer_weights(np.zeros(3))
