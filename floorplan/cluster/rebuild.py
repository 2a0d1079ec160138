"""The netlist that AlphaChip's grouper writes for given groups, down to the last digit."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from floorplan.cluster.around import MAX_SINKS
from floorplan.errors import ProblemError
from floorplan.formats.pbtxt.reader import SOFT_PREFIX
from floorplan.netlist import Netlist, NetlistBuilder, NodeKind, Problem, Side

__all__ = ["GROUPER_BLOAT", "Rebuilt", "rebuild"]

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

GROUPER_BLOAT = 2.0
"""Area of a group over that of its cells in circuit_training's grouper: it aims at cells that fill half of it."""

_NO_AREA_UM2 = 1e-9


@dataclass(frozen=True, eq=False)
class Rebuilt:
    """A clustered netlist and where its groups stand.

    Attributes:
        netlist: the nodes kept, then `Grp_k` by rising k.
        kept: node ids in the flat netlist: ports and hard macros in file order.
        x_um: (G,) centres of area of the groups' cells.
        y_um: (G,) likewise.
    """

    netlist: Netlist
    kept: I64
    x_um: F64
    y_um: F64


def rebuild(flat: Problem, group: I64, cell_w_um: float, bloat: float = GROUPER_BLOAT) -> Rebuilt:
    """Return the clustered netlist as circuit_training's `grouping.py` makes it of these groups.

    Ports and hard macros stay in file order, groups follow, each with its pins: `Poutput_multi_*` for each cell that
    drives several others, in file order; `Poutput_single_*` for each end that cells drive alone, of their summed
    weight; `Pinput`. A net lists the groups it reaches, highest number first, then pins and ports in file order; one
    of more than 500 sinks is dropped. Sizes and positions go in and out in single precision; sums are in double.

    Args:
        flat: flat problem whose cells are all placed.
        group: (N,) k of the `Grp_k` of each cell, -1 elsewhere.
        cell_w_um: width of the groups.
        bloat: area of a group over that of its cells.

    Raises:
        ProblemError: the netlist has soft macros already.
    """
    netlist = flat.netlist
    if (netlist.node_kind == NodeKind.SOFT).any():
        raise ProblemError(f"netlist {netlist.name!r} has soft macros: it is clustered already")
    numbers, of = np.unique(group[group >= 0], return_inverse=True)
    area, x, y = _middles(flat, group, of.ravel(), len(numbers))
    # the grouper divides by the utilisation, and so does this: the last digit depends on it
    height = _single(area / (1.0 / bloat) / cell_w_um)
    width = float(_single(np.array([cell_w_um]))[0])
    kept = np.flatnonzero(group < 0)

    writer = _Writer(netlist, group, numbers)
    writer.builder.metadata.append(("soft_macro_area_bloating_ratio", float(bloat)))
    writer.add_kept(kept)
    for k, h in zip(numbers.tolist(), height.tolist(), strict=True):
        writer.add_group(k, width, h)
    return Rebuilt(writer.build(), kept, x, y)


def _single(values: F64) -> F64:
    """Return the shortest decimals that single precision tells from their neighbours, which is what files show."""
    return np.array([float(str(v)) for v in values.astype(np.float32)], np.float64)


def _middles(flat: Problem, group: I64, of: I64, count: int) -> tuple[F64, F64, F64]:
    """Return area and centre of each group's cells; `of` is the group, 0 to `count` - 1, of each cell."""
    cells = np.flatnonzero(group >= 0)
    w, h, x, y = (
        a[cells].astype(np.float32).astype(np.float64)
        for a in (flat.netlist.node_w_um, flat.netlist.node_h_um, flat.initial.x_um, flat.initial.y_um)
    )
    area = w * h
    total = np.bincount(of, area, minlength=count).astype(np.float64)
    some = total >= _NO_AREA_UM2
    by = np.where(some, total, 1.0)
    middle = [_single(np.where(some, np.bincount(of, at * area, minlength=count) / by, 0.0)) for at in (x, y)]
    return total, middle[0], middle[1]


