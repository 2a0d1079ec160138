from __future__ import annotations

import lzma
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

import floorplan.fetch.catalog
from floorplan.errors import UnknownNameError
from floorplan.fetch import CatalogError, read_catalog, shipped_catalog
from floorplan.fetch.catalog import CatalogDesign, CatalogFile
from floorplan.fetch.digest import lfs_pointer
from floorplan.fetch.names import why_unsafe
from floorplan.formats import find_placement
from tests.fetch.fetch_server import blob_of

CATALOG = read_catalog()


def local_copy(benchmarks: Path, design: CatalogDesign, file: CatalogFile) -> Path:
    """Return where the local collection keeps a listed file, under another name in places."""
    if design.suite.startswith("tilos-"):
        name = {"clustered.plc": "initial.plc"}.get(file.name, file.name)
        path = benchmarks / "ct" / design.name.removesuffix("_flat") / name
    elif design.suite == "iccad04":
        path = benchmarks / "iccad04" / design.name / {"tilos.plc": "tilos_initial.plc"}.get(file.name, file.name)
    elif design.suite == "ariane-lefdef":
        path = benchmarks / "ct_ariane_lefdef" / file.name
    elif design.suite == "openroad":
        folder = {"Nangate45.lef": "Nangate45"}.get(file.name, "testcases")
        path = benchmarks / "openroad_lefdef" / "mpl" / folder / file.name
    else:
        folder = {"ct_grouping": "grouping_cases", "ct_ariane_placements": "designs/ariane"}.get(
            design.name, f"designs/{design.name}"
        )
        path = benchmarks / "ct_testdata" / folder / file.name
    return path if path.exists() else path.with_name(path.name + ".xz")


@pytest.mark.parametrize("design", CATALOG.designs, ids=lambda d: d.name)
def test_every_entry_is_the_hash_and_size_of_the_local_file(benchmarks: Path, design: CatalogDesign) -> None:
    checked = 0
    for file in design.files:
        path = local_copy(benchmarks, design, file)
        if not path.exists():
            continue
        if file.size > 20_000_000 and file.packed:
            continue  # seconds each; test_every_large_entry_too checks them
        data = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
        assert (blob_of(data), len(data)) == (file.blob, file.size), file.label
        checked += 1
    if not checked:
        pytest.skip(f"no small file of {design.name} in {benchmarks}")


@pytest.mark.slow
def test_every_large_entry_too(benchmarks: Path) -> None:
    large = [(d, f) for d in CATALOG.designs for f in d.files if f.size > 20_000_000 and f.packed]
    assert len(large) == 3
    for design, file in large:
        data = lzma.decompress(local_copy(benchmarks, design, file).read_bytes())
        assert (blob_of(data), len(data)) == (file.blob, file.size), file.label


def test_the_catalogue_names_what_it_promises() -> None:
    names = {d.name for d in CATALOG.designs}
    assert {"NanGate45_ariane133", "ASAP7_mempool_tile", "SKY130HD_ariane133", "ibm01", "macro_tiles_10x10"} <= names
    assert all(suite.licence and suite.what for suite in CATALOG.suites)
    for design in CATALOG.designs:
        files = {f.name for f in design.files}
        if "netlist.pb.txt" in files:  # what `floorplan place` looks for beside a netlist
            assert "initial.plc" in files


def test_a_fetched_netlist_finds_its_placement(tmp_path: Path) -> None:
    for file in CATALOG.select("toy_macro_stdcell")[0].files:
        (tmp_path / file.name).write_text("")
    assert find_placement(tmp_path / "netlist.pb.txt") == tmp_path / "initial.plc"


def test_names_of_designs_suites_and_all() -> None:
    assert [d.name for d in CATALOG.select("ibm01")] == ["ibm01"]
    assert {d.suite for d in CATALOG.select("iccad04")} == {"iccad04"}
    assert CATALOG.select("all") == CATALOG.designs
    with pytest.raises(UnknownNameError, match=r"unknown design or suite 'ibm99'; known: .*ibm01"):
        CATALOG.select("ibm99")


def test_a_wheels_own_catalogue_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / "floorplan" / "fetch" / "catalog.py"
    monkeypatch.setattr(floorplan.fetch.catalog, "__file__", str(module))
    with pytest.raises(CatalogError, match="no such file"):
        shipped_catalog()
    for folder in (tmp_path / "netlists", tmp_path / "floorplan" / "_netlists"):
        folder.mkdir(parents=True)
        (folder / "catalog.toml").write_text("")
        assert shipped_catalog() == folder / "catalog.toml"


def table(**more: Any) -> dict[str, Any]:
    return {"path": "a/b.plc", "blob": "0" * 40, "size": 7, "commit": "1" * 40, **more}


