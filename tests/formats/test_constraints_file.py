"""Constraints read from TOML: what each table does, and what is said of files that are wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.errors import FloorplanError, ParseError
from floorplan.formats.constraints_file import read_constraints
from floorplan.geometry import Orient, orient_bit
from floorplan.netlist import Canvas, NetlistBuilder, Placement, Problem

WHOLE = """
fixed = ["m[0]"]              # a name, not a pattern
spacing_um = 2.0
boundary_spacing_um = 1

[[halo]]
macros = ["*"]
um = 1.5
[[halo]]
macros = ["big"]
um = [1, 2, 3, 4]

[[blockage]]
rect = [0, 0, 10, 10]
[[blockage]]
rects = [[50, 50, 60, 60], [70, 70, 80, 80]]
hard = false

[[region]]
name = "left half"
rect = [0, 0, 50, 100]
macros = ["sram_*"]
exclusive = true

[[orient]]
macros = "sram_?"
allowed = ["N", "FS"]

[snap]
pitch_um = [0.5, 2]
offset_um = 0.25

[[edge]]
macros = ["sram_a", "big"]
sides = ["bottom"]
depth_um = 45
"""


def problem() -> Problem:
    nb = NetlistBuilder("toml")
    for name, w, h in (("sram_a", 20, 10), ("sram_b", 10, 20), ("big", 30, 40), ("m[0]", 8, 8), ("m0", 8, 8)):
        nb.add_macro(name, w, h)
        nb.add_pin(f"{name}/p", name)
    nb.add_macro("grp", 5, 5, soft=True)
    nb.add_port("in")
    nb.add_net("in", ["sram_a/p", "big/p"])
    netlist = nb.build()
    n = netlist.num_nodes
    placed = np.array([name in ("m[0]", "in", "m0") for name in netlist.node_name])
    initial = Placement(np.full(n, 75.0), np.full(n, 20.0), np.zeros(n, np.uint8), placed)
    return Problem(netlist, Canvas(100.0, 100.0, 10, 10, 1.0, 1.0), initial)


def read(tmp_path: Path, text: str, **options: object) -> Problem:
    path = tmp_path / "constraints.toml"
    path.write_text(text)
    return read_constraints(path, problem(), **options)  # type: ignore[arg-type]


def test_every_table_does_what_it_says(tmp_path: Path) -> None:
    p = read(tmp_path, WHOLE)
    node = p.netlist.node_id
    assert p.fixed.sum() == 2  # and the port
    assert p.fixed[node["m[0]"]]
    assert not p.fixed[node["m0"]]
    assert (p.macro_spacing_um, p.boundary_spacing_um) == (2.0, 1.0)
    assert p.halo_um[node["big"]].tolist() == [1, 2, 3, 4]
    assert p.halo_um[node["m0"]].tolist() == [1.5] * 4
    assert p.halo_um[node["grp"]].tolist() == [0] * 4
    assert [b.hard for b in p.blockages] == [True, False, False]
    assert p.allowed_orient[node["sram_a"]] == orient_bit(Orient.N) | orient_bit(Orient.FS)
    assert p.allowed_orient[node["big"]] == problem().allowed_orient[node["big"]]
    assert p.snap is not None
    assert (p.snap.pitch_um, p.snap.offset_x_um, p.snap.offset_y_um) == ((0.5, 2.0), 0.25, 0.25)
    names = {name: p.regions[p.region[node[name]]] for name in ("sram_a", "sram_b", "big")}
    assert names["sram_b"].name == "left half"
    assert names["sram_b"].exclusive
    assert names["big"].rects_um.tolist() == [[1, 1, 99, 46]]
    assert not names["big"].exclusive
    # Both its region and its edge.
    assert names["sram_a"].rects_um.tolist() == [[1, 1, 50, 46]]
    assert (names["sram_a"].part_of, names["sram_a"].exclusive) == ("left half", False)
    assert p.region[node["m[0]"]] == -1
    assert p.netlist.content_hash == problem().netlist.content_hash
    assert p.constraints()["regions"] == [
        {"name": "left half", "exclusive": True, "macros": 1},
        {"name": "bottom edge (1)", "exclusive": False, "macros": 1},
        {"name": "left half and bottom edge (1)", "exclusive": False, "macros": 1},
    ]


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    p = read(tmp_path, "# nothing\n")
    assert not p.confined
    assert not p.regions
    assert p.snap is None
    assert p.constraints() == problem().constraints()


def test_macros_may_be_listed_in_a_file_and_freed(tmp_path: Path) -> None:
    (tmp_path / "keep.txt").write_text("# kept\n\nm*\n")
    p = read(tmp_path, 'fixed_file = "keep.txt"\n')
    assert {p.netlist.node_name[i] for i in np.flatnonzero(p.fixed)} == {"in", "m0", "m[0]"}
    path = tmp_path / "free.toml"
    path.write_text('free = ["m*"]\nfixed = ["m0"]\n')
    again = read_constraints(path, p)
    assert {again.netlist.node_name[i] for i in np.flatnonzero(again.fixed)} == {"in", "m0"}


def test_an_edge_without_a_depth_holds_its_macros(tmp_path: Path) -> None:
    p = read(tmp_path, '[[edge]]\nmacros = ["sram_*", "big"]\nsides = ["left", "right"]\n')
    (region,) = p.regions
    w = region.rects_um[:, 2] - region.rects_um[:, 0]
    assert (w == w[0]).all()
    assert 40 <= w[0] <= 50
    assert region.rects_um[0, 0] == 0
    assert region.rects_um[1, 2] == 100


def test_a_grid_may_be_that_of_the_sites(tmp_path: Path) -> None:
    p = read(tmp_path, '[snap]\ngrid = "site"\n', site_um=(0.19, 1.4))
    assert p.snap is not None
    assert p.snap.pitch_um == (0.19, 1.4)
    p = read(tmp_path, 'snap = {grid = "manufacturing"}\n', manufacturing_grid_um=0.005)
    assert p.snap is not None
    assert p.snap.pitch_um == (0.005, 0.005)


BAD = [
    ("\nspacing_um == 1", 2, "is not TOML"),
    ("\n\nspacin_um = 1", 3, "spacin_um: is no key here; known: fixed"),
    ("spacing_um = -1", 1, "must be >= 0"),
    ("spacing_um = true", 1, "must be a finite number"),
    ("spacing_um = inf", 1, "must be a finite number"),
    ("boundary_spacing_um = 40", 1, "leaves no room for"),
    ('fixed = "mm*"', 1, "'mm*' names no macro"),
    ('fixed = ["in"]', 1, "(it is a port node)"),
    ("fixed = [1]", 1, "must be a list of texts"),
    ('fixed = ["big"]', 1, "no position in the placement"),
    ('fixed_file = "nowhere.txt"', 1, "cannot be read"),
    ('[[halo]]\nmacros = ["big"]', 1, "halo.um: is missing"),
    ('[[halo]]\nmacros = ["big"]\num = [1, 2]', 3, "must be 1 or 4 numbers, got 2"),
    ('[[halo]]\nmacros = ["big"]\num = [1, 2, -3, 1]', 3, "must be >= 0"),
    ('[[halo]]\nmacros = ["grp"]\num = 1', 2, "names no hard macro (it is a soft node)"),
    ("halo = 3", 1, "must be tables"),
    ("[[blockage]]\nrect = [0, 0, 10]", 2, "must be 4 numbers, got 3"),
    ("[[blockage]]\nrect = [0, 0, 10, 10]\n[[blockage]]\nrect = [5, 0, 4, 10]", 4, "no rectangle"),
    ("[[blockage]]\nhard = 1\nrect = [0, 0, 10, 10]", 2, "must be true or false"),
    ("[[blockage]]\nhard = false", 1, "give either rects or rect"),
    ('[[region]]\nmacros = ["big"]\nrect = [0, 0, 10, 10]', 1, "region.name: is missing"),
    ('[[region]]\nname = "r"\nmacros = ["big"]\nrect = [0, 0, 20, 60]', 4, "too small for macro 'big' (30 x 40 um)"),
    ('[[region]]\nname = "r"\nmacros = ["big"]\nrect = [200, 0, 240, 60]', 4, "lies off the canvas"),
    ('[[region]]\nname = "r"\nmacros = ["big", "sram_*"]\nrect = [0, 0, 31, 41]', 4, "take more"),
    ('[[region]]\nname = "r"\nmacros = ["big"]\nrect = [0, 0, 50, 50]\n' * 2, 6, "there is a region 'r' already"),
    (
        '[[region]]\nname = "r"\nmacros = ["big"]\nrect = [0, 0, 50, 50]\n'
        '[[edge]]\nmacros = ["big"]\nsides = ["right"]\ndepth_um = 40\n',
        8,
        "nothing in common",
    ),
    (
        '[[region]]\nname = "r"\nmacros = ["m0"]\nrect = [0, 0, 50, 50]\nexclusive = true\n'
        '[[region]]\nname = "q"\nmacros = ["m0"]\nrect = [20, 0, 70, 50]\nexclusive = true\n',
        9,
        "two exclusive regions",
    ),
    ('[[orient]]\nmacros = ["big"]\nallowed = ["R90"]', 3, "'R90' is no orientation; known: N, FN"),
    ('[[orient]]\nmacros = ["big"]\nallowed = []', 3, "must be a list of texts"),
    ("[snap]\npitch_um = 0", 2, "needs pitches"),
    ("[snap]\npitch_um = [1, 2, 3]", 2, "must be 1 or 2 numbers, got 3"),
    ("[snap]\noffset_um = 1", 1, "give either pitch_um or grid"),
    ('[snap]\ngrid = "site"', 2, "no site grid"),
    ('[snap]\ngrid = "rows"', 2, "must be one of site, manufacturing"),
    ("snap = 1", 1, "must be a table"),
    ('[[edge]]\nmacros = ["big"]\nsides = ["north"]', 3, "'north' is no side; known: left"),
    ('[[edge]]\nmacros = ["big"]\nsides = ["left"]\ndepth_um = 20', 4, "too small for macro 'big'"),
    ('[[edge]]\nmacros = ["big"]\nsides = ["left"]\ndepth_um = 0', 4, "must be > 0"),
]


@pytest.mark.parametrize(("text", "line", "what"), BAD)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, line: int, what: str) -> None:
    with pytest.raises(ParseError) as caught:
        read(tmp_path, text)
    assert what in str(caught.value)
    assert caught.value.line == line
    assert caught.value.path.name == "constraints.toml"


def test_a_file_that_is_missing_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(ParseError, match="no such file"):
        read_constraints(tmp_path / "none.toml", problem())
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ParseError, match="is not TOML"):
        read_constraints(tmp_path / "bytes.toml", problem())


_value = st.recursive(
    st.one_of(st.integers(), st.floats(), st.booleans(), st.sampled_from(["*", "big", "", "N", "left", "[", "site"])),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=6,
)
_keys = st.sampled_from(["macros", "um", "rect", "rects", "name", "hard", "allowed", "pitch_um", "sides", "depth_um"])
_tables = st.dictionaries(_keys, _value, max_size=4)


@settings(max_examples=150, deadline=None)
@given(
    top=st.dictionaries(st.sampled_from(["fixed", "spacing_um", "boundary_spacing_um", "free"]), _value, max_size=2),
    rest=st.lists(st.tuples(st.sampled_from(["halo", "blockage", "region", "orient", "edge"]), _tables), max_size=3),
)
def test_no_file_does_worse_than_a_typed_error(
    tmp_path_factory: pytest.TempPathFactory, top: dict[str, object], rest: list[tuple[str, dict[str, object]]]
) -> None:
    lines = [f"{key} = {_toml(value)}" for key, value in top.items()]
    for name, table in rest:
        lines += [f"[[{name}]]", *(f"{key} = {_toml(value)}" for key, value in table.items())]
    path = tmp_path_factory.mktemp("fuzz") / "c.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    said = f"{path}: nothing"
    try:
        read_constraints(path, problem())
    except FloorplanError as error:
        said = str(error)
    assert str(path) in said


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    return f"[{', '.join(map(_toml, value))}]" if isinstance(value, list) else repr(value)
