from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reality_cases import CANVAS, rectangles

from floorplan.netlist import Canvas, NetlistBuilder, Placement
from floorplan.reality import RealityOptions
from floorplan.reality.kernels.router import route_all
from floorplan.reality.outlines import Outlines, outlines
from floorplan.reality.router import Routing, edge_capacity, route_nets, route_segments

F64 = npt.NDArray[np.float64]
Cell = tuple[int, int]


def no_macros() -> Outlines:
    return Outlines(np.zeros(0, np.int32), *(np.zeros(0) for _ in range(4)))


def path(cells: npt.NDArray[np.int32], kind: int, turn: int) -> list[Cell]:
    """Every cell that a route passes, in order; the slow twin of what the kernels lay and sum."""
    ra, ca, rb, cb = cells.tolist()
    corners = (
        [(ra, ca), (ra, turn), (rb, turn), (rb, cb)] if kind == 0 else [(ra, ca), (turn, ca), (turn, cb), (rb, cb)]
    )
    out = [corners[0]]
    for r, c in corners[1:]:
        while out[-1] != (r, c):
            at = out[-1]
            out.append((at[0] + int(np.sign(r - at[0])), at[1] + int(np.sign(c - at[1]))))
    return out


def use_of(cells: npt.NDArray[np.int32], kind: int, turn: int, rows: int, cols: int) -> tuple[F64, F64]:
    h, v = np.zeros((rows, cols - 1)), np.zeros((rows - 1, cols))
    steps = path(cells, kind, turn)
    for (r0, c0), (r1, c1) in itertools.pairwise(steps):
        if r0 == r1:
            h[r0, min(c0, c1)] += 1
        else:
            v[min(r0, r1), c0] += 1
    return h, v


def three_wires_in_a_row(rounds: int, detour: int) -> Routing:
    cells = np.array([[1, 0, 1, 3]] * 3, np.int32)
    return route_segments(cells, np.ones(3), np.ones((3, 3)), np.ones((2, 4)), (1.0, 1.0), (1.0, 1.0), rounds, detour)


def test_three_wires_through_a_row_of_one_track_part_ways() -> None:
    crowded = three_wires_in_a_row(rounds=0, detour=0)
    assert crowded.overflow.tolist() == [0, 0, 0, 2, 2, 2, 0, 0, 0] + [0] * 8
    got = three_wires_in_a_row(rounds=10, detour=1)
    assert got.overflow.sum() == 0
    # One straight, one over the row above and one below: 3 + 5 + 5.
    assert got.h.sum() + got.v.sum() == 13
    assert got.h.tolist() == [[1, 1, 1]] * 3


def test_without_room_to_leave_the_row_the_overflow_stays() -> None:
    got = three_wires_in_a_row(rounds=10, detour=0)
    assert got.overflow.sum() == 6


def test_capacity_is_what_the_tracks_give_less_what_macros_take() -> None:
    canvas = Canvas(40.0, 30.0, 4, 3, 2.0, 3.0, 1.0, 2.0)
    # Covers y 0..15 and x 8..22: reaches between the centres 5..15 and 15..25 of columns 0-1 and 1-2, not 25..35;
    # upward it reaches between 5..15 only (it ends at 15, where 15..25 begins). The second macro lies inside the first.
    problem = rectangles([(8, 0, 22, 15), (10, 2, 20, 9)], canvas=canvas)
    hard = outlines(problem.netlist, problem.initial, problem.netlist.hard)
    h, v = edge_capacity(canvas, hard, RealityOptions())
    # Row 0 is covered over 10 um, row 1 over 5: 20 - 1 x 10, 20 - 1 x 5. Columns 0, 1, 2
    # are covered over 2, 10, 2 um: 30 - 2 x that.
    assert h.tolist() == [[10, 10, 20], [15, 15, 20], [20, 20, 20]]
    assert v.tolist() == [[26, 10, 26, 30], [30, 30, 30, 30]]
    h, v = edge_capacity(canvas, hard, RealityOptions(track_share=0.5))
    assert h[0].tolist() == [5, 5, 10]
    h, v = edge_capacity(canvas, hard, RealityOptions(grid_factor=2))
    assert h.shape == (6, 7)
    # Cells of 5 x 5: the row 0..5 is covered over 5 um between the centres 7.5 and 22.5: 10 - 5.
    assert h[0].tolist() == [10, 5, 5, 5, 10, 10, 10]


