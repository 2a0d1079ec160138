"""Structural Verilog (what yosys and other synthesis tools write) with LEF as flat problems."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from floorplan.errors import NetlistError, ParseError, ProblemError
from floorplan.formats.assemble import Connections, NameClashError, NodeTable, assemble
from floorplan.formats.design import Design
from floorplan.formats.lefdef.constraints import allowed_orientations
from floorplan.formats.lefdef.lef import read_lef
from floorplan.formats.lefdef.lef_tables import Lef
from floorplan.formats.ports import spread_on_edges
from floorplan.formats.verilog.flatten import Flat, find_top, flatten
from floorplan.formats.verilog.library import Library
from floorplan.formats.verilog.modules import CONSTANT, read_modules
from floorplan.formats.verilog.text import SHOWN, Text
from floorplan.netlist import FLIPS, Canvas, Netlist, NodeKind, Placement, Problem

__all__ = ["UTILISATION", "read_verilog"]

UTILISATION = 0.6
"""Share of the canvas that macros and cells take, where a netlist has no floorplan: as in `Canvas.default_for`."""

_HARD = ("BLOCK", "RING")  # CLASS of macros that are placed one by one, as in LEF/DEF designs


def read_verilog(
    path: str | Path, lefs: Sequence[str | Path], *, top: str | None = None, utilisation: float = UTILISATION
) -> Design:
    """Read a netlist of library cells and macros, flattened.

    Modules, instances and wires are read, with buses, parts and concatenations, constants, `assign`, supplies,
    attributes and escaped names; behaviour is refused. A macro of CLASS BLOCK or RING is a hard macro with a
    pin a connection (`u1/ram/A[3]`), any other a cell. A net is what wires join through the hierarchy; constants and
    supplies are no nets, and supply pins are left out. An output pin is the net's source, or a port that is an input.

    A netlist has no floorplan: the canvas is a square of which cells and macros take `utilisation`, and the ports,
    a bus from its lowest bit on, stand evenly along its edges in order, counter-clockwise from the lower left.

    Args:
        path: plain, .gz or .xz file.
        lefs: LEF files with all macros.
        top: name of the top module; None for the only one that no other uses.
        utilisation: above 0, at most 1.

    Raises:
        ParseError: a file is damaged, is no structural netlist, or names what the others lack; it names the line.
        ProblemError: `utilisation` is out of range, or no LEF file is given.
    """
    if not 0 < utilisation <= 1:
        raise ProblemError(f"utilisation must be above 0 and at most 1, got {utilisation}")
    if not lefs:
        raise ProblemError(f"{path}: a Verilog netlist has no sizes; give the LEF files of its cells, too")
    files = [Path(p) for p in lefs]
    text = Text(Path(path))
    lef = read_lef(files)
    library = Library(lef)
    flat = _flat(text, library, top)
    netlist = _netlist(flat.top, text, flat, library)
    try:
        canvas = Canvas.default_for(netlist)
        side_um = math.sqrt(float((netlist.node_w_um * netlist.node_h_um).sum()) / utilisation)
        canvas = replace(canvas, width_um=side_um, height_um=side_um)
        n, ports = netlist.num_nodes, len(flat.port_name)
        x, y = np.zeros(n), np.zeros(n)
        x[:ports], y[:ports] = spread_on_edges(ports, side_um, side_um)
        placement = Placement(x, y, np.zeros(n, np.uint8), np.arange(n) < ports)
        allowed = np.full(n, FLIPS, np.uint8)
        for i in netlist.hard.tolist():
            allowed[i] = allowed_orientations(library[flat.master[i - ports]].macro.symmetry)
        problem = Problem(netlist, canvas, placement, allowed_orient=allowed)
    except ProblemError as e:
        raise text.fault(flat.top_at, str(e)) from None
    return Design(
        problem,
        "verilog",
        (text.path, *files),
        units_per_um=float(lef.dbu_per_um or 1000),
        master=("",) * len(flat.port_name) + tuple(flat.master),
        manufacturing_grid_um=lef.manufacturing_grid_um,
        site_um=_site(lef, flat),
    )


def _flat(text: Text, library: Library, top: str | None) -> Flat:
    modules = read_modules(text)  # they take more memory than what they come to, and end here
    return flatten(text, modules, library, find_top(text, modules, library, top))


def _netlist(name: str, text: Text, flat: Flat, library: Library) -> Netlist:
    ports = len(flat.port_name)
    names = flat.port_name + flat.name
    if not names:
        raise ParseError(text.path, 0, f"module {name!r} has neither ports nor instances")
    if len(set(names)) < len(names):
        seen = set(flat.port_name)
        for cell, at in zip(flat.name, flat.at, strict=True):
            if cell in seen:
                raise text.fault(at, f"{cell[:SHOWN]!r} is the name of another instance, or of a port")
            seen.add(cell)
        raise text.fault(0, "two ports have the same name")
    macros = [library[m].macro for m in flat.master]
    flat_macro = next((m for m in macros if m.kind in _HARD and not (m.w_um > 0 and m.h_um > 0)), None)
    if flat_macro is not None:
        raise ParseError(flat_macro.path, flat_macro.line, f"hard macro {flat_macro.name[:SHOWN]!r} has no area")
    kind = [NodeKind.PORT] * ports + [NodeKind.HARD if m.kind in _HARD else NodeKind.CELL for m in macros]
    nodes = NodeTable(
        names,
        np.array(kind, np.uint8),
        np.array([0.0] * ports + [m.w_um for m in macros]),
        np.array([0.0] * ports + [m.h_um for m in macros]),
    )
    offset = library.offsets()
    net = np.concatenate([flat.port_net, flat.net])
    node = np.concatenate([np.arange(ports), flat.node + ports])
    pin = np.concatenate([np.full(ports, -1), flat.pin])
    out = np.concatenate([np.array(flat.port_drives, np.bool_), np.array(library.pin_out, np.bool_)[flat.pin]])
    order = np.argsort(net, kind="stable")
    order = order[net[order] != CONSTANT]
    net, node, pin, out = net[order], node[order], pin[order], out[order]
    begin = np.concatenate([np.flatnonzero(np.diff(net, prepend=-1)), [len(net)]])
    has_pins = nodes.kind[node] == NodeKind.HARD
    pin_name = [""] * len(pin)
    for k in np.flatnonzero(has_pins).tolist():
        pin_name[k] = f"{names[node[k]]}/{library.pin_name[pin[k]]}"
    at_centre = np.where(has_pins, pin, -1)
    offset = np.concatenate([offset, [[0.0, 0.0]]])[at_centre]
    try:
        return assemble(name, nodes, Connections(begin, node, out, offset[:, 0].copy(), offset[:, 1].copy(), pin_name))
    except NameClashError as e:
        raise text.fault(flat.at[e.owner - ports], f"{e!s}, or that pin is connected twice") from None
    except NetlistError as e:
        raise ParseError(text.path, 0, str(e)) from None


def _site(lef: Lef, flat: Flat) -> tuple[float, float] | None:
    """Return the size of the site that the cells stand on, None where they name none."""
    for master in flat.master:
        site = lef.sites.get(lef.macros[master].site)
        if site is not None and lef.macros[master].kind == "CORE":
            return site.w_um, site.h_um
    return None
