"""Bookshelf designs: what is read, in every dialect, and what each mistake is answered with."""

from __future__ import annotations

import json
import lzma
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.errors import FloorplanError, ParseError, ProblemError
from floorplan.files import write_bytes_by_suffix
from floorplan.formats import read_bookshelf
from floorplan.geometry import Orient
from floorplan.netlist import NodeKind, Problem

DESIGN = {
    "d.aux": "RowBasedPlacement : d.nodes d.nets d.wts d.pl d.scl d.route\n",
    "d.nodes": """UCLA nodes 1.0
# made by hand

NumNodes : 5
NumTerminals : 1
   p 1 1 terminal
   m 40 30
   a 6 10
   b 4 10
   c 4 10
""",
    "d.nets": """UCLA nets 1.0
NumNets : 4
NumPins : 10
NetDegree : 3 x
  a I : 1 0
  m O : -20 15
  p B
NetDegree : 2 y
  a O : 0 0
  b I : 0 0
NetDegree : 3 z
  a O : 0 0
  m I : 20 -15
  b I : 1 1
NetDegree : 2 lone
  c O : 1 0
  c I : -1 0
""",
    "d.wts": "UCLA wts 1.0\n  p 0\n  y 2.5\n",
    "d.pl": """UCLA pl 1.0
p 10 100 : N
m 30 50 : FS /FIXED
a 10 20 : N
b 20 20
c 24 20 : N
""",
    "d.scl": """UCLA scl 1.0
NumRows : 2
CoreRow Horizontal
  Coordinate : 20
  Height : 10
  Sitewidth : 1
  Sitespacing : 2
  SubrowOrigin : 10 NumSites : 40
  SubrowOrigin : 95 NumSites : 5
End
CoreRow Horizontal
  Coordinate : 91
  Height : 10
  SubrowOrigin : 10 NumSites : 80
End
""",
}


def write(folder: Path, design: dict[str, str]) -> Path:
    for name, text in design.items():
        (folder / name).write_text(text)
    return folder / "d.aux"


def edited(file: str, old: str, new: str) -> dict[str, str]:
    assert old in DESIGN[file]
    return DESIGN | {file: DESIGN[file].replace(old, new, 1)}


@pytest.fixture
def problem(tmp_path: Path) -> Problem:
    return read_bookshelf(write(tmp_path, DESIGN), units_per_um=10.0)


def test_nodes_have_their_kinds_and_sizes(problem: Problem) -> None:
    netlist = problem.netlist
    assert netlist.name == "d"
    assert netlist.node_name == ("p", "m", "a", "b", "c")
    kinds = [NodeKind.PORT, NodeKind.HARD, NodeKind.CELL, NodeKind.CELL, NodeKind.CELL]
    assert netlist.node_kind.tolist() == kinds
    assert netlist.node_w_um.tolist() == [0.0, 4.0, 0.6, 0.4, 0.4]
    assert netlist.node_h_um.tolist() == [0.0, 3.0, 1.0, 1.0, 1.0]


def test_a_macro_has_a_pin_a_connection_and_other_nodes_their_own(problem: Problem) -> None:
    netlist = problem.netlist
    assert netlist.pin_name == ("p", "m/0", "m/1", "a", "b", "c")
    assert netlist.pin_dx_um.tolist() == [0.0, -2.0, 2.0, 0.0, 0.0, 0.0]
    assert netlist.pin_dy_um.tolist() == [0.0, 1.5, -1.5, 0.0, 0.0, 0.0]
    assert netlist.node_index.tolist() == [0, 1, 4, 5, 6]
    assert netlist.pin_index.tolist() == [0, 2, 3, 4, 5, 6]


def test_a_net_begins_at_its_output_and_one_of_a_single_node_is_left_out(problem: Problem) -> None:
    netlist = problem.netlist
    nets = [
        [netlist.pin_name[pin] for pin in netlist.net_pin[a:b]]
        for a, b in zip(netlist.net_ptr, netlist.net_ptr[1:], strict=False)
    ]
    assert nets == [["m/0", "a", "p"], ["a", "b"], ["a", "m/1", "b"]]
    assert netlist.net_weight.tolist() == [1.0, 2.5, 1.0]


def test_canvas_is_the_extent_of_the_rows_and_positions_count_from_its_corner(problem: Problem) -> None:
    # rows reach from (10, 20) to (105, 101): 95 = 95 + 5 sites of 2 - 10
    assert (problem.canvas.width_um, problem.canvas.height_um) == pytest.approx((9.5, 8.1))
    assert problem.initial.x_um == pytest.approx([0.05, 4.0, 0.3, 1.2, 1.6])
    assert problem.initial.y_um == pytest.approx([8.05, 4.5, 0.5, 0.5, 0.5])
    assert problem.initial.orient.tolist() == [0, Orient.FS, 0, 0, 0]
    assert problem.fixed.tolist() == [True, True, False, False, False]


