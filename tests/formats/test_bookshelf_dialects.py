"""Bookshelf as the public suites write it: large files in bulk, routing supply, odd outlines, pads above the area."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.errors import FloorplanError, ParseError
from floorplan.formats.bookshelf import bulk, bytes_
from floorplan.formats.bookshelf.bytes_ import Names, Words
from floorplan.formats.bookshelf.lines import Body
from floorplan.formats.bookshelf.reader import read_bookshelf_design
from floorplan.formats.design import Design
from floorplan.netlist import NodeKind

DESIGN = {
    "s.aux": "RowBasedPlacement :  s.nodes  s.nets  s.wts  s.pl  s.scl  s.shapes  s.route\n",
    "s.nodes": "UCLA nodes 1.0\n\nNumNodes : \t6\nNumTerminals : \t3\n"
    "\to0\t4\t9\n\to1\t2\t9\n\to2\t40\t27\n\to3\t90\t90\tterminal\n\tp4\t1\t1\tterminal_NI\n\to5\t60\t18\tterminal_NI\n",
    "s.nets": "UCLA nets 1.0\n\nNumNets : 4\nNumPins : 9\n\n"
    "NetDegree : 3   n0\n\to0\tI : -1.500000\t0.500000\n\to3\tO : 45.000000\t-10\n\tp4\tI : 0 0\n"
    "NetDegree : 2   n1\n\to2\tO : 1e1\t-3.5\n\to1\tI : 0\t0\n"
    "NetDegree : 1   n2\n\to1\tI : 0\t0\n"
    "NetDegree : 3\n\to1\tO : 0\t0\n\to5\tB : -30\t9\n\to2\tI : -20\t-13.5\n",
    "s.wts": "UCLA wts 1.0\n\nn0 2\nn1 1.5\n",
    "s.pl": "UCLA pl 1.0\n\no0\t100\t118\t: N\no1\t110\t100\t: FS\no2\t0\t0\t: W\n"
    "o3\t200\t109\t: N /FIXED\np4\t100\t500\t: N /FIXED_NI\no5\t300\t100\t: N /FIXED_NI\n",
    "s.scl": "UCLA scl 1.0\n\nNumRows : 2\n\n"
    + "".join(
        f"CoreRow Horizontal\n Coordinate    :   {y}\n Height        :   9\n Sitewidth     :    1\n"
        f" Sitespacing   :    1\n Siteorient    :    1\n Sitesymmetry  :    1\n"
        " SubrowOrigin  :    100\tNumSites  :  900\nEnd\n"
        for y in (100, 109)
    ),
    "s.shapes": "shapes 1.0\n\nNumNonRectangularNodes : 1\n\n"
    "o3 : 2\n\tShape_0 200 109 90 40\n\tShape_1 200 149 50 50\n",
    "s.route": """route 1.0

Grid               : 100 100 4
VerticalCapacity   :   0 0 0 80
HorizontalCapacity :   0 0 60 0
MinWireWidth       :   1 1 1 2
MinWireSpacing     :   1 1 1 2
ViaSpacing         :   0 0 0 0
GridOrigin         :   100 100
TileSize           :   40 30
BlockagePorosity   :   0.5

NumNiTerminals : 2
  p4  4
  o5  4
NumBlockageNodes : 1
  o3 3 1 2 4
