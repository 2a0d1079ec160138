"""Bookshelf designs (.aux with .nodes, .nets, .pl, .scl, .wts) as flat problems."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from floorplan.errors import NetlistError, ParseError, ProblemError
from floorplan.files import plain_name
from floorplan.formats.assemble import Connections, NameClashError, NodeTable, assemble
from floorplan.formats.bookshelf.route import Route, read_route, read_shapes
from floorplan.formats.bookshelf.rows import Rows, read_scl
from floorplan.formats.bookshelf.tables import Nets, Nodes, read_aux, read_nets, read_nodes, read_pl, read_wts
from floorplan.formats.design import Design
from floorplan.geometry import oriented_size_um
from floorplan.netlist import Canvas, Netlist, NodeKind, Placement, Problem

__all__ = ["UNITS_PER_UM", "read_bookshelf", "read_bookshelf_design"]

UNITS_PER_UM = 100.0
"""The format has no unit of length; 100 to the micron is how the ICCAD04 suite is costed."""

F64 = npt.NDArray[np.float64]

log = logging.getLogger(__name__)


def read_bookshelf(path: str | Path, units_per_um: float = UNITS_PER_UM) -> Problem:
    """Read the problem of a Bookshelf design; see `read_bookshelf_design`."""
    return read_bookshelf_design(path, units_per_um).problem


def read_bookshelf_design(path: str | Path, units_per_um: float = UNITS_PER_UM) -> Design:
    """Read a design before clustering, the canvas of its rows, and the positions of its .pl file.

    A movable node taller than the lowest row is a hard macro, any other a standard cell; a terminal no larger than a
    row is high is a port, a larger one a fixed hard macro. A net's source is its first output pin, or its first pin
    where none is an output. Each connection of a macro is a pin of its own; a cell or port is its own single pin, at
    its centre, so it counts once in a net, and nets that reach one node only are left out. Unlike in protobuf text, a
    cell may be the source of several nets. The canvas has the grid of `Canvas.default_for`, and its tracks too, unless
    there is a .route: then the tracks are those of its tiles, and hard macros take those of the layers that it lists
    for them. A terminal that others may overlap (terminal_NI) is a port of any size. Nodes that .shapes tells to be no
    rectangles are their bounding boxes, so that each node stays one and its position can be written back.

    Args:
        path: the .aux file; it and the files it lists may be .gz or .xz.
        units_per_um: Bookshelf units in a micron.

    Raises:
        ParseError: a file is missing, damaged, or does not fit the others; it names the line.
        ProblemError: `units_per_um` is not positive.
    """
    if not (np.isfinite(units_per_um) and units_per_um > 0):
        raise ProblemError(f"units_per_um must be positive, got {units_per_um}")
    p = Path(path)
    files = read_aux(p)
    nodes = read_nodes(files["nodes"])
    nets = read_nets(files["nets"], nodes)
    rows = read_scl(files["scl"]) if "scl" in files else None
    weight = read_wts(files["wts"], nodes, nets) if "wts" in files else None
    route = read_route(files["route"], nodes) if "route" in files else None
    shapes = read_shapes(files["shapes"], nodes) if "shapes" in files else 0
    if shapes:
        log.info("%s: %d nodes that are no rectangles are taken as their bounding boxes", path, shapes)
    netlist = _netlist(plain_name(p).removesuffix(".aux"), files["nodes"], nodes, nets, weight, rows, units_per_um)
    big = (netlist.node_kind == NodeKind.HARD) & np.array(nodes.terminal)
    try:
        placement, fixed = _placement(netlist, files, nodes, rows, units_per_um)
        problem = Problem(netlist, _canvas(netlist, rows, route, units_per_um), placement, fixed=fixed | big)
    except ProblemError as e:
        raise ParseError(files.get("pl", p), 0, str(e)) from None
    return Design(
        problem,
        "bookshelf",
        (p, *files.values()),
        origin_um=(rows.x0 / units_per_um, rows.y0 / units_per_um) if rows is not None else (0.0, 0.0),
        units_per_um=units_per_um,
        site_um=(rows.site / units_per_um, rows.height / units_per_um) if rows is not None else None,
    )


def _canvas(netlist: Netlist, rows: Rows | None, route: Route | None, units_per_um: float) -> Canvas:
    canvas = Canvas.default_for(netlist)
    if rows is not None:
        w_um, h_um = (rows.x1 - rows.x0) / units_per_um, (rows.y1 - rows.y0) / units_per_um
        canvas = replace(canvas, width_um=w_um, height_um=h_um)
    if route is None:
        return canvas
    h, v, h_macro, v_macro = route.tracks(netlist.node_w_um * netlist.node_h_um * (netlist.node_kind == NodeKind.HARD))
    if not (h > 0 and v > 0):
        return canvas
    return replace(
        canvas,
        h_tracks_per_um=h * units_per_um,
        v_tracks_per_um=v * units_per_um,
        h_macro_tracks_per_um=h_macro * units_per_um,
        v_macro_tracks_per_um=v_macro * units_per_um,
    )


def _netlist(
    name: str,
    path: Path,
    nodes: Nodes,
    nets: Nets,
    weight: F64 | None,
    rows: Rows | None,
    units_per_um: float,
) -> Netlist:
    width, height, terminal = np.array(nodes.width), np.array(nodes.height), np.array(nodes.terminal)
    lowest = rows.height if rows is not None else float(height[~terminal & (height > 0)].min(initial=np.inf))
    large = (np.where(terminal, np.maximum(width, height), height) > lowest) & ~np.array(nodes.over)
    kind = np.select([large, terminal], [NodeKind.HARD, NodeKind.PORT], NodeKind.CELL).astype(np.uint8)
    flat = np.flatnonzero(large & ((width == 0) | (height == 0)))
    if len(flat):
        i = int(flat[0])
        raise ParseError(path, nodes.line[i], f"macro {nodes.name[i]!r} has no area ({width[i]} x {height[i]})")
    joins = Connections(nets.begin, nets.pin_node, nets.pin_out, nets.pin_dx / units_per_um, nets.pin_dy / units_per_um)
    try:
        return assemble(name, NodeTable(nodes.name, kind, width / units_per_um, height / units_per_um), joins, weight)
    except NameClashError as e:
        raise ParseError(path, nodes.line[nodes.id[e.name]], str(e)) from None
    except NetlistError as e:
        raise ParseError(path, 0, f"{e} at {units_per_um} units to the micron") from None


def _placement(
    netlist: Netlist, files: dict[str, Path], nodes: Nodes, rows: Rows | None, units_per_um: float
) -> tuple[Placement, npt.NDArray[np.bool_]]:
    n = netlist.num_nodes
    empty = Placement.empty(n)
    if "pl" not in files:
        return empty, np.zeros(n, np.bool_)
    given = read_pl(files["pl"], nodes)
    at = given.node
    orient = np.zeros(n, np.uint8)
    orient[at] = given.orient
    w, h = oriented_size_um(np.array(nodes.width), np.array(nodes.height), orient)
    x, y = np.zeros(n), np.zeros(n)
    x0, y0 = (rows.x0, rows.y0) if rows is not None else (0.0, 0.0)
    x[at], y[at] = given.x - x0, given.y - y0
    placed, fixed = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    placed[at], fixed[at] = True, given.fixed
    x, y = (x + w / 2) / units_per_um, (y + h / 2) / units_per_um
    return Placement(np.where(placed, x, 0.0), np.where(placed, y, 0.0), orient, placed), fixed