def test_a_turned_macro_stands_on_its_turned_corner(tmp_path: Path) -> None:
    problem = read_bookshelf(write(tmp_path, edited("d.pl", "m 30 50 : FS", "m 30 50 : E")), 10.0)
    assert problem.initial.x_um[1] == pytest.approx((30 + 15 - 10) / 10)
    assert problem.initial.y_um[1] == pytest.approx((50 + 20 - 20) / 10)


def test_a_large_terminal_is_a_fixed_macro(tmp_path: Path) -> None:
    problem = read_bookshelf(write(tmp_path, edited("d.nodes", "p 1 1 terminal", "p 50 1 terminal")))
    assert problem.netlist.node_kind[0] == NodeKind.HARD
    assert problem.fixed[0]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("d.nodes", "   m 40 30\n", "\tm\t40.0  3e1   # the macro\r\n"),
        ("d.nodes", "NumNodes : 5", "NumNodes: 5"),
        ("d.nets", "a I : 1 0", "a I:1 0"),
        ("d.nets", "a I : 1 0", "a I : 1.0 +0"),
        ("d.nets", "NetDegree : 3 x", "NetDegree: 3 x"),
        ("d.nets", "  p B", "  p"),
        ("d.nets", "  a I : 1 0\n  m O", "  a : 1 0\n  m O"),
        ("d.pl", "b 20 20", "b 20 20 : N"),
        ("d.pl", "m 30 50 : FS /FIXED", "m 30.0 50.0 : FS /FIXED_NI"),
        ("d.scl", "Coordinate : 20", "Coordinate: 20"),
        ("d.scl", "NumRows", "Numrows"),
        ("d.aux", " d.wts", ""),
    ],
)
def test_dialects_mean_the_same(tmp_path: Path, problem: Problem, file: str, old: str, new: str) -> None:
    (tmp_path / "other").mkdir()
    other = read_bookshelf(write(tmp_path / "other", edited(file, old, new)), 10.0)
    if file != "d.aux":  # without .wts the weights are 1
        assert other.netlist.content_hash == problem.netlist.content_hash
    assert other.netlist.net_pin.tolist() == problem.netlist.net_pin.tolist()
    assert (other.initial.x_um == problem.initial.x_um).all()
    assert other.canvas == problem.canvas


@pytest.mark.parametrize("suffix", [".xz", ".gz"])
def test_compressed_files_are_found_by_their_plain_names(tmp_path: Path, problem: Problem, suffix: str) -> None:
    (tmp_path / "packed").mkdir()
    for name, text in DESIGN.items():
        write_bytes_by_suffix(tmp_path / "packed" / (name + suffix), text.encode())
    packed = read_bookshelf(tmp_path / "packed" / f"d.aux{suffix}", 10.0)
    assert packed.netlist.content_hash == problem.netlist.content_hash
    assert packed.netlist.name == "d"


