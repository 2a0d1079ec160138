"""The netlist in a JSON design: its columns, and the rules that a netlist from a builder keeps of itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from floorplan.formats.json_.tables import Table
from floorplan.netlist import Netlist, NodeKind, Side

__all__ = ["netlist_columns", "read_netlist_columns"]

B = npt.NDArray[np.bool_]

# column -> what its numbers are, what it has one entry of, least and most value
_ARRAYS: dict[str, tuple[type[Any], str, float | None, float | None]] = {
    "node_kind": (np.uint8, "node", None, max(NodeKind)),
    "node_w_um": (np.float64, "node", 0.0, None),
    "node_h_um": (np.float64, "node", 0.0, None),
    "node_side": (np.uint8, "node", None, max(Side)),
    "node_index": (np.int32, "node", 0, None),
    "pin_node": (np.int32, "pin", 0, None),
    "pin_dx_um": (np.float64, "pin", None, None),
    "pin_dy_um": (np.float64, "pin", None, None),
    "pin_index": (np.int32, "pin", 0, None),
    "net_ptr": (np.int32, "", 0, None),
    "net_pin": (np.int32, "", 0, None),
    "net_weight": (np.float64, "", None, None),
}
_COLUMNS = ("name", "metadata", "node_name", "pin_name", *_ARRAYS)


def netlist_columns(netlist: Netlist) -> dict[str, Any]:
    """Return the columns of a netlist as plain values."""
    return {
        "name": netlist.name,
        "metadata": [[key, value] for key, value in netlist.metadata],
        "node_name": list(netlist.node_name),
        "pin_name": list(netlist.pin_name),
        **{key: getattr(netlist, key).tolist() for key in _ARRAYS},
    }


def read_netlist_columns(table: Table) -> Netlist:
    """Return the netlist of the columns.

    Raises:
        ParseError: a column is missing or of another type, length or range, or a netlist cannot be so.
    """
    table.allow(_COLUMNS)
    names = {"node": table.names("node_name"), "pin": table.names("pin_name")}
    if not names["node"]:
        raise table.fault("node_name", "is empty, and a netlist has nodes")
    arrays = {
        key: table.array(key, dtype, len(names[of]) if of else None, low, high)
        for key, (dtype, of, low, high) in _ARRAYS.items()
    }
    netlist = Netlist(
        name=table.text("name"),
        node_name=names["node"],
        pin_name=names["pin"],
        metadata=_metadata(table),
        **arrays,
    )
    _check_nodes(table, netlist)
    _check_pins(table, netlist)
    _check_nets(table, netlist)
    return netlist


def _metadata(table: Table) -> tuple[tuple[str, float | str], ...]:
    out: list[tuple[str, float | str]] = []
    for pair in table.get("metadata", list):
        if not (isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str)):
            raise table.fault("metadata", "must be a list of [name, value]")
        if isinstance(pair[1], bool) or not isinstance(pair[1], (str, int, float)):
            raise table.fault("metadata", f"has a value of {pair[0]!r} that is neither text nor a number")
        out.append((pair[0], pair[1] if isinstance(pair[1], str) else float(pair[1])))
    return tuple(out)


def _check_nodes(table: Table, nl: Netlist) -> None:
    for key, names in (("node_name", nl.node_name), ("pin_name", nl.pin_name)):
        if len(set(names)) != len(names):
            raise table.fault(key, "has a name twice")
        if "" in names or "\n" in "".join(names):
            raise table.fault(key, "has a name that is empty or holds a line end")
    hard = nl.node_kind == NodeKind.HARD
    _refuse(table, "node_w_um", nl.node_name, hard & (nl.node_w_um == 0), "is a hard macro without width")
    _refuse(table, "node_h_um", nl.node_name, hard & (nl.node_h_um == 0), "is a hard macro without height")
    _refuse(table, "node_index", nl.node_name[1:], np.diff(nl.node_index) <= 0, "does not come after the one before")


def _check_pins(table: Table, nl: Netlist) -> None:
    _refuse(table, "pin_node", nl.pin_name, nl.pin_node >= nl.num_nodes, "is of a node that does not exist")
    _refuse(table, "pin_index", nl.pin_name[1:], np.diff(nl.pin_index) <= 0, "does not come after the one before")
    own = np.isin(nl.node_kind, (NodeKind.PORT, NodeKind.CELL))
    count = np.bincount(nl.pin_node, minlength=nl.num_nodes)
    _refuse(table, "pin_node", nl.node_name, own & (count != 1), "is a port or cell, which has exactly one pin")
    of_own = np.flatnonzero(own[nl.pin_node])
    owner = nl.pin_node[of_own]
    moved = (nl.pin_dx_um[of_own] != 0) | (nl.pin_dy_um[of_own] != 0)
    moved |= nl.pin_index[of_own] != nl.node_index[owner]
    renamed = [nl.pin_name[p] != nl.node_name[i] for p, i in zip(of_own.tolist(), owner.tolist(), strict=True)]
    bad = np.zeros(nl.num_pins, np.bool_)
    bad[of_own] = moved | np.array(renamed, np.bool_)
    _refuse(table, "pin_name", nl.pin_name, bad, "is not the one pin, of its name, number and centre, of its node")
    numbers = np.concatenate([nl.node_index, nl.pin_index[~own[nl.pin_node]]])
    if len(np.unique(numbers)) != len(numbers):
        raise table.fault("pin_index", "has the number of a node or of another pin")
    of_macro = {nl.pin_name[p] for p in np.flatnonzero(~own[nl.pin_node]).tolist()}
    both = of_macro.intersection(nl.node_name)
    if both:
        raise table.fault("pin_name", f"has {min(both)!r}, which is the name of a node")


def _check_nets(table: Table, nl: Netlist) -> None:
    nets = len(nl.net_weight)
    if len(nl.net_ptr) != nets + 1 or nl.net_ptr[0] != 0 or nl.net_ptr[-1] != len(nl.net_pin):
        raise table.fault("net_ptr", f"must rise from 0 to {len(nl.net_pin)} in {nets + 1} entries")
    if (np.diff(nl.net_ptr) <= 0).any():
        raise table.fault("net_ptr", f"has net {int(np.argmax(np.diff(nl.net_ptr) <= 0))} without a pin")
    if (nl.net_pin >= nl.num_pins).any():
        raise table.fault("net_pin", f"must be 0 to {nl.num_pins - 1}, found {int(nl.net_pin.max())}")
    if (nl.net_weight <= 0).any():
        raise table.fault("net_weight", f"of net {int(np.argmax(nl.net_weight <= 0))} is not positive")


def _refuse(table: Table, key: str, names: tuple[str, ...], bad: B, what: str) -> None:
    if bad.any():
        raise table.fault(key, f"of {names[int(np.argmax(bad))]!r} {what}")
