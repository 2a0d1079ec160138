"""Estimated overflow: nets routed by patterns on a grid of cells, crowded routes again and again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from floorplan.netlist import Canvas, Netlist, Placement
from floorplan.reality.kernels.router import lay_all, macro_tracks, route_all
from floorplan.reality.options import RealityOptions
from floorplan.reality.outlines import F64, Outlines
from floorplan.reality.steiner import terminals_um, trees_of_points

__all__ = ["Routing", "RoutingReport", "edge_capacity", "route_nets", "route_segments"]

I32 = npt.NDArray[np.int32]

_USE_PRICE = 0.1
"""What a full edge costs beside its length: little, so that routes spread only where it costs no wire."""
_OVER_PRICE = 4.0
"""What an edge costs that is overfull by all its tracks, in the first round; doubled every round up to `_MOST`."""
_MOST = 256.0


@dataclass(frozen=True)
class RoutingReport:
    """What routing a placement came to.

    Demand of a net is its weight, at least 1, in tracks on every edge that it takes, as in the proxy.

    Attributes:
        columns: routing cells in x.
        rows: routing cells in y.
        segments: two-pin connections between different cells.
        wirelength_um: sum(demand * routed length), between cell centres.
        tree_um: sum(demand * tree length): what it would be without detours.
        overflow_tracks: sum over the edges of the tracks too many.
        max_overflow_tracks: the most on one edge.
        overflow_edge_share: share of the edges that are overfull.
        peak_utilisation: largest share of an edge's unblocked tracks that nets and macros take.
        top5_utilisation: mean of that share over the fullest 20th of the edges (at least one).
        rounds: rip-up rounds done.
    """

    columns: int
    rows: int
    segments: int
    wirelength_um: float
    tree_um: float
    overflow_tracks: float
    max_overflow_tracks: float
    overflow_edge_share: float
    peak_utilisation: float
    top5_utilisation: float
    rounds: int


@dataclass(frozen=True, eq=False)
class Routing:
    """Routes and what they use.

    Attributes:
        cells: (S, 4) row and column of both ends of each segment.
        demand: (S,) tracks.
        kind: (S,) pattern; see `floorplan.reality.kernels.router`.
        turn: (S,) column (kind 0) or row (kind 1) at which it turns.
        h: (R, C - 1) tracks in use between horizontal neighbours.
        v: (R - 1, C) tracks in use between vertical neighbours.
        h_cap: (R, C - 1) tracks there are.
        v_cap: (R - 1, C) likewise.
        rounds: rip-up rounds done.
    """

    cells: I32
    demand: F64
    kind: I32
    turn: I32
    h: F64
    v: F64
    h_cap: F64
    v_cap: F64
    rounds: int

    @property
    def overflow(self) -> F64:
        """Tracks too many of every edge, horizontal ones first."""
        over = np.concatenate([(self.h - self.h_cap).ravel(), (self.v - self.v_cap).ravel()])
        # Demand comes and goes in floating point; a millionth of a track is no overflow.
        return np.where(over > 1e-6, over, 0.0)


def route_nets(
    canvas: Canvas, hard: Outlines, netlist: Netlist, placement: Placement, options: RealityOptions
) -> RoutingReport:
    """Route all nets of a netlist and report the overflow.

    Terminals go to the centres of their cells (clamped to the grid); each net becomes the segments of a Steiner tree
    over its cells. Segments are routed shortest first, ties in net order; then those on overfull edges are taken out
    and routed anew, while edges that stay overfull grow dearer. The round with the least overflow counts.

    Args:
        canvas: extent, grid and tracks.
        hard: hard macros, which take tracks.
        netlist: whose nets to route; may be another netlist than the one that the macros came from.
        placement: of `netlist`, all nodes placed.
        options: grid factor, rounds, detour and track share.
    """
    cols, rows = canvas.columns * options.grid_factor, canvas.rows * options.grid_factor
    gw, gh = canvas.width_um / cols, canvas.height_um / rows
    x, y = terminals_um(netlist, placement)
    col = np.clip(np.floor(x / gw), 0, cols - 1)
    row = np.clip(np.floor(y / gh), 0, rows - 1)
    trees = trees_of_points(netlist.net_ptr, col * gw, row * gh)
    cells = np.rint(trees.segment[:, [1, 0, 3, 2]] / np.array([gh, gw, gh, gw])).astype(np.int32)
    demand = np.repeat(np.maximum(netlist.net_weight, 1.0), np.diff(trees.segment_ptr))
    h_cap, v_cap = edge_capacity(canvas, hard, options)
    supply = (gh * canvas.h_tracks_per_um * options.track_share, gw * canvas.v_tracks_per_um * options.track_share)
    done = route_segments(cells, demand, h_cap, v_cap, (gw, gh), supply, options.rounds, options.detour_cells)
    over = done.overflow
    use = np.concatenate([((done.h - h_cap) / supply[0]).ravel(), ((done.v - v_cap) / supply[1]).ravel()]) + 1.0
    top = np.sort(use)[len(use) - max(len(use) // 20, 1) :] if len(use) else np.zeros(1)
    return RoutingReport(
        columns=cols,
        rows=rows,
        segments=len(cells),
        wirelength_um=float(done.h.sum() * gw + done.v.sum() * gh),
        tree_um=float(np.maximum(netlist.net_weight, 1.0) @ trees.length),
        overflow_tracks=float(over.sum()),
        max_overflow_tracks=float(over.max(initial=0.0)),
        overflow_edge_share=float((over > 0).mean()) if len(over) else 0.0,
        peak_utilisation=float(top[-1]),
        top5_utilisation=float(top.mean()),
        rounds=done.rounds,
    )


def edge_capacity(canvas: Canvas, hard: Outlines, options: RealityOptions) -> tuple[F64, F64]:
    """Return the tracks between horizontal (R, C - 1) and between vertical neighbours (R - 1, C).

    An edge has tracks per um x the cell's extent across it. A hard macro that reaches between the two cell centres
    takes macro tracks per um x what it shares with that extent, overlapping macros once, and never more than there is.
    """
    cols, rows = canvas.columns * options.grid_factor, canvas.rows * options.grid_factor
    gw, gh = canvas.width_um / cols, canvas.height_um / rows
    h_blocked, v_blocked = np.zeros((rows, cols - 1)), np.zeros((cols, rows - 1))
    by_y, by_x = np.argsort(hard.y0, kind="stable"), np.argsort(hard.x0, kind="stable")
    macro_tracks(hard.x0, hard.x1, hard.y0, hard.y1, by_y.astype(np.int32), gw, gh, h_blocked)
    macro_tracks(hard.y0, hard.y1, hard.x0, hard.x1, by_x.astype(np.int32), gh, gw, v_blocked)
    h_cap = canvas.h_tracks_per_um * gh - canvas.h_macro_tracks_per_um * h_blocked
    v_cap = canvas.v_tracks_per_um * gw - canvas.v_macro_tracks_per_um * np.ascontiguousarray(v_blocked.T)
    return np.maximum(h_cap, 0.0) * options.track_share, np.maximum(v_cap, 0.0) * options.track_share


def route_segments(
    cells: I32,
    demand: F64,
    h_cap: F64,
    v_cap: F64,
    cell_um: tuple[float, float],
    supply: tuple[float, float],
    rounds: int,
    detour_cells: int,
) -> Routing:
    """Route two-pin segments and return the round with the least overflow, of equal ones that with the least wire.

    Args:
        cells: (S, 4) row and column of both ends.
        demand: (S,) tracks that each takes.
        h_cap: (R, C - 1) tracks between horizontal neighbours.
        v_cap: (R - 1, C) tracks between vertical neighbours.
        cell_um: width and height of a cell.
        supply: tracks of an unblocked horizontal and vertical edge.
        rounds: most rip-up rounds.
        detour_cells: cells by which a route may leave the box of its ends.
    """
    gw, gh = cell_um
    span = np.abs(cells[:, 0] - cells[:, 2]) * gh + np.abs(cells[:, 1] - cells[:, 3]) * gw
    order = np.argsort(span, kind="stable")
    cells, demand = np.ascontiguousarray(cells[order]), np.ascontiguousarray(demand[order])
    kind, turn = np.zeros(len(cells), np.int32), np.zeros(len(cells), np.int32)
    h, v = np.zeros_like(h_cap), np.zeros_like(v_cap)
    h_history, v_history = np.zeros_like(h_cap), np.zeros_like(v_cap)
    best: tuple[float, float] = (np.inf, np.inf)
    kept = (kind, turn)
    done = 0
    for k in range(rounds + 1):
        price = min(_OVER_PRICE * 2.0**k, _MOST)
        scale = np.array([gw, gh, 1.0 / supply[0], 1.0 / supply[1], price, _USE_PRICE])
        moved = route_all(
            cells, demand, kind, turn, k == 0, h, v, h_cap, v_cap, h_history, v_history, scale, detour_cells
        )
        if k > 0 and moved == 0:
            break
        done = k
        over_h, over_v = np.maximum(h - h_cap, 0.0), np.maximum(v - v_cap, 0.0)
        over = float(over_h.sum() + over_v.sum())
        score = (over if over > 1e-6 else 0.0, float(h.sum() * gw + v.sum() * gh))
        if score < best:
            best, kept = score, (kind.copy(), turn.copy())
        if score[0] == 0.0:
            break
        h_history += over_h / supply[0]
        v_history += over_v / supply[1]
    kind, turn = kept
    h, v = np.zeros_like(h_cap), np.zeros_like(v_cap)
    lay_all(cells, demand, kind, turn, h, v)
    return Routing(cells, demand, kind, turn, h, v, h_cap, v_cap, done)
