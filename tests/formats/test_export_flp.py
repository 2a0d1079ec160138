"""HotSpot floorplans: the die is covered once, slivers vanish, names are words, what is read is what was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.errors import ParseError, ProblemError
from floorplan.formats.design import Design
from floorplan.formats.export.flp import SLIVER_UM, Unit, read_flp, tiles, write_flp
from floorplan.formats.problem import read_problem
from floorplan.netlist import Canvas, NetlistBuilder, Placement, Problem


def chip(
    boxes: list[tuple[float, float, float, float]],
    names: list[str] | None = None,
    size: tuple[float, float] = (100.0, 50.0),
) -> Problem:
    """Return a problem whose hard macros have the given (x0, y0, x1, y1), um, and a soft macro that no file shows."""
    b = NetlistBuilder("chip")
    for k, (x0, y0, x1, y1) in enumerate(boxes):
        b.add_macro(names[k] if names else f"m{k}", x1 - x0, y1 - y0)
    b.add_macro("Grp_0", 9.0, 9.0, soft=True)
    x, y = ([(q[i] + q[i + 2]) / 2 for q in boxes] + [1.0] for i in (0, 1))
    n = len(x)
    return Problem(b.build(), Canvas(*size, 4, 4, 10.0, 10.0), Placement(x, y, np.zeros(n), np.ones(n)))


def assert_covered_once(units: list[Unit], problem: Problem) -> None:
    """Count how many units lie over the middle of each cell that their edges cut the die into."""
    cv = problem.canvas
    box = np.array([(u.left_m, u.bottom_m, u.left_m + u.width_m, u.bottom_m + u.height_m) for u in units]) * 1e6
    assert box.min() >= -1e-6
    assert box[:, 2].max() == pytest.approx(cv.width_um, abs=1e-6)
    assert box[:, 3].max() == pytest.approx(cv.height_um, abs=1e-6)
    assert sum(u.width_m * u.height_m for u in units) == pytest.approx(cv.width_um * cv.height_um * 1e-12, rel=1e-9)
    xs, ys = (np.unique(np.round(box[:, [k, k + 2]], 7)) for k in (0, 1))
    x, y = (xs[1:] + xs[:-1]) / 2, (ys[1:] + ys[:-1]) / 2
    wide, high = np.diff(xs) > 1e-5, np.diff(ys) > 1e-5
    over = (box[:, None, 0] < x) & (x < box[:, None, 2]), (box[:, None, 1] < y) & (y < box[:, None, 3])
    count = np.einsum("kx,ky->xy", over[0].astype(int), over[1].astype(int))
    assert (count[np.ix_(wide, high)] == 1).all()


def test_the_file_says_where_macros_stand_in_metres(tmp_path: Path) -> None:
    p = chip([(10, 10, 30, 20), (30, 10, 50, 40)], ["a b", "x#1"])
    turned = p.initial.replace(orient=[4, 0, 0])
    write_flp(tmp_path / "c.flp", Design(p, "json", ()), turned)
    units = read_flp(tmp_path / "c.flp")
    assert [u.name for u in units[:2]] == ["a_b", "x_1"]
    first = units[0]
    assert (first.left_m, first.bottom_m, first.width_m, first.height_m) == pytest.approx((15e-6, 5e-6, 10e-6, 20e-6))
    assert [u.name for u in units[2:]] == [f"fill_{k}" for k in range(len(units) - 2)]
    assert_covered_once(units, p)


def test_slivers_are_drawn_together() -> None:
    gap = SLIVER_UM / 10
    p = chip([(gap, 0, 30, 20), (30 + gap, gap, 60, 20 + gap), (60 + 2 * gap, 0, 100 - gap, 20)])
    units = tiles(p, p.initial)
    assert_covered_once(units, p)
    assert len(units) == 4, "three macros side by side and one filler above them"
    assert len(tiles(p, p.initial, sliver_um=0.0)) > 8
    for u, (x0, x1) in zip(units, [(0, 30), (30, 60), (60, 100)], strict=False):
        assert (u.left_m * 1e6, (u.left_m + u.width_m) * 1e6) == pytest.approx((x0, x1), abs=SLIVER_UM)


def test_macros_smaller_than_a_sliver_keep_their_size() -> None:
    p = chip([(0.001, 0.001, 0.003, 0.002), (0.004, 0.001, 0.02, 0.02)], size=(0.03, 0.03))
    units = tiles(p, p.initial)
    assert units[0].width_m == pytest.approx(2e-9)
    assert sum(u.width_m * u.height_m for u in units) == pytest.approx(9e-16)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_any_legal_placement_is_tiled_once(seed: int) -> None:
    rng = np.random.default_rng(seed)
    columns, rows = int(rng.integers(1, 7)), int(rng.integers(1, 7))
    gap = float(rng.choice([0.0, 1e-4, 0.005, 0.02, 1.0]))
    boxes = []
    for i in range(columns):
        for j in range(rows):
            if rng.random() < 0.3:
                continue
            w, h = 100 / columns, 50 / rows
            cut = np.where(rng.random(4) < 0.5, gap / 2, rng.uniform(0, 0.3, 4) * min(w, h))
            boxes.append((i * w + cut[0], j * h + cut[1], (i + 1) * w - cut[2], (j + 1) * h - cut[3]))
    p = chip(boxes)
    units = tiles(p, p.initial)
    assert_covered_once(units, p)
    assert len({u.name for u in units}) == len(units)
    for u, q in zip(units, boxes, strict=False):
        got = np.array([u.left_m, u.bottom_m, u.left_m + u.width_m, u.bottom_m + u.height_m]) * 1e6
        np.testing.assert_allclose(got, q, atol=SLIVER_UM + 1e-9)


def test_names_that_become_one_word_stay_apart() -> None:
    p = chip([(0, 0, 1, 1), (2, 0, 3, 1), (4, 0, 5, 1)], ["a b", "a_b", "fill_0"])
    names = [u.name for u in tiles(p, p.initial)]
    assert names[:4] == ["a_b", "a_b_2", "fill_0", "fill_0_2"]
    assert len(set(names)) == len(names)


def test_what_tiles_no_die_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.flp"
    p = chip([(0, 0, 20, 20), (10, 10, 30, 30)])
    with pytest.raises(ProblemError, match="overlap of m0 and m1"):
        write_flp(path, Design(p, "json", ()), p.initial)
    p = chip([(90, 0, 110, 20)])
    with pytest.raises(ProblemError, match="outside of m0"):
        write_flp(path, Design(p, "json", ()), p.initial)
    with pytest.raises(ProblemError, match="unplaced of m0"):
        write_flp(path, Design(p, "json", ()), Placement.empty(2))
    with pytest.raises(ProblemError, match="5 nodes"):
        write_flp(path, Design(p, "json", ()), Placement.empty(5))
    assert not path.exists()


@pytest.mark.parametrize(
    ("data", "line", "what"),
    [
        (b"# units\na 1 2 3\n", 2, "expected a name"),
        (b"a 1 2 3 x\n", 1, "expected a name"),
        (b"a 0 2 3 4\n", 1, "no rectangle"),
        (b"\na 1 2 nan 4\n", 2, "no rectangle"),
        (b"a 1 inf 3 4\n", 1, "no rectangle"),
        (b"a 1 2 3 4\nb \xff\n", 2, "UTF-8"),
    ],
)
def test_bad_files_are_refused_with_their_line(tmp_path: Path, data: bytes, line: int, what: str) -> None:
    path = tmp_path / "bad.flp"
    path.write_bytes(data)
    with pytest.raises(ParseError, match=what) as e:
        read_flp(path)
    assert e.value.line == line


def test_the_field_s_own_placement_is_tiled(benchmarks: Path, tmp_path: Path) -> None:
    folder = benchmarks / "ct" / "NanGate45_ariane133"
    problem = read_problem(folder / "netlist.pb.txt.xz", folder / "legalized.plc.xz")
    write_flp(tmp_path / "a.flp", Design(problem, "protobuf", ()), problem.initial)
    units = read_flp(tmp_path / "a.flp")
    assert_covered_once(units, problem)
    assert sum(not u.name.startswith("fill_") for u in units) == 133
