"""A whole problem from files: the netlist, and the .plc that gives canvas, ports and a start."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from floorplan.errors import ParseError, ProblemError
from floorplan.files import plain_name
from floorplan.formats.pbtxt import read_netlist
from floorplan.formats.plc import read_plc
from floorplan.netlist import NodeKind, Problem

__all__ = ["find_placement", "read_problem"]


def read_problem(netlist_path: str | Path, placement_path: str | Path | None = None) -> Problem:
    """Read a netlist with its canvas, fixed nodes, blockages and initial placement.

    Ports that the placement leaves out stand where the netlist puts them.

    Args:
        netlist_path: protobuf-text netlist.
        placement_path: .plc file; if None, the one that `find_placement` finds.

    Raises:
        ParseError: a file is damaged, the two do not fit, or a port has a position in neither.
        ProblemError: `placement_path` is None and no placement stands beside the netlist.
    """
    netlist, given = read_netlist(netlist_path)
    plc_path = find_placement(netlist_path) if placement_path is None else Path(placement_path)
    plc = read_plc(plc_path, netlist)
    placement = plc.placement
    ports = netlist.node_kind == NodeKind.PORT
    fill = ports & ~placement.placed & given.placed
    if fill.any():
        placement = placement.replace(
            np.where(fill, given.x_um, placement.x_um),
            np.where(fill, given.y_um, placement.y_um),
            placed=placement.placed | fill,
        )
    missing = ports & ~placement.placed
    if missing.any():
        name = netlist.node_name[int(np.argmax(missing))]
        raise ParseError(plc_path, 0, f"port {name!r} has no line, and the netlist gives it no position either")
    return Problem(netlist, plc.canvas, placement, fixed=plc.fixed, blockages=plc.blockages)


def find_placement(netlist_path: str | Path) -> Path:
    """Return the placement that belongs to a netlist: `<stem>.plc` or `initial.plc` beside it, plain, .gz or .xz.

    Raises:
        ProblemError: there is none; the message names what was looked for.
    """
    p = Path(netlist_path)
    stem = plain_name(p)
    for suffix in (".txt", ".pb", ".pbtxt"):
        stem = stem.removesuffix(suffix)
    names = [base + end for base in (f"{stem}.plc", "initial.plc") for end in ("", ".xz", ".gz")]
    for name in names:
        if (p.parent / name).is_file():
            return p.parent / name
    raise ProblemError(f"{p}: no placement given and none beside it (looked for {', '.join(names)})")
