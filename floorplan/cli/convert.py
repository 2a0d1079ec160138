"""`floorplan convert`: a design, or a placement of it, from one format into another."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from floorplan.cli.options import OptionError, need_folders

if TYPE_CHECKING:
    from floorplan.formats.design import Design
    from floorplan.netlist import Placement

__all__ = ["Convert"]


@dataclass(frozen=True)
class Convert:
    """Turn a design or its placement into another format, told by the suffix of the last file.

    IN: netlists (.pb.txt, .aux, .lef + .def, .lef + .v, .blocks, .yal, .json) and placements (.plc, .pl, a placed
    design of the same names), each known by its content. OUT: .pb.txt .aux .json (design), .plc .pl .def .tcl .flp .gds
    .oas .svg (placement).
    """

    files: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="IN... OUT")]
    """Files to read, then the one to write; each also .gz or .xz."""

    placement: Annotated[Path | None, tyro.conf.arg(metavar="PLC")] = None
    """Placement, as if it stood among the files to read."""

    snap_um: Annotated[float | None, tyro.conf.arg(metavar="G")] = None
    """Move hard macros so that their lower-left corners lie on this grid (the manufacturing grid, say), still legal."""

    channel_um: Annotated[float | None, tyro.conf.arg(metavar="C")] = None
    """Move hard macros apart where the gap between two is narrower than this (12 for power straps, say)."""

    tcl: Literal["openroad", "generic"] = "openroad"
    """Dialect of a .tcl: OpenROAD's place_macro, or a list with procedures for commercial tools."""

    fixed: tyro.conf.FlagCreatePairsOff[bool] = False
    """In a .def, write macros as FIXED instead of PLACED, so that the next tool leaves them there."""

    units_per_um: Annotated[float | None, tyro.conf.arg(metavar="U")] = None
    """Bookshelf units in a micron; default: read as the files state, else 100, and written as the design has them."""

    whole_units: tyro.conf.FlagCreatePairsOff[bool] = False
    """Round sizes and corners in Bookshelf to whole units, for tools that need them."""

    json: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print one JSON object instead of a list."""

    def run(self) -> int:
        """Read, move what is to be moved, write, and say what was made.

        Raises:
            OptionError: fewer than two files are given, the output would overwrite an input, or its folder is missing.
        """
        from floorplan.cli.result import print_json
        from floorplan.formats.read import read_design
        from floorplan.formats.write import left_out, suffix_of, targets, write_design
        from floorplan.netlist import NodeKind, check_legality

        if len(self.files) < 2:
            raise OptionError("convert takes at least two files: what to read, and last what to write")
        *given, out = self.files
        suffix = suffix_of(out)
        need_folders(out)
        design = read_design(
            *given,
            placement=self.placement,
            units_per_um=self.units_per_um,
            base="lefdef" if suffix == ".def" else None,
        )
        read = {p.resolve() for p in (*given, *design.paths)}
        for target in targets(out):
            if target.resolve() in read:
                raise OptionError(f"{target} is read, too, and would be overwritten")
        placement, moved_um = self._moved(design)
        made = write_design(
            out,
            design,
            placement,
            tcl=self.tcl,
            fixed=self.fixed,
            units_per_um=self.units_per_um,
            whole_units=self.whole_units,
        )
        lost = left_out(out, design)
        legality = check_legality(design.problem, placement)
        netlist, canvas = design.problem.netlist, design.problem.canvas
        cells = int((netlist.node_kind == NodeKind.CELL).sum())
        said: dict[str, object] = {
            "written": [str(p) for p in made],
            "format": design.format,
            "netlist": netlist.name,
            "netlist_hash": netlist.content_hash,
            "canvas_um": [canvas.width_um, canvas.height_um],
            "hard_macros": len(netlist.hard),
            "soft_macros": len(netlist.soft) - cells,
            "cells": cells,
            "ports": len(netlist.ports),
            "nets": netlist.num_nets,
            "placed_hard_macros": int(placement.placed[netlist.hard].sum()),
            "moved_um": moved_um,
            "legal": legality.legal,
            "left_out": list(lost),
        }
        if self.json:
            print_json(said)
        else:
            said |= {"written": " ".join(map(str, made)), "left_out": ", ".join(lost) or "nothing"}
            said["legal"] = legality.summary()
            said["canvas_um"] = f"{canvas.width_um:.6g} x {canvas.height_um:.6g}"
            sys.stdout.writelines(f"{key.replace('_', ' '):<18} {value}\n" for key, value in said.items())
        return 0

    def _moved(self, design: Design) -> tuple[Placement, float]:
        """Return the placement to write, and how far a hard macro was moved at most."""
        import numpy as np

        problem, placement = design.problem, design.problem.initial
        if self.snap_um is not None:
            from floorplan.legalize.snap import on_grid, snap_to_grid

            # a grid is one of the file's coordinates, whose origin need not be the canvas's corner
            offset_um = (-design.origin_um[0], -design.origin_um[1])
            placement = snap_to_grid(problem, placement, self.snap_um, offset_um)
            problem = on_grid(problem, self.snap_um, offset_um)  # which widening must not undo
        if self.channel_um is not None:
            from floorplan.legalize.channels import widen_channels

            placement = widen_channels(problem, placement, self.channel_um)
        hard = problem.netlist.hard[problem.initial.placed[problem.netlist.hard]]
        dx = np.abs(placement.x_um[hard] - problem.initial.x_um[hard])
        dy = np.abs(placement.y_um[hard] - problem.initial.y_um[hard])
        return placement, float(np.maximum(dx, dy).max(initial=0.0))
