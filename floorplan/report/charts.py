"""Line charts as inline SVG: small, quiet, and in the colours of the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from floorplan.report.shown_text import shown

__all__ = ["Line", "line_chart", "nice_ticks"]

F64 = npt.NDArray[np.float64]

_W, _H = 520.0, 250.0
_LEFT, _TOP, _BOTTOM = 54.0, 12.0, 40.0
_LETTER = 7.4
"""Width of a bold letter at the size of the labels, on the wide side."""
_MAX_POINTS = 600
_FAR = 2.5


@dataclass(frozen=True, eq=False)
class Line:
    """One line of a chart.

    Attributes:
        label: what stands at its end.
        x: (K,) rising.
        y: (K,) values; those that are not finite interrupt nothing, they are left out.
        colour: of the line.
        steps: hold each value until the next point, as for the best so far.
    """

    label: str
    x: F64
    y: F64
    colour: str
    steps: bool = False


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return round numbers within [low, high], about `count` of them."""
    if not high > low:
        return [low]
    raw = (high - low) / count
    size = 10.0 ** math.floor(math.log10(raw))
    step = size * next(m for m in (1, 2, 2.5, 5, 10) if m * size >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


def line_chart(
    title: str, x_label: str, lines: Sequence[Line], level: tuple[float, str] | None = None, digits: int = 4
) -> str:
    """Return a chart, or "" where no line has a point.

    Args:
        title: stands above it, with the unit.
        x_label: below the axis, with the unit.
        lines: at most as many as can be told apart.
        level: a height to mark with a dashed line, and its name; where it would flatten the lines the title says it.
        digits: decimals of the values at the ends of lines.
    """
    kept = [_finite(line) for line in lines]
    kept = [line for line in kept if len(line.x)]
    if not kept:
        return ""
    x0, x1 = min(float(k.x[0]) for k in kept), max(float(k.x[-1]) for k in kept)
    y0, y1 = min(float(k.y.min()) for k in kept), max(float(k.y.max()) for k in kept)
    # a level far off is said, not drawn: it would flatten the lines
    if level is not None and max(y1, level[0]) - min(y0, level[0]) > max(_FAR * (y1 - y0), 1e-9):
        title = f"{title} ({level[1]} {level[0]:.{digits}f} is {'below' if level[0] < y0 else 'above'} the chart)"
        level = None
    if level is not None:
        y0, y1 = min(y0, level[0]), max(y1, level[0])
    if y1 - y0 < 1e-12:
        y0, y1 = y0 - 0.5 * max(abs(y0), 1e-3) * 0.1, y1 + 0.5 * max(abs(y1), 1e-3) * 0.1
    if x1 <= x0:
        x1 = x0 + 1.0
    names = [f"{line.label} {float(line.y[-1]):.{digits}f}".strip() for line in kept]
    if level is not None:
        names.append(f"{level[1]} {level[0]:.{digits}f}")
    right = _W - 16 - _LETTER * max(map(len, names))
    pad = 0.06 * (y1 - y0)
    y0, y1 = y0 - pad, y1 + pad

    def sx(x: F64 | float) -> F64:
        return np.asarray(_LEFT + (np.asarray(x) - x0) / (x1 - x0) * (right - _LEFT))

    def sy(y: F64 | float) -> F64:
        return np.asarray(_H - _BOTTOM - (np.asarray(y) - y0) / (y1 - y0) * (_H - _TOP - _BOTTOM))

    parts = []
    heights, places = nice_ticks(y0, y1), nice_ticks(x0, x1)
    for tick, said in zip(heights, _said(heights), strict=True):
        parts.append(f'<path class="rule" d="M{_LEFT} {sy(tick):.1f}H{right:.1f}"/>')
        parts.append(_text("tick", _LEFT - 7, float(sy(tick)) + 3.8, "end", said))
    for tick, said in zip(places, _said(places), strict=True):
        parts.append(_text("tick", float(sx(tick)), _H - _BOTTOM + 16, "middle", said))
    parts.append(_text("axis", (_LEFT + right) / 2, _H - 5, "middle", x_label))
    if level is not None:
        parts.append(f'<path class="level" d="M{_LEFT} {sy(level[0]):.1f}H{right:.1f}"/>')
    for line in kept:
        xs, ys = sx(line.x), sy(line.y)
        parts.append(f'<path class="line" stroke="{line.colour}" d="{_path(xs, ys, line.steps)}"/>')
        parts.append(f'<circle cx="{xs[-1]:.1f}" cy="{ys[-1]:.1f}" r="3" fill="{line.colour}"/>')
    heights_of_ends = [float(sy(line.y[-1])) for line in kept] + ([] if level is None else [float(sy(level[0]))])
    colours = [line.colour for line in kept] + ([] if level is None else [""])
    ends = list(zip(heights_of_ends, names, colours, strict=True))
    for y, said, colour in _apart(ends):
        fill = f' fill="{colour}"' if colour else ""
        parts.append(f'<text class="end" x="{right + 8:.1f}" y="{y:.1f}" dy="0.35em"{fill}>{shown(said)}</text>')
    return (
        f'<figure class="chart"><figcaption>{shown(title)}</figcaption><svg viewBox="0 0 {_W:g} {_H:g}" role="img" '
        f'aria-label="{shown(title)}">{"".join(parts)}</svg></figure>'
    )


def _text(kind: str, x: float, y: float, anchor: str, said: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{shown(said)}</text>'


def _finite(line: Line) -> Line:
    on = np.isfinite(line.x) & np.isfinite(line.y)
    x, y = line.x[on], line.y[on]
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    if len(x) > _MAX_POINTS:
        keep = np.unique(np.linspace(0, len(x) - 1, _MAX_POINTS).round().astype(int))
        x, y = x[keep], y[keep]
    return Line(line.label, x, y, line.colour, line.steps)


def _path(xs: F64, ys: F64, steps: bool) -> str:
    out = [f"M{xs[0]:.1f} {ys[0]:.1f}"]
    for x, y in zip(xs[1:], ys[1:], strict=True):
        out.append(f"H{x:.1f}V{y:.1f}" if steps else f"L{x:.1f} {y:.1f}")
    return "".join(out)


def _apart(ends: list[tuple[float, str, str]]) -> list[tuple[float, str, str]]:
    """Move labels that would overlap, from top to bottom, and back up where they run out of the chart."""
    out, last = [], -math.inf
    for y, said, colour in sorted(ends):
        last = max(y, last + 14.0)
        out.append((last, said, colour))
    over = max(0.0, last - (_H - _BOTTOM))
    return [(y - over, said, colour) for y, said, colour in out]


def _said(ticks: Sequence[float]) -> list[str]:
    """Return ticks with as many decimals as tell the closest two apart, alike for all."""
    step = min((b - a for a, b in pairwise(ticks)), default=abs(ticks[0]) if ticks else 1.0)
    digits = max(0, min(8, -math.floor(math.log10(step) + 1e-9))) if step > 0 else 0
    if step > 0 and abs(round(step, digits) - step) > 1e-9 * step:
        digits += 1  # steps of 2.5
    return [f"{tick + 0.0:,.{digits}f}" for tick in ticks]
