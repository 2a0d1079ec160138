from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reality_cases import rectangles

from floorplan.cost import CostEngine
from floorplan.netlist import Problem
from floorplan.reality.outlines import outlines
from floorplan.reality.softroom import SoftReport, check_soft_room


def room(problem: Problem) -> SoftReport:
    hard = outlines(problem.netlist, problem.initial, problem.netlist.hard)
    return check_soft_room(problem.netlist, problem.canvas, problem.initial, hard)


def test_soft_area_on_a_hard_macro() -> None:
    # 10 x 10 of soft area over the macro's right end: 4 x 10 of it on top. A second soft macro of 100 um2 stands free.
    got = room(rectangles([(0, 0, 24, 20)], soft=[(20, 0, 30, 10), (60, 60, 70, 70)]))
    assert got.area_um2 == pytest.approx(200)
    assert got.on_hard_share == pytest.approx(40 / 200)
    # All of it is in the cell 20..30, 0..10, whose 100 um2 hold 40 of hard and 100 of soft area: 40 are too much.
    assert got.overfull_share == pytest.approx(100 / 200)
    assert got.no_room_share == pytest.approx(40 / 200)
    assert got.outside_share == pytest.approx(0)


def test_soft_macros_on_each_other_and_off_the_canvas() -> None:
    # Two on the same cell: twice its area. Half of the third lies outside.
    got = room(rectangles([], soft=[(50, 50, 60, 60), (50, 50, 60, 60), (-5, 0, 5, 10)]))
    assert got.on_hard_share == 0
    assert got.overfull_share == pytest.approx(200 / 300)
    assert got.no_room_share == pytest.approx(100 / 300)
    assert got.outside_share == pytest.approx(50 / 300)


def test_full_cells_are_not_overfull() -> None:
    got = room(rectangles([(0, 0, 10, 10)], soft=[(10, 0, 20, 10), (20, 0, 25, 10)]))
    assert got == SoftReport(pytest.approx(150), 0.0, pytest.approx(0), 0.0, 0.0)


def test_without_soft_macros_nothing_is_wrong() -> None:
    assert room(rectangles([(0, 0, 10, 10)])) == SoftReport(0.0, 0.0, 0.0, 0.0, 0.0)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_shares_are_shares_and_cells_agree_with_the_cost(seed: int) -> None:
    rng = np.random.default_rng(seed)

    def boxes(count: int) -> list[tuple[float, float, float, float]]:
        x, y = rng.uniform(-5, 80, (2, count))
        return list(zip(x, y, x + rng.uniform(1, 30, count), y + rng.uniform(1, 30, count), strict=True))

    problem = rectangles(boxes(3), soft=boxes(4))
    got = room(problem)
    assert 0 <= got.no_room_share <= got.overfull_share <= 1
    assert 0 <= got.on_hard_share <= 1
    assert 0 <= got.outside_share <= 1
    overfull = CostEngine(problem).maps(problem.initial).density.max() > 1 + 1e-9
    assert overfull >= (got.overfull_share > 0)
