"""Whole files: complete or not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from floorplan.files import (
    atomic_write_bytes,
    atomic_write_text,
    plain_name,
    read_bytes_maybe_compressed,
    write_bytes_by_suffix,
)


def test_write_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    atomic_write_text(path, "old")
    atomic_write_text(path, "n\u00e9w\r\n")
    assert path.read_bytes() == "n\u00e9w\r\n".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_permissions_are_those_of_an_ordinary_file(tmp_path: Path) -> None:
    ordinary, path = tmp_path / "ordinary", tmp_path / "a"
    ordinary.write_bytes(b"")
    atomic_write_bytes(path, b"")
    assert path.stat().st_mode == ordinary.stat().st_mode
    path.chmod(0o640)
    atomic_write_bytes(path, b"x")
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    atomic_write_bytes(path, b"old")

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        atomic_write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        atomic_write_bytes(tmp_path / "none" / "a", b"")


@pytest.mark.parametrize("name", ["a.bin", "a.bin.gz", "a.bin.xz"])
def test_compression_round_trip(tmp_path: Path, name: str) -> None:
    data = bytes(range(256)) * 100
    write_bytes_by_suffix(tmp_path / name, data)
    assert read_bytes_maybe_compressed(tmp_path / name) == data
    assert ((tmp_path / name).stat().st_size < len(data)) == (name != "a.bin")
    assert plain_name(tmp_path / name) == "a.bin"
