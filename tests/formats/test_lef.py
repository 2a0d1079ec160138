from __future__ import annotations

import logging
from pathlib import Path

import pytest

from floorplan.errors import ParseError
from floorplan.formats.lefdef.lef import read_lef
from floorplan.formats.lefdef.lef_tables import Lef
from tests.formats.test_lefdef_sample import CELLS, TECH


@pytest.fixture
def library(tmp_path: Path) -> Lef:
    (tmp_path / "tech.lef").write_text(TECH)
    (tmp_path / "cells.lef").write_text(CELLS)
    return read_lef([tmp_path / "tech.lef", tmp_path / "cells.lef"])


def test_technology(library: Lef) -> None:
    assert (library.dbu_per_um, library.manufacturing_grid_um) == (1000, 0.005)
    layers = [(x.name, x.kind, x.direction, x.pitch_x_um, x.pitch_y_um, x.width_um) for x in library.layers.values()]
    assert layers == [
        ("M1", "ROUTING", "HORIZONTAL", 0.2, 0.2, 0.1),
        ("VIA1", "CUT", "", 0, 0, 0),
        ("M2", "ROUTING", "VERTICAL", 0.2, 0.25, 0.1),
        ("M3", "ROUTING", "HORIZONTAL", 0.4, 0.4, 0),
    ]
    site = library.sites["core"]
    assert (site.w_um, site.h_um, site.kind, site.symmetry) == (0.2, 2, "CORE", {"Y"})


def test_macro(library: Lef) -> None:
    assert list(library.macros) == ["ram", "spin", "inv", "fill", "pad", "bump"]
    ram = library.macros["ram"]
    assert (ram.kind, ram.w_um, ram.h_um, ram.origin_um, ram.foreign) == ("BLOCK", 20, 10, (1, 2), "ram_cell")
    assert ram.symmetry == {"X", "Y"}
    assert [(p.name, p.direction, p.use) for p in ram.pins.values()] == [
        ("a[0]", "INPUT", "SIGNAL"),
        ("ram", "OUTPUT", ""),
        ("free", "INPUT", ""),
        ("VDD", "INOUT", "POWER"),
    ]
    # a rectangle, the box of a polygon, and a path of 0.5 um width
    shapes = [(s.layer, s.x0_um, s.y0_um, s.x1_um, s.y1_um) for s in ram.pins["ram"].shapes]
    assert shapes == [("M2", 17, 5, 18, 6), ("M3", 18, 6, 19, 7), ("M3", 17.75, 5.75, 18.75, 6.25)]
    assert ram.obstruction_um2 == {"M1": 200, "M2": 100}
    assert library.macros["fill"].subkind == "SPACER"
    assert library.macros["inv"].pins["Y"].direction == "OUTPUT"
    assert library.macros["inv"].site == "core"
    assert ram.line == 2


def test_pin_without_shapes_is_at_the_centre(tmp_path: Path) -> None:
    path = tmp_path / "a.lef"
    path.write_text("MACRO m CLASS BLOCK ; SIZE 4 BY 4 ; PIN p DIRECTION INPUT ; END p END m")
    macro = read_lef(path).macros["m"]
    assert macro.pin_offset_um(macro.pins["p"]) == (0, 0)