""",
}


def write(folder: Path, design: dict[str, str]) -> Path:
    for name, text in design.items():
        (folder / name).write_text(text)
    return folder / "s.aux"


def edited(file: str, old: str, new: str) -> dict[str, str]:
    assert old in DESIGN[file]
    return DESIGN | {file: DESIGN[file].replace(old, new, 1)}


@pytest.fixture
def design(tmp_path: Path) -> Design:
    return read_bookshelf_design(write(tmp_path, DESIGN), 10.0)


def test_pads_above_the_area_are_ports_of_any_size(design: Design) -> None:
    netlist = design.problem.netlist
    kinds = [NodeKind.CELL, NodeKind.CELL, NodeKind.HARD, NodeKind.HARD, NodeKind.PORT, NodeKind.PORT]
    assert netlist.node_kind.tolist() == kinds
    assert design.problem.fixed.tolist() == [False, False, False, True, True, True]
    assert design.problem.initial.x_um[5] == (300 + 30 - 100) / 10


def test_what_the_rows_say_is_kept(design: Design) -> None:
    assert design.origin_um == (10, 10)
    assert design.units_per_um == 10
    assert design.site_um == pytest.approx((0.1, 0.9))
    assert (design.problem.canvas.width_um, design.problem.canvas.height_um) == pytest.approx((90, 1.8))


def test_tracks_are_those_of_the_routing_grid(design: Design) -> None:
    canvas = design.problem.canvas
    # 60 of wire and space 2 on 30 units of height, 80 of wire and space 4 on 40 units of width; 10 units a um
    assert canvas.h_tracks_per_um == pytest.approx(60 / 2 / 30 * 10)
    assert canvas.v_tracks_per_um == pytest.approx(80 / 4 / 40 * 10)
    # o3 blocks half of layers 1, 2 and 4, and is 8100 of 9180 of the macros' area; 3 is the only horizontal one
    assert canvas.h_macro_tracks_per_um == 0
    assert canvas.v_macro_tracks_per_um == pytest.approx(80 / 4 / 40 * 10 * 0.5 * 8100 / 9180)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("s.nodes", "NumTerminals : \t3", "NumTerminals : 1"),
        ("s.nodes", "NumNodes : \t6\nNumTerminals : \t3\n", ""),
        ("s.nets", "NumNets : 4\nNumPins : 9\n", ""),
        ("s.nets", "NumNets : 4", "numnets:4"),
        ("s.nets", "NetDegree : 3   n0", "# by line\nNetDegree : 3 n0"),
        ("s.nets", "UCLA nets 1.0\n", "UCLA nets 1.0\n# Created : now\n"),
        ("s.nets", "NetDegree : 1   n2\n", "NetDegree : 0 empty\nNetDegree : 1   n2\n"),
        ("s.pl", "o0\t100\t118\t: N", "o0 1e2 118.0 :N"),
        ("s.pl", "o0\t100\t118\t: N", "o0\t100\t118\t: N /PLACED"),
        ("s.wts", "n0 2\n", "  # a comment\nn0 2\no1 3\n"),
        ("s.scl", " Siteorient    :    1\n", " Siteorient : N\n"),
        ("s.scl", " Sitesymmetry  :    1\n", " Sitesymmetry : X Y\n"),
        ("s.scl", " Sitesymmetry  :    1\n", " Sitesymmetry :\n"),
        ("s.aux", "s.nodes", "./s.nodes"),
        ("s.scl", "SubrowOrigin  :    100\tNumSites  :  900", "SubrowOrigin : 100\n NumSites : 900"),
        ("s.shapes", "shapes 1.0", "UCLA shapes 1.0"),
        ("s.route", "route 1.0", "UCLA route 1.0 # as some write it"),
        ("s.aux", "s.shapes", "there-is-none.shapes"),
    ],
)
def test_dialects_mean_the_same(tmp_path: Path, design: Design, file: str, old: str, new: str) -> None:
    change = edited(file, old, new)
    if "empty" in new:
        change["s.nets"] = change["s.nets"].replace("NumNets : 4", "NumNets : 5")
    (tmp_path / "other").mkdir()
    other = read_bookshelf_design(write(tmp_path / "other", change), 10.0)
    assert other.problem.netlist.content_hash == design.problem.netlist.content_hash
    assert other.problem.canvas == design.problem.canvas
    for name in ("x_um", "y_um", "orient", "placed"):
        assert (getattr(other.problem.initial, name) == getattr(design.problem.initial, name)).all()


def test_a_comment_among_the_lines_changes_nothing(tmp_path: Path, design: Design) -> None:
    """It sends a file to the reader by the line."""
    names = Names({"o0": 0, "o1": 1, "o2": 2, "o3": 3, "p4": 4, "o5": 5})
    fast = bulk.nets(Body(tmp_path / "s.nets", "nets"), names)
    assert fast is not None
    assert (fast.id, fast.begin.tolist()) == ({"n0": 0, "n1": 1, "n2": 2}, [0, 3, 5, 6, 9])
    for kind, second in {"nodes": "\to1", "nets": "NetDegree : 2   n1", "pl": "o1", "wts": "n1"}.items():
        (tmp_path / kind).mkdir()
        path = write(tmp_path / kind, edited(f"s.{kind}", second, f"# a comment\n{second}"))
        other = read_bookshelf_design(path, 10.0)
        assert other.problem.netlist.content_hash == design.problem.netlist.content_hash
        assert (other.problem.initial.x_um == design.problem.initial.x_um).all()
        assert (other.problem.fixed == design.problem.fixed).all()
    assert bulk.nets(Body(tmp_path / "nets" / "s.nets", "nets"), names) is None


def test_words_and_numbers_of_a_block() -> None:
    words = Words(b" a 1\n\n\t-2.50 : .5\r\nlong_name_of_more_than_16  1e-3 +7 12345678901234.5678 0.1\n", 5)
    assert words.line.tolist() == [5, 7, 8]
    assert words.count.tolist() == [2, 3, 5]
    assert words.strings(words.first) == ["a", "-2.50", "long_name_of_more_than_16"]
    found = words.numbers(np.array([1, 2, 4, 6, 7, 8, 9]))
    assert found is not None
    assert found.tolist() == [1.0, -2.5, 0.5, 1e-3, 7.0, 12345678901234.5678, 0.1]
    assert words.one_of(np.arange(5), ("a", ":", "-2.5")).tolist() == [0, -1, -1, 1, -1]


@given(st.lists(st.floats(-1e15, 1e15).map(repr) | st.decimals(-99999, 99999, places=6).map(str), min_size=1))
def test_numbers_are_what_python_reads(texts: list[str]) -> None:
    words = Words(" ".join(texts).encode() + b"\n", 1)
    found = words.numbers(np.arange(len(texts)))
    assert found is not None
    assert found.tolist() == [float(text) for text in texts]


@pytest.mark.parametrize(
    "text", ["1_0", "nan", "inf", "1e", "e1", ".", "-", "+-1", "1.2.3", "0x1", "1e16", "1" * 50, "1f"]
)
def test_what_is_no_number_or_too_large_is_refused(text: str) -> None:
    assert Words(f"1 {text} 2\n".encode(), 1).numbers(np.arange(3)) is None


@given(st.sets(st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=20), min_size=1), st.randoms())
def test_names_are_found_by_what_they_are(names: set[str], random: random.Random) -> None:
    ids = {name: k * 3 for k, name in enumerate(names)}
    asked = [n for n in names if n and n.isascii() and n.isprintable() and " " not in n] + ["o1", "o17", "o1" * 9]
    random.shuffle(asked)
    words = Words(" ".join(asked).encode() + b"\n", 1)
    assert words.find(np.arange(len(asked)), Names(ids)).tolist() == [ids.get(n, -1) for n in asked]


def test_many_names_are_found() -> None:
    ids = {f"cell{k}": k for k in range(5000)}
    asked = [f"cell{k}" for k in range(0, 6000, 7)]
    words = Words("\n".join(asked).encode(), 1)
    assert words.find(words.first, Names(ids)).tolist() == [ids.get(n, -1) for n in asked]


def random_design(cells: int, seed: int) -> dict[str, str]:
    """Return a design in the layout of the ISPD suites, with every tenth pin without an offset."""
    r = np.random.default_rng(seed)
    nodes = "".join(f"\to{i}\t{1 + i % 7}\t{9 if i % 50 else 90}\n" for i in range(cells))
    nets, pins = [], 0
    for e in range(cells):
        who = r.integers(0, cells, 1 + e % 5)
        pins += len(who)
        offset = [f"\to{i}\t{'IOB'[i % 3]} : {i % 3 - 1}.5\t{-(i % 4)}\n" if i % 10 else f"\to{i} I\n" for i in who]
        nets.append(f"NetDegree : {len(who)} n{e}\n" + "".join(offset))
    return {
        "s.aux": "RowBasedPlacement : s.nodes s.nets s.pl\n",
        "s.nodes": f"UCLA nodes 1.0\nNumNodes : {cells}\nNumTerminals : 0\n{nodes}",
        "s.nets": f"UCLA nets 1.0\nNumNets : {cells}\nNumPins : {pins}\n{''.join(nets)}",
        "s.pl": "UCLA pl 1.0\n" + "".join(f"o{i}\t{i * 3}\t{i % 90}\t: {'NS'[i % 2]}\n" for i in range(cells)),
    }


def test_blocks_of_a_larger_file_fit_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = random_design(400, 3)
    whole = read_bookshelf_design(write(tmp_path, files)).problem
    monkeypatch.setattr(bytes_, "_BLOCK", 1000)
    parts = read_bookshelf_design(write(tmp_path, files)).problem
    monkeypatch.setattr(bytes_, "_BLOCK", 1)
    lines = read_bookshelf_design(write(tmp_path, files)).problem
    assert whole.netlist.num_nets > 200
    for other in (parts, lines):
        assert other.netlist.content_hash == whole.netlist.content_hash
        assert (other.initial.x_um == whole.initial.x_um).all()
    for name in ("nodes", "nets", "places"):
        monkeypatch.setattr(bulk, name, lambda *_: None)
    by_line = read_bookshelf_design(write(tmp_path, files)).problem
    assert by_line.netlist.content_hash == whole.netlist.content_hash
    assert (by_line.initial.x_um == whole.initial.x_um).all()


# file, text, its replacement -> file at fault, line (0 = the whole file), part of the cause
MALFORMED = [
    ("s.nodes", "\to1\t2\t9", "\to0\t2\t9", 6, "node 'o0' has a line already (line 5)"),
    ("s.nodes", "\to1\t2\t9", "\to1\t2\t9_0", 6, "height is '9_0'"),
    ("s.nodes", "\to1\t2\t9", "\to1\t2\t-9", 6, "height of 'o1' is negative"),
    ("s.nodes", "NumTerminals : \t3", "NumTerminals : 2", 4, "NumTerminals is 2, but the file has 3 terminals"),
    ("s.nets", "\to2\tO", "\to9\tO", 11, "pin of 'o9', which .nodes does not name"),
    ("s.nets", "NetDegree : 2   n1", "NetDegree : 2   n0", 10, "net 'n0' is there already"),
    ("s.nets", "1e1", "1e999", 11, "x offset is '1e999'"),
    ("s.nets", "NetDegree : 3\n", "NetDegree : 4\n", 15, "net number 3 has 3 pins, its degree is 4"),
    ("s.pl", "o2\t0\t0", "o1\t0\t0", 5, "'o1' is placed already (line 4)"),
    ("s.pl", "/FIXED_NI\n", "/FIXD\n", 7, "expected `node x y : orientation`"),
    ("s.nodes", "\to1\t2\t9", "\to1\t2\t1e16", 6, "height is '1e16', more than 1e+15"),
    ("s.scl", " Height        :   9", " Height : 1e-9", 5, "the row has no area"),
    ("s.wts", "n1 1.5", "n1 -1.5", 4, "weight of net 'n1' is -1.5"),
    ("s.shapes", "NumNonRectangularNodes : 1", "NumNonRectangularNodes : 2", 3, "the file has 1 nodes"),
    ("s.shapes", "o3 : 2", "o9 : 2", 5, "shapes of 'o9', which .nodes does not name"),
    ("s.shapes", "o3 : 2", "o3 : 3", 5, "the node lacks 1 of its shapes"),
    ("s.shapes", "o3 : 2", "o3 : 1", 7, "expected `node : shapes`"),
    ("s.shapes", "o3 : 2", "o3 : two", 5, "the number of shapes is 'two'"),
    ("s.shapes", "50 50\n", "50 50\no3 : 0\n", 8, "'o3' has its shapes already"),
    ("s.shapes", "90 40", "90 0", 6, "the shape has no area (height is 0)"),
    ("s.shapes", "90 40", "90 x", 6, "height is 'x'"),
    ("s.route", "route 1.0", "routes 1.0", 1, "expected `UCLA route 1.0`"),
    ("s.route", "Grid               : 100 100 4\n", "", 0, "has no Grid"),
    ("s.route", "Grid               : 100 100 4", "Grid : 100 100", 3, "Grid has 2 numbers, not 3"),
    ("s.route", "100 100 4", "100 100 1e9", 3, "1e+09 layers; there can be 1 to 99"),
    ("s.route", "0 0 0 80", "0 0 80", 4, "VerticalCapacity must be 4 numbers"),
    ("s.route", "0 0 0 80", "0 0 0 -80", 4, "VerticalCapacity must be 4 numbers that are not negative"),
    ("s.route", "0 0 0 80", "0 0 0 many", 4, "VerticalCapacity is 'many'"),
    ("s.route", "MinWireWidth       :   1 1 1 2", "MinWireWidth : 0 1 1 2", 0, ""),
    ("s.route", "TileSize           :   40 30", "TileSize : 40 0", 10, "a tile has no area"),
    ("s.route", "BlockagePorosity   :   0.5", "BlockagePorosity : 2", 11, "porosity is not a share"),
    ("s.route", "NumNiTerminals : 2", "NumNiTerminals : 3", 13, "NumNiTerminals is 3, but the file has 2"),
    ("s.route", "  o5  4", "  o9  4", 15, "'o9' has layers, but .nodes does not name it"),
    ("s.route", "  o3 3 1 2 4", "  o3 3 1 2", 17, "expected `node layers layer ...`"),
    ("s.route", "  o3 3 1 2 4", "  o3 3 1 2 5", 17, "a layer is not one of 1 to 4"),
    ("s.route", "  o3 3 1 2 4", "  o3 3 1 2 four", 17, "a layer is 'four'"),
    ("s.route", "ViaSpacing", "Grid", 8, "Grid is there already (line 3)"),
    ("s.route", "ViaSpacing", "ViaWidth", 8, "'ViaWidth' is no key of .route"),
    ("s.route", "ViaSpacing         :", "ViaSpacing", 8, "expected `key : numbers`"),
]


@pytest.mark.parametrize(("file", "old", "new", "line", "cause"), MALFORMED)
def test_cause_and_line(tmp_path: Path, file: str, old: str, new: str, line: int, cause: str) -> None:
    change = edited(file, old, new)
    if not cause:  # neither width nor spacing
        change["s.route"] = change["s.route"].replace("MinWireSpacing     :   1", "MinWireSpacing : 0")
        line, cause = 6, "wires of a layer have neither width nor spacing"
    with pytest.raises(ParseError) as caught:
        read_bookshelf_design(write(tmp_path, change))
    assert caught.value.path == tmp_path / file
    assert (caught.value.line, cause in caught.value.what) == (line, True), str(caught.value)


WORDS = [
    "o0",
    "o3",
    "p4",
    "n0",
    "NetDegree",
    ":",
    "2",
    "-1",
    "1e308",
    "I",
    "O",
    "N",
    "FE",
    "/FIXED",
    "#",
    "\n",
    "\n",
    "\t",
]
WORDS += [
    "terminal",
    "terminal_NI",
    "Grid",
    "NumNets",
    "NumBlockageNodes",
    "Shape_0",
    "End",
    "CoreRow Horizontal",
    "nan",
]


@settings(max_examples=80, deadline=None)
@given(
    file=st.sampled_from(sorted(DESIGN)),
    at=st.floats(0, 1, exclude_max=True),
    words=st.lists(st.sampled_from(WORDS), max_size=10).map(" ".join),
    gone=st.integers(0, 40),
    keep=st.booleans(),
    junk=st.binary(max_size=2),
)
def test_junk_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, file: str, at: float, words: str, gone: int, keep: bool, junk: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp() / "dialect_junk"
    folder.mkdir(exist_ok=True)
    path = write(folder, DESIGN)
    data = DESIGN[file].encode()
    i = int(at * len(data))
    data = data[:i] + words.encode() + junk + (data[i + gone :] if keep else b"")
    (folder / file).write_bytes(data)
    design, error = _outcome(path)
    if design is None:
        assert isinstance(error, ParseError)
        assert error.path.name != file or 0 <= error.line <= data.count(b"\n") + 1
    else:
        netlist = design.problem.netlist
        assert netlist.node_w_um.min() >= 0
        assert netlist.net_pin.max(initial=0) < netlist.num_pins


def _outcome(path: Path) -> tuple[Design | None, FloorplanError | None]:
    try:
        return read_bookshelf_design(path), None
    except FloorplanError as error:
        return None, error
