"""A LEF/DEF design small enough to check by hand, and the check; other tests vary it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from floorplan.formats.design import Design
from floorplan.formats.lefdef.reader import read_lefdef
from floorplan.geometry import Orient
from floorplan.netlist import FLIPS, ONLY_N, NodeKind, Side

TECH = """\
VERSION 5.8 ;
BUSBITCHARS "[]" ;
DIVIDERCHAR "/" ;
UNITS
  DATABASE MICRONS 1000 ;
END UNITS
MANUFACTURINGGRID 0.005 ;
PROPERTYDEFINITIONS
  LAYER LEF58_TYPE STRING ;
END PROPERTYDEFINITIONS
SITE core
  CLASS CORE ; SYMMETRY Y ; SIZE 0.2 BY 2 ;
END core
LAYER M1
  TYPE ROUTING ; DIRECTION HORIZONTAL ; PITCH 0.2 ; WIDTH 0.1 ;
  PROPERTY LEF58_TYPE "TYPE ; # SECRET
    END M1 ;" ;
END M1
LAYER VIA1 TYPE CUT ; END VIA1
LAYER M2
  TYPE ROUTING ; DIRECTION VERTICAL ; PITCH 0.2 0.25 ; WIDTH 0.1 ;
  SPACINGTABLE PARALLELRUNLENGTH 0 1
    WIDTH 0 0.1 0.1
    WIDTH 1 0.2 0.2 ;
END M2
LAYER M3
  TYPE ROUTING ; DIRECTION HORIZONTAL ; PITCH 0.4 ;
END M3
VIA v12 DEFAULT
  LAYER M1 ; RECT 0 0 1 1 ;
END v12
VIARULE vr GENERATE
  LAYER M1 ; ENCLOSURE 0 0 ;
  LAYER M2 ; ENCLOSURE 0 0 ;
END vr
NONDEFAULTRULE wide
  LAYER M1 WIDTH 0.2 ; END M1
END wide
SPACING
  SAMENET M1 M1 0.1 ;
END SPACING
BEGINEXT "other"
  MACRO nonsense ; END
ENDEXT
END LIBRARY
"""

CELLS = """\
VERSION 5.8 ;
MACRO ram # 20 x 10 um, drawn from (-1, -2) on
  CLASS BLOCK ;
  FOREIGN ram_cell 0 0 ;
  ORIGIN 1 2 ;
  SIZE 20 BY 10 ;
  SYMMETRY X Y ;
  PIN a[0]
    DIRECTION INPUT ; USE SIGNAL ;
    PORT
      LAYER M2 ; RECT -1 0 0 1 ;
    END
  END a[0]
  PIN ram
    DIRECTION OUTPUT ;
    PORT
      LAYER M2 ; RECT 17 5 18 6 ;
      LAYER M3 ; POLYGON 18 6 19 6 19 7 18 7 ;
    END
    PORT
      LAYER M3 ; WIDTH 0.5 ; PATH 18 6 18.5 6 ;
    END
  END ram
  PIN free
    DIRECTION INPUT ;
    PORT LAYER M2 ; RECT 8 2 10 4 ; END
  END free
  PIN VDD
    DIRECTION INOUT ; USE POWER ; SHAPE ABUTMENT ;
    PORT LAYER M3 ; RECT 0 0 1 1 ; END
  END VDD
  OBS
    LAYER M1 ; RECT -1 -2 19 8 ;
    LAYER M2 ; RECT -1 -2 9 8 ;
  END
END ram
MACRO spin
  CLASS BLOCK ; SIZE 4 BY 6 ; SYMMETRY R90 ;
  PIN p DIRECTION INOUT ; PORT LAYER M2 ; RECT 0 0 1 1 ; END END p
END spin
MACRO inv
  CLASS CORE ; ORIGIN 0 0 ; SIZE 1 BY 2 ; SYMMETRY X Y ; SITE core ;
  PIN A DIRECTION INPUT ; PORT LAYER M1 ; RECT 0 0 0.1 0.1 ; END END A
  PIN Y DIRECTION OUTPUT TRISTATE ; PORT LAYER M1 ; RECT 0.5 0 0.6 0.1 ; END END Y
  PIN VDD DIRECTION INOUT ; USE POWER ; PORT LAYER M1 ; RECT 0 1.9 1 2 ; END END VDD
