"""The stages of a placement: what the hard macros leave free, spreading, refinement; for one or for a batch."""

from __future__ import annotations

from numba import njit

from floorplan.cost.kernels.congestion import add_macro_blockage
from floorplan.cost.kernels.density import add_area
from floorplan.soft.kernels.maps import congestion_maps, fill_level, inside, kth_largest, locate, route_net
from floorplan.soft.kernels.push import free_room, push
from floorplan.soft.kernels.sweep import settle, sweep
from floorplan.soft.workspace import Workspace

__all__ = ["refine_range", "spread_range"]


@njit(cache=True)
def _hard_density(blocks, geo, x, y, orient, dens):  # type: ignore[no-untyped-def]  # numba infers
    """Write the density (R, C) of everything that stands still."""
    dens[:] = 0.0
    scale = 1.0 / (geo.gw * geo.gh)
    for i in range(len(blocks.node)):
        n = blocks.node[i]
        w, h = blocks.w[i], blocks.h[i]
        if orient[n] >= 4:
            w, h = h, w
        add_area(x[n], y[n], w, h, geo.gw, geo.gh, scale, dens)


@njit(cache=True)
def _spread(nets, blocks, geo, level, x, y, orient, tx, ty, ws):  # type: ignore[no-untyped-def]  # numba infers
    """Move tx, ty (S,) apart until no cell is fuller than level, or as near to it as the area allows."""
    _hard_density(blocks, geo, x, y, orient, ws.dens)
    inv = 1.0 / (geo.gw * geo.gh)
    total = 0.0
    for s in range(len(nets.w)):
        ws.area[s] = nets.w[s] * nets.h[s] * inv
        total += ws.area[s]
    free_room(ws.dens, total, level, ws.H)
    push(tx, ty, ws.area, ws.H, geo.gw, geo.gh, ws.ids, ws.swap, ws.stack, ws.table)


@njit(cache=True)
def _refine(nets, blocks, geo, order, plan, x, y, orient, matrix, tx, ty, ws):  # type: ignore[no-untyped-def]  # numba infers
    """Lower the proxy of one placement by the sweeps of plan, from and to tx, ty (S,)."""
    rows, cols = ws.dens.shape
    cells = rows * cols
    count = len(nets.w)
    _hard_density(blocks, geo, x, y, orient, ws.dens)
    ws.block_h[:] = 0.0
    ws.block_v[:] = 0.0
    for i in range(len(blocks.node)):
        if blocks.hard[i]:
            n = blocks.node[i]
            w, h = blocks.w[i], blocks.h[i]
            if orient[n] >= 4:
                w, h = h, w
            add_macro_blockage(x[n], y[n], w, h, geo.gw, geo.gh, geo.h_share, geo.v_share, ws.block_h, ws.block_v)
    for f in range(len(nets.fixed_node)):
        n = nets.fixed_node[f]
        o = orient[n]
        dx, dy = nets.fixed_dx[f], nets.fixed_dy[f]
        p = count + f
        ws.px[p] = x[n] + (matrix[o, 0] * dx + matrix[o, 1] * dy)
        ws.py[p] = y[n] + (matrix[o, 2] * dx + matrix[o, 3] * dy)
    for s in range(count):
        ws.px[s] = inside(tx[s], nets.w[s], geo.width)
        ws.py[s] = inside(ty[s], nets.h[s], geo.height)
    for p in range(len(ws.px)):
        ws.row[p] = locate(ws.py[p], geo.gh, rows)
        ws.col[p] = locate(ws.px[p], geo.gw, cols)

    top_d = max(int(geo.density_top * cells), 1)
    top_c = max(int(geo.congestion_top * 2 * cells), 1)
    hard_t = kth_largest(ws.dens.ravel(), cells, top_d, ws.flat)
    floor_t = _kth_of_both(ws.block_h, ws.block_v, top_c, ws)
    inv = 1.0 / (geo.gw * geo.gh)
    total = 0.0
    for s in range(count):
        total += nets.w[s] * nets.h[s]
    fill_t = fill_level(ws.dens.ravel(), total * inv)
    for s in range(count):
        add_area(ws.px[s], ws.py[s], nets.w[s], nets.h[s], geo.gw, geo.gh, inv, ws.dens)

    den_price = geo.den_weight * 0.5 / top_d
    con_price = geo.con_weight / top_c
    work = (
        ws.H, ws.V, ws.ph, ws.pht, ws.pv, ws.pvt, ws.lines[0], ws.lines[1], ws.lines[2], ws.lines[3], ws.lines[4],
        ws.lines[5], ws.lines[6], ws.v_map, ws.h_map,
    )  # fmt: skip
    for k in range(len(plan)):
        den_factor, den_level, den_width, con_factor, con_share, con_excess, refresh, window = plan[k]
        den_t = max(fill_t * den_level, hard_t)
        route_nets(nets, ws)
        congestion_maps(ws.hd, ws.vd, geo.h_scale, geo.v_scale, geo.smooth, ws.block_h, ws.block_v, ws.H, ws.V)
        con_t = _kth_of_both(ws.H, ws.V, top_c, ws)
        con_width = max(con_share * con_t + con_excess * max(con_t - floor_t, 0.0), 1e-9)
        knobs = (
            geo.wl_price, den_price * den_factor, den_t, den_width, con_price * con_factor, con_t, con_width,
            int(refresh), int(window),
        )  # fmt: skip
        sweep(
            nets, order, (geo.gw, geo.gh, geo.h_scale, geo.v_scale, geo.width, geo.height), geo.smooth, knobs,
            ws.px, ws.py, ws.row, ws.col, ws.dens, ws.block_h, ws.block_v, ws.hd, ws.vd, work,
        )  # fmt: skip
    if len(plan):
        settle(
            nets, order, geo.gw, geo.gh, geo.width, geo.height, ws.px, ws.py, ws.row, ws.col,
            ws.lines[0], ws.lines[1], ws.lines[2], ws.lines[3],
        )  # fmt: skip
    for s in range(count):
        tx[s] = ws.px[s]
        ty[s] = ws.py[s]


