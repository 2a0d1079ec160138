"""What a damaged DEF file is answered with: file, line and cause; never a crash."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from floorplan.errors import ParseError
from floorplan.formats.lefdef.def_ import read_def
from floorplan.formats.lefdef.reader import read_lefdef
from tests.formats.test_lefdef_sample import CELLS, DEF, TECH, write_sample

# what is changed in the sample, to what, where the error must point, and what it must say
CASES = [
    ("END DESIGN\n", "", "END GROUPS", "without 'END DESIGN'"),
    ("UNITS DISTANCE MICRONS 1000 ;", "", None, "no 'UNITS"),
    ("UNITS DISTANCE MICRONS 1000 ;", "UNITS DISTANCE MICRONS 0 ;", "UNITS DIST", "out of range"),
    ("DIEAREA ( -1000 -2000 ) ( 99000 98000 ) ;", "", None, "no DIEAREA"),
    ("( 99000 98000 )", "( 99000 -2000 )", "DIEAREA", "no area"),
    ("( 99000 98000 )", "( 99000 98000 ) ( 5 5 )", "DIEAREA", "neither two corners nor a rectilinear polygon"),
    ("( -1000 -2000 ) (", "( -1000 -2000 (", "DIEAREA", "expected ')', found '('"),
    ("( -1000 -2000 )", "( -1e3 -2000 )", "DIEAREA", "x is '-1e3', not a whole number"),
    ("( -1000 -2000 )", "( -1000 -99999999999999 )", "DIEAREA", "out of range"),
    ("DESIGN toy ;", "DESIGN ;", "DESIGN ;", "the statement ends where the name of the design is expected"),
    ("ROW r0 core 1000 0 N", "ROW r0 core 1000 0 R0", "ROW r0", "orientation is 'R0'"),
    ("ROW r0 core 1000 0 N DO 480", "ROW r0 core 1000 0 N DO 0", "ROW r0", "0 x 1 sites"),
    ("ROW r1", "ROWS r1", "ROWS", "'ROWS' begins no statement"),
    ("TRACKS Y 0", "TRACKS Z 0", "TRACKS Z", "expected X or Y"),
    ("TRACKS Y 0 DO 250", "TRACKS Y 0 DO -1", "TRACKS Y", "are no grid"),
    ("( 90000 90000 ) + TYPE", "( 90000 50000 ) + TYPE", "- fence", "a rectangle of region 'fence' has no area"),
    ("- cells i1 i2", "- cells " + "*x " * 10_001, "- cells", "more than 10000 members"),
    ("( 0 14000 ) ;", "( 0 1 ) " * 300 + ";", "POLYGON", "more than 256 corners"),
    ("+ TYPE FENCE", "+ TYPE WALL", "WALL", "not FENCE or GUIDE"),
    ("- hint (", "- west (", "- west ( 0 0 ) ( 10000", "region 'west' is given twice"),
    ("- fence ( 50000 50000 ) ( 90000 90000 )", "- fence", "- fence", "has no rectangle"),
    ("END REGIONS", "END REGION", "REGIONS 3", "'REGIONS' has no 'END REGIONS'"),
    ("COMPONENTS 10 ;", "COMPONENTS ten ;", "COMPONENTS ten", "expected 'COMPONENTS count ;'"),
    ("END COMPONENTS", "END COMPONENTS\nCOMPONENTS 0 ;\nEND COMPONENTS", "COMPONENTS 0", "second section"),
    ("- i1 inv +", "* i1 inv +", "* i1", "expected '-'"),
    ("- i2 inv ;", "- i2 ;", "- i2", "ends where a library cell is expected"),
    ("- i2 inv ;", "- i1 inv ;", "- i1 inv ;", "component 'i1' is given twice (first in line 31)"),
    ("( 5000 2000 ) FS", "( 5000 2000 ) R180", "R180", "orientation is 'R180'"),
    ("( 5000 2000 ) FS", "( 5000 2_000 ) FS", "2_000", "y is '2_000', not a whole number"),
    ("( 5000 2000 ) FS", "( 5000 x ) FS", "5000 x", "y is 'x'"),
    ("( 5000 2000 ) FS", "( 5000 99999999999999999999 ) FS", "99999999", "not a whole number"),
    ("( 5000 2000 ) FS", "5000 2000 FS", "5000 2000 FS", "expected '('"),
    ("HALO 1000 2000", "HALO -1 2000", "HALO", "a halo is negative"),
    ("+ REGION west", "+ REGION east", "- spin0", "region 'east', which does not exist"),
    ("- g *in1 + REGION fence", "- g *in1 + REGION moat", "- g *in1", "region 'moat', which does not exist"),
    ("- f1 fill +", "- ram1/free inv +", "- ram1/free", "'ram1/free' is the name of a macro's pin, too"),
    ("- lost + NET", "- ram1/free + NET", "- ram1/free", "'ram1/free' is the name of a macro's pin, too"),
    ("- i2 inv ;", "- i2 nand ;", "- i2 nand", "'nand', which no LEF file given defines"),
    ("- i2 inv ;", "- i2 inv", "- f1 fill", "a ';' is missing before this '-'"),
    ("+ USE SIGNAL ;\n  - n3", "+ USE SIGNAL\n  - n3", "- n3 ( PIN out", "a ';' is missing before this '-'"),
    ("END COMPONENTS", "- last inv\nEND COMPONENTS", "- last", "'- last inv' does not end in ' ;'"),
    ("- out + NET n3", "- clk + NET n3", "- clk + NET n3", "pin 'clk' is given twice"),
    ("+ PLACED ( 49000 -2000 ) N", "+ PLACED ( 49000 ) N", "49000", "y is ')'"),
    ("- PLACEMENT RECT", "- PLACE RECT", "- PLACE ", "expected 'PLACEMENT', found 'PLACE'"),
    ("- PLACEMENT RECT ( 0 0 ) ( 5000 5000 )", "- PLACEMENT", "- PLACEMENT ;", "no RECT and no POLYGON"),
    ("+ PARTIAL 25.0", "+ PARTIAL 250", "PARTIAL", "density 250 is not a percentage"),
    ("+ SOFT RECT", "+ HARD RECT", "HARD", "no 'HARD'"),
    ("+ COMPONENT ram1", "+ COMPONENT ram7", "ram7", "component 'ram7', which does not exist"),
    ("- n3 ( PIN out )", "- n3 ( PIN in )", "- n3", "joins PIN 'in', which is not in PINS"),
    ("( ram1 ram )", "( ram1 Q )", "ram1 Q", "joins pin 'Q' of 'ram1'; its macro 'ram' has none"),
    ("( ram1 ram )", "( ram1 a[0] )", "- n3", "net 'n3' joins pin 'a[0]' of 'ram1', which net 'n1' has"),
    ("( ram1 ram )", "( ram9 ram )", "ram9", "net 'n3' joins 'ram9', which is no component"),
    ("( ram1 ram )", "( ram1 ram", "( PIN out ) ( ram1 ram", "expected ')', found the end"),
    ("( ram1 ram )", "ram1 ram", "out ) ram1", "expected '(', found 'ram1'"),
    ("( ram1 ram )", "( ram1 )", "( ram1 )", "expected ')'"),
    ("( i2 Y ) ;", "( ( i2 Y ) ) ;", "( ( i2", None),
    ("+ WEIGHT 0", "+ WEIGHT heavy", "heavy", "weight of a net is 'heavy'"),
    ("+ WEIGHT 0", "+ WEIGHT -1", "WEIGHT -1", "weight of a net is '-1'"),
    ('"a ; b"', '"a ; b', "ROW r1", "a string does not end"),
    ("VIAS 1 ;", "BEGINEXT VIAS 1 ;", "BEGINEXT", "BEGINEXT without ENDEXT"),
    ("END VIAS\n", "END VIAS\nEND VIAS\n", "END VIAS\nREGIONS", "'END VIAS' ends nothing here"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "at", "what"), CASES, ids=[f"{c[0][:20]}>{c[1][:20]}" for c in CASES])
def test_error_names_line_and_cause(tmp_path: Path, old: str, new: str, at: str | None, what: str | None) -> None:
    assert DEF.count(old) >= 1
    text = DEF.replace(old, new, 1)
    lefs, path = write_sample(tmp_path, design=text)
    with pytest.raises(ParseError) as e:
        read_lefdef(lefs, path)
    assert e.value.path == path
    assert what is None or what in e.value.what
    assert e.value.line == (0 if at is None else text[: text.index(at)].count("\n") + 1)


@pytest.mark.parametrize("cut", range(0, len(DEF) - 11, 97))
def test_every_cut_is_noticed(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "cut.def"
    path.write_text(DEF[:cut])
    with pytest.raises(ParseError) as e:
        read_def(path)
    assert e.value.line <= DEF[:cut].count("\n") + 1


def test_not_a_def_file_at_all(tmp_path: Path) -> None:
    path = tmp_path / "x.def"
    for data, what in (
        (b"", "without 'END DESIGN'"),
        (b"\x00\x01\x02", "begins no statement"),
        (b"VERSION \xff ;", "not UTF-8"),
        (b"node {\n name: 1\n}\n", "'node' begins no statement"),
        (b"END " * 50_000, "ends nothing here"),
        (b"ROW " * 50_000, "does not end"),
        (b"ROW " * 5_000_000 + b";", "a statement of 20000001 bytes"),
        (b"PINS 1 ;\n- " + b"x" * 20_000_000 + b" ;\nEND PINS\nEND DESIGN", "no 'UNITS"),
        (DEF.replace("i1 inv +", "i1 inv " + "x" * 20_000_000 + " +").encode(), "a statement of 200000"),
    ):
        path.write_bytes(data)
        with pytest.raises(ParseError, match=what):
            read_def(path)


WORDS = sorted({w for text in (DEF, TECH, CELLS) for w in text.split()})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    edits=st.lists(
        st.tuples(
            st.sampled_from(["tech", "cells", "design"]),
            st.integers(0, 5000),
            st.integers(0, 3),
            st.one_of(st.lists(st.sampled_from(WORDS), max_size=3).map(" ".join), st.text(max_size=6)),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_edit_reads_or_is_refused(tmp_path: Path, edits: list[tuple[str, int, int, str]]) -> None:
    texts = {"tech": TECH, "cells": CELLS, "design": DEF}
    for which, at, length, new in edits:
        words = texts[which].split(" ")
        at %= len(words)
        texts[which] = " ".join([*words[:at], new, *words[at + length :]])
    lefs, path = write_sample(tmp_path)
    for target, text in zip((*lefs, path), texts.values(), strict=True):
        target.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        design = read_lefdef(lefs, path)
    except ParseError as e:
        answer = e
    else:
        assert design.problem.netlist.num_nodes == len(design.master)
        return
    assert answer.path in (*lefs, path)
    assert 0 <= answer.line <= max(text.count("\n") for text in texts.values()) + 1
