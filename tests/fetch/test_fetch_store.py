from __future__ import annotations

import gzip
import io
import sys
import tarfile
from pathlib import Path

import pytest

from floorplan.fetch import (
    FetchError,
    MismatchError,
    SourceError,
    UnsafeArchiveError,
    data_folder,
    fetch_design,
    fetched_netlist,
    kept_bytes,
    mirror_from_environment,
    read_catalog,
)
from floorplan.fetch.catalog import Catalog, CatalogDesign, CatalogFile, Suite
from floorplan.fetch.download import Got
from floorplan.fetch.sources import urls_of
from tests.fetch.fetch_server import QUICK, Origin, listed

NETLIST, PLACEMENT = b"netlist " * 500, b"placement " * 50
FILES = {"netlist.pb.txt": NETLIST, "initial.plc": PLACEMENT}


def design_of(*files: CatalogFile) -> CatalogDesign:
    return CatalogDesign("tile", "suite", files)


@pytest.fixture
def tile(origin: Origin, monkeypatch: pytest.MonkeyPatch) -> CatalogDesign:
    design = design_of(*(listed(data, name) for name, data in FILES.items()))
    for file in design.files:
        origin.put(file, FILES[file.name])
    monkeypatch.setenv("FLOORPLAN_MIRROR", origin.base + "/")
    return design


def test_a_design_is_a_folder_in_the_data_folder(tile: CatalogDesign, tmp_path: Path) -> None:
    catalog = Catalog(tmp_path, (Suite("suite", "what", "licence", (tile,)),))
    assert kept_bytes(tile) == 0
    assert fetched_netlist("tile", catalog) is None
    done = fetch_design(tile, limits=QUICK)
    assert done.folder == tmp_path / "data" / "netlists" / "suite" / "tile"
    assert {name: (done.folder / name).read_bytes() for name in FILES} == FILES
    assert kept_bytes(tile) == tile.size == len(NETLIST) + len(PLACEMENT)
    assert fetched_netlist("tile", catalog) == done.folder / "netlist.pb.txt"
    assert fetched_netlist("other", catalog) is None
    assert done.next_command == f"floorplan place {done.folder / 'netlist.pb.txt'} --out tile.plc"


def test_a_destination_gets_copies_and_the_network_is_asked_once(
    tile: CatalogDesign, tmp_path: Path, origin: Origin
) -> None:
    for folder in ("one", "two", "two"):
        done = fetch_design(tile, tmp_path / folder, limits=QUICK)
        assert done.folder == tmp_path / folder / "tile"
        assert sorted(p.name for p in done.folder.iterdir()) == ["initial.plc", "netlist.pb.txt"]
    assert len(origin.seen) == 2


def test_a_file_of_ones_own_is_never_overwritten(tile: CatalogDesign, tmp_path: Path) -> None:
    mine = tmp_path / "tile" / "initial.plc"
    mine.parent.mkdir()
    mine.write_text("my own placement")
    with pytest.raises(FetchError, match="is there with other content"):
        fetch_design(tile, tmp_path, limits=QUICK)
    assert mine.read_text() == "my own placement"


def test_a_destination_that_cannot_be_written(tile: CatalogDesign, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FetchError, match="cannot be written to"):
        fetch_design(tile, tmp_path / "file", limits=QUICK)


