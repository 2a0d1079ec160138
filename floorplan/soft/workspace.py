"""What the quadratic placer's kernels are handed: the geometry, what stands still, and memory to work in."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from floorplan.cost import CostOptions
from floorplan.netlist import NodeKind, Problem
from floorplan.soft.kernels.sweep import LANES
from floorplan.soft.nets import RefineNets

__all__ = ["Blocks", "Geometry", "Workspace", "make_blocks", "make_geometry", "make_workspace"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]


class Geometry(NamedTuple):
    """Canvas, grid and prices.

    Attributes:
        gw: width of a cell in um.
        gh: height of a cell in um.
        width: of the canvas in um.
        height: of the canvas in um.
        h_scale: congestion of one horizontal track over a cell.
        v_scale: congestion of one vertical track over a cell.
        h_share: congestion per um of a hard macro's height in a cell.
        v_share: congestion per um of a hard macro's width in a cell.
        smooth: cells to each side over which demand is smoothed.
        wl_price: proxy per um of weighted wirelength.
        den_weight: weight of the density in the proxy.
        con_weight: weight of the congestion in the proxy.
        density_top: share of the cells that count.
        congestion_top: likewise.
    """

    gw: float
    gh: float
    width: float
    height: float
    h_scale: float
    v_scale: float
    h_share: float
    v_share: float
    smooth: int
    wl_price: float
    den_weight: float
    con_weight: float
    density_top: float
    congestion_top: float


class Blocks(NamedTuple):
    """Macros that stand still, each (K,): node ids, sizes in um as costed, and which of them are hard."""

    node: I32
    w: F64
    h: F64
    hard: npt.NDArray[np.bool_]


class Workspace(NamedTuple):
    """Scratch, one row of each array for each core; R x C cells, S soft macros, P points."""

    px: F64
    py: F64
    row: I32
    col: I32
    dens: F64
    block_h: F64
    block_v: F64
    hd: F64
    vd: F64
    H: F64
    V: F64
    ph: F64
    pht: F64
    pv: F64
    pvt: F64
    stamp: I32
    cells: I32
    lines: F64
    v_map: F64
    h_map: F64
    flat: F64
    area: F64
    ids: I32
    swap: I32
    stack: npt.NDArray[np.int64]
    table: F64


def make_geometry(problem: Problem, options: CostOptions) -> Geometry:
    """Gather the numbers that kernels need."""
    cv, weights = problem.canvas, options.weights
    total = float(problem.netlist.net_weight.sum()) or 1.0
    h_scale, v_scale = 1.0 / (cv.cell_h_um * cv.h_tracks_per_um), 1.0 / (cv.cell_w_um * cv.v_tracks_per_um)
    return Geometry(
        gw=cv.cell_w_um,
        gh=cv.cell_h_um,
        width=cv.width_um,
        height=cv.height_um,
        h_scale=h_scale,
        v_scale=v_scale,
        h_share=cv.h_macro_tracks_per_um * h_scale,
        v_share=cv.v_macro_tracks_per_um * v_scale,
        smooth=cv.smooth_range,
        wl_price=weights.wirelength / ((cv.width_um + cv.height_um) * total),
        den_weight=weights.density,
        con_weight=weights.congestion,
        density_top=options.density_top,
        congestion_top=options.congestion_top,
    )


def make_blocks(problem: Problem, *, square_soft: bool) -> Blocks:
    """List the hard macros and the soft ones that are fixed."""
    nl = problem.netlist
    hard = nl.node_kind == NodeKind.HARD
    node = np.flatnonzero(hard | (problem.fixed & (nl.node_kind != NodeKind.PORT))).astype(np.int32)
    w, h = nl.node_w_um[node], nl.node_h_um[node]
    if square_soft:
        side = np.sqrt(w * h)
        w, h = np.where(hard[node], w, side), np.where(hard[node], h, side)
    return Blocks(node, w, h, hard[node])


def make_workspace(problem: Problem, nets: RefineNets, lanes: int) -> Workspace:
    """Allocate scratch for `lanes` cores."""
    rows, cols = problem.canvas.rows, problem.canvas.columns
    soft = len(nets.w)
    points = soft + len(nets.fixed_node)
    return Workspace(
        px=np.empty((lanes, points)),
        py=np.empty((lanes, points)),
        row=np.empty((lanes, points), np.int32),
        col=np.empty((lanes, points), np.int32),
        dens=np.empty((lanes, rows, cols)),
        block_h=np.empty((lanes, rows, cols)),
        block_v=np.empty((lanes, rows, cols)),
        hd=np.empty((lanes, rows, cols + 1)),
        vd=np.empty((lanes, rows + 1, cols)),
        H=np.empty((lanes, rows, cols)),
        V=np.empty((lanes, rows, cols)),
        ph=np.zeros((lanes, rows, cols + 1 + LANES)),
        pht=np.zeros((lanes, cols + 1, rows + LANES)),
        pv=np.zeros((lanes, rows + 1, cols + LANES)),
        pvt=np.zeros((lanes, cols, rows + 1 + LANES)),
        stamp=np.empty((lanes, rows * cols), np.int32),
        cells=np.empty((lanes, rows * cols), np.int32),
        lines=np.empty((lanes, 7, LANES)),
        v_map=np.empty((lanes, LANES, LANES)),
        h_map=np.empty((lanes, LANES, LANES)),
        flat=np.empty((lanes, 4 * rows * cols)),
        area=np.empty((lanes, soft)),
        ids=np.empty((lanes, soft), np.int32),
        swap=np.empty((lanes, soft), np.int32),
        stack=np.empty((lanes, 128, 6), np.int64),
        table=np.empty((lanes, rows + 1, cols + 1)),
    )
