"""A whole problem from files: the netlist, and the .plc that gives canvas, ports and a start."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from floorplan.errors import ParseError, ProblemError
from floorplan.files import plain_name
from floorplan.formats.net_order import restored
from floorplan.formats.pbtxt.reader import read_netlist
from floorplan.formats.plc import read_plc
from floorplan.formats.sniff import sniff
from floorplan.netlist import Netlist, NodeKind, Placement, Problem

__all__ = ["find_placement", "problem_of", "read_problem"]


def read_problem(netlist_path: str | Path, placement_path: str | Path | None = None) -> Problem:
    """Read a netlist with its canvas, fixed nodes, blockages and initial placement.

    Ports and cells that the placement leaves out stand where the netlist puts them.

    Args:
        netlist_path: netlist in protobuf text, or one file that is a design of another format (`read_design`).
        placement_path: .plc file; if None, the one that `find_placement` finds.

    Raises:
        ParseError: a file is damaged, the two do not fit, or a port has a position in neither.
        ProblemError: `placement_path` is None and no placement stands beside the netlist.
    """
    if _is_of_another_format(netlist_path):
        from floorplan.formats.read import read_design

        return read_design(netlist_path, placement=placement_path, need_canvas=True).problem
    netlist, given = read_netlist(netlist_path)
    plc_path = find_placement(netlist_path) if placement_path is None else Path(placement_path)
    return problem_of(restored(netlist, Path(netlist_path)), given, plc_path)


def _is_of_another_format(path: str | Path) -> bool:
    try:
        return sniff(path) != "protobuf"
    except ParseError:
        return False  # a damaged netlist: its own reader knows the line


def problem_of(netlist: Netlist, given: Placement, plc_path: Path) -> Problem:
    """Return the problem of a netlist, the positions its own file gives, and a .plc.

    Raises:
        ParseError: the .plc is damaged or does not fit, or a port has a position in neither.
    """
    plc = read_plc(plc_path, netlist)
    placement = plc.placement
    ports = netlist.node_kind == NodeKind.PORT
    fill = (ports | (netlist.node_kind == NodeKind.CELL)) & ~placement.placed & given.placed
    if fill.any():
        placement = placement.replace(
            np.where(fill, given.x_um, placement.x_um),
            np.where(fill, given.y_um, placement.y_um),
            np.where(fill, given.orient, placement.orient),
            placement.placed | fill,
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
