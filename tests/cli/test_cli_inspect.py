"""`floorplan inspect`: tables, JSON and a picture of the same design."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest

from floorplan.cli.inspect import Inspect
from floorplan.errors import FloorplanError

KEYS = {
    "format", "files", "netlist", "netlist_hash", "counts", "canvas", "units_per_um", "manufacturing_grid_um",
    "site_um", "area_um2", "utilisation", "macro_sizes", "net_degree", "fan_out", "net_weight", "components", "rent",
    "rent_reason", "constraints", "suspicions",
}  # fmt: skip


def inspect_json(capsys: pytest.CaptureFixture[str], *files: Path, **options: Any) -> dict[str, Any]:
    assert Inspect(files, json=True, **options).run() == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    found: dict[str, Any] = json.loads(out)
    return found


def test_json_holds_the_documented_keys(two_macros: Path, capsys: pytest.CaptureFixture[str]) -> None:
    got = inspect_json(capsys, two_macros / "netlist.pb.txt")
    assert set(got) == KEYS
    assert got["format"] == "protobuf"
    assert got["counts"]["hard_macros"] == 2
    assert got["counts"]["nets"] == 2
    assert got["canvas"]["width_um"] == 100.0
    assert got["utilisation"] == {"hard": 0.08, "total": 0.08}
    assert got["net_degree"]["histogram"] == [[2, 2]]
    assert got["net_weight"]["largest"] == 3.0
    assert got["rent"] is None
    assert got["rent_reason"]
    assert [g["count"] for g in got["macro_sizes"]] == [2]
    assert got["suspicions"] == []


def test_a_placement_among_the_files_is_the_one_looked_at(two_macros: Path, capsys: pytest.CaptureFixture[str]) -> None:
    got = inspect_json(capsys, two_macros / "netlist.pb.txt", two_macros / "overlap.plc")
    assert [s["kind"] for s in got["suspicions"]] == ["start_overlap"]
    assert got["suspicions"][0]["items"] == [{"name": "a and b", "value": pytest.approx(5.0)}]


def test_the_tables_say_the_same_for_people(two_macros: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert Inspect((two_macros / "netlist.pb.txt", two_macros / "overlap.plc")).run() == 0
    out = capsys.readouterr().out
    assert "2 hard macros (0 fixed, 2 placed), 0 soft macros, 0 cells, 1 ports" in out
    assert "0.0800 by hard macros" in out
    assert re.search(r"start_overlap: 1 pair of macros overlap.*\n +a and b \(5 um\)", out)
    assert Inspect((two_macros / "netlist.pb.txt",)).run() == 0
    assert "nothing suspicious" in capsys.readouterr().out


def test_constraints_are_looked_at_with_the_design(two_macros: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = two_macros / "asked.toml"
    asked.write_text('spacing_um = 25.0\n[[region]]\nname = "left"\nrect = [0, 0, 50, 100]\nmacros = "b"\n')
    got = inspect_json(capsys, two_macros / "netlist.pb.txt", constraints=asked)
    assert got["constraints"]["macro_spacing_um"] == 25.0
    assert got["constraints"]["regions"] == [{"name": "left", "exclusive": False, "macros": 1}]
    # the macros stand 20 um apart, and b from x = 60 to 80
    found = {s["kind"]: s["items"] for s in got["suspicions"]}
    assert found["start_spacing"] == [{"name": "a and b", "value": pytest.approx(5.0)}]
    assert found["start_region"] == [{"name": "b and left", "value": pytest.approx(30.0)}]
    assert Inspect((two_macros / "netlist.pb.txt",), constraints=asked).run() == 0
    out = capsys.readouterr().out
    assert "macro spacing 25 um; regions left (1 macros)" in out
    assert "the rule 'region' is broken 1 time in the initial placement" in out


def test_names_with_brackets_are_printed_as_they_are(two_macros: Path, capsys: pytest.CaptureFixture[str]) -> None:
    netlist = two_macros / "netlist.pb.txt"
    netlist.write_text(netlist.read_text().replace('"b"', '"[red]b[i]:smile:"').replace('"b/i"', '"[red]b[i]/i"'))
    assert Inspect((netlist, two_macros / "overlap.plc")).run() == 0
    assert "a and [red]b[i]:smile:" in capsys.readouterr().out


def test_the_picture_shows_macros_where_they_stand(two_macros: Path, capsys: pytest.CaptureFixture[str]) -> None:
    png, svg = two_macros / "p.png", two_macros / "p.svg"
    inspect_json(capsys, two_macros / "netlist.pb.txt", png=png)
    inspect_json(capsys, two_macros / "netlist.pb.txt", png=svg)
    assert svg.read_bytes().startswith(b"<?xml")
    image = matplotlib.image.imread(png)[:, :, :3].astype(np.float64)
    # the style's blue over the near-white canvas at 80 %
    blue = 0.8 * np.array([0x00, 0x72, 0xB2]) / 255 + 0.2 * np.array([0xFB, 0xFC, 0xFD]) / 255
    columns = np.flatnonzero((np.abs(image - blue).max(axis=2) < 0.02).sum(axis=0) > 20)
    # two macros of 20 um with 20 um between them: two runs of columns of one width, and a gap of the same
    edges = np.flatnonzero(np.diff(columns) > 5)
    assert len(edges) == 1
    first, second = columns[: edges[0] + 1], columns[edges[0] + 1 :]
    assert len(first) == pytest.approx(len(second), rel=0.05)
    assert second[0] - first[-1] == pytest.approx(len(first), rel=0.05)


def test_a_picture_of_another_kind_is_refused(two_macros: Path) -> None:
    with pytest.raises(FloorplanError, match=r"p\.jpg.*\.png, \.svg, \.pdf"):
        Inspect((two_macros / "netlist.pb.txt",), png=two_macros / "p.jpg").run()
    assert not (two_macros / "p.jpg").exists()


def test_a_public_netlist(benchmarks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    got = inspect_json(capsys, benchmarks / "ct/NanGate45_ariane133/netlist.pb.txt.xz", rent="never")
    assert got["counts"]["hard_macros"] == 133
    assert got["counts"]["ports"] == 495
    assert got["macro_sizes"][0]["count"] == 133
    assert got["rent_reason"] == "not asked for"
    kinds = {s["kind"]: s["count"] for s in got["suspicions"]}
    assert kinds["start_outside"] == 18  # its canvas is smaller than its die
    assert kinds["unconnected_port"] == 5
