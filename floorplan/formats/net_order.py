"""Nets that protobuf text cannot say, kept in its metadata: their order, and several nets of one source.

In protobuf text a net is the list of sinks in its source's node, so nets come in the order of their sources, and a pin
drives one net at most. Flat designs of other formats differ: a cell is one pin here, and may drive several nets. Such
nets are written as one, which is what circuit_training's flow makes of a cell with several outputs, and the metadata
node says how to take them apart again. It has an entry a net, `source`, `source:sinks` or `source:sinks:weight`: the
number of the source pin, how many of its inputs the net has (all, where left out; nets of one source take theirs in
the order of the entries), and the weight where it is not the one in the file.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from floorplan.errors import ParseError
from floorplan.formats.grammar import NUMBER
from floorplan.netlist import Netlist

__all__ = ["KEY", "restored", "writable"]

KEY = "floorplan_nets"
"""Metadata entries `floorplan_nets_0`, `floorplan_nets_1`, ... hold the list."""

Int = npt.NDArray[np.integer[Any]]
F64 = npt.NDArray[np.float64]

_CHUNK = 65536
_SHOWN = 40
_WEIGHT = re.compile(NUMBER)


def writable(netlist: Netlist) -> Netlist:
    """Return a netlist that protobuf text can hold and `restored` makes this one of; itself, where it needs no help."""
    ptr, source = netlist.net_ptr[:-1].astype(np.int64), netlist.net_pin[netlist.net_ptr[:-1]]
    sinks = np.diff(netlist.net_ptr) - 1
    if (sinks > 0).all() and (np.diff(source) > 0).all():
        return netlist
    # nets by source, those of one source in their own order; without sinks there is nothing to write
    order = np.argsort(source, kind="stable")
    begin = np.flatnonzero(np.diff(source[order], prepend=-1))
    total = np.add.reduceat(sinks[order], begin)
    weight = np.maximum.reduceat(netlist.net_weight[order], begin)
    kept = total > 0
    drivers = source[order[begin]][kept]
    text = " ".join(_entries(netlist, source.tolist(), dict(zip(drivers.tolist(), weight[kept].tolist(), strict=True))))
    chunks = range(0, len(text), _CHUNK)
    return _with_nets(
        netlist,
        drivers,
        total[kept],
        netlist.net_pin[_runs(ptr[order] + 1, sinks[order])],
        weight[kept],
        (*netlist.metadata, *((f"{KEY}_{k}", text[at : at + _CHUNK]) for k, at in enumerate(chunks))),
    )


def _runs(start: Int, size: Int) -> Int:
    """Return start, start + 1, ... of each run, one run after the other."""
    return np.repeat(start - np.cumsum(size) + size, size) + np.arange(int(size.sum()))


def _with_nets(
    netlist: Netlist, source: Int, sinks: Int, sink: Int, weight: F64, metadata: tuple[tuple[str, float | str], ...]
) -> Netlist:
    """Return a netlist with other nets: (E,) sources, numbers of sinks and weights, and all sinks, net by net."""
    ptr = np.concatenate([[0], np.cumsum(sinks + 1)])
    pins = np.empty(int(ptr[-1]), np.int32)
    is_sink = np.ones(len(pins), np.bool_)
    is_sink[ptr[:-1]] = False
    pins[ptr[:-1]], pins[is_sink] = source, sink
    arrays: dict[str, Any] = {"net_ptr": ptr.astype(np.int32), "net_pin": pins, "net_weight": weight}
    for a in arrays.values():
        a.flags.writeable = False
    return dataclasses.replace(netlist, **arrays, metadata=metadata)


def _entries(netlist: Netlist, source: list[int], weight_of: dict[int, float]) -> list[str]:
    counts = np.bincount(source, minlength=netlist.num_pins).tolist()
    out = []
    for pin, size, weight in zip(
        source, (np.diff(netlist.net_ptr) - 1).tolist(), netlist.net_weight.tolist(), strict=True
    ):
        if weight != weight_of.get(pin):
            out.append(f"{pin}:{size}:{weight!r}")
        else:
            out.append(f"{pin}:{size}" if counts[pin] > 1 else f"{pin}")
    return out


def restored(netlist: Netlist, path: Path) -> Netlist:
    """Return the netlist that was given to `writable`, from what was read of what was written.

    Args:
        netlist: as read; without entries in its metadata it is returned as it is.
        path: the file to name in errors.

    Raises:
        ParseError: the entries do not fit the nets.
    """
    text = "".join(value for key, value in netlist.metadata if key.startswith(KEY) and isinstance(value, str))
    if not text:
        return netlist
    entries = text.split()
    try:
        parsed = [_parsed(entry) for entry in entries]
    except ValueError as e:
        raise ParseError(path, 0, f"{KEY}: {str(e)[:_SHOWN]!r} is no entry") from None
    source = np.array([pin for pin, _, _ in parsed], np.int64)
    known = np.full(netlist.num_pins, -1, np.int64)
    known[netlist.net_pin[netlist.net_ptr[:-1]]] = np.arange(netlist.num_nets)
    net = np.where(source < netlist.num_pins, known[np.minimum(source, netlist.num_pins - 1)], -1)
    there = np.append(np.diff(netlist.net_ptr) - 1, 0)  # sinks of each net, and of none
    size = np.array([s for _, s, _ in parsed], np.int64)
    size = np.where(size < 0, there[net], size)
    weight = np.array([w for _, _, w in parsed], np.float64)
    stated = ~np.isnan(weight)
    bad = (size > there[net]) | ((net < 0) & ~stated) | (source >= netlist.num_pins)
    if bad.any():
        entry = entries[int(np.argmax(bad))]
        raise ParseError(path, 0, f"{KEY}: entry {entry[:_SHOWN]!r} does not fit the nets of the file")
    used = np.bincount(net[net >= 0], size[net >= 0], netlist.num_nets)
    if not np.array_equal(used, there[:-1]):
        raise ParseError(path, 0, f"{KEY} does not say whose every connection is")
    # entries of one net take its sinks in turn
    order = np.argsort(net, kind="stable")
    before = np.cumsum(size[order]) - size[order]
    head = np.diff(net[order], prepend=-2) != 0
    offset = np.empty(len(net), np.int64)
    offset[order] = before - np.maximum.accumulate(np.where(head, before, 0))
    start = np.append(netlist.net_ptr[:-1] + 1, 0)[net] + offset
    return _with_nets(
        netlist,
        source,
        size,
        netlist.net_pin[_runs(start, size)],
        np.where(stated, weight, np.append(netlist.net_weight, 0.0)[net]),
        tuple((key, value) for key, value in netlist.metadata if not key.startswith(KEY)),
    )


def _parsed(entry: str) -> tuple[int, int, float]:
    """Return source, number of sinks (-1: all) and weight (nan: the file's) of an entry."""
    words = entry.split(":")
    if not 1 <= len(words) <= 3 or any(not (w.isascii() and w.isdigit() and len(w) <= 9) for w in words[:2]):
        raise ValueError(entry)
    weight = np.nan
    if len(words) == 3:
        weight = float(words[2]) if _WEIGHT.fullmatch(words[2]) else 0.0
        if not 0 < weight < np.inf:
            raise ValueError(entry)
    return int(words[0]), int(words[1]) if len(words) > 1 else -1, weight
