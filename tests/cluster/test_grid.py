"""The choice of a grid: its parts by hand, and the grids of published designs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from floorplan.cluster.grid import _empty, _filled, choose_grid
from floorplan.formats import read_problem
from floorplan.netlist import Canvas, NetlistBuilder, Placement, Problem


def test_a_row_of_macros_fills_the_cells_that_it_takes() -> None:
    cell = np.array([2.0, 3.0, 4.0])
    # of 2: three cells each, ends of half a cell share one, five in all; of 3: one each; of 4: one each, half filled
    assert _filled(np.array([3.0, 3.0]), cell) == pytest.approx([6 / 10, 6 / 6, 6 / 8])
    # an end of 2.5 and one of 2 do not fit into a cell of 4
    assert _filled(np.array([9.0, 8.0]), np.array([4.0])) == pytest.approx([17 / 24])
    assert _filled(np.array([]), cell).tolist() == [1.0, 1.0, 1.0]


def test_macros_are_packed_from_the_lower_left() -> None:
    two = np.array([2.0])
    assert _empty(two, two, 1.0, 1.0, 4, 4) == 1 - 9 / 16
    assert _empty(two, two, 1.0, 1.0, 2, 4) is None  # no cell's middle is 1 um off both edges
    both = np.array([2.0, 2.0])
    assert _empty(both, both, 1.0, 1.0, 4, 4) is None
    # in cells of 2 they fill one each
    assert _empty(both, both, 2.0, 2.0, 2, 2) == 0.5
    # side by side on the lowest row they share a column of cells
    assert _empty(both, both, 1.0, 1.0, 6, 4) == 1 - 5 * 3 / 24
    # a smaller one goes on top only where it must
    assert _empty(np.array([3.0, 1.0]), np.array([3.0, 1.0]), 1.0, 1.0, 4, 4) == 1 - 10 / 16


@pytest.mark.parametrize(
    "design",
    [
        "NanGate45_ariane133",
        "ASAP7_ariane136",
        pytest.param("NanGate45_nvdla", marks=pytest.mark.slow),
        pytest.param("ASAP7_ariane133", marks=pytest.mark.slow),
        pytest.param("SKY130HD_ariane133", marks=pytest.mark.slow),
    ],
)
def test_published_grids_are_found_again(benchmarks: Path, design: str) -> None:
    folder = benchmarks / "ct" / design
    problem = read_problem(folder / "netlist.pb.txt.xz", folder / "initial.plc.xz")
    assert choose_grid(problem) == (problem.canvas.columns, problem.canvas.rows)


@pytest.mark.parametrize("macro_um", [None, 5.0, 299.0, 400.0])
def test_any_design_gets_a_grid(macro_um: float | None) -> None:
    b = NetlistBuilder("odd")
    b.add_port("p")
    if macro_um is not None:
        for i in range(40):
            b.add_macro(f"m{i}", macro_um, macro_um / 2)
    n = 1 if macro_um is None else 41
    start = Placement.empty(n).replace(placed=np.arange(n) == 0)
    columns, rows = choose_grid(Problem(b.build(), Canvas(300.0, 300.0, 10, 10, 1.0, 1.0), start))
    assert 500 <= columns * rows <= 4096
    assert 2 / 3 <= columns / rows <= 3 / 2
