"""One design from whatever files describe it: each told by its content, the placements among them applied."""

from __future__ import annotations

import dataclasses
import logging
import math
import re
from pathlib import Path

import numpy as np

from floorplan.errors import ParseError, ProblemError
from floorplan.formats.bookshelf.reader import UNITS_PER_UM, read_bookshelf_design
from floorplan.formats.bookshelf.tables import Nodes, read_aux, read_pl
from floorplan.formats.design import Design
from floorplan.formats.json_.design import read_json
from floorplan.formats.net_order import restored
from floorplan.formats.pbtxt.reader import read_netlist
from floorplan.formats.plc import read_plc
from floorplan.formats.ports import spread_on_edges
from floorplan.formats.problem import find_placement, problem_of
from floorplan.formats.sniff import head_of
from floorplan.formats.sources import Source, sources_of
from floorplan.formats.transfer import on_floorplan, positions_by_name, with_given
from floorplan.geometry import oriented_size_um
from floorplan.netlist import Canvas, Netlist, NodeKind, Placement, Problem

__all__ = ["read_design"]

log = logging.getLogger(__name__)

# how flat netlists of TILOS's flow tell of the floorplan: a comment that Innovus' script writes
_BOX = re.compile(r"^# FP bbox: \{(\S{1,40}) (\S{1,40}) (\S{1,40}) (\S{1,40})\}", re.MULTILINE)
_UNITS = re.compile(r"^# ([0-9.eE+-]{1,40}) units to the micron", re.MULTILINE)


def read_design(
    *paths: str | Path,
    placement: str | Path | None = None,
    units_per_um: float | None = None,
    need_canvas: bool = False,
    base: str | None = None,
) -> Design:
    """Read a design from files of any format that `sniff` knows.

    One file is enough for protobuf text (with the .plc beside it), Bookshelf (.aux, or any file that stands beside
    one), GSRC, YAL and JSON; LEF files with a DEF or a Verilog netlist, or both, are one design. A .plc gives canvas
    and positions to the netlist in protobuf text among the files, else to the first design. Any further design, a
    Bookshelf .pl, and Tcl as it is written for OpenROAD, give the first one positions by the names of macros and cells.

    Args:
        paths: files, plain, .gz or .xz; the first design among them is the one that is returned.
        placement: one more of them, for callers that have it apart.
        units_per_um: Bookshelf units in a micron; None for what the file states, or else 100 for a design and for a .pl
            what would be written for the design that it places.
        need_canvas: refuse a netlist in protobuf text for whose canvas there is neither a .plc nor a comment.
        base: format of the design to return, where that need not be the first.

    Returns:
        The design; `problem.initial` holds the positions.

    Raises:
        ParseError: a file is damaged, of no known format, or does not fit the others.
        ProblemError: no file is a design, or `need_canvas` and there is none.
    """
    sources = sources_of([Path(p) for p in paths] + ([] if placement is None else [Path(placement)]))
    designs = [s for s in sources if not s.places]
    first = next((s for s in designs if s.kind == base), designs[0])
    design = _read(first, units_per_um, need_canvas)
    for source in sources:
        if source is first:
            continue
        if source.places:
            initial = _placed_by(source, design, units_per_um)
        else:
            other = _read(source, units_per_um, need_canvas=False)
            if source.floorplan and first.kind == "verilog":
                design = on_floorplan(design, other, source.paths[-1])
                continue
            initial = positions_by_name(design.problem, other.problem, source.plc or source.paths[-1])
        design = design.replace(problem=design.problem.replace(initial=initial))
    return design


def _placed_by(source: Source, design: Design, units_per_um: float | None) -> Placement:
    if source.kind == "tcl":
        from floorplan.formats.export.tcl import read_place_macro_tcl

        return read_place_macro_tcl(source.paths[0], design)
    return _pl_positions(source.paths[0], design, units_per_um)


def _read(source: Source, units_per_um: float | None, need_canvas: bool) -> Design:
    path = source.paths[-1]
    if source.kind == "protobuf":
        return _read_protobuf(path, source.plc, need_canvas)
    if source.kind == "json":
        design, final = read_json(path)
        design = design.replace(problem=design.problem.replace(initial=final))
    elif source.kind == "bookshelf":
        nodes = read_aux(path)["nodes"]
        design = read_bookshelf_design(path, _units(units_per_um, nodes, UNITS_PER_UM))
    elif source.kind == "gsrc":
        from floorplan.formats.gsrc.reader import read_gsrc

        design = read_gsrc(path)
    elif source.kind == "yal":
        from floorplan.formats.gsrc.yal import read_yal

        design = read_yal(path)
    elif source.kind == "verilog":
        from floorplan.formats.verilog.reader import read_verilog

        design = read_verilog(path, source.paths[:-1])
    else:
        from floorplan.formats.lefdef.reader import read_lefdef

        design = read_lefdef(source.paths[:-1], path)
    return design if source.plc is None else _with_plc(design, source.plc)


