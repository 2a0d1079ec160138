"""Structural Verilog with LEF: what is read and flattened, and what each mistake is answered with."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.errors import FloorplanError, ParseError, ProblemError
from floorplan.files import write_bytes_by_suffix
from floorplan.formats.design import Design
from floorplan.formats.verilog.reader import read_verilog
from floorplan.netlist import Netlist, NodeKind

LEF = """VERSION 5.8 ;
BUSBITCHARS "[]" ;
MANUFACTURINGGRID 0.005 ;
SITE core
  CLASS CORE ;
  SIZE 0.2 BY 2 ;
END core
MACRO INV
  CLASS CORE ;
  SIZE 1 BY 2 ;
  SITE core ;
  PIN A
    DIRECTION INPUT ;
  END A
  PIN Y
    DIRECTION OUTPUT ;
  END Y
  PIN VDD
    DIRECTION INOUT ;
    USE POWER ;
  END VDD
END INV
MACRO RAM
  CLASS BLOCK ;
  SIZE 20 BY 10 ;
  SYMMETRY X Y ;
  PIN D[0]
    DIRECTION INPUT ;
    PORT
      LAYER m1 ;
        RECT 0 1 0 3 ;
    END
  END D[0]
  PIN D[1]
    DIRECTION INPUT ;
    PORT
      LAYER m1 ;
        RECT 0 4 0 6 ;
    END
  END D[1]
  PIN Q
    DIRECTION OUTPUT ;
    PORT
      LAYER m1 ;
        RECT 20 8 20 10 ;
    END
  END Q
END RAM
END LIBRARY
"""

NETLIST = """/* written by
   a tool; */
