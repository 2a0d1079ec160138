"""Designs as folders: everything that is listed for one, fetched, checked, and copied where it is wanted."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from floorplan.fetch.catalog import Catalog, CatalogDesign, CatalogFile, read_catalog
from floorplan.fetch.download import Got, fetch_file, is_kept
from floorplan.fetch.errors import FetchError
from floorplan.fetch.folders import data_folder, kept_file, kept_folder
from floorplan.fetch.sources import mirror_from_environment, urls_of
from floorplan.fetch.transport import Limits
from floorplan.fetch.unpack import unpack_archive

__all__ = ["FetchedDesign", "Reporter", "fetch_design", "fetched_netlist", "kept_bytes"]

_NETLIST = "netlist.pb.txt"
_PLACEMENT = "initial.plc"

Reporter = Callable[[CatalogFile, int, str], None]
"""Called with a file, the bytes of it so far, and a note or ""."""


@dataclass(frozen=True)
class FetchedDesign:
    """A design whose files are all there and all right."""

    design: CatalogDesign
    folder: Path
    files: tuple[Got, ...]

    def path(self, suffix: str) -> Path | None:
        """Return the first file whose name ends so, None where there is none."""
        return next((g.path for g in self.files if g.path.name.endswith(suffix)), None)

    @property
    def next_command(self) -> str:
        """Return the command that takes the design further, as one would type it."""
        name = self.design.name
        netlist, flat, aux, layout = (self.path(end) for end in (_NETLIST, "flat.pb.txt", ".aux", ".def"))
        if netlist is not None and self.path(_PLACEMENT):
            return _command("floorplan", "place", netlist, "--out", f"{name}.plc")
        if aux is not None or flat is not None:
            grid, groups = self.path(".plc"), self.path("groups.final")
            more = (*(("--groups", groups) if groups else ()), *(("--grid-from", grid) if grid else ()))
            return _command("floorplan", "cluster", aux or flat, *more, "--out", f"{name}.pb.txt")
        if layout is not None:
            cells = [g.path for g in self.files if g.path.name.endswith(".lef")]
            return _command("floorplan", "convert", *cells, layout, f"{name}.pb.txt")
        return _command("floorplan", "inspect", self.files[0].path)


def fetch_design(
    design: CatalogDesign,
    dest: Path | None = None,
    report: Reporter | None = None,
    limits: Limits | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> FetchedDesign:
    """Fetch what is missing of a design into the data folder and, with `dest`, copy it to `dest/<design>`.

    Raises:
        FetchError: a file cannot be had (MismatchError: it is not what is listed), or another one is in its way.
        SourceError: `FLOORPLAN_MIRROR` cannot be used.
    """
    data, mirror, got = data_folder(), mirror_from_environment(), []
    for file in design.files:
        target = kept_file(design, file, data)
        tell = None if report is None else lambda done, note, file=file: report(file, done, note)
        got.append(fetch_file(file, target, urls_of(file, mirror), limits, tell, sleep))
        if file.archive:
            _unpack(file, target)
    folder = kept_folder(design, data)
    if dest is None:
        return FetchedDesign(design, folder, tuple(got))
    copied = []
    for file, there in zip(design.files, got, strict=True):
        path = _copy(file, there.path, dest / design.name / file.name)
        if file.archive:
            _unpack(file, path)
        copied.append(Got(path, there.was_kept, there.transferred))
    return FetchedDesign(design, dest / design.name, tuple(copied))


def kept_bytes(design: CatalogDesign) -> int:
    """Return how many bytes of a design are in the data folder, by name and size alone: fetching checks the content."""
    data = data_folder()
    paths = [(f.size, kept_file(design, f, data)) for f in design.files]
    return sum(size for size, p in paths if p.is_file() and p.stat().st_size == size)


def fetched_netlist(name: str, catalog: Catalog | None = None) -> Path | None:
    """Return the netlist of a listed design that is in the data folder with its placement, None where it is not.

    Nothing is fetched. The placement stands beside it as `initial.plc`, where `read_problem` finds it.
    """
    catalog = read_catalog() if catalog is None else catalog
    for design in catalog.designs:
        if design.name == name:
            folder = kept_folder(design, data_folder())
            whole = (folder / _NETLIST).is_file() and (folder / _PLACEMENT).is_file()
            return folder / _NETLIST if whole else None
    return None


def _unpack(file: CatalogFile, archive: Path) -> None:
    # the suffixes of `designs.tar.gz` are both of its kind, that of `v1.2.zip` is one
    stem = archive.name.rpartition(".")[0]
    folder = archive.with_name(stem.removesuffix(".tar"))
    if folder.is_dir():
        return
    try:
        unpack_archive(archive, file.archive, folder, file.unpacked_size)
    except OSError as error:
        if folder.is_dir():
            return  # another process was faster
        raise FetchError(file.label, f"cannot be unpacked to {folder} ({error.strerror or error})") from None


def _copy(file: CatalogFile, kept: Path, wanted: Path) -> Path:
    """Copy a kept file to where it is wanted; what stands there is kept if it is the same, never overwritten."""
    try:
        if wanted.exists():
            if is_kept(file, wanted):
                return wanted
            raise FetchError(file.label, f"{wanted} is there with other content; move it away or choose another folder")
        wanted.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{wanted.name[:64]}.", suffix=".tmp", dir=wanted.parent)
        os.close(handle)
        try:
            shutil.copyfile(kept, temporary)
            Path(temporary).chmod(kept.stat().st_mode & 0o777)
            Path(temporary).replace(wanted)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise FetchError(file.label, f"cannot be written to {wanted} ({error.strerror or error})") from None
    return wanted


def _command(*words: object) -> str:
    return shlex.join(map(str, words))
