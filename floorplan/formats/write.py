"""A design and its placement written in the format that the file's name asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from floorplan.errors import ProblemError
from floorplan.files import plain_name
from floorplan.formats.bookshelf.writer import write_bookshelf, write_pl
from floorplan.formats.design import Design
from floorplan.formats.json_.design import write_json
from floorplan.formats.net_order import writable
from floorplan.formats.pbtxt.writer import write_netlist
from floorplan.formats.plc import write_plc
from floorplan.formats.sniff import sniff
from floorplan.netlist import FLIPS, NodeKind, Placement

__all__ = ["OF_CHIP", "SUFFIXES", "left_out", "suffix_of", "targets", "write_design", "write_placed"]

SUFFIXES = (".pb.txt", ".plc", ".aux", ".pl", ".def", ".tcl", ".flp", ".gds", ".oas", ".svg", ".json")
"""What a file to write may end in, before .gz or .xz."""

OF_CHIP = (".def", ".tcl", ".gds", ".oas")
"""Those of a chip: in its own coordinates, in steps of its grid."""

TclStyle = Literal["openroad", "generic"]


def suffix_of(path: str | Path) -> str:
    """Return the one of `SUFFIXES` that a name ends in.

    Raises:
        ProblemError: it ends in none.
    """
    p = Path(path)
    name = plain_name(p)
    found = next((s for s in SUFFIXES if name.lower().endswith(s)), None)
    if found is None:
        raise ProblemError(f"{p}: no format is written to such a name; it may end in {' '.join(SUFFIXES)}")
    return found


def targets(path: str | Path) -> tuple[Path, ...]:
    """Return every file that `write_design` makes for a name, the named one first."""
    p = Path(path)
    name, suffix = plain_name(p), suffix_of(p)
    stem, ends = name[: -len(suffix)], p.name[len(name) :]
    beside = {".pb.txt": (".plc",), ".aux": (".nodes", ".nets", ".wts", ".pl", ".scl")}.get(suffix, ())
    return (p, *(p.parent / f"{stem}{other}{ends}" for other in beside))


def write_design(
    path: str | Path,
    design: Design,
    placement: Placement | None = None,
    *,
    tcl: TclStyle = "openroad",
    fixed: bool = False,
    units_per_um: float | None = None,
    whole_units: bool = False,
) -> tuple[Path, ...]:
    """Write a design, or its placement alone, in the format of the name's suffix; return the files made.

    A netlist in protobuf text gets its .plc beside it, a Bookshelf .aux the files it lists. A .def is the design's own,
    with the macros where the placement has them.

    Args:
        path: file to write, and those beside it, compressed by its suffix.
        design: any.
        placement: (N,) nodes; None for the initial one.
        tcl: dialect of a .tcl.
        fixed: a .def says FIXED of its macros, not PLACED.
        units_per_um: Bookshelf units in a micron; None for the design's own.
        whole_units: Bookshelf in whole units.

    Raises:
        FloorplanError: the format cannot say what the design holds, or a .def is asked for and none was read.
        OSError: a file cannot be written.
    """
    p, suffix, problem = Path(path), suffix_of(path), design.problem
    final = problem.initial if placement is None else placement
    made = targets(p)
    writers: dict[str, Callable[[], None]] = {
        ".plc": lambda: write_plc(p, problem, final),
        ".aux": lambda: write_bookshelf(p, design, final, units_per_um, whole_units),
        ".pl": lambda: write_pl(p, design, final, units_per_um, whole_units),
        ".json": lambda: write_json(p, design, final),
    }
    if suffix == ".pb.txt":
        write_netlist(p, writable(problem.netlist), final, design.master)
        write_plc(made[1], problem, final)
    elif suffix in writers:
        writers[suffix]()
    else:
        _export(p, suffix, design, final, tcl, fixed)
    return made


def write_placed(
    path: str | Path, design: Design, placement: Placement, files: Sequence[str | Path]
) -> tuple[Path, ...]:
    """Write what became of a design, through the chip that it was clustered from where the format is one of a chip.

    For a .def, Tcl or a layout, and a design that is not the LEF/DEF among the files, that one is written, with its own
    coordinates and its macros where `placement` has those of the same names. Else as `write_design`.

    Args:
        path: file to write.
        design: what was placed.
        placement: (N,) nodes of the design.
        files: what the design was read from, as `read_design` was given it.

    Raises:
        FloorplanError: as of `write_design`, or the chip does not have the macros of the design.
        OSError: a file cannot be written.
    """
    if design.format == "lefdef" or suffix_of(path) not in OF_CHIP or all(sniff(f) != "def" for f in files):
        return write_design(path, design, placement)
    from floorplan.formats.read import read_design
    from floorplan.formats.transfer import positions_by_name

    chip = read_design(*(f for f in files if sniff(f) in ("lef", "def")))
    placed = design.problem.replace(initial=placement)
    return write_design(path, chip, positions_by_name(chip.problem, placed, design.paths[0]))


def _export(path: Path, suffix: str, design: Design, placement: Placement, tcl: TclStyle, fixed: bool) -> None:
    # The writers for other tools come with more code than most calls need, some with another library.
    if suffix == ".def":
        original = _own_def(design)
        from floorplan.formats.lefdef.def_writer import write_def

        write_def(original, path, design, placement, fixed=fixed)
    elif suffix == ".tcl":
        from floorplan.formats.export.tcl import write_place_macro_tcl

        write_place_macro_tcl(path, design, placement, style=tcl)
    elif suffix == ".flp":
        from floorplan.formats.export.flp import write_flp

        write_flp(path, design, placement)
    elif suffix == ".svg":
        from floorplan.formats.export.svg import write_svg

        write_svg(path, design, placement)
    else:
        from floorplan.formats.export.gds import write_gds

        write_gds(path, design, placement)


def _own_def(design: Design) -> Path:
    if design.format in ("lefdef", "verilog"):
        for path in design.paths:
            if sniff(path) == "def":
                return path
    raise ProblemError("a .def is the original one with its macros moved: give that, and its LEF, among the inputs")


def left_out(path: str | Path, design: Design) -> tuple[str, ...]:
    """Return what the design has and a file of that name cannot say; nothing for formats that hold placements only."""
    suffix, p = suffix_of(path), design.problem
    if suffix not in (".pb.txt", ".plc", ".aux"):
        return ()
    kinds, macros = p.netlist.node_kind, np.isin(p.netlist.node_kind, (NodeKind.HARD, NodeKind.SOFT))
    has = {
        "halos": bool(p.halo_um.any()),
        "regions": bool(p.regions),
        "the grid of macro corners": p.snap is not None,
        "spacing": p.macro_spacing_um > 0 or p.boundary_spacing_um > 0,
        "allowed orientations": bool((p.allowed_orient != FLIPS)[macros].any()),
        "that blockages are soft": not all(b.hard for b in p.blockages),
    }
    if suffix == ".aux":
        has |= {
            "blockages": bool(p.blockages),
            "which macros are soft": bool((kinds == NodeKind.SOFT).any()),
            "grid and tracks": True,
        }
    return tuple(what for what, there in has.items() if there)
