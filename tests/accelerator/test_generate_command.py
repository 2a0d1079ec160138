from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from floorplan.accelerator.command import MANIFEST_FILE, NETLIST_FILE, PLACEMENT_FILE, parse_params, run
from floorplan.errors import ProblemError, UnknownNameError
from floorplan.formats import read_problem

SMALL: dict[str, object] = {"array_rows": 2, "array_columns": 2, "soft_macros": 40}


def test_the_manifest_says_what_the_files_hold(tmp_path: Path) -> None:
    about = run("systolic_tile", SMALL, 9, tmp_path / "tile")
    problem = read_problem(tmp_path / "tile" / NETLIST_FILE)
    written = tomllib.loads((tmp_path / "tile" / MANIFEST_FILE).read_text())
    assert {k: v for k, v in about.items() if k != "files"} == written
    assert written["name"] == "tile"
    assert written["seed"] == 9
    assert written["parameters"]["array_rows"] == 2
    assert written["netlist_hash"] == problem.netlist.content_hash
    assert written["counts"]["hard_macros"] == len(problem.netlist.hard)
    assert written["canvas"]["columns"] == problem.canvas.columns
    assert about["files"] == [str(tmp_path / "tile" / n) for n in (NETLIST_FILE, PLACEMENT_FILE, MANIFEST_FILE)]


def test_what_a_file_says_of_its_template_is_enough_to_make_it_again(tmp_path: Path) -> None:
    run("systolic_tile", SMALL, 9, tmp_path / "a")
    said = tomllib.loads((tmp_path / "a" / MANIFEST_FILE).read_text())
    run(said["template"], said["parameters"], said["seed"], tmp_path / "b" / "a")
    for name in (NETLIST_FILE, PLACEMENT_FILE, MANIFEST_FILE):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / "a" / name).read_bytes()


def test_settings_take_the_types_of_the_parameters() -> None:
    got = parse_params("systolic_tile", ["mac_rows=64", "rent_exponent = 0.6", "technology=n7"])
    assert got == {"mac_rows": 64, "rent_exponent": 0.6, "technology": "n7"}


@pytest.mark.parametrize("setting", ["mac_rows", "mac_rows=1.5", "rent_exponent=x", "no_such=1"])
def test_settings_that_make_no_sense_are_refused(setting: str) -> None:
    with pytest.raises(ProblemError, match=setting.partition("=")[0]):
        parse_params("systolic_tile", [setting])


def test_a_refused_template_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError):
        run("no_such", {}, 1, tmp_path / "x")
    with pytest.raises(ProblemError):
        run("systolic_tile", {"mac_rows": 7}, 1, tmp_path / "x")
    with pytest.raises(ProblemError, match="seed"):
        run("systolic_tile", {"seed": 7}, 1, tmp_path / "x")
    assert not (tmp_path / "x").exists()
