"""Nets of a LEF/DEF design: which connections carry a signal, which pin drives, where macros' pins lie."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from floorplan.formats.assemble import Connections
from floorplan.formats.lefdef.def_nets import DESIGN_PIN, MUST_JOIN
from floorplan.formats.lefdef.def_tables import Def
from floorplan.formats.lefdef.lef_tables import LefMacro, LefPin
from floorplan.formats.lefdef.nodes import SUPPLY, Nodes, is_supply, role_of
from floorplan.netlist import NodeKind

__all__ = ["SignalJoins", "make_connections", "signal_joins"]

I64 = npt.NDArray[np.int64]

log = logging.getLogger(__name__)


_MAX_PINS = 1 << 31
"""More than there can be names of pins: numbers of two things make one of their pair."""

_PLAIN = str.maketrans({"\\": "", "<": "[", ">": "]"})
"""One pin may be a[0], a\\[0\\] or a<0>, as BUSBITCHARS and the tool have it."""

Late = tuple[int, int, bool, float, float, str]
"""A connection that no entry of NETS has: net, node, whether it drives, offset in um, name of a macro's pin."""


@dataclass(frozen=True, eq=False)
class SignalJoins:
    """T connections that carry a signal, by net and within it in file order.

    Attributes:
        net: (T,).
        component: (T,), -1 for a pin of the design.
        pin: (T,) into `pin_names`.
        out: (T,) bool, whether it drives the net.
        dx_um: (T,) offset from the macro's centre in orientation N, 0 for a pin of the design.
        dy_um: (T,) likewise.
        pin_names: as LEF and PINS have them, one for each pair of a library cell and a pin.
    """

    net: I64
    component: I64
    pin: I64
    out: npt.NDArray[np.bool_]
    dx_um: npt.NDArray[np.float64]
    dy_um: npt.NDArray[np.float64]
    pin_names: list[str]


