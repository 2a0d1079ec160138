"""Bookshelf designs (.aux with .nodes, .nets, .pl, .scl, .wts) as flat problems."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from floorplan.errors import ParseError, ProblemError
from floorplan.files import plain_name
from floorplan.formats.bookshelf_tables import (
    Nets,
    Nodes,
    Rows,
    read_aux,
    read_nets,
    read_nodes,
    read_pl,
    read_scl,
    read_wts,
)
from floorplan.geometry import oriented_size_um
from floorplan.netlist import Canvas, Netlist, NodeKind, Placement, Problem, Side

__all__ = ["UNITS_PER_UM", "read_bookshelf"]

UNITS_PER_UM = 100.0
"""The format has no unit of length; 100 to the micron is how the ICCAD04 suite is costed."""

log = logging.getLogger(__name__)


def read_bookshelf(path: str | Path, units_per_um: float = UNITS_PER_UM) -> Problem:
    """Read a design before clustering, the canvas of its rows, and the positions of its .pl file.

    A movable node taller than the lowest row is a hard macro, any other a standard cell; a terminal no larger than a
    row is high is a port, a larger one a fixed hard macro. A net's source is its first output pin, or its first pin
    where none is an output. Each connection of a macro is a pin of its own; a cell or port is its own single pin, at
    its centre, so it counts once in a net, and nets that reach one node only are left out. Unlike in protobuf text, a
    cell may be the source of several nets. Grid and tracks, of which the format knows nothing, are those of
    `Canvas.default_for`.

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
    weights = read_wts(files["wts"], nodes, nets) if "wts" in files else {}
    netlist = _netlist(plain_name(p).removesuffix(".aux"), files["nodes"], nodes, nets, weights, rows, units_per_um)
    big = (netlist.node_kind == NodeKind.HARD) & np.array(nodes.terminal)
    try:
        placement, fixed = _placement(netlist, files, nodes, rows, units_per_um)
        return Problem(netlist, _canvas(netlist, rows, units_per_um), placement, fixed=fixed | big)
    except ProblemError as e:
        raise ParseError(files.get("pl", p), 0, str(e)) from None


def _canvas(netlist: Netlist, rows: Rows | None, units_per_um: float) -> Canvas:
    usual = Canvas.default_for(netlist)
    if rows is None:
        return usual
    return Canvas(
        (rows.x1 - rows.x0) / units_per_um,
        (rows.y1 - rows.y0) / units_per_um,
        usual.columns,
        usual.rows,
        usual.h_tracks_per_um,
        usual.v_tracks_per_um,
        usual.h_macro_tracks_per_um,
        usual.v_macro_tracks_per_um,
    )


def _netlist(
    name: str,
    path: Path,
    nodes: Nodes,
    nets: Nets,
    weights: dict[int, float],
    rows: Rows | None,
    units_per_um: float,
) -> Netlist:
    width, height, terminal = np.array(nodes.width), np.array(nodes.height), np.array(nodes.terminal)
    lowest = rows.height if rows is not None else float(height[~terminal & (height > 0)].min(initial=np.inf))
    large = np.where(terminal, np.maximum(width, height), height) > lowest
    kind = np.select([large, terminal], [NodeKind.HARD, NodeKind.PORT], NodeKind.CELL).astype(np.uint8)
    flat = np.flatnonzero(large & ((width == 0) | (height == 0)))
    if len(flat):
        i = int(flat[0])
        raise ParseError(path, nodes.line[i], f"macro {nodes.name[i]!r} has no area ({width[i]} x {height[i]})")
    is_port = kind == NodeKind.PORT

    pin_name, pins, pin_of = _pins(path, nodes, nets, kind == NodeKind.HARD, units_per_um)
    degree = np.diff(np.array(nets.begin))
    of_net = np.repeat(np.arange(len(degree)), degree)
    keep, ptr = _terminals(of_net, pin_of, np.array(nets.pin_out, np.bool_), len(degree))
    used = np.diff(ptr) > 1
    if not used.all():
        log.info("%s: %d nets reach one node only and are left out", path, int((~used).sum()))
        keep = keep[np.repeat(used, np.diff(ptr))]
    weight = np.ones(len(degree))
    for e, value in weights.items():
        weight[e] = value
    arrays: dict[str, npt.NDArray[Any]] = {
        "node_kind": kind,
        "node_w_um": np.where(is_port, 0.0, width / units_per_um),
        "node_h_um": np.where(is_port, 0.0, height / units_per_um),
        "node_side": np.full(len(kind), Side.NONE, np.uint8),
        "net_ptr": np.concatenate([[0], np.cumsum(np.diff(ptr)[used])]).astype(np.int32),
        "net_pin": pin_of[keep].astype(np.int32),
        "net_weight": weight[used],
    } | pins
    for key, a in arrays.items():
        if not np.isfinite(a).all():
            raise ParseError(path, 0, f"{key} is out of range at {units_per_um} units to the micron")
        a.flags.writeable = False
    return Netlist(name=name, node_name=tuple(nodes.name), pin_name=tuple(pin_name), metadata=(), **arrays)


