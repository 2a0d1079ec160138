"""Figures of a run by Matplotlib: the placement, its maps, how training went, what the cost is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from floorplan.cost import Cost, CostEngine, CostOptions
from floorplan.figure_style import FAINT, INK, SOFT, SUFFIXES, frameless, plain, save, title
from floorplan.report.curves import PANELS, RUN_COLOURS
from floorplan.report.figures import maps_figure, placement_figure, series
from floorplan.report.known_bound import bound_of
from floorplan.report.runs import Run, RunError
from floorplan.report.sections import PARTS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from floorplan.netlist import Placement, Problem

__all__ = ["WHAT", "cost_text", "figure_of", "placed_run", "write_plot"]

WHAT = ("placement", "density", "congestion", "curves", "cost")


def write_plot(path: Path, runs: Sequence[Run], what: str | None = None, heading: str | None = None) -> None:
    """Write one figure as PNG, SVG or PDF by suffix; equal runs give equal bytes.

    Args:
        path: of the figure, replaced in one step.
        runs: one; several only for `curves` and `cost`.
        what: one of `WHAT`; None takes the placement, or the curves of a run without one.
        heading: stands above it instead of the run's own name.

    Raises:
        RunError: the run holds no such thing.
    """
    save(path, figure_of(runs, what, heading))


def figure_of(runs: Sequence[Run], what: str | None = None, heading: str | None = None) -> Figure:
    """Return the figure that `write_plot` writes."""
    what = what or ("curves" if runs[0].placement is None and runs[0].metrics else "placement")
    if len(runs) > 1 and what not in ("curves", "cost"):
        raise RunError(f"a figure of the {what} shows one run; {len(runs)} are given (curves and cost take several)")
    draw: dict[str, Callable[[Sequence[Run], str | None], Figure]] = {
        "placement": _placement,
        "density": _maps,
        "congestion": _maps,
        "curves": _curves,
        "cost": _cost,
    }
    if what in ("density", "congestion"):
        return _maps(runs, heading, ("density",) if what == "density" else ("h", "v"))
    return draw[what](runs, heading)


def placed_run(run: Run) -> tuple[Problem, Placement]:
    """Return problem and placement of a run.

    Raises:
        RunError: it has none.
    """
    if run.problem is None or run.placement is None:
        why = "it is over many netlists" if run.problem is None else "it has found none yet"
        if "error" in dict(run.facts):
            why = f"it failed ({dict(run.facts)['error']})"
        raise RunError(f"{run.path}: no placement to draw: {why}")
    return run.problem, run.placement


def cost_text(cost: Cost, options: CostOptions) -> str:
    """Return the proxy with its parts and weights in one line."""
    parts = [f"{getattr(options.weights, n):g} x {n} {getattr(cost, n):.4f}" for n, _ in PARTS]
    return f"proxy {cost.proxy:.4f} = {' + '.join(parts)}"


def _placement(runs: Sequence[Run], heading: str | None) -> Figure:
    from floorplan.netlist import check_legality

    run = runs[0]
    problem, placement = placed_run(run)
    cost = CostEngine(problem, run.options).full(placement)
    verdict = "legal" if check_legality(problem, placement).legal else "ILLEGAL"
    return placement_figure(problem, placement, f"{heading or _name(run)}\n{cost_text(cost, run.options)} - {verdict}")


def _maps(runs: Sequence[Run], heading: str | None, which: Sequence[str] = ("density", "h", "v")) -> Figure:
    run = runs[0]
    problem, placement = placed_run(run)
    maps = CostEngine(problem, run.options).maps(placement)
    return maps_figure(problem, placement, maps, heading or _name(run), which)


def _curves(runs: Sequence[Run], heading: str | None) -> Figure:
    """Draw every panel that any run has figures for; the runs share panels, and without metrics their traces."""
    from matplotlib.figure import Figure

    panels: list[tuple[str, str, list[tuple[str, Any, Any, str, bool]]]] = []
    for name, _, keys in PANELS:
        lines = []
        for number, run in enumerate(runs):
            by = "episodes" if any("episodes" in row for row in run.metrics) else "step"
            for key, label, colour in keys if len(runs) == 1 else keys[-1:]:
                x, y = series(run.metrics, by, key)
                own = RUN_COLOURS[number % len(RUN_COLOURS)] if len(runs) > 1 else colour
                if len(x) > 1:
                    lines.append((run.title if len(runs) > 1 else label, x, y, own, key.startswith("best")))
        if lines:
            panels.append((name, "episodes", lines))
    traced = [r for r in runs if len(r.trace) > 1 and not r.metrics]
    if traced:
        lines = []
        for number, run in enumerate(traced):
            x, y = np.array([(p.seconds, p.proxy) for p in run.trace]).T
            lines.append((run.title if len(runs) > 1 else "best", x, y, RUN_COLOURS[number % len(RUN_COLOURS)], True))
        panels.append(("Best proxy cost over time", "wall clock (s)", lines))
    if not panels:
        raise RunError(
            f"{runs[0].path}: no curves to draw: there is neither a metrics.jsonl nor a trace with two points"
        )
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    fig = Figure(figsize=(5.4 * columns, 3.1 * rows + 0.3), layout="constrained")
    axes = fig.subplots(rows, columns, squeeze=False).ravel()
    for ax, (name, x_label, lines) in zip(axes, panels, strict=False):
        for label, x, y, colour, steps in lines:
            ax.plot(
                x,
                y,
                color=colour,
                linewidth=1.7,
                label=label.replace("$", r"\$"),
                drawstyle="steps-post" if steps else "default",
            )
            ax.annotate(
                f"{y[-1]:.4g}", (x[-1], y[-1]), xytext=(4, 0), textcoords="offset points", fontsize=7.5, color=colour,
                va="center", annotation_clip=False,
            )  # fmt: skip
        plain(ax, x_label, "")
        ax.set_title(name, fontsize=9.5, color=INK, loc="left")
        ax.margins(x=0.02)
        if any(label for label, *_ in lines) and len(lines) > 1:
            ax.legend(frameon=False, fontsize=8, labelcolor=INK)
    for ax in axes[len(panels) :]:
        ax.set_visible(False)
    _title(fig, heading or (_name(runs[0]) if len(runs) == 1 else "Curves"))
    return fig


def _cost(runs: Sequence[Run], heading: str | None) -> Figure:
    """Draw the weighted parts of the proxy as bars end to end, a bar a run, with the lower bound where it is known."""
    from matplotlib.figure import Figure

    hashes = {placed_run(run)[0].netlist.content_hash for run in runs}
    if len(hashes) > 1:
        raise RunError(f"these runs place {len(hashes)} different netlists: their costs cannot be compared")
    if len({run.options for run in runs}) > 1:
        raise RunError("these runs were costed by different weights; --weights costs all of them alike")
    fig = Figure(figsize=(8.8, 1.5 + 0.6 * len(runs)), layout="constrained")
    ax = fig.subplots()
    top, said = 0.0, -1.0
    for row, run in enumerate(runs):
        problem, placement = placed_run(run)
        cost = CostEngine(problem, run.options).full(placement)
        at = 0.0
        for name, colour in PARTS:
            part = getattr(cost, name) * getattr(run.options.weights, name)
            ax.barh(row, part, left=at, height=0.6, color=colour, label=name if row == 0 else None)
            if part > 0.07 * cost.proxy:
                ink = INK if name == "density" else "white"
                ax.text(at + part / 2, row, f"{part:.4f}", ha="center", va="center", fontsize=7.5, color=ink)
            at += part
        on_page = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}  # over lines of the grid
        ax.annotate(
            f"{cost.proxy:.4f}", (at, row), xytext=(7, 0), textcoords="offset points", va="center", fontsize=9,
            color=INK, fontweight="bold", bbox=on_page,
        )  # fmt: skip
        top = max(top, at)
        bound = bound_of(run, compute=False)
        if bound is not None:
            ax.plot([bound.proxy] * 2, [row - 0.4, row + 0.4], color=INK, linewidth=1.8)
            if bound.proxy != said:
                label = f"lower bound {bound.proxy:.4f}"
                ax.text(bound.proxy, row - 0.42, label, fontsize=7.5, color=SOFT, ha="center", va="bottom")
                said = bound.proxy
    frameless(ax)
    ax.set_yticks(range(len(runs)), [r.title for r in runs])
    for text in ax.get_yticklabels():
        text.set_parse_math(False)
    ax.tick_params(axis="y", length=0, labelsize=8.5, labelcolor=INK)
    ax.set_xlim(0, 1.12 * top if top else 1.0)
    ax.set_ylim(len(runs) - 0.5, -0.75)
    ax.set_xlabel("weighted parts of the proxy cost", fontsize=8, color=SOFT)
    ax.grid(axis="x", color=FAINT, linewidth=0.4)
    ax.set_axisbelow(True)
    fig.legend(frameon=False, fontsize=8, labelcolor=INK, loc="outside upper right", ncols=3)
    _title(fig, heading or runs[0].design)
    return fig


def _title(fig: Figure, text: str) -> None:
    """Head the figure; names of netlists are no formulas."""
    title(fig, text.replace("$", r"\$"))


def _name(run: Run) -> str:
    return run.design if run.title == run.design else f"{run.design}: {run.title}"


def check_suffix(path: Path) -> None:
    """Check that a figure can be written under this name.

    Raises:
        RunError: its suffix is none of PNG, SVG and PDF.
    """
    if path.suffix not in SUFFIXES:
        raise RunError(f"{path}: figures are written as {', '.join(SUFFIXES)}, animations as .gif, .mp4")
