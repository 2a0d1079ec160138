"""Floorplan and power files of the HotSpot thermal simulator: .flp and .ptrace.

`formats.export_flp` tiles the die and knows the .flp format; a .ptrace file has the names on its first line and watts
below.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from floorplan.errors import ParseError
from floorplan.files import atomic_write_text, read_bytes_maybe_compressed
from floorplan.formats.export.flp import Unit, flp_text, read_flp, tiles

if TYPE_CHECKING:
    from floorplan.estimate.results import Estimate
    from floorplan.netlist import Placement, Problem

__all__ = ["FLP_FILE", "PTRACE_FILE", "read_flp", "read_ptrace", "write_hotspot"]

F64 = npt.NDArray[np.float64]

FLP_FILE = "chip.flp"
PTRACE_FILE = "chip.ptrace"


def write_hotspot(folder: str | Path, problem: Problem, placement: Placement, estimate: Estimate) -> list[Path]:
    """Write `chip.flp` and `chip.ptrace` of an estimated placement; the trace has one line, its mean power.

    Each rectangle dissipates what the estimate's power and leakage maps have under it, so that the trace adds up to the
    power of the die.

    Raises:
        OSError: a file cannot be written.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    units = tiles(problem, placement)
    watts = _power_of(units, estimate.heat.power_w + estimate.heat.leakage_w, problem)
    trace = ["\t".join(u.name for u in units), "\t".join(f"{w:.9e}" for w in watts.tolist())]
    paths = [target / FLP_FILE, target / PTRACE_FILE]
    for path, text in zip(paths, (flp_text(units), "\n".join(trace) + "\n"), strict=True):
        atomic_write_text(path, text)
    return paths


def read_ptrace(path: str | Path) -> tuple[tuple[str, ...], F64]:
    """Return the names of a .ptrace file and its powers, (steps, units) W.

    Raises:
        ParseError: a line has another number of powers than there are names.
    """
    lines = [line.split() for line in read_bytes_maybe_compressed(path).decode().splitlines() if line.strip()]
    if not lines:
        raise ParseError(path, 0, "holds no names")
    for number, words in enumerate(lines[1:], 2):
        if len(words) != len(lines[0]):
            raise ParseError(path, number, f"{len(words)} powers for {len(lines[0])} names")
    try:
        return tuple(lines[0]), np.array(lines[1:], np.float64).reshape(-1, len(lines[0]))
    except ValueError:
        raise ParseError(path, 2, "powers must be numbers") from None


def _power_of(units: list[Unit], power_w: F64, problem: Problem) -> F64:
    """Integrate the power density of a map over each rectangle."""
    n = power_w.shape[0]

    def shares(low: F64, size: F64, extent_m: float) -> F64:
        cell = extent_m / n
        edge = np.arange(n) * cell
        covered = np.minimum((low + size)[:, None], edge + cell) - np.maximum(low[:, None], edge)
        return np.asarray(np.maximum(covered, 0.0) / cell, np.float64)

    box = np.array([(u.left_m, u.width_m, u.bottom_m, u.height_m) for u in units])
    across = shares(box[:, 0], box[:, 1], problem.canvas.width_um * 1e-6)
    up = shares(box[:, 2], box[:, 3], problem.canvas.height_um * 1e-6)
    return np.asarray(((up @ power_w) * across).sum(axis=1), np.float64)
