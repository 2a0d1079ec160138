"""Pictures of a placement, of its cost maps and of a training run.

Colours are those of Okabe and Ito's palette ("Color Universal Design"), one more and a grey, and Matplotlib's cividis;
they stay distinct for colour-blind readers. No window is opened and no global Matplotlib state is touched.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from floorplan.figure_style import BLUE, FAINT, GREEN, INK, ORANGE, PINK, RED, SKY, SOFT, frameless, save
from floorplan.geometry import oriented_size_um
from floorplan.netlist import Netlist, Placement, Problem, check_legality
from floorplan.report.groups import group_macros

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from floorplan.cost import CostMaps

__all__ = [
    "MAX_LINES",
    "MAX_SOFT",
    "PALETTE",
    "curves_figure",
    "draw_cloud",
    "maps_figure",
    "placement_figure",
    "series",
    "write_curves_png",
    "write_maps_png",
    "write_placement_png",
]

F64 = npt.NDArray[np.float64]

PALETTE = (BLUE, ORANGE, GREEN, PINK, SKY, RED, "#F0E442", "#882255", "#7F7F7F")
_PORT = "#111111"
_WRONG = "#D40000"
_LONG_SIDE_IN = 7.4
_CLOUD = 512

MAX_LINES = 256
"""Lines of the grid that are drawn; more would be a tint."""

MAX_SOFT = 20_000
"""Soft macros and cells that are drawn one by one; more are shaded."""


def write_placement_png(path: str | Path, problem: Problem, placement: Placement, title: str | None = None) -> None:
    """Write a PNG of `placement_figure`, replacing `path` in one step."""
    save(Path(path), placement_figure(problem, placement, title), kind="png")


def write_maps_png(
    path: str | Path, problem: Problem, placement: Placement, maps: CostMaps, title: str | None = None
) -> None:
    """Write a PNG of `maps_figure`, replacing `path` in one step."""
    save(Path(path), maps_figure(problem, placement, maps, title), kind="png")


def write_curves_png(path: str | Path, rows: Sequence[Mapping[str, object]], title: str | None = None) -> None:
    """Write a PNG of `curves_figure`, replacing `path` in one step."""
    save(Path(path), curves_figure(rows, title), kind="png")


def placement_figure(problem: Problem, placement: Placement, title: str | None = None) -> Figure:
    """Draw where everything stands.

    Hard macros are coloured by the group their names put them in, soft macros are translucent, ports are dots, and
    hard macros that break a rule are outlined in red. Unplaced nodes are left out.

    Args:
        problem: canvas and netlist.
        placement: of all N nodes.
        title: the first line is set as a heading, further lines below it in small type (the cost, for example).
    """
    from matplotlib.collections import LineCollection, PatchCollection
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch, Rectangle

    nl, canvas = problem.netlist, problem.canvas
    verdict = check_legality(problem, placement)
    wrong = {nl.node_id[name] for v in verdict.violations for name in v.nodes if v.kind != "unplaced"}
    fig, ax = _canvas_axes(problem, placement)

    for b in problem.blockages:
        ax.add_patch(
            Rectangle(
                (b.x0_um, b.y0_um),
                b.x1_um - b.x0_um,
                b.y1_um - b.y0_um,
                facecolor="none",
                edgecolor=SOFT,
                hatch="////",
                linewidth=0.0,
                zorder=1,
            )
        )
    if canvas.columns + canvas.rows <= MAX_LINES:
        lines = [[(x, 0.0), (x, canvas.height_um)] for x in np.linspace(0, canvas.width_um, canvas.columns + 1)]
        lines += [[(0.0, y), (canvas.width_um, y)] for y in np.linspace(0, canvas.height_um, canvas.rows + 1)]
        ax.add_collection(LineCollection(lines, colors=FAINT, linewidths=0.35, zorder=0.5))

    handles: list[Any] = []
    soft = nl.soft[placement.placed[nl.soft]]
    if len(soft) > MAX_SOFT:
        draw_cloud(ax, problem, placement, soft)
    elif len(soft):
        ax.add_collection(
            PatchCollection(
                _rectangles(nl, placement, soft),
                facecolor=_with_alpha(SOFT, 0.16),
                edgecolors=[_WRONG if i in wrong else _with_alpha(SOFT, 0.25) for i in soft.tolist()],
                linewidths=[0.9 if i in wrong else 0.3 for i in soft.tolist()],
                zorder=2,
            )
        )
    if len(soft):
        handles.append(Patch(facecolor=SOFT, alpha=0.3, label=f"soft macros ({len(soft)})"))

    hard = nl.hard[placement.placed[nl.hard]]
    groups = group_macros([nl.node_name[i] for i in hard.tolist()], limit=len(PALETTE))
    hard_handles = []
    for group, colour in zip(groups, PALETTE, strict=False):
        ids = hard[list(group.members)]
        edges = [_WRONG if i in wrong else INK for i in ids.tolist()]
        widths = [1.3 if i in wrong else 0.5 for i in ids.tolist()]
        ax.add_collection(
            PatchCollection(
                _rectangles(nl, placement, ids),
                facecolor=_with_alpha(colour, 0.82),
                edgecolors=edges,
                linewidths=widths,
                zorder=3,
            )
        )
        hard_handles.append(Patch(facecolor=colour, edgecolor=INK, linewidth=0.5, label=f"{group.label} ({len(ids)})"))
    handles = hard_handles + handles

    ports = nl.ports[placement.placed[nl.ports]]
    if len(ports):
        dot = float(np.clip(60.0 / math.sqrt(len(ports)), 1.0, 9.0))
        ax.scatter(placement.x_um[ports], placement.y_um[ports], s=dot, c=_PORT, linewidths=0, zorder=4, clip_on=False)
        handles.append(
            Line2D([], [], marker="o", color="none", markerfacecolor=_PORT, markersize=4, label=f"ports ({len(ports)})")
        )
    if wrong:
        handles.append(Patch(facecolor="none", edgecolor=_WRONG, linewidth=1.3, label=f"illegal ({len(wrong)})"))
    if handles:
        legend = ax.legend(
            handles=handles,
            loc="upper left",
            bbox_to_anchor=(1.015, 1.0),
            frameon=False,
            fontsize=8,
            labelcolor=INK,
            handlelength=1.3,
            handleheight=1.1,
            borderaxespad=0.0,
        )
        for text in legend.get_texts():
            text.set_parse_math(False)  # names of netlists are no formulas
    _heading(ax, title)
    return fig


def maps_figure(
    problem: Problem,
    placement: Placement,
    maps: CostMaps,
    title: str | None = None,
    which: Sequence[str] = ("density", "h", "v"),
) -> Figure:
    """Draw the density and the horizontal and vertical congestion of every grid cell, hard macros outlined.

    The two congestion maps share one scale, so that they can be compared; 1.0 means full. `which` chooses among
    density, h and v.
    """
    from matplotlib.collections import PatchCollection
    from matplotlib.figure import Figure

    nl, canvas = problem.netlist, problem.canvas
    hard = nl.hard[placement.placed[nl.hard]]
    tall = 3.9 * min(1.6, max(0.4, canvas.height_um / canvas.width_um))
    fig = Figure(figsize=(4.4 * len(which), tall))
    places = {"left": 0, "right": 1, "bottom": 0, "top": 1, "wspace": 0.13}
    axes = fig.subplots(1, len(which), gridspec_kw=places, squeeze=False)[0]
    top = max(float(maps.h.max()), float(maps.v.max()), 1e-12)
    panels = {
        "density": ("density", maps.density, float(max(maps.density.max(), 1e-12))),
        "h": ("horizontal congestion", maps.h, top),
        "v": ("vertical congestion", maps.v, top),
    }
    for ax, (name, values, high) in zip(axes, [panels[w] for w in which], strict=True):
        image = ax.imshow(
            values,
            origin="lower",
            extent=(0.0, canvas.width_um, 0.0, canvas.height_um),
            cmap="cividis",
            vmin=0.0,
            vmax=high,
            interpolation="nearest",
            aspect="equal",
        )
        ax.add_collection(
            PatchCollection(
                _rectangles(nl, placement, hard), facecolor="none", edgecolor="white", linewidth=0.4, alpha=0.65
            )
        )
        ax.set_xlim(0, canvas.width_um)
        ax.set_ylim(0, canvas.height_um)
        ax.set_title(f"{name}: mean {values.mean():.3f}, largest {values.max():.3f}", fontsize=9, color=INK, loc="left")
        _plain_axes(ax, "x (\u00b5m)", "y (\u00b5m)" if ax is axes[0] else "")
        ax.tick_params(labelleft=ax is axes[0])
        bar = fig.colorbar(image, ax=ax, fraction=0.046, pad=0.02)
        bar.ax.tick_params(labelsize=7, color=SOFT, labelcolor=INK)
        bar.outline.set_visible(False)
    if title:
        axes[0].annotate(
            title,
            (0, 1),
            xycoords="axes fraction",
            xytext=(0, 26),
            textcoords="offset points",
            fontsize=11,
            color=INK,
            fontweight="bold",
            parse_math=False,
        )
    return fig


def curves_figure(rows: Sequence[Mapping[str, object]], title: str | None = None) -> Figure:
    """Draw how a training run went, from the rows of its metrics.jsonl.

    Read are `episodes` (or `step`), `best_proxy`, `mean_proxy`, `entropy`, `explained_variance` and `episodes_per_s`;
    what a row lacks, or holds as null, is left out of its line. No rows give empty axes.
    """
    from matplotlib.figure import Figure

    fig = Figure(figsize=(10.5, 6.2), layout="constrained")
    axes = fig.subplots(2, 2)
    x_key = "episodes" if any("episodes" in row for row in rows) else "step"
    panels: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
        (
            "proxy cost",
            (("mean_proxy", "mean of an iteration", PALETTE[4]), ("best_proxy", "best so far", PALETTE[0])),
        ),
        ("entropy of the policy (nats)", (("entropy", "entropy", PALETTE[2]),)),
        ("explained variance of the value", (("explained_variance", "explained variance", PALETTE[1]),)),
        ("speed (episodes/s)", (("episodes_per_s", "episodes/s", PALETTE[3]),)),
    )
    for ax, (name, lines) in zip(axes.flat, panels, strict=True):
        for key, label, colour in lines:
            xs, ys = series(rows, x_key, key)
            if len(ys) == 0:
                continue
            marker = "o" if len(ys) <= 20 else None
            ax.plot(
                xs, ys, color=colour, linewidth=1.7, marker=marker, markersize=3.5, label=label, solid_capstyle="round"
            )
            if key in ("best_proxy", "mean_proxy"):
                ax.annotate(
                    f"{ys[-1]:.4f}",
                    (xs[-1], ys[-1]),
                    xytext=(5, 0),
                    textcoords="offset points",
                    fontsize=8,
                    color=colour,
                    va="center",
                    annotation_clip=False,
                )
        if name == "explained variance of the value":
            ax.set_ylim(max(-1.0, min(ax.get_ylim()[0], -0.02)), 1.02)
        if name.startswith("speed"):
            ax.set_ylim(bottom=0.0)
        ax.set_title(name, fontsize=9.5, color=INK, loc="left")
        _plain_axes(ax, x_key, "")
        ax.grid(axis="y", color=FAINT, linewidth=0.5)
        ax.set_axisbelow(True)
        if len(lines) > 1 and ax.lines:
            ax.legend(frameon=False, fontsize=8, labelcolor=INK)
    if title:
        fig.suptitle(title, fontsize=11, color=INK, x=0.01, ha="left", fontweight="bold", parse_math=False)
    return fig


def series(rows: Sequence[Mapping[str, object]], x_key: str, y_key: str) -> tuple[F64, F64]:
    """Return the pairs of two keys in all rows that have a finite number for both, as (K,) and (K,)."""
    points = [
        (float(x), float(y))
        for row in rows
        if isinstance(x := row.get(x_key), int | float) and isinstance(y := row.get(y_key), int | float)
    ]
    array = np.array(points, np.float64).reshape(-1, 2)
    array = array[np.isfinite(array).all(axis=1)]
    return array[:, 0], array[:, 1]


def _canvas_axes(problem: Problem, placement: Placement) -> tuple[Figure, Axes]:
    """Return a figure whose axes fill it, in the canvas' proportions; nodes outside the canvas stay visible."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    canvas, nl = problem.canvas, problem.netlist
    ids = np.flatnonzero(placement.placed)
    w, h = oriented_size_um(nl.node_w_um[ids], nl.node_h_um[ids], placement.orient[ids])
    x, y = placement.x_um[ids], placement.y_um[ids]
    x0, x1 = min(0.0, *(x - w / 2)), max(canvas.width_um, *(x + w / 2))
    y0, y1 = min(0.0, *(y - h / 2)), max(canvas.height_um, *(y + h / 2))
    margin = 0.012 * max(x1 - x0, y1 - y0)
    scale = _LONG_SIDE_IN / max(x1 - x0, y1 - y0)
    fig = Figure(figsize=(max(1.5, (x1 - x0) * scale), max(1.5, (y1 - y0) * scale)))
    ax = fig.add_axes((0.0, 0.0, 1.0, 1.0))
    ax.set_xlim(x0 - margin, x1 + margin)
    ax.set_ylim(y0 - margin, y1 + margin)
    ax.set_aspect("equal")
    ax.add_patch(
        Rectangle(
            (0, 0),
            canvas.width_um,
            canvas.height_um,
            facecolor="#FBFCFD",
            edgecolor=INK,
            linewidth=1.0,
            zorder=0.2,
        )
    )
    _plain_axes(ax, "x (\u00b5m)", "y (\u00b5m)")
    return fig, ax


