"""The proxy cost in plain Python: slow, and the definition that every kernel is proved against.

Written to be read beside the page "The exact cost" of the documentation, in the same order and with the same letters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from floorplan.cost.terms import Cost, CostMaps, CostOptions
from floorplan.geometry import ORIENT_MATRIX, oriented_size_um
from floorplan.netlist import Netlist, NodeKind, Placement, Problem

__all__ = ["ReferenceResult", "evaluate"]

F64 = npt.NDArray[np.float64]
Cell = tuple[int, int]


@dataclass(frozen=True, eq=False)
class ReferenceResult:
    """Cost, maps and per-net half-perimeter (E,) of one placement."""

    cost: Cost
    maps: CostMaps
    net_hpwl_um: F64


def evaluate(problem: Problem, placement: Placement, options: CostOptions | None = None) -> ReferenceResult:
    """Return the exact cost of a placement; nodes not placed are left out of it.

    A partial placement is costed as if its unplaced nodes had no pins and no area, over the weights of the whole
    netlist; a net whose source is unplaced is not routed.
    """
    options = options or CostOptions()
    nl, cv = problem.netlist, problem.canvas
    w, h = _sizes(nl, placement, options.square_soft)

    hpwl = np.zeros(nl.num_nets)
    H, V = np.zeros((cv.rows, cv.columns)), np.zeros((cv.rows, cv.columns))
    for e in range(nl.num_nets):
        pins = nl.net_pin[nl.net_ptr[e] : nl.net_ptr[e + 1]].tolist()
        points = [_pin_position(nl, placement, p) for p in pins if placement.placed[nl.pin_node[p]]]
        if not points:
            continue
        xs, ys = [x for x, _ in points], [y for _, y in points]
        hpwl[e] = (max(xs) - min(xs)) + (max(ys) - min(ys))
        if placement.placed[nl.pin_node[pins[0]]]:
            weight = float(nl.net_weight[e])
            cells = [_cell(problem, x, y) for x, y in points]
            _route(cells[0], sorted(set(cells)), weight if weight > 1 else 1.0, H, V)

    wirelength_um = float((nl.net_weight * hpwl).sum())
    wirelength = wirelength_um / ((cv.width_um + cv.height_um) * float(nl.net_weight.sum()))

    area = np.zeros((cv.rows, cv.columns))
    for i in np.flatnonzero(placement.placed & (nl.node_kind != NodeKind.PORT)).tolist():
        for r, c, ox, oy in _overlaps(problem, placement.x_um[i], placement.y_um[i], w[i], h[i]):
            area[r, c] += ox * oy
    density_map = area / (cv.cell_w_um * cv.cell_h_um)

    V /= cv.cell_w_um * cv.v_tracks_per_um
    H /= cv.cell_h_um * cv.h_tracks_per_um
    V, H = _smooth(V, cv.smooth_range), _smooth(H.T, cv.smooth_range).T
    for i in nl.hard[placement.placed[nl.hard]].tolist():
        _block(problem, placement.x_um[i], placement.y_um[i], w[i], h[i], H, V)

    density = _density_cost(density_map, options.density_top)
    both = np.sort(np.concatenate([V.ravel(), H.ravel()]))[::-1]
    k = math.floor(options.congestion_top * both.size)
    congestion = float(both[:k].mean()) if k else float(both.max())
    weights = options.weights
    proxy = weights.wirelength * wirelength + weights.density * density + weights.congestion * congestion
    cost = Cost(wirelength, density, congestion, proxy, wirelength_um)
    return ReferenceResult(cost, CostMaps(density_map, H, V), hpwl)


def _sizes(nl: Netlist, placement: Placement, square_soft: bool) -> tuple[F64, F64]:
    w, h = nl.node_w_um.copy(), nl.node_h_um.copy()
    if square_soft:
        w[nl.soft] = h[nl.soft] = np.sqrt(w[nl.soft] * h[nl.soft])
    return oriented_size_um(w, h, placement.orient)


def _pin_position(nl: Netlist, placement: Placement, pin: int) -> tuple[float, float]:
    node = int(nl.pin_node[pin])
    x, y = float(placement.x_um[node]), float(placement.y_um[node])
    if nl.node_kind[node] != NodeKind.HARD:
        return x, y
    a, b, c, d = ORIENT_MATRIX[placement.orient[node]]
    dx, dy = float(nl.pin_dx_um[pin]), float(nl.pin_dy_um[pin])
    return x + (a * dx + b * dy), y + (c * dx + d * dy)


def _cell(problem: Problem, x: float, y: float) -> Cell:
    cv = problem.canvas
    row, col = math.floor(y / cv.cell_h_um), math.floor(x / cv.cell_w_um)
    return min(max(row, 0), cv.rows - 1), min(max(col, 0), cv.columns - 1)


def _route(source: Cell, cells: list[Cell], q: float, H: F64, V: F64) -> None:
    """Add a net's demand; `cells` are its distinct cells as (row, column)."""

    def add_h(row: int, col_a: int, col_b: int) -> None:
        H[row, min(col_a, col_b) : max(col_a, col_b)] += q

    def add_v(col: int, row_a: int, row_b: int) -> None:
        V[min(row_a, row_b) : max(row_a, row_b), col] += q

    if len(cells) == 3:
        (r1, c1), (r2, c2), (r3, c3) = sorted(cells, key=lambda rc: (rc[1], rc[0]))
        if c1 < c2 < c3 and min(r1, r3) < r2 < max(r1, r3):
            add_h(r1, c1, c2)
            add_h(r2, c2, c3)
            add_v(c2, r1, r2)
            add_v(c3, r2, r3)
        elif c2 == c3 and c1 < c2 and r1 < min(r2, r3):
            add_h(r1, c1, c2)
            add_v(c2, r1, max(r2, r3))
        elif r2 == r3:
            add_h(r1, c1, c2)
            add_h(r2, c2, c3)
            add_v(c2, r1, r2)
        else:
            (r1, c1), (r2, c2), (r3, c3) = sorted(cells)
            add_h(r2, min(c1, c2, c3), max(c1, c2, c3))
            add_v(c1, r1, r2)
            add_v(c3, r2, r3)
        return
    for r, c in cells:
        if (r, c) != source:
            add_h(source[0], source[1], c)
            add_v(c, source[0], r)


