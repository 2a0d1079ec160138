"""A scene as inline SVG: the placement, and a map of the grid. Colours that depend on the theme are left to CSS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from floorplan.geometry import ORIENT_MATRIX, Orient
from floorplan.netlist import Canvas
from floorplan.report.figures import MAX_LINES, PALETTE
from floorplan.report.groups import group_macros
from floorplan.report.png import cividis, data_url, palette_png
from floorplan.report.scene import Scene, Shapes
from floorplan.report.shown_text import shown

__all__ = [
    "MAX_VECTORS",
    "Drawn",
    "Frame",
    "coarse",
    "colour_bar",
    "frame_of",
    "groups_of",
    "map_svg",
    "placement_svg",
    "scale_of",
]

F64 = npt.NDArray[np.float64]

MAX_VECTORS = 6000
"""Soft macros and cells that are drawn one by one; more become a picture of their density."""

_LONG = 1000.0
_RASTER = 384
_PIXELS = 768
_GREY = (110, 126, 142)
"""Of very many soft macros: told from the paper by day and by night."""
_MAX_OUTLINED = 1500
_MOST, _FAR = 0.995, 3.0


class Drawn(Protocol):
    """What of a scene a drawing of the placement needs; each means what it does in `Scene`."""

    @property
    def canvas(self) -> Canvas: ...  # noqa: D102
    @property
    def hard(self) -> Shapes: ...  # noqa: D102
    @property
    def soft(self) -> Shapes: ...  # noqa: D102
    @property
    def ports(self) -> Shapes: ...  # noqa: D102
    @property
    def halo_um(self) -> F64: ...  # noqa: D102
    @property
    def blockages(self) -> Sequence[Mapping[str, Any]]: ...  # noqa: D102
    @property
    def regions(self) -> Sequence[Mapping[str, Any]]: ...  # noqa: D102
    @property
    def wrong(self) -> frozenset[str]: ...  # noqa: D102


@dataclass(frozen=True)
class Frame:
    """From micrometres, y upward, to units of the drawing, y downward.

    Attributes:
        x0_um: left edge of what is shown.
        y1_um: upper edge.
        scale: units a um.
        width: of the drawing.
        height: of the drawing.
    """

    x0_um: float
    y1_um: float
    scale: float
    width: float
    height: float

    def x(self, x_um: F64 | float) -> F64:
        """Return x of the drawing."""
        return np.asarray((np.asarray(x_um) - self.x0_um) * self.scale)

    def y(self, y_um: F64 | float) -> F64:
        """Return y of the drawing."""
        return np.asarray((self.y1_um - np.asarray(y_um)) * self.scale)


def frame_of(scene: Drawn) -> Frame:
    """Return a frame that holds the canvas and every node, wherever it stands."""
    cv = scene.canvas
    x0, y0, x1, y1 = 0.0, 0.0, cv.width_um, cv.height_um
    for s in (scene.hard, scene.soft, scene.ports):
        if len(s):
            x0, y0 = min(x0, float(s.x_um.min())), min(y0, float(s.y_um.min()))
            x1, y1 = max(x1, float((s.x_um + s.w_um).max())), max(y1, float((s.y_um + s.h_um).max()))
    margin = 0.008 * max(x1 - x0, y1 - y0)
    x0, y0, x1, y1 = x0 - margin, y0 - margin, x1 + margin, y1 + margin
    scale = _LONG / max(x1 - x0, y1 - y0)
    return Frame(x0, y1, scale, (x1 - x0) * scale, (y1 - y0) * scale)


def groups_of(scene: Drawn) -> list[tuple[str, str, npt.NDArray[np.int64]]]:
    """Return label, colour and positions in `scene.hard` of each group of hard macros, largest first."""
    found = group_macros(scene.hard.name, limit=len(PALETTE))
    return [
        (g.label, colour, np.array(g.members, np.int64)) for g, colour in zip(found, PALETTE, strict=False) if g.members
    ]


def placement_svg(scene: Drawn, frame: Frame, label: str, *, hover: bool = True, vectors: int = MAX_VECTORS) -> str:
    """Return the placement: hard macros by group, soft macros, ports, constraints; what breaks a rule is outlined.

    Args:
        scene: what to draw.
        frame: from `frame_of`.
        label: says in words what is drawn, for those who cannot see it.
        hover: number the shapes (`data-n`: hard macros first, then soft macros), for the page's script.
        vectors: soft macros and cells that are drawn one by one; more become a picture of their density.
    """
    cv = scene.canvas
    parts = [_canvas(scene, frame), _constraints(scene, frame)]
    if len(scene.soft) > vectors:
        parts.append(_soft_picture(scene, frame))
    else:
        parts.append(f'<g class="soft">{_rects(scene.soft, frame, range(len(scene.soft)), len(scene.hard), hover)}</g>')
    for _, colour, members in groups_of(scene):
        parts.append(f'<g class="hard" fill="{colour}">{_rects(scene.hard, frame, members.tolist(), 0, hover)}</g>')
    parts.append(f'<path class="turn" d="{_turns(scene.hard, frame)}"/>')
    parts.append(f'<path class="ports" d="{_dots(scene.ports, frame)}"/>')
    parts.append(_wrong(scene, frame))
    parts.append('<g class="over"></g>')
    ticks = _ruler(frame, cv.width_um)
    return (
        f'<svg class="plan" viewBox="0 0 {frame.width:.1f} {frame.height + 30:.1f}" role="img" '
        f'aria-label="{shown(label)}">{"".join(parts)}{ticks}</svg>'
    )


def map_svg(scene: Scene, values: F64, top: float, label: str, cells: Sequence[tuple[int, int]] = ()) -> str:
    """Return a map of the grid with the hard macros' outlines, full cells outlined and the worst cells numbered.

    Args:
        scene: canvas and hard macros.
        values: (rows, columns).
        top: what is brightest.
        label: says in words what is drawn.
        cells: (row, column) of the cells to number, from 1.
    """
    cv = scene.canvas
    scale = _LONG / max(cv.width_um, cv.height_um)
    f = Frame(0.0, cv.height_um, scale, cv.width_um * scale, cv.height_um * scale)
    gw, gh = cv.cell_w_um * scale, cv.cell_h_um * scale
    parts = [
        f'<image class="grid" href="{data_url(palette_png(coarse(values), top))}" width="{f.width:.2f}" '
        f'height="{f.height:.2f}" preserveAspectRatio="none"/>',
        f'<path class="outline" d="{_outlines(scene.hard, f)}"/>',
    ]
    over = np.argwhere(values > 1.0)
    if 0 < len(over) <= _MAX_OUTLINED:
        d = "".join(
            f"M{c * gw:.1f} {f.height - (r + 1) * gh:.1f}h{gw:.1f}v{gh:.1f}h{-gw:.1f}z" for r, c in over.tolist()
        )
        parts.append(f'<path class="over1" d="{d}"/>')
    for number, (r, c) in enumerate(cells, 1):
        x, y = (c + 0.5) * gw, f.height - (r + 0.5) * gh
        parts.append(f'<circle class="spot" cx="{x:.1f}" cy="{y:.1f}" r="19"/>')
        parts.append(f'<text class="spot" x="{x:.1f}" y="{y:.1f}" dy="0.36em">{number}</text>')
    return (
        f'<svg class="map" viewBox="0 0 {f.width:.1f} {f.height:.1f}" role="img" aria-label="{shown(label)}">'
        f"{''.join(parts)}</svg>"
    )


def scale_of(values: F64) -> tuple[float, bool]:
    """Return what is brightest in a map, and whether a few cells far above it share that colour.

    Without this a single crowded cell, such as one that all ports of a design start from, would darken all the others.
    """
    top, most = float(values.max()), float(np.quantile(values, _MOST))
    return (most, True) if top > _FAR * most > 0 else (max(top, 1e-12), False)


def colour_bar(ident: str, top: float, *, cut: bool = False) -> str:
    """Return the scale of the maps: 0 to `top` (and more, where it is `cut`), full (1.0) marked where it is on it."""
    stops = "".join(
        f'<stop offset="{i / 8:.3f}" stop-color="#{r:02x}{g:02x}{b:02x}"/>'
        for i, (r, g, b) in enumerate(cividis()[np.linspace(0, 255, 9).round().astype(int)].tolist())
    )
    marks = [(0.0, "0", "start"), (1.0, f"{top:.2f}{' and more' if cut else ''}", "end")]
    if top > 1.0:
        # said where there is room between the ends, only marked elsewhere
        marks.insert(1, (1.0 / top, "1.00 full" if (2.2 if cut else 1.3) < top < 5.0 else "", "middle"))
    text = "".join(
        f'<text x="{300 * at:.1f}" y="28" text-anchor="{anchor}">{said}</text>'
        f'<path d="M{max(0.5, min(299.5, 300 * at)):.1f} 0v14"/>'
        for at, said, anchor in marks
    )
    return (
        f'<svg class="bar" viewBox="0 0 300 32" aria-hidden="true"><defs><linearGradient id="{ident}">{stops}'
        f'</linearGradient></defs><rect width="300" height="11" fill="url(#{ident})"/>{text}</svg>'
    )


def _canvas(scene: Drawn, f: Frame) -> str:
    cv = scene.canvas
    x, y = float(f.x(0.0)), float(f.y(cv.height_um))
    w, h = cv.width_um * f.scale, cv.height_um * f.scale
    out = f'<rect class="canvas" x="{x:.2f}" y="{y:.2f}" width="{w:.2f}" height="{h:.2f}"/>'
    if cv.columns + cv.rows <= MAX_LINES:
        d = "".join(f"M{x + w * i / cv.columns:.2f} {y:.2f}v{h:.2f}" for i in range(1, cv.columns))
        d += "".join(f"M{x:.2f} {y + h * i / cv.rows:.2f}h{w:.2f}" for i in range(1, cv.rows))
        out += f'<path class="cells" d="{d}"/>'
    return out


def _constraints(scene: Drawn, f: Frame) -> str:
    out = []
    for b in scene.blockages:
        box = np.array([[b["x0_um"], b["y0_um"], b["x1_um"], b["y1_um"]]])
        out.append(f'<path class="{"blocked" if b["hard"] else "blocked softly"}" d="{_boxes(box, f)}"/>')
    for r in scene.regions:
        kind = "region fence" if r["exclusive"] else "region"
        out.append(f'<path class="{kind}" d="{_boxes(np.array(r["rects_um"]), f)}"/>')
    if len(scene.hard) and scene.halo_um.any():
        h, s = scene.halo_um, scene.hard
        box = np.stack(
            [s.x_um - h[:, 0], s.y_um - h[:, 1], s.x_um + s.w_um + h[:, 2], s.y_um + s.h_um + h[:, 3]], axis=1
        )
        out.append(f'<path class="halo" d="{_boxes(box[h.any(axis=1)], f)}"/>')
    return "".join(out)


def coarse(values: F64) -> F64:
    """Return a map of at most as many pixels as can be seen; the fullest of the cells that share one is shown."""
    step = -(-max(values.shape) // _PIXELS)
    if step == 1:
        return values
    rows, columns = (-(-n // step) * step for n in values.shape)
    padded = np.zeros((rows, columns))
    padded[: values.shape[0], : values.shape[1]] = values
    out: F64 = padded.reshape(rows // step, step, columns // step, step).max(axis=(1, 3))
    return out


def _rects(s: Shapes, f: Frame, which: Sequence[int], first: int, hover: bool) -> str:
    x, y = f.x(s.x_um), f.y(s.y_um + s.h_um)
    w, h = s.w_um * f.scale, s.h_um * f.scale

    def mark(i: int) -> str:
        return f' data-n="{first + i}"' if hover else ""

    return "".join(
        f'<rect x="{x[i]:.2f}" y="{y[i]:.2f}" width="{w[i]:.2f}" height="{h[i]:.2f}"{mark(i)}/>' for i in which
    )


def _boxes(box_um: F64, f: Frame) -> str:
    x, y = f.x(box_um[:, 0]), f.y(box_um[:, 3])
    w, h = (box_um[:, 2] - box_um[:, 0]) * f.scale, (box_um[:, 3] - box_um[:, 1]) * f.scale
    return "".join(f"M{a:.2f} {b:.2f}h{c:.2f}v{d:.2f}h{-c:.2f}z" for a, b, c, d in zip(x, y, w, h, strict=True))


def _outlines(s: Shapes, f: Frame) -> str:
    return _boxes(np.stack([s.x_um, s.y_um, s.x_um + s.w_um, s.y_um + s.h_um], axis=1), f)


def _turns(s: Shapes, f: Frame) -> str:
    """Return a small triangle in the corner of each macro that is its lower left one in orientation N."""
    out = []
    for i in range(len(s)):
        a, b, c, d = ORIENT_MATRIX[Orient[s.orient[i]]]
        leg = 0.2 * min(s.w_um[i], s.h_um[i])
        # the sign of the corner's offset from the centre, after the turn
        sx, sy = -(a + b), -(c + d)
        x = s.x_um[i] if sx < 0 else s.x_um[i] + s.w_um[i]
        y = s.y_um[i] if sy < 0 else s.y_um[i] + s.h_um[i]
        out.append(f"M{f.x(x):.2f} {f.y(y):.2f}h{-sx * leg * f.scale:.2f}L{f.x(x):.2f} {f.y(y - sy * leg):.2f}z")
    return "".join(out)


def _dots(s: Shapes, f: Frame) -> str:
    return "".join(f"M{a:.1f} {b:.1f}h0" for a, b in zip(f.x(s.x_um), f.y(s.y_um), strict=True))


def _wrong(scene: Drawn, f: Frame) -> str:
    wrong, out = scene.wrong, []
    for s in (scene.soft, scene.hard):
        ids = [i for i, name in enumerate(s.name) if name in wrong]
        if ids:
            box = np.stack([s.x_um, s.y_um, s.x_um + s.w_um, s.y_um + s.h_um], axis=1)[ids]
            out.append(_boxes(box, f))
            # crossed out too: an outline's colour alone would not do for every eye
            left, low, right, high = (
                v.tolist() for v in (f.x(box[:, 0]), f.y(box[:, 1]), f.x(box[:, 2]), f.y(box[:, 3]))
            )
            for a, b, c, d in zip(left, low, right, high, strict=True):
                out.append(f"M{a:.2f} {b:.2f}L{c:.2f} {d:.2f}M{a:.2f} {d:.2f}L{c:.2f} {b:.2f}")
    return f'<path class="wrong" d="{"".join(out)}"/>' if out else ""


def _soft_picture(scene: Drawn, f: Frame) -> str:
    """Return the area of very many soft macros or cells as a picture in shades of one colour."""
    cv, s = scene.canvas, scene.soft
    n = _RASTER
    columns = max(1, round(n * min(1.0, cv.width_um / cv.height_um)))
    rows = max(1, round(n * min(1.0, cv.height_um / cv.width_um)))
    c = np.clip(((s.x_um + s.w_um / 2) / cv.width_um * columns).astype(int), 0, columns - 1)
    r = np.clip(((s.y_um + s.h_um / 2) / cv.height_um * rows).astype(int), 0, rows - 1)
    flat = np.bincount(r * columns + c, weights=s.w_um * s.h_um, minlength=rows * columns)
    area = flat.astype(np.float64).reshape(rows, columns)
    top = max(float(np.quantile(area[area > 0], 0.98)) if (area > 0).any() else 1.0, 1e-12)
    return (
        f'<image class="grid" href="{data_url(palette_png(area, top, _GREY))}" x="{f.x(0.0):.2f}" '
        f'y="{f.y(cv.height_um):.2f}" width="{cv.width_um * f.scale:.2f}" height="{cv.height_um * f.scale:.2f}" '
        'preserveAspectRatio="none"/>'
    )


def _ruler(f: Frame, width_um: float) -> str:
    """Return a scale below the drawing: a round length of about a fifth of the canvas."""
    step = 10.0 ** np.floor(np.log10(width_um / 4))
    length = step * max(m for m in (1, 2, 5) if m * step <= width_um / 4)
    x, y = float(f.x(0.0)), f.height + 12
    return (
        f'<path class="ruler" d="M{x:.1f} {y - 5:.1f}v10M{x:.1f} {y:.1f}h{length * f.scale:.1f}m0 -5v10"/>'
        f'<text class="ruler" x="{x + length * f.scale + 10:.1f}" y="{y:.1f}" dy="0.36em">{length:g} µm</text>'
    )