def _pins(
    path: Path, nodes: Nodes, nets: Nets, has_pins: npt.NDArray[np.bool_], units_per_um: float
) -> tuple[list[str], dict[str, npt.NDArray[Any]], npt.NDArray[np.int64]]:
    """Return the pins' names, what the netlist says of them, and the pin of each connection in .nets."""
    owner = np.array(nets.pin_node, np.int64)

    # pins: the connections of each macro in file order, the one pin of every other node
    mine = np.flatnonzero(has_pins[owner])
    mine = mine[np.argsort(owner[mine], kind="stable")]
    count = np.where(has_pins, np.bincount(owner[mine], minlength=len(has_pins)), 1)
    first = np.concatenate([[0], np.cumsum(count)])
    pin_node = np.repeat(np.arange(len(has_pins)), count)
    pin_of = first[owner].astype(np.int64)
    pin_of[mine] = np.flatnonzero(has_pins[pin_node])
    dx, dy = np.zeros(len(pin_node)), np.zeros(len(pin_node))
    dx[pin_of[mine]] = np.array(nets.pin_dx)[mine] / units_per_um
    dy[pin_of[mine]] = np.array(nets.pin_dy)[mine] / units_per_um

    # a macro takes a number before those of its pins, any other node shares its pin's
    span = np.where(has_pins, count + 1, 1)
    node_index = np.concatenate([[0], np.cumsum(span)])[:-1]
    pin_index = node_index[pin_node] + np.where(has_pins[pin_node], np.arange(len(pin_node)) - first[pin_node] + 1, 0)
    rank = (np.arange(len(pin_node)) - first[pin_node]).tolist()
    owners = zip(pin_node.tolist(), rank, has_pins[pin_node].tolist(), strict=True)
    pin_name = [f"{nodes.name[i]}/{k}" if mark else nodes.name[i] for i, k, mark in owners]
    for pin in np.flatnonzero(has_pins[pin_node]).tolist():
        other = nodes.id.get(pin_name[pin])
        if other is not None:
            raise ParseError(path, nodes.line[other], f"{pin_name[pin]!r} is the name of a macro's pin, too")

    pins: dict[str, npt.NDArray[Any]] = {
        "node_index": node_index.astype(np.int32),
        "pin_node": pin_node.astype(np.int32),
        "pin_dx_um": dx,
        "pin_dy_um": dy,
        "pin_index": pin_index.astype(np.int32),
    }
    return pin_name, pins, pin_of


def _terminals(
    of_net: npt.NDArray[np.int64], pin: npt.NDArray[np.int64], out: npt.NDArray[np.bool_], num_nets: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the connections by net with the source first and each pin once, and where each net begins among them."""
    order = np.lexsort((np.arange(len(pin)), ~out, of_net))
    head = np.concatenate([[True], np.diff(of_net[order]) != 0]) if len(order) else np.zeros(0, np.bool_)
    source = order[head]
    place = np.arange(len(pin))
    place[source] = -1  # the source leads, all others keep the order of the file
    order = np.lexsort((place, of_net))
    _, first = np.unique(of_net[order] * (int(pin.max(initial=0)) + 1) + pin[order], return_index=True)
    keep = order[np.sort(first)]
    ptr = np.concatenate([[0], np.cumsum(np.bincount(of_net[keep], minlength=num_nets))])
    return keep, ptr


def _placement(
    netlist: Netlist, files: dict[str, Path], nodes: Nodes, rows: Rows | None, units_per_um: float
) -> tuple[Placement, npt.NDArray[np.bool_]]:
    n = netlist.num_nodes
    empty = Placement.empty(n)
    if "pl" not in files:
        return empty, np.zeros(n, np.bool_)
    given = read_pl(files["pl"], nodes)
    at = np.array(given.node, np.int64)
    orient = np.zeros(n, np.uint8)
    orient[at] = given.orient
    w, h = oriented_size_um(np.array(nodes.width), np.array(nodes.height), orient)
    x, y = np.zeros(n), np.zeros(n)
    x0, y0 = (rows.x0, rows.y0) if rows is not None else (0.0, 0.0)
    x[at], y[at] = np.array(given.x) - x0, np.array(given.y) - y0
    placed, fixed = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    placed[at], fixed[at] = True, given.fixed
    x, y = (x + w / 2) / units_per_um, (y + h / 2) / units_per_um
    return Placement(np.where(placed, x, 0.0), np.where(placed, y, 0.0), orient, placed), fixed
