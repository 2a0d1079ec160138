"""Groups made fit to be placed as one block each: those that spread are broken up, small ones merged."""

from __future__ import annotations

import heapq

import numpy as np
import numpy.typing as npt

from floorplan.cluster.connect import Hypergraph, group_links

__all__ = ["break_up", "merge_small", "renumber"]

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]


def renumber(group: I64) -> I64:
    """Return the groups numbered 0, 1, ... in the order of their first cells."""
    _, first, inverse = np.unique(group, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def break_up(group: I64, x_um: F64, y_um: F64, reach_um: float) -> I64:
    """Split each group that extends more than `reach_um` in x or y into its cells on tiles of that size.

    The tiles begin at the group's lower left cell.
    """
    count = int(group.max(initial=-1)) + 1
    tile = np.zeros(len(group), np.int64)
    for at in (x_um, y_um):
        low, high = np.full(count, np.inf), np.full(count, -np.inf)
        np.minimum.at(low, group, at)
        np.maximum.at(high, group, at)
        wide = (high - low > reach_um)[group]
        step = np.floor((at - low[group]) / reach_um).astype(np.int64)
        tile = tile * (1 << 20) + np.where(wide, step, 0)
    # split in x and y together: a group wide in one direction only keeps one tile in the other
    return renumber(np.unique(np.stack([group, tile]), axis=1, return_inverse=True)[1].ravel())


def merge_small(
    graph: Hypergraph, group: I64, x_um: F64, y_um: F64, least_um2: float, most_um2: float, reach_um: float
) -> I64:
    """Merge each group smaller than `least_um2` into the neighbour that most nets tie it to, smallest group first.

    A neighbour is a group that a net leads to, with its middle within `reach_um` and room for the cells below
    `most_um2`. A group without one stays.
    """
    count = int(group.max(initial=-1)) + 1
    links = group_links(graph, group, count)
    tied = [
        dict(zip(links.indices[a:b].tolist(), links.data[a:b].tolist(), strict=True))
        for a, b in zip(links.indptr[:-1].tolist(), links.indptr[1:].tolist(), strict=True)
    ]
    cells = np.bincount(group, minlength=count).astype(np.float64)
    area = np.bincount(group, graph.area_um2, minlength=count)
    sum_x, sum_y = (np.bincount(group, at, minlength=count) for at in (x_um, y_um))
    into = np.arange(count)
    queue = [(float(a), g) for g, a in enumerate(area.tolist()) if a < least_um2]
    heapq.heapify(queue)
    while queue:
        size, g = heapq.heappop(queue)
        if into[g] != g or size != area[g]:
            continue
        best, best_tie = -1, 0.0
        for h, tie in sorted(tied[g].items()):
            apart = max(abs(sum_x[g] / cells[g] - sum_x[h] / cells[h]), abs(sum_y[g] / cells[g] - sum_y[h] / cells[h]))
            if tie > best_tie and apart <= reach_um and area[g] + area[h] <= most_um2:
                best, best_tie = h, tie
        if best < 0:
            continue
        into[g] = best
        for total in (cells, area, sum_x, sum_y):
            total[best] += total[g]
        for h, tie in tied[g].items():
            del tied[h][g]
            if h != best:
                tied[h][best] = tied[best][h] = tied[best].get(h, 0.0) + tie
        tied[g] = {}
        if area[best] < least_um2:
            heapq.heappush(queue, (float(area[best]), best))
    while (into[into] != into).any():
        into = into[into]
    return renumber(into[group])