def test_macros_that_take_more_than_there_is_leave_nothing() -> None:
    canvas = Canvas(20.0, 20.0, 2, 2, 1.0, 1.0, 5.0, 5.0)
    problem = rectangles([(0, 0, 20, 20)], canvas=canvas)
    h, v = edge_capacity(canvas, outlines(problem.netlist, problem.initial, problem.netlist.hard), RealityOptions())
    assert (h == 0).all()
    assert (v == 0).all()


def test_nets_take_their_weight_but_at_least_one_track() -> None:
    b = NetlistBuilder("ports")
    for name in ("a", "b", "c", "d", "e"):
        b.add_port(name)
    b.add_net("a", ["b"], 3.0)
    b.add_net("c", ["d"], 0.25)
    b.add_net("e", ["e"])
    # a-b: three cells right and two up; c-d: five cells up; e outside the canvas, clamped, and alone.
    p = Placement([5.0, 35, 95, 95, 140], [5.0, 25, 5, 55, -9], np.zeros(5), np.ones(5, bool))
    got = route_nets(CANVAS, no_macros(), b.build(), p, RealityOptions())
    assert (got.columns, got.rows, got.segments, got.rounds) == (10, 10, 2, 0)
    assert got.tree_um == pytest.approx(3 * 50 + 50)
    assert got.wirelength_um == pytest.approx(got.tree_um)
    assert got.overflow_tracks == got.overflow_edge_share == 0
    assert got.peak_utilisation == pytest.approx(3 / 100)  # the H edges of a-b; 3 / 200 on its V edges
    # 180 edges, so nine count: three H edges at 3 / 100, two V edges at 3 / 200, four of c-d's at 1 / 200
    assert got.top5_utilisation == pytest.approx((3 * 0.03 + 2 * 0.015 + 4 * 0.005) / 9)
    fine = route_nets(CANVAS, no_macros(), b.build(), p, RealityOptions(grid_factor=4))
    assert (fine.columns, fine.rows) == (40, 40)
    assert fine.tree_um == pytest.approx(got.tree_um)


def test_overflow_adds_up() -> None:
    b = NetlistBuilder("heavy")
    b.add_port("a")
    b.add_port("b")
    b.add_net("a", ["b"], 130.0)
    p = Placement([5.0, 25.0], [5.0, 5.0], np.zeros(2), np.ones(2, bool))
    got = route_nets(CANVAS, no_macros(), b.build(), p, RealityOptions(detour_cells=0))
    # 130 wires on the 100 tracks of two edges
    assert got.overflow_tracks == pytest.approx(60)
    assert got.max_overflow_tracks == pytest.approx(30)
    assert got.overflow_edge_share == pytest.approx(2 / 180)
    assert got.peak_utilisation == pytest.approx(1.3)


def test_a_canvas_of_one_cell_has_nothing_to_route() -> None:
    problem = rectangles([(0, 0, 5, 5)], canvas=Canvas(20.0, 20.0, 1, 1, 1.0, 1.0))
    hard = outlines(problem.netlist, problem.initial, problem.netlist.hard)
    got = route_nets(problem.canvas, hard, problem.netlist, problem.initial, RealityOptions())
    assert got.segments == got.wirelength_um == got.overflow_tracks == got.peak_utilisation == 0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 7), st.integers(1, 7), st.integers(0, 2))
