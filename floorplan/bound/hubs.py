"""Flows from well-connected points to macros through the nets, within the weights of the nets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from floorplan.bound.netpoints import NetPoints
from floorplan.netlist import NodeKind, Problem

__all__ = ["FlowGraph", "HubFlow"]

F64 = npt.NDArray[np.float64]

_UNBOUNDED = 2**30
_HUBS, _ROUNDS = 60, 2


@dataclass(frozen=True, eq=False)
class HubFlow:
    """A flow from one point to macros.

    Attributes:
        used: (E,) weight used of each net.
        at_macro: (M,) what each macro gets.
        offset_um: sum(flow * (|dx| + |dy|)) over the pins where it ends.
    """

    used: F64
    at_macro: F64
    offset_um: float


class FlowGraph:
    """Points, nets (an entry and an exit each) and macros as vertices of a flow network; capacities are integers."""

    def __init__(self, problem: Problem, nets: NetPoints, sinks: npt.NDArray[np.int32]) -> None:
        weight = nets.weight
        nl = problem.netlist
        self.nets = nets
        self.points, self.edges = len(nets.node), len(weight)
        is_pin = np.zeros(self.points, dtype=np.bool_)
        moves = nets.node >= 0
        is_pin[moves] = nl.node_kind[nets.node[moves]] == NodeKind.HARD
        self.ends = np.flatnonzero(moves & np.isin(nets.node, sinks))
        macros, macro_of = np.unique(nets.node[self.ends], return_inverse=True)
        self.macros, self.macro_of = macros.astype(np.int64), macro_of.reshape(-1)
        self.area = nl.node_w_um[self.macros] * nl.node_h_um[self.macros]
        self.end_offset = np.abs(nets.dx_um[self.ends]) + np.abs(nets.dy_um[self.ends])
        self.unit = 2.0 ** np.floor(np.log2(2.0**28 / max(float(weight.sum()), 1e-250)))
        self.room = np.floor(weight * self.unit).astype(np.int64)
        self.taken = np.zeros(self.edges)
        net_of = nets.net_of
        through = ~is_pin[nets.point]
        n = self.points
        self._from = np.concatenate(
            [
                nets.point[through],
                n + np.arange(self.edges),
                n + self.edges + net_of,
                self.ends,
                n + 2 * self.edges + np.arange(len(self.macros)),
            ]
        ).astype(np.int64)
        self._sink = n + 2 * self.edges + len(self.macros)
        self._to = np.concatenate(
            [
                n + net_of[through],
                n + self.edges + np.arange(self.edges),
                nets.point,
                n + 2 * self.edges + self.macro_of,
                np.full(len(self.macros), self._sink),
            ]
        ).astype(np.int64)
        self._net_arcs = int(through.sum())
        self._is_pin = is_pin

    def degree(self) -> F64:
        """Return (Q,) the capacity left in the nets of each point; 0 for pins of macros, where flow only ends."""
        room = self.room[self.nets.net_of].astype(np.float64)
        out = np.asarray(np.bincount(self.nets.point, room, self.points), dtype=np.float64)
        out[self._is_pin] = 0.0
        return out

    def send(self, hub: int, amount: float) -> HubFlow | None:
        """Return the largest flow from a hub to macros, each of which takes its share of `amount` by area at most."""
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import maximum_flow

        share = np.where(self.macros == self.nets.node[hub], 0.0, self.area)
        if not share.any():
            return None
        capacity = np.full(len(self._from), _UNBOUNDED, dtype=np.int32)
        begin = self._net_arcs
        capacity[begin : begin + self.edges] = self.room
        capacity[len(capacity) - len(self.macros) :] = np.floor(amount * share / share.sum())
        size = self._sink + 1
        graph = csr_array((capacity, (self._from, self._to)), shape=(size, size))
        result = maximum_flow(graph, hub, self._sink)
        flow = result.flow.tocoo()
        forward = flow.data > 0
        origin, target, amount_of = flow.row[forward], flow.col[forward], flow.data[forward].astype(np.int64)
        n = self.points
        inside = (origin >= n) & (origin < n + self.edges) & (target >= n + self.edges) & (target < n + 2 * self.edges)
        used = np.bincount(origin[inside] - n, amount_of[inside], self.edges).astype(np.int64)
        out = np.bincount(origin, amount_of, size) - np.bincount(target, amount_of, size)
        out[[hub, self._sink]] = 0
        # Checked, not trusted: what is not a flow within the room proves nothing.
        if (out != 0).any() or (used > self.room).any():
            return None
        at_macro = np.zeros(len(self.macros))
        into = target == self._sink
        at_macro[origin[into] - n - 2 * self.edges] = amount_of[into] / self.unit
        by_pin = np.zeros(n)
        last = (origin < n) & (target >= n + 2 * self.edges) & (target < self._sink)
        by_pin[origin[last]] = amount_of[last] / self.unit
        return HubFlow(used / self.unit, at_macro, float((by_pin[self.ends] * self.end_offset).sum()))

    def hub_flows(self, worth: Callable[[HubFlow], bool]) -> Iterator[HubFlow]:
        """Yield flows from the best connected points that are worth it, taking up their capacity."""
        for _ in range(_ROUNDS if len(self.macros) else 0):
            tried = np.zeros(self.points, dtype=np.bool_)
            for _ in range(_HUBS):
                degree = np.where(tried, 0.0, self.degree())
                hub = int(np.argmax(degree))
                if degree[hub] <= 0:
                    break
                tried[hub] = True
                flow = self.send(hub, degree[hub])
                if flow is not None and worth(flow):
                    self.take(flow.used)
                    yield flow

    def take(self, used: F64) -> None:
        """Take up capacity."""
        self.taken += used
        self.room -= np.round(used * self.unit).astype(np.int64)
