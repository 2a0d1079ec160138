"""Whatever the start: legal, float32-safe, idempotent, fixed nodes untouched, little movement."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from legalize_cases import Case, make_case

from floorplan.geometry import Orient, oriented_size_um
from floorplan.legalize import legalize, safe_gap_um
from floorplan.legalize.frame import SAFE, make_frame
from floorplan.legalize.improve import matched
from floorplan.netlist import Blockage, Canvas, NetlistBuilder, Placement, Problem, check_legality


def movement_um(case_start: Placement, done: Placement) -> float:
    return float((np.abs(done.x_um - case_start.x_um) + np.abs(done.y_um - case_start.y_um)).sum())


def float32_overlaps(problem: Problem, p: Placement) -> int:
    """Count pairs of hard macros that overlap by the strict rule of checkers that compute in float32."""
    hard = problem.netlist.hard
    w, h = oriented_size_um(problem.netlist.node_w_um[hard], problem.netlist.node_h_um[hard], p.orient[hard])
    x, y, w, h = (a.astype(np.float32) for a in (p.x_um[hard], p.y_um[hard], w, h))
    x0, x1, y0, y1 = x - w / 2, x + w / 2, y - h / 2, y + h / 2
    hit = (x0[:, None] < x1[None, :]) & (x0[None, :] < x1[:, None]) & (y0[:, None] < y1[None, :])
    hit &= y0[None, :] < y1[:, None]
    movable = ~problem.fixed[hard]
    return int((np.triu(hit, 1) & (movable[:, None] | movable[None, :])).sum())


def least_gap_um(problem: Problem, p: Placement) -> float:
    hard = problem.netlist.hard
    w, h = oriented_size_um(problem.netlist.node_w_um[hard], problem.netlist.node_h_um[hard], p.orient[hard])
    x, y = p.x_um[hard], p.y_um[hard]
    gap = np.maximum(
        np.abs(x[:, None] - x) - (w[:, None] + w) / 2,
        np.abs(y[:, None] - y) - (h[:, None] + h) / 2,
    )
    movable = ~problem.fixed[hard]
    pairs = np.triu(movable[:, None] | movable[None, :], 1)
    return float(gap[pairs].min(initial=np.inf))


def assert_good(case: Case) -> None:
    problem, start = case.problem, case.start
    assert check_legality(problem, case.solution).legal, case.name
    done = legalize(problem, start, tries=100)
    assert check_legality(problem, done).legal, case.name
    assert least_gap_um(problem, done) >= max(problem.macro_spacing_um, safe_gap_um(problem.canvas)) - 1e-9, case.name
    assert float32_overlaps(problem, done) == 0, case.name
    fixed = problem.fixed
    np.testing.assert_array_equal(done.x_um[fixed], problem.initial.x_um[fixed])
    np.testing.assert_array_equal(done.y_um[fixed], problem.initial.y_um[fixed])
    np.testing.assert_array_equal(done.orient, start.orient)
    again = legalize(problem, done, tries=100)
    for name in ("x_um", "y_um", "orient", "placed"):
        assert getattr(again, name).tobytes() == getattr(done, name).tobytes(), case.name


# The same examples each time: what is found is not guaranteed for every problem there is (tests/bench counts).
@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_any_start_becomes_legal_and_stays_as_it_is(seed: int) -> None:
    assert_good(make_case(seed, most=30))


def test_the_same_call_gives_the_same_placement() -> None:
    case = make_case(8, most=40)
    one, two = legalize(case.problem, case.start), legalize(case.problem, case.start)
    assert one.x_um.tobytes() == two.x_um.tobytes()
    assert one.y_um.tobytes() == two.y_um.tobytes()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_more_tries_never_move_macros_further(seed: int) -> None:
    case = make_case(seed, most=25)
    quick = movement_um(case.start, legalize(case.problem, case.start, tries=0))
    long = movement_um(case.start, legalize(case.problem, case.start, tries=300))
    assert long <= quick + 1e-6


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_a_nearly_legal_placement_moves_no_further_than_back(seed: int) -> None:
    """The construction's own placement, shaken: shaking it back is an upper bound."""
    case = make_case(seed, utilization=0.5, most=12)
    rng = np.random.default_rng(seed)
    move = ~case.problem.fixed
    move[-1] = False  # the soft macro stays
    shake = 0.02 * min(case.problem.canvas.width_um, case.problem.canvas.height_um)
    at = case.solution
    x = at.x_um + move * rng.uniform(-shake, shake, len(at))
    y = at.y_um + move * rng.uniform(-shake, shake, len(at))
    start = at.replace(x, y)
    assert movement_um(start, legalize(case.problem, start)) <= movement_um(start, at) + 1e-3


def row(
    widths: list[float],
    heights: list[float],
    canvas: tuple[float, float],
    at: list[tuple[float, float]],
    fixed: tuple[int, ...] = (),
    orient: tuple[int, int] | None = None,
    soft: tuple[float, float, float, float] | None = None,
    **constraints: object,
) -> Problem:
    """Return a problem of a few hand-placed macros; soft: width, height, x, y of a soft macro; orient: node, mask."""
    b = NetlistBuilder("row")
    for k, (w, h) in enumerate(zip(widths, heights, strict=True)):
        b.add_macro(f"m{k}", w, h)
        b.add_pin(f"m{k}/p", f"m{k}")
    points = list(at)
    if soft:
        b.add_macro("Grp_0", soft[0], soft[1], soft=True)
        points.append(soft[2:])
    nl = b.build()
    x, y = np.array(points).T
    n = len(points)
    is_fixed = np.zeros(n, np.bool_)
    is_fixed[list(fixed)] = True
    mask = np.full(n, 15, np.uint8)
    if orient:
        mask[orient[0]] = orient[1]
    initial = Placement(x, y, np.zeros(n, np.uint8), np.ones(n, np.bool_))
    cv = Canvas(*canvas, 4, 4, 10.0, 10.0)
    return Problem(nl, cv, initial, is_fixed, mask, **constraints)  # type: ignore[arg-type]  # named by the caller