def test_first_definition_holds(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name, width in (("a", 1), ("b", 2), ("c", 1)):
        (tmp_path / f"{name}.lef").write_text(f"MACRO m SIZE {width} BY 1 ; END m\nEND LIBRARY\n")
    with caplog.at_level(logging.INFO):
        library = read_lef([tmp_path / f"{n}.lef" for n in "abc"])
    assert library.macros["m"].w_um == 1
    assert [(r.levelname, r.getMessage().partition("b.lef:1")[1] != "") for r in caplog.records] == [
        ("WARNING", True),
        ("INFO", False),
    ]


def test_pin_and_macro_of_one_name_and_old_forms(tmp_path: Path) -> None:
    """Parentheses around points, masks, no space before semicolons, lower-case classes, no END LIBRARY."""
    path = tmp_path / "a.lef"
    path.write_text(
        "NAMESCASESENSITIVE ON ;\nMACRO P\n CLASS block;\n SIZE 4 BY 4;\n PIN P\n  PORT\n   LAYER m;\n"
        "   RECT MASK 2 ( 0 0 ) ( 1 1 );\n   VIA 1 1 v;\n  END\n END P\n DENSITY LAYER m ; RECT 0 0 1 1 5 ; END\n"
        " TIMING\n  FROMPIN a ;\n END TIMING\n SITE core 0 0 N DO 1 BY 1 STEP 1 1;\nEND P\n"
        "MACRO Q SIZE 1 BY 1 ; END Q\n"
    )
    library = read_lef(path)
    p = library.macros["P"]
    assert (p.kind, p.site, [(s.x1_um, s.y1_um) for s in p.pins["P"].shapes]) == ("BLOCK", "core", [(1, 1)])
    assert "Q" in library.macros


# what is changed in the cells, to what, where the error must point, and what it must say
CASES = [
    ("END ram\nMACRO spin", "MACRO spin", None, "the block ends where 'END ram' is expected"),
    ("SIZE 20 BY 10 ;", "", "MACRO ram", "macro 'ram' has no SIZE"),
    ("SIZE 20 BY 10 ;", "SIZE 20 10 ;", "SIZE 20 10", "expected 'BY', found '10'"),
    ("SIZE 20 BY 10 ;", "SIZE -20 BY 10 ;", "SIZE -20", "is negative"),
    ("SIZE 20 BY 10 ;", "SIZE 2_0 BY 10 ;", "SIZE 2_0", "'2_0', not a number"),
    ("SIZE 20 BY 10 ;", "SIZE inf BY 10 ;", "SIZE inf", "'inf', not a number"),
    ("SIZE 20 BY 10 ;", "SIZE 20 BY 0 ;", "MACRO ram", None),
    ("ORIGIN 1 2 ;", "ORIGIN 1 ;", "ORIGIN 1", "ORIGIN is not two numbers"),
    ("SYMMETRY X Y ;", "SYMMETRY X Z ;", "SYMMETRY X Z", "symmetry 'Z' is not X, Y or R90"),
    ("LAYER M2 ; RECT -1 0 0 1 ;", "RECT -1 0 0 1 ;", "RECT -1 0 0 1", "before any LAYER"),
    ("RECT -1 0 0 1 ;", "RECT -1 0 0 ;", "RECT -1 0 0 ;", "3 coordinates"),
    ("RECT -1 0 0 1 ;", "RECT -1 0 0 1_0 ;", "RECT -1 0 0", "3 coordinates"),
    ("RECT -1 0 0 1 ;", "RECT -1 0 0 1e99 ;", "RECT -1 0 0", "a coordinate is '1e99'"),
    ("  END a[0]", "  END b[0]", "  END b[0]", "expected 'END a[0]', found 'END b[0]'"),
    ("  END free\n", "", "  PIN VDD", "pin 'free' does not end"),
    ("  OBS\n", "  PIN free END free\n  OBS\n", "  PIN free END", "two pins 'free'"),
    ("END LIBRARY", "END LIB", "END LIB", "'END LIB' ends nothing here"),
    ("MACRO fill", "BEGINEXT MACRO fill", "BEGINEXT", "BEGINEXT without ENDEXT"),
    ("MACRO fill CLASS", "macro fill CLASS", "macro fill", "'macro' begins no statement"),
    ("END fill", "END fil", "MACRO fill", "'fill' has no 'END fill'"),
    ("USE POWER ; SHAPE ABUTMENT ;", 'USE POWER ; SHAPE "ABUT ;', 'USE POWER ; SHAPE "', "a string does not end"),
]


@pytest.mark.parametrize(("old", "new", "at", "what"), CASES, ids=[f"{c[0][:20]}>{c[1][:20]}" for c in CASES])
def test_error_names_line_and_cause(tmp_path: Path, old: str, new: str, at: str | None, what: str | None) -> None:
    assert CELLS.count(old) >= 1
    text = CELLS.replace(old, new, 1)
    path = tmp_path / "bad.lef"
    path.write_text(text)
    if what is None:  # a library may hold it; a design that uses it may not
        assert read_lef(path).macros["ram"].h_um == 0
        return
    with pytest.raises(ParseError) as e:
        read_lef(path)
    assert (e.value.path, what in e.value.what) == (path, True), str(e.value)
    if at is not None:
        assert e.value.line == text[: text.index(at)].count("\n") + 1


def test_technology_errors(tmp_path: Path) -> None:
    path = tmp_path / "bad.lef"
    for old, new, at, what in (
        ("DATABASE MICRONS 1000", "DATABASE MICRONS 0.5", "DATABASE", "out of range"),
        ("MANUFACTURINGGRID 0.005", "MANUFACTURINGGRID 0", "MANUFACT", "not positive"),
        ("PITCH 0.2 0.25", "PITCH 0.2 x", "PITCH 0.2 x", "'x', not a number"),
        ("PITCH 0.4 ;", "PITCH -1 ;", "PITCH -1", "a pitch is negative"),
        ("SIZE 0.2 BY 2 ;", "", "SYMMETRY Y ;", "has no SIZE"),
        ("DIRECTION VERTICAL ;", "DIRECTION ;", "DIRECTION ;", "ends where a direction is expected"),
        ("END core", "", "SITE core", "'core' has no 'END core'"),
    ):
        text = TECH.replace(old, new, 1)
        path.write_text(text)
        with pytest.raises(ParseError, match=what) as e:
            read_lef(path)
        assert e.value.line == text[: text.index(at)].count("\n") + 1
    for data, what in ((b"", "is empty"), (b"MACRO", "has no name"), (b"WHAT 1", "does not end"), (b"\x80", "UTF-8")):
        path.write_bytes(data)
        with pytest.raises(ParseError, match=what):
            read_lef(path)


@pytest.mark.parametrize("cut", range(0, len(CELLS), 53))
def test_cuts_read_or_are_refused(tmp_path: Path, cut: int) -> None:
    """A library has needed no END LIBRARY since 5.6, so a cut between macros cannot be told from a shorter library."""
    path = tmp_path / "cut.lef"
    path.write_text(CELLS[:cut])
    try:
        read = read_lef(path)
    except ParseError as e:
        line = e.line
    else:
        assert set(read.macros) < {"ram", "spin", "inv", "fill", "pad", "bump"}
        return
    assert line <= CELLS[:cut].count("\n") + 1
