"""A placement in the original DEF file and back: the same to the database unit, every other byte as it was."""

from __future__ import annotations

import gzip
import logging
import lzma
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from floorplan.errors import ParseError, ProblemError
from floorplan.formats.lefdef.def_writer import write_def
from floorplan.formats.lefdef.reader import read_lefdef
from floorplan.geometry import Orient, oriented_size_um
from floorplan.netlist import Placement, Problem
from tests.formats.test_lefdef_sample import DEF, write_sample

RAM = "u/ram\\[0\\]"


def moved(problem: Problem, corners: dict[str, tuple[float, float, Orient]]) -> Placement:
    """Return the initial placement with the lower-left corners of some macros at these um of the canvas."""
    nl, p = problem.netlist, problem.initial
    x, y, orient, placed = p.x_um.copy(), p.y_um.copy(), p.orient.copy(), p.placed.copy()
    for name, (cx, cy, o) in corners.items():
        i = nl.node_id[name]
        w, h = oriented_size_um(nl.node_w_um[i : i + 1], nl.node_h_um[i : i + 1], np.array([o], np.uint8))
        x[i], y[i], orient[i], placed[i] = cx + w[0] / 2, cy + h[0] / 2, o, True
    return p.replace(x, y, orient, placed)


def test_only_the_places_change(tmp_path: Path) -> None:
    lefs, path = write_sample(tmp_path)
    toy = read_lefdef(lefs, path)
    placement = moved(toy.problem, {RAM: (30, 41.5, Orient.FS), "spin0": (0, 0, Orient.E)})
    told = write_def(path, tmp_path / "out.def", toy, placement)
    want = DEF.replace("PLACED ( 10000 20000 ) FN", "PLACED ( 29000 39500 ) FS").replace(
        "+ UNPLACED + REGION", "+ PLACED ( -1000 -2000 ) E + REGION"
    )
    assert (tmp_path / "out.def").read_text() == want
    assert (told.placed, told.changed, told.largest_rounding_um) == (3, 2, pytest.approx(0, abs=1e-9))
    # with FIXED, the macro that stood there already changes, too; fixed macros and cells never do
    write_def(path, tmp_path / "fixed.def", toy, placement, fixed=True)
    text = (tmp_path / "fixed.def").read_text()
    assert text == re.sub(r"PLACED (\( (?:29000 39500|-1000 -2000|20000 50000) \))", r"FIXED \1", want)
    again = read_lefdef(lefs, tmp_path / "fixed.def")
    assert len(again.problem.movable_hard) == 0


def test_entry_without_a_place_gets_one(tmp_path: Path) -> None:
    text = DEF.replace("spin\n      + UNPLACED + REGION west", "spin").replace(
        "- spin1 spin + PLACED ( 20000 50000 ) W", "- spin1 spin # c\n"
    )
    lefs, path = write_sample(tmp_path, design=text)
    toy = read_lefdef(lefs, path)
    write_def(path, tmp_path / "o.def", toy, moved(toy.problem, {"spin0": (1, 2, Orient.S), "spin1": (9, 2, Orient.W)}))
    out = (tmp_path / "o.def").read_text()
    assert "spin0\n      spin + PLACED ( 0 0 ) S ;" in out
    assert "- spin1 spin + PLACED ( 8000 0 ) W # c\n ;" in out


def test_unplaced_macros_stay_as_they_are(tmp_path: Path) -> None:
    lefs, path = write_sample(tmp_path)
    toy = read_lefdef(lefs, path)
    told = write_def(path, tmp_path / "o.def", toy, toy.problem.initial, exact=True)
    assert (tmp_path / "o.def").read_text() == DEF
    assert (told.placed, told.changed) == (2, 0)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    places=st.lists(
        st.tuples(st.integers(-5_000, 120_000), st.integers(-5_000, 120_000), st.sampled_from(list(Orient))),
        min_size=3,
        max_size=3,
    ),
    crlf=st.booleans(),
    wrap=st.booleans(),
)
def test_what_is_written_is_read_back(
    tmp_path: Path, places: list[tuple[int, int, Orient]], crlf: bool, wrap: bool
) -> None:
    """Any orientation, coordinates on database units, wrapped lines, either line end."""
    text = DEF.replace(" ( ", "\n( ").replace(" ) ", " )\n\t") if wrap else DEF
    lefs, path = write_sample(tmp_path, design=text.replace("\n", "\r\n") if crlf else text)
    toy = read_lefdef(lefs, path)
    names = [RAM, "spin0", "spin1"]
    corners = {n: (x / 1000, y / 1000, o) for n, (x, y, o) in zip(names, places, strict=True)}
    placement = moved(toy.problem, corners)
    told = write_def(path, tmp_path / "o.def.xz", toy, placement, exact=True)
    assert told.largest_rounding_um < 1e-9
    data = lzma.decompress((tmp_path / "o.def.xz").read_bytes())
    assert data.count(b"\r\n") == (data.count(b"\n") if crlf else 0)
    back = read_lefdef(lefs, tmp_path / "o.def.xz").problem
    ids = [back.netlist.node_id[n] for n in names]
    assert np.abs(back.initial.x_um - placement.x_um)[ids].max() < 1e-9
    assert np.abs(back.initial.y_um - placement.y_um)[ids].max() < 1e-9
    assert np.array_equal(back.initial.orient[ids], placement.orient[ids])
    assert back.netlist.content_hash == toy.problem.netlist.content_hash
    # once written, it stays
    once = read_lefdef(lefs, tmp_path / "o.def.xz")
    write_def(tmp_path / "o.def.xz", tmp_path / "twice.def", once, once.problem.initial, exact=True)
    assert (tmp_path / "twice.def").read_bytes() == data