def test_two_macros_share_the_movement_that_is_needed_and_no_more() -> None:
    p = row([10, 10], [10, 10], (100, 100), [(50, 50), (54, 51)])
    done = legalize(p, p.initial)
    assert movement_um(p.initial, done) == pytest.approx(6 + safe_gap_um(p.canvas), abs=1e-6)
    assert done.y_um.tolist() == [50, 51]


def test_spacings_and_boundary_are_kept() -> None:
    p = row([10, 10, 10], [10, 10, 10], (40, 14), [(5, 7)] * 3, macro_spacing_um=2.0, boundary_spacing_um=2.0)
    done = legalize(p, p.initial)
    assert sorted(done.x_um.tolist()) == pytest.approx([7, 19, 31], abs=2.1)
    assert np.diff(np.sort(done.x_um)).min() >= 12 - 1e-9
    assert done.x_um.min() >= 7 - 1e-9
    assert done.x_um.max() <= 33 + 1e-9


def test_blockages_and_fixed_macros_are_gone_around() -> None:
    wall = Blockage(20.0, 0.0, 22.0, 9.0)
    p = row([10, 30], [5, 10], (60, 20), [(21, 4), (45, 15)], fixed=(1,), blockages=(wall,))
    done = legalize(p, p.initial)
    assert done.x_um[1] == 45
    assert movement_um(p.initial, done) == pytest.approx(6, abs=0.01)  # to the left of the wall, not over it


def test_a_blockage_thinner_than_the_spacing_is_kept_clear() -> None:
    p = row([10, 10], [10, 10], (40, 11), [(18, 5), (21, 5)], blockages=(Blockage(20.0, 0.0, 20.0, 11.0),))
    p = p.replace(macro_spacing_um=6.0)
    assert check_legality(p, legalize(p, p.initial)).legal


def test_a_macro_as_wide_as_the_canvas_stands_in_its_middle() -> None:
    p = row([100, 100], [10, 10], (100, 30), [(80, 5), (20, 6)])
    done = legalize(p, p.initial)
    assert done.x_um.tolist() == [50, 50]
    assert np.ptp(done.y_um) >= 10 + safe_gap_um(p.canvas)


def test_a_canvas_filled_to_the_brim_keeps_the_bare_spacing_and_warns(caplog: pytest.LogCaptureFixture) -> None:
    p = row([25, 25, 25, 25], [10] * 4, (100, 10), [(90, 5), (60, 5), (30, 5), (5, 5)])
    with caplog.at_level("WARNING"):
        done = legalize(p, p.initial)
    assert "keeps the bare spacing" in caplog.text
    assert sorted(done.x_um.tolist()) == pytest.approx([12.5, 37.5, 62.5, 87.5], abs=1e-6)
    assert legalize(p, done).x_um.tobytes() == done.x_um.tobytes()


def test_orientations_change_only_where_not_allowed() -> None:
    p = row([10, 20], [20, 10], (50, 50), [(20, 20), (40, 40)], orient=(1, 1 << Orient.W | 1 << Orient.FE))
    start = p.initial.replace(orient=[Orient.S, Orient.N])
    assert legalize(p, start).orient.tolist() == [Orient.S, Orient.W]


def test_soft_macros_are_only_clamped() -> None:
    p = row([10], [10], (50, 60), [(25, 25)], soft=(20.0, 70.0, 45.0, 10.0))
    done = legalize(p, p.initial)
    assert (done.x_um[1], done.y_um[1]) == (40, 30)
    p = row([10], [10], (50, 60), [(25, 25)], soft=(20.0, 20.0, 25.0, 25.0))
    assert legalize(p, p.initial).x_um.tolist() == [25, 25]


def test_an_unplaced_soft_macro_stays_unplaced() -> None:
    p = row([10, 10], [10, 10], (50, 60), [(25, 25), (25, 26)], soft=(20.0, 20.0, 25.0, 25.0))
    done = legalize(p, p.initial.replace(placed=[True, True, False]))
    assert done.placed.tolist() == [True, True, False]
    assert {v.kind for v in check_legality(p, done).violations} == {"unplaced"}


def test_a_fixed_macro_that_was_moved_goes_back() -> None:
    p = row([10, 10], [10, 10], (50, 50), [(5, 5), (30, 30)], fixed=(0,))
    done = legalize(p, p.initial.replace(x_um=[30, 30], y_um=[30, 30]))
    assert (done.x_um[0], done.y_um[0]) == (5, 5)
    assert (done.x_um[1], done.y_um[1]) == (30, 30)


def test_macros_of_one_size_trade_places() -> None:
    p = row([10, 10, 5], [10, 10, 5], (100, 10.5), [(80, 5), (20, 5), (50, 5)])
    frame = make_frame(p, p.initial, SAFE)
    swapped = frame.target_um[:, [1, 0, 2]]
    np.testing.assert_array_equal(matched(frame, swapped), frame.target_um)


def test_no_movable_macros_is_no_work() -> None:
    p = row([10], [10], (50, 50), [(25, 25)], fixed=(0,))
    done = legalize(p, p.initial)
    assert done.x_um.tobytes() == p.initial.x_um.tobytes()
