"""The proxy cost with its steps smoothed, so that it has a gradient in all positions at once.

Every step of the exact cost is replaced by a smooth one whose width goes to zero: max and min over a net's pins
(weighted average, gamma), the grid line that a pin lies left or right of (a sigmoid, tau), and membership in the top
share of the cells. With all widths at zero, what is left of the difference to the exact cost is that a hard macro's
pins are gathered into points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import embedding, pad

from agents.analytic.kernels.runs import runs_backward, runs_forward
from agents.analytic.points import F64, I64, gather_points, wire_groups
from agents.analytic.routes import Pieces, trace_routes
from floorplan.cost import CostEngine
from floorplan.geometry import oriented_size_um
from floorplan.legalize import safe_gap_um
from floorplan.netlist.constraints import turned_halo_um

__all__ = ["Parts", "SmoothProxy", "Widths"]

F32 = npt.NDArray[np.float32]

CLOSE = 0.02
"""How well the threshold of the top share is found, in widths."""

MAX_HALVINGS = 60
"""More would not change a double."""


@dataclass(frozen=True)
class Widths:
    """How smooth the proxy is.

    Attributes:
        gamma_um: of the weighted-average wirelength.
        tau_cells: of the step of a pin over a grid line.
        density: of the top share of the density, in its own unit.
        congestion: likewise.
    """

    gamma_um: float
    tau_cells: float
    density: float
    congestion: float


class Parts(NamedTuple):
    """Scalars: the three parts of the proxy, and the overlap of hard macros over their mean area, per macro."""

    wirelength: Tensor
    density: Tensor
    congestion: Tensor
    overlap: Tensor


class _Segments(NamedTuple):
    """Pieces of one direction: (S,) points `at`, `a`, `b`; (S,) demand over the tracks of a cell."""

    at: I64
    a: I64
    b: I64
    demand: npt.NDArray[np.float32]


class SmoothProxy:
    """The differentiable proxy of one problem, for one choice of orientations.

    Call `trace` with a placement before `parts`, and again when the placement has moved on. float32.

    Attributes:
        half_um: (N, 2) half sizes of all nodes, as oriented.
    """

    def __init__(self, engine: CostEngine, orient: npt.NDArray[np.uint8]) -> None:
        problem, arrays, cv = engine.problem, engine.arrays, engine.problem.canvas
        nl = problem.netlist
        self.engine = engine
        self._canvas = cv
        self._points = gather_points(problem, arrays, orient)
        self._node = torch.from_numpy(self._points.node)
        self._offset = _f32(self._points.offset_um)
        self._nets = [(torch.from_numpy(at), _f32(weight)) for at, weight in wire_groups(self._points)]
        self._wl_scale = 1.0 / ((cv.width_um + cv.height_um) * float(nl.net_weight.sum()))

        self._orient = orient
        w, h = oriented_size_um(arrays.node_w, arrays.node_h, orient)
        half = np.stack([w, h], axis=1) / 2
        self.half_um = half
        area = np.flatnonzero((w > 0) & (h > 0))
        self._area = torch.from_numpy(area)
        self._area_half = _f32(half[area])
        self._hard = torch.from_numpy(nl.hard.astype(np.int64))
        self._hard_half = _f32(half[nl.hard])
        self._size = (cv.columns, cv.rows)
        self._cell = (cv.cell_w_um, cv.cell_h_um)
        self._edges = tuple(_f32(np.arange(n + 1) * g) for n, g in zip(self._size, self._cell, strict=True))
        self._lines = tuple(torch.arange(1, n, dtype=torch.float32) for n in self._size)

        tracks = (cv.h_tracks_per_um * cv.cell_h_um, cv.v_tracks_per_um * cv.cell_w_um)
        self._tracks = tracks
        self._macro_h = cv.h_macro_tracks_per_um / tracks[0]
        self._macro_v = cv.v_macro_tracks_per_um / tracks[1]
        # Rows of H are averaged over rows, those of V over columns.
        self._smooth = tuple(_smoothing(n, cv.smooth_range) for n in self._size) if cv.smooth_range else None
        self._top_density = max(1, int(engine.options.density_top * cv.num_cells))
        self._top_congestion = max(1, int(engine.options.congestion_top * 2 * cv.num_cells))
        self._h: _Segments | None = None
        self._v: _Segments | None = None
        self._set_rivals(max(problem.macro_spacing_um, safe_gap_um(cv)))

    def _set_rivals(self, gap: float) -> None:
        """Lay out the pairs whose overlap is to vanish: hard macros with each other, blockages and fences of others."""
        problem = self.engine.problem
        fixed = problem.fixed[problem.netlist.hard]
        half = self._hard_half
        # Each pair once, and none of two that cannot move.
        count = len(half)
        keep = np.triu(np.ones((count, count), np.bool_), 1) & ~(fixed[:, None] & fixed[None, :])
        apart = half.T[:, :, None] + half.T[:, None, :] + (_f32(self._halo_gaps(gap)) if problem.has_halos else gap)
        self._apart = torch.where(torch.from_numpy(keep), apart, torch.tensor(-torch.inf))
        boxes = [(b.x0_um, b.y0_um, b.x1_um, b.y1_um) for b in problem.blockages]
        moves = np.tile(~fixed[:, None], (1, len(boxes)))
        own = np.append(problem.fence_of, -1)[problem.region[problem.netlist.hard]]
        for k in problem.fences:
            boxes += [tuple(rect) for rect in problem.regions[k].rects_um.tolist()]
            strangers = ~fixed & (own != k)
            moves = np.concatenate([moves, np.tile(strangers[:, None], (1, len(problem.regions[k].rects_um)))], axis=1)
        box = np.array(boxes, np.float64).reshape(-1, 4)
        self._block_at = _f32((box[:, :2] + box[:, 2:]) / 2)
        self._block_apart = half[:, None, :] + _f32((box[:, 2:] - box[:, :2]) / 2 + gap)[None, :, :]
        self._block_moves = _f32(moves)
        area = 4 * half[:, 0] * half[:, 1]
        self._overlap_scale = 1.0 / max(float(area.sum()), 1e-30)

    def _halo_gaps(self, gap: float) -> F64:
        """Return (2, H, H) um that hard macros keep along each axis, in the order that asks for more."""
        hard = self.engine.problem.netlist.hard
        halo = turned_halo_um(self.engine.problem.halo_um[hard], self._orient[hard]).T
        facing = halo[2:, :, None] + halo[:2, None, :]
        return np.maximum(gap, np.maximum(facing, facing.transpose(0, 2, 1)))

    def trace(self, x_um: F64, y_um: F64) -> None:
        """Route the nets at node centres x_um, y_um (N,), and hold on to these routes."""
        h, v = trace_routes(self._points, self._canvas, x_um, y_um)
        self._h, self._v = _segments(h, self._tracks[0]), _segments(v, self._tracks[1])

    def parts(self, xy: Tensor, widths: Widths) -> Parts:
        """Return the parts of the proxy at node centres xy (N, 2), um, differentiable."""
        pins = embedding(self._node, xy) + self._offset
        hard = embedding(self._hard, xy)
        return Parts(
            self._wirelength(pins, widths.gamma_um),
            self._density(xy, widths.density),
            self._congestion(pins, hard, widths),
            self._overlap(hard),
        )

    def proxy(self, parts: Parts) -> Tensor:
        """Return the weighted sum of the three parts of the cost."""
        w = self.engine.options.weights
        return w.wirelength * parts.wirelength + w.density * parts.density + w.congestion * parts.congestion

    def _wirelength(self, pins: Tensor, gamma: float) -> Tensor:
        total = pins.new_zeros(())
        for at, weight in self._nets:
            p = embedding(at, pins)
            if len(at) == 2:
                # The weighted average of two pins, max minus min, in closed form.
                d = p[0] - p[1]
                extent = d * torch.tanh(d / (2 * gamma))
            else:
                with torch.no_grad():
                    high, low = p.amax(0), p.amin(0)
                up, down = torch.exp((p - high) / gamma), torch.exp((low - p) / gamma)
                extent = (p * up).sum(0) / up.sum(0) - (p * down).sum(0) / down.sum(0)
            total = total + torch.dot(weight, extent.sum(1))
        return total * self._wl_scale

    def _density(self, xy: Tensor, width: float) -> Tensor:
        at = embedding(self._area, xy)
        over_x, over_y = (self._cover(at[:, i], self._area_half[:, i], i) for i in (0, 1))
        density = over_y.T @ over_x / (self._cell[0] * self._cell[1])
        count = self._top_density
        if density.numel() < 10:
            count = max(1, int((density > 0).sum()))
        return 0.5 * _top_mean(density.reshape(-1), count, width)

    def _cover(self, centre: Tensor, half: Tensor, axis: int) -> Tensor:
        """Return (K, columns or rows) um of each grid line's cells that K intervals cover."""
        reach = (self._edges[axis] - centre[:, None]).clamp(-half[:, None], half[:, None])
        return reach[:, 1:] - reach[:, :-1]

    def _beyond(self, at: Tensor, axis: int, tau: float) -> Tensor:
        """Return (K, columns - 1 or rows - 1): 1 where a point lies beyond the inner grid line, 0 where before it."""
        return torch.sigmoid((at[:, None] / self._cell[axis] - self._lines[axis]) * (1.0 / tau))

    def _congestion(self, pins: Tensor, hard: Tensor, widths: Widths) -> Tensor:
        if self._h is None or self._v is None:
            raise RuntimeError("parts() needs routes: call trace() first")
        tau = widths.tau_cells
        columns, rows = self._beyond(pins[:, 0], 0, tau), self._beyond(pins[:, 1], 1, tau)
        h = _lay(self._h, rows, columns)
        v = _lay(self._v, columns, rows).T
        if self._smooth is not None:
            h, v = self._smooth[1].T @ h, v @ self._smooth[0]
        if self._macro_h > 0 or self._macro_v > 0:
            span_x, span_y = (self._span(hard[:, i], self._hard_half[:, i], i, tau) for i in (0, 1))
            over_x, over_y = (self._cover(hard[:, i], self._hard_half[:, i], i) for i in (0, 1))
            h = h + self._macro_h * (over_y.T @ span_x)
            v = v + self._macro_v * (span_y.T @ over_x)
        both = torch.cat([v.reshape(-1), h.reshape(-1)])
        return _top_mean(both, self._top_congestion, widths.congestion)

    def _span(self, centre: Tensor, half: Tensor, axis: int, tau: float) -> Tensor:
        """Return (K, columns or rows): 1 for cells whose tracks a macro takes.

        They reach from that of its low edge to the one before that of its high edge. A macro smaller than a cell takes
        the tracks of its low edge's.
        """
        low, high = self._beyond(centre - half, axis, tau), self._beyond(centre + half, axis, tau)
        long = (2 * half >= self._cell[axis])[:, None]
        return torch.where(long, pad(low - high, (0, 1)).neg(), _membership(low))

    def _overlap(self, hard: Tensor) -> Tensor:
        at = hard.T
        o = torch.relu(self._apart - (at[:, :, None] - at[:, None, :]).abs())
        total = (o[0] * o[1]).sum()
        if len(self._block_at):
            o = torch.relu(self._block_apart - (hard[:, None, :] - self._block_at[None, :, :]).abs())
            total = total + (o[:, :, 0] * o[:, :, 1] * self._block_moves).sum()
        return total * self._overlap_scale


