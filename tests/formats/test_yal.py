"""YAL circuits: what is read, and what each mistake is answered with."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.errors import FloorplanError, ParseError, ProblemError
from floorplan.files import write_bytes_by_suffix
from floorplan.formats.design import Design
from floorplan.formats.gsrc.reader import read_gsrc
from floorplan.formats.gsrc.yal import read_yal
from floorplan.netlist import NodeKind

CIRCUIT = """/* by hand
 */
MODULE a;
 TYPE GENERAL;
 DIMENSIONS 30 0 30 50 -10 50 -10 0;
 IOLIST;
  P_0 PWR 10 0 1 METAL2 CURRENT 0.010 VOLTAGE0.080;
  P_1 O 30 10 1 METAL2; P_2 B -10 25 1
    METAL2;
 ENDIOLIST;
ENDMODULE;
MODULE l; TYPE GENERAL;
 DIMENSIONS 0 0 20 0 20 10 10 10 10 20 0 20;
 IOLIST;
  x I 0 5 1 METAL1;
  x I 20 5 1 METAL1;
  y B 5 20 1 METAL1;
 ENDIOLIST;
ENDMODULE;
MODULE bound;
 TYPE PARENT;
 DIMENSIONS 100 10 100 110 0 110 0 10;
 IOLIST;
  POW PWR 0 60 1 METAL2;
  POW PWR 100 60 1 METAL2;
  in/1 PI 50 10 1 METAL2;
 ENDIOLIST;
 NETWORK;
  C_0 a POW n in/1;
  C_1 l n /* a comment */ n POW;
 ENDNETWORK;
 CRITICALNETS;
  n 100;
 ENDCRITICALNETS;
