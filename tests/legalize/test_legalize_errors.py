"""What the legaliser says when it cannot."""

from __future__ import annotations

import re

import numpy as np
import pytest
from test_legalize_properties import row

from floorplan.errors import InfeasibleProblemError, ProblemError
from floorplan.legalize import legalize
from floorplan.netlist import Blockage, Placement, Problem


def says(problem: Problem, message: str) -> None:
    with pytest.raises(InfeasibleProblemError, match=f"^{re.escape(message)}$"):
        legalize(problem, problem.initial)


def test_a_macro_wider_than_the_canvas() -> None:
    says(row([120], [10], (100, 50), [(50, 5)]), "m0 is wider than the canvas: 120 um, canvas width 100 um")


def test_a_macro_higher_than_the_canvas_within_its_boundary_spacing() -> None:
    p = row([10, 10], [10, 48], (100, 50), [(50, 5), (20, 20)], boundary_spacing_um=1.5)
    says(
        p,
        "m1 is higher than the canvas: 48 um, canvas height 50 um less the boundary spacing of 1.5 um on both sides",
    )


def test_more_area_than_is_free() -> None:
    p = row([60, 50], [50, 50], (100, 50), [(50, 5), (20, 20)])
    says(
        p,
        "the movable hard macros take 5500 um2, the canvas has 5000 um2 free of fixed macros, blockages and boundary "
        "spacing",
    )


def test_blockages_that_overlap_are_counted_once() -> None:
    walls = (Blockage(0.0, 0.0, 40.0, 50.0), Blockage(30.0, 0.0, 60.0, 60.0))
    p = row([50], [45], (100, 50), [(50, 5)], blockages=walls)
    says(
        p,
        "the movable hard macros take 2250 um2, the canvas has 2000 um2 free of fixed macros, blockages and boundary "
        "spacing",
    )


def test_fixed_macros_that_overlap() -> None:
    p = row([10, 10, 5], [10, 10, 5], (100, 50), [(50, 5), (52, 12), (5, 5)], fixed=(0, 1))
    says(p, "fixed macros m0 and m1 overlap by 3 um, and fixed macros are not moved")


def test_a_fixed_macro_outside() -> None:
    p = row([10, 5], [10, 5], (100, 50), [(98, 5), (5, 5)], fixed=(0,))
    says(p, "fixed macro m0 is 3 um outside the canvas, and fixed macros are not moved")


def test_a_canvas_that_holds_the_area_but_not_the_shapes() -> None:
    p = row([60, 60, 60], [30, 30, 30], (100, 70), [(50, 30)] * 3)
    says(
        p,
        "no legal placement found: 3 movable hard macros take 77.1% of the free area; the best attempt found room for "
        "2 of them; as given they overlap, or stick out, by up to 30 um",
    )


def test_unplaced_hard_macros() -> None:
    p = row([10, 10], [10, 10], (100, 50), [(50, 5), (52, 12)])
    with pytest.raises(ProblemError, match=r"^hard macro m0 and 1 more unplaced: the legaliser moves what is placed$"):
        legalize(p, Placement.empty(2))


def test_a_placement_of_another_netlist() -> None:
    p = row([10, 10], [10, 10], (100, 50), [(50, 5), (52, 12)])
    other = Placement(np.zeros(3), np.zeros(3), np.zeros(3, np.uint8), np.ones(3, np.bool_))
    with pytest.raises(ProblemError, match=r"^placement has 3 nodes, the netlist 2$"):
        legalize(p, other)
