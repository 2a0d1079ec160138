"""Real netlists, whose given placements stick out of the canvas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from floorplan.formats import read_problem
from floorplan.legalize import legalize, safe_gap_um
from floorplan.netlist import check_legality

# Summed |dx| + |dy| of the hard macros in um that must not be exceeded: what was reached, and some slack.
MOST_UM = {"NanGate45_ariane133": 5300.0, "ASAP7_ariane133": 4800.0}


@pytest.mark.parametrize("design", sorted(MOST_UM))
def test_initial_placements_become_legal_with_little_movement(benchmarks: Path, design: str) -> None:
    folder = benchmarks / "ct" / design
    problem = read_problem(folder / "netlist.pb.txt.xz", folder / "initial.plc.xz")
    start = problem.initial
    assert not check_legality(problem, start).legal
    done = legalize(problem, start)
    legality = check_legality(problem, done)
    assert legality.legal
    assert not legality.warnings
    hard = problem.netlist.hard
    moved = np.abs(done.x_um - start.x_um)[hard] + np.abs(done.y_um - start.y_um)[hard]
    assert moved.sum() <= MOST_UM[design]
    assert check_legality(problem.replace(macro_spacing_um=safe_gap_um(problem.canvas)), done).legal
    again = legalize(problem, done)
    assert again.x_um.tobytes() == done.x_um.tobytes()
    assert again.y_um.tobytes() == done.y_um.tobytes()


def test_a_legal_placement_is_hardly_touched(benchmarks: Path) -> None:
    folder = benchmarks / "ct" / "NanGate45_ariane133"
    problem = read_problem(folder / "netlist.pb.txt.xz", folder / "legalized.plc.xz")
    start = problem.initial
    assert check_legality(problem, start).legal
    done = legalize(problem, start)
    hard = problem.netlist.hard
    # Macros may touch in the file; they move by multiples of the safe gap at most.
    moved = np.abs(done.x_um - start.x_um)[hard] + np.abs(done.y_um - start.y_um)[hard]
    assert moved.max() <= 133 * safe_gap_um(problem.canvas)
