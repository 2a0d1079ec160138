"""SVG pictures: well-formed, complete, small, and every orientation with a notch of its own."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.errors import ProblemError
from floorplan.formats.design import Design
from floorplan.formats.export.svg import MOST_SOFT, svg_text, write_svg
from floorplan.formats.problem import read_problem
from floorplan.netlist import Blockage, Canvas, NetlistBuilder, Placement, Problem
from floorplan.netlist.constraints import Region

SPACE = "{http://www.w3.org/2000/svg}"


def problem(softs: int = 1, title: str = "chip", name: str = "m", **constraints: object) -> Problem:
    """Return eight macros in the eight orientations side by side, soft macros and a port."""
    b = NetlistBuilder(title)
    x, y, orient = [], [], []
    for k in range(8):
        b.add_macro(f"{name}{k}", 40.0, 20.0)
        x.append(30.0 + 50 * k)
        y.append(50.0)
        orient.append(k)
    for k in range(softs):
        b.add_macro(f"Grp_{k}", 5.0, 5.0, soft=True)
        x.append(7.0 * (k % 50))
        y.append(150.0 + k % 31)
        orient.append(0)
    b.add_port("in")
    p = Placement([*x, 0.0], [*y, 20.0], [*orient, 0], np.ones(len(x) + 1, np.bool_))
    turns = np.full(len(p), 255, np.uint8)
    return Problem(b.build(), Canvas(420.0, 200.0, 4, 4, 10.0, 10.0), p, np.zeros(len(p)), turns, **constraints)  # type: ignore[arg-type]  # named by the caller


def shapes(text: str, kind: str) -> list[ET.Element]:
    """Return the elements of a class, those of its group counted."""
    root = ET.fromstring(text)
    out = [e for e in root.iter() if e.get("class") == kind and e.tag != f"{SPACE}g"]
    for g in root.iter(f"{SPACE}g"):
        out += list(g) if g.get("class") == kind else []
    return out


def box(e: ET.Element) -> tuple[float, ...]:
    return tuple(float(e.get(k, "nan")) for k in ("x", "y", "width", "height"))


def without_key(elements: list[ET.Element]) -> list[ET.Element]:
    return [e for e in elements if (e.get("width"), e.get("height")) != ("14", "11")]


def test_boxes_stand_where_the_macros_stand() -> None:
    p = problem()
    text = svg_text(p, p.initial)
    (canvas,) = (box(e) for e in shapes(text, "canvas"))
    scale = 1000 / 420
    assert canvas[2:] == pytest.approx((1000, 200 * scale), abs=0.01)
    hard = without_key(shapes(text, "hard"))
    assert len(hard) == 8
    for k, e in enumerate(hard):
        w, h = (40, 20) if k < 4 else (20, 40)
        left, top = canvas[0] + (30 + 50 * k - w / 2) * scale, canvas[1] + (200 - 50 - h / 2) * scale
        assert box(e) == pytest.approx((left, top, w * scale, h * scale), abs=0.011)
        assert (e.findtext(f"{SPACE}title") or "").startswith(
            f"m{k} {['N', 'FN', 'FS', 'S', 'E', 'W', 'FE', 'FW'][k]} "
        )
    assert len(without_key(shapes(text, "soft"))) == 1


def test_no_two_orientations_have_the_same_notch() -> None:
    p = problem()
    (path,) = shapes(svg_text(p, p.initial), "notch")
    triangles = re.findall(r"M([^z]*)z", path.get("d", ""))
    corners = [np.array(t.split(), float).reshape(3, 2) for t in triangles]
    scale = 1000 / 420
    left, top = 24, 62
    places = []
    for k, c in enumerate(corners):
        centre = np.array([left + (30 + 50 * k) * scale, top + 150 * scale])
        places.append(np.round(c - centre, 1))
        legs = np.linalg.norm(c[1] - c[0]), np.linalg.norm(c[2] - c[0])
        assert legs[0] == pytest.approx(2 * legs[1], rel=0.01)
    assert all(not np.allclose(a, b, atol=0.5) for a, b in itertools.combinations(places, 2))
    # as in N: the lower left corner, y downwards; FN mirrors it to the right
    np.testing.assert_allclose(places[0][0], [-20 * scale, 10 * scale], atol=0.1)
    np.testing.assert_allclose(places[1][0], [20 * scale, 10 * scale], atol=0.1)
    # W turns counterclockwise: the lower left corner comes to lie at the lower right
    np.testing.assert_allclose(places[5][0], [10 * scale, 20 * scale], atol=0.1)


def test_constraints_are_drawn_and_named() -> None:
    halo = np.zeros((10, 4))
    halo[1] = 1.0, 2.0, 3.0, 4.0
    p = problem(
        blockages=(Blockage(0, 100, 10, 120), Blockage(20, 100, 30, 120, hard=False)),
        regions=(
            Region("cpu <0>", np.array([[5.0, 5, 60, 60], [70, 5, 80, 9]])),
            Region("f", np.array([[90.0, 0, 99, 9]]), True),
        ),
        halo_um=halo,
    )
    text = svg_text(p, p.initial)
    counts = {k: len(without_key(shapes(text, k))) for k in ("block", "softblock", "region", "fence", "halo")}
    assert counts == {"block": 1, "softblock": 1, "region": 2, "fence": 1, "halo": 1}
    assert [e.text for e in shapes(text, "regionname")] == ["cpu <0>", "f"]
    (grown,) = without_key(shapes(text, "halo"))
    # FN: left and right change places
    assert box(grown)[2:] == pytest.approx((44 * 1000 / 420, 26 * 1000 / 420), abs=0.02)
    (inside,) = [e for e in without_key(shapes(text, "hard")) if (e.findtext(f"{SPACE}title") or "").startswith("m1 ")]
    assert box(inside)[0] - box(grown)[0] == pytest.approx(3 * 1000 / 420, abs=0.02)
    assert {"region", "blockage", "halo", "port"} <= {e.text for e in shapes(text, "key")}
    assert "blockage" not in {e.text for e in shapes(svg_text(problem(), problem().initial), "key")}


def test_macros_that_break_a_rule_stand_out() -> None:
    p = problem()
    assert without_key(shapes(svg_text(p, p.initial), "hard wrong")) == []
    x = p.initial.x_um.copy()
    x[1] = x[0] + 5
    wrong = without_key(shapes(svg_text(p, p.initial.replace(x)), "hard wrong"))
    assert [(e.findtext(f"{SPACE}title") or "")[:2] for e in wrong] == ["m0", "m1"]


def test_fixed_and_unplaced_macros() -> None:
    p = problem()
    fixed = p.fixed.copy()
    fixed[2] = True
    placed = p.initial.placed.copy()
    placed[[0, 8]] = False
    text = svg_text(p.replace(fixed=fixed), p.initial.replace(placed=placed))
    assert len(without_key(shapes(text, "fixed"))) == 1
    assert len(without_key(shapes(text, "hard"))) + len(without_key(shapes(text, "hard wrong"))) == 6
    assert without_key(shapes(text, "soft")) == []


def test_many_soft_macros_become_a_map_of_how_full_spots_are() -> None:
    p = problem(softs=MOST_SOFT + 1)
    text = svg_text(p, p.initial)
    assert without_key(shapes(text, "soft")) == []
    full = shapes(text, "full")
    assert len(full) >= 1
    assert len(text) < 100_000


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(exclude_characters="\n", codec="utf-8"), min_size=1), st.text())
def test_any_name_gives_well_formed_xml(name: str, title: str) -> None:
    p = problem(name=name)
    text = svg_text(p, p.initial, title=title, cost_line=name)
    root = ET.fromstring(text)
    assert root.findtext(f"{SPACE}title") is not None
    assert svg_text(p, p.initial, title=title, cost_line=name) == text


@pytest.mark.parametrize("name", ["memory_without_any_mark_in_its_long_name_" * 4, "a/b.c_d[1]e/f" * 12, "short"])
def test_labels_hold_the_end_of_a_name_in_reading_order(name: str) -> None:
    p = problem(name=name)
    root = ET.fromstring(svg_text(p, p.initial))
    labels = [e for e in root.iter(f"{SPACE}text") if e.get("text-anchor") == "middle"]
    assert len(labels) == 8
    for k, label in enumerate(labels):
        lines = [t.text or "" for t in label]
        joined = "".join(lines)
        assert f"{name}{k}".endswith(joined.lstrip("\u2026"))
        assert joined.endswith(str(k))
        assert joined.startswith("\u2026") == (joined.lstrip("\u2026") not in (f"{name}{k}", f"f{k}"))
        # 40 x 20 um are 95 x 48 pixels
        size = float(label.get("font-size", "nan"))
        assert max(map(len, lines)) * size * 0.56 <= 96
        assert len(lines) * size <= 48


def test_written_files_and_their_size(benchmarks: Path, tmp_path: Path) -> None:
    folder = benchmarks / "ct" / "NanGate45_ariane133"
    problem = read_problem(folder / "netlist.pb.txt.xz", folder / "legalized.plc.xz")
    design = Design(problem, "protobuf", ())
    path = tmp_path / "a.svg"
    write_svg(path, design, problem.initial, cost_line="proxy cost 0.5")
    assert path.stat().st_size < 1_000_000
    text = path.read_text("utf-8")
    assert len(without_key(shapes(text, "hard"))) == 133
    assert len(without_key(shapes(text, "soft"))) == 782
    assert "proxy cost 0.5" in text
    first = path.read_bytes()
    write_svg(path, design, problem.initial, cost_line="proxy cost 0.5")
    assert path.read_bytes() == first


def test_a_placement_of_another_netlist_is_refused() -> None:
    p = problem()
    with pytest.raises(ProblemError, match="1 nodes"):
        svg_text(p, Placement.empty(1))
