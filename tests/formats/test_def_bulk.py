"""Components and nets: stretches taken apart at once say what the same read entry by entry says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from floorplan.errors import ParseError
from floorplan.formats.lefdef import def_components, def_nets, text
from floorplan.formats.lefdef.def_ import read_def
from floorplan.formats.lefdef.def_tables import Def, Status
from floorplan.geometry import Orient

HEAD = "DESIGN d ;\nUNITS DISTANCE MICRONS 1000 ;\nDIEAREA ( 0 0 ) ( 9 9 ) ;\n"


def text_of(components: list[str], nets: list[str], pins: list[str] | None = None) -> str:
    parts = [HEAD, f"COMPONENTS {len(components)} ;", *components, "END COMPONENTS"]
    if pins:
        parts += [f"PINS {len(pins)} ;", *pins, "END PINS"]
    return "\n".join([*parts, f"NETS {len(nets)} ;", *nets, "END NETS", "END DESIGN", ""])


def outcome(path: Path) -> tuple[object, ...]:
    """Return all that the tables say, or the error."""
    try:
        d: Def = read_def(path)
    except ParseError as e:
        return e.line, e.what
    c, n = d.components, d.nets
    return (
        *(list(v) for v in (c.name, c.masters, n.name, n.use, n.pin_names)),
        *(np.asarray(v).tolist() for v in (c.master, c.status, c.orient, n.weight, n.ptr, n.component, n.pin)),
        c.x.tolist(),
        c.y.tolist(),
        c.halo,
        c.region,
    )


names = st.sampled_from(["a", "b/c", "d\\[1\\]", "e[2]", "net;x", "+", "-", "(", ";", "PIN", "*", "MUSTJOIN", "h\\;"])
good = st.sampled_from(["a", "b/c", "d\\[1\\]", "e[2]"])
place = st.one_of(
    st.sampled_from(["", " + UNPLACED", " + SOURCE DIST + PLACED ( 1 2 ) N", " + UNPLACED ( 3 4 ) S"]),
    st.builds(
        " + {} ( {} {} ) {}".format,
        st.sampled_from(["PLACED", "FIXED", "COVER"]),
        st.integers(-9, 9),
        st.one_of(st.integers(-9, 9).map(str), st.sampled_from(["1_0", "x", "+5", "9" * 20, "1.5"])),
        st.sampled_from(["N", "FW", "R0"]),
    ),
)
component = st.builds(
    "- {} {}{}{} ;".format, names, good, place, st.sampled_from(["", "", " + HALO 1 1 1 1", " + WEIGHT 2"])
)
tail = st.sampled_from(
    ["", " + USE SIGNAL", "\n+ USE CLOCK + WEIGHT 3", " + WEIGHT x", " + USE", " + ROUTED m ( 0 * ) v + USE POWER",
     " + SHIELD s ( 1 2 )", " - z ( a p )", " + USE SIGNAL ; x", "+", " + WEIGHT 1_0"]
)  # fmt: skip
join = st.builds(
    "( {} {}{} )".format, st.one_of(good, names), good, st.sampled_from(["", "", "", " + SYNTHESIZED", " x"])
)
net = st.builds("- {} {}{} ;".format, names, st.lists(join, max_size=3).map(" ".join), tail)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    components=st.lists(st.one_of(component, good.map("- {} m + PLACED ( 1 2 ) N ;".format)), max_size=4),
    nets=st.lists(net, max_size=4),
    chunk=st.sampled_from([1, 40, 1 << 20]),
)
def test_both_ways_say_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, components: list[str], nets: list[str], chunk: int
) -> None:
    path = tmp_path / "d.def"
    path.write_text(text_of(components, nets))
    with monkeypatch.context() as m:
        m.setattr(text, "_CHUNK", chunk)
        quick = outcome(path)
        m.setattr(def_nets, "_read_table", lambda *_: False)
        m.setattr(def_components, "_is_table", lambda *_: False)
        assert outcome(path) == quick


def test_a_table_is_taken_apart_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the comparison above would compare one way with itself."""
    components = [f"  - c{i} m{i % 3} + PLACED ( {i} -{i} ) {Orient(i % 8).name} ;" for i in range(500)]
    nets = [
        f"  - n{i} ( c{i} p{i % 7} ) ( c{(i * 7) % 500} q )\n ( PIN io )"
        " + ROUTED m1 ( 0 * ) v NEW m2 ( * 1 ) + USE CLOCK ;"
        for i in range(500)
    ]
    path = tmp_path / "d.def"
    path.write_text(text_of(components, nets, ["- io + NET n0 ;"]))

    def never(*args: object) -> None:
        raise AssertionError("read entry by entry")

    monkeypatch.setattr(def_nets, "_read_one_by_one", never)
    monkeypatch.setattr(def_components, "_read_one_by_one", never)
    monkeypatch.setattr(text, "_CHUNK", 4096)
    d = read_def(path)
    assert list(d.components.name) == [f"c{i}" for i in range(500)]
    assert d.components.y.tolist() == [-i for i in range(500)]
    assert d.components.orient.tolist() == [i % 8 for i in range(500)]
    assert [d.components.masters[m] for m in d.components.master[:4]] == ["m0", "m1", "m2", "m0"]
    assert d.nets.ptr.tolist() == list(range(0, 1501, 3))
    assert d.nets.component[:6].tolist() == [0, 0, -1, 1, 7, -1]
    assert set(d.nets.use) == {"CLOCK"}
    assert [d.nets.pin_names[p] for p in d.nets.pin[3:6]] == ["p1", "q", "io"]


def test_ports_of_one_pin_in_statements_of_their_own(tmp_path: Path) -> None:
    pins = [
        "- io + NET io + DIRECTION INPUT ;",
        "- io.extra1 + NET io + DIRECTION INPUT + LAYER m ( 0 0 ) ( 2 2 ) + PLACED ( 4 4 ) N ;",
        "- io.extra2 + NET io + PLACED ( 8 8 ) N ;",
        "- other.extra1 + NET x ;",
    ]
    path = tmp_path / "d.def"
    path.write_text(text_of([], [], pins))
    found = [(p.name, p.at, p.status) for p in read_def(path).pins]
    assert found == [("io", (10, 10), Status.PLACED), ("other.extra1", None, Status.UNPLACED)]
