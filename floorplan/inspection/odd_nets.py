"""Nets that look wrong: loose ends, doubles, giants, and parts of a netlist that nothing ties together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from floorplan.inspection.degrees import components, net_degrees, unconnected
from floorplan.inspection.suspicion import NOTE, WARNING, Suspicion, suspicion
from floorplan.netlist import Netlist, NodeKind

__all__ = ["odd_nets"]

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

GIANT_PINS = 1000
"""A net of more pins than this is a clock, a reset or a constant, which tools route apart."""

GIANT_SHARE, GIANT_LEAST = 0.1, 100
"""So is one of more than `GIANT_LEAST` pins that reaches this share of all nodes."""


def odd_nets(netlist: Netlist) -> tuple[Suspicion, ...]:
    """Return what looks wrong with the nets, nothing of it about places."""
    return (
        *_unconnected(netlist),
        *_short(netlist),
        *_doubles(netlist),
        *_repeated(netlist),
        *_giants(netlist),
        *_apart(netlist),
    )


def _name(netlist: Netlist, net: int) -> str:
    start = int(netlist.net_ptr[net])
    return netlist.pin_name[netlist.net_pin[start]] if netlist.net_ptr[net + 1] > start else f"net {net}"


def _unconnected(nl: Netlist) -> tuple[Suspicion, ...]:
    pins = np.bincount(nl.pin_node, minlength=nl.num_nodes)
    area = nl.node_w_um * nl.node_h_um
    kinds = (
        (NodeKind.HARD, "unconnected_macro", WARNING, "hard macro", "pins", pins),
        (NodeKind.SOFT, "unconnected_soft_macro", NOTE, "soft macro", "um2", area),
        (NodeKind.CELL, "unconnected_cell", NOTE, "standard cell", "um2", area),
        (NodeKind.PORT, "unconnected_port", NOTE, "port", "", np.zeros(nl.num_nodes)),
    )
    out: list[Suspicion] = []
    for kind, word, severity, called, unit, value in kinds:
        ids = unconnected(nl, kind)
        items = ((nl.node_name[i], float(value[i])) for i in ids.tolist())
        out += suspicion(word, severity, f"{{n}} {called}{{s}} that no net reaches", items, unit)
    return tuple(out)


def _short(nl: Netlist) -> tuple[Suspicion, ...]:
    """Nets that cost nothing wherever their nodes stand: of one pin, or with all pins on one node."""
    degree = net_degrees(nl)
    one = np.flatnonzero(degree < 2)
    found = suspicion(
        "single_pin_net", WARNING, "{n} net{s} with one pin", ((_name(nl, e), degree[e]) for e in one.tolist()), "pins"
    )
    full = np.flatnonzero(degree > 0)
    node = nl.pin_node[nl.net_pin]
    start = nl.net_ptr[:-1][full]
    if len(full) == 0:
        return found
    low, high = np.minimum.reduceat(node, start), np.maximum.reduceat(node, start)
    inside = full[(low == high) & (degree[full] > 1)]
    items = ((_name(nl, e), degree[e]) for e in inside.tolist())
    return found + suspicion("single_node_net", NOTE, "{n} net{s} with all pins on one node", items, "pins")


def _doubles(nl: Netlist) -> tuple[Suspicion, ...]:
    """Nets with the same pins as an earlier one, found by two 64-bit sums over mixed pin numbers, then compared."""
    degree = net_degrees(nl)
    full = np.flatnonzero(degree > 1)
    if len(full) < 2:
        return ()
    start = nl.net_ptr[:-1][full]
    keys = np.stack([np.add.reduceat(_mixed(nl.net_pin, salt), start) for salt in (1, 2)] + [degree[full]], axis=1)
    _, group, size = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    group = group.reshape(-1)
    first: dict[tuple[int, frozenset[int]], int] = {}
    again: dict[int, int] = {}
    for k in np.flatnonzero(size[group] > 1).tolist():
        e = int(full[k])
        pins = frozenset(nl.net_pin[nl.net_ptr[e] : nl.net_ptr[e + 1]].tolist())
        at = first.setdefault((int(group[k]), pins), e)
        if at != e:
            again[at] = again.get(at, 0) + 1
    total = sum(again.values())
    items = ((_name(nl, e), n) for e, n in again.items())
    what = "{n} net{s} with exactly the pins of another; weights could be added up instead"
    return suspicion("duplicate_net", NOTE, what, items, "nets", total)


def _mixed(pin: npt.NDArray[np.int32], salt: int) -> U64:
    """Return (T,) pin numbers scattered over 64 bits (the finaliser of SplitMix64, Steele et al., OOPSLA 2014)."""
    with np.errstate(over="ignore"):
        z = pin.astype(np.uint64) + np.uint64(salt) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    out: U64 = z ^ (z >> np.uint64(31))
    return out


def _repeated(nl: Netlist) -> tuple[Suspicion, ...]:
    """Pins of hard macros and ports alone: a cell or soft macro has one pin for what may well be several."""
    net = np.repeat(np.arange(nl.num_nets), net_degrees(nl))
    own = np.isin(nl.node_kind[nl.pin_node[nl.net_pin]], (NodeKind.HARD, NodeKind.PORT))
    key = net[own] * max(nl.num_pins, 1) + nl.net_pin[own]
    value, count = np.unique(key, return_counts=True)
    twice = value[count > 1] // max(nl.num_pins, 1)
    often = np.bincount(twice, weights=count[count > 1] - 1, minlength=nl.num_nets)
    items = ((_name(nl, e), often[e]) for e in np.flatnonzero(often).tolist())
    return suspicion(
        "repeated_pin", WARNING, "{n} net{s} that name a pin of a hard macro, or a port, more than once", items, "pins"
    )


def _giants(nl: Netlist) -> tuple[Suspicion, ...]:
    degree = net_degrees(nl)
    giant = (degree > GIANT_PINS) | (degree > max(GIANT_LEAST, GIANT_SHARE * nl.num_nodes))
    items = ((_name(nl, e), degree[e]) for e in np.flatnonzero(giant).tolist())
    what = f"{{n}} net{{s}} with very many pins (over {GIANT_PINS}, or over {GIANT_LEAST} and a tenth of all nodes)"
    return suspicion("high_fan_out", NOTE, what, items, "pins")


def _apart(nl: Netlist) -> tuple[Suspicion, ...]:
    part = components(nl)
    if part.max(initial=0) < 1:
        return ()
    size = np.bincount(part[part >= 0])
    first = np.full(len(size), nl.num_nodes, np.int64)
    np.minimum.at(first, part[part >= 0], np.flatnonzero(part >= 0))
    items = ((nl.node_name[first[c]], size[c]) for c in range(1, len(size)))
    what = f"{{n}} part{{s}} of the netlist that no net ties to the rest, whose {size[0]:,} nodes hang together"
    return suspicion("disconnected", WARNING, what, items, "nodes")
