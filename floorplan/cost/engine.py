"""The cost engine: exact costs of whole placements, one at a time or many at once on all cores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from numba import njit

from floorplan.cost.arrays import build_arrays
from floorplan.cost.kernels.congestion import (
    add_macro_blockage,
    congestion_cost,
    finish_maps,
    route_nets,
    terminal_cells,
)
from floorplan.cost.kernels.density import density_cost, density_map, overlap_area
from floorplan.cost.kernels.wirelength import net_hpwl, terminal_positions, wirelength_sum
from floorplan.cost.terms import Cost, CostBatch, CostMaps, CostOptions
from floorplan.errors import ProblemError
from floorplan.geometry import ORIENT_MATRIX, oriented_size_um
from floorplan.parallel import core_count, share_out

if TYPE_CHECKING:
    from floorplan.cost.arrays import CostArrays
    from floorplan.netlist import Placement, Problem

__all__ = ["CostEngine"]

F64 = npt.NDArray[np.float64]


class CostEngine:
    """Computes the exact proxy cost of placements of one problem.

    It holds the netlist as flat arrays plus scratch memory for one evaluation per core, so make it once and use it
    often; one engine is not to be used from two threads at once.
    """

    def __init__(self, problem: Problem, options: CostOptions | None = None) -> None:
        self.problem = problem
        self.options = options or CostOptions()
        self.arrays: CostArrays = build_arrays(problem.netlist, square_soft=self.options.square_soft)
        self._weight_sum = float(problem.netlist.net_weight.sum())
        cv = problem.canvas
        self._geometry = np.array(
            [
                cv.cell_w_um,
                cv.cell_h_um,
                1.0 / (cv.cell_h_um * cv.h_tracks_per_um),
                1.0 / (cv.cell_w_um * cv.v_tracks_per_um),
                cv.h_macro_tracks_per_um / (cv.cell_h_um * cv.h_tracks_per_um),
                cv.v_macro_tracks_per_um / (cv.cell_w_um * cv.v_tracks_per_um),
                self.options.density_top,
                self.options.congestion_top,
            ]
        )
        self._scratch = self._new_scratch(1)

    def full(self, placement: Placement) -> Cost:
        """Return the exact cost; unplaced nodes are left out of it (see `floorplan.cost.reference`)."""
        out = np.empty(3)
        self._run(placement, out)
        return self._cost(out)

    def maps(self, placement: Placement) -> CostMaps:
        """Return the per-cell density and H and V congestion behind the cost."""
        self._run(placement, np.empty(3))
        s = self._scratch
        return CostMaps(s.density[0].copy(), s.h[0].copy(), s.v[0].copy())

    def net_hpwl_um(self, placement: Placement) -> F64:
        """Return the half-perimeter of every net, (E,), without its weight."""
        self._run(placement, np.empty(3))
        out = np.empty(self.problem.netlist.num_nets)
        net_hpwl(self.arrays.net_ptr, self._scratch.tx[0], self._scratch.ty[0], out)
        return out

    def hard_overlap_um2(self, placement: Placement) -> float:
        """Return the summed pairwise overlap area of the hard macros; 0 for a legal placement."""
        nl = self.problem.netlist
        w, h = oriented_size_um(nl.node_w_um, nl.node_h_um, placement.orient)
        return float(overlap_area(nl.hard, w, h, placement.x_um, placement.y_um, placement.placed))

    def batch(
        self,
        x_um: F64,
        y_um: F64,
        orient: npt.NDArray[np.uint8] | None = None,
        placed: npt.NDArray[np.bool_] | None = None,
    ) -> CostBatch:
        """Return the exact costs of B placements on all cores.

        Args:
            x_um: (B, N) centres.
            y_um: (B, N) centres.
            orient: (B, N), default all N.
            placed: (B, N), default all placed.

        Raises:
            ProblemError: the arrays are not (B, N).
        """
        n = self.problem.netlist.num_nodes
        b = len(x_um)
        if x_um.shape != (b, n) or y_um.shape != (b, n):
            raise ProblemError(f"batch expects arrays of shape (B, {n}), got {x_um.shape} and {y_um.shape}")
        orient = np.zeros((b, n), np.uint8) if orient is None else np.array(orient, np.uint8)
        placed = np.ones((b, n), np.bool_) if placed is None else np.array(placed, np.bool_)
        x = np.array(x_um, np.float64)
        y = np.array(y_um, np.float64)
        out = np.empty((b, 3))
        lanes = min(core_count(), b)
        if len(self._scratch.tx) < lanes:
            self._scratch = self._new_scratch(lanes)
        share_out(lambda lane, begin, end: self._evaluate(lane, begin, end, x, y, orient, placed, out), b)
        cv = self.problem.canvas
        um, density, congestion = out[:, 0].copy(), out[:, 1].copy(), out[:, 2].copy()
        wirelength = um / ((cv.width_um + cv.height_um) * self._weight_sum)
        w = self.options.weights
        proxy = w.wirelength * wirelength + w.density * density + w.congestion * congestion
        return CostBatch(wirelength, density, congestion, proxy, um)

    def _run(self, placement: Placement, out: F64) -> None:
        n = self.problem.netlist.num_nodes
        if len(placement) != n:
            raise ProblemError(f"placement has {len(placement)} nodes, the netlist {n}")
        # Copies, a microsecond each: a kernel is compiled anew for the read-only arrays of a placement.
        x, y = placement.x_um[None].copy(), placement.y_um[None].copy()
        orient, placed = placement.orient[None].copy(), placement.placed[None].copy()
        self._evaluate(0, 0, 1, x, y, orient, placed, out[None])

    def _evaluate(
        self,
        lane: int,
        begin: int,
        end: int,
        x: F64,
        y: F64,
        orient: npt.NDArray[np.uint8],
        placed: npt.NDArray[np.bool_],
        out: F64,
    ) -> None:
        """Write the cost parts of placements begin..end - 1 to out (B, 3), in one lane of the scratch."""
        _evaluate_range(
            lane,
            begin,
            end,
            self.arrays,
            x,
            y,
            orient,
            placed,
            ORIENT_MATRIX,
            self._geometry,
            self.problem.canvas.smooth_range,
            self._scratch.as_tuple(),
            out,
        )

    def _new_scratch(self, lanes: int) -> _Scratch:
        return _Scratch(lanes, len(self.arrays.term_node), self.problem.canvas.rows, self.problem.canvas.columns)

    def _cost(self, out: F64) -> Cost:
        cv, w = self.problem.canvas, self.options.weights
        wirelength = float(out[0]) / ((cv.width_um + cv.height_um) * self._weight_sum)
        density, congestion = float(out[1]), float(out[2])
        proxy = w.wirelength * wirelength + w.density * density + w.congestion * congestion
        return Cost(wirelength, density, congestion, proxy, float(out[0]))


class _Scratch:
    """Working memory for `lanes` evaluations side by side."""

    def __init__(self, lanes: int, terminals: int, rows: int, cols: int) -> None:
        self.tx = np.empty((lanes, terminals))
        self.ty = np.empty((lanes, terminals))
        self.cell = np.empty((lanes, terminals), np.int32)
        self.hd = np.empty((lanes, rows, cols + 1))
        self.vd = np.empty((lanes, rows + 1, cols))
        self.h = np.empty((lanes, rows, cols))
        self.v = np.empty((lanes, rows, cols))
        self.density = np.empty((lanes, rows, cols))
        self.stamp = np.empty((lanes, rows * cols), np.int32)
        self.cells = np.empty((lanes, rows * cols), np.int32)
        self.values = np.empty((lanes, 2 * rows * cols))

    def as_tuple(self) -> tuple[npt.NDArray[np.float64] | npt.NDArray[np.int32], ...]:
        return (
            self.tx,
            self.ty,
            self.cell,
            self.hd,
            self.vd,
            self.h,
            self.v,
            self.density,
            self.stamp,
            self.cells,
            self.values,
        )


@njit(cache=True)
def _evaluate_one(lane, arrays, x, y, orient, placed, matrix, geometry, smooth_range, scratch, out):  # type: ignore[no-untyped-def]  # numba infers; arguments as in CostEngine.batch
    """Write wirelength_um, density and congestion of one placement to out (3,), working in one lane of the scratch."""
    tx, ty, cell, hd, vd, h, v, density, stamp, cells, values = scratch
    gw, gh, h_scale, v_scale, h_share, v_share, density_top, congestion_top = geometry
    rows, cols = h.shape[1], h.shape[2]
    terminal_positions(
        arrays.term_node, arrays.term_dx, arrays.term_dy, x, y, orient, placed, matrix, tx[lane], ty[lane]
    )
    out[0] = wirelength_sum(arrays.net_ptr, arrays.net_weight, tx[lane], ty[lane])
    density_map(arrays.node_kind, arrays.node_w, arrays.node_h, x, y, orient, placed, gw, gh, density[lane])
    out[1] = density_cost(density[lane], density_top, values[lane])
    terminal_cells(tx[lane], ty[lane], gw, gh, rows, cols, cell[lane])
    route_nets(arrays.net_ptr, arrays.net_demand, cell[lane], cols, stamp[lane], cells[lane], hd[lane], vd[lane])
    finish_maps(hd[lane], vd[lane], h_scale, v_scale, smooth_range, h[lane], v[lane])
    for i in range(len(placed)):
        if arrays.node_kind[i] == 0 and placed[i]:
            w, hh = arrays.node_w[i], arrays.node_h[i]
            if orient[i] >= 4:
                w, hh = hh, w
            add_macro_blockage(x[i], y[i], w, hh, gw, gh, h_share, v_share, h[lane], v[lane])
    out[2] = congestion_cost(h[lane], v[lane], congestion_top, values[lane])


@njit(cache=True, nogil=True)
def _evaluate_range(  # type: ignore[no-untyped-def]  # numba infers
    lane, begin, end, arrays, x, y, orient, placed, matrix, geometry, smooth_range, scratch, out
):
    for b in range(begin, end):
        _evaluate_one(lane, arrays, x[b], y[b], orient[b], placed[b], matrix, geometry, smooth_range, scratch, out[b])
