"""What the kernels work on: the static part of a problem, and the state of B episodes side by side."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from floorplan.cost import CostEngine
from floorplan.cost.kernels.congestion import add_macro_blockage
from floorplan.cost.kernels.density import add_area, density_map
from floorplan.env.rules import Rules, build_rules
from floorplan.env.settled import settle
from floorplan.errors import InfeasibleProblemError
from floorplan.geometry import ORIENT_MATRIX, oriented_size_um
from floorplan.legalize.ground import fitting_orient
from floorplan.netlist import Placement, Problem

__all__ = ["MIN_GAP_UM", "WORKING_MEMORY", "State", "Static", "build_state", "build_static", "movable_orient"]

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
U8 = npt.NDArray[np.uint8]

MIN_GAP_UM = 1e-3
"""Least gap kept between hard macros even without a spacing rule: checkers that compute in float32 resolve no less on
a canvas of some mm, and would see touching macros overlap."""


WORKING_MEMORY = frozenset({"scratch", "values", "line", "diff", "stamp", "cells", "tag"})
"""Fields of `State` that hold nothing between two steps of an environment; `stamp` and `tag` belong together."""


class Static(NamedTuple):
    """Everything that no episode changes. M movable macros, A nets with a pin on one of them ("active"), O obstacles.

    Attributes:
        rows, columns, gw, gh, width, height: the canvas; um.
        h_scale, v_scale, h_share, v_share: tracks to shares, as in `floorplan.cost.kernels.congestion`.
        smooth, density_top, congestion_top: as in the cost.
        w_wirelength, w_density, w_congestion: weights of the proxy.
        wl_norm: (width + height) * sum of all net weights: wirelength_um over this is the wirelength cost.
        gap: um kept between hard macros.
        edge: um kept from the canvas edge.
        macro_w, macro_h: (M,) um as oriented.
        macro_area_um2: area of all movable macros.
        macro_weight: (M,) summed weight of the macro's nets.
        mean_weight: mean of macro_weight.
        pair_ptr: (M + 1,) offsets into the pairs (macro, active net).
        pair_net: (P,) active net of each pair.
        pair_box: (P, 4) least and greatest x, least and greatest y offset of the macro's pins on that net.
        net_weight, net_demand: (A,).
        net_source: (A,) the source's cell if it always stands, else -1 - its terminal.
        cell_ptr, cell: distinct cells of the pins that always stand, without that of such a source, per active net.
        term_ptr: (A + 1,) offsets into the terminals on movable macros.
        term_macro, term_dx, term_dy: (T,) owner and offset of each such terminal.
        obstacle: (O, 5) x0, y0, x1, y1 of fixed macros and blockages, and the gap to keep from each.
        start_box: (A, 4) box over the pins that always stand (inf, -inf, inf, -inf without one).
        start_hd (R, C + 1), start_vd (R + 1, C): routing demand differences at the start of an episode.
        start_density, start_hard, start_hmac, start_vmac: (R, C) maps at the start: all macros, hard macros, tracks
            that hard macros take.
        start_wl_um: weighted wirelength at the start.
        start_area_um2: area of fixed hard macros.
        edge_x, edge_y: (C,), (R,) float32 distances from the canvas edge.
        rules: what else binds the macros.
    """

    rows: int
    columns: int
    gw: float
    gh: float
    width: float
    height: float
    h_scale: float
    v_scale: float
    h_share: float
    v_share: float
    smooth: int
    density_top: float
    congestion_top: float
    w_wirelength: float
    w_density: float
    w_congestion: float
    wl_norm: float
    gap: float
    edge: float
    macro_w: F64
    macro_h: F64
    macro_area_um2: float
    macro_weight: F64
    mean_weight: float
    pair_ptr: I32
    pair_net: I32
    pair_box: F64
    net_weight: F64
    net_demand: F64
    net_source: I32
    cell_ptr: I32
    cell: I32
    term_ptr: I32
    term_macro: I32
    term_dx: F64
    term_dy: F64
    obstacle: F64
    start_box: F64
    start_hd: F64
    start_vd: F64
    start_density: F64
    start_hard: F64
    start_hmac: F64
    start_vmac: F64
    start_wl_um: float
    start_area_um2: float
    edge_x: F32
    edge_y: F32
    rules: Rules


class State(NamedTuple):
    """B episodes; every array has B as its first axis.

    Attributes:
        order: (B, M) positions of macros in the order of this episode.
        step: (B,) macros placed.
        x, y: (B, M) um centres of placed macros.
        legal_count: (B,) legal cells for the macro in hand.
        net_box: (B, A, 4) box of each active net over its placed pins.
        term_cell: (B, T) cell of each terminal on a movable macro, -1 if not placed.
        hd, vd: (B, R, C + 1), (B, R + 1, C) routing demand differences.
        density, hard, hmac, vmac: (B, R, C) as in `Static.start_*`.
        h, v: (B, R, C) congestion: routing, smoothed, and macros.
        wl_um: (B,) weighted wirelength over placed pins.
        cost: (B, 4) wirelength, density, congestion, proxy of the partial placement.
        threshold: (B, 2) least of the values that count in the density and congestion cost.
        area_left: (B,) um2 still to place.
        area_hard: (B,) um2 of hard macros that stand.
        wl_change_um: (B, R, C) exact change of the weighted wirelength per cell.
        cost_change: (B, R, C) estimated change of the proxy; 0 where not legal.
        masks: (B, R, C) bool.
        size: (B, 2) um width and height of a macro that was lifted; nothing in the construct game.
        maps, scalars, current, pos, cell, placed: the observation.
        scratch: (B, 5, R, C); values: (B, 2 * R * C); line: (B, R + C + 2) working memory.
        diff: (B, R + 1, C + 1) int32; stamp, cells: (B, R * C) int32; tag: (B,) int32 working memory.
    """

    order: I32
    step: I32
    x: F64
    y: F64
    legal_count: I32
    net_box: F64
    term_cell: I32
    hd: F64
    vd: F64
    density: F64
    hard: F64
    hmac: F64
    vmac: F64
    h: F64
    v: F64
    wl_um: F64
    cost: F64
    threshold: F64
    area_left: F64
    area_hard: F64
    wl_change_um: F64
    cost_change: F64
    masks: npt.NDArray[np.bool_]
    size: F64
    maps: F32
    scalars: F32
    current: npt.NDArray[np.int64]
    pos: F32
    cell: npt.NDArray[np.int64]
    placed: npt.NDArray[np.bool_]
    scratch: F64
    values: F64
    line: F64
    diff: I32
    stamp: I32
    cells: I32
    tag: I32


def movable_orient(problem: Problem) -> U8:
    """Return (M,) orientation of each movable macro: N, or where that is not allowed the first that is.

    Where a region is too small for that one, it is the first allowed one that fits.
    """
    movable = problem.movable_hard
    allowed = problem.allowed_orient[movable].astype(np.int64)
    lowest = allowed & -allowed
    first = np.round(np.log2(lowest)).astype(np.uint8) if len(lowest) else np.zeros(0, np.uint8)
    return fitting_orient(problem, movable, first) if problem.confined else first


def build_static(problem: Problem, engine: CostEngine, start: Placement) -> Static:
    """Lay a problem out for the kernels.

    Args:
        problem: what is placed.
        engine: its cost engine.
        start: where everything but the movable macros stands; those are not placed in it.

    Raises:
        InfeasibleProblemError: a macro is larger than the canvas, or fits nowhere in its region.
    """
    nl, cv, a, options = problem.netlist, problem.canvas, engine.arrays, engine.options
    movable, orient = problem.movable_hard, movable_orient(problem)
    macro_w, macro_h = oriented_size_um(nl.node_w_um[movable], nl.node_h_um[movable], orient)
    _check_sizes(problem, macro_w, macro_h)

    h_scale, v_scale = 1.0 / (cv.cell_h_um * cv.h_tracks_per_um), 1.0 / (cv.cell_w_um * cv.v_tracks_per_um)
    h_share, v_share = cv.h_macro_tracks_per_um * h_scale, cv.v_macro_tracks_per_um * v_scale
    grid = (cv.rows, cv.columns)

    settled = settle(engine, start)

    density, hard = np.empty(grid), np.zeros(grid)
    density_map(
        a.node_kind, a.node_w, a.node_h, start.x_um, start.y_um, start.orient, start.placed, cv.cell_w_um, cv.cell_h_um,
        density,
    )  # fmt: skip
    hmac, vmac = np.zeros(grid), np.zeros(grid)
    fixed = nl.hard[problem.fixed[nl.hard]]
    fixed_w, fixed_h = oriented_size_um(nl.node_w_um[fixed], nl.node_h_um[fixed], start.orient[fixed])
    gap = max(problem.macro_spacing_um, MIN_GAP_UM)
    obstacle = []
    for i, w, h in zip(fixed.tolist(), fixed_w.tolist(), fixed_h.tolist(), strict=True):
        x, y = float(start.x_um[i]), float(start.y_um[i])
        add_area(x, y, w, h, cv.cell_w_um, cv.cell_h_um, 1.0 / (cv.cell_w_um * cv.cell_h_um), hard)
        add_macro_blockage(x, y, w, h, cv.cell_w_um, cv.cell_h_um, h_share, v_share, hmac, vmac)
        obstacle.append((x - w / 2, y - h / 2, x + w / 2, y + h / 2, gap))
    obstacle += [(b.x0_um, b.y0_um, b.x1_um, b.y1_um, 0.0) for b in problem.hard_blockages]

    column_centre = (np.arange(cv.columns) + 0.5) / cv.columns
    row_centre = (np.arange(cv.rows) + 0.5) / cv.rows
    active = _active_nets(engine, movable, orient, settled.tx, settled.ty, settled.cell)
    static = Static(
        rows=cv.rows,
        columns=cv.columns,
        gw=cv.cell_w_um,
        gh=cv.cell_h_um,
        width=cv.width_um,
        height=cv.height_um,
        h_scale=h_scale,
        v_scale=v_scale,
        h_share=h_share,
        v_share=v_share,
        smooth=cv.smooth_range,
        density_top=options.density_top,
        congestion_top=options.congestion_top,
        w_wirelength=float(options.weights.wirelength),
        w_density=float(options.weights.density),
        w_congestion=float(options.weights.congestion),
        wl_norm=(cv.width_um + cv.height_um) * float(nl.net_weight.sum()),
        gap=gap,
        edge=float(problem.boundary_spacing_um),
        macro_w=macro_w,
        macro_h=macro_h,
        macro_area_um2=float((macro_w * macro_h).sum()),
        mean_weight=float(active["macro_weight"].mean()),
        obstacle=np.array(obstacle, np.float64).reshape(-1, 5),
        start_hd=settled.hd,
        start_vd=settled.vd,
        start_density=density,
        start_hard=hard,
        start_hmac=hmac,
        start_vmac=vmac,
        start_wl_um=settled.wl_um,
        start_area_um2=float((fixed_w * fixed_h).sum()),
        edge_x=np.minimum(column_centre, 1 - column_centre).astype(np.float32),
        edge_y=np.minimum(row_centre, 1 - row_centre).astype(np.float32),
        rules=build_rules(problem, orient, start),
        **active,
    )
    for value in (*static, *static.rules):
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    return static


def _check_sizes(problem: Problem, macro_w: F64, macro_h: F64) -> None:
    cv, edge = problem.canvas, problem.boundary_spacing_um
    # A micrometre fraction as in check_legality: a macro as wide as the canvas fits.
    wide = (macro_w + 2 * edge > cv.width_um + 1e-6) | (macro_h + 2 * edge > cv.height_um + 1e-6)
    if wide.any():
        i = int(np.argmax(wide))
        name = problem.netlist.node_name[int(problem.movable_hard[i])]
        within = f" within its boundary spacing of {edge:g} um" if edge else ""
        raise InfeasibleProblemError(
            f"macro {name!r} ({macro_w[i]:g} x {macro_h[i]:g} um) does not fit on the canvas "
            f"({cv.width_um:g} x {cv.height_um:g} um){within}"
        )


def _active_nets(engine: CostEngine, movable: I32, orient: U8, tx: F64, ty: F64, cell: I32) -> dict[str, Any]:
    """Return the fields of `Static` about nets with a pin on a movable macro.

    tx, ty, cell (T,) of the terminals that always stand; NaN and -1 on movable macros.
    """
    a = engine.arrays
    macro_of = np.full(len(a.node_kind), -1, np.int64)
    macro_of[movable] = np.arange(len(movable))
    term_macro = macro_of[a.term_node]
    matrix = ORIENT_MATRIX[orient[term_macro]] if len(movable) else np.zeros((len(term_macro), 4))
    dx = matrix[:, 0] * a.term_dx + matrix[:, 1] * a.term_dy
    dy = matrix[:, 2] * a.term_dx + matrix[:, 3] * a.term_dy

    net_of_term = np.repeat(np.arange(len(a.net_weight)), np.diff(a.net_ptr))
    nets = np.unique(net_of_term[term_macro >= 0])
    count = len(nets)
    active = np.full(len(a.net_weight), -1, np.int64)
    active[nets] = np.arange(count)
    active_of_term = active[net_of_term]
    moves = np.flatnonzero(term_macro >= 0)
    stands = np.flatnonzero((term_macro < 0) & (active_of_term >= 0))

    box = np.tile((np.inf, -np.inf, np.inf, -np.inf), (count, 1))
    seen, begin = np.unique(active_of_term[stands], return_index=True)
    if len(seen):
        for column, least, at in zip(range(4), (np.minimum, np.maximum) * 2, (tx, tx, ty, ty), strict=True):
            box[seen, column] = least.reduceat(at[stands], begin)
    term_ptr = np.searchsorted(active_of_term[moves], np.arange(count + 1)).astype(np.int32)
    first = a.net_ptr[nets]
    source = np.where(term_macro[first] < 0, cell[first], -1 - term_ptr[:-1]).astype(np.int32)
    # every cell once a net, in the order of the file, without the source's
    key = active_of_term[stands] * (int(cell.max(initial=0)) + 1) + cell[stands]
    once = np.sort(np.unique(key, return_index=True)[1])
    once = once[cell[stands[once]] != source[active_of_term[stands[once]]]]
    cell_ptr = np.searchsorted(active_of_term[stands[once]], np.arange(count + 1)).astype(np.int32)

    pair_key, of_pair = np.unique(term_macro[moves] * max(count, 1) + active_of_term[moves], return_inverse=True)
    pair_macro, pair_net = (part.astype(np.int32) for part in np.divmod(pair_key, max(count, 1)))
    pair_box = np.tile((np.inf, -np.inf, np.inf, -np.inf), (len(pair_key), 1))
    for column, least, at in zip(range(4), (np.minimum, np.maximum) * 2, (dx, dx, dy, dy), strict=True):
        least.at(pair_box[:, column], of_pair, at[moves])
    weight = a.net_weight[nets]
    return {
        "macro_weight": np.bincount(pair_macro, weight[pair_net], minlength=len(movable)).astype(np.float64),
        "pair_ptr": np.searchsorted(pair_macro, np.arange(len(movable) + 1)).astype(np.int32),
        "pair_net": pair_net,
        "pair_box": pair_box,
        "net_weight": weight,
        "net_demand": a.net_demand[nets],
        "net_source": source,
        "cell_ptr": cell_ptr,
        "cell": cell[stands[once]].astype(np.int32),
        "term_ptr": term_ptr,
        "term_macro": term_macro[moves].astype(np.int32),
        "term_dx": dx[moves],
        "term_dy": dy[moves],
        "start_box": box,
    }


def build_state(static: Static, num_envs: int, obs: dict[str, npt.NDArray[np.generic]]) -> State:
    """Allocate the state of `num_envs` episodes; `obs` holds the observation arrays to write to."""
    b, r, c, m = num_envs, static.rows, static.columns, len(static.macro_w)
    cells = r * c
    return State(
        order=np.zeros((b, m), np.int32),
        step=np.zeros(b, np.int32),
        x=np.zeros((b, m)),
        y=np.zeros((b, m)),
        legal_count=np.zeros(b, np.int32),
        net_box=np.zeros((b, len(static.net_weight), 4)),
        term_cell=np.zeros((b, len(static.term_macro)), np.int32),
        hd=np.zeros((b, r, c + 1)),
        vd=np.zeros((b, r + 1, c)),
        density=np.zeros((b, r, c)),
        hard=np.zeros((b, r, c)),
        hmac=np.zeros((b, r, c)),
        vmac=np.zeros((b, r, c)),
        h=np.zeros((b, r, c)),
        v=np.zeros((b, r, c)),
        wl_um=np.zeros(b),
        cost=np.zeros((b, 4)),
        threshold=np.zeros((b, 2)),
        area_left=np.zeros(b),
        area_hard=np.zeros(b),
        wl_change_um=np.zeros((b, r, c)),
        cost_change=np.zeros((b, r, c)),
        masks=np.zeros((b, r, c), np.bool_),
        size=np.zeros((b, 2)),
        **obs,  # type: ignore[arg-type]  # the schema gives them these dtypes
        scratch=np.zeros((b, 5, r, c)),
        values=np.zeros((b, 2 * cells)),
        line=np.zeros((b, r + c + 2)),
        diff=np.zeros((b, r + 1, c + 1), np.int32),
        stamp=np.zeros((b, cells), np.int32),
        cells=np.zeros((b, cells), np.int32),
        tag=np.zeros(b, np.int32),
    )
