"""Wire that disjoint hard macros force: flows from hubs to macros, and how near to a hub macros can stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from floorplan.bound.hubs import FlowGraph, HubFlow
from floorplan.bound.netpoints import NetPoints
from floorplan.netlist import Problem
from floorplan.netlist.legality import TOLERANCE_UM

__all__ = ["HubFlows", "hub_flows", "knapsack"]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class HubFlows:
    """Flows that together use each net no more than its weight allows.

    Attributes:
        used: (E,) weight of each net taken up.
        value_um: lower bound of sum(used * HPWL) over all legal placements.
        hubs: how many points the flows start from.
    """

    used: F64
    value_um: float
    hubs: int


def hub_flows(problem: Problem, nets: NetPoints) -> HubFlows:
    """Send flow from well-connected points to the hard macros through nets, and bound the wire it needs.

    Proof. Split the flow that leaves a hub z into paths. A path runs from net to net through shared points (soft
    macros, ports) and ends at a pin of a macro; each net on it is at least as long as its step, so the path's nets are
    together at least as long as the way from z to the pin. Summed over paths with their flow: sum(used * HPWL) >=
    sum over macros of flow * distance from z to pin, which `_spread_um` bounds, the macros being disjoint. Flows from
    several hubs add up as long as no net is used above its weight.
    """
    graph = FlowGraph(problem, nets, problem.netlist.hard)
    flows = list(graph.hub_flows(lambda flow: _spread_um(problem, graph.macros, flow) > 0.0))
    value = sum(_spread_um(problem, graph.macros, flow) for flow in flows)
    return HubFlows(graph.taken, value, len(flows))


def _spread_um(problem: Problem, macros: I64, sent: HubFlow) -> float:
    """Return a lower bound of sum(flow * L1 distance from a point to a pin of the macro) over disjoint macros.

    Proof. The distance to a pin is at least that to the centre less |dx| + |dy|, whose sum over the flow is
    `offset_um`. A macro's mean distance (of its points from z) exceeds that of its centre only where z's column or row
    crosses it, by width / 4 or height / 4 at most; macros that one column crosses fit into the canvas height. The sum
    of flow * mean distance is least when the macros with most flow an area fill L1 balls around z, and the distance
    summed over a ball of area S is sqrt(2) / 3 * S**1.5.
    """
    nl, cv = problem.netlist, problem.canvas
    flow = sent.at_macro
    w, h = nl.node_w_um[macros], nl.node_h_um[macros]
    # Legal macros may overlap by the tolerance; shrunk by it they are disjoint.
    area = np.maximum(w - 2 * TOLERANCE_UM, 0.0) * np.maximum(h - 2 * TOLERANCE_UM, 0.0)
    real = (area > 0) & (flow > 0)
    w, h, area, flow = w[real], h[real], area[real], flow[real]
    if not len(flow):
        return 0.0
    per_area = flow / area
    order = np.argsort(-per_area)
    ball = np.cumsum(area[order]) ** 1.5 * (np.sqrt(2.0) / 3.0)
    spread = float((per_area[order] * np.diff(ball, prepend=0.0)).sum())
    turns = (problem.allowed_orient[macros][real] & 0xF0) != 0
    turns &= ~problem.fixed[macros][real]
    long_w, long_h = np.where(turns, np.maximum(w, h), w), np.where(turns, np.maximum(w, h), h)
    short_w, short_h = np.where(turns, np.minimum(w, h), w), np.where(turns, np.minimum(w, h), h)
    crossed = knapsack(flow * long_w / 4, short_h, cv.height_um + 1.0)
    crossed += knapsack(flow * long_h / 4, short_w, cv.width_um + 1.0)
    return (spread - crossed - sent.offset_um) * (1 - 1e-9)


def knapsack(value: F64, size: F64, room: float) -> float:
    """Return the largest sum of values of things, parts of them too, whose sizes fit into the room."""
    order = np.argsort(-value / size)
    before = np.cumsum(size[order]) - size[order]
    share = np.clip((room - before) / size[order], 0.0, 1.0)
    return float((value[order] * share).sum())