`timescale 1ns/1ps
(* src = "top.v:3;" *) module top(clk, \\d[1] , bus, q);
  input clk;
  input \\d[1] ;
  input [0:1] bus;
  output [3:2] q;
  wire w1, w2; // two ; wires
  wire [3:0] data;
  supply0 gnd;
  (* keep *) INV \\g.1[0] (.A(clk), .Y(w1), .VDD(vdd));
  RAM ram0 (
    .D({w1, data[2]}),
    .Q(w2)
  );
  RAM ram1 (.D(data[1:0]), .Q(q[3]));
  INV g2 (.A(w2), .Y(data[2]));
  pair u1 (.a({2{w1}}), .y(data[1:0])), u2 ({bus[1], 1'b0}, q[2:2]);
  assign unused = 1'b1;
  INV g3 (.A(gnd), .Y());
endmodule

module pair(input [1:0] a, output y2, output y);
  wire t;
  INV i0 (a[0], t);
  INV i1 (.A(t), .Y(z));
  assign y = z;
endmodule
"""


def write(folder: Path, text: str = NETLIST, lef: str = LEF) -> tuple[Path, list[Path]]:
    (folder / "n.v").write_text(text)
    (folder / "n.lef").write_text(lef)
    return folder / "n.v", [folder / "n.lef"]


def nets_of(netlist: Netlist) -> list[list[str]]:
    ends = zip(netlist.net_ptr, netlist.net_ptr[1:], strict=False)
    return [[netlist.pin_name[pin] for pin in netlist.net_pin[a:b]] for a, b in ends]


FLAT = """module t(a, b, y);
  input a, b;
  output [2:0] y;
  wire n;
  INV g1 (.A(a), .Y(n));
  RAM m (.D({n, b}), .Q(y[1]));
  INV g2 (.A(n), .Y(y[0]));
endmodule
"""


def test_cells_macros_ports_and_nets(tmp_path: Path) -> None:
    design = read_verilog(*write(tmp_path, FLAT))
    netlist = design.problem.netlist
    assert netlist.name == "t"
    assert netlist.node_name == ("a", "b", "y[0]", "y[1]", "y[2]", "g1", "m", "g2")
    assert netlist.node_kind.tolist() == [NodeKind.PORT] * 5 + [NodeKind.CELL, NodeKind.HARD, NodeKind.CELL]
    assert nets_of(netlist) == [["a", "g1"], ["b", "m/D[0]"], ["g2", "y[0]"], ["m/Q", "y[1]"], ["g1", "m/D[1]", "g2"]]
    assert design.master == ("",) * 5 + ("INV", "RAM", "INV")
    assert (design.format, design.site_um, design.manufacturing_grid_um) == ("verilog", (0.2, 2.0), 0.005)
    at = netlist.pin_name.index("m/D[0]")
    assert (netlist.pin_dx_um[at], netlist.pin_dy_um[at]) == (-10, -3)


def test_the_canvas_is_a_square_and_ports_stand_along_it(tmp_path: Path) -> None:
    files = write(tmp_path, FLAT)
    assert read_verilog(*files).problem.canvas == read_verilog(*files, utilisation=0.6).problem.canvas
    for share in (0.6, 0.5):
        problem = read_verilog(*files, utilisation=share).problem
        side = (204 / share) ** 0.5
        assert (problem.canvas.width_um, problem.canvas.height_um) == pytest.approx((side, side))
        # fifths of the perimeter
        assert problem.initial.x_um[:5].tolist() == pytest.approx([side * s for s in (0.4, 1, 1, 0.2, 0)])
        assert problem.initial.y_um[:5].tolist() == pytest.approx([side * s for s in (0, 0.2, 1, 1, 0.4)])
        assert problem.initial.placed.tolist() == [True] * 5 + [False] * 3
    with pytest.raises(ProblemError, match="utilisation must be above 0"):
        read_verilog(*files, utilisation=0.0)
    with pytest.raises(ProblemError, match="give the LEF files"):
        read_verilog(files[0], [])


EXTRAS = """module top(a, y); input [1:0] a; output [1:0] y; wire [1:0] n; wire [0:1] up; supply1 one; INV lone ();
  %s
endmodule
module sub(p, q); input [1:0] p; output [1:0] q; INV a (.A(p[1]), .Y(q[1])); INV b (.A(p[0]), .Y(q[0])); endmodule
module INV(A, Y); input A; output Y; endmodule
"""


@pytest.mark.parametrize(
    ("body", "nets"),
    [
        ("INV g (.A(a[0]), .Y(y[0]));", [["a[0]", "g"], ["g", "y[0]"]]),
        ("INV g (a[0], y[0]);", [["a[0]", "g"], ["g", "y[0]"]]),
        ("INV g (a[0], ), h (.A(a[0]), .Y());", [["a[0]", "g", "h"]]),
        ("INV #(1) g ( .A ( a [ 0 ] ) , .Y ( n[1] ) ) ; INV #(.W(1)) h (.A(n[1]));", [["a[0]", "g"], ["g", "h"]]),
        ("INV \\g;, (.A(a[0]), .Y(\\n[1] )); INV h(.A(\\n[1] )); INV k(.A(n[1]));", [["a[0]", "g;,"], ["g;,", "h"]]),
        ("INV \\wire (.A(a[0])); INV \\3x (.A(a[0]));", [["a[0]", "wire", "3x"]]),
        ("INV \\simple (.\\A (a[0])); INV h (.A(a[0]));", [["a[0]", "simple", "h"]]),
        ("sub u (.p(a), .q(y));", [["a[0]", "u/b"], ["a[1]", "u/a"], ["u/b", "y[0]"], ["u/a", "y[1]"]]),
        ("sub u (a, {y[0], y[1]});", [["a[0]", "u/b"], ["a[1]", "u/a"], ["u/a", "y[0]"], ["u/b", "y[1]"]]),
        ("sub u (.p({2{a[1]}}));", [["a[1]", "u/a", "u/b"]]),
        ("sub u (.p({2{1'b1}}), .q(y[1:0]));", [["u/b", "y[0]"], ["u/a", "y[1]"]]),
        ("sub u (.p(2'h3), .q(y[1:0]));", [["u/b", "y[0]"], ["u/a", "y[1]"]]),
        ("sub u (.p(0), .q({y}));", [["u/b", "y[0]"], ["u/a", "y[1]"]]),
        ("supply0 gnd; sub u (.p({one, gnd}), .q(y));", [["u/b", "y[0]"], ["u/a", "y[1]"]]),
        ("assign y = a;", [["a[0]", "y[0]"], ["a[1]", "y[1]"]]),
        ("assign y[0] = a[1], y[1] = n[0]; assign n[0] = a[0];", [["a[0]", "y[1]"], ["a[1]", "y[0]"]]),
        ("assign up = a; INV g (.A(up[0]), .Y(y[0]));", [["a[1]", "g"], ["g", "y[0]"]]),
        ("assign up[0:1] = a; INV g (.A(up[1]), .Y(y[0]));", [["a[0]", "g"], ["g", "y[0]"]]),
        ("assign y = 2'b01; INV g (.A(y[0])); INV h (.A(y[0]));", []),
        ("wire k = a[0]; INV g (.A(k));", [["a[0]", "g"]]),
        ("wire signed [1:0] k; assign k = a; INV g (.A(k[1]));", [["a[1]", "g"]]),
        ("INV g (.A((a[0])), .Y(n[0]));", [["a[0]", "g"]]),
        ("specify (A => Y) = (0, 0); endspecify INV g (.A(a[0]));", [["a[0]", "g"]]),
        ("parameter P = 3; defparam u.P = 4; INV g (.A(a[0]));", [["a[0]", "g"]]),
        ("INV g (.A(implicit)); INV h (.Y(implicit));", [["h", "g"]]),
        ("INV g (.A(a[0]) /* x */, // y\n .Y(y[0]));", [["a[0]", "g"], ["g", "y[0]"]]),
    ],
)
def test_what_a_netlist_may_say(tmp_path: Path, body: str, nets: list[list[str]]) -> None:
    files = write(tmp_path, EXTRAS % body)
    assert nets_of(read_verilog(*files, top="top").problem.netlist) == nets


def test_a_hierarchy_of_buses_escapes_and_supplies(tmp_path: Path) -> None:
    text = NETLIST.replace("output y2, output y)", "output [1:0] y)").replace("assign y = z", "assign y = {z, t}")
    text = text.replace("q[2:2]);", "{q[2], nowhere});").replace("i0 (a[0], t)", "i0 (.A(a[0]), .Y(t))")
    netlist = read_verilog(*write(tmp_path, text)).problem.netlist
    assert netlist.node_name[:6] == ("clk", "d[1]", "bus[0]", "bus[1]", "q[2]", "q[3]")
    assert netlist.node_name[6:] == ("g.1[0]", "ram0", "ram1", "g2", "g3", "u1/i0", "u1/i1", "u2/i0", "u2/i1")
    assert nets_of(netlist) == [
        ["clk", "g.1[0]"],
        ["u2/i1", "q[2]"],
        ["ram1/Q", "q[3]"],
        ["g.1[0]", "ram0/D[1]", "u1/i0"],
        ["ram0/Q", "g2"],
        ["u1/i0", "ram1/D[0]", "u1/i1"],
        ["u1/i1", "ram1/D[1]"],
        ["g2", "ram0/D[0]"],
        ["u2/i0", "u2/i1"],
    ]


def test_the_top_is_the_module_that_nobody_uses_or_the_one_named(tmp_path: Path) -> None:
    two = FLAT + FLAT.replace("module t", "module u")
    files = write(tmp_path, two)
    with pytest.raises(ParseError, match="several modules could be the top: 't', 'u'") as caught:
        read_verilog(*files)
    assert caught.value.line == 9
    assert read_verilog(*files, top="u").problem.netlist.name == "u"
    with pytest.raises(ParseError, match="has no module 'v'"):
        read_verilog(*files, top="v")


def test_a_compressed_file_is_the_same(tmp_path: Path) -> None:
    path, lefs = write(tmp_path, FLAT)
    write_bytes_by_suffix(tmp_path / "n.v.xz", FLAT.encode())
    plain, packed = (read_verilog(p, lefs).problem.netlist for p in (path, tmp_path / "n.v.xz"))
    assert plain.content_hash == packed.content_hash


# text of FLAT, its replacement -> line (0 = the whole file), part of the cause
MALFORMED = [
    (FLAT, "", 0, "has no module"),
    ("module t", "modul t", 1, "expected `module`, found 'modul'"),
    ("endmodule\n", "", 1, "module 't' has no endmodule"),
    ("endmodule\n", "endmodule endmodule", 8, "endmodule without module"),
    ("endmodule\n", "endmodule\nmodule t(); endmodule", 9, "module 't' is there already (line 1)"),
    ("endmodule\n", "module u(); endmodule", 8, "module 't' has no endmodule before this one"),
    ("(a, b, y)", "(a, a, y)", 1, "port 'a' is listed twice"),
    ("(a, b, y)", "(a, b y)", 1, "expected ')', found 'y'"),
    ("(a, b, y)", "(a, b, y, z)", 1, "port 'z' is neither input, output nor inout"),
    ("(a, b, y)", "(b, y)", 2, "input 'a' is not in the module's list of ports"),
    ("input a, b", "input a, b, a", 2, "port 'a' has a direction already"),
    ("[2:0] y", "[W-1:0] y", 3, "expected an integer, found 'W'"),
    ("[2:0] y", "[99999999:0] y", 3, "the range is wider than"),
    ("wire n", "wire [1:0] y", 4, "'y' has had another range"),
    ("wire n;\n", "wire n\n", 4, "expected ';', found 'INV'"),
    ("INV g1 (.A(a)", "INV g1 (.A(a", 5, "expected ')'"),
    ("INV g1 (", "NAND g1 (", 5, "'g1' is of 'NAND', which is neither a module nor a macro"),
    (".A(a)", ".B(a)", 5, "macro 'INV' has no pin 'B'"),
    (".A(a)", ".A(y)", 5, "pin 'A' of 'INV' has 1 bits, 3 are connected"),
    (".D({n, b})", ".D({n, b, b})", 6, "pin 'D' of 'RAM' has 2 bits, 3 are connected"),
    (".D({n, b})", ".D({n, b)", 6, "expected '}', found the statement's end"),
    (".D({n, b})", ".D(n + b)", 6, "expected ')', found '+'"),
    (".D({n, b})", ".D(" + "{" * 99 + "n" + "}" * 99 + ")", 6, "nested deeper than 64"),
    (".D({n, b})", ".D({900000000{n}})", 6, "have more than 1048576 bits"),
    (".D({n, b})", ".D(0'b0)", 6, "has no width from 1 to"),
    ("y[1]", "y[3]", 6, "'y' has no [3], it is [2:0]"),
    ("y[1]", "y[0:1]", 6, "'y' has no [0:1], it is [2:0]"),
    ("y[1]", "n[0]", 6, "'n' has no [0], it is a single bit"),
    ("INV g2", "INV g1", 7, "instance 'g1' is there already"),
    ("INV g2", "INV a", 7, "'a' is the name of another instance, or of a port"),
    ("INV g2", "INV \\m/Q ", 6, "'m/Q' is the name of a macro's pin"),
    ("INV g2 (.A(n)", "INV g2 [3:0] (.A(n)", 7, "'g2' is an array of instances"),
    ("INV g2 (.A(n)", "INV g2 (n", 7, "pin 1 of 'g2' is given by position, but no module 'INV'"),
    (".Q(y[1])", ".Q(y[1]), .Q(y[2])", 6, "'m/Q' is the name of a macro's pin, too, or that pin is connected twice"),
    ("wire n;", "wire n; assign y = a;", 4, "1 bits are assigned to 3"),
    ("wire n;", "wire n; assign y a;", 4, "expected '=', found 'a'"),
    ("wire n;", "wire n; always @(*) y = a;", 4, "'always' is behaviour"),
    ("wire n;", "wire n; t u (.a(n));", 1, "every module is used by another one"),
    ("wire n;", "wire n; /* ", 4, "what begins with /* here does not end"),
    ("wire n;", "wire n; (* keep", 4, "what begins with (* here does not end"),
    ("wire n;", 'wire n; "', 4, 'what begins with " here does not end'),
    ("wire n;", "wire n; \n`ifdef X", 5, "'`ifdef X' needs a preprocessor"),
    ("wire n;", "wire n; specify", 4, "specify has no endspecify"),
    ("wire n;", "wire n\ue000;", 4, "a character that names cannot have"),
    ("wire n;", "wire n; )", 4, "expected a declaration or an instance, found ')'"),
    ("wire n;", "wire ;", 4, "expected a name after wire, found the statement's end"),
]


