"""One listed file from a source to the disk: resumed where a part is there, checked before it gets its name."""

from __future__ import annotations

import errno
import gzip
import os
import random
import shutil
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from floorplan.fetch.catalog import CatalogFile
from floorplan.fetch.digest import LFS_LARGEST, LfsPointer, blob_hash, file_blob, lfs_pointer
from floorplan.fetch.errors import FetchError, MismatchError
from floorplan.fetch.folders import DATA_VARIABLE
from floorplan.fetch.transport import GoneAwayError, Limits, RangeError, RefusedError, request

__all__ = ["Got", "Report", "fetch_file", "is_kept", "part_beside"]

Report = Callable[[int, str], None]
"""Called with the bytes of the part so far, and with a note where there is something to say ("" otherwise)."""

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Got:
    """A file that is there now."""

    path: Path
    was_kept: bool
    """Whether it was there before, with the right content."""

    transferred: int
    """Bytes that came over the network."""


class _PointerError(Exception):
    """A repository gave a git-LFS pointer in place of the file."""

    def __init__(self, pointer: LfsPointer) -> None:
        self.pointer = pointer


def part_beside(file: CatalogFile, target: Path) -> Path:
    """Return the name under which the bytes so far stand; it begins with a dot, so that no pattern takes it up."""
    # of another content listed under the same name, another part
    return target.with_name(f".{target.name}.{file.blob[:12]}.part")


def is_kept(file: CatalogFile, target: Path) -> bool:
    """Return whether `target` holds what the catalogue lists, every byte of it."""
    return target.is_file() and target.stat().st_size == file.size and file_blob(target) == file.blob


