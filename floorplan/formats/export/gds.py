"""Placements as layout files, GDSII and OASIS, through gdstk (the optional extra `gds`).

One cell for each macro master, its lower left corner as in orientation N at (0, 0) as LEF has it, holding outline and
pins; one top cell with the die, a reference for each hard macro, and what else the problem has. `LAYERS` is the layer
map. A reference carries its macro's name as property 1, and as a label at its centre.
"""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from floorplan.errors import FloorplanError, ProblemError
from floorplan.files import plain_name, write_bytes_by_suffix
from floorplan.formats.design import Design
from floorplan.geometry import ORIENT_MATRIX, Orient, oriented_size_um
from floorplan.netlist import NodeKind, Placement
from floorplan.netlist.constraints import turned_halo_um

if TYPE_CHECKING:
    import gdstk

__all__ = ["LAYERS", "NAME_PROPERTY", "GdsUnavailableError", "write_gds"]

LAYERS: Mapping[str, int] = MappingProxyType(
    {"die": 1, "hard": 2, "pin": 3, "soft": 4, "port": 5, "blockage": 6, "region": 7, "halo": 8}
)
"""Layer of each kind of shape, datatype 0; labels lie on the layer of what they name, texttype 1. Blockages that are
only to be avoided have datatype 1."""

NAME_PROPERTY = 1
"""GDSII property of a reference that holds the macro's name."""

_MIRROR_TURN = {
    Orient.N: (False, 0),
    Orient.FN: (True, 2),
    Orient.FS: (True, 0),
    Orient.S: (False, 2),
    Orient.E: (False, 3),
    Orient.W: (False, 1),
    Orient.FE: (True, 3),
    Orient.FW: (True, 1),
}
"""GDSII mirrors at the x axis first, then turns counterclockwise, here by quarters."""

_UNNAMEABLE = re.compile(r"[^A-Za-z0-9_?$]")
_STAMP = datetime(2000, 1, 1)  # files hold wall-clock fields without a zone; a fixed one keeps bytes equal
_MARK_UM = 0.2
_MOST_DBU = 2**31 - 1


class GdsUnavailableError(FloorplanError):
    """GDSII and OASIS files need gdstk, which is not installed; the message says how to."""


def write_gds(
    path: str | Path, design: Design, placement: Placement, *, pins: bool = True, dbu_um: float | None = None
) -> None:
    """Write a placement as GDSII (.gds) or OASIS (.oas), compressed where .gz or .xz follows; equal input, equal bytes.

    Coordinates are the file's own: the design's origin is added back. Shapes and origins are rounded to the database
    unit. Standard cells of a flat netlist are left out, as are nodes that are not placed.

    Args:
        path: its suffix chooses the format.
        design: macros that share a master share a cell; without masters, those that share size and pins do.
        placement: (N,) nodes.
        pins: draw the pins of hard macros, small squares with their names; many pins make a large file.
        dbu_um: the database unit; None: the design's own, but 1 nm at most.

    Raises:
        GdsUnavailableError: gdstk is not installed.
        ProblemError: the placement is of another length, the suffix is neither, or the canvas does not fit into 32 bits
            of database units.
        OSError: the file cannot be written.
    """
    kind = Path(plain_name(path)).suffix.lower()
    if kind not in (".gds", ".oas"):
        raise ProblemError(f"a layout file ends in .gds or .oas, {Path(path).name!r} does not")
    if len(placement) != design.problem.netlist.num_nodes:
        raise ProblemError(f"placement has {len(placement)} nodes, the netlist {design.problem.netlist.num_nodes}")
    unit = dbu_um if dbu_um is not None else 1 / max(design.units_per_um, 1000.0)
    if not (math.isfinite(unit) and unit > 0):
        raise ProblemError(f"a database unit must be positive, got {unit} um")
    library = _Layout(design, placement, unit, pins=pins).library()
    with tempfile.TemporaryDirectory(prefix="floorplan-") as folder:
        plain = Path(folder) / f"layout{kind}"
        if kind == ".gds":
            library.write_gds(plain, timestamp=_STAMP)
        else:
            library.write_oas(plain)
        write_bytes_by_suffix(path, plain.read_bytes())


