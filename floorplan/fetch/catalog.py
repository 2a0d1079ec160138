"""The catalogue: which public designs there are, where each file stands, and what it must be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from floorplan.errors import UnknownNameError
from floorplan.fetch.errors import CatalogError
from floorplan.fetch.names import why_unsafe
from floorplan.files import MAX_BYTES, read_toml

__all__ = [
    "CATALOG_FILE",
    "EVERYTHING",
    "Catalog",
    "CatalogDesign",
    "CatalogFile",
    "Suite",
    "read_catalog",
    "shipped_catalog",
]

CATALOG_FILE = "catalog.toml"

EVERYTHING = "all"
"""Name that stands for every design of a catalogue."""

_HEX = re.compile(r"[0-9a-f]{40}")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PACKED = ("", "gzip")
_ARCHIVES = ("", "tar", "zip")


@dataclass(frozen=True)
class CatalogFile:
    """One file: where it stands and what it must be."""

    design: str
    name: str
    """Path below the design's folder."""

    repository: str
    """As in `owner/name`."""

    commit: str
    path: str
    """Path in the repository at that commit."""

    blob: str
    """Git blob hash of the content; of `packed` files that of the unpacked content."""

    size: int
    """Bytes of the content that `blob` is the hash of."""

    packed: str = ""
    """`gzip` where the repository holds the file compressed; it is unpacked before it is checked and kept."""

    archive: str = ""
    """`tar` or `zip` where the file is an archive; it is unpacked into a folder named like it without its suffix."""

    unpacked_size: int = 0
    """Most bytes that an archive may hold."""

    @property
    def label(self) -> str:
        """Return `design/name`, as messages call the file."""
        return f"{self.design}/{self.name}"

    @property
    def most_bytes(self) -> int:
        """Return how many bytes may be transferred: deflate adds at most five to every 16 KiB, and a header."""
        return self.size + self.size // 2048 + 4096 if self.packed else self.size


@dataclass(frozen=True)
class CatalogDesign:
    """The files of one design, which stand in one folder."""

    name: str
    suite: str
    files: tuple[CatalogFile, ...]

    @property
    def size(self) -> int:
        """Return the bytes of all files as they are kept."""
        return sum(f.size for f in self.files)


@dataclass(frozen=True)
class Suite:
    """Designs that come from one place under one licence."""

    name: str
    what: str
    licence: str
    designs: tuple[CatalogDesign, ...]


@dataclass(frozen=True)
class Catalog:
    """Every suite of a catalogue file."""

    path: Path
    suites: tuple[Suite, ...]

    @property
    def designs(self) -> tuple[CatalogDesign, ...]:
        """Return the designs of all suites."""
        return tuple(design for suite in self.suites for design in suite.designs)

    def select(self, name: str) -> tuple[CatalogDesign, ...]:
        """Return the designs that a name stands for: a design, a suite or `all`.

        Raises:
            UnknownNameError: neither is called that.
        """
        if name == EVERYTHING:
            return self.designs
        for suite in self.suites:
            if suite.name == name:
                return suite.designs
        for design in self.designs:
            if design.name == name:
                return (design,)
        known = [s.name for s in self.suites] + [d.name for d in self.designs] + [EVERYTHING]
        raise UnknownNameError("design or suite", name, known)


def shipped_catalog() -> Path:
    """Return the catalogue that comes with the project, wherever it is installed.

    Raises:
        CatalogError: it is missing: the installation is damaged.
    """
    package = Path(__file__).resolve().parents[1]
    # a wheel carries the folder inside the package, a source checkout beside it
    for folder in (package / "_netlists", package.parent / "netlists"):
        if (folder / CATALOG_FILE).is_file():
            return folder / CATALOG_FILE
    raise CatalogError(package.parent / "netlists" / CATALOG_FILE, "no such file; the installation is damaged")


def read_catalog(path: Path | None = None) -> Catalog:
    """Read a catalogue, by default the shipped one.

    Raises:
        CatalogError: it is missing, not TOML, or an entry lacks something, has something unknown or is unsafe.
    """
    path = shipped_catalog() if path is None else path
    tables, _ = read_toml(path, lambda what: CatalogError(path, what))
    reader = _Reader(path)
    reader.keys(tables, "catalogue", {"suite": list}, {})
    suites = tuple(reader.suite(table) for table in tables["suite"])
    taken: set[str] = {EVERYTHING}
    for name in [s.name for s in suites] + [d.name for s in suites for d in s.designs]:
        if name.lower() in taken:
            raise CatalogError(path, f"the name {name!r} is given twice (case counts for nothing) or is reserved")
        taken.add(name.lower())
    return Catalog(path, suites)


