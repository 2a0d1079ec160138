"""What a picture, a page or a viewer shows of one placement, as plain arrays and values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from floorplan.cost import Cost, CostEngine, CostOptions
from floorplan.geometry import Orient, oriented_size_um
from floorplan.netlist import Canvas, Legality, Netlist, NodeKind, Placement, Problem, check_legality
from floorplan.netlist.constraints import turned_halo_um
from floorplan.report.causes import CellCause, WorstCell, WorstMacro, worst_cells, worst_macros

if TYPE_CHECKING:
    from floorplan.bound import LowerBound

__all__ = ["CellCause", "Flylines", "Scene", "Shapes", "WorstCell", "WorstMacro", "WorstNet", "flylines_of", "scene_of"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]

_KINDS = {NodeKind.HARD: "hard", NodeKind.SOFT: "soft", NodeKind.PORT: "port", NodeKind.CELL: "cell"}


@dataclass(frozen=True, eq=False)
class Shapes:
    """K placed nodes of one sort, in file order.

    Attributes:
        node: (K,) int32 node ids.
        name: (K,) names.
        x_um: (K,) left edge.
        y_um: (K,) lower edge.
        w_um: (K,) extent in x, as oriented; 0 for ports.
        h_um: (K,) extent in y, likewise.
        orient: (K,) names of orientations.
        kind: (K,) hard, soft, cell or port.
        fixed: (K,) bool.
    """

    node: I32
    name: tuple[str, ...]
    x_um: F64
    y_um: F64
    w_um: F64
    h_um: F64
    orient: tuple[str, ...]
    kind: tuple[str, ...]
    fixed: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.name)

    def to_dict(self) -> dict[str, list[Any]]:
        """Return the fields by name as lists."""
        return {
            "node": self.node.tolist(),
            "name": list(self.name),
            "x_um": self.x_um.tolist(),
            "y_um": self.y_um.tolist(),
            "w_um": self.w_um.tolist(),
            "h_um": self.h_um.tolist(),
            "orient": list(self.orient),
            "kind": list(self.kind),
            "fixed": self.fixed.tolist(),
        }


@dataclass(frozen=True)
class WorstNet:
    """One of the nets that the wirelength is mostly made of.

    Attributes:
        net: its number.
        name: of its driving pin; the formats read here give nets no name of their own.
        hpwl_um: half-perimeter of its bounding box.
        weight: in the wirelength.
        share: of weight * hpwl_um in the sum over all nets.
        terminals: number of pins.
        box_um: x0, y0, x1, y1 of its pins.
        nodes: distinct nodes on it, the driving one first.
    """

    net: int
    name: str
    hpwl_um: float
    weight: float
    share: float
    terminals: int
    box_um: tuple[float, float, float, float]
    nodes: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Flylines:
    """The strongest connections of each hard macro.

    Attributes:
        macro: (L,) int32 node id of a hard macro, not falling.
        other: (L,) int32 node it is connected to.
        weight: (L,) summed net weights between them, strongest first for each macro.
        nets: (L,) int32 number of those nets.
    """

    macro: I32
    other: I32
    weight: F64
    nets: I32


@dataclass(frozen=True, eq=False)
class Scene:
    """One placement, ready to be shown; every number is the exact cost engine's.

    Attributes:
        name: of the netlist.
        netlist_hash: of its content.
        canvas: extent, grid, tracks.
        hard: hard macros that are placed.
        soft: soft macros and standard cells that are placed.
        ports: ports that are placed.
        counts: of hard, soft, ports, nets, pins, unplaced.
        halo_um: (len(hard), 4) room to the left of, below, to the right of and above each hard macro, as oriented.
        density: (rows, columns) share of the cell that is covered; row 0 is at the bottom.
        h_congestion: (rows, columns) horizontal tracks wanted over those there are.
        v_congestion: (rows, columns) likewise vertical.
        cost: parts and sum.
        options: weights and shares behind the cost.
        bound: the certified lower bound, None where it was not asked for.
        legality: verdict, violations, warnings.
        worst_nets: by share of the wirelength, largest first.
        worst_cells: of each map, fullest first.
        worst_macros: hard macros by what they cost where they stand, costliest first.
        blockages: x0_um, y0_um, x1_um, y1_um, rate, hard of each.
        regions: name, rects_um, exclusive of each.
    """

    name: str
    netlist_hash: str
    canvas: Canvas
    hard: Shapes
    soft: Shapes
    ports: Shapes
    counts: dict[str, int]
    halo_um: F64
    density: F64
    h_congestion: F64
    v_congestion: F64
    cost: Cost
    options: CostOptions
    bound: LowerBound | None
    legality: Legality
    worst_nets: tuple[WorstNet, ...]
    worst_cells: tuple[WorstCell, ...]
    worst_macros: tuple[WorstMacro, ...]
    blockages: tuple[dict[str, Any], ...]
    regions: tuple[dict[str, Any], ...]

    @property
    def wrong(self) -> frozenset[str]:
        """Names of the placed nodes that break a rule."""
        return frozenset(n for v in self.legality.violations for n in v.nodes if v.kind != "unplaced")

    def to_dict(self) -> dict[str, Any]:
        """Return everything as values that `json.dumps` takes."""
        return {
            "name": self.name,
            "netlist_hash": self.netlist_hash,
            "canvas": asdict(self.canvas),
            "hard": self.hard.to_dict(),
            "soft": self.soft.to_dict(),
            "ports": self.ports.to_dict(),
            "counts": dict(self.counts),
            "halo_um": self.halo_um.tolist(),
            "density": self.density.tolist(),
            "h_congestion": self.h_congestion.tolist(),
            "v_congestion": self.v_congestion.tolist(),
            "cost": self.cost.to_dict(),
            "weights": self.options.weights.to_dict(),
            "density_top": self.options.density_top,
            "congestion_top": self.options.congestion_top,
            "square_soft": self.options.square_soft,
            "bound": None if self.bound is None else self.bound.to_dict(),
            "legal": self.legality.legal,
            "violations": [v.to_dict() for v in self.legality.violations],
            "warnings": [v.to_dict() for v in self.legality.warnings],
            "worst_nets": [asdict(n) for n in self.worst_nets],
            "worst_cells": [asdict(c) for c in self.worst_cells],
            "worst_macros": [asdict(m) for m in self.worst_macros],
            "blockages": [dict(b) for b in self.blockages],
            "regions": [dict(r) for r in self.regions],
        }


def scene_of(
    problem: Problem,
    placement: Placement,
    cost_options: CostOptions | None = None,
    bound: LowerBound | None = None,
    *,
    engine: CostEngine | None = None,
    worst: int = 10,
) -> Scene:
    """Return what there is to show of a placement.

    Args:
        problem: netlist, canvas, constraints.
        placement: of all N nodes; nodes that it does not place are left out of shapes and cost.
        cost_options: weights and shares of the cost; not to be given with `engine`.
        bound: shown beside the cost.
        engine: of this problem, where one is at hand.
        worst: how many nets, and cells of each map, are named.

    Raises:
        ProblemError: the netlist has no net, or the placement is of another number of nodes.
    """
    engine = engine or CostEngine(problem, cost_options)
    nl = problem.netlist
    cost, maps = engine.full(placement), engine.maps(placement)
    w, h = oriented_size_um(engine.arrays.node_w, engine.arrays.node_h, placement.orient)
    hard = _shapes(problem, placement, nl.hard, w, h)
    return Scene(
        name=nl.name,
        netlist_hash=nl.content_hash,
        canvas=problem.canvas,
        hard=hard,
        soft=_shapes(problem, placement, nl.soft, w, h),
        ports=_shapes(problem, placement, nl.ports, w, h),
        counts={
            "hard": len(nl.hard),
            "soft": len(nl.soft),
            "ports": len(nl.ports),
            "nets": nl.num_nets,
            "pins": nl.num_pins,
            "unplaced": int((~placement.placed).sum()),
        },
        halo_um=turned_halo_um(problem.halo_um[hard.node], placement.orient[hard.node]),
        density=maps.density,
        h_congestion=maps.h,
        v_congestion=maps.v,
        cost=cost,
        options=engine.options,
        bound=bound,
        legality=check_legality(problem, placement),
        worst_nets=_worst_nets(engine, placement, cost, worst),
        worst_cells=worst_cells(engine, placement, maps, worst),
        worst_macros=worst_macros(engine, placement, maps, worst),
        blockages=tuple(asdict(b) for b in problem.blockages),
        regions=tuple(
            {"name": r.name, "rects_um": r.rects_um.tolist(), "exclusive": r.exclusive} for r in problem.regions
        ),
    )


def flylines_of(netlist: Netlist, limit: int = 8) -> Flylines:
    """Return the `limit` strongest connections of each hard macro: nets run from their source to each sink.

    The weight of a net is shared out evenly over its sinks, so that a clock does not outshine a bus.
    """
    sinks = np.diff(netlist.net_ptr) - 1
    node = netlist.pin_node[netlist.net_pin]
    net = np.repeat(np.arange(netlist.num_nets), sinks + 1)
    first = np.zeros(len(node), np.bool_)
    first[netlist.net_ptr[:-1]] = True
    source, sink = node[netlist.net_ptr[:-1]][net][~first], node[~first]
    weight = (netlist.net_weight / np.maximum(sinks, 1))[net][~first]
    # both ways round, so that a macro sees what it drives and what drives it
    a, b, both = np.concatenate([source, sink]), np.concatenate([sink, source]), np.concatenate([weight, weight])
    keep = (a != b) & (netlist.node_kind[a] == NodeKind.HARD)
    pair, place = np.unique(a[keep].astype(np.int64) * netlist.num_nodes + b[keep], return_inverse=True)
    total, nets = _summed(place, both[keep], len(pair)), np.bincount(place, minlength=len(pair))
    macro, other = pair // max(netlist.num_nodes, 1), pair % max(netlist.num_nodes, 1)
    order = np.lexsort((other, -total, macro))
    macro, other, total, nets = macro[order], other[order], total[order], nets[order]
    rank = np.arange(len(macro)) - np.searchsorted(macro, macro)
    top = rank < limit
    return Flylines(macro[top].astype(np.int32), other[top].astype(np.int32), total[top], nets[top].astype(np.int32))


def _summed(place: npt.NDArray[np.intp], weight: F64, count: int) -> F64:
    return np.bincount(place, weights=weight, minlength=count).astype(np.float64)


def _shapes(problem: Problem, placement: Placement, ids: I32, w: F64, h: F64) -> Shapes:
    nl = problem.netlist
    ids = ids[placement.placed[ids]]
    names = [o.name for o in Orient]
    return Shapes(
        node=ids,
        name=tuple(nl.node_name[i] for i in ids.tolist()),
        x_um=placement.x_um[ids] - w[ids] / 2,
        y_um=placement.y_um[ids] - h[ids] / 2,
        w_um=w[ids],
        h_um=h[ids],
        orient=tuple(names[o] for o in placement.orient[ids].tolist()),
        kind=tuple(_KINDS[NodeKind(k)] for k in nl.node_kind[ids].tolist()),
        fixed=problem.fixed[ids],
    )


def _worst_nets(engine: CostEngine, placement: Placement, cost: Cost, count: int) -> tuple[WorstNet, ...]:
    from floorplan.geometry import oriented_offsets_um

    nl, arrays = engine.problem.netlist, engine.arrays
    hpwl = engine.net_hpwl_um(placement)
    part = nl.net_weight * hpwl
    out = []
    for e in np.argsort(-part, kind="stable")[:count].tolist():
        if not part[e] > 0:
            break
        terms = slice(int(arrays.net_ptr[e]), int(arrays.net_ptr[e + 1]))
        node = arrays.term_node[terms]
        dx, dy = oriented_offsets_um(arrays.term_dx[terms], arrays.term_dy[terms], placement.orient[node])
        on = placement.placed[node]
        x, y = (placement.x_um[node] + dx)[on], (placement.y_um[node] + dy)[on]
        out.append(
            WorstNet(
                net=e,
                name=nl.pin_name[int(nl.net_pin[terms.start])],
                hpwl_um=float(hpwl[e]),
                weight=float(nl.net_weight[e]),
                share=float(part[e]) / cost.wirelength_um,
                terminals=len(node),
                box_um=(float(x.min()), float(y.min()), float(x.max()), float(y.max())),
                nodes=tuple(dict.fromkeys(node.tolist())),
            )
        )
    return tuple(out)
