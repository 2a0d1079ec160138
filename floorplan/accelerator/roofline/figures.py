"""Pictures of an operating point between its walls, and the standing figures, as PNG, SVG or PDF by suffix."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from floorplan.accelerator.roofline.operating import OperatingPoint, operate
from floorplan.accelerator.roofline.serving import MAX_BATCH
from floorplan.accelerator.roofline.standing_figures import STANDING_FIGURES
from floorplan.accelerator.roofline.walls import RooflineError
from floorplan.errors import UnknownNameError
from floorplan.figure_style import (
    BLUE,
    INK,
    ORANGE,
    PINK,
    RED,
    SOFT,
    SUFFIXES,
    plain,
    save,
    title,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["FIGURES", "write_figure"]

FIGURES = ("roofline", *STANDING_FIGURES)
"""What can be drawn: an operating point, the paper's Figures 3, 2 and 4, and the serving model against measurements."""


def write_figure(path: str | Path, figure: str, point: OperatingPoint | None = None) -> None:
    """Draw one of `FIGURES` to a PNG, SVG or PDF, replaced in one step.

    Args:
        path: the suffix says the format.
        figure: "roofline" draws `point`; the others stand for themselves.
        point: needed by "roofline".

    Raises:
        RooflineError: another suffix, or no point to draw.
        UnknownNameError: there is no such figure.
        OSError: the file cannot be written.
    """
    if Path(path).suffix not in SUFFIXES:
        raise RooflineError(f"{path}: a figure ends in {', '.join(SUFFIXES)}")
    if figure == "roofline":
        if point is None:
            raise RooflineError("the roofline figure needs an operating point")
        fig = _roofline(point)
    elif figure in STANDING_FIGURES:
        fig = STANDING_FIGURES[figure]()
    else:
        raise UnknownNameError("figure", figure, list(FIGURES))
    save(Path(path), fig)


def _roofline(point: OperatingPoint) -> Figure:
    from matplotlib.figure import Figure

    fig = Figure(figsize=(11.5, 4.9), layout="constrained")
    left, right = fig.subplots(1, 2)
    _draw_walls(left, point)
    _draw_batches(right, point)
    trace = point.workload
    chips = f"{point.roof.chips} x {point.hardware.name}" if point.roof.chips > 1 else point.hardware.name
    title(fig, f"{point.model.name} on {chips}, {trace.name} ({point.weights} weights, {point.kv} cache)")
    return fig


def _draw_walls(ax: Axes, point: OperatingPoint) -> None:
    roof = point.roof
    decode_one = point.model.decode_oi(point.context, 1, point.weights, point.kv)
    points = [("decode, batch 1", decode_one, ORANGE, "o")]
    if point.batch > 1:
        points.append((f"decode, batch {point.batch}", point.oi_decode, RED, "o"))
    points.append(("prefill", point.oi_prefill, BLUE, "s"))
    low = 10.0 ** math.floor(math.log10(min(decode_one, roof.ridge) / 2))
    high = 10.0 ** math.ceil(math.log10(2 * max(point.oi_prefill, roof.ridge)))
    x = np.geomspace(low, high, 400)
    y = np.minimum(roof.flops_per_s, x * roof.bytes_per_s) / 1e12
    ax.loglog(x, y, color=INK, linewidth=1.8, zorder=3)
    bottom, top = y[0] / 3, roof.flops_per_s / 1e12 * 4
    # what more requests could reach by intensity, but memory does not hold
    ceiling = point.model.decode_oi(point.context, 1 << 20, point.weights, point.kv)
    start = low
    if point.batch_max:
        start = point.model.decode_oi(point.context, point.batch_max, point.weights, point.kv)
    if point.capacity_limited and min(ceiling, high) > start:
        label = f"capacity wall: more than {point.batch_max:,} requests do not fit"
        if not point.batch_max:
            label = "capacity wall: not one request fits"
        ax.axvspan(start, min(ceiling, high), color=PINK, alpha=0.16, linewidth=0, zorder=0, label=label)
        ax.axvline(start, color=PINK, linewidth=1.5, zorder=1)
    for label, oi, colour, marker in points:
        reach = min(roof.flops_per_s, oi * roof.bytes_per_s) / 1e12
        name = f"{label}: {oi:,.{0 if oi >= 100 else 1}f} FLOP/B"
        face = colour if point.batch_max else "white"
        style: dict[str, Any] = {"markerfacecolor": face, "markeredgecolor": colour, "color": "none"}
        ax.plot(oi, reach, marker, markersize=8, label=name, zorder=5, **style)
    ax.annotate(
        f"ridge {roof.ridge:.0f} FLOP/B",
        (roof.ridge, roof.flops_per_s / 1e12),
        xytext=(0, 7),
        textcoords="offset points",
        fontsize=8,
        color=SOFT,
        ha="center",
    )
    ax.set_xlim(low, high)
    ax.set_ylim(bottom, top)
    ax.legend(fontsize=8, labelcolor=INK, loc="lower right", framealpha=0.9, edgecolor="none")
    plain(ax, "operational intensity (FLOP per byte of memory traffic)", "attainable TFLOP/s")
    ax.set_title("three walls", fontsize=9.5, color=INK, loc="left")


