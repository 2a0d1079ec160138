"""Tcl scripts: names of any characters survive Tcl itself, places and flips survive writing and reading."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.errors import ParseError, ProblemError
from floorplan.formats.design import Design
from floorplan.formats.export.tcl import OPENROAD_ORIENT, read_place_macro_tcl, write_place_macro_tcl
from floorplan.formats.export.tcl_words import split_commands, tcl_word
from floorplan.formats.lefdef.reader import read_lefdef
from floorplan.formats.problem import read_problem
from floorplan.geometry import ORIENT_MATRIX, Orient, oriented_size_um
from floorplan.netlist import Canvas, NetlistBuilder, Placement, Problem

ODD_NAMES = (
    "u_a/ram[0]", r"u_a/ram\[0\]", "a b", "$x", "a{b", "a}b{", "end\\", 'q"q', "#c", "a;b", "{", "tab\tbell\a", "é",
    "[exec x]", "-flag", "a\\{b", "\\", "x\\ y", "\x1a\r", "it's~!@%^&*()+=|<>?,.",
)  # fmt: skip


def design(
    names: tuple[str, ...] = ("a", "b"), origin_um: tuple[float, float] = (0.0, 0.0), fixed: tuple[int, ...] = ()
) -> Design:
    b = NetlistBuilder("chip\nodd")
    for k, name in enumerate(names):
        b.add_macro(name, 10.0 + k, 4.0)
    b.add_macro("Grp_0", 3.0, 3.0, soft=True)
    n = len(names) + 1
    initial = Placement(np.full(n, 7.0), np.full(n, 7.0), np.zeros(n, np.uint8), np.ones(n, np.bool_))
    still = np.zeros(n, np.bool_)
    still[list(fixed)] = True
    problem = Problem(b.build(), Canvas(1000.0, 1000.0, 4, 4, 10.0, 10.0), initial, still)
    return Design(problem, "json", (Path("chip.json"),), origin_um=origin_um)


def spread(d: Design) -> Placement:
    """Return every hard macro at a place of its own, the orientations in turn."""
    at = d.problem.initial
    x, y, orient = at.x_um.copy(), at.y_um.copy(), at.orient.copy()
    for k, i in enumerate(d.problem.netlist.hard.tolist()):
        x[i], y[i], orient[i] = 40.005 * (k % 20) + 20.1, 40.0 * (k // 20) + 20.3, k % 8
    return at.replace(x, y, orient)


def same(a: Placement, b: Placement) -> None:
    for name in ("placed", "orient", "x_um", "y_um"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def test_a_script_says_what_its_placement_says(tmp_path: Path) -> None:
    d = design(("a[0]", r"b\[1\]"), origin_um=(100.0, -50.5))
    p = d.problem.initial.replace([10.0, 20.0, 7.0], [30.0, 40.0, 7.0], [Orient.FN, Orient.W, 0])
    write_place_macro_tcl(tmp_path / "m.tcl", d, p)
    text = (tmp_path / "m.tcl").read_text("ascii")
    assert (
        "place_macro -macro_name [floorplan_name {a[0]}] -location {105.000 -22.500} -orientation MY -exact\n" in text
    )
    # 11 x 4 turned by 90 degrees is 4 x 11: its corner lies 2 to the left of the centre and 5.5 below
    assert (
        r"place_macro -macro_name [floorplan_name {b\[1\]}] -location {118.000 -16.000} -orientation R90 -exact" in text
    )
    assert d.problem.netlist.content_hash in text
    assert "1000.0 x 1000.0 um, its lower left corner at (100.0, -50.5)" in text
    write_place_macro_tcl(tmp_path / "n.tcl", d, p, exact=False)
    assert "-exact" not in (tmp_path / "n.tcl").read_text("ascii")


def test_openroads_names_mean_the_same_turns() -> None:
    """R90 turns counterclockwise; MX mirrors top to bottom, MY left to right; MXR90 mirrors first."""
    turn = {"R0": (1, 0, 0, 1), "R90": (0, -1, 1, 0), "R180": (-1, 0, 0, -1), "R270": (0, 1, -1, 0)}
    mirror = {"MX": np.diag([1, -1]), "MY": np.diag([-1, 1])}
    for o, name in zip(Orient, OPENROAD_ORIENT, strict=True):
        first = mirror.get(name[:2], np.eye(2))
        rest = name.removeprefix("MX").removeprefix("MY") or "R0"
        np.testing.assert_array_equal(np.array(turn[rest]).reshape(2, 2) @ first, ORIENT_MATRIX[o].reshape(2, 2), name)


@pytest.mark.parametrize("style", ["openroad", "generic"])
@pytest.mark.parametrize("origin_um", [(0.0, 0.0), (-1234.56, 1e6 / 3)])
def test_written_and_read_back_is_the_same_placement(
    tmp_path: Path, style: str, origin_um: tuple[float, float]
) -> None:
    d = design(ODD_NAMES, origin_um)
    p = spread(d)
    write_place_macro_tcl(tmp_path / "m.tcl.gz", d, p, style)  # type: ignore[arg-type]  # both words are styles
    same(read_place_macro_tcl(tmp_path / "m.tcl.gz", d), p)


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0, 1e5),
    st.floats(0, 1e-3),
    st.floats(-1e7, 1e7),
    st.sampled_from(list(Orient)),
)
def test_any_coordinate_comes_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, x: float, y: float, origin: float, orient: Orient
) -> None:
    path = tmp_path_factory.mktemp("tcl") / "m.tcl"
    d = design(("a",), (origin, -origin))
    p = d.problem.initial.replace([x, 7.0], [y, 7.0], [orient, 0])
    write_place_macro_tcl(path, d, p)
    back = read_place_macro_tcl(path, d)
    for was, now in ((p.x_um, back.x_um), (p.y_um, back.y_um)):
        np.testing.assert_allclose(now, was, rtol=0, atol=1e-24)
        np.testing.assert_array_equal(now[was > 1e-6], was[was > 1e-6])
    np.testing.assert_array_equal(back.orient, p.orient)


def test_a_tcl_interpreter_reads_the_names_as_they_are(tmp_path: Path) -> None:
    tkinter = pytest.importorskip("tkinter", reason="this Python has no Tcl")
    d = design(ODD_NAMES)
    p = spread(d)
    write_place_macro_tcl(tmp_path / "or.tcl", d, p)
    write_place_macro_tcl(tmp_path / "any.tcl", d, p, "generic")
    seen: list[tuple[str, ...]] = []
    taken: list[str] = []
    known = set(ODD_NAMES) - {"u_a/ram[0]"}

    def record(*words: object) -> str:
        seen.append(tuple(str(w) for w in words))
        return ""

    tcl = tkinter.Tcl()
    for command in ("place_macro", "placeInstance", "place_inst", "set_cell_location"):
        tcl.createcommand(command, lambda *words, command=command: record(command, *words))
    tcl.createcommand("take_up", lambda name, status: taken.append(str(name)) or str(status))
    tcl.createcommand("known", lambda name: int(str(name) in known))
    tcl.eval("proc get_cells {name} {list $name}; proc inst {name setter status} {take_up $name $status}")
    tcl.eval("namespace eval ord { proc get_db_block {} { return block } }")
    tcl.eval("proc block {find name} { if {[known $name]} { return [list inst $name] }; return NULL }")
    # a database handle is a command's name; here it is made a command of two words
    tcl.eval("rename unknown old_unknown; proc unknown {first args} { uplevel 1 [concat $first $args] }")
    tcl.eval(f"source {tcl_word(str(tmp_path / 'or.tcl'))}")
    # the design knows the first under the second's spelling
    spelled = [ODD_NAMES[1], *ODD_NAMES[1:]]
    assert taken == spelled
    assert [s[:3] for s in seen] == [("place_macro", "-macro_name", name) for name in spelled]
    assert [s[6] for s in seen] == [OPENROAD_ORIENT[k % 8] for k in range(len(ODD_NAMES))]

    seen.clear()
    tcl.eval(f"source {tcl_word(str(tmp_path / 'any.tcl'))}")
    assert seen == [], "sourcing the neutral script moves nothing"
    tcl.eval("floorplan_innovus; floorplan_innovus_common; floorplan_icc2")
    n = len(ODD_NAMES)
    assert [s[1] for s in seen[:n]] == list(ODD_NAMES)
    assert [s[0] for s in seen[::n]] == ["placeInstance", "place_inst", "set_cell_location"]
    w, _ = oriented_size_um(d.problem.netlist.node_w_um, d.problem.netlist.node_h_um, p.orient)
    assert [float(s[2]) for s in seen[:n]] == pytest.approx((p.x_um - w / 2)[:n])
    assert [s[2] for s in seen[2 * n :]] == [f"{s[2]} {s[3]}" for s in seen[:n]]


@settings(max_examples=120, deadline=None)
@given(
    st.lists(
        st.text(st.characters(codec="utf-8", min_codepoint=1, max_codepoint=0xFFFF), min_size=1), min_size=1, max_size=4
    )
)
def test_any_words_come_back_from_our_reader_and_from_tcl(words: list[str]) -> None:
    text = " ".join(tcl_word(w) for w in words)
    assert text.isascii()
    (command,) = split_commands(Path("x.tcl"), f"  list {text} ;# end\n")
    assert [w.text for w in command.words] == ["list", *words]
    assert not any(w.computed for w in command.words)
    try:
        from tkinter import Tcl
    except ImportError:
        return
    tcl = Tcl()
    assert tcl.splitlist(tcl.eval(f"list {text}")) == tuple(words)


def test_only_movable_macros_are_written_unless_asked_for(tmp_path: Path) -> None:
    d = design(("a", "b"), fixed=(0,))
    write_place_macro_tcl(tmp_path / "m.tcl", d, spread(d))
    text = (tmp_path / "m.tcl").read_text()
    assert "-macro_name a " not in text
    assert "\n# 1 fixed hard macros stay" in text
    write_place_macro_tcl(tmp_path / "m.tcl", d, spread(d), fixed=True)
    assert "-macro_name a " in (tmp_path / "m.tcl").read_text()
    both = design(("a", "b"), fixed=(0, 1))
    write_place_macro_tcl(tmp_path / "m.tcl", both, spread(both))
    assert (tmp_path / "m.tcl").read_text().count("\nplace_macro ") == 2, (
        "a design with nothing to move is written whole"
    )
    write_place_macro_tcl(tmp_path / "m.tcl", both, spread(both), fixed=False)
    assert (tmp_path / "m.tcl").read_text().count("\nplace_macro ") == 0
    same(read_place_macro_tcl(tmp_path / "m.tcl", both), both.problem.initial)


def test_a_script_of_another_tool_is_read_past_what_it_does_else(tmp_path: Path) -> None:
    path = tmp_path / "m.tcl"
    path.write_text(
        '# place_macro -macro_name zzz \\\n still a comment\nputs "hi [clock seconds]"; set x {a { b }\n}\n'
        "foreach m {a b} { place_macro -macro_name $m -location {0 0} }\r\n"
        'place_macro -orientation MX \\\n  -macro_name "ram\\[0\\]" -location "5 6" -allow_overlap\n'
    )
    d = design((r"ram\[0\]", "b"))
    p = read_place_macro_tcl(path, d)
    assert (p.x_um[0], p.y_um[0], p.orient[0]) == (10.0, 8.0, Orient.FS)
    assert (p.x_um[1], p.y_um[1], p.orient[1]) == (7.0, 7.0, Orient.N)
    path.write_text("place_macro -macro_name [lindex {a {b c}} 0]/x -location {5 6}\n")
    with pytest.raises(ParseError, match="computed"):
        read_place_macro_tcl(path, d)
    path.write_text("place_macro -macro_name {ram[0]} -location {5 6}\n")
    assert read_place_macro_tcl(path, d).x_um[0] == 10.0, "found though the netlist's name has backslashes"


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("\n\nplace_macro -macro_name a -location {1 2\n", 3, "nothing closes"),
        ('place_macro -macro_name "a', 1, "nothing closes"),
        ("place_macro -macro_name {a}b -location {1 2}", 1, "follows a closing brace"),
        ("place_macro -macro_name a", 1, "needs -macro_name and -location"),
        ("place_macro -macro_name a -location", 1, "lacks a value"),
        ("place_macro -macro_name a -location {1 2} -status FIRM", 1, "no argument '-status'"),
        ("place_macro -macro_name a -location {1 2 3}", 1, "two numbers"),
        ("place_macro -macro_name a -location {1 x}", 1, "'x' is not a number"),
        ("place_macro -macro_name a -location {1 1e99}", 1, "out of range"),
        ("place_macro -macro_name a -location {1 1e999999999}", 1, "not a number"),
        ("place_macro -macro_name a -location {1 2} -orientation UP", 1, "orientation 'UP'"),
        ("\nplace_macro -macro_name zz -location {1 2}", 2, "no hard macro 'zz'"),
        ("place_macro -macro_name Grp_0 -location {1 2}", 1, "no hard macro 'Grp_0'"),
        ("floorplan_macro a 1 2 N\nfloorplan_macro a 1 2 N", 2, "already .line 1"),
        ("floorplan_macro a 1 2", 1, "name, x, y and orientation"),
        ("floorplan_macro a [expr 1] 2 N", 1, "computed"),
        ("floorplan_macro a $x 2 N", 1, "computed"),
        ("floorplan_macro [floorplan_name $x] 1 2 N", 1, "computed"),
        ("floorplan_macro [floorplan_name a; exit] 1 2 N", 1, "computed"),
        ("floorplan_macro a [expr {1 2 N", 1, "nothing closes"),
        ("floorplan_macro a [expr 1 2 N", 1, "nothing closes"),
        ("set x 1\n", 0, "no place_macro"),
        ("place_macro " + "-exact " * 64, 1, "more than 64 words"),
        ("", 0, "no place_macro"),
    ],
)
def test_a_bad_script_is_refused_with_its_line(tmp_path: Path, text: str, line: int, what: str) -> None:
    path = tmp_path / "m.tcl"
    path.write_text(text)
    with pytest.raises(ParseError, match=what) as e:
        read_place_macro_tcl(path, design())
    assert e.value.line == line


@settings(max_examples=120, deadline=None)
@given(st.text(st.sampled_from('{}"\\[]$;# \n\tplace_macro-nxy019.')) | st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        commands = list(split_commands(Path("x"), text))
    except ParseError:
        return
    assert all(c.words and 1 <= c.line <= text.count("\n") + 1 for c in commands)


def test_bad_requests_are_refused(tmp_path: Path) -> None:
    d = design()
    for bad, what in (
        ({"style": "magma"}, "openroad or generic"),
        ({"snap_um": 0.0}, "pitch must be positive"),
        ({"snap_um": float("nan")}, "pitch must be positive"),
    ):
        with pytest.raises(ProblemError, match=what):
            write_place_macro_tcl(tmp_path / "m.tcl", d, spread(d), **bad)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(ProblemError, match="hard macro a and 1 more unplaced"):
        write_place_macro_tcl(tmp_path / "m.tcl", d, Placement.empty(3))
    with pytest.raises(ProblemError, match="1 nodes, the netlist 3"):
        write_place_macro_tcl(tmp_path / "m.tcl", d, Placement.empty(1))
    assert list(tmp_path.iterdir()) == []


def test_rounding_to_a_grid_is_done_where_it_stays_legal_and_refused_where_not(tmp_path: Path) -> None:
    d = design(origin_um=(0.25, 0.0))
    p = d.problem.initial.replace([20.0, 40.0, 7.0], [20.0, 20.0, 7.0])
    write_place_macro_tcl(tmp_path / "m.tcl", d, p, snap_um=0.5)
    assert "{15.000 18.000}" in (tmp_path / "m.tcl").read_text(), "15.25 lies between two; even multiples win"
    touching = p.replace([20.0, 30.6, 7.0])
    with pytest.raises(ProblemError, match="snap_to_grid"):
        write_place_macro_tcl(tmp_path / "m.tcl", d, touching, snap_um=3.0)


def test_the_field_s_own_placement_survives(benchmarks: Path, tmp_path: Path) -> None:
    folder = benchmarks / "ct" / "NanGate45_ariane133"
    problem = read_problem(folder / "netlist.pb.txt.xz", folder / "legalized.plc.xz")
    d = Design(problem, "protobuf", (folder / "netlist.pb.txt.xz",))
    write_place_macro_tcl(tmp_path / "m.tcl", d, problem.initial)
    cleared = d.replace(problem=problem.replace(initial=problem.initial.replace(orient=np.zeros(len(problem.initial)))))
    back = read_place_macro_tcl(tmp_path / "m.tcl", cleared)
    hard = problem.netlist.hard
    np.testing.assert_array_equal(back.orient[hard], problem.initial.orient[hard])
    np.testing.assert_array_equal(back.x_um, problem.initial.x_um)
    np.testing.assert_array_equal(back.y_um, problem.initial.y_um)


def test_what_openroad_made_of_a_command_is_written_as_that_command(benchmarks: Path, tmp_path: Path) -> None:
    """OpenROAD's own test places a macro at {20 20}, R90, and writes the DEF that is read here."""
    folder = benchmarks / "openroad_lefdef" / "mpl"
    if not folder.is_dir():
        pytest.skip(f"no OpenROAD examples at {folder}")
    name = "place_macro_right_angle_rotation"
    lefs = [folder / "Nangate45" / "Nangate45.lef.xz", folder / "testcases" / f"{name}.lef"]
    d = read_lefdef(lefs, folder / f"{name}.defok")
    write_place_macro_tcl(tmp_path / "m.tcl", d, d.problem.initial)
    text = (tmp_path / "m.tcl").read_text()
    assert "place_macro -macro_name macro -location {20.000 20.000} -orientation R90 -exact\n" in text
