"""One design from many files: which belong together, whose positions count, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from floorplan.errors import ParseError, ProblemError
from floorplan.formats.bookshelf.writer import write_bookshelf, write_pl
from floorplan.formats.design import Design
from floorplan.formats.json_.design import write_json
from floorplan.formats.net_order import writable
from floorplan.formats.pbtxt.writer import write_netlist
from floorplan.formats.plc import write_plc
from floorplan.formats.problem import read_problem
from floorplan.formats.read import read_design
from floorplan.geometry import Orient
from floorplan.netlist import Canvas, NetlistBuilder, Placement, Problem
from tests.formats.made_designs import (
    DEF,
    LEF,
    VERILOG,
    clustered_design,
    constrained_design,
    flat_design,
    same_placement,
)


@pytest.fixture
def chip(tmp_path: Path) -> Path:
    for name, text in (("t.lef", LEF), ("t.def", DEF), ("t.v", VERILOG)):
        (tmp_path / name).write_text(text)
    return tmp_path


def moved(design: Design, **x_of: float) -> Placement:
    initial = design.problem.initial
    x = np.array(initial.x_um)
    for name, value in x_of.items():
        x[design.problem.netlist.node_id[name]] = value
    return initial.replace(x)


def test_a_netlist_takes_the_placement_beside_it_or_the_one_given(two_macros: Path) -> None:
    beside = read_design(two_macros / "netlist.pb.txt")
    given = read_design(two_macros / "overlap.plc", two_macros / "netlist.pb.txt")
    apart = read_design(two_macros / "netlist.pb.txt", placement=two_macros / "overlap.plc")
    assert beside.problem.initial.x_um.tolist() == [0.0, 30.0, 70.0]
    assert given.problem.initial.x_um.tolist() == apart.problem.initial.x_um.tolist() == [0.0, 30.0, 45.0]
    assert beside.format == "protobuf"
    assert beside.paths == (two_macros / "netlist.pb.txt", two_macros / "initial.plc")


def test_without_placement_the_canvas_is_the_usual_one_unless_one_is_needed(
    two_macros: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (two_macros / "initial.plc").unlink()
    design = read_design(two_macros / "netlist.pb.txt")
    assert design.problem.canvas == Canvas.default_for(design.problem.netlist)
    assert "1 ports have no position" in caplog.text
    assert design.problem.initial.placed.tolist() == [True, False, False]
    with pytest.raises(ProblemError, match="no placement given and none beside it"):
        read_design(two_macros / "netlist.pb.txt", need_canvas=True)
    with pytest.raises(ProblemError, match="none beside it"):
        read_problem(two_macros / "netlist.pb.txt")


def test_the_canvas_of_a_flat_netlist_may_stand_in_its_comment(tmp_path: Path) -> None:
    b = NetlistBuilder("flat")
    b.add_port("p")
    b.add_cell("c", 1.0, 2.0)
    b.add_net("p", ["c"])
    path = tmp_path / "flat.pb.txt"
    write_netlist(path, b.build(), Placement([10.0, 12.5], [20.0, 23.0], [0, 1], [1, 1]))
    path.write_text("# FP bbox: {10.0 20.0 60.0 50.5}\n" + path.read_text())
    design = read_design(path, need_canvas=True)
    assert (design.problem.canvas.width_um, design.problem.canvas.height_um) == (50.0, 30.5)
    assert design.origin_um == (10.0, 20.0)
    assert design.problem.initial.x_um.tolist() == [0.0, 2.5]
    assert design.problem.initial.orient.tolist() == [0, 1]


def test_the_placement_of_its_clusters_is_not_taken_for_a_flat_netlists_own(tmp_path: Path) -> None:
    flat, clustered = flat_design().problem, clustered_design().problem
    write_netlist(tmp_path / "flat.pb.txt", writable(flat.netlist), flat.initial)
    write_plc(tmp_path / "initial.plc", clustered, clustered.initial)
    design = read_design(tmp_path / "flat.pb.txt")
    assert design.paths == (tmp_path / "flat.pb.txt",)
    assert design.problem.netlist.content_hash == flat.netlist.content_hash
    write_netlist(tmp_path / "netlist.pb.txt", clustered.netlist)
    write_plc(tmp_path / "initial.plc", flat, flat.initial)
    with pytest.raises(ParseError, match=r"HARD_MACROs is 1, but netlist .* has 2"):
        read_design(tmp_path / "netlist.pb.txt")


def test_a_bookshelf_design_is_found_from_any_of_its_files(tmp_path: Path) -> None:
    write_bookshelf(tmp_path / "d.aux.gz", flat_design())
    for kind in ("aux", "nodes", "nets", "pl", "scl", "wts"):
        design = read_design(tmp_path / f"d.{kind}.gz")
        assert design.format == "bookshelf"
        assert design.problem.netlist.content_hash == flat_design().problem.netlist.content_hash
    several = read_design(*(tmp_path / f"d.{kind}.gz" for kind in ("nodes", "nets", "aux", "pl")))
    assert same_placement(several.problem.initial, flat_design().problem.initial)
    (tmp_path / "d.aux.gz").unlink()
    with pytest.raises(ParseError, match=r"there is no d\.aux beside it"):
        read_design(tmp_path / "d.nets.gz")


def test_units_are_those_that_the_files_state_or_that_are_given(tmp_path: Path) -> None:
    design = clustered_design()
    write_bookshelf(tmp_path / "d.aux", design)
    assert read_design(tmp_path / "d.aux").units_per_um == 1000.0
    assert read_design(tmp_path / "d.aux", units_per_um=500.0).problem.canvas.width_um == 200.0
    nodes = tmp_path / "d.nodes"
    nodes.write_text(nodes.read_text().replace("# 1000.0 units", "# thousand units"))
    assert read_design(tmp_path / "d.aux").units_per_um == 100.0
    for units in (0.0, -1.0, float("nan")):
        with pytest.raises(ProblemError, match="units_per_um must be positive"):
            read_design(tmp_path / "d.aux", units_per_um=units)
    # a tool that rewrites the .pl drops the comment: it is in the units that the design is written in
    write_json(tmp_path / "d.json", design)
    (tmp_path / "tool.pl").write_text("UCLA pl 1.0\ntop/ram[0] 10000 20000 : FN\n")
    assert read_design(tmp_path / "d.json", tmp_path / "tool.pl").problem.initial.x_um[1] == 10.0 + 20.125 / 2


def test_lef_def_and_verilog_are_one_design(chip: Path) -> None:
    lefdef = read_design(chip / "t.def", chip / "t.lef")
    assert (lefdef.format, lefdef.master) == ("lefdef", ("", "RAM", "RAM"))
    verilog = read_design(chip / "t.lef", chip / "t.v")
    assert verilog.format == "verilog"
    assert not verilog.problem.initial.placed[verilog.problem.netlist.hard].any()
    both = read_design(chip / "t.v", chip / "t.lef", chip / "t.def")
    assert both.format == "verilog"
    assert both.origin_um == (5.0, 5.0)
    assert (both.problem.canvas.width_um, both.problem.canvas.height_um) == (100.0, 80.0)
    where = {n: float(x) for n, x in zip(both.problem.netlist.node_name, both.problem.initial.x_um, strict=True)}
    assert where == {"in": 0.0, "a": 20.0, "b": 60.0}
    assert both.problem.initial.orient[both.problem.netlist.node_id["b"]] == Orient.FN


def test_a_second_def_places_the_first(chip: Path) -> None:
    (chip / "placed.def").write_text(DEF.replace("( 55000 15000 ) FN", "( 60000 15000 ) S"))
    design = read_design(chip / "t.lef", chip / "t.def", chip / "placed.def")
    b = design.problem.netlist.node_id["b"]
    assert design.problem.initial.x_um[b] == 65.0
    assert design.problem.initial.orient[b] == Orient.S


def test_clusters_of_a_design_give_it_their_macros_places(chip: Path) -> None:
    flat = read_design(chip / "t.lef", chip / "t.def")
    b = NetlistBuilder("clustered")
    for name in ("b", "a"):
        b.add_macro(name, 20.0, 10.0)
        b.add_pin(f"{name}/D", name)
    b.add_macro("Grp_0", 1.0, 1.0, soft=True)
    netlist = b.build()
    place = Placement([30.0, 70.0, 5.0], [40.0, 50.0, 5.0], [Orient.FS, 0, 0], [1, 1, 1])
    problem = Problem(netlist, flat.problem.canvas, place)
    write_netlist(chip / "netlist.pb.txt", netlist)
    write_plc(chip / "placed.plc", problem, place)
    files = (chip / "t.lef", chip / "t.def", chip / "netlist.pb.txt", chip / "placed.plc")
    design = read_design(*files)
    where = dict(zip(design.problem.netlist.node_name, design.problem.initial.x_um.tolist(), strict=True))
    assert design.format == "lefdef"
    assert where == {"in": 0.0, "a": 70.0, "b": 30.0}
    assert design.problem.initial.orient[design.problem.netlist.node_id["b"]] == Orient.FS
    assert design.problem.canvas == flat.problem.canvas
    # the other way round the clusters are the design, unless a DEF is wanted
    assert read_design(*files[2:], *files[:2]).format == "protobuf"
    assert read_design(*files[2:], *files[:2], base="lefdef").format == "lefdef"


def test_a_placement_of_other_nodes_is_refused_by_name(chip: Path) -> None:
    (chip / "other.def").write_text(DEF.replace("- b RAM", "- z RAM").replace("( b D )", "( z D )"))
    with pytest.raises(ParseError, match=r"other.def: places 'z', of which netlist 'top' has no node"):
        read_design(chip / "t.lef", chip / "t.def", chip / "other.def")


def test_another_size_or_a_fixed_node_elsewhere_is_refused(tmp_path: Path) -> None:
    design = clustered_design()
    write_json(tmp_path / "a.json", design)
    write_json(tmp_path / "moved.json", design, moved(design, **{"top/ram[1]": 71.0}))
    with pytest.raises(ParseError, match=r"'top/ram\[1\]' is fixed, but its centre is at \(71, 60\) um here"):
        read_design(tmp_path / "a.json", tmp_path / "moved.json")
    write_bookshelf(tmp_path / "half.aux", design)
    nodes = tmp_path / "half.nodes"
    nodes.write_text(nodes.read_text().replace("20125", "10125"))
    with pytest.raises(ParseError, match=r"'top/ram\[0\]' is 10.125 x 10.25 um here, 20.125 x 10.25 um in the design"):
        read_design(tmp_path / "a.json", tmp_path / "half.aux")


def test_a_json_design_comes_with_its_placement_and_takes_others(tmp_path: Path) -> None:
    design = constrained_design()
    final = moved(design, **{"top/ram[0]": 31.0})
    write_json(tmp_path / "d.json", design, final)
    back = read_design(tmp_path / "d.json")
    assert same_placement(back.problem.initial, final)
    assert back.format == "lefdef"
    write_plc(tmp_path / "p.plc", design.problem, design.problem.initial)
    assert same_placement(read_design(tmp_path / "d.json", tmp_path / "p.plc").problem.initial, design.problem.initial)
    write_pl(tmp_path / "p.pl", design)
    there = read_design(tmp_path / "d.json", tmp_path / "p.pl").problem.initial
    assert same_placement(there, design.problem.initial, 1e-9)


@pytest.mark.parametrize(
    ("files", "error", "said"),
    [
        ([], ProblemError, "no netlist to read: no file is given"),
        (["overlap.plc"], ProblemError, "overlap.plc is a placement, which needs the netlist"),
        (["p.tcl"], ProblemError, "p.tcl is a placement"),
        (["netlist.pb.txt", "overlap.plc", "initial.plc"], ParseError, "initial.plc: is a second placement beside"),
        (["netlist.pb.txt", "groups.txt"], ParseError, "says which group each cell is in"),
        (["t.lef"], ParseError, "is a library of cells; its design"),
        (["t.v", "t.lef", "u.v"], ParseError, "u.v: is a second Verilog netlist"),
        (["netlist.pb.txt", "netlist.pb.txt"], ParseError, "is given twice"),
        (["t.v"], ProblemError, "LEF"),
        (["any.json"], ParseError, "is JSON, but no design"),
        (["none.pb.txt"], ParseError, "no such file"),
        (["netlist.pb.txt", "p.pl"], ParseError, "'ghost' is placed"),
    ],
)
def test_files_that_make_no_design_are_refused(
    two_macros: Path, files: list[str], error: type[Exception], said: str
) -> None:
    for name, text in (
        ("groups.txt", "1\n-1\n"),
        ("t.lef", LEF),
        ("t.v", VERILOG),
        ("u.v", VERILOG),
        ("any.json", "{}"),
        ("p.pl", "UCLA pl 1.0\nghost 0 0 : N\n"),
        ("p.tcl", "place_macro -macro_name a -location {1 2}\n"),
    ):
        (two_macros / name).write_text(text)
    with pytest.raises(error, match=said):
        read_design(*(two_macros / name for name in files))


def test_read_problem_takes_any_design_of_one_file(tmp_path: Path) -> None:
    write_bookshelf(tmp_path / "d.aux", flat_design())
    write_json(tmp_path / "d.json", constrained_design())
    assert read_problem(tmp_path / "d.aux").netlist.content_hash == flat_design().problem.netlist.content_hash
    assert read_problem(tmp_path / "d.json").regions[0].name == "edge"
