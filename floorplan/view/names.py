"""Finding nodes by a part of their name, and what a node is connected to."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from floorplan.netlist import Netlist, NodeKind

__all__ = ["MAX_LINES", "NameIndex", "NetIndex"]

MAX_LINES = 300
"""Fly-lines of one node, strongest first."""

_MAX_QUERY = 200
_RANK = {NodeKind.HARD: 0, NodeKind.SOFT: 1, NodeKind.PORT: 2, NodeKind.CELL: 3}


class NameIndex:
    """All names in one text, so that a search over a million of them is one pass of `str.find`."""

    def __init__(self, netlist: Netlist) -> None:
        order = np.argsort(np.array([_RANK[NodeKind(k)] for k in range(4)])[netlist.node_kind], kind="stable")
        self._node: npt.NDArray[np.int64] = order
        names = netlist.node_name
        self._text = "\n" + "\n".join(names[i].lower().replace("\n", " ") for i in order.tolist()) + "\n"
        self._begins: npt.NDArray[np.int64] | None = None

    def search(self, query: str, limit: int = 20) -> tuple[list[int], bool]:
        """Return nodes whose name holds all words of the query, hard macros first; and whether there are more.

        Upper and lower case are alike.
        """
        words = query.lower()[:_MAX_QUERY].split()
        if not words:
            return [], False
        first = max(words, key=len)
        text = self._text
        found: list[int] = []
        at = text.find(first)
        while at >= 0:
            begin, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
            line = text[begin:end]
            if all(word in line for word in words):
                if len(found) == limit:
                    return found, True
                found.append(int(self._node[self._line_of(begin)]))
            at = text.find(first, end)
        return found, False

    def _line_of(self, begin: int) -> int:
        if self._begins is None:
            data = np.frombuffer(self._text.encode("utf-32-le"), np.uint32)
            self._begins = np.flatnonzero(data == ord("\n")) + 1
        return int(np.searchsorted(self._begins, begin))


class NetIndex:
    """Which nets each node is on."""

    def __init__(self, netlist: Netlist) -> None:
        self._netlist = netlist
        owner = netlist.pin_node[netlist.net_pin]
        net = np.repeat(np.arange(netlist.num_nets, dtype=np.int32), np.diff(netlist.net_ptr))
        order = np.argsort(owner, kind="stable")
        self._net = net[order]
        self._start = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=netlist.num_nodes))])

    def nets_of(self, node: int) -> npt.NDArray[np.int32]:
        """Return the distinct nets of a node, rising."""
        return np.unique(self._net[self._start[node] : self._start[node + 1]])

    def neighbours(self, node: int, limit: int = MAX_LINES) -> list[dict[str, Any]]:
        """Return what a node is connected to: `node`, `nets` (how many) and `weight`, heaviest first.

        A net's weight is shared out over its other pins, so that a clock does not outshine a bus.
        """
        nl = self._netlist
        weight: dict[int, float] = {}
        count: dict[int, int] = {}
        for e in self.nets_of(node).tolist():
            others = nl.pin_node[nl.net_pin[nl.net_ptr[e] : nl.net_ptr[e + 1]]]
            others = np.unique(others[others != node])
            if not len(others):
                continue
            part = float(nl.net_weight[e]) / len(others)
            # of a net over half the chip a line to each pin says nothing
            for other in others[:64].tolist():
                weight[other] = weight.get(other, 0.0) + part
                count[other] = count.get(other, 0) + 1
        best = sorted(weight, key=lambda i: (-weight[i], i))[:limit]
        return [{"node": i, "nets": count[i], "weight": weight[i]} for i in best]