@pytest.mark.parametrize(("old", "new", "line", "cause"), MALFORMED)
def test_cause_and_line(tmp_path: Path, old: str, new: str, line: int, cause: str) -> None:
    assert old in FLAT
    path, lefs = write(tmp_path, FLAT.replace(old, new, 1))
    with pytest.raises(ParseError) as caught:
        read_verilog(path, lefs)
    assert caught.value.path == path
    assert (caught.value.line, cause in caught.value.what) == (line, True), str(caught.value)


CHILD = "module c(p, q); input [1:0] p; output q; INV g (.A(p[0]), .Y(q)); endmodule\nmodule e(p); input p; endmodule\n"


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("c u (.p(a));", "port 'p' of 'c' has 2 bits, 1 are connected"),
        ("c u (.r(a));", "module 'c' has no port 'r'"),
        ("c u ({2{a}}, a, a);", "module 'c' has 2 ports, more are connected"),
        ("e u (.p(a));", "module 'e' is empty, and the LEF files have no macro of that name"),
    ],
)
def test_an_instance_of_a_module_must_fit_it(tmp_path: Path, body: str, cause: str) -> None:
    files = write(tmp_path, f"module t(a);\ninput a;\n{body}\nendmodule\n{CHILD}")
    with pytest.raises(ParseError) as caught:
        read_verilog(*files, top="t")
    assert caught.value.line == 3
    assert cause in caught.value.what


