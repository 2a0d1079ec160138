"""Channels: abutting as given or wide enough, whatever the placement; arrays stay arrays."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from legalize_cases import make_case

from floorplan.errors import InfeasibleProblemError, ProblemError
from floorplan.geometry import Orient
from floorplan.legalize import legalizer, safe_gap_um
from floorplan.legalize.channels import NarrowGap, abut_um, narrow_gaps, widen_channels
from floorplan.legalize.snap import is_legal
from floorplan.netlist import Blockage, Canvas, NetlistBuilder, Placement, Problem
from floorplan.netlist.constraints import Region, Snap

Box = tuple[float, float, float, float]


def problem(boxes: list[Box], canvas: tuple[float, float] = (200.0, 200.0), **constraints: object) -> Problem:
    """Return hard macros m0, m1, ... that fill the given (x0, y0, x1, y1), and a soft macro."""
    b = NetlistBuilder("chip")
    for k, (x0, y0, x1, y1) in enumerate(boxes):
        b.add_macro(f"m{k}", x1 - x0, y1 - y0)
    b.add_macro("Grp_0", 4.0, 4.0, soft=True)
    x, y = ([(q[i] + q[i + 2]) / 2 for q in boxes] + [33.3] for i in (0, 1))
    n = len(x)
    return Problem(
        b.build(), Canvas(*canvas, 4, 4, 10.0, 10.0), Placement(x, y, np.zeros(n), np.ones(n)), **constraints
    )  # type: ignore[arg-type]  # named by the caller


def gaps(p: Problem, at: Placement) -> dict[tuple[int, int], tuple[float, float]]:
    """Return the room along x and y between every two hard macros."""
    nl = p.netlist
    out = {}
    for i in nl.hard.tolist():
        for j in nl.hard.tolist():
            if i < j:
                dx = abs(at.x_um[i] - at.x_um[j]) - (nl.node_w_um[i] + nl.node_w_um[j]) / 2
                dy = abs(at.y_um[i] - at.y_um[j]) - (nl.node_h_um[i] + nl.node_h_um[j]) / 2
                out[i, j] = (float(dx), float(dy))
    return out


def test_narrow_gaps_are_named() -> None:
    p = problem([(0, 0, 20, 20), (25, 5, 40, 30), (40, 0, 60, 20), (100, 100, 120, 120), (110, 123, 130, 140)])
    assert narrow_gaps(p, p.initial, 12) == (NarrowGap(("m0", "m1"), 5.0), NarrowGap(("m3", "m4"), 3.0))
    assert str(narrow_gaps(p, p.initial, 12)[0]) == "5 um between m0 and m1"
    assert narrow_gaps(p, p.initial, 4) == (NarrowGap(("m3", "m4"), 3.0),)
    assert narrow_gaps(p, p.initial, 3) == ()


def test_a_gap_that_a_third_fills_is_none() -> None:
    p = problem([(0, 0, 20, 20), (20, 0, 25, 20), (25, 0, 45, 20)])
    assert narrow_gaps(p, p.initial, 12) == ()
    p = problem([(0, 0, 20, 20), (20, 0, 25, 12), (25, 0, 45, 20)])
    assert narrow_gaps(p, p.initial, 12) == (NarrowGap(("m0", "m2"), 5.0),), "open above the one between"
    p = problem([(0, 0, 20, 20), (20, 0, 25, 12), (25, 0, 45, 20), (20, 12, 25, 20)])
    assert narrow_gaps(p, p.initial, 12) == (), "two fill it together"


def test_only_what_is_needed_moves_and_abutting_macros_move_as_one(caplog: pytest.LogCaptureFixture) -> None:
    p = problem([(50, 50, 70, 70), (70, 50, 90, 70), (95, 50, 115, 70), (150, 150, 170, 170)])
    with caplog.at_level(logging.INFO):
        done = widen_channels(p, p.initial, 12)
    assert "5 um between m1 and m2" in caplog.text
    g = gaps(p, done)
    assert g[0, 1] == pytest.approx((0, -20))
    assert g[1, 2][0] == pytest.approx(12)
    assert (done.x_um[3], done.y_um[3]) == (160, 160)
    assert done.y_um[:3].tolist() == [60, 60, 60]
    # 7 um are missing; moving the one macro costs half of moving the two
    assert (done.x_um[0], done.x_um[2]) == pytest.approx((60, 112))
    assert done.x_um[4] == 33.3


def test_wide_enough_comes_back_as_it_is() -> None:
    gap = safe_gap_um(Canvas(200, 200, 4, 4, 10, 10))
    p = problem([(0, 0, 20, 20), (20 + gap, 0, 40, 20), (52, 0, 70, 20)])
    assert min(abut_um(p)) > gap
    assert widen_channels(p, p.initial, 12) is p.initial


def test_what_stands_as_close_as_the_grid_allows_abuts() -> None:
    p = problem([(0, 0, 20.3, 20), (20.5, 0, 40, 20), (0, 20.5, 20.3, 40)], snap=Snap(0.5, 1.0))
    assert abut_um(p) == pytest.approx((0.5, 1.0), abs=1e-5)
    assert narrow_gaps(p, p.initial, 12) == ()
    p = p.replace(snap=None)
    assert [g.gap_um for g in narrow_gaps(p, p.initial, 12)] == pytest.approx([0.2, 0.5])


def test_a_group_with_a_slot_in_it_is_taken_apart() -> None:
    p = problem([(50, 50, 100, 60), (50, 60, 70, 80), (75, 60, 100, 80)])
    done = widen_channels(p, p.initial, 12)
    assert narrow_gaps(p, done, 12) == ()
    assert is_legal(p, done)
    assert gaps(p, done)[1, 2] != pytest.approx((5, -20))


def test_an_l_of_macros_goes_around_what_it_holds_or_comes_apart() -> None:
    p = problem([(50, 50, 60, 100), (60, 50, 100, 60), (66, 66, 90, 90)])
    done = widen_channels(p, p.initial, 8)
    assert narrow_gaps(p, done, 8) == ()
    assert is_legal(p, done)
    assert gaps(p, done)[0, 1] == pytest.approx((0, -10))


def test_abutment_gives_way_where_there_is_no_room_for_groups() -> None:
    # as one, the first two are too wide for the room beside the third and for that left of the blockage
    p = problem(
        [(0, 0, 20, 20), (20, 0, 40, 20), (45, 0, 65, 20)],
        (65.0, 53.0),
        fixed=np.array([False, False, True, False]),
        blockages=(Blockage(30, 25, 65, 53),),
    )
    done = widen_channels(p, p.initial, 12)
    assert narrow_gaps(p, done, 12) == ()
    assert is_legal(p, done)
    assert (done.x_um[2], done.y_um[2]) == (55, 10)
    assert gaps(p, done)[0, 1][1] == pytest.approx(12)


def test_macros_beside_a_fixed_one_stay_while_there_is_room() -> None:
    p = problem([(0, 0, 20, 20), (20, 0, 40, 20), (45, 0, 65, 20)], fixed=np.array([True, False, False, False]))
    done = widen_channels(p, p.initial, 12)
    assert done.x_um[:2].tolist() == [10, 30]
    assert gaps(p, done)[1, 2][0] == pytest.approx(12)
    assert widen_channels(p.replace(fixed=np.array([True, True, True, False])), p.initial, 12) is p.initial


def test_regions_and_the_grid_hold() -> None:
    p = problem([(50, 50, 70, 70), (70, 50, 90, 70), (95, 50, 115, 70)], snap=Snap(5.0, 5.0))
    p = p.replace(regions=(Region("r", np.array([[40.0, 40.0, 115.0, 120.0]])),), region=np.array([-1, -1, 0, -1]))
    done = widen_channels(p, p.initial, 12)
    assert is_legal(p, done)
    assert narrow_gaps(p, done, 12) == ()
    assert gaps(p, done)[0, 1] == pytest.approx((0, -20))
    corners = np.array([done.x_um[:3] - 10, done.y_um[:3] - 10])
    np.testing.assert_allclose(corners, np.round(corners / 5) * 5, atol=1e-9)


def test_halos_of_macros_that_move_as_one_hold() -> None:
    halo = np.zeros((4, 4))
    halo[1] = 0.0, 0.0, 20.0, 0.0
    p = problem([(50, 50, 70, 70), (70, 50, 90, 70), (95, 50, 115, 70)])
    p = p.replace(halo_um=halo)
    assert not is_legal(p, p.initial)
    done = widen_channels(p, p.initial, 12)
    assert is_legal(p, done)
    assert gaps(p, done)[1, 2][0] >= 20 - 1e-6
    # turned by 180 degrees, the wide side of m1 faces m0, which is then no neighbour that touches
    turned = p.initial.replace(orient=[0, Orient.S, 0, 0])
    done = widen_channels(p, turned, 12)
    assert is_legal(p, done)
    assert max(gaps(p, done)[0, 1]) >= 20 - 1e-6
    assert narrow_gaps(p, done, 12) == ()


def test_what_cannot_be_is_refused_with_the_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(legalizer, "MOST_ORDERS", 50)
    p = problem([(0, 0, 20, 20), (25, 0, 45, 20)], (50.0, 21.0))
    with pytest.raises(InfeasibleProblemError, match="channels of 12 um found; too narrow are 5 um between m0 and m1"):
        widen_channels(p, p.initial, 12)


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
def test_a_width_must_be_positive(bad: float) -> None:
    p = problem([(0, 0, 20, 20)])
    with pytest.raises(ProblemError, match="width must be positive"):
        widen_channels(p, p.initial, bad)


# The same examples each time: what is found is not guaranteed for every problem there is.
@settings(max_examples=8, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.floats(0.01, 0.03))
def test_any_placement_ends_with_wide_channels(seed: int, share: float) -> None:
    case = make_case(seed, utilization=0.3, most=12)
    channel = share * min(case.problem.canvas.width_um, case.problem.canvas.height_um)
    done = widen_channels(case.problem, case.start, channel)
    assert is_legal(case.problem, done), case.name
    assert narrow_gaps(case.problem, done, channel) == (), case.name
    assert widen_channels(case.problem, done, channel) is done, case.name


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_arrays_stay_arrays(seed: int) -> None:
    """Blocks of abutting macros on a roomy canvas, some too close to each other."""
    rng = np.random.default_rng(seed)
    boxes: list[Box] = []
    block = []
    for b in range(int(rng.integers(2, 6))):
        x, y = 10 + (b % 3) * 60 + float(rng.uniform(0, 8)), 10 + (b // 3) * 60 + float(rng.uniform(0, 8))
        for i in range(int(rng.integers(1, 4))):
            for j in range(int(rng.integers(1, 3))):
                boxes.append((x + 17 * i, y + 20 * j, x + 17 * i + 17, y + 20 * j + 20))
                block.append(b)
    p = problem(boxes, (300.0, 300.0))
    done = widen_channels(p, p.initial, 12)
    assert narrow_gaps(p, done, 12) == ()
    assert is_legal(p, done)
    move = np.stack([done.x_um - p.initial.x_um, done.y_um - p.initial.y_um])[:, :-1]
    for b in set(block):
        mine = move[:, np.array(block) == b]
        np.testing.assert_allclose(mine, mine[:, :1] + np.zeros_like(mine), atol=1e-9)