ENDMODULE;
"""


def write(folder: Path, text: str = CIRCUIT) -> Path:
    path = folder / "c.yal"
    path.write_text(text)
    return path


@pytest.fixture
def design(tmp_path: Path) -> Design:
    return read_yal(write(tmp_path))


def test_instances_are_macros_called_after_modules_used_once(design: Design) -> None:
    netlist = design.problem.netlist
    assert netlist.name == "c"
    assert netlist.node_name == ("a", "l", "POW@0", "POW@1", "in/1")
    assert netlist.node_kind.tolist() == [NodeKind.HARD] * 2 + [NodeKind.PORT] * 3
    assert netlist.node_w_um.tolist() == [40, 20, 0, 0, 0]
    assert netlist.node_h_um.tolist() == [50, 20, 0, 0, 0]
    assert design.master == ("a", "l", "", "", "")


def test_instances_keep_their_names_where_a_module_is_used_twice(tmp_path: Path) -> None:
    text = CIRCUIT.replace("C_1 l n /* a comment */ n POW", "C_1 a POW n POW")
    design = read_yal(write(tmp_path, text))
    assert design.problem.netlist.node_name[:2] == ("C_0", "C_1")
    assert design.master[:2] == ("a", "a")


def test_pins_count_from_the_centre_of_the_outline(design: Design) -> None:
    netlist = design.problem.netlist
    offsets = dict(zip(netlist.pin_name, zip(netlist.pin_dx_um, netlist.pin_dy_um, strict=True), strict=True))
    assert offsets["a/P_0"] == (0, -25)
    assert offsets["a/P_1"] == (20, -15)
    assert offsets["l/x@1"] == (10, -5)
    assert offsets["l/y"] == (-5, 10)


def test_nets_begin_at_outputs_and_inputs_of_the_chip(design: Design) -> None:
    netlist = design.problem.netlist
    nets = [
        [netlist.pin_name[pin] for pin in netlist.net_pin[a:b]]
        for a, b in zip(netlist.net_ptr, netlist.net_ptr[1:], strict=False)
    ]
    assert nets == [["a/P_0", "l/y", "POW@0", "POW@1"], ["a/P_1", "l/x@0", "l/x@1"], ["in/1", "a/P_2"]]


def test_the_parents_outline_is_the_canvas(design: Design) -> None:
    problem = design.problem
    assert (problem.canvas.width_um, problem.canvas.height_um) == (100, 100)
    assert design.origin_um == (0, 10)
    assert problem.initial.x_um[2:].tolist() == [0, 100, 50]
    assert problem.initial.y_um[2:].tolist() == [50, 50, 0]
    assert problem.initial.placed.tolist() == [False] * 2 + [True] * 3


def test_white_space_can_be_asked_for(tmp_path: Path) -> None:
    problem = read_yal(write(tmp_path), white_space=0.5).problem
    side = (1.5 * 2400) ** 0.5
    assert problem.canvas.width_um == pytest.approx(side)
    assert problem.initial.x_um[2:].tolist() == pytest.approx([0, side, side / 2])
    with pytest.raises(ProblemError, match="white_space must be >= 0"):
        read_yal(write(tmp_path), white_space=float("nan"))


def test_standard_cells_with_pins_on_a_side(tmp_path: Path) -> None:
    text = CIRCUIT.replace(
        "TYPE GENERAL;\n DIMENSIONS 0 0 20 0 20 10 10 10 10 20 0 20", "TYPE STANDARD; DIMENSIONS 20 9"
    )
    netlist = read_yal(write(tmp_path, text.replace("x I 0 5 1", "x I LEFT 5 1"))).problem.netlist
    assert netlist.node_kind[1] == NodeKind.CELL
    assert (netlist.node_w_um[1], netlist.node_h_um[1]) == (20, 9)
    pinned = read_yal(write(tmp_path, CIRCUIT.replace("P_2 B -10 25 1", "P_2 B TOP 5 1"))).problem.netlist
    at = pinned.pin_name.index("a/P_2")
    assert (pinned.pin_dx_um[at], pinned.pin_dy_um[at]) == (-15, 25)


def test_a_compressed_file_is_the_same(tmp_path: Path, design: Design) -> None:
    write_bytes_by_suffix(tmp_path / "c.yal.gz", CIRCUIT.encode())
    other = read_yal(tmp_path / "c.yal.gz").problem.netlist
    assert (other.content_hash, other.name) == (design.problem.netlist.content_hash, "c")


# text, its replacement -> line (0 = the whole file), part of the cause
MALFORMED = [
    ("MODULE a;", "MODUL a;", 3, "expected `MODULE name;`, found 'MODUL a'"),
    ("MODULE l;", "MODULE a;", 12, "module 'a' is there already (line 3)"),
    ("TYPE GENERAL", "TYPE SPECIAL", 4, "expected TYPE and one of GENERAL"),
    (" TYPE GENERAL;\n", "", 3, "module 'a' has no TYPE"),
    (" DIMENSIONS 30 0 30 50 -10 50 -10 0;\n", "", 3, "module 'a' has no DIMENSIONS"),
    ("DIMENSIONS 30 0 30 50 -10 50 -10 0", "DIMENSIONS 30 0 30 50 -10 50 -10", 5, "found 7 numbers"),
    ("DIMENSIONS 30 0 30 50 -10 50 -10 0", "DIMENSIONS 30 0 30 50 -10 50 -10 x", 5, "a dimension is 'x'"),
    ("DIMENSIONS 30 0 30 50 -10 50 -10 0", "DIMENSIONS 3 0 3 0 3 0 3 0", 5, "module 'a' has no area"),
    ("-10 0;", "-10 0; DIMENSIONS 1 1;", 5, "has DIMENSIONS twice"),
    ("P_1 O 30 10", "P_1 OUT 30 10", 8, "expected `name type x y width layer`, found 'P_1 OUT 30 10'"),
    ("P_1 O 30 10 1 METAL2", "P_1 O 30", 8, "expected `name type x y width layer`"),
    ("P_2 B -10 25", "P_2 B -1e16 25", 8, "x is '-1e16', more than 1e+15"),
    ("P_2 B -10 25", "P_2 B -10 1e400", 8, "y is '1e400'"),
    (" ENDIOLIST;\nENDMODULE;\nMODULE l", "ENDMODULE;\nMODULE l", 10, "IOLIST of module 'a' has no ENDIOLIST"),
    ("ENDMODULE;\nMODULE bound", "MODULE bound", 19, "expected TYPE, DIMENSIONS, a section or ENDMODULE"),
    (" ENDCRITICALNETS;\nENDMODULE;\n", " ENDCRITICALNETS;\n", 20, "module 'bound' has no ENDMODULE"),
    ("ENDCRITICALNETS;\nENDMODULE;", "ENDCRITICALNETS;\nENDMODULE", 35, "does not end with a semicolon"),
    ("/* a comment */", "/* a comment", 30, "the comment does not end"),
    ("TYPE PARENT", "TYPE GENERAL", 29, "module 'bound' has a NETWORK, but is no PARENT"),
    ("TYPE GENERAL", "TYPE PARENT", 20, "expected one module of TYPE PARENT, found 2"),
    (CIRCUIT[CIRCUIT.index("MODULE bound") :], "", 0, "expected one module of TYPE PARENT, found 0"),
    (" NETWORK;\n  C_0 a POW n in/1;\n  C_1 l n /* a comment */ n POW;\n ENDNETWORK;\n", "", 20, "no NETWORK"),
    ("C_0 a POW n", "C_0 b POW n", 29, "'C_0' is of module 'b', not defined"),
    ("C_0 a POW n", "C_0 bound POW n", 29, "'C_0' is of module 'bound'"),
    ("C_0 a POW n in/1", "C_0 a POW n", 29, "'C_0' has 2 signals, its module 3 pins"),
    ("C_1 l", "C_0 l", 30, "'C_0' is there already (line 29)"),
    ("C_0 a POW n in/1", "C_0", 29, "expected `instance module signals`"),
    ("in/1 PI", "a PI", 26, "'a' is the name of a block and of a pin"),
    ("in/1 PI", "a/P_1 PI", 29, "'a/P_1' is the name of a macro's pin, too"),
    ("  y B", "  x@1 B", 30, "'l/x@1' is the name of a macro's pin"),
]


@pytest.mark.parametrize(("old", "new", "line", "cause"), MALFORMED)
def test_cause_and_line(tmp_path: Path, old: str, new: str, line: int, cause: str) -> None:
    assert old in CIRCUIT
    path = write(tmp_path, CIRCUIT.replace(old, new, 1))
    with pytest.raises(ParseError) as caught:
        read_yal(path)
    assert caught.value.path == path
    assert (caught.value.line, cause in caught.value.what) == (line, True), str(caught.value)


WORDS = [
    "MODULE",
    "ENDMODULE",
    "TYPE",
    "PARENT",
    "GENERAL",
    "DIMENSIONS",
    "0",
    "9",
    "-1e308",
    "nan",
    "IOLIST",
    "a",
    "n",
]
WORDS += ["ENDIOLIST", "NETWORK", "ENDNETWORK", "B", "PI", "LEFT", ";", ";", ";", "\n", "/*", "*/", "POW", "C_0", "n"]


@settings(max_examples=80, deadline=None)
@given(
    at=st.floats(0, 1, exclude_max=True),
    words=st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join),
    gone=st.integers(0, 60),
    keep=st.booleans(),
    junk=st.binary(max_size=2),
)
def test_junk_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, at: float, words: str, gone: int, keep: bool, junk: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "junk.yal"
    data = CIRCUIT.encode()
    i = int(at * len(data))
    data = data[:i] + words.encode() + junk + (data[i + gone :] if keep else b"")
    path.write_bytes(data)
    design, error = _outcome(path)
    if design is None:
        assert isinstance(error, ParseError)
        assert 0 <= error.line <= data.count(b"\n") + 1
    else:
        netlist = design.problem.netlist
        assert (netlist.node_w_um[netlist.hard] > 0).all()
        assert netlist.net_pin.max(initial=0) < netlist.num_pins


def _outcome(path: Path) -> tuple[Design | None, FloorplanError | None]:
    try:
        return read_yal(path), None
    except FloorplanError as error:
        return None, error


@pytest.mark.parametrize(("name", "pins"), [("apte", 287), ("hp", 309), ("ami33", 522), ("ami49", 953)])
def test_public_circuits_are_those_of_the_blocks_files(benchmarks: Path, name: str, pins: int) -> None:
    folder = benchmarks / "floorplanning"
    netlist = read_yal(folder / "yal" / f"{name}.yal").problem.netlist
    other = read_gsrc(folder / "mcnc" / f"{name}.blocks").problem.netlist
    assert len(netlist.net_pin) == pins
    # .nets lacks the two power terminals of ami33, which connect to nothing there
    assert len(netlist.net_pin) - len(other.net_pin) == (2 if name == "ami33" else 0)
    assert netlist.num_nets == other.num_nets
    assert set(netlist.node_name) == set(other.node_name)
    for node, w, h in zip(netlist.node_name, netlist.node_w_um, netlist.node_h_um, strict=True):
        i = other.node_id[node]
        assert (other.node_w_um[i], other.node_h_um[i]) == (w, h)
