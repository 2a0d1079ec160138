from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from floorplan.bench import load_suite, rescore, run_suite
from floorplan.cli.main import main
from floorplan.files import read_bytes_maybe_compressed, write_bytes_by_suffix

Write = Callable[..., Path]


@pytest.fixture
def results(write_suite: Write, tmp_path: Path) -> Path:
    run_suite(load_suite(write_suite()), tmp_path / "out")
    return tmp_path / "out"


def _edit(path: Path, old: str, new: str) -> None:
    text = read_bytes_maybe_compressed(path).decode()
    assert old in text
    write_bytes_by_suffix(path, text.replace(old, new).encode())


def test_untouched_rows_agree(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = rescore(results)
    assert len(found) == 2
    assert all(c.agrees and c.legal and c.recomputed == c.stated for c in found)
    lines = (results / "rescored.jsonl").read_text().splitlines()
    assert [json.loads(line)["agrees"] for line in lines] == [True, True]
    assert main(["bench", "rescore", str(results)]) == 0
    assert "2 of 2 rows follow" in capsys.readouterr().out


def test_a_tampered_placement_is_found(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [json.loads(line) for line in (results / "rows.jsonl").read_text().splitlines()]
    _edit(results / rows[1]["placement_file"], " 69.0 50.0 ", " 68.0 50.0 ")
    found = rescore(results)
    assert [c.agrees for c in found] == [True, False]
    assert "placement is another one than the row says" in found[1].differences
    assert any(d.startswith("wirelength is ") for d in found[1].differences)
    assert main(["bench", "rescore", str(results), "--json"]) == 1
    shown = json.loads(capsys.readouterr().out)
    assert [d["key"] for d in shown["differing"]] == [rows[1]["key"]]


def test_an_illegal_placement_that_claims_to_be_legal_is_found(results: Path) -> None:
    rows = [json.loads(line) for line in (results / "rows.jsonl").read_text().splitlines()]
    _edit(results / rows[0]["placement_file"], " 70.0 50.0 ", " 45.0 50.0 ")
    assert "placement is ILLEGAL, the row says legal" in rescore(results)[0].differences


def test_a_raised_or_lowered_figure_is_found(results: Path) -> None:
    path = results / "rows.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[0]["score"]["proxy"] *= 1 - 1e-8
    rows[1]["score"]["proxy"] *= 1 - 1e-11
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    assert [c.agrees for c in rescore(results)] == [False, True]


def test_a_changed_netlist_and_a_missing_placement_are_found(results: Path) -> None:
    row = json.loads((results / "rows.jsonl").read_text().splitlines()[0])
    (results / row["placement_file"]).unlink()
    _edit(results / row["design_folder"] / "netlist.pb.txt.xz", "f: 20.0", "f: 19.0")
    first, second = rescore(results)
    assert any("no such file" in d for d in first.differences)
    assert any(d.startswith("netlist is ") for d in second.differences)