# file, text, its replacement -> file at fault, line (0 = the whole file), part of the cause
MALFORMED = [
    ("d.aux", "RowBasedPlacement :", "RowBasedPlacement", "d.aux", 1, "expected `RowBasedPlacement"),
    ("d.aux", "RowBasedPlacement", "StdCellPlacement", "d.aux", 1, "'StdCellPlacement', only"),
    ("d.aux", "d.nodes ", "", "d.aux", 1, "no .nodes file is listed"),
    ("d.aux", "d.pl", "e.pl", "d.aux", 1, "no file 'e.pl'"),
    ("d.aux", "d.pl", "d.pl e.pl", "d.aux", 1, "two .pl files"),
    ("d.aux", "d.pl", "../d.pl", "d.aux", 1, "not the name of a file beside"),
    ("d.aux", DESIGN["d.aux"], "", "d.aux", 0, "expected `RowBasedPlacement"),
    ("d.nodes", "UCLA nodes 1.0", "UCLA nets 1.0", "d.nodes", 1, "expected `UCLA nodes 1.0`"),
    ("d.nodes", DESIGN["d.nodes"], "", "d.nodes", 0, "expected `UCLA nodes 1.0`"),
    ("d.nodes", "NumNodes : 5", "NumNodes : 6", "d.nodes", 4, "NumNodes is 6, but the file has 5"),
    ("d.nodes", "NumNodes : 5", "NumNodes : five", "d.nodes", 4, "'five', not a number"),
    ("d.nodes", "NumTerminals : 1", "NumTerminals : 2", "d.nodes", 5, "has 1 terminals"),
    ("d.nodes", "   a 6 10", "   a 6", "d.nodes", 8, "expected `name width height"),
    ("d.nodes", "   a 6 10", "   a 6 10 movable", "d.nodes", 8, "expected `name width height"),
    ("d.nodes", "   b 4 10", "   a 4 10", "d.nodes", 9, "'a' has a line already (line 8)"),
    ("d.nodes", "   b 4 10", "   b 4 nan", "d.nodes", 9, "height is 'nan'"),
    ("d.nodes", "   b 4 10", "   b 1_0 10", "d.nodes", 9, "width is '1_0'"),
    ("d.nodes", "   b 4 10", "   b -4 10", "d.nodes", 9, "width of 'b' is negative"),
    ("d.nodes", "m 40 30", "m 0 30", "d.nodes", 7, "macro 'm' has no area"),
    ("d.nodes", "   c 4 10", "   m/1 4 10", "d.nets", 16, "pin of 'c', which .nodes does not name"),
    ("d.nets", "NumNets : 4", "NumNets : 5", "d.nets", 2, "NumNets is 5, but the file has 4"),
    ("d.nets", "NumPins : 10", "NumPins : 11", "d.nets", 3, "has 10 pins"),
    ("d.nets", "NetDegree : 3 x", "NetDegree : 4 x", "d.nets", 4, "net 'x' has 3 pins, its degree"),
    ("d.nets", "NetDegree : 3 x", "NetDegree : 2 x", "d.nets", 7, "net 'x' has its 2 pins already"),
    ("d.nets", "NetDegree : 2 lone", "NetDegree : 3 lone", "d.nets", 15, "net 'lone' has 2 pins"),
    ("d.nets", "NetDegree : 3 x", "NetDegree : 0 x", "d.nets", 5, "net 'x' has its 0 pins already"),
    ("d.nets", "NetDegree : 3 x", "NetDegree : -3 x", "d.nets", 4, "net degree is '-3'"),
    ("d.nets", "NetDegree : 3 x", "NetDegree 3 x", "d.nets", 4, "expected `NetDegree : pins name`"),
    ("d.nets", "NetDegree : 3 x\n", "", "d.nets", 4, "a pin before the first net"),
    ("d.nets", "2 y", "2 x", "d.nets", 8, "net 'x' is there already"),
    ("d.nets", "  b I : 0 0", "  e I : 0 0", "d.nets", 10, "pin of 'e', which .nodes does not name"),
    ("d.nets", "m O : -20 15", "m O : -20 inf", "d.nets", 6, "y offset is 'inf'"),
    ("d.nets", "m O : -20 15", "m O : -20", "d.nets", 6, "expected `node I|O|B : dx dy`"),
    ("d.nets", "m O : -20 15", "m X : -20 15", "d.nets", 6, "expected `node I|O|B : dx dy`"),
    ("d.wts", "y 2.5", "y 0", "d.wts", 3, "weight of net 'y' is 0"),
    ("d.wts", "y 2.5", "y", "d.wts", 3, "expected `name weight`"),
    ("d.wts", "y 2.5", "w 2.5", "d.wts", 3, "neither a net nor a node"),
    ("d.pl", "a 10 20 : N", "a 10 20 : NE", "d.pl", 4, "orientation 'NE'"),
    ("d.pl", "a 10 20 : N", "a 10 : N", "d.pl", 4, "expected `node x y : orientation`"),
    ("d.pl", "a 10 20 : N", "a ten 20 : N", "d.pl", 4, "x is 'ten'"),
    ("d.pl", "a 10 20 : N", "e 10 20 : N", "d.pl", 4, "'e' is placed, but"),
    ("d.pl", "a 10 20 : N", "m 10 20 : N", "d.pl", 4, "placed already (line 3)"),
    ("d.pl", "p 10 100 : N\n", "", "d.pl", 0, "p is fixed (or a port) but"),
    ("d.scl", "NumRows : 2", "NumRows : 3", "d.scl", 2, "has 2 rows"),
    ("d.scl", "CoreRow Horizontal", "CoreRow Vertical", "d.scl", 3, "only horizontal rows"),
    ("d.scl", "End\nCore", "Core", "d.scl", 3, "the row has no End"),
    ("d.scl", "  Height : 10\n", "", "d.scl", 3, "the row has no Height"),
    ("d.scl", "Height : 10", "Height : 0", "d.scl", 3, "the row has no area"),
    ("d.scl", "Height : 10", "Height 10", "d.scl", 5, "expected `key : value`"),
    ("d.scl", "Height : 10", "Height : tall", "d.scl", 5, "height is 'tall'"),
    ("d.scl", "CoreRow Horizontal\n", "", "d.scl", 3, "expected `CoreRow Horizontal`"),
    ("d.scl", DESIGN["d.scl"], "UCLA scl 1.0\n", "d.scl", 0, "has no row"),
]