class _Reader:
    """Turns TOML tables into the catalogue's dataclasses."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def suite(self, table: Any) -> Suite:
        must = {"name": str, "what": str, "licence": str, "repository": str, "design": list}
        self.keys(table, "suite", must, {"commit": str})
        name = self.name(table["name"], "suite")
        designs = tuple(self.design(inner, table) for inner in table["design"])
        return Suite(name, table["what"], table["licence"], designs)

    def design(self, table: Any, suite: dict[str, Any]) -> CatalogDesign:
        self.keys(table, f"design of {suite['name']}", {"name": str, "files": list}, {})
        name = self.name(table["name"], "design")
        files = tuple(self.file(inner, name, suite) for inner in table["files"])
        names = [f.name.lower() for f in files]
        # below one folder a name may be neither taken twice nor at once a file and a folder
        clash = [n for n in names if names.count(n) > 1 or any(other.startswith(n + "/") for other in names)]
        if not files or clash:
            raise CatalogError(
                self.path, f"design {name}: {f'file {clash[0]} is listed twice' if clash else 'no file'}"
            )
        return CatalogDesign(name, suite["name"], files)

    def file(self, table: Any, design: str, suite: dict[str, Any]) -> CatalogFile:
        where = f"file of {design}"
        must = {"path": str, "blob": str, "size": int}
        may = {"name": str, "repository": str, "commit": str, "packed": str, "archive": str, "unpacked_size": int}
        self.keys(table, where, must, may)
        given = {"repository": suite["repository"], "commit": suite.get("commit", ""), **table}
        made = CatalogFile(design=design, **{"name": given["path"].rpartition("/")[2], **given})
        checks = {
            f"name {made.name!r} {why_unsafe(made.name)}": why_unsafe(made.name) is not None,
            f"path {made.path!r} {why_unsafe(made.path)}": why_unsafe(made.path) is not None,
            f"repository {made.repository!r} is not owner/name": not _REPOSITORY.fullmatch(made.repository),
            f"commit {made.commit!r} is not 40 hexadecimal digits": not _HEX.fullmatch(made.commit),
            f"blob {made.blob!r} is not 40 hexadecimal digits": not _HEX.fullmatch(made.blob),
            f"size {made.size} is not between 1 and {MAX_BYTES}": not 1 <= made.size <= MAX_BYTES,
            f"packed {made.packed!r} is not one of {_PACKED}": made.packed not in _PACKED,
            f"archive {made.archive!r} is not one of {_ARCHIVES}": made.archive not in _ARCHIVES,
            f"unpacked_size {made.unpacked_size} is not between 1 and {MAX_BYTES}": bool(made.archive)
            and not 1 <= made.unpacked_size <= MAX_BYTES,
            "an archive's name must have a suffix": bool(made.archive) and "." not in made.name.rpartition("/")[2],
        }
        for what, wrong in checks.items():
            if wrong:
                raise CatalogError(self.path, f"{where}: {what}")
        return made

    def name(self, name: str, kind: str) -> str:
        if not _NAME.fullmatch(name) or why_unsafe(name):
            raise CatalogError(
                self.path, f"{kind} {name!r}: a name has letters, digits, dots, dashes, underscores only"
            )
        return name

    def keys(self, table: Any, where: str, must: Mapping[str, type], may: Mapping[str, type]) -> None:
        if not isinstance(table, dict):
            raise CatalogError(self.path, f"{where}: is not a table")
        for key in must:
            if key not in table:
                raise CatalogError(self.path, f"{where}: {key} is missing")
        for key, value in table.items():
            kind = {**must, **may}.get(key, object)
            if kind is object:
                raise CatalogError(self.path, f"{where}: unknown key {key!r}")
            if not isinstance(value, kind) or isinstance(value, bool):
                raise CatalogError(self.path, f"{where}: {key} is not of type {kind.__name__}")
