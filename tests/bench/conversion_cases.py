"""Every file of the public benchmarks in at least one design, or the reason why it is in none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from floorplan.files import read_bytes_maybe_compressed
from floorplan.formats.sniff import sniff

__all__ = ["Case", "cases_in", "reason_for_none"]

_MASTER = re.compile(rb"^\s*-\s+\S+\s+(\S+)", re.MULTILINE)
_INSTANCE = re.compile(rb"^\s*([A-Za-z_]\w*)\s+\\?[A-Za-z_][^\s(]*\s*\(\s*\.", re.MULTILINE)
_MACRO = re.compile(rb"^\s*MACRO\s+(\S+)", re.MULTILINE)
_INCOMPLETE = ("ariane_test.pb.txt.xz",)


@dataclass(frozen=True)
class Case:
    """Files that are one design.

    Attributes:
        name: of the first that matters, from the folder of benchmarks.
        read: what `read_design` is given.
        covers: further files that it reads on its own.
    """

    name: str
    read: tuple[Path, ...]
    covers: tuple[Path, ...] = ()


def cases_in(folder: Path) -> list[Case]:
    """Return all designs under the folder of public benchmarks, by name."""
    out = [*_protobuf(folder), *_bookshelf(folder), *_floorplanning(folder), *_lefdef(folder)]
    return sorted(out, key=lambda case: case.name)


def reason_for_none(path: Path) -> str:
    """Return why a file is in no case, "" if it should be."""
    name = path.name.removesuffix(".xz")
    if name == "README.md":
        return "no design"
    if name in ("costs.json", "tilos_shapes.json"):
        return "figures, no design; refused as such"
    if path.name in _INCOMPLETE:
        return "pins without their macros, for circuit_training's grouper only; refused with its line"
    if name == "groups.final":
        return "a clustering, for `cluster --groups`"
    if name in ("tilos_initial.plc", "google_clustered_initial.plc") or path.parts[-3:-1] == ("designs", "ariane"):
        return "places clusters whose netlist is not there, for `cluster --grid-from`"
    return ""


def _protobuf(folder: Path) -> Iterator[Case]:
    golden = json.loads((folder / "golden" / "costs.json").read_text())
    for path in sorted(folder.rglob("*.pb.txt*")):
        name = str(path.relative_to(folder))
        plcs = [] if "flat" in path.name else sorted(path.parent.glob("*.plc*"))
        if path.name in _INCOMPLETE:
            continue
        plcs = sorted({*plcs, *(folder / entry["placement"] for entry in golden.values() if entry["netlist"] == name)})
        for plc in plcs:
            yield Case(f"{name} + {plc.name}", (path, plc))
        if not plcs:
            yield Case(name, (path,))


def _bookshelf(folder: Path) -> Iterator[Case]:
    for aux in sorted(folder.rglob("*.aux*")):
        stem = aux.name.removesuffix(".xz").removesuffix(".aux")
        rest = tuple(p for p in aux.parent.glob(f"{stem}.*") if p != aux)
        yield Case(str(aux.relative_to(folder)), (aux,), rest)


def _floorplanning(folder: Path) -> Iterator[Case]:
    for path in sorted((folder / "floorplanning").rglob("*.blocks")):
        yield Case(str(path.relative_to(folder)), (path,), (path.with_suffix(".nets"), path.with_suffix(".pl")))
    for path in sorted((folder / "floorplanning").rglob("*.yal")):
        yield Case(str(path.relative_to(folder)), (path,))


def _lefdef(folder: Path) -> Iterator[Case]:
    macros = {p: set(_MACRO.findall(read_bytes_maybe_compressed(p))) for p in _of_kind(folder, "lef")}
    for path in [*_of_kind(folder, "def"), *_of_kind(folder, "verilog")]:
        near = {p: m for p, m in macros.items() if _project(p, folder) == _project(path, folder)}
        yield Case(str(path.relative_to(folder)), (*_libraries(path, near), path))
    tech = folder / "openroad_lefdef/mpl/Nangate45"
    parts = tuple(tech / f"Nangate45_{part}.lef.xz" for part in ("tech", "stdcell"))
    some = folder / "openroad_lefdef/mpl/testcases/macro_only"
    lefs = (*parts, some.with_suffix(".lef"))
    yield Case(f"{some.relative_to(folder)}.def with its library in three files", (*lefs, some.with_suffix(".def")))


def _project(path: Path, folder: Path) -> tuple[str, ...]:
    """Return the folders below `folder` whose libraries belong together."""
    return path.relative_to(folder).parts[:-1][:2]


def _of_kind(folder: Path, kind: str) -> list[Path]:
    suffixes = {"lef": (".lef",), "def": (".def", ".defok"), "verilog": (".v",)}[kind]
    named = (p for p in sorted(folder.rglob("*")) if p.name.removesuffix(".xz").endswith(suffixes))
    return [p for p in named if p.is_file() and sniff(p) == kind]


def _libraries(path: Path, macros: dict[Path, set[bytes]]) -> list[Path]:
    """Return the fewest LEF files that define what a design uses; first the one of its name, then by what they add."""
    if len(macros) == 1:
        return list(macros)
    data = read_bytes_maybe_compressed(path)
    start, end = data.find(b"\nCOMPONENTS"), data.find(b"\nEND COMPONENTS")
    used = set(_MASTER.findall(data, start, end)) if start >= 0 else set(_INSTANCE.findall(data))
    stem = path.name.partition(".")[0]
    out: list[Path] = []
    # the technology and its cells, whole
    out += [p for p in macros if p.name.startswith(("Nangate45.lef", "NangateOpenCellLibrary", "ariane"))]
    known = set().union(*(macros[p] for p in out)) if out else set()
    while used - known:
        add = {p: len(macros[p] & (used - known)) + (p.name.partition(".")[0] == stem) / 2 for p in macros}
        best = max(add, key=lambda p: (add[p], str(p)), default=None)
        if best is None or add[best] < 1:
            break
        out.append(best)
        known |= macros[best]
    return out
