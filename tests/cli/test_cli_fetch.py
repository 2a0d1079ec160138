from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w
import tyro

from floorplan.cli.fetch import Fetch, NothingNamedError
from floorplan.errors import UnknownNameError
from floorplan.fetch import FetchError, fetched_netlist, read_catalog
from floorplan.formats import read_problem
from tests.fetch.fetch_server import COMMIT, REPOSITORY, Origin, blob_of, running


def fetch(*args: str | Path) -> int:
    return tyro.cli(Fetch, args=[*map(str, args)]).run()


@pytest.fixture
def origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Origin]:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("FLOORPLAN_DATA", str(tmp_path / "data"))
    with running() as server:
        monkeypatch.setenv("FLOORPLAN_MIRROR", server.base)
        yield server


@pytest.fixture
def catalog(origin: Origin, two_macros: Path, tmp_path: Path) -> Path:
    """A catalogue of the problem of two macros, which the server has."""
    files: list[dict[str, Any]] = []
    for name in ("netlist.pb.txt", "initial.plc"):
        data = (two_macros / name).read_bytes()
        origin.handler.files[f"/mirror/{REPOSITORY}/{COMMIT}/two/{name}"] = data
        files.append({"path": f"two/{name}", "blob": blob_of(data), "size": len(data)})
    designs = [{"name": "two", "files": files}, {"name": "gone", "files": [{**files[0], "path": "no/such.pb.txt"}]}]
    suite = {"name": "own", "what": "of [mine]", "licence": "none", "repository": REPOSITORY, "commit": COMMIT}
    (tmp_path / "own.toml").write_text(tomli_w.dumps({"suite": [{**suite, "design": designs}]}))
    return tmp_path / "own.toml"


def test_a_fetched_design_is_ready_to_be_placed(
    catalog: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetch("two", "--catalog", catalog) == 0
    out, err = capsys.readouterr()
    folder = tmp_path / "data" / "netlists" / "own" / "two"
    assert out == f"two: {folder}\n  next: floorplan place {folder / 'netlist.pb.txt'} --out two.plc\n"
    assert "fetching two/netlist.pb.txt" in err
    problem = read_problem(folder / "netlist.pb.txt")
    assert len(problem.netlist.hard) == 2
    assert fetched_netlist("two", read_catalog(catalog)) == folder / "netlist.pb.txt"


def test_json_and_quiet(catalog: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = [f.size for f in read_catalog(catalog).select("two")[0].files]
    for kept, came in ((False, sum(sizes)), (True, 0)):
        assert fetch("two", "two", "--catalog", catalog, "--dest", tmp_path / "here", "--json", "--quiet") == 0
        out, err = capsys.readouterr()
        assert err == ""
        said = json.loads(out)
        assert said["transferred_bytes"] == came
        (design,) = said["designs"]
        assert design["folder"] == str(tmp_path / "here" / "two")
        assert [f["was_kept"] for f in design["files"]] == [kept, kept]
        assert [f["bytes"] for f in design["files"]] == sizes
        assert all(blob_of(Path(f["path"]).read_bytes()) == f["blob"] for f in design["files"])


def test_the_list_says_what_is_here(catalog: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fetch("two", "--catalog", catalog, "--quiet")
    capsys.readouterr()
    assert fetch("--list", "--json", "--catalog", catalog) == 0
    (suite,) = json.loads(capsys.readouterr().out)["suites"]
    two, gone = suite["designs"]
    assert (two["kept_bytes"], gone["kept_bytes"]) == (two["bytes"], 0)
    assert fetch("--list", "--catalog", catalog) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "own  of [mine]; licence: none"
    assert [line.split()[0] for line in lines if line.endswith(" here")] == ["two"]


def test_the_shipped_list_needs_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FLOORPLAN_DATA", str(tmp_path))
    assert fetch("--list", "iccad04") == 0
    out = capsys.readouterr().out
    assert "ibm01" in out
    assert "NanGate45" not in out
    assert list(tmp_path.iterdir()) == []


def test_what_was_fetched_before_a_failure_is_said(catalog: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(FetchError, match=r"gone/such\.pb\.txt: .* answered 404"):
        fetch("own", "--catalog", catalog, "--quiet")
    assert capsys.readouterr().out.startswith("two: ")


def test_names_that_mean_nothing(catalog: Path, origin: Origin) -> None:
    with pytest.raises(NothingNamedError, match="--list"):
        fetch()
    with pytest.raises(UnknownNameError, match="unknown design or suite 'three'"):
        fetch("two", "three", "--catalog", catalog)
    assert origin.seen == []
