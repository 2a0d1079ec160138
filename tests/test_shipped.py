from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import floorplan.shipped
from floorplan.accelerator.command import MANIFEST_FILE, NETLIST_FILE, PLACEMENT_FILE, run
from floorplan.errors import ProblemError, UnknownNameError
from floorplan.formats import read_problem
from floorplan.shipped import DEFAULT_NETLIST, default_netlist, shipped_netlist, shipped_netlists


@pytest.mark.parametrize("name", shipped_netlists())
def test_the_generator_makes_every_shipped_file_again_byte_for_byte(name: str, tmp_path: Path) -> None:
    folder = shipped_netlist(name).parent
    said = tomllib.loads((folder / MANIFEST_FILE).read_text())
    run(said["template"], said["parameters"], said["seed"], tmp_path / name)
    for file in (NETLIST_FILE, PLACEMENT_FILE, MANIFEST_FILE):
        assert (tmp_path / name / file).read_bytes() == (folder / file).read_bytes(), file


@pytest.mark.parametrize("name", shipped_netlists())
def test_the_manifest_is_that_of_the_netlist(name: str) -> None:
    path = shipped_netlist(name)
    said = tomllib.loads((path.parent / MANIFEST_FILE).read_text())
    problem = read_problem(path)
    assert problem.netlist.content_hash == said["netlist_hash"]
    assert problem.netlist.name == said["name"] == name
    assert said["licence"] == "Apache-2.0"
    assert path.stat().st_size < 1_500_000


def test_the_default_is_shipped() -> None:
    assert default_netlist() == shipped_netlists()[DEFAULT_NETLIST]
    assert default_netlist().is_file()


def test_a_name_that_is_not_shipped_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="systolic64"):
        shipped_netlist("no_such")


def test_a_wheels_own_copy_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = tmp_path / "floorplan"
    monkeypatch.setattr(floorplan.shipped, "__file__", str(installed / "shipped.py"))
    with pytest.raises(ProblemError, match="no shipped netlists"):
        shipped_netlists()
    for folder in (installed / "_netlists", tmp_path / "netlists"):
        (folder / "tile").mkdir(parents=True)
        (folder / "tile" / "netlist.pb.txt").write_text("")
    assert shipped_netlists() == {"tile": installed / "_netlists" / "tile" / "netlist.pb.txt"}