class _Writer:
    """Adds nodes, pins and nets in the grouper's order."""

    def __init__(self, flat: Netlist, group: I64, numbers: I64) -> None:
        self.builder = NetlistBuilder(flat.name)
        self._flat = flat
        self._nets: list[tuple[str, list[str], float]] = []
        source = flat.net_pin[flat.net_ptr[:-1]]
        ptr, ends = _ends(flat, group)
        self._ends = [ends[a:b] for a, b in pairwise(ptr)]
        self._weight = flat.net_weight.tolist()
        self._net_of = dict(zip(source.tolist(), range(flat.num_nets), strict=True))
        self._driven: dict[int, list[int]] = {k: [] for k in numbers.tolist()}
        host = group[flat.pin_node[source]]
        # a cell is its own pin, so the order of the pins is that of the cells
        inside = np.flatnonzero(host >= 0)
        for e in inside[np.argsort(source[inside])].tolist():
            self._driven[int(host[e])].append(e)

    def _name(self, end: int) -> str:
        return f"{SOFT_PREFIX}_{-1 - end}/Pinput" if end < 0 else self._flat.pin_name[end]

    def _drive(self, name: str, ends: list[int], weight: float) -> None:
        if ends:
            self._nets.append((name, [self._name(end) for end in ends], weight))

    def add_kept(self, kept: I64) -> None:
        flat = self._flat
        pins: dict[int, list[int]] = {node: [] for node in kept.tolist()}
        for pin in np.flatnonzero(np.isin(flat.pin_node, kept)).tolist():
            pins[int(flat.pin_node[pin])].append(pin)
        for node, mine in pins.items():
            name = flat.node_name[node]
            if flat.node_kind[node] == NodeKind.PORT:
                self.builder.add_port(name, Side(flat.node_side[node]))
            else:
                self.builder.add_macro(name, float(flat.node_w_um[node]), float(flat.node_h_um[node]))
                for pin in mine:
                    dx, dy = float(flat.pin_dx_um[pin]), float(flat.pin_dy_um[pin])
                    self.builder.add_pin(flat.pin_name[pin], name, dx, dy)
            for pin in mine:
                e = self._net_of.get(pin)
                if e is not None:
                    self._drive(flat.pin_name[pin], self._ends[e], self._weight[e])

    def add_group(self, k: int, w_um: float, h_um: float) -> None:
        group = f"{SOFT_PREFIX}_{k}"
        self.builder.add_macro(group, w_um, h_um, soft=True)
        alone: dict[int, float] = {}
        several = 0
        for e in self._driven[k]:
            ends = self._ends[e]
            if len(ends) == 1:
                alone[ends[0]] = alone.get(ends[0], 0.0) + self._weight[e]
            elif ends:
                self._output(group, f"multi_{several}", ends, self._weight[e])
                several += 1
        for number, (end, weight) in enumerate(sorted(alone.items())):
            self._output(group, f"single_{number}", [end], weight)
        self.builder.add_pin(f"{group}/Pinput", group)

    def _output(self, group: str, kind: str, ends: list[int], weight: float) -> None:
        name = f"{group}/Poutput_{kind}"
        self.builder.add_pin(name, group)
        self._drive(name, ends, weight)

    def build(self) -> Netlist:
        for name, sinks, weight in self._nets:
            self.builder.add_net(name, sinks, weight)
        return self.builder.build()


def _ends(flat: Netlist, group: I64) -> tuple[list[int], list[int]]:
    """Return where each net ends, each end once and rising: -1 - k for group k, else the number of a pin.

    A group that drives the net is none of its ends.
    """
    net = np.repeat(np.arange(flat.num_nets), np.diff(flat.net_ptr))
    sink = np.ones(len(net), np.bool_)
    sink[flat.net_ptr[:-1]] = False
    net, pin = net[sink], flat.net_pin[sink].astype(np.int64)
    fan_out = np.bincount(np.unique(net * flat.num_pins + pin) // flat.num_pins, minlength=flat.num_nets)
    host = group[flat.pin_node[pin]]
    driver = group[flat.pin_node[flat.net_pin[flat.net_ptr[:-1]]]]
    ends = (fan_out[net] <= MAX_SINKS) & ((host < 0) | (host != driver[net]))
    # both kinds of end in one number that does not fall below 0, so that one sort does for nets and ends
    groups = int(group.max(initial=-1)) + 1
    span = groups + flat.num_pins
    end = np.where(host >= 0, groups - 1 - host, groups + pin)
    net, end = np.divmod(np.unique((net * span + end)[ends]), span)
    ptr = np.concatenate([[0], np.cumsum(np.bincount(net, minlength=flat.num_nets))])
    return ptr.tolist(), (end - groups).tolist()
