"""A placement as an SVG picture of bounded size: the report's drawing, its style sheet and its legend in one file."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import floorplan.report
from floorplan.geometry import Orient, oriented_size_um
from floorplan.netlist import Canvas, Legality, Placement, Problem
from floorplan.netlist.constraints import turned_halo_um
from floorplan.report.drawing import frame_of, groups_of, placement_svg
from floorplan.report.scene import Shapes
from floorplan.report.shown_text import shown

__all__ = ["MOST_HARD", "MOST_PORTS", "MOST_SOFT", "Plan", "plan_of", "plan_svg", "points_svg", "style"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]

MOST_HARD = 2000
"""Hard macros drawn one by one, the largest; the others are shaded like cells."""
MOST_SOFT = 1500
"""Soft macros and cells drawn one by one; where there are more, how much they cover is shaded."""
MOST_PORTS = 4000
"""Spots that ports take in the picture."""
_MOST_BOXES = 400
"""Blockages, and rectangles of regions: the largest."""

_SIDE = 1000.0
_SHOWN, _SHOWN_WITH_TRAY = 0.54, 0.64
"""Pixels of the page a unit of the drawing, whose longer side is `_SIDE`."""
_LETTER = 12.5
"""Width of a letter of the legend, on average."""
_CLASSES = frozenset(
    (
        "canvas",
        "cells",
        "grid",
        "hard",
        "soft",
        "turn",
        "ports",
        "wrong",
        "blocked",
        "softly",
        "region",
        "fence",
        "halo",
        "ruler",
    )
)


@dataclass(frozen=True, eq=False)
class Plan:
    """What is drawn of a placement; the fields mean what those of `floorplan.report.scene.Scene` do.

    Attributes:
        canvas: extent and grid.
        hard: the largest hard macros; those that are not placed lie beside the canvas, as parts in a tray.
        soft: placed soft macros, cells, and hard macros too many to be drawn one by one; without names.
        ports: placed ports, those on one spot once; without names.
        halo_um: (len(hard), 4) as oriented.
        blockages: as dicts.
        regions: as dicts.
        wrong: names of hard macros that break a rule.
        counts: of hard macros drawn or shaded, soft macros and cells that are placed, ports that are placed.
        tray: hard macros beside the canvas.
    """

    canvas: Canvas
    hard: Shapes
    soft: Shapes
    ports: Shapes
    halo_um: F64
    blockages: tuple[dict[str, Any], ...]
    regions: tuple[dict[str, Any], ...]
    wrong: frozenset[str]
    counts: tuple[int, int, int]
    tray: int


def plan_of(problem: Problem, placement: Placement, legality: Legality | None = None, *, tray: bool = True) -> Plan:
    """Return what there is to draw.

    Args:
        problem: what is placed.
        placement: of it.
        legality: macros that break a rule by it are marked.
        tray: draw hard macros that are not placed beside the canvas.
    """
    nl = problem.netlist
    placement, trayed = _with_tray(problem, placement) if tray else (placement, 0)
    hard, soft, ports = (ids[placement.placed[ids]] for ids in (nl.hard, nl.soft, nl.ports))
    counts = (len(hard), len(soft), len(ports))
    if len(hard) > MOST_HARD:
        largest = np.argsort(-(nl.node_w_um * nl.node_h_um)[hard], kind="stable")
        soft = np.concatenate([hard[largest[MOST_HARD:]], soft])
        hard = np.sort(hard[largest[:MOST_HARD]])
    regions = [
        {"rects_um": r.rects_um[:_MOST_BOXES].tolist(), "exclusive": r.exclusive} for r in problem.regions[:_MOST_BOXES]
    ]
    blockages = sorted(problem.blockages, key=lambda b: -(b.x1_um - b.x0_um) * (b.y1_um - b.y0_um))
    found = legality.violations if legality else ()
    broken = frozenset(n for v in found for n in v.nodes if v.kind != "unplaced")
    shapes = _shapes(problem, placement, hard, named=True)
    return Plan(
        canvas=problem.canvas,
        hard=shapes,
        soft=_shapes(problem, placement, soft),
        ports=_shapes(problem, placement, _spots(problem.canvas, placement, ports)),
        halo_um=turned_halo_um(problem.halo_um[hard], placement.orient[hard]),
        blockages=tuple(asdict(b) for b in blockages[:_MOST_BOXES]),
        regions=tuple(regions),
        wrong=broken & frozenset(shapes.name),
        counts=counts,
        tray=trayed,
    )


def plan_svg(plan: Plan, label: str, *, legend: bool = True) -> tuple[str, int]:
    """Return the picture with its legend, and how many pixels wide to show it.

    It is a file of its own that follows the reader's light or dark theme.
    """
    frame = frame_of(plan)
    inner = placement_svg(plan, frame, label, hover=False, vectors=MOST_SOFT)
    height = frame.height + 30
    said, end = _legend(plan, frame.width, height + 16) if legend else ("", height)
    size = f'width="{frame.width:.1f}" height="{height:.1f}"'
    big = "<style>text, text.ruler { font-size: 22px; }</style>"
    svg = _page(frame.width, end, big + inner.replace("<svg ", f"<svg {size} ", 1) + said)
    return svg, round((_SHOWN_WITH_TRAY if plan.tray else _SHOWN) * frame.width)


def points_svg(placement: Placement) -> str:
    """Return the centres of what is placed as dots, where nothing says what they are the centres of."""
    ids = np.flatnonzero(placement.placed).astype(np.int32)
    x, y = placement.x_um[ids], placement.y_um[ids]
    x0, side = float(x.min()), max(float(np.ptp(x)), float(np.ptp(y)), 1e-9)
    scale = (_SIDE - 40) / side
    px, py = (x - x0) * scale + 20, (float(y.max()) - y) * scale + 20
    drawn = _apart(px, py)
    width, height = float(np.ptp(x)) * scale + 40, float(np.ptp(y)) * scale + 40
    dots = "".join(f"M{a:.0f} {b:.0f}h0" for a, b in zip(px[drawn].tolist(), py[drawn].tolist(), strict=True))
    return _page(width, height, f'<path class="ports" style="stroke-width:9" d="{dots}"/>')


@cache
def style() -> str:
    """Return the rules of the report's style sheet that a drawing of a placement needs."""
    css = (Path(floorplan.report.__file__).parent / "assets" / "report.css").read_text(encoding="utf-8")
    # The colours of the light and of the dark theme stand before all else.
    themes = css[: css.index("* {")]
    rules = re.findall(r"(?:text)?\.([a-z]+) \{[^}]*\}", css)
    wanted = [m[0] for m in re.finditer(r"(?:text)?\.([a-z]+) \{[^}]*\}", css) if m[1] in _CLASSES]
    missing = _CLASSES - set(rules)
    if missing:
        raise RuntimeError(f"report.css has no rule for {', '.join(sorted(missing))}")
    text = 'text { font-family: system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: var(--muted); }'
    return themes + text + "\n".join(wanted) + ".page { fill: var(--page); }"


