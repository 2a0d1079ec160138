"""Small public benchmarks of each format through every writable format and back; all of them: tests/bench."""

from __future__ import annotations

from pathlib import Path

import pytest

from floorplan.formats.write import SUFFIXES
from tests.bench.conversion_cases import Case, cases_in, reason_for_none
from tests.bench.conversion_matrix import BROKEN, PLACED, REFUSED, SAME, convert_case, markdown

LAYOUTS = (".gds", ".oas")  # their own tests read them with gdstk, where it is installed
KEPT = tuple(s for s in SUFFIXES if s not in LAYOUTS)

SMALL = (
    "ct_testdata/designs/macro_tiles_10x10/netlist.pb.txt.xz + initial.plc",
    "ct_testdata/designs/simple_grouped_with_coords_with_blockage/netlist.pb.txt + initial.plc",
    "ct_testdata/designs/toy_macro_stdcell/netlist.pb.txt + initial.plc",
    "floorplanning/gsrc/n10.blocks",
    "floorplanning/mcnc/hp.blocks",
    "floorplanning/yal/apte.yal",
    "openroad_lefdef/mpl/macro_only.defok",
    "openroad_lefdef/mpl/place_macro_right_angle_rotation.defok",
    "openroad_lefdef/mpl/testcases/guides1.def",
    "openroad_lefdef/mpl/testcases/macro_only.v",
)


@pytest.fixture(scope="module")
def cases(benchmarks: Path) -> dict[str, Case]:
    return {case.name: case for case in cases_in(benchmarks)}


def test_every_file_is_in_a_design_or_has_a_reason_not_to_be(benchmarks: Path, cases: dict[str, Case]) -> None:
    covered = {path for case in cases.values() for path in (*case.read, *case.covers)}
    for path in (p for p in benchmarks.rglob("*") if p.is_file()):
        assert (path in covered) != bool(reason_for_none(path)), path


@pytest.mark.parametrize("name", SMALL)
def test_a_design_comes_back_from_every_format(tmp_path: Path, cases: dict[str, Case], name: str) -> None:
    done = convert_case(cases[name], tmp_path, KEPT)
    assert done.design is not None, done.why
    assert BROKEN not in done.verdict.values(), done.why
    assert done.verdict[".pb.txt"] == done.verdict[".json"] == SAME
    assert {done.verdict[s] for s in (".plc", ".pl", ".svg")} == {PLACED}
    assert done.verdict[".aux"] in (SAME, PLACED)
    assert done.verdict.get(".def", SAME) == SAME
    for suffix, verdict in done.verdict.items():
        if verdict == REFUSED:  # only what cannot be: macros that stand nowhere, or not on one canvas
            assert suffix in (".tcl", ".flp")
            assert "unplaced" in done.why[suffix] or "tile the die" in done.why[suffix]
    table = markdown([done]).splitlines()
    assert done.design.problem.netlist.content_hash[:12] in table[2]
    assert table[2].count("|") == table[0].count("|")
