"""What a macro puts into its fullest grid cells, wherever it stands."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Group", "blockage_tops", "density_tops", "most_cells", "pooled_tops", "top_mean_bound"]

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Group:
    """Macros that put the same into the grid.

    Attributes:
        tops: (q,) least possible sum of a macro's 1, 2, ..., q fullest cells; concave; constant from there on.
        count: how many such macros there are.
    """

    tops: F64
    count: int


def _pieces(extent: float, cells: int) -> list[F64]:
    """Return the worst splits of an extent (in cells) over the cells of one axis.

    Standing anywhere, the macro covers n cells: a of the first, all of the inner ones, b of the last, a + b = extent -
    (n - 2), where n is ceil(extent) or one more. A sum of largest products is convex in a and the same for a and b
    swapped, so it is least at a = b: one split for each n.
    """
    least = max(1, math.ceil(extent))
    out = []
    for n in (least, least + 1):
        if n == 1:
            out.append(np.array([extent]))
        elif n <= cells or n == least:
            edge = (extent - (n - 2)) / 2
            out.append(np.array([edge, *np.ones(n - 2), edge]))
    return out


def _least(candidates: list[F64], length: int) -> F64:
    """Return the least of the candidates' prefix sums of descending values, up to `length`."""
    tops = np.full(max(length, 1), np.inf)
    longest = min(len(tops), max(len(c) for c in candidates))
    for values in candidates:
        prefix = np.cumsum(np.sort(values)[::-1][: len(tops)])
        full = np.full(len(tops), prefix[-1])
        full[: len(prefix)] = prefix
        tops = np.minimum(tops, full)
    return tops[:longest]


def density_tops(sizes: list[tuple[float, float]], columns: int, rows: int, length: int) -> F64:
    """Return the least sums of a macro's densest cells; sizes (w, h) in cells, one for each way it may be turned."""
    candidates = [np.outer(oy, ox).ravel() for w, h in sizes for ox in _pieces(w, columns) for oy in _pieces(h, rows)]
    return _least(candidates, length)


def blockage_tops(
    sizes: list[tuple[float, float]], columns: int, rows: int, h_share: float, v_share: float, length: int
) -> F64:
    """Return the least sums of the fullest H and V entries, together, that a hard macro takes.

    Over n columns and m rows it takes h_share * oy in the H entry of each row in all columns but the right one, and
    v_share * ox in the V entry of each column in all rows but the top one; where there is one column (row) only, it is
    not taken back. That a macro aligned with the grid keeps its right column is left out, which only lowers the sums.
    """
    candidates = []
    for w, h in sizes:
        for ox in _pieces(w, columns):
            for oy in _pieces(h, rows):
                in_h = np.tile(h_share * oy, max(len(ox) - 1, 1))
                in_v = np.tile(v_share * ox, max(len(oy) - 1, 1))
                candidates.append(np.concatenate([in_h, in_v]))
    return _least(candidates, length)


def most_cells(sizes: list[tuple[float, float]], columns: int, rows: int) -> int:
    """Return how many cells a macro can touch at most."""
    return max(
        min(columns, math.floor(w + 1e-6) + 2) * min(rows, math.floor(h + 1e-6) + 2) if w > 0 and h > 0 else 0
        for w, h in sizes
    )


def pooled_tops(groups: list[Group], length: int) -> F64:
    """Return (length + 1,) lower bounds of the sum of the 0, 1, ..., length fullest cells of all macros together.

    Proof. Give each macro a number of cells, j in all. The union of every macro's own fullest cells, so many each, has
    at most j cells, and what those hold is at least the sum of what the macros put there, whoever else is there.
    Each macro's sums are concave, so the best numbers come from taking the largest increments of all.
    """
    values, counts = [np.zeros(0)], [np.zeros(0, np.int64)]
    for g in groups:
        # Rounding may have left the sums a hair short of concave: a lower step is a lower bound too.
        steps = np.minimum.accumulate(np.diff(g.tops, prepend=0.0))
        values.append(np.maximum(steps, 0.0))
        counts.append(np.full(len(steps), min(g.count, length), np.int64))
    value, count = np.concatenate(values), np.concatenate(counts)
    order = np.argsort(-value)
    steps = np.repeat(value[order], count[order])[:length]
    return np.concatenate([np.zeros(1), np.cumsum(steps), np.full(length - len(steps), steps.sum())])


def top_mean_bound(tops: F64, total: float, cells: int) -> tuple[float, int]:
    """Return a lower bound of the mean of the k fullest cells, and how many of them come from `tops`.

    Proof. Let D_j be the sum of the j fullest cells. The other cells - j share total - D_j, and the fullest k - j of
    those hold at least their part by number: D_k >= D_j + (k - j) * (total - D_j) / (cells - j), which rises with D_j.

    Args:
        tops: (k + 1,) lower bounds of D_0 ... D_k, k >= 1.
        total: lower bound of the sum over all cells.
        cells: how many cells there are.
    """
    k = len(tops) - 1
    j = np.arange(k + 1)
    rest = np.where(cells > j, (k - j) / np.maximum(cells - j, 1), 0.0)
    bounds = tops + rest * np.maximum(total - tops, 0.0)
    best = int(np.argmax(bounds))
    return float(bounds[best]) / k, best
