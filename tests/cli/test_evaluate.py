from __future__ import annotations

import json
from pathlib import Path

import pytest

from floorplan.cli.main import main


def evaluate(capsys: pytest.CaptureFixture[str], *args: str | Path) -> dict[str, object]:
    assert main(["evaluate", *map(str, args), "--json"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    result: dict[str, object] = json.loads(out)
    return result


def test_json_holds_what_the_contract_names(two_macros: Path, capsys: pytest.CaptureFixture[str]) -> None:
    got = evaluate(capsys, two_macros / "netlist.pb.txt", two_macros / "initial.plc")
    # in -> a is 30 um long with weight 1, a -> b 40 um with weight 3: 150 um over (100 + 100) * (1 + 3)
    assert got["wirelength_um"] == pytest.approx(150.0)
    assert got["wirelength"] == pytest.approx(150.0 / 800.0)
    # each macro fills 2 x 2 cells wholly or 9 partly; the fullest ten cells of 100 count
    assert 0 < float(str(got["density"])) <= 0.5
    assert got["proxy"] == pytest.approx(got["wirelength"] + 0.5 * got["density"] + 0.5 * got["congestion"])  # type: ignore[operator]  # numbers
    assert got["weights"] == {"wirelength": 1.0, "density": 0.5, "congestion": 0.5}
    assert got["grid"] == {"columns": 10, "rows": 10}
    assert len(str(got["netlist_hash"])) == 64
    assert got["legal"] is True
    assert got["violations"] == []


def test_an_illegal_placement_is_a_result(two_macros: Path, capsys: pytest.CaptureFixture[str]) -> None:
    got = evaluate(capsys, two_macros / "netlist.pb.txt", two_macros / "overlap.plc")
    assert got["legal"] is False
    assert got["violations"] == [{"kind": "overlap", "nodes": ["a", "b"], "amount_um": pytest.approx(5.0)}]


def test_weights_and_the_placement_beside_the_netlist(two_macros: Path, capsys: pytest.CaptureFixture[str]) -> None:
    got = evaluate(capsys, two_macros / "netlist.pb.txt", "--weights", "2", "0", "0")
    assert got["proxy"] == pytest.approx(2 * 150.0 / 800.0)


def test_the_table_says_the_same_for_people(two_macros: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(two_macros / "netlist.pb.txt"), str(two_macros / "overlap.plc")]) == 0
    out = capsys.readouterr().out
    assert "ILLEGAL (1)" in out
    assert "overlap of a and b by 5 um" in out
    assert "weights 1 / 0.5 / 0.5" in out
    assert "10 x 10 cells" in out


def test_pictures_are_written_on_request(two_macros: Path, capsys: pytest.CaptureFixture[str]) -> None:
    png, maps = two_macros / "p.png", two_macros / "m.png"
    evaluate(capsys, two_macros / "netlist.pb.txt", "--png", png, "--maps", maps)
    assert png.read_bytes().startswith(b"\x89PNG")
    assert maps.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("args", "cause"),
    [
        (["missing.pb.txt", "initial.plc"], "missing.pb.txt"),
        (["netlist.pb.txt", "missing.plc"], "missing.plc"),
        (["netlist.pb.txt", "netlist.pb.txt"], "netlist.pb.txt"),
        (["netlist.pb.txt", "initial.plc", "--weights", "-1", "0", "0"], "wirelength"),
        (["netlist.pb.txt", "initial.plc", "--density-top", "0"], "density_top"),
        (["netlist.pb.txt", "initial.plc", "--png", "no/such/folder/p.png"], "no/such/folder"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    two_macros: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, args: list[str], cause: str
) -> None:
    monkeypatch.chdir(two_macros)
    assert main(["evaluate", *args]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert cause in said.err


def test_an_unknown_verb_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["evaluat"])
    assert stopped.value.code == 2
    assert capsys.readouterr().out == ""
