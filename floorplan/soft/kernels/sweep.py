"""One sweep of a greedy descent: every soft macro goes to the best cell nearby, given where all the others stand.

For one soft macro the wirelength is a sum of convex functions of x and of y, and a route's price is a difference of
prefix sums, so that all candidate cells together cost little more than a look at each of the macro's nets.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from floorplan.cost.kernels.density import add_area
from floorplan.soft.kernels.maps import congestion_maps, hinge, inside, locate, update_prices

__all__ = ["density_change", "sweep"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]


LANES = 16
"""Places of a row of candidates: a count known to the compiler, so that it fills whole vector registers."""

MAX_WINDOW = (LANES - 1) // 2
"""Cells to each side that fit into LANES, next to the macro's own."""


@njit(cache=True)
def _axis_points(
    now: float, size: float, step: float, first: int, count: int, own: int, span: float, points: F64
) -> None:
    """Write a candidate centre for each of `count` cells from `first`: in each cell, the nearest to where the macro is.

    The macro stays inside the cell, or is centred on it where it is larger, and inside the canvas.
    """
    slack = max(step - size, 0.0) * 0.4999995
    for j in range(count):
        mid = (first + j + 0.5) * step
        if first + j == own:
            points[j] = inside(min(max(now, mid - slack), mid + slack), size, span)
        elif first + j < own:
            points[j] = inside(mid + slack, size, span)
        else:
            points[j] = inside(mid - slack, size, span)
    for j in range(count, LANES):
        points[j] = points[count - 1]


@njit(cache=True)
def _ways(weights: F64, prefix: F64, first: int, n: int, lane: int, run: F64, out: F64) -> None:
    """Write to out[i] (n, LANES) the price of going to first + i from each first + j of weight weights[j].

    prefix holds the prices summed along its first axis; LANES lanes from `lane` of its second axis are used. run
    (LANES,) is scratch.
    """
    for k in range(LANES):
        run[k] = 0.0
        out[0, k] = 0.0
    total = 0.0
    for i in range(n - 1):
        total += weights[i]
        here = prefix[first + i, lane : lane + LANES]
        there = prefix[first + i + 1, lane : lane + LANES]
        for k in range(LANES):
            run[k] += total * (there[k] - here[k])
            out[i + 1, k] = run[k]
    for k in range(LANES):
        run[k] = 0.0
    total = 0.0
    for i in range(n - 1, 0, -1):
        total += weights[i]
        here = prefix[first + i - 1, lane : lane + LANES]
        there = prefix[first + i, lane : lane + LANES]
        for k in range(LANES):
            run[k] += total * (there[k] - here[k])
            out[i - 1, k] += run[k]


@njit(cache=True)
def density_change(
    x: float, y: float, w: float, h: float, gw: float, gh: float, dens: F64, t: float, width: float
) -> float:
    """Return the change of the summed hinges of dens (R, C) if a w x h macro is added at (x, y)."""
    rows, cols = dens.shape
    x0, x1, y0, y1 = x - w / 2, x + w / 2, y - h / 2, y + h / 2
    c0, c1 = max(math.floor(x0 / gw), 0), min(math.floor(x1 / gw), cols - 1)
    r0, r1 = max(math.floor(y0 / gh), 0), min(math.floor(y1 / gh), rows - 1)
    total = 0.0
    for r in range(r0, r1 + 1):
        oy = min(y1, (r + 1) * gh) - max(y0, r * gh)
        for c in range(c0, c1 + 1):
            ox = min(x1, (c + 1) * gw) - max(x0, c * gw)
            if ox > 0 and oy > 0:
                d = dens[r, c]
                total += hinge(d + ox * oy / (gw * gh), t, width) - hinge(d, t, width)
    return total


@njit(cache=True)
def _add_route(r0: int, c0: int, r: int, c: int, q: float, hd: F64, vd: F64) -> None:
    """Add demand q of a route from (r0, c0) to (r, c) to the differences."""
    hd[r0, min(c0, c)] += q
    hd[r0, max(c0, c)] -= q
    vd[min(r0, r), c] += q
    vd[max(r0, r), c] -= q


@njit(cache=True)
def _shift_route(ra: int, ca: int, rb: int, cb: int, r: int, c: int, q: float, hd: F64, vd: F64) -> None:
    """Let a route to (r, c) start from (rb, cb) instead of (ra, ca)."""
    _add_route(ra, ca, r, c, -q, hd, vd)
    _add_route(rb, cb, r, c, q, hd, vd)