def test_rounding_is_said_or_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lefs, path = write_sample(tmp_path)
    toy = read_lefdef(lefs, path)
    off = moved(toy.problem, {RAM: (30.0004, 40, Orient.N)})
    with caplog.at_level(logging.WARNING):
        told = write_def(path, tmp_path / "o.def", toy, off)
    assert told.largest_rounding_um == pytest.approx(0.0004)
    assert "0.4 database units of 1/1000 um off" in caplog.text
    assert "PLACED ( 29000 38000 ) N" in (tmp_path / "o.def").read_text()
    with pytest.raises(ProblemError, match="snap the placement"):
        write_def(path, tmp_path / "refused.def", toy, off, exact=True)
    assert not (tmp_path / "refused.def").exists()


@pytest.mark.parametrize("x", [30.0005, 30.0015, 30.00049999, 30.0004])
def test_macros_that_touch_still_do(tmp_path: Path, x: float) -> None:
    lefs, path = write_sample(tmp_path)
    toy = read_lefdef(lefs, path)
    placement = moved(
        toy.problem, {RAM: (x, 40, Orient.N), "spin0": (x + 20, 40, Orient.N), "spin1": (x - 4, 40, Orient.N)}
    )
    write_def(path, tmp_path / "o.def", toy, placement)
    text = (tmp_path / "o.def").read_text()
    at = [int(m[1]) for m in re.finditer(r"PLACED \( (\d+) 38000 \)", text)]
    assert (at[1] - at[0], at[0] - at[2]) == (20000, 4000)


def test_names_without_backslashes_find_their_entry(tmp_path: Path) -> None:
    """Netlists that came by way of TILOS's scripts have lost them."""
    import dataclasses

    lefs, path = write_sample(tmp_path)
    toy = read_lefdef(lefs, path)
    nl = toy.problem.netlist
    plain = dataclasses.replace(nl, node_name=tuple(n.replace("\\", "") for n in nl.node_name))
    other = toy.replace(problem=dataclasses.replace(toy.problem, netlist=plain))
    write_def(path, tmp_path / "o.def", other, moved(other.problem, {"u/ram[0]": (1, 2, Orient.N)}))
    assert "- u/ram\\[0\\] ram + PLACED ( 0 0 ) N + HALO" in (tmp_path / "o.def").read_text()


def test_what_does_not_fit_is_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lefs, path = write_sample(tmp_path)
    toy = read_lefdef(lefs, path)
    other = tmp_path / "other.def"
    other.write_text(DEF.replace("- spin1 spin", "- spin2 spin").replace("( spin1 p )", "( spin2 p )"))
    with pytest.raises(ProblemError, match="macro 'spin1' is no component of the file"):
        write_def(other, tmp_path / "o.def", toy, toy.problem.initial)
    with pytest.raises(ProblemError, match="the placement has 1 nodes, the design 12"):
        write_def(path, tmp_path / "o.def", toy, Placement.empty(1))
    other.write_text(DEF.replace("UNITS DISTANCE MICRONS 1000 ;", ""))
    with pytest.raises(ParseError, match="no 'UNITS"):
        write_def(other, tmp_path / "o.def", toy, toy.problem.initial)
    assert not (tmp_path / "o.def").exists()
    other.write_text(DEF.replace("COMPONENT ram1", "COMPONENT spin1"))
    with caplog.at_level(logging.WARNING):
        write_def(other, tmp_path / "o.def.gz", toy, toy.problem.initial)
    assert "blockages of 1 macros (spin1) stay" in caplog.text
    assert gzip.decompress((tmp_path / "o.def.gz").read_bytes()) == other.read_bytes()
