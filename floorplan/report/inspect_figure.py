"""A design at a glance: its layout, macro sizes, degrees and Rent's line in one figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from floorplan.errors import FloorplanError
from floorplan.figure_style import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    ORANGE,
    PINK,
    RED,
    SKY,
    SOFT,
    SUFFIXES,
    frameless,
    plain,
    save,
)
from floorplan.geometry import oriented_size_um
from floorplan.inspection import Inspection, SizeGroup, Spread
from floorplan.netlist import Placement, Problem
from floorplan.report.inspect_bins import bins

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["write_inspection_figure"]

F64 = npt.NDArray[np.float64]

_MOST_RECTANGLES = 4000
"""More soft macros or cells than this are drawn as how full each spot is."""

_SPOTS = 96
_SIZES_SHOWN = 8
_BAR_LABEL = 24


def write_inspection_figure(path: str | Path, found: Inspection) -> None:
    """Draw layout, macro sizes, net degrees, fan-outs and Rent's line.

    Hard macros that are not placed, or heaped on one point, are drawn to scale beside the canvas.

    Raises:
        FloorplanError: the suffix is none of .png, .svg and .pdf.
    """
    from matplotlib.figure import Figure

    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise FloorplanError(f"{path}: a figure ends in one of {', '.join(SUFFIXES)}")
    problem = found.design.problem
    fig = Figure(figsize=(13.5, 7.2), layout="constrained")
    spec = fig.add_gridspec(2, 4, width_ratios=(1, 1, 0.95, 0.95))
    _layout(fig.add_subplot(spec[:, :2]), problem)
    _histogram(fig.add_subplot(spec[0, 2]), "pins of a net", "nets", found.degree, BLUE)
    _histogram(fig.add_subplot(spec[0, 3]), "sinks of a driving node", "driving nodes", found.fan_out, SKY)
    _sizes(fig.add_subplot(spec[1, 2]), found.sizes, found.areas.hard)
    _rent(fig.add_subplot(spec[1, 3]), found)
    c, a = found.counts, found.areas
    fig.suptitle(
        f"{problem.netlist.name} ({found.design.format}): {c.hard_macros:,} hard macros, {c.soft_macros:,} soft, "
        f"{c.cells:,} cells, {c.ports:,} ports, {c.nets:,} nets; {a.hard_utilisation:.1%} full of hard macros, "
        f"{a.utilisation:.1%} in all",
        fontsize=11,
        color=INK,
        x=0.01,
        ha="left",
        fontweight="bold",
    )
    save(path, fig)


def _layout(ax: Axes, problem: Problem) -> None:
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    nl, cv, start = problem.netlist, problem.canvas, problem.initial
    ax.add_patch(
        Rectangle((0, 0), cv.width_um, cv.height_um, facecolor="#FBFCFD", edgecolor=INK, linewidth=1.0, zorder=0.2)
    )
    for b in problem.blockages:
        box = Rectangle((b.x0_um, b.y0_um), b.x1_um - b.x0_um, b.y1_um - b.y0_um)
        box.set(facecolor="none", edgecolor=SOFT, hatch="////" if b.hard else "//", linewidth=0.0, zorder=1)
        ax.add_patch(box)
    for region in problem.regions:
        for x0, y0, x1, y1 in region.rects_um.tolist():
            style = "-" if region.exclusive else "--"
            box = Rectangle((x0, y0), x1 - x0, y1 - y0)
            box.set(facecolor="none", edgecolor=PINK, linestyle=style, linewidth=1.2, zorder=3.5)
            ax.add_patch(box)
    soft = nl.soft[start.placed[nl.soft]]
    if len(soft) > _MOST_RECTANGLES:
        _fill(ax, problem, start, soft)
    elif len(soft):
        boxes = PatchCollection(_rectangles(problem, start, soft), zorder=2)
        boxes.set(facecolor=(*_rgb(SOFT), 0.16), edgecolor=(*_rgb(SOFT), 0.3), linewidth=0.3)
        ax.add_collection(boxes)
    beside = nl.hard[~start.placed[nl.hard] | _heaped(problem)]
    hard = np.setdiff1d(nl.hard, beside)
    fixed = problem.fixed[hard]
    at = _shelves(problem, beside)
    for ids, place, colour in (
        (hard[~fixed], start, BLUE),
        (hard[fixed], start, ORANGE),
        (beside, at, GREEN),
    ):
        if len(ids):
            boxes = PatchCollection(_rectangles(problem, place, ids), zorder=3)
            boxes.set(facecolor=(*_rgb(colour), 0.8), edgecolor=INK, linewidth=0.4)
            ax.add_collection(boxes)
    ports = nl.ports
    dot = float(np.clip(60.0 / max(len(ports), 1) ** 0.5, 1.0, 9.0))
    ax.scatter(start.x_um[ports], start.y_um[ports], s=dot, c="#111111", linewidths=0, zorder=4)
    ax.set_aspect("equal")
    ax.autoscale_view()
    frameless(ax)
    ax.set_xlabel("x (um)", fontsize=8, color=SOFT)
    ax.set_ylabel("y (um)", fontsize=8, color=SOFT)
    _legend(ax, int((~fixed).sum()), int(fixed.sum()), len(beside), len(soft), len(ports))


def _legend(ax: Axes, movable: int, fixed: int, unplaced: int, soft: int, ports: int) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    marks: list[Any] = [
        Patch(facecolor=colour, alpha=alpha, label=f"{label} ({count:,})")
        for colour, alpha, label, count in (
            (BLUE, 0.8, "hard macros", movable),
            (ORANGE, 0.8, "fixed", fixed),
            (GREEN, 0.8, "without a place of their own", unplaced),
            (SOFT, 0.3, "soft macros and cells", soft),
        )
        if count
    ]
    if ports:
        dot = Line2D([], [], marker="o", color="none", markerfacecolor="#111111", markersize=4)
        dot.set_label(f"ports ({ports:,})")
        marks.append(dot)
    if marks:
        ax.legend(
            handles=marks,
            loc="lower left",
            bbox_to_anchor=(0.0, 1.0),
            ncols=len(marks),
            frameon=False,
            fontsize=7.5,
            labelcolor=INK,
            handlelength=1.2,
            columnspacing=1.2,
        )


def _fill(ax: Axes, problem: Problem, start: Placement, soft: npt.NDArray[np.int32]) -> None:
    nl, cv = problem.netlist, problem.canvas
    area = nl.node_w_um[soft] * nl.node_h_um[soft]
    grid, _, _ = np.histogram2d(
        start.y_um[soft],
        start.x_um[soft],
        bins=_SPOTS,
        range=((0.0, cv.height_um), (0.0, cv.width_um)),
        weights=area,
    )
    share = grid / (cv.width_um * cv.height_um / _SPOTS**2)
    ax.imshow(
        share,
        origin="lower",
        extent=(0.0, cv.width_um, 0.0, cv.height_um),
        cmap="Greys",
        vmin=0.0,
        vmax=max(2.0 * float(np.median(share[share > 0])) if (share > 0).any() else 1.0, 1e-9),
        alpha=0.55,
        interpolation="nearest",
        zorder=2,
    )


def _heaped(problem: Problem) -> npt.NDArray[np.bool_]:
    """Return (H,) the hard macros that share one point with half of all: they have no place of their own."""
    nl, start = problem.netlist, problem.initial
    at = np.stack([start.x_um[nl.hard], start.y_um[nl.hard]], axis=1)
    if len(at) == 0:
        return np.zeros(0, np.bool_)
    _, spot, count = np.unique(at, axis=0, return_inverse=True, return_counts=True)
    often = count[spot.reshape(-1)]
    return (often > 1) & (2 * often >= len(at)) & ~problem.fixed[nl.hard]


def _shelves(problem: Problem, ids: npt.NDArray[np.int32]) -> Placement:
    """Return an arrangement of hard macros to the right of the canvas, row upon row."""
    nl, cv = problem.netlist, problem.canvas
    order = ids[np.argsort(-nl.node_h_um[ids], kind="stable")]
    x, y = np.zeros(nl.num_nodes), np.zeros(nl.num_nodes)
    gap = 0.02 * max(cv.width_um, cv.height_um)
    left, bottom, tall, across = cv.width_um + 2 * gap, 0.0, 0.0, 0.0
    for i in order.tolist():
        w, h = float(nl.node_w_um[i]), float(nl.node_h_um[i])
        if across and across + w > cv.width_um:
            across, bottom, tall = 0.0, bottom + tall + gap / 2, 0.0
        x[i], y[i] = left + across + w / 2, bottom + h / 2
        across, tall = across + w + gap / 2, max(tall, h)
    zeros = np.zeros(nl.num_nodes, np.uint8)
    return Placement(x, y, zeros, np.ones(nl.num_nodes, np.bool_))


def _rectangles(problem: Problem, place: Placement, ids: npt.NDArray[np.int32]) -> list[Any]:
    from matplotlib.patches import Rectangle

    nl = problem.netlist
    w, h = oriented_size_um(nl.node_w_um[ids], nl.node_h_um[ids], place.orient[ids])
    x, y = place.x_um[ids] - w / 2, place.y_um[ids] - h / 2
    return [Rectangle((x[i], y[i]), w[i], h[i]) for i in range(len(ids))]


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def _histogram(ax: Axes, label: str, counted: str, spread: Spread, colour: str) -> None:
    rows = bins(spread.histogram)
    if not rows:
        ax.set_title(f"no {counted}", fontsize=9, color=INK, loc="left")
        ax.set_axis_off()
        return
    ax.bar(range(len(rows)), [n for _, n in rows], color=colour, width=0.85)
    ax.set_xticks(range(len(rows)), [name for name, _ in rows], rotation=60, ha="right")
    if max(n for _, n in rows) > 20:
        ax.set_yscale("log")
        ax.set_ylim(bottom=0.7)
    plain(ax, label, counted)
    ax.set_title(f"mean {spread.mean:.3g}, most {spread.largest:,}", fontsize=9, color=INK, loc="left")


def _sizes(ax: Axes, sizes: tuple[SizeGroup, ...], hard_um2: float) -> None:
    """Bars of the share of the hard macro area that macros of each size take."""
    shown = sizes[:_SIZES_SHOWN]
    rest = sizes[_SIZES_SHOWN:]
    if not sizes:
        ax.set_title("no hard macros", fontsize=9, color=INK, loc="left")
        ax.set_axis_off()
        return
    share = [100 * g.area_um2 / hard_um2 for g in shown]
    names = [f"{g.count:,} x {_short(g.label)}\n{g.width_um:.4g} x {g.height_um:.4g} um" for g in shown]
    if rest:
        share.append(100 * sum(g.area_um2 for g in rest) / hard_um2)
        names.append(f"{sum(g.count for g in rest):,} of {len(rest):,}\nother sizes")
    ax.barh(range(len(share)), share, color=[ORANGE] * len(shown) + [FAINT] * bool(rest), height=0.75)
    ax.set_yticks(range(len(share)), names)
    ax.set_ylim(max(len(share), 4) - 0.5, -0.5)
    plain(ax, "share of hard macro area (%)", "")
    ax.grid(visible=False, axis="y")
    ax.tick_params(axis="y", labelsize=6.5)
    ax.set_title(
        f"hard macros of {len(sizes):,} size{'' if len(sizes) == 1 else 's'}", fontsize=9, color=INK, loc="left"
    )


def _short(text: str) -> str:
    return text if len(text) <= _BAR_LABEL else "…" + text[-_BAR_LABEL + 1 :]


def _rent(ax: Axes, found: Inspection) -> None:
    rent = found.rent
    plain(ax, "nodes of a block", "terminals of a block")
    if rent is None:
        ax.set_title("Rent's exponent: not measured", fontsize=9, color=INK, loc="left")
        ax.set_axis_off()
        return
    nodes = [v.nodes for v in rent.levels]
    ax.scatter(nodes, [v.terminals for v in rent.levels], s=18, color=RED, zorder=3)
    ends: F64 = np.array([min(nodes), max(nodes)])
    ax.plot(ends, rent.coefficient * ends**rent.exponent, color=INK, linewidth=1.0)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_title(f"Rent's exponent {rent.exponent:.3f} (R2 {rent.r2:.3f})", fontsize=9, color=INK, loc="left")