def _smooth(demand: F64, s: int) -> F64:
    """Spread each cell's demand evenly over the cells up to s to its left and right (along axis 1)."""
    out = np.zeros_like(demand)
    n = demand.shape[1]
    for c in range(n):
        lo, hi = max(c - s, 0), min(c + s, n - 1)
        out[:, lo : hi + 1] += (demand[:, c] / (hi - lo + 1))[:, None]
    return out


def _overlaps(problem: Problem, x: float, y: float, w: float, h: float) -> list[tuple[int, int, float, float]]:
    """Return (row, column, ox, oy) of the cells from a rectangle's lower left to its upper right corner.

    A rectangle that ends exactly on a grid line still counts the cell beyond, with no overlap.
    """
    cv = problem.canvas
    gw, gh = cv.cell_w_um, cv.cell_h_um
    x0, x1, y0, y1 = x - w / 2, x + w / 2, y - h / 2, y + h / 2
    c0, c1 = max(math.floor(x0 / gw), 0), min(math.floor(x1 / gw), cv.columns - 1)
    r0, r1 = max(math.floor(y0 / gh), 0), min(math.floor(y1 / gh), cv.rows - 1)
    out = []
    for r in range(r0, r1 + 1):
        for c in range(c0, c1 + 1):
            ox = max(min(x1, (c + 1) * gw) - max(x0, c * gw), 0.0)
            oy = max(min(y1, (r + 1) * gh) - max(y0, r * gh), 0.0)
            out.append((r, c, ox, oy) if ox > 0 and oy > 0 else (r, c, 0.0, 0.0))
    return out


def _block(problem: Problem, x: float, y: float, w: float, h: float, H: F64, V: F64) -> None:
    """Take the tracks that a hard macro covers."""
    cv = problem.canvas
    gw, gh = cv.cell_w_um, cv.cell_h_um
    cells = _overlaps(problem, x, y, w, h)
    if not cells:
        return
    rows, cols = [r for r, *_ in cells], [c for _, c, *_ in cells]
    top, bottom, right, left = max(rows), min(rows), max(cols), min(cols)
    partial_v = partial_h = False
    for r, c, ox, oy in cells:
        V[r, c] += ox * cv.v_macro_tracks_per_um / (gw * cv.v_tracks_per_um)
        H[r, c] += oy * cv.h_macro_tracks_per_um / (gh * cv.h_tracks_per_um)
        partial_v |= top != bottom and r in (top, bottom) and abs(oy - gh) > 1e-5
        partial_h |= right != left and c in (left, right) and abs(ox - gw) > 1e-5
    for r, c, ox, oy in cells:
        if partial_v and r == top:
            V[r, c] -= ox * cv.v_macro_tracks_per_um / (gw * cv.v_tracks_per_um)
        if partial_h and c == right:
            H[r, c] -= oy * cv.h_macro_tracks_per_um / (gh * cv.h_tracks_per_um)


def _density_cost(density: F64, top_share: float) -> float:
    cells = np.sort(density.ravel())[::-1]
    if cells.size < 10:
        filled = cells[cells > 0]
        return 0.5 * float(filled.mean()) if filled.size else 0.0
    k = max(math.floor(top_share * cells.size), 1)
    return 0.5 * float(cells[:k].sum()) / k