@njit(cache=True)
def route_nets(nets, ws):  # type: ignore[no-untyped-def]  # numba infers
    """Write the demand differences of all nets."""
    ws.hd[:] = 0.0
    ws.vd[:] = 0.0
    ws.stamp[:] = -1
    for e in range(len(nets.demand)):
        route_net(
            nets.point,
            nets.ptr[e],
            nets.ptr[e + 1],
            ws.row,
            ws.col,
            e,
            nets.demand[e],
            ws.stamp,
            ws.cells,
            ws.hd,
            ws.vd,
        )


@njit(cache=True)
def _kth_of_both(H, V, k, ws):  # type: ignore[no-untyped-def]  # numba infers
    n = H.size
    both = ws.flat[2 * n :]
    both[:n] = H.ravel()
    both[n:] = V.ravel()
    return kth_largest(both, 2 * n, k, ws.flat)


@njit(cache=True)
def _lane(ws, i):  # type: ignore[no-untyped-def]  # numba infers
    """Return the scratch of core i alone."""
    return Workspace(
        ws.px[i],
        ws.py[i],
        ws.row[i],
        ws.col[i],
        ws.dens[i],
        ws.block_h[i],
        ws.block_v[i],
        ws.hd[i],
        ws.vd[i],
        ws.H[i],
        ws.V[i],
        ws.ph[i],
        ws.pht[i],
        ws.pv[i],
        ws.pvt[i],
        ws.stamp[i],
        ws.cells[i],
        ws.lines[i],
        ws.v_map[i],
        ws.h_map[i],
        ws.flat[i],
        ws.area[i],
        ws.ids[i],
        ws.swap[i],
        ws.stack[i],
        ws.table[i],
    )


@njit(cache=True, nogil=True)
def spread_range(lane, begin, end, nets, blocks, geo, level, x, y, orient, tx, ty, lanes):  # type: ignore[no-untyped-def]  # numba infers
    """Spread rows begin..end - 1 of tx, ty (B, S), given the hard macros in x, y (B, N), in one lane of the scratch."""
    for b in range(begin, end):
        _spread(nets, blocks, geo, level, x[b], y[b], orient[b], tx[b], ty[b], _lane(lanes, lane))


@njit(cache=True, nogil=True)
def refine_range(lane, begin, end, nets, blocks, geo, order, plan, x, y, orient, matrix, tx, ty, lanes):  # type: ignore[no-untyped-def]  # numba infers
    """Refine rows begin..end - 1 of tx, ty (B, S), given the hard macros in x, y (B, N), in one lane of the scratch."""
    for b in range(begin, end):
        _refine(nets, blocks, geo, order, plan, x[b], y[b], orient[b], matrix, tx[b], ty[b], _lane(lanes, lane))
