"""Increments against full estimates, and how long one takes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.errors import ProblemError
from floorplan.estimate import Estimator, EstimatorOptions, IncrementalEstimate
from floorplan.estimate.length import net_boxes_um
from tests.estimate.chips import small_chip, small_load

CHIP = small_chip(20, clock_hz=2e9, technology="n7", seed=3)
SLOW = small_chip(20, clock_hz=2e9, technology="n7", seed=3, pipelined=False)

moves = st.lists(
    st.tuples(
        st.integers(0, 19), st.integers(0, 19), st.floats(0, 9000), st.floats(0, 9000), st.integers(0, 7), st.booleans()
    ),
    min_size=1,
    max_size=12,
)


@pytest.mark.parametrize("chip", [CHIP, SLOW], ids=["pipelined", "not"])
@pytest.mark.parametrize("congestion", [False, True])
@given(moves=moves)
@settings(max_examples=15, deadline=None)
def test_increments_are_full_estimates(chip, congestion, moves) -> None:  # type: ignore[no-untyped-def]  # fixtures
    e = Estimator(chip, small_load(chip), EstimatorOptions(congestion=congestion, samples=0, grid=4))
    inc = IncrementalEstimate(e, chip.problem.initial)
    for a, b, x, y, turn, keep in moves:
        before = dataclasses.astuple(inc.totals)
        got = inc.propose((a,), (x,), (y,), (turn,)) if a == b else inc.swap(a, b)
        full = e.totals(inc.scale_m_per_um * net_boxes_um(e.terminals, inc.placement).hpwl_um)
        assert got[0] == pytest.approx(full.j_per_token, rel=1e-9)
        assert got[1] == pytest.approx(full.ns_per_token, rel=1e-9)
        assert dataclasses.astuple(inc.totals) == pytest.approx(dataclasses.astuple(full), rel=1e-9, abs=1e-18)
        if keep:
            inc.commit()
        else:
            inc.rollback()
            assert dataclasses.astuple(inc.totals) == before
    assert inc.figures[0] == pytest.approx(
        IncrementalEstimate(e, inc.placement).load(inc.placement, inc.scale_m_per_um).j_per_token, rel=1e-9
    )


def test_moving_a_macro_changes_only_its_nets() -> None:
    e = Estimator(CHIP, small_load(CHIP), EstimatorOptions(congestion=False, samples=0, grid=4))
    inc = IncrementalEstimate(e, CHIP.problem.initial)
    before = inc.layout.length.copy()
    inc.propose((7,), (8000.0,), (8000.0,))
    changed = np.flatnonzero(inc.layout.length != before)
    nl = CHIP.problem.netlist
    owners = nl.pin_node[nl.net_pin]
    on_it = {k for k in range(nl.num_nets) if 7 in owners[nl.net_ptr[k] : nl.net_ptr[k + 1]].tolist()}
    assert len(changed)
    assert set(changed.tolist()) <= on_it


def test_moves_out_of_turn_are_refused() -> None:
    e = Estimator(CHIP, small_load(CHIP), EstimatorOptions(congestion=False, samples=0, grid=4))
    inc = IncrementalEstimate(e, CHIP.problem.initial)
    with pytest.raises(ProblemError, match="no move is in hand"):
        inc.rollback()
    inc.swap(0, 1)
    with pytest.raises(ProblemError, match="in hand"):
        inc.swap(2, 3)
    inc.commit()
    for bad in ((20,), (-1,), (3, 3)):
        with pytest.raises(ProblemError, match="distinct nodes"):
            inc.propose(bad, (0.0,) * len(bad), (0.0,) * len(bad))
    with pytest.raises(ProblemError, match="not placed"):
        inc.load(CHIP.problem.initial.replace(placed=np.arange(20) > 0))
