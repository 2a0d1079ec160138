"""Bookshelf designs written: .aux with .nodes, .nets, .pl, .scl and .wts, or a .pl alone.

The format has no unit of length, no grid, no tracks and no soft macros. Files written here state their units in a
comment (`# 1000 units to the micron`), which `read_design` goes by; a soft macro is a movable node like any other.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from floorplan.errors import NetlistError, ProblemError
from floorplan.files import plain_name, write_bytes_by_suffix
from floorplan.formats.design import Design
from floorplan.geometry import Orient, oriented_size_um
from floorplan.netlist import Netlist, NodeKind, Placement, Problem

__all__ = ["write_bookshelf", "write_pl"]

F64 = npt.NDArray[np.float64]

log = logging.getLogger(__name__)

_DIGITS = 9
_WHOLE = 1e-6
"""Units that a number may be off a whole one and still be written as it."""


@dataclass(frozen=True)
class _Scale:
    """How lengths become text: units to the micron, and whether only whole units are written."""

    units_per_um: float
    whole: bool

    def text(self, units: float) -> str:
        near = round(units)
        if self.whole or abs(units - near) < 10.0**-_DIGITS / 2:
            return str(near)
        return f"{units:.{_DIGITS}f}".rstrip("0")

    def exact_text(self, um: float) -> str:
        """Return a length in units, with as many digits as it takes to read the same double, or the one beside it."""
        units = um * self.units_per_um
        text = _Scale(self.units_per_um, whole=False).text(units)
        if float(text) / self.units_per_um == um:
            return text
        near = (units, math.nextafter(units, math.inf), math.nextafter(units, -math.inf))
        # not every double is another one divided by the units
        return next((repr(v) for v in near if v / self.units_per_um == um), repr(units))


def write_bookshelf(
    path: str | Path,
    design: Design,
    placement: Placement | None = None,
    units_per_um: float | None = None,
    whole_units: bool = False,
) -> None:
    """Write a design as Bookshelf and a placement of it; equal input gives equal bytes.

    `read_design` of the .aux gives the same nodes with the same sizes, orientations and fixed nodes, and the same
    positions to 1e-9 units, or to the last bit where sizes and corners are whole units. A design that was read from
    Bookshelf keeps its content hash. Ports are terminals of 0 x 0 units, or 1 where their centre lies on half a unit;
    fixed macros are terminals, too. Pins take the reader's names. What the format cannot say is left out: grid, tracks,
    blockages, halos, regions, allowed orientations, and that a macro is soft.

    Args:
        path: the .aux file; the others stand beside it under its name, all compressed by its suffix.
        design: any.
        placement: (N,) nodes; None for the initial one. Unplaced nodes have no line in .pl.
        units_per_um: Bookshelf units in a micron; None for the design's own.
        whole_units: round sizes and lower-left corners to whole units, as many tools need; a corner moves by half a
            unit at most. Without it corners have up to 9 decimals, sizes and offsets as many as they need.

    Raises:
        NetlistError: a name holds a blank, # or :, or begins with NetDegree.
        ProblemError: the placement is of another length, or `units_per_um` is not positive.
        OSError: a file cannot be written.
    """
    target = Path(path)
    final = design.problem.initial if placement is None else placement
    scale = _scale(design, units_per_um, whole_units)
    netlist = design.problem.netlist
    _check(netlist, final)
    name = plain_name(target).removesuffix(".aux")
    suffix = target.name.removeprefix(plain_name(target))
    kinds = ("nodes", "nets", "wts", "pl", "scl")
    texts = (
        _nodes_text(design.problem, final, scale),
        _nets_text(netlist, scale),
        _wts_text(netlist),
        _pl_text(design, final, scale),
        _scl_text(design, scale),
    )
    for kind, text in zip(kinds, texts, strict=True):
        write_bytes_by_suffix(target.parent / f"{name}.{kind}{suffix}", text.encode())
    aux = f"RowBasedPlacement : {' '.join(f'{name}.{kind}' for kind in kinds)}\n"
    write_bytes_by_suffix(target, aux.encode())


def write_pl(
    path: str | Path,
    design: Design,
    placement: Placement | None = None,
    units_per_um: float | None = None,
    whole_units: bool = False,
) -> None:
    """Write a placement as a .pl alone, in the coordinates that the design's files have; see `write_bookshelf`.

    Raises:
        NetlistError: a name cannot be said.
        ProblemError: the placement is of another length, or `units_per_um` is not positive.
        OSError: the file cannot be written.
    """
    final = design.problem.initial if placement is None else placement
    scale = _scale(design, units_per_um, whole_units)
    _check(design.problem.netlist, final)
    write_bytes_by_suffix(path, _pl_text(design, final, scale).encode())


def _scale(design: Design, units_per_um: float | None, whole: bool) -> _Scale:
    units = design.units_per_um if units_per_um is None else units_per_um
    if not (math.isfinite(units) and units > 0):
        raise ProblemError(f"units_per_um must be positive, got {units}")
    return _Scale(units, whole)


def _check(netlist: Netlist, placement: Placement) -> None:
    if len(placement) != netlist.num_nodes:
        raise ProblemError(f"placement has {len(placement)} nodes, the netlist {netlist.num_nodes}")
    for name in netlist.node_name:
        if len(name.split()) != 1 or "#" in name or ":" in name or name.startswith("NetDegree"):
            raise NetlistError(
                f"{name!r} cannot be a node's name in Bookshelf: it has a blank, # or :, or is NetDegree"
            )


def _head(kind: str, scale: _Scale) -> list[str]:
    rounded = ", sizes and corners rounded to whole ones" if scale.whole else ""
    return [f"UCLA {kind} 1.0", f"# {scale.units_per_um!r} units to the micron{rounded}", ""]


def _sizes(problem: Problem, placement: Placement, scale: _Scale) -> tuple[F64, F64]:
    """Return (N,) widths and heights in units and orientation N; a port on half a unit is 1 wide or high."""
    nl = problem.netlist
    w, h = nl.node_w_um * scale.units_per_um, nl.node_h_um * scale.units_per_um
    if scale.whole:
        # what has an area keeps one
        w, h = (np.where(a > 0, np.maximum(np.round(a), 1.0), 0.0) for a in (w, h))
    ports = nl.node_kind == NodeKind.PORT
    for size, at in ((w, placement.x_um), (h, placement.y_um)):
        halves = np.where(placement.placed, at, 0.0) * scale.units_per_um * 2
        odd = (np.abs(halves - np.round(halves)) < _WHOLE) & (np.round(halves) % 2 == 1)
        size[ports & odd] = 1.0
    return w, h


def _nodes_text(problem: Problem, placement: Placement, scale: _Scale) -> str:
    nl = problem.netlist
    w, h = _sizes(problem, placement, scale)
    terminal = (nl.node_kind == NodeKind.PORT) | ((nl.node_kind == NodeKind.HARD) & problem.fixed)
    out = _head("nodes", scale)
    out += [f"NumNodes : {nl.num_nodes}", f"NumTerminals : {int(terminal.sum())}"]
    # a port's size is how its place is said, and rounded sizes are what they are
    own = np.full(nl.num_nodes, scale.whole) | (nl.node_kind == NodeKind.PORT)
    texts = [
        [scale.text(u) if o else scale.exact_text(um) for u, um, o in zip(*columns, strict=True)]
        for columns in (
            (w.tolist(), nl.node_w_um.tolist(), own.tolist()),
            (h.tolist(), nl.node_h_um.tolist(), own.tolist()),
        )
    ]
    rows = zip(nl.node_name, *texts, terminal.tolist(), strict=True)
    out += [f"{name} {a} {b}{' terminal' if t else ''}" for name, a, b, t in rows]
    return "\n".join(out) + "\n"


def _nets_text(nl: Netlist, scale: _Scale) -> str:
    own = np.isin(nl.node_kind, (NodeKind.PORT, NodeKind.CELL))
    names, owner = nl.node_name, nl.pin_node.tolist()
    # offsets are never rounded: no tool needs them whole, and no pin may leave its macro
    at = [
        "" if own[i] else f" : {scale.exact_text(x)} {scale.exact_text(y)}"
        for i, x, y in zip(owner, nl.pin_dx_um.tolist(), nl.pin_dy_um.tolist(), strict=True)
    ]
    out = [*_head("nets", scale), f"NumNets : {nl.num_nets}", f"NumPins : {len(nl.net_pin)}"]
    ptr, pins = nl.net_ptr.tolist(), nl.net_pin.tolist()
    for e in range(nl.num_nets):
        source, *sinks = pins[ptr[e] : ptr[e + 1]]
        out.append(f"NetDegree : {len(sinks) + 1} n{e}")
        lines = [f"  {names[owner[p]]} I{at[p]}" for p in sinks]
        lines.insert(_place_of_source(source, sinks, owner), f"  {names[owner[source]]} O{at[source]}")
        out += lines
    return "\n".join(out) + "\n"


def _place_of_source(source: int, sinks: list[int], owner: list[int]) -> int:
    """Return how many sinks to write before the source: the reader numbers a macro's pins as it meets them."""
    mine = [k + 1 for k, pin in enumerate(sinks) if owner[pin] == owner[source] and pin < source]
    return mine[-1] if mine else 0


