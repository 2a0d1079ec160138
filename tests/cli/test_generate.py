from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from floorplan.cli.main import main
from floorplan.formats import read_problem

SMALL = (
    "--set",
    "mac_rows=8",
    "--set",
    "mac_columns=8",
    "--set",
    "array_rows=2",
    "--set",
    "array_columns=2",
    "--set",
    "soft_macros=40",
)


def generate(capsys: pytest.CaptureFixture[str], *args: str) -> dict[str, Any]:
    assert main(["generate", *args, "--json"]) == 0
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_what_is_written_reads_back_as_what_was_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    got = generate(capsys, "--out", str(tmp_path / "t"), *SMALL)
    problem = read_problem(tmp_path / "t" / "netlist.pb.txt")
    assert got["netlist_hash"] == problem.netlist.content_hash
    assert got["counts"]["soft_macros"] == len(problem.netlist.soft) == 40
    assert got["counts"]["hard_macros"] == len(problem.netlist.hard)


def test_the_same_call_gives_the_same_bytes_and_another_seed_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        generate(capsys, "--out", str(tmp_path / name), "--seed", str(seed), *SMALL)
    for file in ("netlist.pb.txt", "initial.plc"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert (tmp_path / "a" / "netlist.pb.txt").read_bytes() != (tmp_path / "c" / "netlist.pb.txt").read_bytes()


def test_templates_are_listed_with_their_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "--list"]) == 0
    out = capsys.readouterr().out
    assert "systolic_tile:" in out
    assert "mac_rows = 32" in out


@pytest.mark.parametrize(
    ("args", "cause"),
    [
        ([], "--out"),
        (["nothing", "--out", "x"], "unknown template 'nothing'"),
        (["--out", "x", "--set", "mac_rows"], "key=value"),
        (["--out", "x", "--set", "no_such=1"], "no_such"),
        (["--out", "x", "--set", "mac_rows=many"], "mac_rows"),
        (["--out", "x", "--set", "seed=2"], "seed"),
        (["--out", "x", "--set", "mac_rows=7"], "7 x 32"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, args: list[str], cause: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["generate", *args]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert cause in said.err
    assert not (tmp_path / "x").exists()
