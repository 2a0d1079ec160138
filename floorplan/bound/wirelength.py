"""A wirelength that no placement can beat, from a flow through the nets (weak duality)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from floorplan.bound.flow import solve_flow
from floorplan.bound.netpoints import NetPoints, gather_points
from floorplan.bound.packing import hub_flows
from floorplan.geometry import ORIENT_MATRIX
from floorplan.netlist import Problem
from floorplan.netlist.legality import TOLERANCE_UM

__all__ = ["extent_bound", "flow_value", "program_value", "span_bound"]

F64 = npt.NDArray[np.float64]


def extent_bound(problem: Problem, nets: NetPoints) -> tuple[float, str]:
    """Return a lower bound of sum(weight * HPWL) in um over all legal placements, and the argument that gives it."""
    hubs = hub_flows(problem, nets)
    pushes = (solve_flow(problem, nets, 0), solve_flow(problem, nets, 1))
    alone = flow_value(problem, nets, pushes)
    if not hubs.hubs:
        return alone, "linear program without overlaps"
    first = hubs.value_um + program_value(problem, nets.with_weight(nets.weight - hubs.used))
    # The other way round: the program's flow uses the larger of its two axes' flows of each net, hubs get the rest.
    used = np.maximum(_balanced(nets, pushes[0])[1], _balanced(nets, pushes[1])[1])
    later = hub_flows(problem, nets.with_weight(nets.weight - used))
    if first >= alone + later.value_um:
        return first, f"flows from {hubs.hubs} hubs to disjoint macros, the linear program on what is left"
    return alone + later.value_um, f"linear program without overlaps, flows from {later.hubs} hubs on what is left"


def program_value(problem: Problem, nets: NetPoints) -> float:
    """Return the bound in um that the dual values of the linear program without overlaps prove."""
    return flow_value(problem, nets, (solve_flow(problem, nets, 0), solve_flow(problem, nets, 1)))


def span_bound(problem: Problem, weight: F64) -> tuple[float, float]:
    """Return lower bounds of sum(weight * columns spanned) and of sum(weight * rows spanned) over all legal placements.

    A net spans as many columns as its last one is to the right of its first; pins closer than m + 1 cells may span m.
    """
    nets = gather_points(problem, weight, inside_only=True)
    none = np.zeros(len(nets.point))
    out = []
    for axis, cell_um in enumerate((problem.canvas.cell_w_um, problem.canvas.cell_h_um)):
        # Pins that stick out by the tolerance are counted in the cell at the edge.
        slack_um = cell_um + 4 * TOLERANCE_UM
        push = solve_flow(problem, nets, axis, slack_um)
        pushes = (push, none) if axis == 0 else (none, push)
        out.append(flow_value(problem, nets, pushes, slack_um) / cell_um)
    return out[0], out[1]


def flow_value(problem: Problem, nets: NetPoints, pushes: tuple[F64, F64], slack_um: float = 0.0) -> float:
    """Return a lower bound of sum(weight * max(0, extent - slack)) over both axes, from any pushes.

    Proof. Let u be pushes on the points p of a net with sum(u) = 0 and f = sum(max(u, 0)) <= weight. Then
    sum(u * p) <= f * (max p - min p), so weight * max(0, extent - slack) >= f * (extent - slack) >= sum(u * p) - f *
    slack. Summed over nets, sum(u * p) falls apart into one term a node, linear in its centre for each orientation; its
    least value over the allowed orientations and the centres that keep the node inside the canvas is taken exactly.
    Overlaps are ignored. Pushes that do not fulfil the two conditions are scaled until they do.
    """
    nl, cv = problem.netlist, problem.canvas
    n = nl.num_nodes
    still = nets.node < 0
    total, magnitude = 0.0, 0.0
    force = np.zeros((2, n))
    torque = np.zeros((2, 2, n))
    for axis, push in enumerate(pushes):
        u, flow = _balanced(nets, push)
        point_push = np.bincount(nets.point, u, len(nets.node))
        offset = (nets.dx_um, nets.dy_um)
        total += float((point_push * offset[axis])[still].sum()) - float(flow.sum()) * slack_um
        # A fixed node counts as unmoved up to the tolerance.
        size = (cv.width_um, cv.height_um)[axis]
        total -= TOLERANCE_UM * float(np.abs(point_push[still]).sum())
        magnitude += float(np.abs(u).sum()) * (size + float(np.abs(offset[axis]).max(initial=0.0)))
        at = nets.node[~still]
        force[axis] = np.bincount(at, point_push[~still], n)
        for k in (0, 1):
            torque[axis, k] = np.bincount(at, (point_push * offset[k])[~still], n)
    best = np.full(n, np.inf)
    for o in range(8):
        allowed = (problem.allowed_orient >> o) & 1 == 1
        sides = (nl.node_h_um, nl.node_w_um) if o >= 4 else (nl.node_w_um, nl.node_h_um)
        value = np.zeros(n)
        for axis in (0, 1):
            size = (cv.width_um, cv.height_um)[axis]
            # A macro wider than the canvas has no legal place; any centre on the canvas will do for it.
            half = np.where(sides[axis] <= size, sides[axis] / 2, 0.0)
            low, high = half - TOLERANCE_UM, size - half + TOLERANCE_UM
            value += np.minimum(force[axis] * low, force[axis] * high)
            a, b = ORIENT_MATRIX[o, 2 * axis], ORIENT_MATRIX[o, 2 * axis + 1]
            value += a * torque[axis, 0] + b * torque[axis, 1]
        best = np.where(allowed, np.minimum(best, value), best)
    movable = (force != 0).any(axis=0) | (torque != 0).any(axis=(0, 1))
    total += float(best[movable].sum())
    # Rounding: every sum above has fewer than 1e6 terms whose sizes add up to `magnitude`.
    total -= 1e-12 * magnitude
    return max(0.0, total)


def _balanced(nets: NetPoints, push: F64) -> tuple[F64, F64]:
    """Scale pushes down to sum 0 and at most the weight in each net; return them and the flow of each net."""
    net_of, count = nets.net_of, len(nets.weight)
    plus, minus = np.maximum(push, 0.0), np.maximum(-push, 0.0)
    sum_plus, sum_minus = np.bincount(net_of, plus, count), np.bincount(net_of, minus, count)
    flow = np.minimum(np.minimum(sum_plus, sum_minus), nets.weight)
    with np.errstate(divide="ignore", invalid="ignore"):
        up = np.where(sum_plus > 0, flow / sum_plus, 0.0)
        down = np.where(sum_minus > 0, flow / sum_minus, 0.0)
    return plus * up[net_of] - minus * down[net_of], flow
