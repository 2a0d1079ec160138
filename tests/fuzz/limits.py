"""What a reader may do with any bytes: give a result or a FloorplanError, soon and in little memory."""

from __future__ import annotations

import resource
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from floorplan.errors import FloorplanError, ParseError
from floorplan.files import MAX_BYTES, read_bytes_maybe_compressed
from tests.malformed.reading import FORMATS, folder_with

__all__ = ["CPU_LIMIT_S", "MEMORY_LIMIT_BYTES", "TooSlowError", "fault_of", "limited_memory", "limited_time"]

CPU_LIMIT_S = 5.0
MEMORY_LIMIT_BYTES = 1 << 30
_ALLOWED_BESIDE_PARSE = ("ProblemError", "NetlistError", "CatalogError")


class TooSlowError(BaseException):
    """The time limit; no `except Exception` of a reader may catch it."""


@contextmanager
def limited_time() -> Iterator[None]:
    """Within this, `CPU_LIMIT_S` of CPU time raise TooSlowError."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TooSlowError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, CPU_LIMIT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, before)


def limited_memory() -> None:
    """From here on this process gets `MEMORY_LIMIT_BYTES` more memory than it has, and no more."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    # reading a file reserves, but does not use, the room of the largest that is read
    limit = pages * resource.getpagesize() + MEMORY_LIMIT_BYTES + MAX_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def fault_of(folder: Path, kind: str, name: str, data: bytes) -> str:
    """Read `data` as the file `name` of a format in an empty folder; return what is wrong with how that went, or "".

    The text is the same for the same mistake: the kind of the exception and the place it came from.
    """
    folder_with(folder, kind, name, data)
    try:
        with limited_time():
            FORMATS[kind].read(folder)
    except ParseError as e:
        if not 0 <= e.line <= _lines(e.path):
            return f"line {e.line} of a file with {_lines(e.path)}: {e.what}"
        return "" if "\n" not in str(e) else f"more than one line: {e.what!r}"
    except FloorplanError as e:
        return "" if type(e).__name__ in _ALLOWED_BESIDE_PARSE else f"{type(e).__name__} from a reader"
    except TooSlowError:
        return f"more than {CPU_LIMIT_S:g} s of CPU time at {_place()}"
    except Exception as e:  # whatever else it is, it is what is looked for
        return f"{type(e).__name__} at {_place()}: {str(e)[:200]}"
    return ""


def _lines(path: Path) -> int:
    try:
        data = read_bytes_maybe_compressed(path)
    except ParseError:
        return 0
    return data.count(b"\n") + data.count(b"\r") + 1  # a lone carriage return ends a line of TOML


def _place() -> str:
    """Return the last place in the project's own code that the exception at hand went through."""
    frames = [f for f in traceback.extract_tb(sys.exc_info()[2]) if "/floorplan/" in f.filename]
    return f"{Path(frames[-1].filename).name}:{frames[-1].name}" if frames else "nowhere"
