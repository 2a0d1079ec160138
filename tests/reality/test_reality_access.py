from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reality_cases import rectangles

from floorplan.geometry import Orient
from floorplan.netlist import Problem
from floorplan.reality import RealityOptions
from floorplan.reality.access import PinReport, check_pins, free_way_um
from floorplan.reality.outlines import outlines


def ways(problem: Problem) -> list[float]:
    """Free ways of the pins of macros, in their order."""
    hard = outlines(problem.netlist, problem.initial, problem.netlist.hard)
    got = free_way_um(problem, problem.initial, hard)
    return [float(w) for w in got if not np.isnan(w)]


def report(problem: Problem, reach_um: float) -> PinReport:
    hard = outlines(problem.netlist, problem.initial, problem.netlist.hard)
    return check_pins(problem, problem.initial, hard, RealityOptions(pin_reach_um=reach_um))


M0, M1 = (10, 40, 30, 60), (33, 50, 53, 70)  # 3 um apart, facing over y 50..60


def test_a_pin_leaves_by_its_nearest_edge_until_something_is_in_the_way() -> None:
    pins = [
        (0, 10, 5),  # right edge, faces m1
        (0, 8, 4),  # inside, nearest edge is the right one
        (0, 10, -5),  # right edge below m1: to the canvas edge
        (0, 10, 0),  # at y = 50, in line with m1's lower side: passes along it
        (0, -10, 0),  # left edge
        (0, 1, 9),  # top
        (0, 0, -10),  # bottom
        (1, -10, -3),  # m1's left edge, faces m0
        (1, -10, 3),  # m1's left edge, above m0
    ]
    assert ways(rectangles([M0, M1], pins=pins)) == [3, 3, 70, 70, 10, 40, 40, 3, 33]


def test_of_equally_near_edges_the_best_counts() -> None:
    # The corner towards m1 (3 um) may also leave upward (40); the middle of a square goes past below m1 (70).
    assert ways(rectangles([M0, M1], pins=[(0, 10, 10), (0, 0, 0)])) == [40, 70]
    # In the lower left corner of the canvas, two sides are shut; a pin in the corner has nowhere to go.
    assert ways(rectangles([(0, 0, 10, 10)], pins=[(0, -5, -5), (0, -5, 0), (0, 5, 5)])) == [0, 0, 90]


@pytest.mark.parametrize(
    ("orient", "want"),
    [
        (Orient.N, 3.0),  # (10, 5) faces m1
        (Orient.FN, 10.0),  # (-10, 5): left
        (Orient.FS, 70.0),  # (10, -5): right, below m1
        (Orient.S, 10.0),  # (-10, -5): left
        (Orient.E, 40.0),  # (5, -10): bottom
        (Orient.W, 40.0),  # (-5, 10): top
        (Orient.FE, 40.0),  # (-5, -10): bottom
        (Orient.FW, 40.0),  # (5, 10): top
    ],
)
def test_the_way_follows_the_orientation(orient: Orient, want: float) -> None:
    assert ways(rectangles([M0, M1], pins=[(0, 10, 5)], orient=[orient, 0])) == [want]


def test_pins_under_another_macro_or_off_the_canvas_have_no_way() -> None:
    overlapping = rectangles([(10, 40, 30, 60), (25, 45, 45, 65)], pins=[(0, 10, 0), (0, 10, -8)])
    assert ways(overlapping) == [0, 70]
    outside = rectangles([(90, 40, 110, 60), (40, 95, 60, 105)], pins=[(0, 10, 0), (1, -10, 3), (1, -10, -3)])
    # m0's right edge is past the canvas edge; m1's left edge is half above the canvas
    assert ways(outside) == [0, 0, 40]


def test_share_and_worst_macro() -> None:
    pins = [(0, 10, 5), (0, 10, 6), (0, -10, 0), (1, -10, -3), (1, 10, 0)]
    got = report(rectangles([M0, M1], pins=pins), reach_um=3.5)
    assert (got.pins, got.boxed_in, got.share) == (5, 3, 0.6)
    assert (got.worst_macro, got.worst_boxed_in, got.worst_pins) == ("m0", 2, 3)
    # exactly as much room as a pin needs is enough
    got = report(rectangles([M0, M1], pins=pins), reach_um=3.0)
    assert (got.boxed_in, got.worst_macro) == (0, None)


def test_no_pin_no_share() -> None:
    assert report(rectangles([M0]), reach_um=1.0).share == 0.0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_mirrored_placements_have_the_same_ways(seed: int) -> None:
    rng = np.random.default_rng(seed)
    boxes, pins = [], []
    for k in range(int(rng.integers(1, 6))):
        x, y = rng.integers(-5, 90, 2).tolist()
        w, h = (2 * rng.integers(2, 12, 2)).tolist()
        boxes.append((x, y, x + w, y + h))
        pins += [(k, float(rng.uniform(-w / 2, w / 2)), float(rng.uniform(-h / 2, h / 2))) for _ in range(3)]
    mirrored = rectangles(
        [(100 - x1, y0, 100 - x0, y1) for x0, y0, x1, y1 in boxes], pins=pins, orient=[Orient.FN] * len(boxes)
    )
    assert ways(mirrored) == pytest.approx(ways(rectangles(boxes, pins=pins)))