def fetch_file(
    file: CatalogFile,
    target: Path,
    urls: tuple[str, ...],
    limits: Limits | None = None,
    report: Report | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Got:
    """Put a listed file under its name, from the first of `urls` that has it; at once if it is there already.

    Bytes go to a `.part` file beside it, which survives a failure or Ctrl-C and is continued the next time. Of two
    processes one fetches and the other waits.

    Raises:
        MismatchError: what came is not what is listed; it has been removed.
        FetchError: no connection within the tries, refused by the server, or no room.
    """
    report = report or _silent
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(target.parent / ".lock")  # one a folder
        try:
            lock.acquire(blocking=False)
        except Timeout:
            report(0, "another process is fetching it; waiting")
            lock.acquire()
        try:
            if is_kept(file, target):
                return Got(target, was_kept=True, transferred=0)
            if target.exists():
                report(0, "the kept copy is damaged; fetching it again")
            return _Transfer(file, target, limits or Limits(), report, sleep).run(urls)
        finally:
            lock.release()
    except NotImplementedError:
        what = f"the file system at {target.parent} has no locks; name another folder in {DATA_VARIABLE}"
        raise FetchError(file.label, what) from None
    except OSError as error:
        what = "the disk is full" if error.errno == errno.ENOSPC else error.strerror or str(error)
        raise FetchError(file.label, f"cannot be kept at {target} ({what})") from None


def _silent(_done: int, _note: str) -> None:
    """Report to nobody."""


class _Transfer:
    """The steps of fetching one file, under its lock."""

    def __init__(
        self, file: CatalogFile, target: Path, limits: Limits, report: Report, sleep: Callable[[float], None]
    ) -> None:
        self.file, self.target, self.limits = file, target, limits
        self.report, self.sleep = report, sleep
        self.part = part_beside(file, target)
        self.tag = self.part.with_suffix(".tag")
        self.transferred = 0

    def run(self, urls: tuple[str, ...]) -> Got:
        """Try the addresses in turn; the second and later ones only where a git-LFS pointer stands in for the file."""
        self._need_room()
        pointer: LfsPointer | None = None
        for url in urls:
            try:
                self._from(url)
            except _PointerError as error:
                self._drop()
                pointer = error.pointer
            else:
                return Got(self.target, was_kept=False, transferred=self.transferred)
        assert pointer is not None  # every other end of the loop returns or raises
        what = f"a git-LFS pointer to {pointer.size} bytes with sha256 {pointer.sha256}, not the file itself"
        raise MismatchError(self.file.label, urls[-1], self.file.blob, what)

    def _from(self, url: str) -> None:
        in_one_go = self._fill(url)
        try:
            self._accept(url)
        except MismatchError:
            self._drop()
            if in_one_go:
                raise
            # An old part, or a file that changed between two tries, may be at fault: once more from the beginning.
            self._fill(url)
            try:
                self._accept(url)
            except MismatchError:
                self._drop()
                raise

    def _fill(self, url: str) -> bool:
        """Make the part whole; return whether all of it came in one answer."""
        failures, restarted = 0, False
        while True:
            have = self._have()
            if not self.file.packed and have == self.file.size:
                return False
            if have > self.file.most_bytes:
                self._drop()
                continue
            try:
                return self._once(url, have)
            except RangeError as error:
                if have and error.total == have:
                    return False  # a compressed file whose length the catalogue does not know, all of which is there
                self._drop()
                if restarted:
                    raise FetchError(self.file.label, f"{url} does not give the file from its beginning") from None
                restarted = True
            except RefusedError as error:
                raise FetchError(self.file.label, f"{url} {error}") from None
            except GoneAwayError as error:
                grown = self._have() - have
                failures = 0 if grown >= self.limits.stall_bytes else failures + 1
                if failures >= self.limits.tries:
                    kept = f"; {self._have()} bytes are kept and will be continued" if self._have() else ""
                    what = f"{url}: {error.what}, {failures} times in a row{kept}"
                    raise FetchError(self.file.label, what) from None
                self._wait(error, failures)

    def _once(self, url: str, have: int) -> bool:
        file = self.file
        with request(url, have, self._tag_of(url), self.limits) as answer:
            done, total = answer.offset, answer.total
            short = total is not None and total < LFS_LARGEST  # may be a pointer: to be read, and looked at
            wrong = total is not None and (total > file.most_bytes or (not file.packed and total != file.size))
            if wrong and not short:
                self._drop()
                raise MismatchError(file.label, url, f"{file.size} bytes", f"{total} bytes")
            self._keep_tag(url, answer.tag)
            with self.part.open("ab" if done else "wb", buffering=0) as f:  # unbuffered: Ctrl-C loses nothing
                for chunk in answer.chunks:
                    if done + len(chunk) > max(file.most_bytes, LFS_LARGEST if short else 0):
                        self._drop()
                        raise MismatchError(file.label, url, f"at most {file.most_bytes} bytes", "more")
                    f.write(chunk)
                    done += len(chunk)
                    self.transferred += len(chunk)
                    self.report(done, "")
        self._look_for_pointer(done)
        if total is None and file.packed:
            if not self._ends():
                raise GoneAwayError(f"the connection was cut after {done} bytes")
        elif done < (whole := file.size if total is None else total):
            raise GoneAwayError(f"the connection was cut after {done} of {whole} bytes")
        return not answer.offset

    def _accept(self, url: str) -> None:
        """Check the part and give it, or what it unpacks to, its name."""
        file, ready = self.file, self.part
        if file.packed:
            ready = self.target.with_name(f".{self.target.name}.unpacked")
            try:
                found = self._unpack(ready)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                ready.unlink(missing_ok=True)
                raise MismatchError(file.label, url, file.blob, f"a damaged gzip file ({error})") from None
        else:
            found = file_blob(ready)
        if found != file.blob:
            ready.unlink(missing_ok=True)
            raise MismatchError(file.label, url, file.blob, found)
        with ready.open("rb+") as f:
            os.fsync(f.fileno())
        ready.replace(self.target)
        self._drop()

    def _ends(self) -> bool:
        """Return whether the packed part has an end, which may be all that tells a whole file from a cut one."""
        left = self.file.size
        try:
            with gzip.open(self.part) as packed:
                while left >= 0 and (chunk := packed.read(_CHUNK)):
                    left -= len(chunk)
        except EOFError:
            return False
        except (zlib.error, gzip.BadGzipFile):
            pass  # damaged, which more bytes do not mend
        return True

    def _unpack(self, out: Path) -> str:
        """Unpack the part and return the blob hash of what comes out, or say that it is too long."""
        digest, left = blob_hash(self.file.size), self.file.size
        with gzip.open(self.part) as packed, out.open("wb") as f:
            while chunk := packed.read(min(_CHUNK, left + 1)):
                left -= len(chunk)
                if left < 0:
                    return f"more than {self.file.size} bytes"
                digest.update(chunk)
                f.write(chunk)
        return digest.hexdigest() if left == 0 else f"{self.file.size - left} bytes"

    def _look_for_pointer(self, done: int) -> None:
        if done < LFS_LARGEST and done != self.file.size:
            pointer = lfs_pointer(self.part.read_bytes())
            if pointer is not None:
                raise _PointerError(pointer)

    def _need_room(self) -> None:
        need = max(0, self.file.size - self._have()) + (self.file.size if self.file.packed else 0)
        free = shutil.disk_usage(self.target.parent).free
        if free < need:
            raise FetchError(self.file.label, f"needs {need} bytes at {self.target.parent}, where {free} are free")

    def _wait(self, error: GoneAwayError, failures: int) -> None:
        # spread, so that many who lost the same server do not come back at once
        wait_s = self.limits.backoff_s * 2 ** max(0, failures - 1) * random.uniform(0.8, 1.2)
        wait_s = min(max(wait_s, error.wait_s or 0.0), self.limits.most_wait_s)
        self.report(self._have(), f"{error.what}; again in {wait_s:.1f} s")
        self.sleep(wait_s)

    def _have(self) -> int:
        return self.part.stat().st_size if self.part.is_file() else 0

    def _drop(self) -> None:
        self.part.unlink(missing_ok=True)
        self.tag.unlink(missing_ok=True)

    def _keep_tag(self, url: str, tag: str) -> None:
        if tag:
            self.tag.write_text(f"{url}\n{tag}", encoding="utf-8")
        else:
            self.tag.unlink(missing_ok=True)

    def _tag_of(self, url: str) -> str:
        """Return the entity tag of the part, if it came from this address."""
        try:
            from_url, _, tag = self.tag.read_text(encoding="utf-8").partition("\n")
        except (FileNotFoundError, UnicodeDecodeError):
            return ""
        # the tag goes into a header: nothing that a damaged file may hold must break out of it
        return tag if from_url == url and tag.isascii() and tag.isprintable() else ""