def _page(width: float, height: float, body: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.1f} {height:.1f}" width="{width:.0f}" '
        f'height="{height:.0f}"><style>{style()}</style><rect class="page" width="100%" height="100%"/>{body}</svg>'
    )


def _legend(plan: Plan, width: float, y: float) -> tuple[str, float]:
    """Return swatches and names in lines below the drawing, and where they end."""
    entries = [
        (f'<rect class="hard" fill="{colour}" width="17" height="17"/>', f"{label} ({len(members):,})")
        for label, colour, members in groups_of(plan)
    ]
    shaded = plan.counts[0] - len(plan.hard)
    if shaded:
        entries.append(('<rect class="soft" width="17" height="17"/>', f"smaller hard macros ({shaded:,})"))
    if plan.tray:
        entries.append(("", f"beside the canvas: not placed ({plan.tray:,})"))
    if plan.counts[1]:
        entries.append(('<rect class="soft" width="17" height="17"/>', f"soft macros and cells ({plan.counts[1]:,})"))
    if plan.counts[2]:
        entries.append(('<path class="ports" d="M9 9h0"/>', f"ports ({plan.counts[2]:,})"))
    if plan.wrong:
        cross = '<path class="wrong" d="M2 2h13v13h-13zL15 15M2 15L15 2"/>'
        entries.append((cross, f"breaks a rule ({len(plan.wrong):,})"))
    out, x = [], 10.0
    for swatch, text in entries:
        indent = 26 if swatch else 0
        room = indent + _LETTER * len(text) + 20
        if x > 10.0 and x + room > width:
            x, y = 10.0, y + 34
        out.append(
            f'<g transform="translate({x:.0f} {y:.0f})">{swatch}<text x="{indent}" y="17">{shown(text)}</text></g>'
        )
        x += room
    return "".join(out), y + 36