END inv
MACRO fill CLASS CORE SPACER ; SIZE 1 BY 2 ; END fill
MACRO pad
  CLASS PAD INPUT ; SIZE 5 BY 5 ;
  PIN pad DIRECTION INOUT ; PORT LAYER M3 ; RECT 0 0 1 1 ; END END pad
END pad
MACRO bump
  CLASS COVER BUMP ; SIZE 3 BY 3 ;
  PIN b DIRECTION INOUT ; PORT LAYER M3 ; RECT 1 1 2 2 ; END END b
END bump
END LIBRARY
"""

DEF = """\
VERSION 5.8 ;
DIVIDERCHAR "/" ;
BUSBITCHARS "[]" ;
DESIGN toy ;
UNITS DISTANCE MICRONS 1000 ;
PROPERTYDEFINITIONS
  COMPONENTPIN secret STRING ;
END PROPERTYDEFINITIONS
DIEAREA ( -1000 -2000 ) ( 99000 98000 ) ;
ROW r0 core 1000 0 N DO 480 BY 1 STEP 200 0 ;
ROW r1 core 1000 2000 FS DO 480 BY 1 STEP 200 0 + PROPERTY secret "a ; b" ;
ROW r2 core 1000 94000 N DO 480 BY 1 STEP 200 0 ;
TRACKS Y 0 DO 250 STEP 400 LAYER M3 ;
TRACKS X 0 DO 400 STEP 250 LAYER M2 ;
GCELLGRID X 0 DO 10 STEP 10000 ;
VIAS 1 ;
  - v ( 0 0 ) + RECT M1 ( 0 0 ) ( 1 1 ) ;
END VIAS
REGIONS 3 ;
  - fence ( 50000 50000 ) ( 90000 90000 ) + TYPE FENCE ;
  - west ( 0 0 ) ( 30000 90000 ) ( 30000 0 ) ( 40000 40000 ) ;
  - hint ( 0 0 ) ( 10000 10000 ) + TYPE GUIDE ;
END REGIONS
COMPONENTS 10 ;
  - u/ram\\[0\\] ram + PLACED ( 10000 20000 ) FN + HALO 1000 2000 3000 4000 ;
  - ram1 ram + SOURCE DIST + FIXED ( 60000 60000 ) S + WEIGHT 3 ;
  - spin0
      spin
      + UNPLACED + REGION west ;
  - spin1 spin + PLACED ( 20000 50000 ) W ;
  - i1 inv + PLACED ( 5000 2000 ) FS ;
  - i2 inv ;
  - f1 fill + PLACED ( 6000 2000 ) N ;
  - clk inv + FIXED ( 7000 2000 ) N ;
  - p1 pad + PLACED ( -1000 40000 ) N ;
  - b1 bump + FIXED ( 80000 80000 ) N ; # on top
END COMPONENTS
PINS 5 ;
  - clk + NET clk + DIRECTION INPUT + USE CLOCK
    + PORT + LAYER M3 ( -500 0 ) ( 500 2000 ) + PLACED ( 49000 -2000 ) N
    + PORT + LAYER M3 ( -500 0 ) ( 500 2000 ) + PLACED ( 20000 -2000 ) N ;
  - out + NET n3 + DIRECTION OUTPUT + USE SIGNAL + LAYER M3 ( 0 0 ) ( 100 200 ) + FIXED ( 99000 50000 ) W ;
  - lost + NET n3 + DIRECTION INPUT ;
  - VDD + NET VDD + SPECIAL + DIRECTION INOUT + USE POWER ;
  - VSS + NET VSS + DIRECTION INOUT + USE GROUND + PLACED ( 0 0 ) N ;
