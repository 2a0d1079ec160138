"""Pattern routing of two-pin segments on a grid, with negotiated congestion (McMurchie and Ebeling 1995).

Cells are joined by edges: horizontal edge (r, c) joins (r, c) and (r, c + 1), vertical edge (r, c) joins (r, c) and
(r + 1, c). A route is a pattern: kind 0 leaves its first cell along the row, turns at column `turn`, and arrives along
the row of its second cell; kind 1 leaves along the column, turns at row `turn`. Straight runs, L, Z and detours round
the box of the two cells are all of that form.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["lay_all", "macro_tracks", "route_all"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]


@njit(cache=True)
def macro_tracks(
    along0: F64, along1: F64, across0: F64, across1: F64, order: I32, pitch: float, width: float, blocked: F64
) -> None:
    """Write the length of each grid edge's cross-section that macros cover.

    Edge (i, j) joins cells j and j + 1 of line i. A macro covers what its extent across the line shares with the line,
    if it reaches between the two cell centres; shared parts count once.

    Args:
        along0: (H,) lower ends of the macros in the direction of the edges.
        along1: (H,) upper ends.
        across0: (H,) lower ends across it.
        across1: (H,) upper ends.
        order: (H,) macros by rising across0.
        pitch: distance of two cell centres.
        width: extent of a line across.
        blocked: (lines, edges) out, in um.
    """
    for i in range(blocked.shape[0]):
        low, high = i * width, (i + 1) * width
        for j in range(blocked.shape[1]):
            begin, end = (j + 0.5) * pitch, (j + 1.5) * pitch
            total, reached = 0.0, low
            for k in order:
                if across1[k] <= reached or along1[k] <= begin or along0[k] >= end:
                    continue
                if across0[k] >= high:
                    break
                top = min(across1[k], high)
                total += top - max(across0[k], reached)
                reached = top
            blocked[i, j] = total


@njit(cache=True)
def lay_all(cells: I32, demand: F64, kind: I32, turn: I32, h: F64, v: F64) -> None:
    """Add the demand of every route."""
    for s in range(len(demand)):
        _lay(cells[s, 0], cells[s, 1], cells[s, 2], cells[s, 3], kind[s], turn[s], demand[s], h, v)


@njit(cache=True)
def _lay(ra: int, ca: int, rb: int, cb: int, kind: int, turn: int, q: float, h: F64, v: F64) -> None:
    """Add demand q along one route."""
    if kind == 0:
        _add_h(ra, ca, turn, q, h)
        _add_v(turn, ra, rb, q, v)
        _add_h(rb, turn, cb, q, h)
    else:
        _add_v(ca, ra, turn, q, v)
        _add_h(turn, ca, cb, q, h)
        _add_v(cb, turn, rb, q, v)


@njit(cache=True)
def _add_h(row: int, a: int, b: int, q: float, h: F64) -> None:
    for c in range(min(a, b), max(a, b)):
        h[row, c] += q


@njit(cache=True)
def _add_v(col: int, a: int, b: int, q: float, v: F64) -> None:
    for r in range(min(a, b), max(a, b)):
        v[r, col] += q


@njit(cache=True)
def route_all(
    cells: I32,
    demand: F64,
    kind: I32,
    turn: I32,
    first: bool,
    h: F64,
    v: F64,
    h_cap: F64,
    v_cap: F64,
    h_history: F64,
    v_history: F64,
    scale: F64,
    detour: int,
) -> int:
    """Route every segment (first), or those that cross an overfull edge anew, one after another; return how many.

    Args:
        cells: (S, 4) row and column of both ends.
        demand: (S,) tracks each takes.
        kind: (S,) in and out.
        turn: (S,) in and out.
        first: nothing is laid yet.
        h: (R, C - 1) tracks in use, in and out.
        v: (R - 1, C) likewise.
        h_cap: (R, C - 1) tracks there are.
        v_cap: (R - 1, C) likewise.
        h_history: (R, C - 1) how overfull the edge was in earlier rounds.
        v_history: (R - 1, C) likewise.
        scale: edge lengths in x and y, 1 / unblocked tracks of a horizontal and of a vertical edge, price of a track
            too many, price of a track in use.
        detour: cells by which a route may leave the box of its ends.
    """
    rows, cols = v.shape[0] + 1, h.shape[1] + 1
    len_x, len_y, h_unit, v_unit, over_price, use_price = scale
    here, there = np.empty(max(rows, cols)), np.empty(max(rows, cols))
    routed = 0
    for s in range(len(demand)):
        ra, ca, rb, cb = cells[s]
        q = demand[s]
        if not first:
            if not _overfull(ra, ca, rb, cb, kind[s], turn[s], h, v, h_cap, v_cap):
                continue
            _lay(ra, ca, rb, cb, kind[s], turn[s], -q, h, v)
        routed += 1
        best, best_kind, best_turn = np.inf, 0, ca
        # Along the row first; out and back along one row would lay the same edges twice, so that needs no detour.
        lo, hi = min(ca, cb), max(ca, cb)
        if ra != rb:
            lo, hi = max(lo - detour, 0), min(hi + detour, cols - 1)
        else:
            hi = lo
        _prefix_h(ra, min(lo, min(ca, cb)), max(hi, max(ca, cb)), q, h, h_cap, h_history, len_x, scale, here)
        _prefix_h(rb, min(lo, min(ca, cb)), max(hi, max(ca, cb)), q, h, h_cap, h_history, len_x, scale, there)
        for m in range(lo, hi + 1):
            price = abs(here[m] - here[ca]) + abs(there[cb] - there[m])
            for r in range(min(ra, rb), max(ra, rb)):
                if price >= best:
                    break
                price += len_y * _price(v[r, m] + q, v_cap[r, m], v_history[r, m], v_unit, over_price, use_price)
            if price < best:
                best, best_kind, best_turn = price, 0, m
        lo, hi = min(ra, rb), max(ra, rb)
        if ca != cb:
            lo, hi = max(lo - detour, 0), min(hi + detour, rows - 1)
        else:
            hi = lo
        _prefix_v(ca, min(lo, min(ra, rb)), max(hi, max(ra, rb)), q, v, v_cap, v_history, len_y, scale, here)
        _prefix_v(cb, min(lo, min(ra, rb)), max(hi, max(ra, rb)), q, v, v_cap, v_history, len_y, scale, there)
        for m in range(lo, hi + 1):
            price = abs(here[m] - here[ra]) + abs(there[rb] - there[m])
            for c in range(min(ca, cb), max(ca, cb)):
                if price >= best:
                    break
                price += len_x * _price(h[m, c] + q, h_cap[m, c], h_history[m, c], h_unit, over_price, use_price)
            if price < best:
                best, best_kind, best_turn = price, 1, m
        kind[s], turn[s] = best_kind, best_turn
        _lay(ra, ca, rb, cb, best_kind, best_turn, q, h, v)
    return routed


@njit(cache=True)
def _price(used: float, cap: float, history: float, unit: float, over_price: float, use_price: float) -> float:
    """Return what a um on an edge costs that then has `used` tracks in use."""
    price = 1.0 + history + use_price * max(used * unit + 1.0 - cap * unit, 0.0)
    if used > cap:
        price += over_price * (used - cap) * unit
    return price


@njit(cache=True)
def _prefix_h(
    row: int, lo: int, hi: int, q: float, h: F64, cap: F64, history: F64, length: float, scale: F64, out: F64
) -> None:
    out[lo] = 0.0
    for c in range(lo, hi):
        out[c + 1] = out[c] + length * _price(h[row, c] + q, cap[row, c], history[row, c], scale[2], scale[4], scale[5])


@njit(cache=True)
def _prefix_v(
    col: int, lo: int, hi: int, q: float, v: F64, cap: F64, history: F64, length: float, scale: F64, out: F64
) -> None:
    out[lo] = 0.0
    for r in range(lo, hi):
        out[r + 1] = out[r] + length * _price(v[r, col] + q, cap[r, col], history[r, col], scale[3], scale[4], scale[5])


@njit(cache=True)
def _overfull(ra: int, ca: int, rb: int, cb: int, kind: int, turn: int, h: F64, v: F64, h_cap: F64, v_cap: F64) -> bool:
    if kind == 0:
        if _over_h(ra, ca, turn, h, h_cap) or _over_h(rb, turn, cb, h, h_cap):
            return True
        return bool(_over_v(turn, ra, rb, v, v_cap))
    if _over_v(ca, ra, turn, v, v_cap) or _over_v(cb, turn, rb, v, v_cap):
        return True
    return bool(_over_h(turn, ca, cb, h, h_cap))


@njit(cache=True)
def _over_h(row: int, a: int, b: int, h: F64, cap: F64) -> bool:
    for c in range(min(a, b), max(a, b)):  # noqa: SIM110  # a loop compiles to less than a generator
        if h[row, c] > cap[row, c]:
            return True
    return False


@njit(cache=True)
def _over_v(col: int, a: int, b: int, v: F64, cap: F64) -> bool:
    for r in range(min(a, b), max(a, b)):  # noqa: SIM110  # likewise
        if v[r, col] > cap[r, col]:
            return True
    return False
