"""What a file is: its git blob hash, or a git-LFS pointer that stands for another."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO

__all__ = ["LFS_LARGEST", "LfsPointer", "blob_hash", "file_blob", "lfs_pointer"]

LFS_LARGEST = 1024
"""Bytes: a git-LFS pointer is smaller than this, says its specification."""

_CHUNK = 1 << 20
_LFS = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-[^\n]*\n)*oid sha256:([0-9a-f]{64})\nsize (\d{1,18})\n"
)


@dataclass(frozen=True)
class LfsPointer:
    """What a repository holds in place of a large file."""

    sha256: str
    size: int
    """Bytes of the file that it stands for."""


def blob_hash(size: int) -> hashlib._Hash:
    """Return a hash that gives the git blob hash once it has been fed all `size` bytes of a file."""
    # git's own choice of hash: the catalogue holds the ids under which the repositories publish these files
    return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)


def file_blob(path: Path) -> str:
    """Return the git blob hash of a file, 40 hexadecimal digits.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as f:
        return _stream_blob(f, path.stat().st_size)


def lfs_pointer(data: bytes) -> LfsPointer | None:
    """Return the pointer that `data` is, None where it is not one."""
    found = _LFS.fullmatch(data) if len(data) < LFS_LARGEST else None
    return LfsPointer(found[1].decode(), int(found[2])) if found else None


def _stream_blob(stream: IO[bytes], size: int) -> str:
    digest = blob_hash(size)
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()
