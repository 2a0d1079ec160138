"""The exact derivative of the estimate by length, against the estimate at lengths scaled by a millionth."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from floorplan.estimate import Estimator, EstimatorOptions, ThermalRunawayError
from floorplan.estimate.kernels import chain
from floorplan.estimate.length import net_boxes_um
from floorplan.estimate.sensitivity import elasticity
from tests.estimate.chips import small_chip, small_load

STEP = 1e-6


def _lengths(e: Estimator) -> npt.NDArray[np.float64]:
    p = e.chip.problem.initial
    return e.scale_m_per_um(p) * net_boxes_um(e.terminals, p).hpwl_um


@pytest.mark.parametrize("pipelined", [True, False])
@pytest.mark.parametrize("bits", [1e6, 1e8, 3e11])
@pytest.mark.parametrize("clock_hz", [2e8, 3e9])
def test_derivatives_are_those_of_scaled_lengths(pipelined: bool, bits: float, clock_hz: float) -> None:
    c = small_chip(16, seed=3, pipelined=pipelined, clock_hz=clock_hz)
    e = Estimator(c, small_load(c, bits=bits), EstimatorOptions(congestion=False, samples=0, grid=4))
    length = _lengths(e)
    exact, up, down = elasticity(e, length), e.totals(length * (1 + STEP)), e.totals(length * (1 - STEP))
    for value, name in ((exact.j, "j_per_token"), (exact.ns, "ns_per_token")):
        scaled = (math.log(getattr(up, name)) - math.log(getattr(down, name))) / (2 * STEP)
        assert value == pytest.approx(scaled, rel=1e-6, abs=1e-8)
    assert exact.j == pytest.approx(exact.wire + exact.clock + exact.leakage, rel=1e-12)
    if pipelined:
        assert exact.ns == 0.0
    elif bits == 3e11 and clock_hz == 3e9:
        assert exact.clock < 0.0  # the same work, but fewer cycles of overhead
        assert exact.ns > 0.0


def test_a_wire_that_carries_nothing_has_no_say_in_joules() -> None:
    c = small_chip(9)
    e = Estimator(c, small_load(c, bits=0.0), EstimatorOptions(congestion=False, samples=0, grid=4))
    assert elasticity(e, _lengths(e)).wire == 0.0


def test_a_die_that_never_settles_has_no_derivative() -> None:
    c = small_chip(9)
    e = Estimator(c, small_load(c), EstimatorOptions(congestion=False, samples=0, grid=4))
    e.constants[chain.R_TH] = 1e4
    with pytest.raises(ThermalRunawayError):
        elasticity(e, _lengths(e))