class _Runs(torch.autograd.Function):
    """Sums the runs of pieces by the point that gives their line; see `agents.analytic.kernels.runs`."""

    @staticmethod
    def forward(ctx: Any, beyond: Tensor, pieces: _Segments) -> Tensor:
        """Return (P, L) demand by line-giving point and cell, for points that lie beyond (P, L) grid lines."""
        out = torch.zeros_like(beyond)
        runs_forward(*pieces, beyond.detach().numpy(), out.numpy())
        ctx.save_for_backward(beyond)
        ctx.pieces = pieces
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        """Return the gradient in `beyond`."""
        (beyond,) = ctx.saved_tensors
        out = torch.zeros_like(beyond)
        runs_backward(*ctx.pieces, beyond.detach().numpy(), grads[0].contiguous().numpy(), out.numpy())
        return out, None


def _lay(pieces: _Segments, across: Tensor, along: Tensor) -> Tensor:
    """Return the (lines across, cells along) demand of pieces whose points lie beyond the lines as said."""
    runs: Tensor = _Runs.apply(along, pieces)  # type: ignore[no-untyped-call]  # torch leaves apply untyped
    # A run never reaches into the last cell: its end is not part of it.
    return pad(_membership(across).T @ runs, (0, 1))


def _membership(beyond: Tensor) -> Tensor:
    """Return (K, n + 1) shares of the cells that K points lie in, from those of the n inner lines they lie beyond."""
    return pad(beyond, (1, 0), value=1.0) - pad(beyond, (0, 1))