def _with_plc(design: Design, path: Path) -> Design:
    problem = design.problem
    plc = read_plc(path, problem.netlist)
    fixed = problem.fixed | plc.fixed
    initial = with_given(plc.placement, problem.initial)
    blockages = problem.blockages or plc.blockages  # the design's own say more than a .plc can
    return design.replace(
        problem=problem.replace(canvas=plc.canvas, initial=initial, fixed=fixed, blockages=blockages),
        paths=(*design.paths, path),
    )


def _read_protobuf(path: Path, plc_path: Path | None, need_canvas: bool) -> Design:
    netlist, given = read_netlist(path)
    netlist = restored(netlist, path)
    box = _box(path)
    if plc_path is None:
        plc_path = _fitting(path, netlist, need_canvas and box is None)
    if plc_path is not None:
        return Design(problem_of(netlist, given, plc_path), "protobuf", (path, plc_path))
    canvas = Canvas.default_for(netlist)
    if box is not None:
        canvas = dataclasses.replace(canvas, width_um=box[2] - box[0], height_um=box[3] - box[1])
        given = given.replace(given.x_um - box[0], given.y_um - box[1])
    problem = Problem(netlist, canvas, _with_all_ports(netlist, canvas, given, path))
    return Design(problem, "protobuf", (path,), (0.0, 0.0) if box is None else (box[0], box[1]))


def _fitting(path: Path, netlist: Netlist, needed: bool) -> Path | None:
    """Return the placement beside a netlist, None where there is none, or where it is of a flat netlist's clusters."""
    try:
        found = find_placement(path)
    except ProblemError:
        if needed:
            raise
        return None
    if needed or not (netlist.node_kind == NodeKind.CELL).any():
        return found
    try:
        read_plc(found, netlist)
    except ParseError as e:
        log.info("%s: the placement beside it is not its own (%s)", path, e)
        return None
    return found


def _box(path: Path) -> tuple[float, float, float, float] | None:
    m = _BOX.search(head_of(path).partition("node")[0])
    if m is None:
        return None
    try:
        x0, y0, x1, y1 = (float(word) for word in m.groups())
    except ValueError:
        return None
    good = all(math.isfinite(v) for v in (x0, y0, x1, y1)) and x1 > x0 and y1 > y0
    return (x0, y0, x1, y1) if good else None


def _with_all_ports(netlist: Netlist, canvas: Canvas, given: Placement, path: Path) -> Placement:
    """Put ports without a position on the edges of the canvas, in the order of the file."""
    missing = np.flatnonzero((netlist.node_kind == NodeKind.PORT) & ~given.placed)
    if not len(missing):
        return given
    log.warning("%s: %d ports have no position; they are spread over the edges", path, len(missing))
    x, y, placed = np.array(given.x_um), np.array(given.y_um), np.array(given.placed)
    x[missing], y[missing] = spread_on_edges(len(missing), canvas.width_um, canvas.height_um)
    placed[missing] = True
    return given.replace(x, y, placed=placed)


def _units(given: float | None, path: Path, usual: float) -> float:
    """Return Bookshelf units in a micron: those given, or stated in a comment as in files made here, or the usual."""
    if given is not None:
        if not (math.isfinite(given) and given > 0):
            raise ProblemError(f"units_per_um must be positive, got {given}")
        return given
    m = _UNITS.search(head_of(path)[:4096])
    try:
        value = float(m[1]) if m else usual
    except ValueError:
        return usual
    return value if math.isfinite(value) and value > 0 else usual


def _pl_positions(path: Path, design: Design, units_per_um: float | None) -> Placement:
    """Return the positions of a .pl file, which names nodes and gives their lower left corners in its units."""
    problem, netlist = design.problem, design.problem.netlist
    n = netlist.num_nodes
    names = Nodes(list(netlist.node_name), [], [], [], [], netlist.node_id)
    given = read_pl(path, names)
    units = _units(units_per_um, path, design.units_per_um)
    at = np.array(given.node, np.int64)
    orient = np.array(problem.initial.orient)
    orient[at] = given.orient
    w, h = oriented_size_um(netlist.node_w_um, netlist.node_h_um, orient)
    spot = Placement(np.zeros(n), np.zeros(n), orient, np.isin(np.arange(n), at))
    x, y = np.zeros(n), np.zeros(n)
    x0, y0 = design.origin_um
    x[at] = (np.array(given.x) / units - x0) + w[at] / 2
    y[at] = (np.array(given.y) / units - y0) + h[at] / 2
    spot = spot.replace(x, y)
    return positions_by_name(problem, problem.replace(initial=with_given(spot, problem.initial)), path)
