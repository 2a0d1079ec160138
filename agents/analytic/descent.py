"""Gradient descent on the smooth proxy, from smooth to sharp."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from agents.analytic.proxy import SmoothProxy, Widths
from floorplan.legalize.ground import ground_of
from floorplan.netlist import Placement, Problem

__all__ = ["Stage", "descend"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]

RETRACE = 20
"""Iterations between two routings of the nets by the exact rules."""


@dataclass(frozen=True)
class Stage:
    """One descent. Each pair is the value at its start and at its end, in between geometric.

    Attributes:
        iterations: gradient steps.
        rate: step of Adam, share of the canvas' mean side.
        gamma: smoothness of the wirelength, share of the canvas' mean side.
        tau: smoothness of the routing, grid cells.
        top: smoothness of the top share of the congestion, in its own unit.
        crowd: likewise of the density.
        overlap: weight of the hard macros' overlap.
        congestion: factor on the weight of the congestion.
        density: factor on the weight of the density.
        hard: whether hard macros move too.
    """

    iterations: int
    rate: tuple[float, float]
    gamma: tuple[float, float]
    tau: tuple[float, float]
    top: tuple[float, float]
    crowd: tuple[float, float]
    overlap: tuple[float, float] = (0.0, 0.0)
    congestion: float = 1.0
    density: float = 1.0
    hard: bool = True


def _between(ends: tuple[float, float], t: float) -> float:
    a, b = ends
    return a * (b / a) ** t if a > 0 and b > 0 else a + (b - a) * t


def descend(
    proxy: SmoothProxy,
    problem: Problem,
    start: Placement,
    stage: Stage,
    tick: Callable[[], bool],
    watch: Callable[[Placement], None] | None = None,
    every: int = 10,
) -> Placement:
    """Run one stage of Adam from a complete placement.

    Args:
        proxy: for the orientations of `start`.
        problem: what moves, and where it may.
        start: of all nodes.
        stage: the schedule.
        tick: called before each iteration; False ends the stage there.
        watch: gets the placement every `every` iterations and at the end.
        every: see `watch`.

    Returns:
        The last placement; its hard macros may overlap.
    """
    cv = problem.canvas
    ids = np.concatenate([problem.movable_hard, problem.movable_soft]) if stage.hard else problem.movable_soft
    if not len(ids):
        return start
    side = (cv.width_um + cv.height_um) / 2
    extent = np.array([cv.width_um, cv.height_um])
    margin = proxy.half_um[ids].copy()
    if stage.hard:
        margin[: len(problem.movable_hard)] += problem.boundary_spacing_um
    margin = np.minimum(margin, extent / 2)
    low_um, high_um = margin, extent - margin
    if stage.hard and problem.confined:
        _confine(problem, start, low_um, high_um)
    low, high = torch.from_numpy(low_um).float(), torch.from_numpy(high_um).float()
    fixed = torch.from_numpy(np.stack([start.x_um, start.y_um], axis=1)).float()
    which = torch.from_numpy(ids.astype(np.int64))
    at = fixed[which].clamp(low, high).requires_grad_()
    adam = torch.optim.Adam([at], lr=1.0, betas=(0.9, 0.98), foreach=False)
    weights = proxy.engine.options.weights
    now = start
    for k in range(stage.iterations):
        if not tick():
            break
        t = k / max(stage.iterations - 1, 1)
        widths = Widths(
            _between(stage.gamma, t) * side, _between(stage.tau, t), _between(stage.crowd, t), _between(stage.top, t)
        )
        if k % RETRACE == 0:
            proxy.trace(now.x_um, now.y_um)
        parts = proxy.parts(fixed.index_put((which,), at), widths)
        loss = proxy.proxy(parts) + (stage.congestion - 1.0) * weights.congestion * parts.congestion
        loss = loss + (stage.density - 1.0) * weights.density * parts.density
        if stage.hard:
            loss = loss + _between(stage.overlap, t) * parts.overlap
        (at.grad,) = torch.autograd.grad(loss, at)
        adam.param_groups[0]["lr"] = _between(stage.rate, t) * side
        adam.step()
        with torch.no_grad():
            at.copy_(at.clamp(low, high))
        last = k == stage.iterations - 1
        if last or (k + 1) % RETRACE == 0 or (watch is not None and (k + 1) % every == 0):
            now = _placed(start, ids, at, low_um, high_um)
            if watch is not None and (last or (k + 1) % every == 0):
                watch(now)
    return _placed(start, ids, at, low_um, high_um)


def _confine(problem: Problem, start: Placement, low_um: F64, high_um: F64) -> None:
    """Narrow the bounds (K, 2) of the movable hard macros, which come first, to what spans their ground."""
    nodes = problem.movable_hard
    ground = ground_of(problem, nodes, start.orient[nodes])
    for k in range(len(nodes)):
        rect = ground.rect[ground.ptr[k] : ground.ptr[k + 1]]
        if len(rect):
            low_um[k], high_um[k] = rect[:, :2].min(axis=0), rect[:, 2:].max(axis=0)


def _placed(start: Placement, ids: I32, at: torch.Tensor, low_um: F64, high_um: F64) -> Placement:
    x, y = start.x_um.copy(), start.y_um.copy()
    # Clamped once more: float32 may have rounded past the edge.
    values = np.clip(at.detach().numpy().astype(np.float64), low_um, high_um)
    x[ids], y[ids] = values[:, 0], values[:, 1]
    return start.replace(x, y)
