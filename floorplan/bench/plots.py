"""Convergence plots: the best proxy over seconds and over proposals, a line for each agent."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from floorplan.bench.table import Group, Section, budget_parts, budget_text
from floorplan.bench.trace import Point, read_trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Curve", "convergence_png", "convergence_svg", "curves"]

F64 = npt.NDArray[np.float64]

# Okabe and Ito's palette, two more and a grey: all stand out on white and on black. Yellow is left out: a thin line
# of it cannot be seen.
_PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#999933", "#9467BD", "#7F7F7F")
_INK = "#1f2933"
_FAINT = "#d5dce4"
_MUTED = "#5b6b7b"
_POINTS = 200
_AXES = (("seconds", "seconds"), ("proposals", "proposals"))

_LEAST = {"seconds": 1e-2, "proposals": 1.0}
"""Where a logarithmic axis begins; what came before stands there."""


@dataclass(frozen=True)
class Curve:
    """One agent over one axis: median and range over the seeds, from where all of them have a placement.

    Attributes:
        label: of the agent and its budget.
        x: (K,) seconds or proposals, rising.
        median: (K,) best proxy so far.
        low: (K,) of the best seed.
        high: (K,) of the worst.
    """

    label: str
    x: F64
    median: F64
    low: F64
    high: F64


def curves(section: Section, folder: Path, axis: str) -> list[Curve]:
    """Return the curves over `axis` (`seconds` or `proposals`), each of the agent's longest budget.

    Illegal results are left out; so are runs whose trace is missing or damaged.
    """
    out = []
    for group in _longest(section):
        runs = []
        for row in group.rows:
            if row.legal and row.trace_file is not None:
                try:
                    points = read_trace(folder / row.trace_file)
                except (OSError, ValueError, KeyError, TypeError):
                    continue
                if points:
                    runs.append(points)
        if runs:
            out.append(_curve(f"{group.label}, {budget_text(group.budget)}", runs, axis))
    return out


def convergence_png(section: Section, folder: Path) -> bytes:
    """Return the figure of a section as PNG."""
    buffer = io.BytesIO()
    _figure(section, folder).savefig(buffer, format="png", dpi=150, facecolor="white")
    return buffer.getvalue()


def convergence_svg(section: Section, folder: Path, ident: str) -> str:
    """Return the figure as SVG to stand inside HTML: its greys are the page's `--ink`, `--muted` and `--faint`.

    Args:
        section: what to draw.
        folder: of results.
        ident: makes the ids in this figure differ from those of other figures on the page.
    """
    import matplotlib as mpl

    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": ident}):
        figure = _figure(section, folder)
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'\bid="([^"]+)"', rf'id="{ident}-\1"', text)
    text = re.sub(r'href="#([^"]+)"', rf'href="#{ident}-\1"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{ident}-\1)", text)
    for colour, name in ((_INK, "ink"), (_FAINT, "faint"), (_MUTED, "muted")):
        text = text.replace(colour, f"var(--{name})")
    return text


def _longest(section: Section) -> list[Group]:
    """Return one group for each agent: its longest budget, one in seconds if it has any."""
    chosen: dict[str, Group] = {}
    for group in section.groups:
        kind, amount = budget_parts(group.budget)
        rank = (group.legal > 0, kind == "s", amount)
        old = chosen.get(group.label)
        if old is not None:
            old_kind, old_amount = budget_parts(old.budget)
            if (old.legal > 0, old_kind == "s", old_amount) >= rank:
                continue
        chosen[group.label] = group
    return list(chosen.values())


def _curve(label: str, runs: Sequence[Sequence[Point]], axis: str) -> Curve:
    xs = [np.maximum.accumulate([max(float(getattr(p, axis)), _LEAST[axis]) for p in run]) for run in runs]
    # the best so far, but the last point is the verified result and stands as it is
    ys = [np.array([*np.minimum.accumulate([p.proxy for p in run])[:-1], run[-1].proxy]) for run in runs]
    begin, end = max(x[0] for x in xs), max(x[-1] for x in xs)
    grid = np.geomspace(begin, end, _POINTS) if end > begin else np.array([end])
    grid[0], grid[-1] = begin, end
    at = np.array([y[np.searchsorted(x, grid, side="right") - 1] for x, y in zip(xs, ys, strict=True)])
    return Curve(label, grid, np.median(at, axis=0), at.min(axis=0), at.max(axis=0))


def _figure(section: Section, folder: Path) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.6, 4.7), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    colours: dict[str, str] = {}
    for group in section.groups:
        colours.setdefault(group.label, _PALETTE[len(colours) % len(_PALETTE)])
    extent: list[float] = []
    for ax, (axis, title) in zip(axes, _AXES, strict=True):
        drawn = curves(section, folder, axis)
        for curve in drawn:
            colour = colours[curve.label.rpartition(", ")[0]]
            label = curve.label if ax is axes[0] else None
            ax.plot(curve.x, curve.median, color=colour, linewidth=1.8, drawstyle="steps-post", label=label)
            ax.fill_between(curve.x, curve.low, curve.high, step="post", color=colour, alpha=0.16, linewidth=0)
            extent += [float(curve.low.min()), float(curve.high[0])]
        for group in section.groups:
            x = group.wall_s if axis == "seconds" else group.proposals
            if group.proxy is not None and x:
                at = max(x, _LEAST[axis])
                ax.plot([at], [group.proxy], "o", color=colours[group.label], markersize=5.5, zorder=4,
                        markeredgecolor="white", markeredgewidth=0.8)  # fmt: skip
                extent.append(group.proxy)
        _style(ax, title)
    axes[0].set_ylabel("proxy cost, best so far", color=_INK)
    _limits(axes, extent, section)
    figure.suptitle(_plain(f"{section.design}: median and range over seeds; dots: mean result of each budget"),
                    x=0.01, ha="left", fontsize=11, color=_INK)  # fmt: skip
    handles, labels = axes[0].get_legend_handles_labels()
    if handles:
        columns = min(len(handles), 4)
        legend = figure.legend(handles, [_plain(t) for t in labels], loc="outside lower left", ncols=columns,
                               frameon=False, fontsize=9)  # fmt: skip
        for text in legend.get_texts():
            text.set_color(_INK)
    return figure


def _style(ax: Axes, title: str) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    ax.set_xscale("log")
    ax.set_xlabel(title, color=_INK)
    ax.xaxis.set_major_formatter(FuncFormatter(_tick))
    low, high = ax.dataLim.intervalx
    decades = math.log10(high / low) if 0 < low < high else 0.0
    ax.xaxis.set_minor_formatter(FuncFormatter(_minor_tick) if decades < 2 else NullFormatter())
    ax.grid(True, color=_FAINT, linewidth=0.7)
    ax.set_axisbelow(True)
    ax.tick_params(colors=_MUTED, labelcolor=_INK, labelsize=9, which="both")
    ax.tick_params(axis="x", which="minor", length=2.0, pad=5.0)  # labels in line with those of the longer ticks
    for side, spine in ax.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(_MUTED)


def _limits(axes: Any, extent: Sequence[float], section: Section) -> None:
    """Frame the curves; the levels they are measured against come in unless they would press the curves flat."""
    if not extent:
        return
    # Where a search begins says little: what matters is where the results lie, and the descent just above them.
    results = [g.proxy for g in section.groups if g.proxy is not None]
    low, worst = min(extent), max(results, default=max(extent))
    high = min(max(extent), worst + max(0.6 * (worst - low), 0.05 * worst))
    span = max(high - low, 0.02 * high)
    extent = [low, high]
    levels = [
        (p, _MUTED, (0, (5, 3)), f"certified lower bound {p:.4f}") for p in [section.bound.proxy] if p is not None
    ]
    claims = [p for p in section.published if p.legal is not False]
    if claims:
        best = min(claims, key=lambda p: p.proxy)
        levels.append((best.proxy, _INK, (0, (1, 2)), f"best published {best.proxy:.4g}"))
    missing = []
    for level, colour, dashes, text in levels:
        if not low - 1.5 * span < level < high + 0.5 * span:
            missing.append(f"{text}: {'below' if level < low else 'above'} this picture")
            continue
        extent = [*extent, level]
        for ax in axes:
            ax.axhline(level, color=colour, linestyle=dashes, linewidth=1.3, label=text if ax is axes[0] else None)
    bottom, top = min(extent), max(extent)
    room = 0.06 * max(top - bottom, 0.02 * top)
    axes[0].set_ylim(bottom - room * (1 + len(missing)), top + room)
    if missing:
        axes[0].text(0.99, 0.015, "\n".join(missing), ha="right", va="bottom",
                     transform=axes[0].transAxes, fontsize=8.5, color=_MUTED)  # fmt: skip


def _tick(value: float, _: object) -> str:
    if value >= 1000:
        power = min(int(math.log10(value) + 1e-9) // 3, 3)
        return f"{value / 1000**power:g}{('', 'k', 'M', 'G')[power]}"
    return f"{value:g}"


def _minor_tick(value: float, position: object) -> str:
    """Label 2 and 5 times a power of ten only."""
    lead = value / 10 ** math.floor(math.log10(value) + 1e-9)
    return _tick(value, position) if round(lead, 6) in (2, 5) else ""


def _plain(text: str) -> str:
    """Return text in which Matplotlib sees no formula."""
    return text.replace("$", r"\$")
