from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reality_cases import CANVAS, rectangles

from floorplan.netlist import Problem
from floorplan.reality import RealityOptions
from floorplan.reality.channels import Channel, ChannelReport, check_channels, find_channels
from floorplan.reality.outlines import outlines


def channels(problem: Problem) -> list[Channel]:
    return find_channels(problem, outlines(problem.netlist, problem.initial, problem.netlist.hard))


def report(problem: Problem, **options: float) -> ChannelReport:
    hard = outlines(problem.netlist, problem.initial, problem.netlist.hard)
    return check_channels(problem, hard, RealityOptions(**options))  # type: ignore[arg-type]  # only numbers are passed


def test_two_macros_side_by_side_and_the_edges_around_them() -> None:
    got = channels(rectangles([(10, 40, 30, 60), (37, 50, 57, 70)]))
    m0, m1 = "m0", "m1"
    # They see each other over y 50..60; each sees the far edges past the other where it is not in the way.
    assert {(*c.between, c.vertical, c.gap_um, c.seen_um) for c in got} == {
        (m0, m1, True, 7.0, 10.0),
        (m0, "right edge", True, 70.0, 10.0),
        (m0, "left edge", True, 10.0, 20.0),
        (m1, "right edge", True, 43.0, 20.0),
        (m1, "left edge", True, 37.0, 10.0),
        (m0, "top edge", False, 40.0, 20.0),
        (m0, "bottom edge", False, 40.0, 20.0),
        (m1, "top edge", False, 30.0, 20.0),
        (m1, "bottom edge", False, 50.0, 20.0),
    }
    # 20 vertical tracks a um, 10 horizontal ones
    assert {c.tracks for c in got if c.between == (m0, m1)} == {140.0}
    assert {c.tracks for c in got if c.between == (m1, "top edge")} == {300.0}


def test_a_macro_between_hides_what_is_behind_it() -> None:
    wall, part = (45, 0, 50, 100), (45, 0, 50, 48)
    pair = [(20, 40, 40, 60), (60, 40, 80, 60)]
    assert ("m0", "m1") not in {c.between for c in channels(rectangles([*pair, wall]))}
    seen = {c.between: (c.gap_um, c.seen_um) for c in channels(rectangles([*pair, part])) if c.vertical}
    assert seen["m0", "m1"] == (20.0, 12.0)
    assert seen["m0", "m2"] == (5.0, 8.0)
    assert seen["m2", "m1"] == (10.0, 8.0)


def test_the_least_the_narrow_and_the_bins() -> None:
    # A row at x 10..20, 23..33, 40..50: gaps 10 (edge), 3, 7, 50 (edge); 45 above and below each.
    problem = rectangles([(10, 45, 20, 55), (23, 45, 33, 55), (40, 45, 50, 55)])
    got = report(problem, narrow_channel_um=7.5)
    assert got.count == 10
    assert got.least is not None
    assert got.least.between == ("m0", "m1")
    assert got.least.gap_um == 3.0
    assert got.narrow == 2
    assert got.bins_um == (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
    # below 5: 3; below 10: 7; below 20: 10; below 50: six of 45; the rest: 50
    assert got.bins == (0, 0, 1, 1, 1, 6, 1)
    assert (got.abutting, got.abutting_edge) == (0, 0)


def test_abutments_are_counted_apart() -> None:
    # Two that touch along 10 um, in the lower left corner; 0.004 um are still an abutment, 0.006 um are a channel.
    problem = rectangles([(0, 0, 10, 10), (10.004, 0, 20, 10), (0, 10.006, 10, 20)])
    got = report(problem)
    assert got.abutting == 1
    assert got.abutting_edge == 4  # m0 left and bottom, m1 bottom, m2 left
    assert got.least is not None
    assert got.least.between == ("m0", "m2")
    assert got.least.gap_um == pytest.approx(0.006)


def test_corners_that_touch_and_macros_that_overlap_are_no_channel() -> None:
    names = {c.between for c in channels(rectangles([(10, 10, 20, 20), (20, 20, 30, 30)]))}
    assert not {("m0", "m1"), ("m1", "m0")} & names
    names = {c.between for c in channels(rectangles([(10, 10, 20, 20), (18, 12, 30, 30)]))}
    assert not {("m0", "m1"), ("m1", "m0")} & names
    # a macro across the edge has no channel to that edge
    assert ("m0", "left edge") not in {c.between for c in channels(rectangles([(-2, 10, 20, 20)]))}


def test_no_macro_no_channel() -> None:
    got = report(rectangles([], soft=[(0, 0, 10, 10)]))
    assert (got.count, got.least, got.narrow) == (0, None, 0)
    assert sum(got.bins) == 0


def test_the_default_width_holds_as_many_tracks_as_20_um_of_nangate45() -> None:
    # 1140 tracks at 10 a um, the scarcer direction
    assert RealityOptions().narrow_um(CANVAS) == pytest.approx(114.0)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_every_channel_is_empty_and_mirrors_and_turns_with_the_placement(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # One macro in each of some of 5 x 5 fields of 20 um, so that none overlap.
    fields = rng.choice(25, size=int(rng.integers(2, 9)), replace=False)
    x0, y0 = fields // 5 * 20 + rng.integers(0, 8, len(fields)), fields % 5 * 20 + rng.integers(0, 8, len(fields))
    x1, y1 = x0 + rng.integers(4, 13, len(fields)), y0 + rng.integers(4, 13, len(fields))
    problem = rectangles(list(zip(*(a.astype(float).tolist() for a in (x0, y0, x1, y1)), strict=True)))
    turned = rectangles(list(zip(*(a.astype(float).tolist() for a in (y0, 100 - x1, y1, 100 - x0)), strict=True)))
    found = channels(problem)
    assert sorted((c.gap_um, c.seen_um) for c in found) == sorted((c.gap_um, c.seen_um) for c in channels(turned))
    # Slow twin: shoot a ray from the middle of every um of every side.
    rays: dict[tuple[int, int, bool], float] = {}
    for vertical, (a0, a1, c0, c1) in ((True, (x0, x1, y0, y1)), (False, (y0, y1, x0, x1))):
        for i in range(len(fields)):
            for at in np.arange(c0[i], c1[i]) + 0.5:
                hit = [j for j in range(len(fields)) if c0[j] < at < c1[j] and a0[j] >= a1[i]]
                j = min(hit, key=lambda j: int(a0[j])) if hit else -1
                rays[i, j, vertical] = rays.get((i, j, vertical), 0.0) + 1.0
    label = {f"m{k}": k for k in range(len(fields))} | {"right edge": -1, "top edge": -1}
    forward = {
        (label[c.between[0]], label[c.between[1]], c.vertical): c.seen_um for c in found if c.between[1] in label
    }
    assert forward == rays