def _plain_axes(ax: Axes, x_label: str, y_label: str) -> None:
    frameless(ax)
    ax.set_xlabel(x_label, fontsize=8, color=SOFT)
    ax.set_ylabel(y_label, fontsize=8, color=SOFT)


def draw_cloud(ax: Axes, problem: Problem, placement: Placement, ids: npt.NDArray[np.int32]) -> None:
    """Shade where very many soft macros or cells lie: one picture of their area instead of a shape each."""
    nl, cv = problem.netlist, problem.canvas
    longest = max(cv.width_um, cv.height_um)
    columns, rows = (max(1, round(_CLOUD * side / longest)) for side in (cv.width_um, cv.height_um))
    c = np.clip((placement.x_um[ids] / cv.width_um * columns).astype(int), 0, columns - 1)
    r = np.clip((placement.y_um[ids] / cv.height_um * rows).astype(int), 0, rows - 1)
    area = nl.node_w_um[ids] * nl.node_h_um[ids]
    grid = np.bincount(r * columns + c, weights=area, minlength=rows * columns).reshape(rows, columns)
    top = float(np.quantile(grid[grid > 0], 0.98)) if (grid > 0).any() else 1.0
    shade = np.zeros((rows, columns, 4))
    shade[..., :3] = [int(SOFT[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    shade[..., 3] = 0.55 * np.clip(grid / max(top, 1e-12), 0.0, 1.0)
    extent = (0.0, cv.width_um, 0.0, cv.height_um)
    ax.imshow(shade, origin="lower", extent=extent, interpolation="nearest", aspect="equal", zorder=2)


def _heading(ax: Axes, title: str | None) -> None:
    if not title:
        return
    first, _, rest = title.partition("\n")
    lines = rest.count("\n") + 1 if rest else 0
    ax.set_title(first, fontsize=11, color=INK, loc="left", fontweight="bold", pad=6 + 11 * lines, parse_math=False)
    if rest:
        ax.annotate(
            rest, (0, 1), xycoords="axes fraction", xytext=(0, 5), textcoords="offset points", fontsize=8.5, color=SOFT,
            parse_math=False,
        )  # fmt: skip


def _rectangles(nl: Netlist, placement: Placement, ids: npt.NDArray[np.int32]) -> list[Any]:
    from matplotlib.patches import Rectangle

    w, h = oriented_size_um(nl.node_w_um[ids], nl.node_h_um[ids], placement.orient[ids])
    x, y = placement.x_um[ids] - w / 2, placement.y_um[ids] - h / 2
    return [Rectangle((x[i], y[i]), w[i], h[i]) for i in range(len(ids))]


def _with_alpha(colour: str, alpha: float) -> tuple[float, float, float, float]:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue, alpha