def suite(*files: dict[str, Any], **more: Any) -> dict[str, Any]:
    design = [{"name": "tile", "files": [*files]}]
    return {"name": "s", "what": "w", "licence": "l", "repository": "a/b", "design": design, **more}


@pytest.mark.parametrize(
    ("tables", "what"),
    [
        ({}, "suite is missing"),
        ({"suite": [], "more": 1}, "unknown key 'more'"),
        ({"suite": {}}, "suite is not of type list"),
        ({"suite": ["s"]}, "is not a table"),
        ({"suite": [suite()]}, "design tile: no file"),
        ({"suite": [suite(table(blob="0" * 39))]}, "blob '0+' is not 40 hexadecimal digits"),
        ({"suite": [suite(table(blob="G" * 40))]}, "is not 40 hexadecimal digits"),
        ({"suite": [suite(table(commit="main"))]}, "commit 'main' is not 40"),
        ({"suite": [suite({"path": "a", "blob": "0" * 40, "size": 1})]}, "commit '' is not 40"),
        ({"suite": [suite(table(size=0))]}, "size 0 is not between"),
        ({"suite": [suite(table(size=2**40))]}, "is not between"),
        ({"suite": [suite(table(size=True))]}, "size is not of type int"),
        ({"suite": [suite(table(size="7"))]}, "size is not of type int"),
        ({"suite": [suite(table(name="../x"))]}, "leads out"),
        ({"suite": [suite(table(path="/etc/passwd"))]}, "absolute"),
        ({"suite": [suite(table(repository="a/b/c"))]}, "not owner/name"),
        ({"suite": [suite(table(repository="../b"))]}, "not owner/name"),
        ({"suite": [suite(table(packed="xz"))]}, "packed 'xz' is not one of"),
        ({"suite": [suite(table(archive="tar"))]}, "unpacked_size 0 is not between"),
        ({"suite": [suite(table(name="x", archive="tar", unpacked_size=1))]}, "must have a suffix"),
        ({"suite": [suite(table(surprise=1))]}, "unknown key 'surprise'"),
        ({"suite": [suite(table(), table(name="B.PLC"))]}, "listed twice"),
        ({"suite": [suite(table(name="x"), table(name="x/y"))]}, "listed twice"),
        ({"suite": [suite(table()), suite(table())]}, "given twice"),
        ({"suite": [suite(table(), name="Tile")]}, "given twice"),
        ({"suite": [suite(table(), name="all")]}, "reserved"),
        ({"suite": [suite(table(), name="a b")]}, "letters, digits"),
    ],
)
def test_a_catalogue_that_is_wrong_is_refused(tmp_path: Path, tables: dict[str, Any], what: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(tomli_w.dumps(tables))
    with pytest.raises(CatalogError, match=what) as error:
        read_catalog(path)
    assert str(error.value).startswith(str(path))


def test_a_catalogue_that_is_not_there_or_not_toml(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="no such file"):
        read_catalog(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_bytes(b"\xff = [")
    with pytest.raises(CatalogError, match="is not TOML"):
        read_catalog(tmp_path / "bad.toml")


UNSAFE = [
    "",
    "/a",
    "..",
    "a/../b",
    "a//b",
    "a/",
    "./a",
    ".hidden",
    "a/.git",
    "-rf",
    "a\\b",
    "c:x",
    "a\0",
    "a\nb",
    "nul",
]
UNSAFE += ["x/CON.txt", "a ", "a.", "x" * 201, "ä" * 101, "x/" * 600 + "x", "\udc80"]


@pytest.mark.parametrize("name", UNSAFE)
def test_names_that_are_unsafe_somewhere(name: str) -> None:
    assert why_unsafe(name) is not None


@given(st.text(max_size=30))
def test_a_name_that_passes_stays_in_its_folder(name: str) -> None:
    if why_unsafe(name) is None:
        assert (Path("/base") / name).is_relative_to("/base")
        assert ".." not in Path(name).parts


@pytest.mark.parametrize("name", ["a", "a/b.c", "Nangate45/x_1-2.lef", "console", "compact.plc", "ä"])
def test_names_that_are_fine(name: str) -> None:
    assert why_unsafe(name) is None


def test_pointers_of_git_lfs() -> None:
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12\n".encode()
    pointer = lfs_pointer(text)
    assert pointer is not None
    assert (pointer.sha256, pointer.size) == ("0" * 64, 12)
    for other in (b"", text[:-1], text + b"x", text.replace(b"sha256", b"md5"), b"#" * 2000):
        assert lfs_pointer(other) is None


def test_the_blob_hash_is_that_of_git(tmp_path: Path) -> None:
    # the hashes that git itself gives for an empty file and for one line
    assert blob_of(b"") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert blob_of(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"
