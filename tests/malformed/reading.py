"""How the files of each folder here are read: the sound files of a format, one of them replaced by another."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FORMATS", "HERE", "Format", "folder_with", "targets"]

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Format:
    """A format: its sound files, by the name they are read under, and the call that reads them in a folder."""

    files: Mapping[str, Path]
    read: Callable[[Path], object]


def folder_with(folder: Path, kind: str, name: str, data: bytes) -> Path:
    """Fill a folder with the sound files of a format, `data` in place of the one called `name`, and return it."""
    for called, path in FORMATS[kind].files.items():
        if called != name:
            shutil.copyfile(path, folder / called)
    (folder / name).write_bytes(data)
    return folder


def _design(*names: str) -> Callable[[Path], object]:
    def read(folder: Path) -> object:
        from floorplan.formats.read import read_design

        return read_design(*(folder / name for name in names))

    return read


def _any(folder: Path) -> object:
    return _design(*(p.name for p in folder.iterdir()))(folder)


def _protobuf(folder: Path) -> object:
    from floorplan.formats import read_netlist

    path = next(folder.iterdir())
    return read_netlist(path)


def _plc(folder: Path) -> object:
    from floorplan.formats import read_netlist, read_plc

    netlist, _ = read_netlist(folder / "valid.pb.txt")
    return read_plc(folder / "valid.plc", netlist)


def _lef(folder: Path) -> object:
    from floorplan.formats.lefdef.lef import read_lef

    return read_lef(folder / "valid.lef")


def _groups(name: str) -> Callable[[Path], object]:
    def read(folder: Path) -> object:
        from floorplan.formats import read_netlist
        from floorplan.formats.groups import read_groups

        netlist, _ = read_netlist(folder / "valid.pb.txt")
        return read_groups(folder / name, netlist)

    return read


def _catalog(folder: Path) -> object:
    from floorplan.fetch.catalog import read_catalog

    return read_catalog(folder / "valid.toml")


def _constraints(folder: Path) -> object:
    from floorplan.formats import read_problem
    from floorplan.formats.constraints_file import read_constraints

    return read_constraints(folder / "valid.toml", read_problem(folder / "valid.pb.txt", folder / "valid.plc"))


def _flp(folder: Path) -> object:
    from floorplan.formats.export.flp import read_flp

    return read_flp(folder / "valid.flp")


def _sound(folder: str, *names: str) -> dict[str, Path]:
    return {name: HERE / folder / name for name in names}


_LEF = _sound("lef", "valid.lef")
_GROUPS = _sound("groups", "valid.pb.txt")
FORMATS: dict[str, Format] = {
    "bookshelf": Format(
        _sound(
            "bookshelf", *(f"valid.{kind}" for kind in ("aux", "nodes", "nets", "wts", "pl", "scl", "route", "shapes"))
        ),
        _design("valid.aux"),
    ),
    "gsrc": Format(_sound("gsrc", "valid.blocks", "valid.nets", "valid.pl"), _design("valid.blocks")),
    "yal": Format(_sound("yal", "valid.yal"), _design("valid.yal")),
    "lef": Format(_LEF, _lef),
    "def": Format(_LEF | _sound("def", "valid.def"), _design("valid.lef", "valid.def")),
    "verilog": Format(_LEF | _sound("verilog", "valid.v"), _design("valid.lef", "valid.v")),
    "tcl": Format(
        _LEF | _sound("def", "valid.def") | _sound("tcl", "valid.tcl"), _design("valid.lef", "valid.def", "valid.tcl")
    ),
    "flp": Format(_sound("flp", "valid.flp"), _flp),
    "json": Format(_sound("json", "valid.json"), _design("valid.json")),
    "groups": Format(_GROUPS | _sound("groups", "valid.final"), _groups("valid.final")),
    "names": Format(_GROUPS | _sound("groups", "valid.names"), _groups("valid.names")),
    "protobuf": Format({}, _protobuf),
    "plc": Format(_sound("", "valid.pb.txt", "valid.plc"), _plc),
    "constraints": Format(_sound("", "valid.pb.txt", "valid.plc") | _sound("constraints", "valid.toml"), _constraints),
    "catalog": Format(_sound("catalog", "valid.toml"), _catalog),
    "unknown": Format({}, _any),
}
"""Folder (or, for files that lie beside this one, kind of file) -> how it is read."""


def targets() -> list[tuple[str, str]]:
    """Return (format, name of a file) of every sound file, each under one format only."""
    seen: set[Path] = set()
    out = []
    for kind, form in FORMATS.items():
        for name, path in form.files.items():
            if path not in seen:
                out.append((kind, name))
                seen.add(path)
    return out