def test_each_route_is_the_cheapest_pattern(seed: int, rows: int, cols: int, detour: int) -> None:
    rng = np.random.default_rng(seed)
    h, v = rng.uniform(0, 9, (rows, cols - 1)), rng.uniform(0, 9, (rows - 1, cols))
    h_cap, v_cap = rng.uniform(0, 9, h.shape), rng.uniform(0, 9, v.shape)
    h_past, v_past = rng.uniform(0, 2, h.shape), rng.uniform(0, 2, v.shape)
    cells = np.array([[rng.integers(rows), rng.integers(cols), rng.integers(rows), rng.integers(cols)]], np.int32)
    q, scale = np.array([2.0]), np.array([3.0, 5.0, 1 / 9, 1 / 9, 4.0, 0.1])

    def price(use: F64, cap: F64, past: F64, length: float) -> F64:
        over = np.maximum(use - cap, 0.0)
        return length * (1 + past + 0.1 * np.maximum((use + 9 - cap) / 9, 0) + 4.0 * over / 9)

    price_h, price_v = price(h + 2, h_cap, h_past, 3.0), price(v + 2, v_cap, v_past, 5.0)

    def total(kind: int, turn: int) -> float:
        use_h, use_v = use_of(cells[0], kind, turn, rows, cols)
        return float((use_h * price_h).sum() + (use_v * price_v).sum())

    ra, ca, rb, cb = cells[0].tolist()
    turns_c = range(max(min(ca, cb) - detour, 0), min(max(ca, cb) + detour, cols - 1) + 1)
    turns_r = range(max(min(ra, rb) - detour, 0), min(max(ra, rb) + detour, rows - 1) + 1)
    best = min([total(0, m) for m in turns_c] + [total(1, m) for m in turns_r])
    kind, turn = np.zeros(1, np.int32), np.zeros(1, np.int32)
    before_h, before_v = h.copy(), v.copy()
    assert route_all(cells, q, kind, turn, True, h, v, h_cap, v_cap, h_past, v_past, scale, detour) == 1
    assert total(int(kind[0]), int(turn[0])) == pytest.approx(best)
    use_h, use_v = use_of(cells[0], int(kind[0]), int(turn[0]), rows, cols)
    assert h == pytest.approx(before_h + 2 * use_h)
    assert v == pytest.approx(before_v + 2 * use_v)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_rip_up_never_makes_it_worse_and_use_is_that_of_the_routes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, cols, n = 6, 8, 60
    ends = [
        rng.integers(rows, size=n),
        rng.integers(cols, size=n),
        rng.integers(rows, size=n),
        rng.integers(cols, size=n),
    ]
    cells, demand = np.stack(ends, axis=1).astype(np.int32), rng.choice([1.0, 2.0], n)
    caps = rng.integers(0, 8, (rows, cols - 1)).astype(float), rng.integers(0, 8, (rows - 1, cols)).astype(float)

    def routed(rounds: int) -> Routing:
        return route_segments(cells, demand, *caps, (1.0, 1.0), (8.0, 8.0), rounds, 2)

    first, last, again = routed(0), routed(8), routed(8)
    assert last.overflow.sum() <= first.overflow.sum()
    assert (last.kind == again.kind).all()
    assert (last.turn == again.turn).all()
    h, v = np.zeros_like(last.h), np.zeros_like(last.v)
    for s in range(n):
        use_h, use_v = use_of(last.cells[s], int(last.kind[s]), int(last.turn[s]), rows, cols)
        h, v = h + last.demand[s] * use_h, v + last.demand[s] * use_v
    assert (last.h == h).all()
    assert (last.v == v).all()


def test_rip_up_comes_down_to_what_no_router_can_avoid() -> None:
    rng = np.random.default_rng(5)
    cells = rng.integers(0, 12, (300, 4)).astype(np.int32)
    caps = np.full((12, 11), 13.0), np.full((11, 12), 13.0)
    # Every straight cut through the grid has 12 edges of 13 tracks; wires with an end on each side must cross it.
    row_a, col_a, row_b, col_b = cells.T
    wires = [((a <= k) != (b <= k)).sum() for k in range(11) for a, b in ((row_a, row_b), (col_a, col_b))]
    least = sum(max(w - 12 * 13, 0) for w in wires)
    first = route_segments(cells, np.ones(300), *caps, (1.0, 1.0), (13.0, 13.0), 0, 0)
    last = route_segments(cells, np.ones(300), *caps, (1.0, 1.0), (13.0, 13.0), 20, 3)
    assert 0 < least == last.overflow.sum() < first.overflow.sum()
