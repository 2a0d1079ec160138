"""Pictures of an estimate: which buses cost joules, which are critical, and how warm it gets, as PNG files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from floorplan.estimate.length import pin_positions_um, terminals
from floorplan.figure_style import BLUE, FAINT, GREEN, INK, ORANGE, PINK, RED, SKY, SOFT, frameless, save
from floorplan.geometry import oriented_size_um

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from floorplan.estimate.results import Estimate
    from floorplan.netlist import Placement, Problem

__all__ = ["write_estimate_figures"]

_PALETTE = (BLUE, ORANGE, GREEN, PINK, SKY, RED, "#7F7F7F")
_DPI = 120
_SHOWN = 15


def write_estimate_figures(
    folder: str | Path, problem: Problem, placement: Placement, estimate: Estimate
) -> list[Path]:
    """Draw `energy.png`, `nets.png`, `critical.png` and `temperature.png` into a folder and return their paths.

    Raises:
        OSError: a file cannot be written.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    drawn = {
        "energy.png": _energy(estimate),
        "nets.png": _net_map(problem, placement, estimate),
        "critical.png": _critical(problem, placement, estimate),
        "temperature.png": _temperature(problem, placement, estimate),
    }
    for name, figure in drawn.items():
        save(target / name, figure, _DPI, tight=False)
    return [target / name for name in drawn]


def _energy(estimate: Estimate) -> Figure:
    """Bars of J per token by part with their error bars, and the nets that cost most."""
    from matplotlib.figure import Figure

    fig = Figure(figsize=(11.0, 4.4), layout="constrained")
    left, right = fig.subplots(1, 2)
    names = list(estimate.parts)
    values = np.array([estimate.parts[n].value for n in names])
    low = np.array([estimate.parts[n].low for n in names])
    high = np.array([estimate.parts[n].high for n in names])
    bars = np.nan_to_num(np.stack([values - low, high - values])).clip(0)
    left.bar(names, values, color=_PALETTE, yerr=bars, ecolor=SOFT, capsize=3)
    q = estimate.quantities["j_per_token"]
    left.set_title(
        f"J per token: {q.value:.4g} ({q.low:.3g} to {q.high:.3g}, 5 to 95 %)", fontsize=9, color=INK, loc="left"
    )
    rows = estimate.nets.ranking(_SHOWN)[::-1]
    right.barh([f"{r['source']} #{r['net']}" for r in rows], [r["j_per_token"] for r in rows], color=_PALETTE[0])
    right.set_title("wire energy of the costliest nets (J per token)", fontsize=9, color=INK, loc="left")
    for ax in (left, right):
        frameless(ax)
    fig.suptitle(f"{estimate.load}, {estimate.technology}", fontsize=10, color=INK, x=0.01, ha="left")
    return fig


def _net_map(problem: Problem, placement: Placement, estimate: Estimate) -> Figure:
    """A line from each net's source to its sinks, darker and wider the more joules the net costs."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.collections import LineCollection
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

    fig = Figure(figsize=(8.2, 7.0), layout="constrained")
    ax = fig.subplots()
    _outlines(ax, problem, placement)
    j = estimate.nets.j_per_token
    order = np.argsort(j, kind="stable")[-600:]
    most = float(j.max()) or 1.0
    norm = Normalize(0.0, most)
    lines_of = np.repeat(order, np.diff(problem.netlist.net_ptr)[order] - 1)
    share = j[lines_of] / most
    colours = colormaps["cividis_r"](share)
    colours[:, 3] = 0.12 + 0.88 * np.sqrt(share)
    ax.add_collection(LineCollection(_stars(problem, placement, order), colors=colours, linewidths=0.3 + 2.2 * share))
    bar = fig.colorbar(ScalarMappable(norm, "cividis_r"), ax=ax, fraction=0.046, pad=0.02)
    bar.ax.tick_params(labelsize=7)
    ax.set_title("wire energy of each net (J per token)", fontsize=10, color=INK, loc="left")
    return fig


def _critical(problem: Problem, placement: Placement, estimate: Estimate) -> Figure:
    """The buses with the least slack, and those with most pipeline registers."""
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

    fig = Figure(figsize=(8.2, 7.0), layout="constrained")
    ax = fig.subplots()
    _outlines(ax, problem, placement)
    least = np.array([r["net"] for r in estimate.nets.critical(_SHOWN)], np.int64)
    most = np.argsort(-estimate.nets.stages, kind="stable")[:_SHOWN]
    for nets, colour, label in ((most, _PALETTE[1], "most registers"), (least, _PALETTE[5], "least slack")):
        ax.add_collection(LineCollection(_stars(problem, placement, nets), colors=colour, linewidths=1.3, label=label))
    ax.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    q = estimate.quantities
    ax.set_title(
        f"critical buses: WNS {q['wns_ps'].value:.4g} ps, clock {q['clock_ghz'].value:.4g} GHz, at most "
        f"{estimate.nets.stages.max():.0f} registers",
        fontsize=10,
        color=INK,
        loc="left",
    )
    return fig


def _temperature(problem: Problem, placement: Placement, estimate: Estimate) -> Figure:
    from matplotlib.figure import Figure

    canvas, heat = problem.canvas, estimate.heat
    fig = Figure(figsize=(12.0, 5.2), layout="constrained")
    area_mm2 = canvas.width_um * canvas.height_um * 1e-6 / heat.power_w.size
    panels = (
        (f"temperature: {heat.mean_c:.1f} mean, {heat.max_c:.1f} max (degC)", heat.temperature_c),
        ("power density (W/mm2)", (heat.power_w + heat.leakage_w) / area_mm2),
    )
    for ax, (title, values) in zip(fig.subplots(1, 2), panels, strict=True):
        extent = (0.0, canvas.width_um, 0.0, canvas.height_um)
        image = ax.imshow(values, origin="lower", extent=extent, cmap="cividis", interpolation="nearest")
        _outlines(ax, problem, placement, "white", 0.5)
        ax.set_title(title, fontsize=9.5, color=INK, loc="left")
        fig.colorbar(image, ax=ax, fraction=0.046, pad=0.02).ax.tick_params(labelsize=7)
    return fig


def _stars(problem: Problem, placement: Placement, nets: Any) -> list[Any]:
    """Return a line from the source to each sink of the nets, in order."""
    nl = problem.netlist
    x, y = pin_positions_um(terminals(nl), placement)
    return [
        [(x[nl.net_ptr[e]], y[nl.net_ptr[e]]), (x[k], y[k])]
        for e in nets.tolist()
        for k in range(nl.net_ptr[e] + 1, nl.net_ptr[e + 1])
    ]


def _outlines(ax: Axes, problem: Problem, placement: Placement, colour: str = FAINT, width: float = 0.6) -> None:
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    nl, canvas = problem.netlist, problem.canvas
    ids = nl.hard
    w, h = oriented_size_um(nl.node_w_um[ids], nl.node_h_um[ids], placement.orient[ids])
    x, y = placement.x_um[ids] - w / 2, placement.y_um[ids] - h / 2
    boxes = [Rectangle((x[i], y[i]), w[i], h[i]) for i in range(len(ids))]
    boxes.append(Rectangle((0, 0), canvas.width_um, canvas.height_um))
    ax.add_collection(PatchCollection(boxes, facecolor="none", edgecolor=colour, linewidth=width))
    ax.set_xlim(0, canvas.width_um)
    ax.set_ylim(0, canvas.height_um)
    ax.set_aspect("equal")
    frameless(ax)
    ax.set_xlabel("x (um)", fontsize=8, color=SOFT)
    ax.set_ylabel("y (um)", fontsize=8, color=SOFT)
