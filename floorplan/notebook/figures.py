"""Numbers that are better seen: the parts of a cost, its maps, and what an estimate is made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from floorplan.figure_style import BLUE, GREEN, ORANGE
from floorplan.notebook.cards import card, facts, picture, table
from floorplan.notebook.plan import style
from floorplan.report.drawing import coarse
from floorplan.report.png import cividis, data_url, palette_png
from floorplan.report.shown_text import shown

if TYPE_CHECKING:
    from floorplan.cost import Cost, CostMaps
    from floorplan.estimate.quantity import Quantity
    from floorplan.estimate.results import Estimate

__all__ = ["cost_html", "cost_rows", "estimate_html", "maps_html"]

F64 = npt.NDArray[np.float64]

_PANEL = 300.0
_HEADLINES = {
    "j_per_token": "energy of a token",
    "ns_per_token": "time of a token",
    "tokens_per_s": "tokens per second",
    "tokens_per_s_per_w": "tokens per joule",
    "usd_per_mtoken": "a million tokens",
    "power_w": "power",
    "temperature_max_c": "hottest cell",
    "clock_ghz": "clock",
    "wns_ps": "least slack",
}


def cost_rows(cost: Cost) -> list[tuple[str, str]]:
    """Return the parts of a cost and their sum by name, as HTML, and its weights where they are the usual ones."""
    from floorplan.cost.terms import CostWeights

    w = CostWeights()
    usual = w.wirelength * cost.wirelength + w.density * cost.density + w.congestion * cost.congestion
    known = math.isclose(usual, cost.proxy, rel_tol=1e-12)
    by = f"{w.wirelength:g} / {w.density:g} / {w.congestion:g}" if known else "those of its engine"
    return [
        ("wirelength", f"{cost.wirelength:.4f} ({cost.wirelength_um:,.0f} um)"),
        ("density", f"{cost.density:.4f}"),
        ("congestion", f"{cost.congestion:.4f}"),
        ("<b>proxy cost</b>", f"<b>{cost.proxy:.4f}</b>"),
        ("weights", by),
    ]


def cost_html(cost: Cost) -> str:
    """Return the parts of a cost, and as bars what each adds where the weights are the usual ones."""
    from floorplan.cost.terms import CostWeights

    rows, w = cost_rows(cost), CostWeights()
    if rows[-1][1].startswith("those"):
        return card(f"proxy cost {cost.proxy:.4f}", "", [facts(rows)])
    bars = [
        ("wirelength", w.wirelength * cost.wirelength, BLUE),
        ("density", w.density * cost.density, ORANGE),
        ("congestion", w.congestion * cost.congestion, GREEN),
    ]
    said = f"what each part adds to the proxy cost of {cost.proxy:.4f}"
    return card(f"proxy cost {cost.proxy:.4f}", "", [facts(rows), _bars(bars, said, "{:.4f}")])


def maps_html(maps: CostMaps) -> str:
    """Return the maps of density and congestion as pictures; the two of congestion share a scale."""
    top = max(float(maps.h.max()), float(maps.v.max()), 1e-12)
    panels = (
        ("density", maps.density, 0.0, max(float(maps.density.max()), 1e-12)),
        ("horizontal congestion", maps.h, 0.0, top),
        ("vertical congestion", maps.v, 0.0, top),
    )
    full = int(((maps.h > 1) | (maps.v > 1)).sum())
    rows, columns = maps.density.shape
    said = f"{columns} x {rows} cells; 1 is full, and {full:,} cells have less routing than is wanted"
    return card("density and congestion", said, [_panels(panels)])


def estimate_html(estimate: Estimate) -> str:
    """Return what an estimate says: headlines with error bars, where the joules go, how warm it gets where."""
    e = estimate
    rows = [(name, *_told(e.quantities[key])) for key, name in _HEADLINES.items()]
    bound = e.to_dict(0)["bound"]
    rows.append(("bound by", f"decode {bound['decode']}, prefill {bound['prefill']}", ""))
    parts = [(name, q.value, BLUE) for name, q in e.parts.items()]
    heat = e.heat
    panel = (("temperature, degC", heat.temperature_c, float(heat.temperature_c.min()), heat.max_c),)
    return card(
        f"{shown(e.chip)}: {shown(e.load)}",
        f"{shown(e.technology)}; 5 to 95 % of the draws of uncertain constants beside each figure",
        [
            table(rows, ("", "value", "5 to 95 %")),
            _bars(parts, "joules per token by part", "{:.3g} J") + "<br>" + _panels(panel),
        ],
    )


def _told(q: Quantity) -> tuple[str, str]:
    """Return a value with its unit, and its range in the same unit."""
    scale, unit = (1.0, q.unit)
    if q.unit == "ns":
        scale, unit = next(((s, u) for s, u in ((1e9, "s"), (1e6, "ms"), (1e3, "us")) if q.value >= s), (1.0, "ns"))
    unit = {"1/(s W)": "1/J"}.get(unit, unit)
    bar = "" if math.isnan(q.low) else f"{q.low / scale:,.3g} to {q.high / scale:,.3g}"
    return f"{q.value / scale:,.4g} {shown(unit)}", bar


def _bars(bars: Sequence[tuple[str, float, str]], label: str, form: str) -> str:
    """Return a bar a row, with its name before it and its value behind it."""
    top = max((value for _, value, _ in bars if math.isfinite(value)), default=0.0) or 1.0
    out = []
    for k, (name, value, colour) in enumerate(bars):
        y = 44 + 26 * k
        long = 190 * max(value, 0.0) / top if math.isfinite(value) else 0.0
        out.append(
            f'<text x="88" y="{y}" text-anchor="end">{shown(name)}</text>'
            f'<rect x="98" y="{y - 13}" width="{long:.1f}" height="16" fill="{colour}"/>'
            f'<text x="{104 + long:.1f}" y="{y}">{shown(form.format(value))}</text>'
        )
    said = f'<text x="10" y="16">{shown(label)}</text>'
    svg = _sheet(390, 44 + 26 * len(bars), said + "".join(out))
    words = ", ".join(f"{name} {form.format(value)}" for name, value, _ in bars)
    return picture(svg, f"{label}: {words}", 390)


def _panels(panels: Sequence[tuple[str, F64, float, float]]) -> str:
    """Return maps side by side, each with its own scale: name, (rows, columns), lowest and highest of the scale."""
    out, x, tall = [], 0.0, 0.0
    for name, values, low, high in panels:
        rows, columns = values.shape
        long = _PANEL / max(rows, columns)
        w, h = columns * long, rows * long
        png = data_url(palette_png(coarse(np.maximum(values - low, 0.0)), max(high - low, 1e-12)))
        out.append(
            f'<text x="{x:.0f}" y="15">{shown(name)}: mean {values.mean():.3g}, most {values.max():.3g}</text>'
            f'<image class="grid" href="{png}" x="{x:.0f}" y="24" width="{w:.1f}" height="{h:.1f}" '
            'preserveAspectRatio="none"/>'
            f"{_scale(x, 34 + h, low, high)}"
        )
        x, tall = x + max(w, 250.0) + 22, max(tall, h)
    label = "; ".join(f"map of {name}, mean {v.mean():.3g}, most {v.max():.3g}" for name, v, _, _ in panels)
    return picture(_sheet(x, tall + 74, "".join(out)), label, round(x * 0.86))


def _scale(x: float, y: float, low: float, high: float) -> str:
    steps = cividis()[np.linspace(0, 255, 32).round().astype(int)].tolist()
    boxes = "".join(
        f'<rect x="{x + 5 * k:.0f}" y="{y:.1f}" width="5.5" height="10" fill="#{r:02x}{g:02x}{b:02x}"/>'
        for k, (r, g, b) in enumerate(steps)
    )
    ends = f'<text x="{x:.0f}" y="{y + 26:.1f}">{low:.3g}</text>'
    return boxes + ends + f'<text x="{x + 160:.0f}" y="{y + 26:.1f}" text-anchor="end">{high:.3g}</text>'


def _sheet(width: float, height: float, body: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.1f} {height:.1f}" width="{width:.0f}" '
        f'height="{height:.0f}"><style>{style()}text {{ font-size: 13px; }}</style>'
        f'<rect class="page" width="100%" height="100%"/>{body}</svg>'
    )