def test_modules_inside_each_other_are_refused(tmp_path: Path) -> None:
    text = "module t(); a u(); endmodule module a(); b u(); endmodule module b(); a u(); endmodule"
    with pytest.raises(ParseError, match="module 'a' contains itself"):
        read_verilog(*write(tmp_path, text))


def test_a_small_file_does_not_become_a_huge_design(tmp_path: Path) -> None:
    levels = [f"module m{k}(); {' '.join(f'm{k + 1} u{i}();' for i in range(10))} endmodule" for k in range(400)]
    text = "\n".join([*levels, "module m400(); INV g(); endmodule"])
    with pytest.raises(ParseError, match="flattened, the design has more than"):
        read_verilog(*write(tmp_path, text))


def test_a_deep_hierarchy_is_flattened(tmp_path: Path) -> None:
    levels = [f"module m{k}(input a); m{k + 1} u(.a(a)); endmodule" for k in range(1500)]
    text = "\n".join([*levels, "module m1500(input a); INV g(.A(a)); endmodule"])
    netlist = read_verilog(*write(tmp_path, text)).problem.netlist
    assert netlist.node_name[1] == "u/" * 1500 + "g"
    assert nets_of(netlist) == [["a", netlist.node_name[1]]]


def test_a_random_design_is_the_same_flat_and_in_modules(tmp_path: Path) -> None:
    """The same cells and nets, once in one module and once cut into two that share wires by their ports."""
    r = random.Random(7)
    cells = [(f"g{i}", r.randrange(40), r.randrange(40)) for i in range(120)]
    flat = [f"INV {n} (.A(w[{a}]), .Y(w[{y}]));" for n, a, y in cells]
    one = f"module top(w); inout [39:0] w; {' '.join(flat)} endmodule"
    halves = [f"module h{k}(w); inout [0:39] w; {' '.join(flat[k::2])} endmodule" for k in (0, 1)]
    # [0:39] turns the bus around: bit k of the top is w[39 - k] inside
    turned = ", ".join(f"w[{k}]" for k in range(40))
    two = f"module top(w); inout [39:0] w; h0 a (.w({{{turned}}})); h1 b ({{{turned}}}); endmodule {' '.join(halves)}"
    found = []
    for text in (one, two):
        netlist = read_verilog(*write(tmp_path, text)).problem.netlist
        found.append(sorted(sorted(pin.split("/")[-1] for pin in net) for net in nets_of(netlist)))
    assert len(found[0]) == 40
    assert found[0] == found[1]