END PINS
BLOCKAGES 5 ;
  - PLACEMENT RECT ( 0 0 ) ( 5000 5000 ) ;
  - PLACEMENT + SOFT RECT ( 5000 0 ) ( 9000 5000 ) ;
  - PLACEMENT + PARTIAL 25.0
    POLYGON ( 0 10000 ) ( 4000 10000 ) ( 4000 12000 ) ( 2000 12000 ) ( 2000 14000 ) ( 0 14000 ) ;
  - PLACEMENT + COMPONENT ram1 RECT ( 59000 59000 ) ( 60000 71000 ) RECT ( 80000 59000 ) ( 81000 71000 ) ;
  - LAYER M1 RECT ( 0 0 ) ( 1 1 ) ;
END BLOCKAGES
SPECIALNETS 1 ;
  - VDD ( * VDD ) + USE POWER + ROUTED M1 100 ( 0 0 ) ( 10 * ) NEW M2 100 ( 0 0 ) v ;
END SPECIALNETS
NETS 7 ;
  - clk ( u/ram\\[0\\] a[0] ) ( PIN clk ) ( i1 A + SYNTHESIZED ) + USE CLOCK + WEIGHT 3
    + ROUTED M2 ( 0 0 ) ( * 100 ) v12 NEW M1 ( 0 0 ) ( 10 * ) ;
  - n1 ( i1 Y ) ( ram1 a\\[0\\] ) ( i2 A ) ( p1 pad ) ;
  - n2 ( spin0 p ) ( u/ram\\[0\\] ram ) ( spin1 p ) ( b1 b ) + USE SIGNAL ;
  - n3 ( PIN out ) ( ram1 ram ) ;
  - none ( i2 Y ) ;
  - idle ( i2 Y ) ( clk A ) + WEIGHT 0 ;
  - VSS ( PIN VSS ) ( i1 VDD ) ( i2 VDD ) + USE GROUND ;
END NETS
GROUPS 2 ;
  - g *in1 + REGION fence ;
  - cells i1 i2 ;
