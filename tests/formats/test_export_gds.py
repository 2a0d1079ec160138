"""GDSII and OASIS: what gdstk reads back stands where the placement says, turned and mirrored as it says."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from floorplan.errors import FloorplanError, ProblemError
from floorplan.formats.design import Design
from floorplan.formats.export.gds import LAYERS, NAME_PROPERTY, write_gds
from floorplan.formats.problem import read_problem
from floorplan.geometry import Orient, oriented_offsets_um, oriented_size_um
from floorplan.netlist import Blockage, Canvas, NetlistBuilder, Placement, Problem
from floorplan.netlist.constraints import Region


@pytest.fixture
def gdstk() -> Any:
    return pytest.importorskip("gdstk", reason="the optional package gdstk is not installed")


def design(origin_um: tuple[float, float] = (0.0, 0.0), **constraints: object) -> Design:
    """Return eight macros of one master in the eight orientations, one of another, a soft macro, a port."""
    b = NetlistBuilder("chip (v2)")
    for k in range(8):
        b.add_macro(f"u/ram[{k}]", 40.0, 20.0)
        b.add_pin(f"u/ram[{k}]/A" if k else "u/ram[0]/B", f"u/ram[{k}]", -18.0, 5.0)
    b.add_macro("é lone", 12.5, 30.25)
    b.add_macro("Grp_0", 5.0, 5.0, soft=True)
    b.add_port("in")
    x = [30.5 + 50 * k for k in range(8)] + [400.0, 10.0, 0.0]
    p = Placement(x, [50.0] * 8 + [150.0, 100.0, 20.0], [*range(8), 0, 0, 0], np.ones(11))
    problem = Problem(b.build(), Canvas(450.0, 200.0, 4, 4, 10.0, 10.0), p, **constraints)  # type: ignore[arg-type]  # named by the caller
    master = tuple(["RAM_64"] * 8 + ["RAM_64"] + ["", ""])
    return Design(problem, "lefdef", (), origin_um=origin_um, master=master)


def read(gdstk: Any, path: Path) -> Any:
    return gdstk.read_gds(path) if path.suffix == ".gds" else gdstk.read_oas(path)


def instance(reference: Any) -> str:
    """Return the name that a reference carries; GDSII pads strings to even length."""
    name: str = reference.get_gds_property(NAME_PROPERTY).rstrip("\0")
    return name


@pytest.mark.parametrize("suffix", [".gds", ".oas"])
@pytest.mark.parametrize("origin_um", [(0.0, 0.0), (-1000.5, 33.25)])
def test_boxes_and_pins_come_back(gdstk: Any, tmp_path: Path, suffix: str, origin_um: tuple[float, float]) -> None:
    d = design(origin_um)
    nl, p = d.problem.netlist, d.problem.initial
    path = tmp_path / f"chip{suffix}"
    write_gds(path, d, p)
    (top,) = read(gdstk, path).top_level()
    assert top.name == "chip__v2_"
    assert len(top.references) == len(nl.hard)
    seen = {}
    for reference in top.references:
        name = instance(reference)
        i = nl.node_id[name]
        seen[i] = reference.cell.name
        (outline,) = reference.get_polygons(layer=LAYERS["hard"], datatype=0)
        w, h = oriented_size_um(nl.node_w_um[[i]], nl.node_h_um[[i]], p.orient[[i]])
        low = np.array([p.x_um[i] - w[0] / 2, p.y_um[i] - h[0] / 2]) + origin_um
        np.testing.assert_allclose(outline.bounding_box(), [low, low + np.array([w[0], h[0]])], atol=0.0006)
        marks = {label.text: label.origin for label in reference.get_labels()}
        for k in np.flatnonzero(nl.pin_node == i).tolist():
            dx, dy = oriented_offsets_um(nl.pin_dx_um[[k]], nl.pin_dy_um[[k]], p.orient[[i]])
            at = np.array([p.x_um[i] + dx[0], p.y_um[i] + dy[0]]) + origin_um
            np.testing.assert_allclose(marks[nl.pin_name[k].rsplit("/", 1)[-1]], at, atol=0.0006)
    assert sorted(seen) == nl.hard.tolist()
    assert {seen[k] for k in range(8)} == {"RAM_64"}, "pins A and B do not contradict each other"
    assert seen[8] == "RAM_64$2", "another size is another cell"
    labels = {label.text: label.origin for label in top.labels if label.layer == LAYERS["hard"]}
    assert set(labels) == {nl.node_name[i] for i in nl.hard.tolist()}


def test_other_shapes_lie_on_their_layers(gdstk: Any, tmp_path: Path) -> None:
    halo = np.zeros((11, 4))
    halo[1] = 1.0, 2.0, 3.0, 4.0
    d = design(
        halo_um=halo,
        blockages=(Blockage(0, 100, 10, 120), Blockage(20, 100, 30, 120, hard=False)),
        regions=(Region("cpu", np.array([[5.0, 5, 60, 60], [70, 5, 80, 9]])),),
    )
    write_gds(tmp_path / "c.gds", d, d.problem.initial)
    (top,) = gdstk.read_gds(tmp_path / "c.gds").top_level()
    boxes = {(q.layer, q.datatype): np.ravel(q.bounding_box()).tolist() for q in top.polygons}
    assert boxes[LAYERS["die"], 0] == pytest.approx([0, 0, 450, 200])
    assert boxes[LAYERS["soft"], 0] == pytest.approx([7.5, 97.5, 12.5, 102.5])
    assert boxes[LAYERS["blockage"], 0] == pytest.approx([0, 100, 10, 120])
    assert boxes[LAYERS["blockage"], 1] == pytest.approx([20, 100, 30, 120])
    # FN: what was the halo's right side lies to the left
    assert boxes[LAYERS["halo"], 0] == pytest.approx([80.5 - 20 - 3, 50 - 10 - 2, 80.5 + 20 + 1, 50 + 10 + 4])
    assert sum(q.layer == LAYERS["region"] for q in top.polygons) == 2
    assert {(t.text, t.layer) for t in top.labels} >= {("in", LAYERS["port"]), ("cpu", LAYERS["region"])}


def test_equal_input_gives_equal_bytes_and_fewer_without_pins(gdstk: Any, tmp_path: Path) -> None:
    assert gdstk
    d = design()
    for name in ("a.gds", "b.gds", "a.oas", "b.oas", "a.gds.gz", "b.gds.gz"):
        write_gds(tmp_path / name, d, d.problem.initial)
    for kind in ("gds", "oas", "gds.gz"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
    write_gds(tmp_path / "c.gds", d, d.problem.initial, pins=False)
    assert (tmp_path / "c.gds").stat().st_size < (tmp_path / "a.gds").stat().st_size


def test_pins_in_two_places_make_two_cells(gdstk: Any, tmp_path: Path) -> None:
    b = NetlistBuilder("")
    for k, dx in enumerate([1.0, 1.0, 2.0]):
        b.add_macro(f"m{k}", 10.0, 10.0)
        b.add_pin(f"m{k}/A", f"m{k}", dx, 0.0)
    p = Placement([10.0, 30.0, 50.0], [10.0] * 3, [0] * 3, [True] * 3)
    problem = Problem(b.build(), Canvas(60.0, 20.0, 2, 2, 1.0, 1.0), p)
    for master, names in ((("M",) * 3, {"M", "M$2", "top"}), ((), {"macro_10x10", "macro_10x10$2", "top"})):
        write_gds(tmp_path / "m.gds", Design(problem, "json", (), master=master), p)
        assert {c.name for c in gdstk.read_gds(tmp_path / "m.gds").cells} == names


def test_unplaced_nodes_are_left_out(gdstk: Any, tmp_path: Path) -> None:
    d = design()
    placed = np.ones(11, np.bool_)
    placed[[0, 9]] = False
    write_gds(tmp_path / "m.gds", d, d.problem.initial.replace(placed=placed))
    (top,) = [c for c in gdstk.read_gds(tmp_path / "m.gds").cells if c.name == "chip__v2_"]
    assert len(top.references) == 8
    assert not any(q.layer == LAYERS["soft"] for q in top.polygons)


def test_bad_requests_are_refused(gdstk: Any, tmp_path: Path) -> None:
    assert gdstk
    d = design()
    with pytest.raises(ProblemError, match=r"\.gds or \.oas"):
        write_gds(tmp_path / "m.dxf", d, d.problem.initial)
    with pytest.raises(ProblemError, match="1 nodes"):
        write_gds(tmp_path / "m.gds", d, Placement.empty(1))
    with pytest.raises(ProblemError, match="must be positive"):
        write_gds(tmp_path / "m.gds", d, d.problem.initial, dbu_um=0.0)
    with pytest.raises(ProblemError, match="too many database units"):
        write_gds(tmp_path / "m.gds", d, d.problem.initial, dbu_um=1e-7)
    assert list(tmp_path.iterdir()) == []


def test_without_gdstk_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gdstk", None)
    d = design()
    with pytest.raises(FloorplanError, match=r"pip install floorplan-rl\[gds\]"):
        write_gds(tmp_path / "m.gds", d, d.problem.initial)
    assert list(tmp_path.iterdir()) == []


def test_the_field_s_own_placement(gdstk: Any, benchmarks: Path, tmp_path: Path) -> None:
    folder = benchmarks / "ct" / "NanGate45_ariane133"
    problem = read_problem(folder / "netlist.pb.txt.xz", folder / "legalized.plc.xz")
    write_gds(tmp_path / "a.oas", Design(problem, "protobuf", ()), problem.initial)
    library = gdstk.read_oas(tmp_path / "a.oas")
    (top,) = library.top_level()
    assert len(top.references) == 133
    turns = {Orient.N: (False, 0), Orient.FN: (True, 2), Orient.FS: (True, 0), Orient.S: (False, 2)}
    nl, p = problem.netlist, problem.initial
    for r in top.references:
        i = nl.node_id[instance(r)]
        (low, high) = r.get_polygons(layer=LAYERS["hard"], datatype=0)[0].bounding_box()
        middle = (low[0] + high[0]) / 2, (low[1] + high[1]) / 2
        assert (p.x_um[i], p.y_um[i]) == pytest.approx(middle, abs=0.0011)
        assert (r.x_reflection, round(r.rotation / np.pi * 2)) == turns[Orient(p.orient[i])]
