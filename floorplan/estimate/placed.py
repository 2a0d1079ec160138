"""Reading a placement for a chip: its netlist is known from the template, so the file alone is enough."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from floorplan.errors import ProblemError
from floorplan.formats import read_plc

if TYPE_CHECKING:
    from floorplan.accelerator.chip import Chip
    from floorplan.netlist import Placement

__all__ = ["read_placed"]

_IN_A_RUN = tuple(f"{name}.plc{end}" for name in ("best", "placement") for end in ("", ".xz", ".gz"))


def read_placed(path: Path, chip: Chip) -> Placement:
    """Read a placement of the chip, of a run folder the best one.

    Raises:
        ProblemError: the folder holds none, or the file is for another canvas than the chip's.
        ParseError: the file is damaged or of another netlist.
    """
    if path.is_dir():
        found = next((path / name for name in _IN_A_RUN if (path / name).is_file()), None)
        if found is None:
            raise ProblemError(f"{path}: no placement in this folder (looked for {', '.join(_IN_A_RUN)})")
        path = found
    plc = read_plc(path, chip.problem.netlist)
    ours, theirs = chip.problem.canvas, plc.canvas
    if max(abs(ours.width_um - theirs.width_um), abs(ours.height_um - theirs.height_um)) > 1e-3:
        raise ProblemError(
            f"{path}: canvas of {theirs.width_um:.6g} x {theirs.height_um:.6g} um, {chip.name} has "
            f"{ours.width_um:.6g} x {ours.height_um:.6g}; give the parameters that it was made with by --set"
        )
    # What is fixed stands where the template says; a file may leave it out.
    fixed, given = chip.problem.fixed, chip.problem.initial
    fill = fixed & ~plc.placement.placed
    if not fill.any():
        return plc.placement
    return plc.placement.replace(
        np.where(fill, given.x_um, plc.placement.x_um),
        np.where(fill, given.y_um, plc.placement.y_um),
        np.where(fill, given.orient, plc.placement.orient),
        plc.placement.placed | fill,
    )