def signal_joins(d: Def, library: Sequence[LefMacro]) -> SignalJoins:
    """Return the connections without those of supply, of wild cards, and of nets of weight 0.

    Raises:
        ParseError: a net names a pin that the library cell, or the design, does not have, or that another net has.
    """
    nets = d.nets
    net = np.repeat(np.arange(len(nets.name)), np.diff(nets.ptr))
    component, pin = nets.component.astype(np.int64), nets.pin.astype(np.int64)
    left_out = {*SUPPLY, MUST_JOIN.decode()} & set(nets.use)
    use = np.array([u in left_out for u in nets.use] if left_out else np.zeros(len(nets.use)), np.bool_)
    keep = ~use[net] & (nets.weight[net] > 0) & (component >= DESIGN_PIN)
    if (nets.weight == 0).any():
        log.info("%s: %d nets of weight 0 are left out", d.path, int((nets.weight == 0).sum()))
    net, component, pin = net[keep], component[keep], pin[keep]

    # what each pair of library cell and pin says, looked up once
    master = np.full(len(component), len(library), np.int64)
    master[component >= 0] = d.components.master[component[component >= 0]]
    pairs, first, of_pair = np.unique(master * _MAX_PINS + pin, return_index=True, return_inverse=True)
    table = _PairTable(d, library)
    numbers = [
        table.number(pair // _MAX_PINS, pair % _MAX_PINS, at, net, component)
        for pair, at in zip(pairs.tolist(), first.tolist(), strict=True)
    ]
    of_pair = np.array(numbers, np.int64)[of_pair]
    ok = np.array(table.signal, np.bool_)[of_pair]
    ok &= _once(d, library, net, component, of_pair, table.name)
    of_pair = of_pair[ok]
    return SignalJoins(
        net[ok],
        component[ok],
        of_pair,
        np.array(table.out, np.bool_)[of_pair],
        np.array(table.dx, np.float64)[of_pair],
        np.array(table.dy, np.float64)[of_pair],
        table.name,
    )


class _PairTable:
    """Pins of library cells and of the design: whether they carry a signal, drive, where they lie."""

    def __init__(self, d: Def, library: Sequence[LefMacro]) -> None:
        self._def = d
        self._library = library
        self._design = {p.name: p for p in d.pins}
        self._number: dict[tuple[int, str], int] = {}
        self._plain: dict[int, dict[str, LefPin]] = {}
        self.name: list[str] = []
        self.signal: list[bool] = []
        self.out: list[bool] = []
        self.dx: list[float] = []
        self.dy: list[float] = []

    def number(self, master: int, pin: int, at: int, net: I64, component: I64) -> int:
        """Return the number of a pin, under whichever of its names; the design itself is the last master."""
        name = self._def.nets.pin_names[pin]
        known = self._number.get((master, name))
        if known is not None:
            return known
        nets, e = self._def.nets, int(net[at])
        if master == len(self._library):
            outer = self._design.get(name)
            if outer is None:
                what = f"net {nets.name[e]!r} joins PIN {name!r}, which is not in PINS"
                raise self._def.fault("NETS", e, what)
            return self._add(master, name, not is_supply(outer), outer.direction == "INPUT", (0.0, 0.0))
        macro = self._library[master]
        inner = macro.pins.get(name) or self._plain_names(master).get(name.translate(_PLAIN))
        if inner is None:
            who = self._def.components.name[component[at]]
            what = f"net {nets.name[e]!r} joins pin {name!r} of {who!r}; its macro {macro.name!r} has none"
            raise self._def.fault("NETS", e, what)
        known = self._number.get((master, inner.name))
        if known is not None:
            return known
        drives = inner.direction == "OUTPUT"
        return self._add(master, inner.name, inner.use not in SUPPLY, drives, macro.pin_offset_um(inner))

    def _plain_names(self, master: int) -> dict[str, LefPin]:
        if master not in self._plain:
            self._plain[master] = {p.translate(_PLAIN): q for p, q in self._library[master].pins.items()}
        return self._plain[master]

    def _add(self, master: int, name: str, signal: bool, out: bool, offset: tuple[float, float]) -> int:
        self._number[master, name] = len(self.name)
        self.name.append(name)
        self.signal.append(signal)
        self.out.append(out)
        self.dx.append(offset[0])
        self.dy.append(offset[1])
        return len(self.name) - 1


def _once(
    d: Def, library: Sequence[LefMacro], net: I64, component: I64, pair: I64, pair_names: list[str]
) -> npt.NDArray[np.bool_]:
    """Return which connections are the first of a component's pin; of cells, of which pins do not matter, all.

    Raises:
        ParseError: a pin of a hard macro is on two nets.
    """
    hard = np.array([role_of(m) == NodeKind.HARD for m in library], np.bool_)
    which = np.flatnonzero(component >= 0)
    which = which[hard[d.components.master[component[which]]]]
    key = component[which] * _MAX_PINS + pair[which]
    _, first, again = np.unique(key, return_index=True, return_inverse=True)
    out = np.ones(len(net), np.bool_)
    for t in np.flatnonzero(first[again] != np.arange(len(which))).tolist():
        before, at = int(net[which[first[again[t]]]]), int(net[which[t]])
        if at != before:
            pin, who = pair_names[pair[which[t]]], d.components.name[component[which[t]]]
            what = f"net {d.nets.name[at]!r} joins pin {pin!r} of {who!r}, which net {d.nets.name[before]!r} has"
            raise d.fault("NETS", at, what)
        out[which[t]] = False
    return out


def make_connections(
    d: Def, library: Sequence[LefMacro], joins: SignalJoins, nodes: Nodes
) -> tuple[Connections, npt.NDArray[np.float64]]:
    """Return the connections of the nodes, and the weight of each net.

    A pin of the design that no net names, though it names a net itself, is joined to that net. Signal pins of hard
    macros that no net reaches come last, each in a net of its own: the netlist keeps the pins and drops the nets.
    """
    node_of_pin = np.array([nodes.of_pin.get(name, -1) for name in joins.pin_names], np.int64)
    inside = joins.component >= 0
    node = np.empty(len(inside), np.int64)
    node[inside] = nodes.of_component[joins.component[inside]]
    node[~inside] = node_of_pin[joins.pin[~inside]]
    of_macro = np.flatnonzero((nodes.kind[node] == NodeKind.HARD) & (node >= 0)).tolist()
    names = {t: f"{nodes.name[node[t]]}/{joins.pin_names[joins.pin[t]]}" for t in of_macro}

    late = _unnamed_pins(d, nodes, set(node[~inside].tolist()))
    late += _unused_pins(d, library, nodes, set(names.values()))
    late_net, late_node, late_out, late_dx, late_dy, late_name = zip(*late, strict=True) if late else [()] * 6
    num_nets = len(d.nets.name) + sum(e >= len(d.nets.name) for e in late_net)
    net = np.concatenate([joins.net, np.array(late_net, np.int64)])
    node = np.concatenate([node, np.array(late_node, np.int64)])
    names.update(enumerate(late_name, len(joins.net)))
    order = np.argsort(net, kind="stable")
    order = order[node[order] >= 0]
    place = np.empty(len(net), np.int64)
    place[order] = np.arange(len(order))
    pin_name = [""] * len(order)
    for t, name in names.items():
        pin_name[place[t]] = name
    weight = np.ones(num_nets)
    weight[: len(d.nets.name)] = np.where(d.nets.weight > 0, d.nets.weight, 1.0)
    connections = Connections(
        begin=np.concatenate([[0], np.cumsum(np.bincount(net[order], minlength=num_nets))]).astype(np.int64),
        node=node[order],
        out=np.concatenate([joins.out, np.array(late_out, np.bool_)])[order],
        dx_um=np.concatenate([joins.dx_um, np.array(late_dx, np.float64)])[order],
        dy_um=np.concatenate([joins.dy_um, np.array(late_dy, np.float64)])[order],
        pin_name=pin_name,
    )
    return connections, weight


def _unnamed_pins(d: Def, nodes: Nodes, named: set[int]) -> list[Late]:
    """Return the signal pins of the design that name a net which does not name them."""
    left = [(p, nodes.of_pin[p.name]) for p in d.pins if p.name in nodes.of_pin and nodes.of_pin[p.name] not in named]
    if not left or not d.nets.name:
        return []
    wanted = {p.net for p, _ in left}
    net_of = {name: e for e, name in enumerate(d.nets.name) if name in wanted}
    found = [(net_of[p.net], node, p.direction == "INPUT") for p, node in left if p.net in net_of]
    return [(net, node, drives, 0.0, 0.0, "") for net, node, drives in found]


def _unused_pins(d: Def, library: Sequence[LefMacro], nodes: Nodes, used: set[str]) -> list[Late]:
    """Return the signal pins of hard macros that no net reaches, each in a net of its own behind all others."""
    out: list[Late] = []
    for i in np.flatnonzero(nodes.kind == NodeKind.HARD).tolist():
        macro = library[d.components.master[nodes.component[i]]]
        for pin in macro.pins.values():
            name = f"{nodes.name[i]}/{pin.name}"
            if pin.use not in SUPPLY and name not in used:
                out.append((len(d.nets.name) + len(out), i, False, *macro.pin_offset_um(pin), name))
    return out
