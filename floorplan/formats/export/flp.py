"""Floorplan files (.flp) of the HotSpot thermal simulator: the die tiled by macros and by rectangles between them.

A line is `name width height left bottom` in metres. HotSpot wants the die covered once: a grid cell whose blocks do not
add up to its area is an error. The room between the macros is therefore cut into `fill_*` rectangles, and edges that
all but meet are made to meet: a filler a nanometre wide would be no more than a numerical trap.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from floorplan.errors import ParseError, ProblemError
from floorplan.files import read_bytes_maybe_compressed, write_bytes_by_suffix
from floorplan.formats.design import Design
from floorplan.formats.pbtxt.scanner import decode
from floorplan.geometry import oriented_size_um
from floorplan.netlist import Placement, Problem, check_legality

__all__ = ["SLIVER_UM", "Unit", "flp_text", "read_flp", "tiles", "write_flp"]

F64 = npt.NDArray[np.float64]

SLIVER_UM = 0.01
"""Edges closer than this are drawn together; a legaliser's smallest gaps are a tenth of it."""

_MAX_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Unit:
    """One rectangle of a floorplan, metres."""

    name: str
    width_m: float
    height_m: float
    left_m: float
    bottom_m: float


def write_flp(path: str | Path, design: Design, placement: Placement) -> None:
    """Write the hard macros and what lies between them, the die's lower left corner at 0.

    Raises:
        ProblemError: hard macros are unplaced, overlap, or stick out of the canvas, so that they tile no die.
        OSError: the file cannot be written.
    """
    problem = design.problem
    if len(placement) != problem.netlist.num_nodes:
        raise ProblemError(f"placement has {len(placement)} nodes, the netlist {problem.netlist.num_nodes}")
    hard = {problem.netlist.node_name[i] for i in problem.netlist.hard.tolist()}
    for v in check_legality(problem, placement).violations:
        if v.kind in ("overlap", "outside", "unplaced") and hard.issuperset(v.nodes):
            raise ProblemError(f"a .flp file needs macros that tile the die: {v}")
    write_bytes_by_suffix(path, flp_text(tiles(problem, placement)).encode())


def flp_text(units: list[Unit]) -> str:
    """Return the lines of a .flp file."""
    lines = ["# name width height left bottom, in metres"]
    lines += [f"{u.name}\t{u.width_m:.9e}\t{u.height_m:.9e}\t{u.left_m:.9e}\t{u.bottom_m:.9e}" for u in units]
    return "\n".join(lines) + "\n"


def tiles(problem: Problem, placement: Placement, sliver_um: float = SLIVER_UM) -> list[Unit]:
    """Return the hard macros of a legal placement, in file order, and rectangles that fill the rest of the canvas.

    Edges that are closer than `sliver_um` along an axis, and to the canvas edge, become one, so macros are off by up to
    that.
    """
    nl, cv = problem.netlist, problem.canvas
    hard = nl.hard
    w, h = oriented_size_um(nl.node_w_um[hard], nl.node_h_um[hard], placement.orient[hard])
    x0, y0 = placement.x_um[hard] - w / 2, placement.y_um[hard] - h / 2
    x0, x1 = _drawn_together(x0, x0 + w, cv.width_um, sliver_um)
    y0, y1 = _drawn_together(y0, y0 + h, cv.height_um, sliver_um)
    fill = _gaps(x0, x1, y0, y1, cv.width_um, cv.height_um)
    boxes = [*zip(x0.tolist(), y0.tolist(), x1.tolist(), y1.tolist(), strict=True), *fill]
    names = _unit_names([nl.node_name[i] for i in hard.tolist()], len(fill))
    return [
        Unit(name, *(1e-6 * v for v in (c - a, d - b, a, b))) for name, (a, b, c, d) in zip(names, boxes, strict=True)
    ]


def _drawn_together(low: F64, high: F64, extent_um: float, sliver_um: float) -> tuple[F64, F64]:
    """Return the edges within the canvas; those that follow each other more closely than `sliver_um` are the same."""
    edges = np.clip(np.concatenate([low, high]), 0.0, extent_um)
    values, place = np.unique(np.concatenate([[0.0, extent_um], edges]), return_inverse=True)
    out = values.copy()
    first = 0.0
    for k, value in enumerate(values.tolist()):
        first = first if value - first <= sliver_um else value
        out[k] = first
    # The group that reaches the far edge lies on it. The order of edges stays: nothing comes to overlap.
    out[out >= out[-1]] = extent_um
    moved = out[place.reshape(-1)[2:]]
    n = len(low)
    if (moved[n:] <= moved[:n]).any():
        return edges[:n], edges[n:]
    return moved[:n], moved[n:]


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


def _unit_names(names: list[str], fillers: int) -> list[str]:
    """Return one word a unit, none twice: white space and `#`, which begins a comment, become underscores."""
    taken: set[str] = set()
    out = []
    for name in [*names, *(f"fill_{k}" for k in range(fillers))]:
        word = "_".join(name.replace("#", "_").split()) or "_"
        unique, k = word, 2
        while unique in taken:
            unique, k = f"{word}_{k}", k + 1
        taken.add(unique)
        out.append(unique)
    return out


def read_flp(path: str | Path) -> list[Unit]:
    """Read a .flp file.

    Raises:
        ParseError: a line is not a name and four or more numbers, or a rectangle has no area.
    """
    p = Path(path)
    out = []
    for number, line in enumerate(decode(p, read_bytes_maybe_compressed(p, _MAX_BYTES)).split("\n"), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        try:
            unit = Unit(words[0], *(float(v) for v in words[1:5]))
        except (TypeError, ValueError):
            raise ParseError(p, number, "expected a name, width, height, left and bottom") from None
        values = (unit.width_m, unit.height_m, unit.left_m, unit.bottom_m)
        if not all(math.isfinite(v) for v in values) or min(values[:2]) <= 0:
            raise ParseError(p, number, f"{unit.name[:60]!r} is no rectangle: {' '.join(words[1:5])[:60]}")
        out.append(unit)
    return out
