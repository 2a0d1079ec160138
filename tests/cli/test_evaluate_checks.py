from __future__ import annotations

import json
from pathlib import Path

import pytest

from floorplan.cli.main import main
from floorplan.formats import write_netlist
from floorplan.netlist import NetlistBuilder, Side


@pytest.fixture
def flat(two_macros: Path) -> Path:
    """The folder of `two_macros` with a flat netlist that has no cells, only its ports and macros, and its groups."""
    b = NetlistBuilder("flat")
    b.add_port("in", Side.LEFT)
    b.add_macro("a", 20.0, 20.0)
    b.add_pin("a/i", "a")
    b.add_macro("b", 20.0, 20.0)
    b.add_pin("b/i", "b")
    b.add_net("in", ["a/i", "b/i"])
    write_netlist(two_macros / "flat.pb.txt", b.build())
    (two_macros / "groups.final").write_text("-1\n" * 5)
    return two_macros


def test_json_gets_an_object_of_checks(two_macros: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(two_macros / "netlist.pb.txt"), "--checks", "--json"]) == 0
    got = json.loads(capsys.readouterr().out)["checks"]
    # macros of 20 um centred at x = 30 and 70: 20 um to the edges and between them
    assert got["channels"]["least"]["gap_um"] == pytest.approx(20.0)
    assert got["pins"]["pins"] == 3
    assert got["steiner"]["rsmt_um"] == pytest.approx(150.0)
    assert got["routing"]["overflow_tracks"] == 0.0
    assert got["flat"] is None


def test_without_the_flag_nothing_is_checked(two_macros: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(two_macros / "netlist.pb.txt"), "--json"]) == 0
    assert "checks" not in json.loads(capsys.readouterr().out)
    assert main(["evaluate", str(two_macros / "netlist.pb.txt")]) == 0
    assert "channels" not in capsys.readouterr().out


def test_the_flat_netlist_is_checked_too(flat: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = ["--flat", str(flat / "flat.pb.txt"), "--groups", str(flat / "groups.final")]
    assert main(["evaluate", str(flat / "netlist.pb.txt"), *files, "--check-grid", "2", "--json"]) == 0
    got = json.loads(capsys.readouterr().out)["checks"]
    # in (0, 50), a (30, 50), b (70, 50) on one line
    assert got["flat"]["steiner"]["rsmt_um"] == pytest.approx(70.0)
    assert got["flat"]["nets"] == 1
    assert got["flat"]["routing"]["columns"] == 20


def test_the_table_names_the_checks(flat: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = ["--flat", str(flat / "flat.pb.txt"), "--groups", str(flat / "groups.final")]
    assert main(["evaluate", str(flat / "netlist.pb.txt"), str(flat / "overlap.plc"), *files]) == 0
    out = capsys.readouterr().out
    for row in ("channels", "boxed-in pins", "soft area", "Steiner length", "routing", "flat Steiner", "flat routing"):
        assert row in out
    assert "ILLEGAL (1)" in out


@pytest.mark.parametrize(
    ("args", "cause"),
    [
        (["--flat", "flat.pb.txt"], "--groups"),
        (["--groups", "groups.final"], "--flat"),
        (["--flat", "missing.pb.txt", "--groups", "groups.final"], "missing.pb.txt"),
        (["--flat", "flat.pb.txt", "--groups", "netlist.pb.txt"], "netlist.pb.txt:1"),
        (["--flat", "netlist.pb.txt", "--groups", "groups.final"], "groups.final"),
        (["--checks", "--check-grid", "0"], "grid_factor"),
    ],
)
def test_files_that_do_not_fit_are_one_line_and_exit_2(
    flat: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, args: list[str], cause: str
) -> None:
    monkeypatch.chdir(flat)
    assert main(["evaluate", "netlist.pb.txt", "initial.plc", *args]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert cause in said.err