class _Layout:
    """Builds the cells; all coordinates in whole database units, handed to gdstk in um."""

    def __init__(self, design: Design, placement: Placement, unit_um: float, *, pins: bool) -> None:
        try:
            import gdstk
        except ImportError:
            raise GdsUnavailableError("GDSII and OASIS files need gdstk: pip install floorplan-rl[gds]") from None
        self.gdstk = gdstk
        self.design, self.problem, self.netlist = design, design.problem, design.problem.netlist
        self.placement, self.unit_um, self.pins = placement, unit_um, pins
        self.origin = design.origin_um
        cv = self.problem.canvas
        reach = max(abs(o) + e for o, e in zip(self.origin, (cv.width_um, cv.height_um), strict=True))
        if reach * 2 / unit_um > _MOST_DBU:
            raise ProblemError(
                f"a canvas that reaches to {reach:.6g} um has too many database units of {unit_um:.6g} um"
            )
        self.names: set[str] = set()

    def library(self) -> gdstk.Library:
        library = self.gdstk.Library("floorplan", unit=1e-6, precision=self.unit_um * 1e-6)
        top = library.new_cell(self._cell_name(self.netlist.name or "top"))
        cv = self.problem.canvas
        self._rectangle(top, "die", 0.0, 0.0, cv.width_um, cv.height_um)
        self._constraints(top)
        self._soft_and_ports(top)
        masters = self._masters(library)
        nl, p = self.netlist, self.placement
        for i in nl.hard[p.placed[nl.hard]].tolist():
            top.add(self._reference(masters[i], i))
            self._label(top, "hard", nl.node_name[i], float(p.x_um[i]), float(p.y_um[i]))
        return library

    def _cell_name(self, wanted: str) -> str:
        name = _UNNAMEABLE.sub("_", wanted)
        unique, k = name, 2
        while unique in self.names:
            unique, k = f"{name}${k}", k + 1
        self.names.add(unique)
        return unique

    def _grid(self, value_um: float) -> float:
        return round(value_um / self.unit_um) * self.unit_um

    def _rectangle(
        self, cell: gdstk.Cell, kind: str, x0: float, y0: float, x1: float, y1: float, datatype: int = 0
    ) -> None:
        ox, oy = self.origin
        low = self._grid(x0 + ox), self._grid(y0 + oy)
        high = self._grid(x1 + ox), self._grid(y1 + oy)
        cell.add(self.gdstk.rectangle(low, high, layer=LAYERS[kind], datatype=datatype))

    def _label(self, cell: gdstk.Cell, kind: str, text: str, x: float, y: float) -> None:
        at = self._grid(x + self.origin[0]), self._grid(y + self.origin[1])
        cell.add(self.gdstk.Label(text, at, layer=LAYERS[kind], texttype=1))

    def _masters(self, library: gdstk.Library) -> dict[int, gdstk.Cell]:
        """Return the cell of each hard macro, made in file order; equal masters with differing pins get one each."""
        nl = self.netlist
        pins = self._pins_of()
        cells: dict[object, gdstk.Cell] = {}
        pinned: dict[gdstk.Cell, dict[str, tuple[float, float]]] = {}
        out: dict[int, gdstk.Cell] = {}
        for i in nl.hard.tolist():
            master = self.design.master[i] if self.design.master else ""
            size = float(nl.node_w_um[i]), float(nl.node_h_um[i])
            own = pins.get(i, {})
            key: object = (master, size) if master else (size, tuple(sorted(own.items())))
            k = 0
            # Instances of a master may show different pins, as only connected ones are known, but not in two places.
            while (key, k) in cells and _differ(pinned[cells[key, k]], own):
                k += 1
            if (key, k) not in cells:
                name = self._cell_name(master or f"macro_{size[0]:g}x{size[1]:g}".replace(".", "p"))
                cells[key, k] = library.new_cell(name)
                cells[key, k].add(
                    self.gdstk.rectangle((0, 0), (self._grid(size[0]), self._grid(size[1])), layer=LAYERS["hard"])
                )
                pinned[cells[key, k]] = {}
            pinned[cells[key, k]].update(own)
            out[i] = cells[key, k]
        for cell, of_cell in pinned.items():
            for name, (x, y) in of_cell.items():
                half = self._grid(_MARK_UM / 2)
                x, y = self._grid(x), self._grid(y)
                cell.add(self.gdstk.rectangle((x - half, y - half), (x + half, y + half), layer=LAYERS["pin"]))
                cell.add(self.gdstk.Label(name, (x, y), layer=LAYERS["pin"], texttype=1))
        return out

    def _pins_of(self) -> dict[int, dict[str, tuple[float, float]]]:
        """Return for each hard macro its pins by name, without the macro's own, from its lower left corner."""
        nl = self.netlist
        out: dict[int, dict[str, tuple[float, float]]] = {}
        if not self.pins:
            return out
        on_hard = np.flatnonzero(nl.node_kind[nl.pin_node] == NodeKind.HARD)
        owner = nl.pin_node[on_hard]
        x = (nl.pin_dx_um[on_hard] + nl.node_w_um[owner] / 2).tolist()
        y = (nl.pin_dy_um[on_hard] + nl.node_h_um[owner] / 2).tolist()
        for pin, i, px, py in zip(on_hard.tolist(), owner.tolist(), x, y, strict=True):
            name = nl.pin_name[pin].removeprefix(nl.node_name[i]).lstrip("/:") or nl.pin_name[pin]
            out.setdefault(i, {})[name] = self._grid(px), self._grid(py)
        return out

    def _reference(self, master: gdstk.Cell, node: int) -> gdstk.Reference:
        nl, p = self.netlist, self.placement
        mirrored, quarters = _MIRROR_TURN[Orient(p.orient[node])]
        a, b, c, d = ORIENT_MATRIX[p.orient[node]].tolist()
        # From the centre back to where the master's lower left corner has been turned to.
        half_w, half_h = float(nl.node_w_um[node]) / 2, float(nl.node_h_um[node]) / 2
        x = self._grid(float(p.x_um[node]) - (a * half_w + b * half_h) + self.origin[0])
        y = self._grid(float(p.y_um[node]) - (c * half_w + d * half_h) + self.origin[1])
        reference = self.gdstk.Reference(master, (x, y), rotation=quarters * math.pi / 2, x_reflection=mirrored)
        reference.set_gds_property(NAME_PROPERTY, nl.node_name[node])
        return reference

    def _soft_and_ports(self, top: gdstk.Cell) -> None:
        nl, p = self.netlist, self.placement
        soft = np.flatnonzero((nl.node_kind == NodeKind.SOFT) & p.placed)
        for i, (x0, y0, x1, y1) in zip(soft.tolist(), self._edges(soft), strict=True):
            self._rectangle(top, "soft", x0, y0, x1, y1)
            self._label(top, "soft", nl.node_name[i], float(p.x_um[i]), float(p.y_um[i]))
        for i in nl.ports[p.placed[nl.ports]].tolist():
            x, y = float(p.x_um[i]), float(p.y_um[i])
            self._rectangle(top, "port", x - _MARK_UM / 2, y - _MARK_UM / 2, x + _MARK_UM / 2, y + _MARK_UM / 2)
            self._label(top, "port", nl.node_name[i], x, y)

    def _constraints(self, top: gdstk.Cell) -> None:
        problem, p = self.problem, self.placement
        for b in problem.blockages:
            self._rectangle(top, "blockage", b.x0_um, b.y0_um, b.x1_um, b.y1_um, datatype=int(not b.hard))
        for region in problem.regions:
            for x0, y0, x1, y1 in region.rects_um.tolist():
                self._rectangle(top, "region", x0, y0, x1, y1)
                self._label(top, "region", region.name, (x0 + x1) / 2, (y0 + y1) / 2)
        hard = problem.netlist.hard
        haloed = hard[p.placed[hard] & problem.halo_um[hard].any(axis=1)]
        halo = turned_halo_um(problem.halo_um[haloed], p.orient[haloed]).tolist()
        for (x0, y0, x1, y1), (left, bottom, right, above) in zip(self._edges(haloed), halo, strict=True):
            self._rectangle(top, "halo", x0 - left, y0 - bottom, x1 + right, y1 + above)

    def _edges(self, nodes: npt.NDArray[np.integer]) -> list[list[float]]:
        nl, p = self.netlist, self.placement
        w, h = oriented_size_um(nl.node_w_um[nodes], nl.node_h_um[nodes], p.orient[nodes])
        x, y = p.x_um[nodes], p.y_um[nodes]
        edges: list[list[float]] = np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], axis=1).tolist()
        return edges


def _differ(a: dict[str, tuple[float, float]], b: dict[str, tuple[float, float]]) -> bool:
    return any(a.get(name, at) != at for name, at in b.items())