END GROUPS
END DESIGN
"""


def write_sample(folder: Path, tech: str = TECH, cells: str = CELLS, design: str = DEF) -> tuple[list[Path], Path]:
    """Write the files and return the LEFs and the DEF."""
    paths = [folder / "tech.lef", folder / "cells.lef", folder / "toy.def"]
    for path, text in zip(paths, (tech, cells, design), strict=True):
        path.write_text(text, newline="")
    return paths[:2], paths[2]


@pytest.fixture
def toy(tmp_path: Path) -> Design:
    return read_lefdef(*write_sample(tmp_path))


def test_nodes_are_ports_first_then_components_in_file_order(toy: Design) -> None:
    nl = toy.problem.netlist
    hard, port, cell = NodeKind.HARD, NodeKind.PORT, NodeKind.CELL
    # no supply pins, no filler; the port that has a component's name yields it
    assert dict(zip(nl.node_name, nl.node_kind.tolist(), strict=True)) == {
        "clk_port": port, "out": port, "lost": port,
        "u/ram\\[0\\]": hard, "ram1": hard, "spin0": hard, "spin1": hard,
        "i1": cell, "i2": cell, "clk": cell, "p1": hard, "b1": port,
    }  # fmt: skip
    assert toy.master == ("", "", "", "ram", "ram", "spin", "spin", "inv", "inv", "inv", "pad", "bump")
    assert nl.node_w_um[nl.node_id["ram1"]] == 20
    assert (toy.origin_um, toy.units_per_um, toy.site_um) == ((-1.0, -2.0), 1000.0, (0.2, 2.0))
    assert toy.manufacturing_grid_um == 0.005
    assert (toy.format, [p.name for p in toy.paths]) == ("lefdef", ["toy.def", "tech.lef", "cells.lef"])


def test_places_are_centres_from_the_lower_left_corner_of_the_die(toy: Design) -> None:
    nl, p = toy.problem.netlist, toy.problem.initial

    def at(name: str) -> tuple[float, float]:
        return float(p.x_um[nl.node_id[name]]), float(p.y_um[nl.node_id[name]])

    assert at("u/ram\\[0\\]") == (10 + 1 + 10, 20 + 2 + 5)
    assert at("ram1") == (60 + 1 + 10, 60 + 2 + 5)
    assert at("spin1") == (20 + 1 + 3, 50 + 2 + 2)  # 4 x 6, on its side
    assert at("b1") == (80 + 1 + 1.5, 80 + 2 + 1.5)
    assert at("clk_port") == (49 + 1, -2 + 2 + 1)  # centre of its first port's shape
    # the box (0, 0, 0.1, 0.2) turned to W lies at (-0.2, 0, 0, 0.1)
    assert at("out") == pytest.approx((99 + 1 - 0.1, 50 + 2 + 0.05), abs=1e-12)
    assert at("lost") == (100, 100)  # one port without a place: the middle of the perimeter, that is the far corner
    assert [Side(nl.node_side[nl.node_id[n]]) for n in ("clk_port", "out")] == [Side.BOTTOM, Side.RIGHT]
    names = ("u/ram\\[0\\]", "ram1", "spin1", "i1")
    assert [Orient(p.orient[nl.node_id[n]]).name for n in names] == ["FN", "S", "W", "FS"]
    assert [n for n, placed in zip(nl.node_name, p.placed, strict=True) if not placed] == ["spin0", "i2"]
    fixed = [n for n, f in zip(nl.node_name, toy.problem.fixed, strict=True) if f]
    assert fixed == ["clk_port", "out", "lost", "ram1", "clk", "p1", "b1"]


def test_pins_lie_at_the_centre_of_the_box_around_their_shapes(toy: Design) -> None:
    nl = toy.problem.netlist
    offset = {
        name: (round(float(nl.pin_dx_um[i]), 9), round(float(nl.pin_dy_um[i]), 9))
        for i, name in enumerate(nl.pin_name)
        if "/" in name
    }
    # shapes are drawn from (-1, -2) on: the centre of the 20 x 10 um macro lies at (9, 3)
    a, q, free = (-0.5 - 9, 0.5 - 3), ((17 + 19) / 2 - 9, (5 + 7) / 2 - 3), (0.0, 0.0)
    assert offset == {
        "u/ram\\[0\\]/a[0]": a, "u/ram\\[0\\]/ram": q, "u/ram\\[0\\]/free": free,
        "ram1/a[0]": a, "ram1/ram": q, "ram1/free": free,
        "spin0/p": (-1.5, -2.5), "spin1/p": (-1.5, -2.5), "p1/pad": (-2.0, -2.0),
    }  # fmt: skip


def test_nets_begin_at_their_driver_and_leave_supply_out(toy: Design) -> None:
    nl = toy.problem.netlist
    nets = [
        [nl.pin_name[p] for p in nl.net_pin[nl.net_ptr[e] : nl.net_ptr[e + 1]].tolist()] for e in range(nl.num_nets)
    ]
    assert nets == [
        ["clk_port", "u/ram\\[0\\]/a[0]", "i1"],
        ["i1", "ram1/a[0]", "i2", "p1/pad"],
        ["u/ram\\[0\\]/ram", "spin0/p", "spin1/p", "b1"],
        # the pin `lost` names n3, though n3 does not name it; the macro's output comes first in the file
        ["ram1/ram", "out", "lost"],
    ]
    assert nl.net_weight.tolist() == [3, 1, 1, 1]


def test_constraints_are_handed_over(toy: Design) -> None:
    problem = toy.problem
    nl = problem.netlist
    of = nl.node_id
    assert problem.halo_um[of["u/ram\\[0\\]"]].tolist() == [1, 2, 3, 4]
    assert not problem.halo_um[[i for n, i in of.items() if n != "u/ram\\[0\\]"]].any()
    turns = sum(1 << int(o) for o in (Orient.N, Orient.W, Orient.S, Orient.E))
    allowed = {n: int(problem.allowed_orient[of[n]]) for n in ("u/ram\\[0\\]", "spin0", "p1")}
    assert allowed == {"u/ram\\[0\\]": FLIPS, "spin0": turns, "p1": ONLY_N}
    assert [(r.name, r.exclusive) for r in problem.regions] == [("fence", True), ("west", False)]
    assert problem.regions[1].rects_um.tolist() == [[1, 2, 31, 92], [31, 2, 41, 42]]
    assert {n: int(problem.region[i]) for n, i in of.items() if problem.region[i] >= 0} == {"spin0": 1, "spin1": 0}
    found = [(b.x0_um, b.y0_um, b.x1_um, b.y1_um, b.rate, b.hard) for b in problem.blockages]
    assert found == [
        (1, 2, 6, 7, 1, True),
        (6, 2, 10, 7, 1, False),
        (1, 12, 5, 14, 0.75, False),
        (1, 14, 3, 16, 0.75, False),
        (60, 61, 61, 73, 1, True),
        (81, 61, 82, 73, 1, True),
        # the core is (1, 0) to (97, 96), the die (-1, -2) to (99, 98): 2 um are more than a site wide, but one row high
        (0, 0, 2, 100, 1, True),
        (98, 0, 100, 100, 1, True),
    ]


def test_canvas_is_the_die_with_the_tracks_above_the_cells(toy: Design) -> None:
    c = toy.problem.canvas
    assert (c.width_um, c.height_um) == (100, 100)
    assert c.h_tracks_per_um == pytest.approx(1 / 0.4)
    assert c.v_tracks_per_um == pytest.approx(1 / 0.25)
    # two rams of 200 um2 with M2 over one half, two of 24 um2 and a pad of 25 um2 without; M3 is free
    assert c.h_macro_tracks_per_um == 0
    assert c.v_macro_tracks_per_um == pytest.approx(4 * (2 * 100) / (2 * 200 + 2 * 24 + 25))


def test_core_as_canvas(tmp_path: Path) -> None:
    lefs, path = write_sample(tmp_path)
    toy = read_lefdef(lefs, path, area="core")
    c, nl, p = toy.problem.canvas, toy.problem.netlist, toy.problem.initial
    assert (c.width_um, c.height_um, toy.origin_um) == (96, 96, (1.0, 0.0))
    ports = [nl.node_id[n] for n in ("clk_port", "out")]
    assert p.x_um[ports].tolist() == pytest.approx([48, 96])
    assert p.y_um[ports].tolist() == pytest.approx([0, 50.05])
    ram = nl.node_id["ram1"]
    assert (p.x_um[ram], p.y_um[ram]) == (69, 65)
    assert len(toy.problem.blockages) == 6
    assert len(read_lefdef(lefs, path, keep_in_core=False).problem.blockages) == 6


def test_cut_die_is_its_box_with_the_rest_blocked(tmp_path: Path) -> None:
    text = DEF.replace("( -1000 -2000 ) ( 99000 98000 )", "( -1000 -2000 ) ( -1000 98000 ) ( 59000 98000 ) ( 59000 * ) "
                       "( 59000 58000 ) ( 99000 58000 ) ( 99000 -2000 )")  # fmt: skip
    toy = read_lefdef(*write_sample(tmp_path, design=text))
    first = toy.problem.blockages[0]
    assert (toy.problem.canvas.width_um, toy.problem.canvas.height_um) == (100, 100)
    assert (first.x0_um, first.y0_um, first.x1_um, first.y1_um) == (60, 60, 100, 100)


@pytest.mark.parametrize("pin", ["a[0]", "a<0>", "a\\<0\\>"])
def test_bits_of_a_bus_match_however_they_are_written(tmp_path: Path, toy: Design, pin: str) -> None:
    other = read_lefdef(*write_sample(tmp_path, design=DEF.replace("ram1 a\\[0\\]", f"ram1 {pin}")))
    assert other.problem.netlist.content_hash == toy.problem.netlist.content_hash


def test_layout_of_the_text_does_not_matter(tmp_path: Path, toy: Design) -> None:
    """One word a line, CRLF, a byte order mark, compressed: the same design."""
    import gzip
    import re

    words = "\r\n".join(w for line in DEF.split("\n") for w in re.findall(r'"[^"]*"|\S+', line.partition(" #")[0]))
    lefs, _ = write_sample(tmp_path)
    path = tmp_path / "other.def.gz"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + words.encode()))
    lefs[1].write_text(re.sub(r" ;", ";", CELLS))
    other = read_lefdef(lefs, path)
    assert other.problem.netlist.content_hash == toy.problem.netlist.content_hash
    assert np.array_equal(other.problem.initial.x_um, toy.problem.initial.x_um)
    assert other.problem.blockages == toy.problem.blockages
