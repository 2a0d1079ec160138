"""`--constraints` of `place` and `evaluate`: kept, reported, and refused where they cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from floorplan.cli.main import main
from floorplan.formats import read_plc, read_problem

RIGHT = """
[[edge]]
macros = ["a"]
sides = ["right"]
depth_um = 30
[[halo]]
macros = ["*"]
um = 2
[[blockage]]
rect = [0, 0, 100, 20]
hard = false
[snap]
pitch_um = 2.5
"""


def test_place_keeps_them_and_says_so(two_macros: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c.toml").write_text(RIGHT)
    netlist, out = str(two_macros / "netlist.pb.txt"), tmp_path / "out.plc"
    constraints = ["--constraints", str(tmp_path / "c.toml")]
    start = ["--placement", str(two_macros / "initial.plc")]
    args = ["place", netlist, "--out", str(out), *start, "--agent", "random", "--budget", "3e", *constraints]
    assert main([*args, "--json", "--quiet"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["legal"]
    assert result["constraints"] == {
        "soft_blockages": 1,
        "macros_with_halo": 2,
        "regions": [{"name": "right edge (1)", "exclusive": False, "macros": 1}],
        "snap_um": [2.5, 2.5],
    }
    problem = read_problem(two_macros / "netlist.pb.txt", out)
    a = problem.netlist.node_id["a"]
    placed = read_plc(out, problem.netlist).placement
    assert placed.x_um[a] - 10 >= 70 - 1e-6
    assert (placed.x_um[a] - 10) % 2.5 == pytest.approx(0, abs=1e-6)

    # What it wrote is legal under the same constraints.
    assert main(["evaluate", netlist, str(out), *constraints, "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["legal"]
    assert again["constraints"] == result["constraints"]


def test_evaluate_names_what_is_broken(two_macros: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c.toml").write_text(RIGHT)
    plain = ["evaluate", str(two_macros / "netlist.pb.txt"), str(two_macros / "initial.plc")]
    assert main([*plain, "--json"]) == 0
    bare = json.loads(capsys.readouterr().out)
    assert bare["legal"]
    assert bare["constraints"] == {}
    assert main([*plain, "--constraints", str(tmp_path / "c.toml"), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["proxy"] == bare["proxy"]
    assert [(v["kind"], v["nodes"]) for v in result["violations"]] == [("region", ["a"])]
    assert result["violations"][0]["amount_um"] == pytest.approx(50.0)
    assert main([*plain, "--constraints", str(tmp_path / "c.toml")]) == 0
    table = capsys.readouterr().out
    assert "region 'right edge (1)' of a by 50 um" in table
    assert "macros with halo 2" in table


@pytest.mark.parametrize(
    ("text", "code", "what"),
    [
        ("spacing = 3", 2, "c.toml:1: spacing: is no key here"),
        ('[[halo]]\nmacros = ["z*"]\num = 1', 2, "c.toml:2: halo.macros: 'z*' names no hard macro"),
        ("[snap]\npitch_um = 300\noffset_um = 90", 3, "fits nowhere (given grid of 300 x 300 um)"),
    ],
)
def test_what_cannot_be_is_refused(
    two_macros: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, code: int, what: str
) -> None:
    (tmp_path / "c.toml").write_text(text)
    netlist, start = str(two_macros / "netlist.pb.txt"), str(two_macros / "initial.plc")
    args = [
        "place",
        netlist,
        "--out",
        str(tmp_path / "o.plc"),
        "--placement",
        start,
        "--agent",
        "random",
        "--budget",
        "1e",
    ]
    assert main([*args, "--quiet", "--constraints", str(tmp_path / "c.toml")]) == code
    assert what in capsys.readouterr().err
    assert not (tmp_path / "o.plc").exists()