@njit(cache=True)
def sweep(nets, order, geo, smooth, knobs, px, py, row, col, dens, block_h, block_v, hd, vd, work):  # type: ignore[no-untyped-def]  # numba infers
    """Move every soft macro to its best cell nearby, one after the other; return how many changed their cell.

    Args:
        nets: `floorplan.soft.nets.RefineNets`.
        order: (S,) which macro when.
        geo: cell width and height, 1 / tracks of a cell's H and V edge, canvas width and height.
        smooth: cells over which demand is smoothed.
        knobs: price of wirelength per um; density: coefficient, level, ramp; congestion: the same; moves between price
            updates; cells to each side that are tried.
        px: (P,) positions of soft macros and still pins, updated.
        py: likewise.
        row: (P,) their cells, updated.
        col: likewise.
        dens: (R, C) density with all soft macros in it, updated.
        block_h: (R, C) tracks that hard macros take.
        block_v: likewise.
        hd: demand differences of all nets, updated as if every net were routed from its source to each other point.
        vd: likewise.
        work: scratch; its names are in the first lines below.
    """
    gw, gh, h_scale, v_scale, width_um, height_um = geo
    wl_price, den_coef, den_t, den_width, con_coef, con_t, con_width, refresh, window = knobs
    rows, cols = dens.shape
    H, V, ph, pht, pv, pvt, xp, yp, fx, fy, v_w, h_w, run, v_map, h_map = work
    con_h, con_v = con_coef * h_scale, con_coef * v_scale
    congestion_maps(hd, vd, h_scale, v_scale, smooth, block_h, block_v, H, V)
    update_prices(H, V, con_t, con_width, con_h, con_v, smooth, ph, pht, pv, pvt)
    inv = 1.0 / (gw * gh)
    moved = since = 0
    for s in order:
        w, h = nets.w[s], nets.h[s]
        x, y = px[s], py[s]
        r_at, c_at = row[s], col[s]
        c0, r0 = max(c_at - window, 0), max(r_at - window, 0)
        nc, nr = min(c_at + window, cols - 1) + 1 - c0, min(r_at + window, rows - 1) + 1 - r0
        add_area(x, y, w, h, gw, gh, -inv, dens)
        _axis_points(x, w, gw, c0, nc, c_at, width_um, xp)
        _axis_points(y, h, gh, r0, nr, r_at, height_um, yp)
        for k in range(LANES):
            fx[k] = fy[k] = v_w[k] = h_w[k] = 0.0
        for j in range(nets.of_ptr[s], nets.of_ptr[s + 1]):
            begin, end = nets.other_ptr[j], nets.other_ptr[j + 1]
            q = nets.of_demand[j]
            weight = 0.5 * wl_price * nets.of_weight[j]
            p = nets.other[begin]
            x_lo = x_hi = px[p]
            y_lo = y_hi = py[p]
            if nets.of_source[j]:
                # To each sink: vertical tracks in its column, horizontal ones in the row of the macro.
                for i in range(begin, end):
                    p = nets.other[i]
                    x_lo, x_hi = min(x_lo, px[p]), max(x_hi, px[p])
                    y_lo, y_hi = min(y_lo, py[p]), max(y_hi, py[p])
                    r, c = row[p], col[p]
                    base = pvt[c, r]
                    here = pvt[c, r0 : r0 + LANES]
                    for k in range(LANES):
                        fy[k] += q * abs(here[k] - base)
                    near = min(max(c, c0), c0 + nc - 1)
                    h_w[near - c0] += q
                    if near != c:
                        here = pht[c, r0 : r0 + LANES]
                        there = pht[near, r0 : r0 + LANES]
                        for k in range(LANES):
                            fy[k] += q * abs(there[k] - here[k])
            else:
                for i in range(begin + 1, end):
                    p = nets.other[i]
                    x_lo, x_hi = min(x_lo, px[p]), max(x_hi, px[p])
                    y_lo, y_hi = min(y_lo, py[p]), max(y_hi, py[p])
                # From the source: horizontal tracks in its row, vertical ones in the column of the macro.
                p = nets.other[begin]
                r, c = row[p], col[p]
                base = ph[r, c]
                here = ph[r, c0 : c0 + LANES]
                for k in range(LANES):
                    fx[k] += q * abs(here[k] - base)
                near = min(max(r, r0), r0 + nr - 1)
                v_w[near - r0] += q
                if near != r:
                    here = pv[r, c0 : c0 + LANES]
                    there = pv[near, c0 : c0 + LANES]
                    for k in range(LANES):
                        fx[k] += q * abs(there[k] - here[k])
            for k in range(LANES):
                fx[k] += weight * (abs(xp[k] - x_lo) + abs(xp[k] - x_hi))
                fy[k] += weight * (abs(yp[k] - y_lo) + abs(yp[k] - y_hi))
        _ways(v_w, pv, r0, nr, c0, run, v_map)
        _ways(h_w, pht, c0, nc, r0, run, h_map)
        fits = w <= gw and h <= gh
        area = w * h * inv
        best = np.inf
        best_x, best_y = x, y
        for r in range(nr):
            for c in range(nc):
                value = fx[c] + fy[r] + v_map[r, c] + h_map[c, r]
                if value < best:
                    if fits:
                        d = dens[r0 + r, c0 + c]
                        value += den_coef * (hinge(d + area, den_t, den_width) - hinge(d, den_t, den_width))
                    else:
                        value += den_coef * density_change(xp[c], yp[r], w, h, gw, gh, dens, den_t, den_width)
                    if value < best:
                        best = value
                        best_x, best_y = xp[c], yp[r]
        add_area(best_x, best_y, w, h, gw, gh, inv, dens)
        px[s], py[s] = best_x, best_y
        r_now, c_now = locate(best_y, gh, rows), locate(best_x, gw, cols)
        if r_now != r_at or c_now != c_at:
            moved += 1
            row[s], col[s] = r_now, c_now
            for j in range(nets.of_ptr[s], nets.of_ptr[s + 1]):
                q = nets.of_demand[j]
                begin, end = nets.other_ptr[j], nets.other_ptr[j + 1]
                if nets.of_source[j]:
                    for i in range(begin, end):
                        p = nets.other[i]
                        _shift_route(r_at, c_at, r_now, c_now, row[p], col[p], q, hd, vd)
                else:
                    p = nets.other[begin]
                    _add_route(row[p], col[p], r_at, c_at, -q, hd, vd)
                    _add_route(row[p], col[p], r_now, c_now, q, hd, vd)
            since += 1
            if since >= refresh:
                since = 0
                congestion_maps(hd, vd, h_scale, v_scale, smooth, block_h, block_v, H, V)
                update_prices(H, V, con_t, con_width, con_h, con_v, smooth, ph, pht, pv, pvt)
    return moved


