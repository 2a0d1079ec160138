"""Many episodes at once: hands each environment's slice of the state to the kernels that do one thing."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from floorplan.cost.kernels.congestion import add_macro_blockage
from floorplan.cost.kernels.density import add_area
from floorplan.env.arrays import State, Static
from floorplan.env.kernels.change import density_change, footprint_density, tracks_change, wirelength_change
from floorplan.env.kernels.confine import WIDTH, confined_mask, spot, write_stander
from floorplan.env.kernels.mask import legal_mask
from floorplan.env.kernels.observe import standardise, write_scalars, write_state_maps
from floorplan.env.kernels.place import congestion_cost, density_cost, extend_boxes, extend_routes

__all__ = ["IDLE", "LIFTED", "PLACE", "PUT", "START", "advance"]

IDLE, PLACE, START, LIFTED, PUT = 0, 1, 2, 3, 4
"""What `advance` does with an environment: nothing, place the macro in hand, start an episode, or show a macro that was
lifted out of a complete placement: `lift_macros` has written what stands, the mask and the change of wirelength. PUT
places the macro in hand and shows nothing: another one follows at once."""


@njit(cache=True, nogil=True)
def advance(
    st: Static, s: State, todo: npt.NDArray[np.uint8], actions: npt.NDArray[np.int64], begin: int, end: int
) -> None:
    """Bring environments begin..end - 1 to their next macro, as `todo` (B,) says; actions (B,) are cells.

    The order of an environment that starts must be set. Touches nothing of other environments, so that several threads
    can share the work; holds no lock on the interpreter.
    """
    macros = len(st.macro_w)
    gw, gh = st.gw, st.gh
    cells = st.rows * st.columns
    for b in range(begin, end):
        if todo[b] == IDLE:
            continue
        if todo[b] == START:
            s.step[b] = 0
            s.x[b] = 0.0
            s.y[b] = 0.0
            s.placed[b] = False
            s.cell[b] = 0
            s.pos[b] = 0.0
            _copy(st.start_box, s.net_box[b])
            s.term_cell[b] = -1
            _copy(st.start_hd, s.hd[b])
            _copy(st.start_vd, s.vd[b])
            _copy(st.start_density, s.density[b])
            _copy(st.start_hard, s.hard[b])
            _copy(st.start_hmac, s.hmac[b])
            _copy(st.start_vmac, s.vmac[b])
            s.wl_um[b] = st.start_wl_um
            s.threshold[b] = -np.inf
            s.area_hard[b] = st.start_area_um2
            s.area_left[b] = st.macro_area_um2
        elif todo[b] == PLACE or todo[b] == PUT:
            m = s.order[b, s.step[b]]
            cell = actions[b]
            x, y = (cell % st.columns + 0.5) * gw, (cell // st.columns + 0.5) * gh
            if st.rules.on:
                _, x, y = spot(st.rules, 2 * m + st.rules.turned[m], x, y, gw, gh)
            w, h = st.macro_w[m], st.macro_h[m]
            s.x[b, m] = x
            s.y[b, m] = y
            s.placed[b, m] = True
            s.cell[b, m] = cell
            s.pos[b, m, 0] = x / st.width
            s.pos[b, m, 1] = y / st.height
            s.step[b] += 1
            s.area_left[b] -= w * h
            s.area_hard[b] += w * h
            p0, p1 = st.pair_ptr[m], st.pair_ptr[m + 1]
            s.wl_um[b] += extend_boxes(p0, p1, st.pair_net, st.pair_box, st.net_weight, x, y, s.net_box[b])
            # fmt: off
            s.tag[b] = extend_routes(
                m, p0, p1, st.pair_net, st.net_demand, st.net_source, st.cell_ptr, st.cell, st.term_ptr, st.term_macro,
                st.term_dx, st.term_dy, x, y, gw, gh, s.tag[b], s.term_cell[b], s.stamp[b], s.cells[b], s.hd[b],
                s.vd[b],
            )
            # fmt: on
            scale = 1.0 / (gw * gh)
            add_area(x, y, w, h, gw, gh, scale, s.density[b])
            add_area(x, y, w, h, gw, gh, scale, s.hard[b])
            add_macro_blockage(x, y, w, h, gw, gh, st.h_share, st.v_share, s.hmac[b], s.vmac[b])
            if todo[b] == PUT:
                continue

        # The partial cost.
        density, hh, vv, values = s.density[b], s.h[b], s.v[b], s.values[b]
        congestion, t_congestion = congestion_cost(
            s.hd[b], s.vd[b], st.h_scale, st.v_scale, st.smooth, s.hmac[b], s.vmac[b], st.congestion_top,
            s.threshold[b, 1], values, hh, vv,
        )  # fmt: skip
        dense, t_density = density_cost(density, st.density_top, s.threshold[b, 0], values)
        s.threshold[b, 0] = t_density
        s.threshold[b, 1] = t_congestion
        wirelength = s.wl_um[b] / st.wl_norm
        s.cost[b, 0] = wirelength
        s.cost[b, 1] = dense
        s.cost[b, 2] = congestion
        s.cost[b, 3] = st.w_wirelength * wirelength + st.w_density * dense + st.w_congestion * congestion

        # The next macro. After the last one it stays the current one, with an empty mask.
        over = s.step[b] >= macros
        lifted = todo[b] == LIFTED
        m = s.current[b] if lifted else np.int64(s.order[b, macros - 1 if over else s.step[b]])
        # A macro that was lifted keeps its orientation.
        w, h = (s.size[b, 0], s.size[b, 1]) if lifted else (st.macro_w[m], st.macro_h[m])
        mask, maps, change, cost_change = s.masks[b], s.maps[b], s.wl_change_um[b], s.cost_change[b]
        scratch = s.scratch[b]
        run, column = s.line[b, : st.columns], s.line[b, st.columns : st.columns + st.rows]
        if over:
            mask[:] = False
            legal = 0
            change[:] = 0.0
        elif lifted:
            legal = s.legal_count[b]
        else:
            if st.rules.on:
                legal = _confined(st, s, b, m)
            else:
                legal = legal_mask(
                    w, h, gw, gh, st.edge, st.gap, st.macro_w, st.macro_h, s.placed[b], s.cell[b], st.obstacle,
                    s.diff[b], mask,
                )  # fmt: skip
            wirelength_change(
                st.pair_ptr[m], st.pair_ptr[m + 1], st.pair_net, st.pair_box, st.net_weight, s.net_box[b], gw, gh, run,
                column, change,
            )  # fmt: skip
        s.legal_count[b] = legal
        scale = st.w_wirelength / st.wl_norm
        for r in range(st.rows):
            for c in range(st.columns):
                cost_change[r, c] = scale * change[r, c] if mask[r, c] else 0.0
        footprint_density(w, h, gw, gh, density, mask, scratch, run, maps[6])
        k = max(math.floor(st.density_top * cells), 1) if cells >= 10 else cells
        density_change(
            w, h, gw, gh, density, t_density, 0.5 * st.w_density / k, mask, scratch, run, maps[7], cost_change
        )
        k = max(math.floor(st.congestion_top * 2 * cells), 1)
        tracks_change(
            w, h, gw, gh, st.h_share, st.v_share, hh, vv, t_congestion, st.w_congestion / k, mask, scratch, run,
            maps[8], cost_change,
        )  # fmt: skip
        wl_std = standardise(change, mask, legal, True, maps[1])
        cost_std = standardise(cost_change, mask, legal, False, maps[9])
        write_state_maps(mask, density, hh, vv, s.hard[b], st.edge_x, st.edge_y, maps)
        write_scalars(
            s.step[b], macros, legal, st.rows, st.columns, gw, gh, w, h, s.area_left[b], s.area_hard[b],
            st.macro_weight[m], st.mean_weight, wl_std, cost_std, s.cost[b], s.scalars[b],
        )  # fmt: skip
        s.current[b] = m


@njit(cache=True, nogil=True)
def _confined(st: Static, s: State, b: int, m: int) -> int:
    """Write the mask of environment b for macro m, which more binds than one spacing; return the legal cells."""
    rules = st.rules
    stand = np.empty((len(st.macro_w) + len(st.obstacle), WIDTH))
    n = 0
    for j in range(len(st.macro_w)):
        if not s.placed[b, j]:
            continue
        x, y, w, h, halo = s.x[b, j], s.y[b, j], st.macro_w[j] / 2, st.macro_h[j] / 2, rules.macro_halo[j]
        write_stander(stand[n], x - w, y - h, x + w, y + h, st.gap, halo[0], halo[1], halo[2], halo[3], 1.0)
        n += 1
    for j in range(len(st.obstacle)):
        o = st.obstacle[j]
        if j < len(rules.obstacle_halo):
            halo = rules.obstacle_halo[j]
            write_stander(stand[n], o[0], o[1], o[2], o[3], o[4], halo[0], halo[1], halo[2], halo[3], 1.0)
        else:
            write_stander(stand[n], o[0], o[1], o[2], o[3], o[4], 0.0, 0.0, 0.0, 0.0, 0.0)
        n += 1
    own = rules.macro_halo[m]
    legal: int = confined_mask(
        rules, 2 * m + rules.turned[m], st.macro_w[m], st.macro_h[m], own[0], own[1], own[2], own[3], st.gw, st.gh,
        stand[:n], s.scratch[b, 0], s.scratch[b, 1], s.masks[b],
    )  # fmt: skip
    return legal


@njit(cache=True, nogil=True)
def _copy(source: npt.NDArray[np.float64], target: npt.NDArray[np.float64]) -> None:
    """Copy a 2-d array; slice assignment would compile to seven times the code, with checks for overlaps."""
    for i in range(source.shape[0]):
        for j in range(source.shape[1]):
            target[i, j] = source[i, j]
