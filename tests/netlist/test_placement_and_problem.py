"""Placements, canvases and problems refuse what makes no sense; orientations do to pins what the field says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from floorplan.errors import ProblemError
from floorplan.geometry import Orient, oriented_offsets_um, oriented_size_um
from floorplan.netlist import FLIPS, ONLY_N, Blockage, Canvas, NetlistBuilder, Placement, Problem

CANVAS = Canvas(100.0, 50.0, 10, 5, 10.0, 10.0)


def netlist() -> NetlistBuilder:
    b = NetlistBuilder("n")
    b.add_port("p")
    b.add_macro("m", 4.0, 2.0)
    b.add_macro("k", 4.0, 2.0)
    b.add_macro("Grp_0", 1.0, 1.0, soft=True)
    return b


def placed(*xy: tuple[float, float]) -> Placement:
    x, y = np.array(xy).T
    return Placement(x, y, np.zeros(len(x), np.uint8), np.ones(len(x), np.bool_))


ALL = placed((0, 0), (10, 10), (20, 10), (5, 5))


def test_placement_is_a_frozen_copy() -> None:
    x = np.array([1.0, 2.0])
    pl = Placement(x, x, np.zeros(2, np.uint8), np.ones(2, np.bool_))
    x[0] = 9.0
    assert pl.x_um.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        pl.x_um[0] = 3.0
    moved = pl.replace(y_um=[5, 6])
    assert (moved.x_um.tolist(), moved.y_um.tolist(), len(moved)) == ([1.0, 2.0], [5.0, 6.0], 2)
    assert pl.y_um.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("x", "orient", "cause"),
    [([1.0, math.nan], [0, 0], "not finite"), ([1.0, 2.0], [0, 8], "orientation"), ([1.0], [0, 0], "differ in length")],
)
def test_bad_placements(x: list[float], orient: list[int], cause: str) -> None:
    with pytest.raises(ProblemError, match=cause):
        Placement(np.array(x), np.zeros(2), np.array(orient, np.uint8), np.ones(2, np.bool_))


def test_coordinates_of_unplaced_nodes_mean_nothing() -> None:
    pl = Placement(np.array([math.nan]), np.array([0.0]), np.zeros(1, np.uint8), np.zeros(1, np.bool_))
    assert not pl.placed.any()
    assert not Placement.empty(3).placed.any()


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"width_um": 0.0}, "width_um must be positive"),
        ({"height_um": math.inf}, "height_um must be positive"),
        ({"columns": 0}, "columns must be 1 to 4096"),
        ({"rows": 5000}, "rows must be 1 to 4096"),
        ({"h_tracks_per_um": -1.0}, "h_tracks_per_um must be positive"),
        ({"v_macro_tracks_per_um": math.nan}, "v_macro_tracks_per_um must be >= 0"),
        ({"smooth_range": -1}, "smooth_range must be 0 to 4096"),
    ],
)
def test_bad_canvases(changes: dict[str, float], cause: str) -> None:
    good = {"width_um": 1.0, "height_um": 1.0, "columns": 1, "rows": 1, "h_tracks_per_um": 1.0, "v_tracks_per_um": 1.0}
    with pytest.raises(ProblemError, match=cause):
        Canvas(**(good | changes))  # type: ignore[arg-type]  # one value is wrong on purpose


def test_cells_of_a_canvas() -> None:
    assert (CANVAS.cell_w_um, CANVAS.cell_h_um, CANVAS.num_cells) == (10.0, 10.0, 50)


def test_ports_are_always_fixed_and_macros_are_movable() -> None:
    nl = netlist().build()
    problem = Problem(nl, CANVAS, ALL, fixed=np.array([False, True, False, False]))
    assert problem.fixed.tolist() == [True, True, False, False]
    assert (problem.movable_hard.tolist(), problem.movable_soft.tolist()) == ([2], [3])
    assert (problem.allowed_orient == FLIPS).all()
    assert (problem.replace(allowed_orient=np.full(4, ONLY_N)).allowed_orient == ONLY_N).all()


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"initial": Placement.empty(3)}, "has 3 nodes, the netlist 4"),
        ({"initial": Placement.empty(4)}, "p is fixed"),
        ({"fixed": np.zeros(3, np.bool_)}, "one entry a node"),
        ({"macro_spacing_um": -1.0}, "spacing must be >= 0"),
        ({"boundary_spacing_um": math.nan}, "spacing must be >= 0"),
        ({"allowed_orient": np.array([15, 0, 15, 15], np.uint8)}, "m has no allowed orientation"),
    ],
)
def test_bad_problems(changes: dict[str, object], cause: str) -> None:
    problem = Problem(netlist().build(), CANVAS, ALL)
    with pytest.raises(ProblemError, match=cause):
        problem.replace(**changes)


@pytest.mark.parametrize("corners", [(5, 0, 1, 1), (0, 5, 1, 1), (0, 0, math.inf, 1)])
def test_bad_blockages(corners: tuple[float, float, float, float]) -> None:
    with pytest.raises(ProblemError, match="not a rectangle"):
        Blockage(*corners)


@pytest.mark.parametrize(
    ("orient", "want"),
    [
        (Orient.N, (1, 2)), (Orient.FN, (-1, 2)), (Orient.FS, (1, -2)), (Orient.S, (-1, -2)),
        (Orient.E, (2, -1)), (Orient.W, (-2, 1)), (Orient.FE, (-2, -1)), (Orient.FW, (2, 1)),
    ],
)  # fmt: skip
def test_orientations_turn_offsets_and_sizes(orient: Orient, want: tuple[float, float]) -> None:
    o = np.array([orient], np.uint8)
    dx, dy = oriented_offsets_um(np.array([1.0]), np.array([2.0]), o)
    assert (dx[0], dy[0]) == want
    w, h = oriented_size_um(np.array([4.0]), np.array([3.0]), o)
    assert (w[0], h[0]) == ((3.0, 4.0) if orient in (Orient.E, Orient.W, Orient.FE, Orient.FW) else (4.0, 3.0))