def _top_mean(values: Tensor, count: int, width: float) -> Tensor:
    """Return the mean of about the `count` largest values: those near the threshold count in part.

    The shares add up to `count`, and are held still in the gradient.
    """
    return torch.dot(torch.from_numpy(_top_shares(values.detach().numpy(), count, width)), values)


def _top_shares(values: F32, count: int, width: float) -> F32:
    if count >= len(values):
        return np.full(len(values), 1.0 / len(values), np.float32)
    # How many count falls as the threshold rises: halve the interval that it lies in. In double precision, as a width
    # may be no more than what float32 resolves.
    exact = values.astype(np.float64)
    top = np.partition(exact, len(exact) - count)[len(exact) - count :]
    high, reach = float(top.max()) + width * math.log(len(exact)), width
    low = float(top[0]) - reach
    while _shares(exact, low, width).sum() < count:
        reach *= 2
        low -= reach
    for _ in range(MAX_HALVINGS):
        if high - low <= CLOSE * width:
            break
        middle = (low + high) / 2
        if _shares(exact, middle, width).sum() > count:
            low = middle
        else:
            high = middle
    share = _shares(exact, (low + high) / 2, width)
    out: F32 = (share / share.sum()).astype(np.float32)
    return out


def _shares(values: F64, threshold: float, width: float) -> F64:
    """Return a sigmoid of each value, written so that it never overflows."""
    out: F64 = 0.5 + 0.5 * np.tanh((values - threshold) * (0.5 / width))
    return out


def _segments(pieces: Pieces, tracks: float) -> _Segments:
    return _Segments(pieces.at, pieces.a, pieces.b, (pieces.demand / tracks).astype(np.float32))


def _smoothing(n: int, reach: int) -> Tensor:
    """Return (n, n): row i holds how the demand of cell i is shared out."""
    near = np.abs(np.arange(n)[:, None] - np.arange(n)) <= reach
    return _f32(near / near.sum(axis=1, keepdims=True))


def _f32(values: npt.NDArray[np.generic]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))
