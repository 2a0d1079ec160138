from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from floorplan.cli.main import main

Write = Callable[..., Path]


def test_bench_runs_reports_and_goes_on(write_suite: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suite, out = str(write_suite()), str(tmp_path / "out")
    assert main(["bench", suite, "--out", out]) == 0
    shown = capsys.readouterr()
    assert "2 runs done, 0 skipped" in shown.out
    assert "lower bound 0.3500 (0.1000 / 0.2000 / 0.3000)" in shown.out
    assert "[2/2] two  stand  100p  seed 1: proxy " in shown.err
    assert main(["bench", suite, "--out", out, "--json", "--quiet"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    summary = json.loads(shown.out)
    assert (summary["runs"], summary["done"], summary["skipped"], summary["legal"]) == (2, 0, 2, 2)
    assert summary["tables"][0]["groups"][0]["seeds"] == [0, 1]
    assert main(["bench", "report", out]) == 0
    assert "report.html" in capsys.readouterr().out


def test_a_suite_with_an_illegal_or_failed_run_exits_1(
    write_suite: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for mode in ("illegal", "raise"):
        suite = str(write_suite(f"options = {{ mode = '{mode}', only_seed = 0 }}"))
        assert main(["bench", suite, "--out", str(tmp_path / mode), "--quiet"]) == 1
    shown = capsys.readouterr().out
    assert "1 ILLEGAL" in shown
    assert "1 FAILED" in shown


def test_wrong_input_exits_2(write_suite: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suite = str(write_suite("", ("[0, 1]", "['a']")))
    assert main(["bench", suite, "--out", str(tmp_path / "out")]) == 2
    assert "suite.toml: seeds[0]: " in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert main(["bench", "rescore", str(tmp_path / "nowhere")]) == 2
    assert "no such folder of results" in capsys.readouterr().err