def test_a_data_folder_that_cannot_be_written(
    tile: CatalogDesign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FLOORPLAN_DATA", str(tmp_path / "file" / "below"))
    with pytest.raises(FetchError, match="cannot be kept at"):
        fetch_design(tile, limits=QUICK)


def tar_gz(name: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(NETLIST)
        tar.addfile(info, io.BytesIO(NETLIST))
    return gzip.compress(out.getvalue(), mtime=0)


def test_an_archive_is_unpacked_beside_itself(origin: Origin, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FLOORPLAN_MIRROR", origin.base)
    data = tar_gz("deep/netlist.pb.txt")
    file = listed(data, "designs.tar.gz", archive="tar", unpacked_size=10_000)
    origin.put(file, data)
    for dest in (None, None, tmp_path / "mine"):
        done = fetch_design(design_of(file), dest, limits=QUICK)
        assert (done.folder / "designs" / "deep" / "netlist.pb.txt").read_bytes() == NETLIST


def test_an_archive_that_leads_out_is_refused_though_its_hash_is_right(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOORPLAN_MIRROR", origin.base)
    data = tar_gz("../../escaped")
    file = listed(data, "designs.tar.gz", archive="tar", unpacked_size=10_000)
    origin.put(file, data)
    with pytest.raises(UnsafeArchiveError, match="leads out"):
        fetch_design(design_of(file), limits=QUICK)
    assert not list(data_folder().parent.rglob("escaped"))


def test_a_mirror_that_lies_is_found_out(tile: CatalogDesign, origin: Origin) -> None:
    origin.put(tile.files[0], b"mirage!!" * 500)
    with pytest.raises(MismatchError):
        fetch_design(tile, limits=QUICK)
    assert kept_bytes(tile) == 0


def test_the_layout_of_a_mirror_is_that_of_the_hosting_site() -> None:
    file = listed(NETLIST, path="a folder/x.plc")
    tail = f"someone/chips/{file.commit}/a%20folder/x.plc"
    assert urls_of(file, "http://m/base") == (f"http://m/base/{tail}",)
    raw, lfs = urls_of(file)
    assert raw == f"https://raw.githubusercontent.com/{tail}"
    assert lfs == f"https://media.githubusercontent.com/media/{tail}"


def test_a_folder_as_mirror(tile: CatalogDesign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in tile.files:
        path = tmp_path / "my mirror" / file.repository / file.commit / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(FILES[file.name])
    for given in (str(tmp_path / "my mirror"), (tmp_path / "my mirror").as_uri()):
        monkeypatch.setenv("FLOORPLAN_MIRROR", given)
        monkeypatch.setenv("FLOORPLAN_DATA", str(tmp_path / str(len(given))))
        assert kept_bytes(fetch_design(tile, limits=QUICK).design) == tile.size


@pytest.mark.parametrize(
    "given",
    ["ftp://host/x", "host/x", "http://", "https://me:secret@host/x", "http://h/x?y", "http://h/#", "http://[h/x"],
)
def test_a_mirror_that_cannot_be_used(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOORPLAN_MIRROR", given)
    with pytest.raises(SourceError, match="FLOORPLAN_MIRROR") as error:
        mirror_from_environment()
    assert "secret" not in str(error.value)


@pytest.mark.skipif(sys.platform == "win32", reason="the custom of other systems")
def test_where_the_data_folder_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_folder() == tmp_path / "data"
    monkeypatch.delenv("FLOORPLAN_DATA")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    assert data_folder() == tmp_path / "xdg" / "floorplan"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert data_folder() == tmp_path / ".local" / "share" / "floorplan"
    monkeypatch.setattr("sys.platform", "darwin")
    assert data_folder() == tmp_path / "Library" / "Application Support" / "floorplan"
    monkeypatch.setenv("FLOORPLAN_DATA", "~/here")
    assert data_folder() == tmp_path / "here"


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("NanGate45_ariane133", "floorplan place {}/netlist.pb.txt --out NanGate45_ariane133.plc"),
        (
            "ASAP7_mempool_tile_flat",
            "floorplan cluster {0}/flat.pb.txt --groups {0}/groups.final --grid-from {0}/clustered.plc"
            " --out ASAP7_mempool_tile_flat.pb.txt",
        ),
        ("ibm01", "floorplan cluster {0}/ibm01.aux --grid-from {0}/tilos.plc --out ibm01.pb.txt"),
        ("ct_ariane_lefdef", "floorplan convert {0}/ariane.lef {0}/ariane.def ct_ariane_lefdef.pb.txt"),
        ("ct_grouping", "floorplan inspect {}/ariane_test.pb.txt"),
    ],
)
def test_what_to_do_with_each_kind_of_design(
    name: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (design,) = read_catalog().select(name)
    monkeypatch.setattr("floorplan.fetch.store.fetch_file", lambda *given: Got(given[1], True, 0))
    done = fetch_design(design)
    assert done.next_command == command.format(done.folder)
