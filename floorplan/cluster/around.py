"""Cells next to a hard macro or to a clump of ports, which stay together whatever the min-cut partition prefers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from floorplan.netlist import Problem

__all__ = ["AROUND", "MAX_SINKS", "held_groups", "port_clumps"]

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

AROUND = ("none", "macros", "ports", "both")
"""What groups may be held around."""

MAX_SINKS = 500
"""A net of more sinks connects nothing in particular (a clock, a reset): AlphaChip's grouper leaves it out."""


def held_groups(flat: Problem, around: str) -> I64:
    """Return the group, 0 upwards, of each cell that a held group takes, (N,), -1 of every other node.

    As in AlphaChip's flow there is a group for each hard macro and each clump of ports, of the cells that one net
    leads to or from (driver to sink). A cell at several is taken by the one whose pin stands first in the file.

    Args:
        flat: flat problem whose ports have positions.
        around: "macros", "ports", "both" or "none".
    """
    netlist = flat.netlist
    anchor = np.full(netlist.num_nodes, -1, np.int64)
    count = 0
    if around in ("macros", "both"):
        anchor[netlist.hard] = np.arange(len(netlist.hard))
        count = len(netlist.hard)
    if around in ("ports", "both"):
        anchor[netlist.ports] = count + port_clumps(flat)
    out = np.full(netlist.num_nodes, -1, np.int64)
    is_cell = np.zeros(netlist.num_nodes, np.bool_)
    is_cell[netlist.soft] = True

    fan_out = np.diff(netlist.net_ptr) - 1
    net = np.repeat(np.arange(netlist.num_nets), fan_out)
    is_sink = np.ones(len(netlist.net_pin), np.bool_)
    is_sink[netlist.net_ptr[:-1]] = False
    sink, source = netlist.net_pin[is_sink], netlist.net_pin[netlist.net_ptr[:-1]][net]
    small = fan_out[net] <= MAX_SINKS
    first = np.full(netlist.num_nodes, netlist.num_pins, np.int64)
    for at, pin in ((source, sink), (sink, source)):
        cell = netlist.pin_node[at]
        touch = small & is_cell[cell] & (anchor[netlist.pin_node[pin]] >= 0)
        np.minimum.at(first, cell[touch], pin[touch])
    held = first < netlist.num_pins
    out[held] = anchor[netlist.pin_node[first[held]]]
    # macros and clumps that no cell is next to leave no gap in the numbers
    used, number = np.unique(out[held], return_inverse=True)
    out[held] = np.arange(len(used))[number.ravel()]
    return out


def port_clumps(flat: Problem) -> I64:
    """Return the clump of each port, 0 upwards, in the order of `netlist.ports`.

    A port belongs to the edge that the canvas's diagonals give it. Along an edge, a clump ends where the next port
    is farther than a grid cell from the clump's first one.
    """
    canvas, ports = flat.canvas, flat.netlist.ports
    x, y = flat.initial.x_um[ports], flat.initial.y_um[ports]
    rise = x * canvas.height_um / canvas.width_um
    upper_left, upper_right = y > rise, y > canvas.height_um - rise
    edge = np.select([upper_left & upper_right, ~upper_left & upper_right, ~upper_left & ~upper_right], [0, 1, 2], 3)
    along = np.where(edge % 2 == 0, x, y)
    step = np.where(edge % 2 == 0, canvas.cell_w_um, canvas.cell_h_um)
    clump = np.full(len(ports), -1, np.int64)
    count, last_edge, start = -1, -1, 0.0
    for i in np.lexsort((np.arange(len(ports)), along, edge)).tolist():
        if edge[i] != last_edge or along[i] - start > step[i]:
            count, last_edge, start = count + 1, int(edge[i]), float(along[i])
        clump[i] = count
    return clump