def _wts_text(nl: Netlist) -> str:
    out = ["UCLA wts 1.0", "# weights of nets; those not named here weigh 1", ""]
    out += [f"n{e} {weight!r}" for e, weight in enumerate(nl.net_weight.tolist()) if weight != 1.0]
    return "\n".join(out) + "\n"


def _pl_text(design: Design, placement: Placement, scale: _Scale) -> str:
    problem = design.problem
    nl = problem.netlist
    size_w, size_h = _sizes(problem, placement, scale)
    w, h = oriented_size_um(size_w, size_h, placement.orient)
    x0, y0 = design.origin_um
    x = (placement.x_um + x0) * scale.units_per_um - w / 2
    y = (placement.y_um + y0) * scale.units_per_um - h / 2
    names = [o.name for o in Orient]
    out = _head("pl", scale)
    for i in np.flatnonzero(placement.placed).tolist():
        # a port is where it is because the files say so; readers know it for a terminal without being told
        fixed = " /FIXED" if problem.fixed[i] and nl.node_kind[i] != NodeKind.PORT else ""
        out.append(
            f"{nl.node_name[i]} {scale.text(float(x[i]))} {scale.text(float(y[i]))} "
            f": {names[placement.orient[i]]}{fixed}"
        )
    return "\n".join(out) + "\n"