@njit(cache=True)
def settle(nets, order, gw, gh, width_um, height_um, px, py, row, col, xp, yp, fx, fy):  # type: ignore[no-untyped-def]  # numba infers
    """Move every soft macro within its cell to where its wirelength is least; neither density nor routing changes.

    One of LANES places per axis is taken, its own among them; a macro that sticks out of its cell stays.
    """
    for s in order:
        w, h = nets.w[s], nets.h[s]
        if not _within(px[s], w, gw, col[s]) or not _within(py[s], h, gh, row[s]):
            continue
        slack_x, slack_y = (gw - w) * 0.4999995, (gh - h) * 0.4999995
        for k in range(LANES - 1):
            share = 2.0 * k / (LANES - 2) - 1.0
            xp[k] = inside((col[s] + 0.5) * gw + share * slack_x, w, width_um)
            yp[k] = inside((row[s] + 0.5) * gh + share * slack_y, h, height_um)
        xp[LANES - 1] = px[s]
        yp[LANES - 1] = py[s]
        for k in range(LANES):
            fx[k] = fy[k] = 0.0
        for j in range(nets.of_ptr[s], nets.of_ptr[s + 1]):
            begin, end = nets.other_ptr[j], nets.other_ptr[j + 1]
            weight = nets.of_weight[j]
            p = nets.other[begin]
            x_lo = x_hi = px[p]
            y_lo = y_hi = py[p]
            for i in range(begin + 1, end):
                p = nets.other[i]
                x_lo, x_hi = min(x_lo, px[p]), max(x_hi, px[p])
                y_lo, y_hi = min(y_lo, py[p]), max(y_hi, py[p])
            for k in range(LANES):
                fx[k] += weight * (abs(xp[k] - x_lo) + abs(xp[k] - x_hi))
                fy[k] += weight * (abs(yp[k] - y_lo) + abs(yp[k] - y_hi))
        bx = by = LANES - 1
        for k in range(LANES):
            if fx[k] < fx[bx]:
                bx = k
            if fy[k] < fy[by]:
                by = k
        px[s], py[s] = xp[bx], yp[by]


@njit(cache=True)
def _within(value: float, size: float, step: float, cell: int) -> bool:
    return value - size / 2 >= cell * step and value + size / 2 <= (cell + 1) * step
