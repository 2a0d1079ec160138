from __future__ import annotations

import pytest

from floorplan.accelerator.floor import FEWEST_CELLS, MOST_CELLS, canvas_for, cells_along, port_positions
from floorplan.accelerator.technology import TECHNOLOGIES
from floorplan.netlist import Canvas, Side


def test_the_grid_fits_macros_that_fit_it() -> None:
    # Macros of 4 and 8 um on 96 um: 24 cells of 4 um waste nothing, and no smaller number from 20 on does.
    assert cells_along(96.0, [4.0, 8.0], [1.0, 1.0]) == 24


def test_the_grid_listens_to_the_larger_macros() -> None:
    # On 100 um, 5 um wants 20 cells and 4 um wants 25; the one that is taller across decides.
    assert cells_along(100.0, [5.0, 4.0], [10.0, 0.1]) == 20
    assert cells_along(100.0, [5.0, 4.0], [0.1, 10.0]) == 25


def test_the_canvas_has_the_utilisation_asked_for() -> None:
    canvas = canvas_for(TECHNOLOGIES["nangate45"], [10.0, 20.0], [30.0, 10.0], 0.5)
    assert canvas.width_um == canvas.height_um
    assert canvas.width_um**2 == pytest.approx((300.0 + 200.0) / 0.5, rel=1e-4)
    assert FEWEST_CELLS <= canvas.columns <= MOST_CELLS
    assert FEWEST_CELLS <= canvas.rows <= MOST_CELLS


def test_ports_stand_on_their_edges_evenly_and_clear_of_corners() -> None:
    canvas = Canvas(100.0, 50.0, 10, 10, 1.0, 1.0)
    sides = [Side.TOP, Side.LEFT, Side.TOP, Side.RIGHT, Side.BOTTOM, Side.LEFT]
    # Two ports on an edge of length L stand at 0.1 L + 0.2 L and 0.1 L + 0.6 L, one in the middle.
    assert port_positions(canvas, sides) == [
        (30.0, 50.0),
        (0.0, 15.0),
        (70.0, 50.0),
        (100.0, 25.0),
        (50.0, 0.0),
        (0.0, 35.0),
    ]