def _with_tray(problem: Problem, placement: Placement) -> tuple[Placement, int]:
    """Return a placement in which the largest unplaced hard macros lie in rows beside the canvas, and their number."""
    nl, cv = problem.netlist, problem.canvas
    ids = nl.hard[~placement.placed[nl.hard]]
    ids = ids[np.lexsort((-nl.node_w_um[ids], -nl.node_h_um[ids]))][:MOST_HARD]
    if len(ids) == 0:
        return placement, 0
    w, h = nl.node_w_um[ids], nl.node_h_um[ids]
    gap = 0.008 * max(cv.width_um, cv.height_um)
    left = cv.width_um + 5 * gap
    wide = max(float(w.max()), float(((w + gap) * (h + gap)).sum()) / cv.height_um)
    while _rows(w, h, gap, wide)[2] > cv.height_um and wide < cv.width_um:
        wide *= 1.1
    dx, dy, _ = _rows(w, h, gap, wide)
    x, y = placement.x_um.copy(), placement.y_um.copy()
    orient, placed = placement.orient.copy(), placement.placed.copy()
    x[ids], y[ids] = left + dx + w / 2, cv.height_um - dy - h / 2
    orient[ids], placed[ids] = 0, True
    return Placement(x, y, orient, placed), len(ids)


def _rows(w: F64, h: F64, gap: float, wide: float) -> tuple[F64, F64, float]:
    """Return where boxes begin in rows of a width, from the left and from the top, and how deep the rows are."""
    dx, dy = np.zeros(len(w)), np.zeros(len(w))
    at = down = row = 0.0
    for k, (wk, hk) in enumerate(zip(w.tolist(), h.tolist(), strict=True)):
        if at > 0 and at + wk > wide:
            at, down, row = 0.0, down + row + gap, 0.0
        dx[k], dy[k] = at, down
        at, row = at + wk + gap, max(row, hk)
    return dx, dy, down + row


def _shapes(problem: Problem, placement: Placement, ids: I32, *, named: bool = False) -> Shapes:
    nl, n = problem.netlist, len(ids)
    w, h = oriented_size_um(nl.node_w_um[ids], nl.node_h_um[ids], placement.orient[ids])
    kinds = [o.name for o in Orient]
    return Shapes(
        node=ids,
        name=tuple(nl.node_name[i] for i in ids.tolist()) if named else ("",) * n,
        x_um=placement.x_um[ids] - w / 2,
        y_um=placement.y_um[ids] - h / 2,
        w_um=w,
        h_um=h,
        orient=tuple(kinds[o] for o in placement.orient[ids].tolist()) if named else ("N",) * n,
        kind=("hard" if named else "",) * n,
        fixed=problem.fixed[ids],
    )


def _spots(canvas: Canvas, placement: Placement, ids: I32) -> I32:
    """Return the first of all nodes that fall on one spot of the picture."""
    scale = _SIDE / max(canvas.width_um, canvas.height_um)
    return ids[_apart(placement.x_um[ids] * scale, placement.y_um[ids] * scale)]


def _apart(px: F64, py: F64) -> npt.NDArray[np.intp]:
    """Return which points, in pixels, to draw: one a pixel, and one a larger square where that leaves too many."""
    # what stands as far off as that is drawn at the edge of nowhere
    column, row = (np.floor(np.clip(p, -1e8, 1e8)).astype(np.int64) for p in (px, py))
    kept = np.arange(len(px))
    while True:
        first = np.unique(column[kept] * 2**32 + row[kept], return_index=True)[1]
        kept = kept[first]
        if len(kept) <= MOST_PORTS:
            return np.sort(kept)
        column, row = column // 2, row // 2
