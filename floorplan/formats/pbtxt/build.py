"""Columns of a netlist file to a netlist, where nothing is wrong with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from floorplan.formats.pbtxt.columns import Columns
from floorplan.netlist import Netlist, NodeKind, Placement

__all__ = ["TYPES", "build_netlist"]

TYPES = ("port", "stdcell", "macro", "macro_pin")
_PORT, _CELL, _MACRO, _PIN = range(len(TYPES))


def build_netlist(c: Columns, name: str, soft_prefix: str) -> tuple[Netlist, Placement] | None:
    """Return the netlist and its placement, None if anything breaks a rule: whoever can name the line is to say so.

    Args:
        c: of a file; `orients` number `Orient`, `sides` begin with that of `Side` 1.
        name: of the netlist.
        soft_prefix: with which names of soft macros begin.
    """
    macro, pin, port = (c.types == t for t in (_MACRO, _PIN, _PORT))
    x, y = c.numbers["x"], c.numbers["y"]
    names = c.names
    fan = np.diff(c.input_ptr)
    soft = np.zeros(len(names), np.bool_)
    rows = np.flatnonzero(macro)
    soft[rows] = [names[i].startswith(soft_prefix) for i in rows.tolist()]
    w, h = c.numbers["width"], c.numbers["height"]
    sized = c.types != _PORT
    sized &= ~pin
    weight = np.where(np.isnan(c.numbers["weight"]), 1.0, c.numbers["weight"])
    least = np.where(macro & ~soft, np.nextafter(0.0, 1.0), 0.0)
    dx, dy = (np.nan_to_num(c.numbers[key], nan=0.0, posinf=np.inf, neginf=-np.inf) for key in ("x_offset", "y_offset"))
    fine = (
        (c.types >= 0).all()
        and not (fan[macro] > 0).any()
        and (np.isnan(x) == np.isnan(y))[~pin].all()
        and not (np.isinf(x) | np.isinf(y))[~pin].any()
        and ((w >= least) & (h >= least) & (w < np.inf) & (h < np.inf))[sized].all()
        and ((weight > 0) & (weight < np.inf))[fan > 0].all()
        and (np.isfinite(dx) & np.isfinite(dy))[pin].all()
        and (c.orients >= -1)[sized].all()
        and (c.sides >= -1)[port].all()
        and "" not in (unique := set(names))
        and len(unique) == len(names)
    )
    owner = _owners(c, macro, pin) if fine else None
    if owner is None:
        return None
    node_rows, pin_rows = np.flatnonzero(~pin), np.flatnonzero(~macro)
    node_of_row = np.cumsum(~pin) - 1
    pin_name = tuple(names[i] for i in pin_rows.tolist())
    net_ptr, net_pin = _nets(c, pin_rows, pin_name)
    if net_pin is None:
        return None
    kind = np.select([macro & soft, macro, port], [NodeKind.SOFT, NodeKind.HARD, NodeKind.PORT], NodeKind.CELL)
    arrays: dict[str, npt.NDArray[Any]] = {
        "node_kind": kind[node_rows].astype(np.uint8),
        "node_w_um": np.where(port, 0.0, w)[node_rows],
        "node_h_um": np.where(port, 0.0, h)[node_rows],
        "node_side": np.where(port, c.sides + 1, 0)[node_rows].astype(np.uint8),
        "node_index": node_rows.astype(np.int32),
        "pin_node": node_of_row[np.where(pin, owner, np.arange(len(names)))][pin_rows].astype(np.int32),
        "pin_dx_um": np.where(pin, dx, 0.0)[pin_rows],
        "pin_dy_um": np.where(pin, dy, 0.0)[pin_rows],
        "pin_index": pin_rows.astype(np.int32),
        "net_ptr": net_ptr,
        "net_pin": net_pin,
        "net_weight": weight[fan > 0],
    }
    for a in arrays.values():
        a.flags.writeable = False
    node_name = tuple(names[i] for i in node_rows.tolist())
    netlist = Netlist(name=name, node_name=node_name, pin_name=pin_name, metadata=c.metadata, **arrays)
    placed = ~np.isnan(x)[node_rows]
    at = [np.where(placed, a[node_rows], 0.0) for a in (x, y)]
    orient = np.where(sized, np.maximum(c.orients, 0), 0)[node_rows].astype(np.uint8)
    return netlist, Placement(at[0], at[1], orient, placed)


def _owners(c: Columns, macro: npt.NDArray[np.bool_], pin: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64] | None:
    """Return the row of each pin's macro, which stands before it; None if a pin has none."""
    row_of = {c.names[i]: i for i in np.flatnonzero(macro).tolist()}
    owner = np.full(len(c.names), len(c.names))
    owner[c.owners[0]] = [row_of.get(name, len(c.names)) for name in c.owners[1]]
    return owner if (owner < np.arange(len(c.names)))[pin].all() else None


def _nets(
    c: Columns, pin_rows: npt.NDArray[np.int64], pin_name: tuple[str, ...]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32] | None]:
    """Return offsets and pins of the nets, each its source and then its sinks; None if a sink is no pin."""
    fan = np.diff(c.input_ptr)[pin_rows]
    source = np.flatnonzero(fan > 0)
    ptr = np.concatenate([[0], np.cumsum(fan[source] + 1)]).astype(np.int32)
    pin_of = dict(zip(pin_name, range(len(pin_name)), strict=True))
    try:
        sinks = [pin_of[name] for name in c.inputs]
    except KeyError:
        return ptr, None
    pins = np.empty(int(ptr[-1]), np.int32)
    first = np.zeros(len(pins), np.bool_)
    first[ptr[:-1]] = True
    pins[first] = source
    pins[~first] = sinks
    return ptr, pins
