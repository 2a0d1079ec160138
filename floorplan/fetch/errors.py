"""What fetching refuses; every error names the file that it is about."""

from __future__ import annotations

from pathlib import Path

from floorplan.errors import FloorplanError

__all__ = ["CatalogError", "FetchError", "MismatchError", "UnsafeArchiveError"]


class CatalogError(FloorplanError):
    """A catalogue of netlists does not say what it must.

    Attributes:
        path: the catalogue.
        what: the cause, with the design it was found in.
    """

    def __init__(self, path: str | Path, what: str) -> None:
        self.path = Path(path)
        self.what = what
        super().__init__(f"{self.path}: {what}")


class FetchError(FloorplanError):
    """A file could not be had: no connection, refused by the server, no room on the disk.

    Attributes:
        file: what was asked for, as `design/name`.
        what: the cause, in one sentence without a final stop.
    """

    def __init__(self, file: str, what: str) -> None:
        self.file = file
        self.what = what
        super().__init__(f"{file}: {what}")


class MismatchError(FetchError):
    """What came is not what the catalogue lists; nothing of it is kept.

    Attributes:
        expected: git blob hash or length that the catalogue gives.
        found: that of what came, or what it is in words.
    """

    def __init__(self, file: str, source: str, expected: str, found: str) -> None:
        self.expected = expected
        self.found = found
        super().__init__(file, f"{source} does not hold the listed file: expected {expected}, found {found}")


class UnsafeArchiveError(FetchError):
    """An archive holds what no archive of netlists needs: paths that lead out, links, devices, more than was stated."""