@pytest.mark.parametrize(("file", "old", "new", "at_fault", "line", "cause"), MALFORMED)
def test_cause_and_line(tmp_path: Path, file: str, old: str, new: str, at_fault: str, line: int, cause: str) -> None:
    path = write(tmp_path, edited(file, old, new))
    with pytest.raises(ParseError) as caught:
        read_bookshelf(path)
    assert caught.value.path == tmp_path / at_fault
    assert caught.value.line == line
    assert cause in caught.value.what
    assert "\n" not in str(caught.value)


def test_a_node_may_not_be_called_as_a_macros_pin(tmp_path: Path) -> None:
    design = {name: text.replace(" c ", " m/1 ").replace("c 24", "m/1 24") for name, text in DESIGN.items()}
    with pytest.raises(ParseError, match="'m/1' is the name of a macro's pin") as caught:
        read_bookshelf(write(tmp_path, design))
    assert (caught.value.path.name, caught.value.line) == ("d.nodes", 10)


def test_units_must_be_positive(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="units_per_um"):
        read_bookshelf(write(tmp_path, DESIGN), 0.0)


@settings(max_examples=150, deadline=None)
@given(
    file=st.sampled_from(sorted(DESIGN)),
    where=st.floats(0, 1, exclude_max=True),
    length=st.integers(0, 12),
    new=st.one_of(
        st.binary(max_size=4), st.sampled_from([b"\n", b":", b"1e308", b"-1", b"nan", b"#", b" a ", b"End", b"\xff"])
    ),
    keep=st.one_of(st.just(1.0), st.floats(0, 1)),
)
def test_a_mutated_design_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, file: str, where: float, length: int, new: bytes, keep: float
) -> None:
    folder = tmp_path_factory.getbasetemp() / "mutated"
    folder.mkdir(exist_ok=True)
    path = write(folder, DESIGN)
    data = DESIGN[file].encode()
    at = int(where * len(data))
    data = (data[:at] + new + data[at + length :])[: int(len(data) * keep)]
    (folder / file).write_bytes(data)
    problem, error = _outcome(path)
    if problem is None:
        assert isinstance(error, ParseError)
        assert 0 <= error.line <= data.count(b"\n") + 1 or error.path.name != file
    else:
        assert problem.netlist.node_w_um.min() >= 0
        assert problem.netlist.net_pin.max(initial=0) < problem.netlist.num_pins


def _outcome(path: Path) -> tuple[Problem | None, FloorplanError | None]:
    try:
        return read_bookshelf(path), None
    except FloorplanError as error:
        return None, error


@pytest.mark.parametrize(("design", "cells", "nets", "pins"), [("ibm01", 12_260, 14_111, 50_566)])
def test_a_public_design_has_its_published_counts(
    benchmarks: Path, design: str, cells: int, nets: int, pins: int
) -> None:
    folder = benchmarks / "iccad04" / design
    start = time.process_time()
    problem = read_bookshelf(folder / f"{design}.aux.xz")
    assert time.process_time() - start < 20
    netlist = problem.netlist
    with lzma.open(folder / "tilos_shapes.json.xz") as f:
        shapes = json.load(f)
    assert len(netlist.soft) == cells
    assert netlist.num_nets == nets
    assert len(netlist.net_pin) == pins
    assert len(netlist.ports) == shapes["counts"]["PORTs"]
    hard = netlist.hard
    theirs = [m for m in shapes["macros"] if not m[0].startswith("Grp")]
    assert [netlist.node_name[i] for i in hard] == [m[0] for m in theirs]
    assert netlist.node_w_um[hard] == pytest.approx([m[1] for m in theirs], abs=1e-6)
    assert netlist.node_h_um[hard] == pytest.approx([m[2] for m in theirs], abs=1e-6)
    assert int((netlist.node_kind[netlist.pin_node] == NodeKind.HARD).sum()) == shapes["counts"]["HARD_MACRO_PINs"]
    assert [problem.canvas.width_um, problem.canvas.height_um] == pytest.approx(shapes["canvas"])
    pads = np.stack([problem.initial.x_um, problem.initial.y_um])[:, netlist.ports]
    theirs = np.array([p[1:3] for p in shapes["ports_plc"]])
    assert np.abs(pads.T - theirs).max() < 0.006
