"""`floorplan convert`: any design in, any format out, and what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tyro

from floorplan.cli.convert import Convert
from floorplan.cli.options import OptionError
from floorplan.errors import FloorplanError, ProblemError
from floorplan.formats.bookshelf.writer import write_bookshelf
from floorplan.formats.json_.design import read_json, write_json
from floorplan.formats.read import read_design
from floorplan.formats.write import SUFFIXES, targets, write_placed
from tests.formats.made_designs import (
    DEF,
    LEF,
    VERILOG,
    clustered_design,
    constrained_design,
    flat_design,
    same_placement,
)


def convert(capsys: pytest.CaptureFixture[str], *args: str | Path) -> dict[str, Any]:
    assert tyro.cli(Convert, args=[*map(str, args), "--json"]).run() == 0
    out: dict[str, Any] = json.loads(capsys.readouterr().out)
    return out


@pytest.mark.parametrize("first", [".pb.txt", ".pb.txt.xz", ".aux", ".json.gz"])
def test_a_flat_design_goes_through_every_design_format_with_its_hash(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], first: str
) -> None:
    design = flat_design()
    write_bookshelf(tmp_path / "in.aux", design)
    said = convert(capsys, tmp_path / "in.aux", tmp_path / f"out{first}")
    assert said["netlist_hash"] == design.problem.netlist.content_hash
    assert said["written"] == [str(p) for p in targets(tmp_path / f"out{first}")]
    assert all(Path(p).is_file() for p in said["written"])
    back = read_design(tmp_path / f"out{first}")
    assert back.problem.netlist.content_hash == design.problem.netlist.content_hash
    assert same_placement(back.problem.initial, design.problem.initial)
    assert back.problem.fixed.tolist() == design.problem.fixed.tolist()
    assert (said["hard_macros"], said["cells"], said["ports"], said["nets"]) == (1, 3, 1, 6)


def test_json_keeps_what_the_others_leave_out_and_say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_json(tmp_path / "in.json", constrained_design())
    everything = [
        "halos", "regions", "the grid of macro corners", "spacing", "allowed orientations", "that blockages are soft",
    ]  # fmt: skip
    assert convert(capsys, tmp_path / "in.json", tmp_path / "out.json")["left_out"] == []
    assert convert(capsys, tmp_path / "in.json", tmp_path / "out.pb.txt")["left_out"] == everything
    more = [*everything, "blockages", "which macros are soft", "grid and tracks"]
    assert convert(capsys, tmp_path / "in.json", tmp_path / "out.aux")["left_out"] == more
    assert read_json(tmp_path / "out.json")[0].problem.snap == constrained_design().problem.snap


def test_a_placement_is_carried_from_one_format_into_the_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    design = clustered_design()
    x = np.array(design.problem.initial.x_um)
    x[1], x[3] = 33.125, 12.0
    final = design.problem.initial.replace(x, orient=[0, 3, 2, 0, 0])
    write_json(tmp_path / "in.json", design)
    write_json(tmp_path / "placed.json", design, final)
    source = tmp_path / "in.json"
    placed = tmp_path / "placed.json"
    for suffix in (".plc", ".pl.xz", ".tcl"):
        out = tmp_path / f"p{suffix}"
        convert(capsys, source, placed, out)
        back = read_design(source, out).problem.initial
        hard = design.problem.netlist.hard
        assert back.x_um[hard] == pytest.approx(final.x_um[hard], abs=1e-9)
        assert back.orient[hard].tolist() == final.orient[hard].tolist()
    convert(capsys, source, tmp_path / "again.plc", "--placement", tmp_path / "p.plc")
    drop = re.compile(r"^# This file.*$", re.MULTILINE)
    assert drop.sub("", (tmp_path / "again.plc").read_text()) == drop.sub("", (tmp_path / "p.plc").read_text())


@pytest.mark.parametrize("suffix", [".svg", ".flp", ".tcl", ".gds", ".oas"])
def test_what_other_tools_read_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str) -> None:
    if suffix in (".gds", ".oas"):
        pytest.importorskip("gdstk", reason="layouts need gdstk")
    write_json(tmp_path / "in.json", clustered_design())
    out = tmp_path / f"out{suffix}"
    assert convert(capsys, tmp_path / "in.json", out)["written"] == [str(out)]
    assert out.stat().st_size > 100
    first = out.read_bytes()
    convert(capsys, tmp_path / "in.json", out)
    assert out.read_bytes() == first


def test_a_def_is_the_original_with_its_macros_moved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, text in (("t.lef", LEF), ("t.def", DEF), ("t.v", VERILOG)):
        (tmp_path / name).write_text(text)
    chip = (tmp_path / "t.lef", tmp_path / "t.def")
    # out to the format that agents place in, moved there, and back
    convert(capsys, *chip, tmp_path / "netlist.pb.txt")
    plc = tmp_path / "netlist.plc"
    line = next(t for t in plc.read_text().splitlines() if t.split()[1:3] == ["60.0", "15.0"])
    plc.write_text(plc.read_text().replace(line, line.replace("60.0 15.0 FN", "60.5 25.0 S")))
    placed = (tmp_path / "netlist.pb.txt", plc)
    moved = DEF.replace("( 55000 15000 ) FN", "( 55500 25000 ) S")
    assert convert(capsys, *chip, *placed, tmp_path / "out.def")["format"] == "lefdef"
    assert (tmp_path / "out.def").read_text() == moved
    convert(capsys, *placed, *chip, tmp_path / "t.v", tmp_path / "fixed.def", "--fixed")
    assert (tmp_path / "fixed.def").read_text() == moved.replace("RAM + PLACED", "RAM + FIXED")
    convert(capsys, *chip, tmp_path / "same.def")
    assert (tmp_path / "same.def").read_text() == DEF
    clusters = read_design(*placed)
    write_placed(tmp_path / "placed.def", clusters, clusters.problem.initial, [*chip, *placed])
    assert (tmp_path / "placed.def").read_text() == moved
    write_placed(tmp_path / "placed.tcl", clusters, clusters.problem.initial, [*placed, *chip])
    assert "{55.500 25.000}" in (tmp_path / "placed.tcl").read_text()  # of the DEF, whose corner is not at 0
    write_placed(tmp_path / "alone.tcl", clusters, clusters.problem.initial, placed)
    assert "{50.500 20.000}" in (tmp_path / "alone.tcl").read_text()
    # a design kept as JSON remembers the file that it came from
    convert(capsys, *chip, *placed, tmp_path / "kept.json")
    convert(capsys, tmp_path / "kept.json", tmp_path / "again.def")
    assert (tmp_path / "again.def").read_text() == moved


def test_a_flat_netlist_is_laid_out_as_public_ones_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lef = LEF.replace(
        "END LIBRARY", "MACRO BUF\n  CLASS CORE ;\n  SIZE 1 BY 2 ;\n  PIN A\n  END A\nEND BUF\nEND LIBRARY"
    )
    (tmp_path / "t.lef").write_text(lef)
    (tmp_path / "t.v").write_text(VERILOG.replace("endmodule", "  BUF c (.A(w));\nendmodule"))
    convert(capsys, tmp_path / "t.lef", tmp_path / "t.v", tmp_path / "flat.pb.txt")
    text = (tmp_path / "flat.pb.txt").read_text()
    cell = text[text.index('name: "c"') :].split("}\nnode {")[0]
    values = re.findall(r'key: "(\w+)"\s+value \{\s+(?:f: |placeholder: )"?([^"\s]+)', cell)
    assert values == [("ref_name", "BUF"), ("width", "1.0"), ("height", "2.0"), ("type", "stdcell")]
    assert set(re.findall(r'placeholder: "(\w*[Mm][Aa][Cc][Rr][Oo]\w*)"', text)) == {"macro", "macro_pin"}
    assert text.count('placeholder: "RAM"') == 2


def test_tcl_has_two_dialects(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_json(tmp_path / "in.json", clustered_design())
    convert(capsys, tmp_path / "in.json", tmp_path / "a.tcl")
    convert(capsys, tmp_path / "in.json", tmp_path / "b.tcl", "--tcl", "generic")
    assert "place_macro -macro_name" in (tmp_path / "a.tcl").read_text()
    assert "floorplan_innovus" in (tmp_path / "b.tcl").read_text()


def test_corners_go_on_the_grid_of_the_files_own_coordinates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_json(tmp_path / "in.json", clustered_design().replace(origin_um=(0.3, -0.1)))
    said = convert(capsys, tmp_path / "in.json", tmp_path / "out.pl", "--snap-um", "0.5", "--units-per-um", "1000")
    assert 0 < said["moved_um"] <= 1.0
    line = next(t for t in (tmp_path / "out.pl").read_text().splitlines() if t.startswith("top/ram[0]"))
    x, y = (float(word) for word in line.split()[1:3])
    assert (x % 500, y % 500) == (0, 0)


def test_channels_are_widened_on_the_grid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    design = clustered_design()
    x = np.array(design.problem.initial.x_um)
    x[1], y = 53.0, np.array(design.problem.initial.y_um)
    y[1] = 60.0  # 2.9375 um from the fixed macro beside it
    write_json(tmp_path / "in.json", design, design.problem.initial.replace(x, y))
    convert(capsys, tmp_path / "in.json", tmp_path / "out.json", "--snap-um", "0.5", "--channel-um", "12")
    done, netlist = read_json(tmp_path / "out.json")[1], design.problem.netlist
    gaps = [
        abs(float(at[1] - at[2])) - float(size[1] + size[2]) / 2
        for at, size in ((done.x_um, netlist.node_w_um), (done.y_um, netlist.node_h_um))
    ]
    assert max(gaps) >= 12.0 - 1e-6
    corner = np.array([done.x_um[1] - netlist.node_w_um[1] / 2, done.y_um[1] - netlist.node_h_um[1] / 2])
    assert np.abs(corner / 0.5 - np.round(corner / 0.5)).max() < 1e-6


def test_the_list_for_people_says_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_json(tmp_path / "in.json", clustered_design())
    assert Convert((tmp_path / "in.json", tmp_path / "out.plc")).run() == 0
    rows = dict(line.split(None, 1) for line in capsys.readouterr().out.replace(" ", "_", 0).splitlines())
    assert rows["written"] == str(tmp_path / "out.plc")
    assert rows["cells"] == "0"


@pytest.mark.parametrize(
    ("args", "error", "said"),
    [
        (["in.json"], OptionError, "at least two files"),
        ([], OptionError, "at least two files"),
        (["in.json", "out.txt"], ProblemError, r"may end in \.pb\.txt \.plc"),
        (["in.json", "none/out.plc"], OptionError, "folder .*none does not exist"),
        (["in.json", "in.json"], OptionError, "is read, too, and would be overwritten"),
        (["b.aux", "b.pl"], OptionError, "b.pl is read, too"),
        (["b.pl", "b.aux"], OptionError, "b.aux is read, too"),
        (["in.json", "out.def"], ProblemError, "a .def is the original one"),
        (["none.aux", "out.plc"], FloorplanError, "no such file"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: list[str], error: type[Exception], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_json("in.json", clustered_design())
    write_bookshelf("b.aux", flat_design())
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(error, match=said):
        Convert(tuple(map(Path, args))).run()
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_every_suffix_names_its_files(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        made = targets(tmp_path / f"a.b{suffix}.xz")
        assert made[0] == tmp_path / f"a.b{suffix}.xz"
        assert all(p.name.startswith("a.b.") and p.suffix == ".xz" for p in made)
    assert targets(Path("x.pb.txt"))[1] == Path("x.plc")
