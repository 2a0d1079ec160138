"""Archives of netlists, unpacked without trust: nothing leads out, links, pretends or swells."""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import shutil
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any

from floorplan.fetch.errors import UnsafeArchiveError
from floorplan.fetch.names import why_unsafe

__all__ = ["MOST_MEMBERS", "unpack_archive"]

MOST_MEMBERS = 10_000

_CHUNK = 1 << 20
_OVERHEAD = 4096
"""Bytes of headers and padding that a member of a tar file may cost."""

_PACKERS: dict[bytes, Callable[[IO[bytes]], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"\xfd7zXZ\0": lzma.open,
    b"BZh": bz2.open,
}


def unpack_archive(archive: Path, kind: str, folder: Path, most_bytes: int) -> None:
    """Unpack a tar (plain, gzip, xz, bzip2) or zip file into a new folder, or make none.

    Raises:
        UnsafeArchiveError: a member has a path that leads out, is a link or device, is there twice, is encrypted; the
            archive is damaged or holds more than `most_bytes` or `MOST_MEMBERS`.
        OSError: the folder cannot be written or stands there with something in it.
    """
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".unpacking", dir=folder.parent))
    try:
        writer = _Writer(archive, made, most_bytes)
        try:
            (_tar if kind == "tar" else _zip)(archive, writer)
        except UnsafeArchiveError:
            raise
        except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
            raise UnsafeArchiveError(archive.name, f"is a damaged archive ({error})") from None
        except (NotImplementedError, RuntimeError, ValueError, OverflowError, LookupError, struct.error) as error:
            # what the standard library makes of archives in methods it does not know, and of fields out of range
            raise UnsafeArchiveError(archive.name, f"cannot be unpacked ({error})") from None
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            # zipfile seeks to wherever a damaged directory points
            raise UnsafeArchiveError(archive.name, "is a damaged archive (an offset out of range)") from None
        made.chmod(0o755)
        made.replace(folder)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


class _Writer:
    """Takes members and writes them below a folder, or refuses."""

    def __init__(self, archive: Path, folder: Path, most_bytes: int) -> None:
        self.archive, self.folder, self.left = archive, folder, most_bytes
        self.most_bytes = most_bytes
        self.seen: set[str] = set()

    def refuse(self, what: str) -> UnsafeArchiveError:
        return UnsafeArchiveError(self.archive.name, what)

    def path(self, name: str) -> Path:
        """Return where a member goes, having looked at its name."""
        shown = ascii(name[:100])
        name = name.removeprefix("./").rstrip("/")
        why = why_unsafe(name)
        if why is not None:
            raise self.refuse(f"member {shown} {why}")
        if name.lower() in self.seen:
            raise self.refuse(f"member {shown} is there twice")
        self.seen.add(name.lower())
        if len(self.seen) > MOST_MEMBERS:
            raise self.refuse(f"has more than {MOST_MEMBERS} members")
        return self.folder / name

    @contextmanager
    def no_clash(self, name: str) -> Iterator[None]:
        try:
            yield
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            raise self.refuse(f"member {name[:100]!a} is a file and a folder at once") from None

    def make_folder(self, name: str) -> None:
        if name.rstrip("/") in ("", "."):
            return
        path = self.path(name)
        with self.no_clash(name):
            path.mkdir(parents=True, exist_ok=True)

    def write(self, name: str, content: IO[bytes]) -> None:
        path = self.path(name)
        with self.no_clash(name):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(exist_ok=False)
        with path.open("wb") as out:
            while chunk := content.read(_CHUNK):
                self.left -= len(chunk)
                if self.left < 0:
                    raise self.refuse(f"holds more than the {self.most_bytes} bytes that the catalogue allows")
                out.write(chunk)


def _tar(archive: Path, writer: _Writer) -> None:
    # Names and sparse maps of any length stand in headers too, which are read into memory whole: one limit for all.
    limit = writer.most_bytes + _OVERHEAD * MOST_MEMBERS
    with _plain(archive) as plain, tarfile.open(fileobj=_limited(plain, limit, writer), mode="r|") as tar:
        for member in tar:
            if member.isdir():
                writer.make_folder(member.name)
                continue
            if not member.isreg() or member.issparse():
                raise writer.refuse(f"member {member.name[:100]!a} is a link, device or other special file")
            content = tar.extractfile(member)
            assert content is not None  # it is a regular file
            writer.write(member.name, content)


@contextmanager
def _plain(archive: Path) -> Iterator[IO[bytes]]:
    """Open a file that is compressed by its content, whatever its suffix."""
    with archive.open("rb") as raw:
        head = raw.read(6)
        raw.seek(0)
        open_packed = next((opener for magic, opener in _PACKERS.items() if head.startswith(magic)), None)
        with open_packed(raw) if open_packed else nullcontext(raw) as stream:
            yield stream


def _zip(archive: Path, writer: _Writer) -> None:
    with zipfile.ZipFile(archive) as whole:
        for member in whole.infolist():
            mode = member.external_attr >> 16
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise writer.refuse(f"member {member.filename[:100]!a} is a link, device or other special file")
            if member.flag_bits & 1:
                raise writer.refuse(f"member {member.filename[:100]!a} is encrypted")
            if member.is_dir():
                writer.make_folder(member.filename)
                continue
            with whole.open(member) as content:
                writer.write(member.filename, content)


def _limited(stream: IO[bytes], limit: int, writer: _Writer) -> Any:
    """Return a stream that refuses to give more than its limit, with what tarfile asks of a stream."""
    return _Limited(stream, limit, writer)


class _Limited:
    """A stream that refuses to give more than its limit."""

    def __init__(self, stream: IO[bytes], limit: int, writer: _Writer) -> None:
        self.stream, self.left, self.writer = stream, limit, writer

    def read(self, size: int) -> bytes:
        data = self.stream.read(size)
        self.left -= len(data)
        if self.left < 0:
            raise self.writer.refuse("unpacks to more than the catalogue allows")
        return data