WORDS = ["module", "endmodule", "input", "output", "wire", "supply0", "assign", "INV", "RAM", "t", "a", "y", "n", "g1"]
WORDS += [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ".",
    ",",
    ";",
    ":",
    "=",
    "#",
    "0",
    "1",
    "2'b01",
    "(*",
    "*)",
    "/*",
    "//",
    "\\a;b ",
]
WORDS += ["specify", "endspecify", "`x", '"', "D", "\n"]


@settings(max_examples=80, deadline=None)
@given(
    at=st.floats(0, 1, exclude_max=True),
    words=st.lists(st.sampled_from(WORDS), max_size=14),
    gap=st.sampled_from(["", " "]),
    gone=st.integers(0, 40),
    keep=st.booleans(),
    junk=st.binary(max_size=2),
)
def test_junk_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, at: float, words: list[str], gap: str, gone: int, keep: bool, junk: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp() / "verilog_junk"
    folder.mkdir(exist_ok=True)
    path, lefs = write(folder, FLAT)
    data = FLAT.encode()
    i = int(at * len(data))
    data = data[:i] + gap.join(words).encode() + junk + (data[i + gone :] if keep else b"")
    path.write_bytes(data)
    design, error = _outcome(path, lefs)
    if design is None:
        assert isinstance(error, ParseError)
        assert 0 <= error.line <= data.count(b"\n") + 1
    else:
        netlist = design.problem.netlist
        assert netlist.net_pin.max(initial=0) < netlist.num_pins
        assert np.isfinite(netlist.pin_dx_um).all()


def _outcome(path: Path, lefs: list[Path]) -> tuple[Design | None, FloorplanError | None]:
    try:
        return read_verilog(path, lefs), None
    except FloorplanError as error:
        return None, error


@pytest.mark.parametrize(
    ("name", "lefs", "hard", "cells", "ports", "nets"),
    [
        ("macro_only", ["testcases/macro_only.lef"], 10, 0, 0, 12),
        ("clocked_macro", ["testcases/clocked_macro.lef"], 1, 0, 0, 0),
        (
            "keep_clustering_data2",
            ["Nangate45/Nangate45_tech.lef.xz", "Nangate45/Nangate45_stdcell.lef.xz", "testcases/macro_only.lef"],
            2, 8, 4, 12,
        ),
    ],
)  # fmt: skip
def test_public_netlists(
    benchmarks: Path, name: str, lefs: list[str], hard: int, cells: int, ports: int, nets: int
) -> None:
    folder = benchmarks / "openroad_lefdef" / "mpl"
    netlist = read_verilog(folder / "testcases" / f"{name}.v", [folder / lef for lef in lefs]).problem.netlist
    assert (len(netlist.hard), len(netlist.soft), len(netlist.ports)) == (hard, cells, ports)
    assert netlist.num_nets == nets
