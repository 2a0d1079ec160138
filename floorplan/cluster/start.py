"""What a clustering starts from: a .plc of other clusters of the design."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from floorplan.errors import ParseError
from floorplan.files import read_bytes_maybe_compressed
from floorplan.formats import PlcFile, read_plc
from floorplan.formats.pbtxt.scanner import decode
from floorplan.formats.plc import NO_ORIENT
from floorplan.netlist import Canvas, Netlist, NodeKind, Problem

__all__ = ["exact_width_um", "read_start"]

_PORT_TOLERANCE = 0.01
_WIDTH = re.compile(r"^# .*--canvas_width ([0-9]{1,12}\.[0-9]{1,20})\s", re.MULTILINE)
_WIDTH_TOLERANCE_UM = 1e-3
_NO_SOFT = re.compile(r"^# SOFT_MACROs\s*:\s*0\s*$", re.MULTILINE)


def read_start(path: str | Path, flat: Problem) -> tuple[Problem, int]:
    """Return `flat` with canvas, ports and hard macros of a .plc of the design, and the number of soft macros in that.

    The .plc may be of any clustering. It must number ports and hard macros in the order of the flat netlist, as
    AlphaChip's grouper does; names it has none.

    Raises:
        ParseError: the file is damaged, has another number of ports or hard macros, or puts a port elsewhere than the
            flat design does (by more than 1 % of the canvas).
    """
    p = Path(path)
    netlist = flat.netlist
    numbers = _numbers(p, netlist)
    for what, kind, count in (("ports", NodeKind.PORT, netlist.ports), ("hard macros", NodeKind.HARD, netlist.hard)):
        found = sum(its == kind for _, its in numbers)
        if found != len(count):
            raise ParseError(p, 0, f"places {found} {what}, netlist {netlist.name!r} has {len(count)}")
    stub = _stub(netlist, numbers)
    plc = read_plc(p, stub)
    keep = np.concatenate([netlist.ports, netlist.hard])
    known = np.concatenate([stub.ports, stub.hard])
    _check_ports(p, flat, plc, stub)
    initial = flat.initial
    x, y, orient, placed = (np.array(a) for a in (initial.x_um, initial.y_um, initial.orient, initial.placed))
    for mine, its in (
        (x, plc.placement.x_um),
        (y, plc.placement.y_um),
        (orient, plc.placement.orient),
        (placed, plc.placement.placed),
    ):
        mine[keep] = its[known]
    fixed = flat.fixed.copy()
    fixed[keep] |= plc.fixed[known]
    start = initial.replace(x, y, orient, placed)
    problem = flat.replace(canvas=plc.canvas, initial=start, fixed=fixed, blockages=plc.blockages)
    return problem, int((stub.node_kind == NodeKind.SOFT).sum())


def _numbers(path: Path, netlist: Netlist) -> list[tuple[int, NodeKind]]:
    """Return number and kind of the node of each line that can be read; `read_plc` complains of the others."""
    text = decode(path, read_bytes_maybe_compressed(path))
    rest = NodeKind.CELL if _NO_SOFT.search(text) else NodeKind.SOFT
    found: list[tuple[int, NodeKind]] = []
    hard = 0
    for line in text.split("\n"):
        words = line.split(None, 4)
        if len(words) < 4 or not (words[0].isascii() and words[0].isdigit() and len(words[0]) <= 9):
            continue
        if words[3] == NO_ORIENT:
            kind = NodeKind.PORT
        else:
            kind = NodeKind.HARD if hard < len(netlist.hard) else rest
            hard += kind == NodeKind.HARD
        found.append((int(words[0]), kind))
    return sorted(dict(reversed(found)).items())


def _stub(netlist: Netlist, numbers: list[tuple[int, NodeKind]]) -> Netlist:
    """Return a netlist of nodes without names or pins, numbered as given: all that `read_plc` asks of one."""
    n = len(numbers)
    none = np.zeros(0)
    return Netlist(
        name=netlist.name,
        node_name=tuple(str(number) for number, _ in numbers),
        node_kind=np.array([kind for _, kind in numbers], np.uint8),
        node_w_um=np.zeros(n),
        node_h_um=np.zeros(n),
        node_side=np.zeros(n, np.uint8),
        node_index=np.array([number for number, _ in numbers], np.int32),
        pin_name=(),
        pin_node=none.astype(np.int32),
        pin_dx_um=none,
        pin_dy_um=none,
        pin_index=none.astype(np.int32),
        net_ptr=np.zeros(1, np.int32),
        net_pin=none.astype(np.int32),
        net_weight=none,
    )


def _check_ports(path: Path, flat: Problem, plc: PlcFile, stub: Netlist) -> None:
    ports, initial = flat.netlist.ports, flat.initial
    far = np.maximum(
        np.abs(initial.x_um[ports] - plc.placement.x_um[stub.ports]) / plc.canvas.width_um,
        np.abs(initial.y_um[ports] - plc.placement.y_um[stub.ports]) / plc.canvas.height_um,
    )
    far = np.where(initial.placed[ports] & plc.placement.placed[stub.ports], far, 0.0)
    if far.max(initial=0.0) > _PORT_TOLERANCE:
        i = int(ports[int(np.argmax(far))])
        raise ParseError(path, 0, f"port {flat.netlist.node_name[i]!r} of {flat.netlist.name!r} stands elsewhere here")


def exact_width_um(path: str | Path, canvas: Canvas) -> float:
    """Return the canvas's width to all digits, where the .plc of `canvas` names it in a comment, else as it is there.

    AlphaChip's header rounds the width to three decimals; its comment on how to view the file does not. Groups take
    the last digits of their sizes from it.

    Raises:
        ParseError: the file is missing or unreadable.
    """
    p = Path(path)
    m = _WIDTH.search(decode(p, read_bytes_maybe_compressed(p)))
    if m is None or abs(float(m[1]) - canvas.width_um) > _WIDTH_TOLERANCE_UM:
        return canvas.width_um
    return float(m[1])
