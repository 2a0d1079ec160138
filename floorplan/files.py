"""Reading and writing whole files: compression by suffix, and no half-written file under its final name."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import os
import tempfile
import tomllib
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from floorplan.errors import FloorplanError, ParseError

__all__ = [
    "MAX_BYTES",
    "atomic_write_bytes",
    "atomic_write_text",
    "compress_for",
    "plain_name",
    "read_bytes_maybe_compressed",
    "read_toml",
    "sha256_of",
    "write_bytes_by_suffix",
]

MAX_BYTES = 1 << 30
"""Largest file, uncompressed, that is read: ten times the largest public netlist. A compressed bomb stops here."""

_SUFFIXES = (".gz", ".xz")
_PIECE = 1 << 24


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def atomic_write_bytes(path: str | Path, data: bytes) -> None:
    """Write `data` to `path` so that a reader, or a crash, sees the old file or the new one, never a part.

    The data goes to a temporary name in the same folder, is flushed to the disk, and then takes the name over.

    Raises:
        OSError: the folder does not exist or cannot be written.
    """
    target = Path(path)
    handle, temporary = tempfile.mkstemp(prefix=f".{target.name[:64]}.", suffix=".tmp", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as f:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
        Path(temporary).chmod(mode)  # mkstemp makes files that only their owner can read
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def atomic_write_text(path: str | Path, text: str) -> None:
    """Write `text` as UTF-8, with its own line ends, as `atomic_write_bytes` does."""
    atomic_write_bytes(path, text.encode())


def read_toml(path: Path, refuse: Callable[[str], FloorplanError]) -> tuple[dict[str, Any], str]:
    """Return the tables of a TOML file and its text.

    Raises:
        FloorplanError: what `refuse` makes of a cause in words: missing, unreadable, or not TOML.
    """
    try:
        text = path.read_text("utf-8")
        return tomllib.loads(text), text
    except FileNotFoundError:
        raise refuse("no such file") from None
    except OSError as e:
        raise refuse(f"cannot be read ({e.strerror or e})") from None
    except RecursionError:
        raise refuse("is not TOML (nested too deeply)") from None
    except ValueError as e:  # also not UTF-8, and whole numbers of thousands of digits
        raise refuse(f"is not TOML ({str(e).partition(';')[0]})") from None


def plain_name(path: str | Path) -> str:
    """Return the file's name without a compression suffix."""
    p = Path(path)
    return p.name[: -len(p.suffix)] if p.suffix in _SUFFIXES else p.name


def compress_for(path: str | Path, data: bytes) -> bytes:
    """Compress `data` as the suffix of `path` says (.gz, .xz, else not); equal data gives equal bytes."""
    suffix = Path(path).suffix
    if suffix == ".gz":
        return gzip.compress(data, compresslevel=6, mtime=0)
    if suffix == ".xz":
        return lzma.compress(data, preset=6)
    return data


def write_bytes_by_suffix(path: str | Path, data: bytes) -> None:
    """Write `data` atomically, compressed as the suffix of `path` says."""
    atomic_write_bytes(path, compress_for(path, data))


def read_bytes_maybe_compressed(path: str | Path, max_bytes: int = MAX_BYTES) -> bytes:
    """Return the content of a plain, .gz or .xz file (by suffix).

    Raises:
        ParseError: the file is missing, unreadable, a folder, damaged, cut short, or larger than `max_bytes`.
    """
    p = Path(path)
    try:
        with p.open("rb") as raw:
            data = _read_up_to(_plain_stream(p, raw), max_bytes + 1)
    except FileNotFoundError:
        raise ParseError(p, 0, "no such file") from None
    except IsADirectoryError:
        raise ParseError(p, 0, "is a folder, not a file") from None
    except EOFError:
        raise ParseError(p, 0, "compressed file is cut short") from None
    except (lzma.LZMAError, zlib.error, gzip.BadGzipFile) as e:
        raise ParseError(p, 0, f"compressed file is damaged ({e})") from None
    except OSError as e:
        raise ParseError(p, 0, f"cannot be read ({e.strerror or e})") from None
    except ValueError as e:  # a NUL in the name
        raise ParseError(p, 0, f"cannot be read ({e})") from None
    if len(data) > max_bytes:
        raise ParseError(p, 0, f"holds more than {max_bytes} bytes")
    return data


def _read_up_to(stream: IO[bytes] | gzip.GzipFile | lzma.LZMAFile, most: int) -> bytes:
    """Return what is left of a stream, at most so many bytes; read(n) would make room for n bytes at once."""
    out = bytearray()
    while len(out) < most and (piece := stream.read(min(most - len(out), _PIECE))):
        out += piece
    return bytes(out)


def _plain_stream(path: Path, raw: IO[bytes]) -> IO[bytes] | gzip.GzipFile | lzma.LZMAFile:
    if path.suffix == ".gz":
        return gzip.open(raw)
    if path.suffix == ".xz":
        return lzma.open(raw)
    return raw


def _umask() -> int:
    # the process's umask can only be read by setting it
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut, where the system lets a folder be opened."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass  # some network file systems refuse; the data itself is on the disk
    finally:
        os.close(handle)