def _scl_text(design: Design, scale: _Scale) -> str:
    canvas = design.problem.canvas
    width, height = canvas.width_um * scale.units_per_um, canvas.height_um * scale.units_per_um
    row = _row_height(design, scale)
    site = design.site_um[0] * scale.units_per_um if design.site_um else 1.0
    sites = max(round(width / site), 1)
    if abs(sites * site - width) > _WHOLE:
        # the rows must reach the canvas's edge, which is where the reader takes it from
        sites, site = 1, width
    count = max(int(height / row + _WHOLE), 1)
    x0, y0 = (v * scale.units_per_um for v in design.origin_um)
    exact = _Scale(scale.units_per_um, whole=False)
    out = [*_head("scl", scale), f"NumRows : {count}"]
    for k in range(count):
        last = height - k * row if k == count - 1 else row  # what is left over belongs to the last row
        out += [
            "CoreRow Horizontal",
            f"  Coordinate : {exact.text(y0 + k * row)}",
            f"  Height : {exact.text(last)}",
            f"  Sitewidth : {exact.text(site)}",
            f"  Sitespacing : {exact.text(site)}",
            f"  Siteorient : {'N' if k % 2 == 0 else 'FS'}",
            "  Sitesymmetry : Y",
            f"  SubrowOrigin : {exact.text(x0)} NumSites : {sites}",
            "End",
        ]
    return "\n".join(out) + "\n"


def _row_height(design: Design, scale: _Scale) -> float:
    """Return the height of rows in units: the design's own, or one by which the reader tells macros from cells."""
    problem = design.problem
    nl = problem.netlist
    height = nl.node_h_um * scale.units_per_um
    if scale.whole:
        height = np.where(height > 0, np.maximum(np.round(height), 1.0), 0.0)
    cells = float(height[nl.node_kind == NodeKind.CELL].max(initial=0.0))
    hard = nl.node_kind == NodeKind.HARD
    # a fixed macro is a terminal, and large if either side is
    size = np.where(problem.fixed, np.maximum(height, nl.node_w_um * scale.units_per_um), height)
    macros = float(size[hard].min(initial=np.inf))
    least = max(cells, 1.0 if (nl.node_kind == NodeKind.PORT).any() else 0.0)
    own = design.site_um[1] * scale.units_per_um if design.site_um else 0.0
    if own > 0 and least <= own < macros:
        return own
    if least >= macros:
        log.warning("%s: cells as high as its lowest macro; which is which cannot be told from Bookshelf", nl.name)
    if cells > 0:
        return max(cells, 1.0)
    canvas_h = problem.canvas.height_um * scale.units_per_um
    # the highest row below every macro that tiles the canvas in whole units, where there is one
    return _divisor_below(canvas_h, macros) if math.isfinite(macros) else canvas_h


def _divisor_below(total: float, limit: float) -> float:
    least = math.floor(total / limit) + 1
    for count in range(least, least + 1000):
        row = total / count
        if row < limit and abs(row - round(row)) < _WHOLE and row >= 1:
            return float(round(row))
    return total / least
