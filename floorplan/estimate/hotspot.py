"""Floorplan and power files of the HotSpot thermal simulator: .flp and .ptrace.

A .flp line is `name width height left bottom` in metres; a .ptrace file has the names on its first
line and watts below.
HotSpot wants the die covered, so the room between the macros is cut into `fill_*` rectangles.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from floorplan.errors import ParseError
from floorplan.files import atomic_write_text, read_bytes_maybe_compressed
from floorplan.geometry import oriented_size_um

if TYPE_CHECKING:
    from floorplan.estimate.results import Estimate
    from floorplan.netlist import Placement, Problem

__all__ = ["FLP_FILE", "PTRACE_FILE", "Unit", "read_flp", "read_ptrace", "tiles", "write_hotspot"]

F64 = npt.NDArray[np.float64]

FLP_FILE = "chip.flp"
PTRACE_FILE = "chip.ptrace"


@dataclass(frozen=True)
class Unit:
    """One rectangle of a floorplan, metres."""

    name: str
    width_m: float
    height_m: float
    left_m: float
    bottom_m: float


def tiles(problem: Problem, placement: Placement) -> list[Unit]:
    """Return the hard macros of a legal placement, and rectangles that fill the rest of the canvas."""
    nl, cv = problem.netlist, problem.canvas
    hard = nl.hard
    w, h = oriented_size_um(nl.node_w_um[hard], nl.node_h_um[hard], placement.orient[hard])
    x0 = np.clip(placement.x_um[hard] - w / 2, 0.0, cv.width_um)
    y0 = np.clip(placement.y_um[hard] - h / 2, 0.0, cv.height_um)
    x1, y1 = np.minimum(x0 + w, cv.width_um), np.minimum(y0 + h, cv.height_um)
    out = [
        Unit(_plain(nl.node_name[i]), *(1e-6 * v for v in (x1[k] - x0[k], y1[k] - y0[k], x0[k], y0[k])))
        for k, i in enumerate(hard.tolist())
    ]
    fill = _gaps(x0, x1, y0, y1, cv.width_um, cv.height_um)
    out += [Unit(f"fill_{k}", *(1e-6 * v for v in (c - a, d - b, a, b))) for k, (a, b, c, d) in enumerate(fill)]
    return out


def _gaps(x0: F64, x1: F64, y0: F64, y1: F64, width: float, height: float) -> list[tuple[float, float, float, float]]:
    """Return disjoint rectangles (x0, y0, x1, y1) that cover what the macros leave; slabs, merged upwards."""
    levels = np.unique(np.concatenate([[0.0, height], y0, y1]))
    growing: dict[tuple[float, float], float] = {}
    done: list[tuple[float, float, float, float]] = []
    for low, high in zip(levels[:-1].tolist(), levels[1:].tolist(), strict=True):
        inside = np.flatnonzero((y0 < high) & (y1 > low))
        spans: list[tuple[float, float]] = []
        at = 0.0
        for k in inside[np.argsort(x0[inside])].tolist():
            if x0[k] > at:
                spans.append((at, float(x0[k])))
            at = max(at, float(x1[k]))
        if at < width:
            spans.append((at, width))
        ended = [s for s in growing if s not in spans]
        done += [(s[0], growing.pop(s), s[1], low) for s in ended]
        for span in spans:
            growing.setdefault(span, low)
    done += [(a, low, b, height) for (a, b), low in growing.items()]
    return done


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
    flp = ["# name width height left bottom, in metres"]
    flp += [f"{u.name}\t{u.width_m:.9e}\t{u.height_m:.9e}\t{u.left_m:.9e}\t{u.bottom_m:.9e}" for u in units]
    trace = ["\t".join(u.name for u in units), "\t".join(f"{w:.9e}" for w in watts.tolist())]
    paths = [target / FLP_FILE, target / PTRACE_FILE]
    for path, lines in zip(paths, (flp, trace), strict=True):
        atomic_write_text(path, "\n".join(lines) + "\n")
    return paths


def read_flp(path: str | Path) -> list[Unit]:
    """Read a .flp file.

    Raises:
        ParseError: a line is not a name and four or more numbers.
    """
    out = []
    for number, line in enumerate(read_bytes_maybe_compressed(path).decode().splitlines(), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        try:
            out.append(Unit(words[0], *(float(v) for v in words[1:5])))
        except (TypeError, ValueError):
            raise ParseError(path, number, "expected a name, width, height, left and bottom") from None
    return out


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


def _plain(name: str) -> str:
    return "_".join(name.split())


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
