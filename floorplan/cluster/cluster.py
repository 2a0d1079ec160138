"""From a flat problem to a clustered one."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from floorplan.cluster.around import AROUND, held_groups
from floorplan.cluster.build import build_clustered
from floorplan.cluster.carry import clustered_problem
from floorplan.cluster.connect import Hypergraph, cell_hypergraph
from floorplan.cluster.partition import PARTITIONERS, partition
from floorplan.cluster.rebuild import GROUPER_BLOAT, rebuild
from floorplan.cluster.reshape import break_up, merge_small, renumber
from floorplan.cluster.spots import cell_spots
from floorplan.errors import ProblemError
from floorplan.netlist import Netlist, NodeKind, Problem
from floorplan.showable import Showable

__all__ = ["ClusterOptions", "Clustering", "cluster", "cluster_as_given", "parts_for"]

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ClusterOptions:
    """How cells become groups; the numbers are those of AlphaChip's flow.

    Attributes:
        clusters: parts of the min-cut partition, beside the groups that are held; breaking up and merging move the
            number of groups off it.
        reach: a group that extends farther than this share of sqrt(canvas area) is broken up.
        small: a group below this share of the mean area is merged into a neighbour.
        bloat: area of a soft macro over that of its cells.
        seed: of the partition.
        around: what cells next to it are held together around before the partition: "macros", "ports", "both" (as in
            AlphaChip's flow) or "none".
        partitioner: "mtkahypar", "metis", or "auto" for the first of them that is installed.
    """

    clusters: int = 500
    reach: float = 0.25
    small: float = 0.25
    bloat: float = 1.0
    seed: int = 1
    around: str = "none"
    partitioner: str = "auto"

    def __post_init__(self) -> None:
        if self.around not in AROUND:
            raise ProblemError(f"groups are held around one of {', '.join(AROUND)}, not {self.around!r}")
        if self.partitioner not in PARTITIONERS:
            raise ProblemError(f"the partitioner is one of {', '.join(PARTITIONERS)}, not {self.partitioner!r}")
        if self.clusters < 1 or self.seed < 0:
            raise ProblemError(f"clusters must be >= 1 and the seed >= 0, got {self.clusters} and {self.seed}")
        if not (self.reach > 0 and 0 <= self.small < 1 and math.isfinite(self.bloat) and self.bloat >= 1):
            raise ProblemError("reach must be positive, small 0 to 1, and bloat at least 1")


@dataclass(frozen=True, eq=False)
class Clustering(Showable):
    """A clustered problem and where its cells went.

    Attributes:
        problem: ports, hard macros and groups, with the initial placement: groups at the mean of their cells.
        host: (N,) group of each flat node: k of `Grp_k`, -1 for ports and hard macros.
        cut: flat nets that reach more than one group, or a group and a macro or port.
        held: groups of cells next to macros and ports, made before the partition.
        parts: groups after the partition, these among them.
        broken: groups after those that spread were broken up.
        given: the cells were placed; else their positions, and the groups' own, only follow from the nets.
    """

    problem: Problem
    host: I64
    cut: int
    held: int
    parts: int
    broken: int
    given: bool


def cluster(flat: Problem, options: ClusterOptions | None = None) -> Clustering:
    """Cluster the standard cells of a flat problem into soft macros; equal input and seed give equal clusters.

    Groups around macros and ports, partition of the other cells, break-up over the placement of the cells (see
    `cell_spots`), merging of small groups. Soft macros are as wide as a grid cell, which must therefore be chosen
    before. Ports that touch the edge of the canvas move onto it. Constraints of macros stay theirs.

    Raises:
        ProblemError: the netlist has soft macros already or no cells, or the partitioner is not installed.
    """
    o = ClusterOptions() if options is None else options
    netlist, canvas = flat.netlist, flat.canvas
    if (netlist.node_kind == NodeKind.SOFT).any():
        raise ProblemError(f"netlist {netlist.name!r} has soft macros: it is clustered already")
    if not (netlist.node_kind == NodeKind.CELL).any():
        raise ProblemError(f"netlist {netlist.name!r} has no standard cells to cluster")
    graph = cell_hypergraph(netlist)
    x, y, given = cell_spots(flat)
    held = held_groups(flat, o.around)[graph.cells]
    group = renumber(_with_parts(graph, held, o))
    parts = int(group.max(initial=-1)) + 1
    reach_um = o.reach * math.sqrt(canvas.width_um * canvas.height_um)
    group = break_up(group, x, y, reach_um)
    broken = int(group.max(initial=-1)) + 1
    mean_um2 = float(graph.area_um2.sum()) / max(parts, 1)
    group = merge_small(graph, group, x, y, o.small * mean_um2, (1 + o.small) * mean_um2, reach_um)
    count = int(group.max(initial=-1)) + 1

    host = np.full(netlist.num_nodes, -1, np.int64)
    host[graph.cells] = group
    area = np.bincount(group, graph.area_um2, minlength=count) * o.bloat
    w_um = np.full(count, canvas.cell_w_um)
    clustered = build_clustered(netlist, host, w_um, area / w_um)
    cells = np.maximum(np.bincount(group, minlength=count), 1)
    middle = tuple(np.bincount(group, at, minlength=count) / cells for at in (x, y))
    log.info("%s: %d parts, %d after break-up, %d after merging", netlist.name, parts, broken, count)
    problem = _problem(flat, clustered, middle[0], middle[1])
    return Clustering(problem, host, _cut(netlist, host), int(held.max(initial=-1)) + 1, parts, broken, given)


def parts_for(flat: Problem, groups: int, options: ClusterOptions) -> int:
    """Return how many parts make `groups` groups, with those of the held ones that are not so small as to be merged."""
    netlist = flat.netlist
    held = held_groups(flat, options.around)
    area = netlist.node_w_um * netlist.node_h_um
    least_um2 = options.small * float(area[netlist.soft].sum()) / groups
    stay = int((np.bincount(held[held >= 0], area[held >= 0]) >= least_um2).sum())
    return max(groups - stay, 1)


def _with_parts(graph: Hypergraph, held: I64, o: ClusterOptions) -> I64:
    """Return the group of each cell: that it is held in, or after those its part of all cells that are not."""
    count = int(held.max(initial=-1)) + 1
    free = np.flatnonzero(held < 0)
    group = held.copy()
    group[free] = count + partition(graph.of(free) if count else graph, o.clusters, o.seed, o.partitioner)
    return group


def cluster_as_given(
    flat: Problem, group: I64, bloat: float = GROUPER_BLOAT, cell_w_um: float | None = None
) -> Clustering:
    """Cluster the cells into given groups, as circuit_training's grouper writes them (see `rebuild`).

    Args:
        flat: flat problem; cells that it does not place stand where `cell_spots` finds them.
        group: (N,) k of the `Grp_k` of each cell, -1 elsewhere.
        bloat: area of a soft macro over that of its cells.
        cell_w_um: width of a grid cell, and so of each group, if known to more digits than the canvas.

    Raises:
        ProblemError: the netlist has soft macros already.
    """
    cells = flat.netlist.soft
    given = bool(flat.initial.placed[cells].all())
    if not given:
        x, y = flat.initial.x_um.copy(), flat.initial.y_um.copy()
        x[cells], y[cells], _ = cell_spots(flat)
        placed = flat.initial.placed.copy()
        placed[cells] = True
        flat = flat.replace(initial=flat.initial.replace(x, y, placed=placed))
    made = rebuild(flat, group, flat.canvas.cell_w_um if cell_w_um is None else cell_w_um, bloat)
    problem = clustered_problem(flat, made.netlist, made.kept, made.x_um, made.y_um)
    return Clustering(problem, group, _cut(flat.netlist, group), 0, len(made.x_um), len(made.x_um), given)


def _cut(netlist: Netlist, host: I64) -> int:
    end = np.where(host >= 0, host, -1 - np.arange(len(host)))[netlist.pin_node[netlist.net_pin]]
    if not len(end):
        return 0
    start = netlist.net_ptr[:-1]
    return int((np.minimum.reduceat(end, start) != np.maximum.reduceat(end, start)).sum())


def _problem(flat: Problem, clustered: Netlist, x_um: F64, y_um: F64) -> Problem:
    ports = flat.netlist.ports
    kept = np.concatenate([ports, flat.netlist.hard]).astype(np.int64)
    initial = flat.initial
    x, y = initial.x_um.copy(), initial.y_um.copy()
    x[ports], y[ports] = _on_edge(flat, x[ports], y[ports])
    return clustered_problem(flat.replace(initial=initial.replace(x, y)), clustered, kept, x_um, y_um)


_EDGE = 0.005


def _on_edge(flat: Problem, x_um: F64, y_um: F64) -> tuple[F64, F64]:
    """Move ports within 0.5 % of the canvas of its edge, as pads are whose rectangle touches it, onto the edge."""
    canvas = flat.canvas
    x, y = np.clip(x_um, 0.0, canvas.width_um), np.clip(y_um, 0.0, canvas.height_um)
    gaps = np.stack([x, y, canvas.width_um - x, canvas.height_um - y])
    nearest = gaps.argmin(axis=0)
    close = gaps.min(axis=0) <= _EDGE * max(canvas.width_um, canvas.height_um)
    if not close.all():
        log.warning("%s: %d ports stand inside the canvas, off its edge", flat.netlist.name, int((~close).sum()))
    x = np.where(close & (nearest == 0), 0.0, np.where(close & (nearest == 2), canvas.width_um, x))
    y = np.where(close & (nearest == 1), 0.0, np.where(close & (nearest == 3), canvas.height_um, y))
    return x, y
