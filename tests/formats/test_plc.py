"""Placements: header and positions come back as they were, and a placement of another netlist is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.errors import ParseError, ProblemError
from floorplan.formats import PlcFile, read_netlist, read_plc, read_problem, write_netlist, write_plc
from floorplan.formats.plc import DEFAULTS
from floorplan.geometry import Orient
from floorplan.netlist import Blockage, Canvas, Placement, Problem, check_legality

FOLDER = Path(__file__).resolve().parents[1] / "malformed"


@pytest.fixture
def problem() -> Problem:
    return read_problem(FOLDER / "valid.pb.txt", FOLDER / "valid.plc")


def same_positions(a: Placement, b: Placement) -> None:
    for name in ("placed", "x_um", "y_um", "orient"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def without_name(plc: PlcFile) -> dict[str, str]:
    return {k: v for k, v in plc.header.items() if k != "This file"}


def test_valid_file_says_what_its_text_says(problem: Problem) -> None:
    plc = read_plc(FOLDER / "valid.plc", problem.netlist)
    assert plc.canvas == Canvas(20.0, 12.0, 4, 3, 10.5, 11.5, 3.5, 2.5, 1, 0.004)
    assert plc.blockages == (Blockage(18.0, 10.0, 20.0, 12.0, 1.0),)
    assert plc.fixed.tolist() == [True, False, False, False]
    assert plc.placement.placed.all()
    assert plc.placement.x_um.tolist() == [0.0, 6.0, 10.0, 12.5]
    assert plc.placement.y_um.tolist() == [5.0, 5.25, 3.0, 3.5]
    assert plc.placement.orient.tolist() == [Orient.N, Orient.FN, Orient.N, Orient.N]
    assert plc.defaulted == ()
    assert list(plc.header)[:4] == ["Columns", "Rows", "Width", "Height"]
    assert plc.header["Routes used by macros, ver"] == "2.5"
    assert plc.header["Block"] == "sample"


def test_fields_left_out_take_the_documented_defaults(tmp_path: Path, problem: Problem) -> None:
    path = tmp_path / "short.plc"
    path.write_text("# Columns : 2  Rows : 5\r\n# Width : 10  Height : 20\r\n1 3 4 N 1\r\n")
    plc = read_plc(path, problem.netlist)
    assert plc.canvas == Canvas(10.0, 20.0, 2, 5, 57.031, 56.818, 39.583, 30.303)
    assert plc.defaulted == tuple(DEFAULTS)
    assert plc.placement.placed.tolist() == [False, True, False, False]
    assert plc.fixed.tolist() == [False, True, False, False]


def test_fixed_macros_and_ports_of_the_netlist(tmp_path: Path) -> None:
    path = tmp_path / "fixed.plc"
    path.write_text("# Columns : 2  Rows : 5\n# Width : 10  Height : 20\n1 3 4 N 1\n")
    problem = read_problem(FOLDER / "valid.pb.txt", path)
    assert problem.fixed.tolist() == [True, True, False, False]
    assert problem.initial.placed.tolist() == [True, True, False, False]
    assert (problem.initial.x_um[0], problem.initial.y_um[0]) == (0.0, 5.0), "a port without a line stays where it is"
    assert (problem.initial.x_um[1], problem.initial.y_um[1]) == (3.0, 4.0), "a macro stands where the .plc says"


def test_a_port_without_any_position_is_refused(tmp_path: Path) -> None:
    netlist, _ = read_netlist(FOLDER / "valid.pb.txt")
    write_netlist(tmp_path / "n.pb.txt", netlist)
    (tmp_path / "n.plc").write_text("# Columns : 2  Rows : 5\n# Width : 10  Height : 20\n1 3 4 N 1\n")
    with pytest.raises(ParseError, match="port 'P0' has no line"):
        read_problem(tmp_path / "n.pb.txt")


def test_placement_beside_the_netlist_is_found(tmp_path: Path, problem: Problem) -> None:
    netlist = tmp_path / "chip.pb.txt.gz"
    write_netlist(netlist, problem.netlist)
    with pytest.raises(ProblemError, match=r"chip\.plc, chip\.plc\.xz, chip\.plc\.gz, initial\.plc"):
        read_problem(netlist)
    moved = problem.initial.replace(x_um=problem.initial.x_um + 1.0)
    write_plc(tmp_path / "initial.plc.xz", problem, moved)
    same_positions(read_problem(netlist).initial, moved)
    write_plc(tmp_path / "chip.plc", problem, problem.initial)
    same_positions(read_problem(netlist).initial, problem.initial)


def test_header_is_kept_and_costs_are_added(tmp_path: Path, problem: Problem) -> None:
    old = read_plc(FOLDER / "valid.plc", problem.netlist)
    path = tmp_path / "out.plc"
    costs = {"Wirelength cost": "0.1234567890123456789", "Wirelength": "12.5", "Block": "other"}
    write_plc(path, problem, old.placement, costs, header=old.header)
    new = read_plc(path, problem.netlist)
    assert new.canvas == old.canvas
    assert new.blockages == old.blockages
    assert {k: v for k, v in new.header.items() if k in costs} == costs
    assert {k: new.header[k] for k in old.header if k not in costs} == {
        k: v for k, v in old.header.items() if k not in costs
    }
    assert new.header["This file"] == "out.plc"
    assert (new.header["HARD_MACROs"], new.header["MACRO_PINs"], new.header["STDCELLs"]) == ("1", "3", "1")
    first = path.read_bytes()
    write_plc(path, problem, old.placement, costs, header=old.header)
    assert path.read_bytes() == first


def test_a_changed_canvas_wins_over_the_old_header(tmp_path: Path, problem: Problem) -> None:
    old = read_plc(FOLDER / "valid.plc", problem.netlist)
    changed = problem.replace(canvas=Canvas(1 / 3, 2.0, 7, 3, 1.0, 2.0, 0.1, 0.0, 0, 0.0))
    for header in (old.header, None, {"Columns": "junk"}):
        write_plc(tmp_path / "out.plc", changed, old.placement, header=header)
        assert read_plc(tmp_path / "out.plc", problem.netlist).canvas == changed.canvas


def test_unplaced_nodes_get_no_line(tmp_path: Path, problem: Problem) -> None:
    placed = np.array([True, False, True, False])
    write_plc(tmp_path / "part.plc", problem, problem.initial.replace(placed=placed))
    assert read_plc(tmp_path / "part.plc", problem.netlist).placement.placed.tolist() == placed.tolist()


@pytest.mark.parametrize("costs", [{"a": "1\n2 3 4 N 0"}, {"a:b": "1"}, {" ": "1"}, {"a\r": "1"}])
def test_header_fields_that_would_break_the_file_are_refused(
    tmp_path: Path, problem: Problem, costs: dict[str, str]
) -> None:
    with pytest.raises(ProblemError, match=r"cannot be a \.plc header field"):
        write_plc(tmp_path / "x.plc", problem, problem.initial, costs)
    with pytest.raises(ProblemError, match="placement has 3 nodes"):
        write_plc(tmp_path / "x.plc", problem, Placement.empty(3))
    assert not list(tmp_path.iterdir())


finite = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=150, deadline=None)
@given(xy=st.lists(finite, min_size=8, max_size=8), size=st.tuples(*[st.floats(1e-300, 1e300)] * 4))
def test_every_double_comes_back(
    tmp_path_factory: pytest.TempPathFactory, xy: list[float], size: tuple[float, float, float, float]
) -> None:
    problem = read_problem(FOLDER / "valid.pb.txt", FOLDER / "valid.plc").replace(
        canvas=Canvas(size[0], size[1], 1, 1, *size[2:])
    )
    placement = problem.initial.replace(xy[:4], xy[4:], orient=[0, 7, 5, 3])
    path = tmp_path_factory.getbasetemp() / "any.plc"
    write_plc(path, problem, placement)
    plc = read_plc(path, problem.netlist)
    same_positions(plc.placement, placement)
    assert plc.canvas == problem.canvas


def _netlist_of(plc: Path) -> Path:
    if plc.parent.name == "golden":
        design = "NanGate45_ariane133" if plc.name.startswith("NanGate45_ariane133") else "ASAP7_mempool_tile"
        return plc.parents[1] / "ct" / design / "netlist.pb.txt.xz"
    return next(iter(sorted(plc.parent.glob("netlist.pb.txt*"))))


@pytest.mark.parametrize(
    "pattern",
    [
        "ct/ASAP7_mempool_tile/*.plc.xz",
        "ct/NanGate45_ariane133/*.plc.xz",
        "golden/N*0.plc.xz",
        "ct_testdata/designs/*/*.plc",
    ],
)
def test_real_placements_round_trip(benchmarks: Path, tmp_path: Path, pattern: str) -> None:
    found = [p for p in sorted(benchmarks.glob(pattern)) if p.parent.name != "ariane"]  # that one has no netlist here
    assert found
    for path in found:
        problem = read_problem(_netlist_of(path), path)
        old = read_plc(path, problem.netlist)
        write_plc(tmp_path / "out.plc.xz", problem, old.placement, header=old.header)
        new = read_plc(tmp_path / "out.plc.xz", problem.netlist)
        same_positions(new.placement, old.placement)
        assert (new.canvas, new.blockages) == (old.canvas, old.blockages)
        kept = {k: v for k, v in new.header.items() if k in old.header and k != "This file"}
        assert kept == without_name(old)


def test_placement_of_another_netlist_is_refused(benchmarks: Path) -> None:
    for other in ("ASAP7_mempool_tile", "NanGate45_nvdla"):
        with pytest.raises(ParseError):
            read_problem(
                benchmarks / "ct/NanGate45_ariane133/netlist.pb.txt.xz", benchmarks / "ct" / other / "initial.plc.xz"
            )


def test_legalized_placement_is_legal_and_initial_is_not(benchmarks: Path) -> None:
    folder = benchmarks / "ct/NanGate45_ariane133"
    legal = read_problem(folder / "netlist.pb.txt.xz", folder / "legalized.plc.xz")
    assert check_legality(legal, legal.initial).violations == ()
    initial = read_problem(folder / "netlist.pb.txt.xz")
    found = check_legality(initial, initial.initial).violations
    assert {v.kind for v in found} == {"outside"}
    assert max(v.amount_um for v in found) == pytest.approx(152.194, abs=1e-3)
