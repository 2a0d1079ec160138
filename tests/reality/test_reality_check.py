from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from reality_cases import rectangles

from floorplan.cost import CostEngine
from floorplan.errors import ProblemError
from floorplan.formats import read_problem
from floorplan.netlist import Canvas
from floorplan.reality import RealityOptions, RealityReport, check_reality


def test_one_call_runs_all_checks_and_goes_into_json() -> None:
    problem = rectangles([(10, 40, 30, 60), (33, 40, 53, 60)], soft=[(20, 40, 30, 60)], pins=[(0, 10, 0)])
    got = check_reality(problem, problem.initial, options=RealityOptions(pin_reach_um=4.0, narrow_channel_um=4.0))
    assert got.channels.least is not None
    assert got.channels.least.gap_um == 3.0
    assert got.channels.narrow == 1
    assert got.pins.share == 1.0
    assert got.soft.on_hard_share == 1.0
    assert got.steiner.rsmt_um == 100.0  # the one net joins the ports in the lower corners
    assert got.routing.wirelength_um == 90.0  # from the first cell's centre to the last's
    assert got.flat is None
    text = json.dumps(got.to_dict(), allow_nan=False)
    assert json.loads(text)["channels"]["least"]["between"] == ["m0", "m1"]


def test_the_same_twice() -> None:
    problem = rectangles([(10, 40, 30, 60)], soft=[(20, 40, 30, 60)], pins=[(0, 10, 0)])
    assert check_reality(problem, problem.initial) == check_reality(problem, problem.initial)


def test_a_placement_must_be_whole_and_fit() -> None:
    problem = rectangles([(10, 40, 30, 60)])
    placed = problem.initial.placed.copy()
    placed[2] = False
    with pytest.raises(ProblemError, match="m0 is not placed"):
        check_reality(problem, problem.initial.replace(placed=placed))
    with pytest.raises(ProblemError, match="placement has 4 nodes, the netlist 3"):
        check_reality(problem, rectangles([(0, 0, 1, 1), (2, 2, 3, 3)]).initial)
    wide = problem.replace(canvas=Canvas(100.0, 100.0, 100, 10, 1.0, 1.0))
    with pytest.raises(ProblemError, match="more than 4096"):
        check_reality(wide, wide.initial, options=RealityOptions(grid_factor=41))


@pytest.mark.parametrize(
    "wrong",
    [
        {"narrow_channel_um": -1.0},
        {"abutting_um": float("nan")},
        {"pin_reach_um": float("inf")},
        {"channel_bins_um": (1.0, 1.0)},
        {"channel_bins_um": (0.0, 1.0)},
        {"grid_factor": 0},
        {"rounds": -1},
        {"detour_cells": -1},
        {"track_share": 0.0},
        {"track_share": 1.5},
    ],
)
def test_options_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ProblemError, match=next(iter(wrong))):
        RealityOptions(**wrong)  # type: ignore[arg-type]  # wrong on purpose


def _check(folder: Path, placement: str) -> tuple[RealityReport, float]:
    problem = read_problem(folder / "netlist.pb.txt.xz", folder / placement)
    return check_reality(problem, problem.initial), CostEngine(problem).full(problem.initial).wirelength_um


def test_a_real_design(benchmarks: Path) -> None:
    folder = benchmarks / "ct" / "NanGate45_ariane133"
    legal, wirelength_um = _check(folder, "legalized.plc.xz")
    assert legal.steiner.hpwl_um == pytest.approx(wirelength_um, rel=1e-12)
    assert 1.0 < legal.steiner.ratio < 1.1
    # Nets inside a cell are not routed, others from centre to centre: both together stay near the Steiner length.
    assert legal.routing.wirelength_um == pytest.approx(legal.steiner.rsmt_um, rel=0.05)
    assert legal.routing.wirelength_um >= legal.routing.tree_um * (1 - 1e-12)
    initial, _ = _check(folder, "initial.plc.xz")
    # That placement comes from a full flow, whose channels are wide; the legalizer pressed macros together.
    assert initial.channels.narrow < legal.channels.narrow
    # Seen through a canvas smaller than its die, it crams its soft macros.
    assert initial.soft.no_room_share > 0.05 > legal.soft.no_room_share
    assert np.isclose(sum(legal.channels.bins), legal.channels.count)