def _draw_batches(ax: Axes, point: OperatingPoint) -> None:
    """Draw throughput against the batch up to the capacity wall, as the model predicts it and as the walls allow it."""
    if not point.batch_max:
        ax.text(
            0.5,
            0.55,
            "does not fit",
            transform=ax.transAxes,
            fontsize=15,
            color=RED,
            ha="center",
            fontweight="bold",
        )
        need = point.capacity_footprint_bytes / 1e9
        have = point.roof.usable_bytes / 1e9
        text = f"one request of {point.workload.peak_context:,} tokens needs {need:,.0f} GB\n{have:,.0f} GB are usable"
        text += f"\n{point.chips_needed} chips would hold it"
        ax.text(0.5, 0.36, text, transform=ax.transAxes, fontsize=9, color=INK, ha="center")
        ax.set_axis_off()
        return
    batches = sorted({round(b) for b in np.geomspace(1, min(point.batch_max, MAX_BATCH), 20).tolist()})
    at = [_with_batch(point, b) for b in batches]
    roof = [p.tokens_per_s_roof for p in at]
    ax.loglog(batches, roof, color=SOFT, linewidth=1.4, linestyle="--", label="nothing lost")
    label = "serving model, fitted" if point.validated else "serving model, extrapolated"
    ax.loglog(batches, [p.tokens_per_s for p in at], color=BLUE, linewidth=1.9, label=label)
    here = f"{point.batch:,} requests: {point.tokens_per_s:,.0f} tokens/s"
    ax.plot(point.batch, point.tokens_per_s, "o", color=RED, markersize=7, zorder=4, label=here)
    right = max(batches[-1] * 3.0, 4.0)
    if point.capacity_limited:
        ax.axvspan(point.batch_max, right, color=PINK, alpha=0.16, linewidth=0, label="memory is full")
        ax.axvline(point.batch_max, color=PINK, linewidth=1.5)
    ax.set_xlim(0.8, right)
    ax.legend(fontsize=8, labelcolor=INK, loc="lower right", framealpha=0.9, edgecolor="none")
    plain(ax, "requests in a step", "output tokens/s, prefill included")
    ax.set_title("throughput", fontsize=9.5, color=INK, loc="left")


def _with_batch(point: OperatingPoint, batch: int) -> OperatingPoint:
    return operate(
        point.model,
        point.hardware,
        point.workload,
        chips=point.roof.chips,
        weights=point.weights,
        kv=point.kv,
        batch=batch,
        stages=point.stages,
        constants=point.constants,
    )
