from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import floorplan.fetch.unpack
from floorplan.fetch import UnsafeArchiveError
from floorplan.fetch.unpack import unpack_archive

MOST = 100_000


def tar_of(*members: tuple[str, bytes], change: Callable[[tarfile.TarInfo], None] = lambda _: None) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            change(info)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zip_of(*members: tuple[str, bytes], mode: int = 0) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as whole:
        for name, data in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            whole.writestr(info, data)
    return out.getvalue()


def unpack(tmp_path: Path, data: bytes, kind: str) -> Path:
    archive = tmp_path / "designs.archive"
    archive.write_bytes(data)
    unpack_archive(archive, kind, tmp_path / "designs", MOST)
    return tmp_path / "designs"


GOOD = (("./a/x.plc", b"one"), ("a/b/y.plc", b"two"), ("z", b""))


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        *((pack(tar_of(*GOOD)), "tar") for pack in (bytes, gzip.compress, lzma.compress, bz2.compress)),
        (zip_of(*GOOD), "zip"),
    ],
    ids=["tar", "tar.gz", "tar.xz", "tar.bz2", "zip"],
)
def test_a_good_archive_becomes_a_folder(tmp_path: Path, data: bytes, kind: str) -> None:
    folder = unpack(tmp_path, data, kind)
    assert {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()} == {
        "a/x.plc": b"one",
        "a/b/y.plc": b"two",
        "z": b"",
    }
    assert sorted(p.name for p in tmp_path.iterdir()) == ["designs", "designs.archive"]


def test_folders_may_be_members(tmp_path: Path) -> None:
    def folder_if_empty(info: tarfile.TarInfo) -> None:
        if not info.size:
            info.type = tarfile.DIRTYPE

    assert (
        unpack(tmp_path, tar_of(("./", b""), ("a", b""), ("a/x", b"1"), change=folder_if_empty), "tar") / "a/x"
    ).is_file()


def of_type(kind: bytes, link: str = "") -> Callable[[tarfile.TarInfo], None]:
    def change(info: tarfile.TarInfo) -> None:
        info.type, info.linkname = kind, link

    return change


def pax_bomb() -> bytes:
    """Return a tar file whose first header asks for a name of 20 MB."""
    head = tarfile.TarInfo("name")
    head.type, head.size = tarfile.XHDTYPE, 20_000_000
    return head.tobuf() + b"\0" * 20_000_000


REFUSED = [
    ("leads out", tar_of(("../x", b"1")), "tar"),
    ("leads out", tar_of(("a/../../x", b"1")), "tar"),
    ("absolute", tar_of(("/etc/x", b"1")), "tar"),
    ("not every system", tar_of(("a\\..\\x", b"1")), "tar"),
    ("link, device", tar_of(("a", b""), change=of_type(tarfile.SYMTYPE, "/etc")), "tar"),
    ("link, device", tar_of(("a", b""), change=of_type(tarfile.LNKTYPE, "/etc/passwd")), "tar"),
    ("link, device", tar_of(("a", b""), change=of_type(tarfile.CHRTYPE)), "tar"),
    ("link, device", tar_of(("a", b""), change=of_type(tarfile.BLKTYPE)), "tar"),
    ("link, device", tar_of(("a", b""), change=of_type(tarfile.FIFOTYPE)), "tar"),
    ("there twice", tar_of(("a", b"1"), ("A", b"2")), "tar"),
    ("file and a folder", tar_of(("a", b"1"), ("a/b", b"2")), "tar"),
    ("more than the 100000", tar_of(("a", b"1" * 60_000), ("b", b"1" * 60_000)), "tar"),
    ("more than the 100000", gzip.compress(tar_of(("a", bytes(5_000_000)))), "tar"),
    ("damaged", gzip.compress(tar_of(("a", b"1" * 50_000)))[:-30], "tar"),
    ("damaged", tar_of(("a", b"1" * 50_000))[:20_000], "tar"),
    ("damaged", b"no archive at all" * 100, "tar"),
    ("leads out", zip_of(("../x", b"1")), "zip"),
    ("absolute", zip_of(("/x", b"1")), "zip"),
    ("link, device", zip_of(("a", b"/etc"), mode=stat.S_IFLNK | 0o777), "zip"),
    ("there twice", zip_of(("a", b"1"), ("A", b"2")), "zip"),
    ("more than the 100000", zip_of(("a", bytes(5_000_000))), "zip"),
    ("damaged", zip_of(("a", b"1"))[:-10], "zip"),
    ("damaged", b"", "zip"),
]


@pytest.mark.parametrize(("what", "data", "kind"), REFUSED, ids=[f"{i}-{r[0]}" for i, r in enumerate(REFUSED)])
def test_an_archive_that_is_up_to_something_leaves_nothing(tmp_path: Path, what: str, data: bytes, kind: str) -> None:
    with pytest.raises(UnsafeArchiveError, match=what):
        unpack(tmp_path, data, kind)
    assert [p.name for p in tmp_path.iterdir()] == ["designs.archive"]


def test_a_header_that_asks_for_memory_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floorplan.fetch.unpack, "MOST_MEMBERS", 10)
    archive = gzip.compress(pax_bomb(), compresslevel=1)
    with pytest.raises(UnsafeArchiveError, match="unpacks to more"):
        unpack(tmp_path, archive, "tar")


def test_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floorplan.fetch.unpack, "MOST_MEMBERS", 3)
    with pytest.raises(UnsafeArchiveError, match="more than 3 members"):
        unpack(tmp_path, tar_of(*[(f"m{i}", b"") for i in range(4)]), "tar")


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    data = bytearray(zip_of(("a", b"1")))
    data[data.index(b"PK\x01\x02") + 8] |= 1  # the flag in the central directory
    with pytest.raises(UnsafeArchiveError, match="encrypted"):
        unpack(tmp_path, bytes(data), "zip")


@pytest.mark.parametrize("kind", ["tar", "zip"])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_bytes_give_a_folder_or_the_typed_error(
    kind: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = bytearray(tar_of(*GOOD) if kind == "tar" else zip_of(*GOOD))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    tmp_path = tmp_path_factory.mktemp("fuzz")
    try:
        unpack(tmp_path, bytes(whole), kind)
    except UnsafeArchiveError:
        assert [p.name for p in tmp_path.iterdir()] == ["designs.archive"]
    inside = [p for p in tmp_path.rglob("*") if p.is_symlink() or not p.is_relative_to(tmp_path)]
    assert inside == []
