"""A placement as an SVG picture: no library needed, readable in light and in dark, and small."""

from __future__ import annotations

import math
import re
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import numpy.typing as npt

from floorplan.errors import ProblemError
from floorplan.files import write_bytes_by_suffix
from floorplan.formats.design import Design
from floorplan.formats.export.svg_style import STYLE
from floorplan.geometry import Orient, oriented_offsets_um, oriented_size_um
from floorplan.netlist import NodeKind, Placement, Problem, check_legality
from floorplan.netlist.constraints import turned_halo_um

__all__ = ["svg_text", "write_svg"]

F64 = npt.NDArray[np.float64]

SIDE_PX = 1000.0
"""Length of the canvas's longer side in the picture."""

MOST_SOFT = 4000
"""Where a design has more soft macros or cells than this, what is drawn is how full each spot of the canvas is."""

_SPOTS = 80
_LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)
_MARGIN_PX = 24.0
_HEAD_PX, _LINE_PX = 46.0, 16.0
_SMALLEST_PX, _LARGEST_PX = 6.5, 13.0
_LINE = 1.2
_EM = 0.56
"""Width of a letter of common sans-serif fonts, on average, in font sizes."""

# XML 1.0 has no place for these, not even as references.
_UNSAYABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_svg(
    path: str | Path, design: Design, placement: Placement, *, title: str | None = None, cost_line: str = ""
) -> None:
    """Write `svg_text` to a file, compressed by its suffix.

    Raises:
        ProblemError: the placement is of another length.
        OSError: the file cannot be written.
    """
    write_bytes_by_suffix(path, svg_text(design.problem, placement, title=title, cost_line=cost_line).encode())


def svg_text(problem: Problem, placement: Placement, *, title: str | None = None, cost_line: str = "") -> str:
    """Draw a placement; equal input gives equal text.

    Hard macros carry their name, less the path that all share, and a notch in the corner that is the lower left one in
    orientation N, with its longer leg along the lower edge, so that each of the eight orientations looks different.
    Soft macros are faint, and darker where many lie on each other; above `MOST_SOFT` of them, the area that they cover
    is drawn instead. Macros that break a rule have a thick outline. Blockages, regions and halos are drawn where the
    problem has them. Hovering shows full names. Colours are told apart with any colour vision and follow the reader's
    light or dark theme.

    Args:
        problem: canvas, netlist and constraints.
        placement: (N,) nodes; those that are not placed are left out.
        title: heading; the netlist's name if None.
        cost_line: what to say beneath it, such as the proxy cost.

    Raises:
        ProblemError: the placement is of another length.
    """
    if len(placement) != problem.netlist.num_nodes:
        raise ProblemError(f"placement has {len(placement)} nodes, the netlist {problem.netlist.num_nodes}")
    return _Picture(problem, placement, title, cost_line).text()


def _said(text: str) -> str:
    return escape(_UNSAYABLE.sub("\ufffd", text), {'"': "&quot;"})


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _wrapped(name: str, fits: int, most: int) -> list[str]:
    """Cut a name into at most so many lines of so many letters, after marks where it can be; the end comes first."""
    lines: list[str] = []
    while name and len(lines) < most:
        start = max(len(name) - fits, 0)
        cut = next((k for k in range(start, len(name) - 1) if k == 0 or name[k - 1] in "/._]:|-"), start)
        # A line less than half full wastes the room that its lines have.
        cut = cut if len(name) - cut >= fits / 2 else start
        lines.insert(0, name[cut:])
        name = name[:cut]
    if name:
        lines[0] = "\u2026" + lines[0][-(fits - 1) :]
    return lines


def _common_start(names: list[str]) -> int:
    """Return how much of a path all names begin with."""
    low, high = (min(names), max(names)) if len(names) > 1 else ("", "")
    same = next((k for k, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high)))
    return max((low.rfind(mark, 0, same) + 1 for mark in "/."), default=0)


class _Picture:
    """Turns um into pixels, y upwards into y downwards, and shapes into elements."""

    def __init__(self, problem: Problem, placement: Placement, title: str | None, cost_line: str) -> None:
        self.problem, self.placement = problem, placement
        self.title = problem.netlist.name if title is None else title
        self.lines = [line for line in (cost_line, self._facts()) if line]
        cv = problem.canvas
        self.scale = SIDE_PX / max(cv.width_um, cv.height_um)
        self.width, self.height = cv.width_um * self.scale, cv.height_um * self.scale
        self.left, self.top = _MARGIN_PX, _HEAD_PX + _LINE_PX * len(self.lines)
        # A narrow canvas still leaves the heading and the key their room.
        self.page_width = max(self.width, 560.0) + 2 * _MARGIN_PX
        self.page_height = 0.0
        self.key: list[tuple[str, str]] = []

    def text(self) -> str:
        body = [
            *self._softs(),
            *self._regions(),
            *self._blockages(),
            *self._halos(),
            *self._hards(),
            *self._ports(),
        ]
        foot = self._foot()
        width, height = _n(self.page_width), _n(self.page_height)
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
                f'height="{height}" role="img">',
                f"<title>{_said(self.title)}</title>",
                f"<style>\n{STYLE}</style>",
                '<defs><pattern id="fp-hatch" width="7" height="7" patternUnits="userSpaceOnUse" '
                'patternTransform="rotate(45)"><path class="hatch" d="M0 0V7"/></pattern></defs>',
                f'<rect class="page" width="{width}" height="{height}"/>',
                *self._head(),
                self._box("canvas", 0.0, 0.0, self.problem.canvas.width_um, self.problem.canvas.height_um),
                *body,
                *foot,
                "</svg>\n",
            ]
        )

    def _xy(self, x_um: float, y_um: float) -> tuple[float, float]:
        return self.left + x_um * self.scale, self.top + self.height - y_um * self.scale

    def _box(self, kind: str, x0: float, y0: float, x1: float, y1: float, inner: str = "") -> str:
        px, py = self._xy(x0, y1)
        size = f'width="{_n((x1 - x0) * self.scale)}" height="{_n((y1 - y0) * self.scale)}"'
        mark = f' class="{kind}"' if kind else ""
        rect = f'<rect{mark} x="{_n(px)}" y="{_n(py)}" {size}'
        return f"{rect}>{inner}</rect>" if inner else f"{rect}/>"

    def _edges(self, nodes: npt.NDArray[np.int32]) -> tuple[F64, F64, F64, F64]:
        nl, p = self.problem.netlist, self.placement
        w, h = oriented_size_um(nl.node_w_um[nodes], nl.node_h_um[nodes], p.orient[nodes])
        x0, y0 = p.x_um[nodes] - w / 2, p.y_um[nodes] - h / 2
        return x0, y0, x0 + w, y0 + h

    def _softs(self) -> list[str]:
        nl = self.problem.netlist
        nodes = nl.soft[self.placement.placed[nl.soft]]
        if len(nodes) == 0:
            return []
        cells = bool((nl.node_kind[nodes] == NodeKind.CELL).all())
        self.key.append(("soft", "cells" if cells else "soft macro"))
        if len(nodes) > MOST_SOFT:
            return self._fullness(nodes)
        area = nl.node_w_um[nodes] * nl.node_h_um[nodes]
        nodes = nodes[np.argsort(-area, kind="stable")]
        boxes = np.stack(self._edges(nodes), axis=1).tolist()
        return [
            '<g class="soft">',
            *(
                self._box("", x0, y0, x1, y1, f"<title>{_said(nl.node_name[i])}</title>")
                for i, (x0, y0, x1, y1) in zip(nodes.tolist(), boxes, strict=True)
            ),
            "</g>",
        ]

    def _fullness(self, nodes: npt.NDArray[np.int32]) -> list[str]:
        """Draw, in five steps, how much of each spot the nodes cover, each where its centre is."""
        nl, cv, p = self.problem.netlist, self.problem.canvas, self.placement
        step = max(cv.width_um, cv.height_um) / _SPOTS
        columns, rows = math.ceil(cv.width_um / step - 1e-9), math.ceil(cv.height_um / step - 1e-9)
        i = np.clip((p.x_um[nodes] // step), 0, columns - 1).astype(np.int64)
        j = np.clip((p.y_um[nodes] // step), 0, rows - 1).astype(np.int64)
        area = np.bincount(j * columns + i, nl.node_w_um[nodes] * nl.node_h_um[nodes], minlength=rows * columns)
        level = np.digitize(area / step**2, _LEVELS)
        out = []
        side = _n(step * self.scale)
        for k in range(1, len(_LEVELS) + 1):
            spots = np.flatnonzero(level == k)
            if len(spots) == 0:
                continue
            at = (self._xy(s % columns * step, (s // columns + 1) * step) for s in spots.tolist())
            d = "".join(f"M{_n(x)} {_n(y)}h{side}v{side}h-{side}z" for x, y in at)
            out.append(f'<path class="full" fill-opacity="{0.1 * k:.1f}" d="{d}"/>')
        return out

    def _regions(self) -> list[str]:
        out = []
        for region in self.problem.regions:
            for k, (x0, y0, x1, y1) in enumerate(region.rects_um.tolist()):
                out.append(self._box("fence" if region.exclusive else "region", x0, y0, x1, y1))
                if k == 0:
                    px, py = self._xy(x0, y1)
                    out.append(
                        f'<text class="regionname" x="{_n(px + 5)}" y="{_n(py + 14)}">{_said(region.name)}</text>'
                    )
        if out:
            self.key.append(("region", "region"))
        return out

    def _blockages(self) -> list[str]:
        blockages = self.problem.blockages
        if blockages:
            self.key.append(("block", "blockage"))
        return [self._box("block" if b.hard else "softblock", b.x0_um, b.y0_um, b.x1_um, b.y1_um) for b in blockages]

    def _halos(self) -> list[str]:
        nl, p = self.problem.netlist, self.placement
        nodes = nl.hard[p.placed[nl.hard] & self.problem.halo_um[nl.hard].any(axis=1)]
        if len(nodes) == 0:
            return []
        self.key.append(("halo", "halo"))
        halo = turned_halo_um(self.problem.halo_um[nodes], p.orient[nodes])
        x0, y0, x1, y1 = self._edges(nodes)
        grown = np.stack([x0 - halo[:, 0], y0 - halo[:, 1], x1 + halo[:, 2], y1 + halo[:, 3]], axis=1)
        return ['<g class="halo">', *(self._box("", *row) for row in grown.tolist()), "</g>"]

    def _hards(self) -> list[str]:
        problem, nl, p = self.problem, self.problem.netlist, self.placement
        nodes = nl.hard[p.placed[nl.hard]]
        wrong = {name for v in check_legality(problem, p).violations for name in v.nodes}
        out, labels = [], []
        known = _common_start([nl.node_name[i] for i in nodes.tolist()])
        notches: dict[str, list[str]] = {"notch": [], "fixednotch": []}
        edges = zip(*(e.tolist() for e in self._edges(nodes)), strict=True)
        for i, corners, (x0, y0, x1, y1) in zip(nodes.tolist(), self._corners(nodes), edges, strict=True):
            name = nl.node_name[i]
            kind = "fixed" if problem.fixed[i] else "hard"
            about = f"{name} {Orient(p.orient[i]).name} ({x0:.6g}, {y0:.6g})-({x1:.6g}, {y1:.6g}) um"
            mark = f"{kind} wrong" if name in wrong else kind
            out.append(self._box(mark, x0, y0, x1, y1, inner=f"<title>{_said(about)}</title>"))
            points = " ".join(f"{_n(px)} {_n(py)}" for px, py in (self._xy(*c) for c in corners))
            notches["fixednotch" if kind == "fixed" else "notch"].append(f"M{points}z")
            labels += self._label(name[known:], x0, y0, x1, y1)
        if (~problem.fixed[nodes]).any():
            self.key.append(("hard", "hard macro (notch: lower left corner as in N)"))
        if problem.fixed[nodes].any():
            self.key.append(("fixed", "fixed macro"))
        if wrong & {nl.node_name[i] for i in nodes.tolist()}:
            self.key.append(("hard wrong", "breaks a rule"))
        out += [f'<path class="{kind}" d="{"".join(d)}"/>' for kind, d in notches.items() if d]
        return [*out, *labels]

    def _corners(self, nodes: npt.NDArray[np.int32]) -> list[list[list[float]]]:
        """Return for each node the three corners of its notch, um."""
        nl, p = self.problem.netlist, self.placement
        w, h = nl.node_w_um[nodes], nl.node_h_um[nodes]
        short = np.clip(np.minimum(w, h) * 0.14, 0.0, 9.0 / self.scale)
        dx = np.stack([-w / 2, -w / 2 + 2 * short, -w / 2], axis=1)
        dy = np.stack([-h / 2, -h / 2, -h / 2 + short], axis=1)
        turned = oriented_offsets_um(dx.ravel(), dy.ravel(), np.repeat(p.orient[nodes], 3))
        at = np.stack([turned[0].reshape(-1, 3), turned[1].reshape(-1, 3)], axis=2)
        at += np.stack([p.x_um[nodes], p.y_um[nodes]], axis=1)[:, None, :]
        points: list[list[list[float]]] = at.tolist()
        return points

    def _label(self, name: str, x0: float, y0: float, x1: float, y1: float) -> list[str]:
        """Write a name along the longer side, on as many lines as fit; the end of it where not all of it does."""
        wide, high = (x1 - x0) * self.scale, (y1 - y0) * self.scale
        along, across = max(wide, high) - 8, min(wide, high) - 3
        largest = min(_LARGEST_PX, across)
        if largest < _SMALLEST_PX:
            return []
        size = min(largest, along / (_EM * len(name)))
        lines = [name]
        if size < _SMALLEST_PX + 1:
            size = min(largest, _SMALLEST_PX + 1)
            fits = int(along / (_EM * size))
            if fits < 3:
                return []
            lines = _wrapped(name, fits, max(int(across / (_LINE * size)), 1))
        px, py = self._xy((x0 + x1) / 2, (y0 + y1) / 2)
        turn = f' transform="rotate(-90 {_n(px)} {_n(py)})"' if high > wide * 1.2 else ""
        first = py + 0.35 * size - _LINE * size * (len(lines) - 1) / 2
        spans = [
            f'<tspan x="{_n(px)}" y="{_n(first + k * _LINE * size)}">{_said(line)}</tspan>'
            for k, line in enumerate(lines)
        ]
        return [f'<text font-size="{_n(size)}" text-anchor="middle"{turn}>{"".join(spans)}</text>']

    def _ports(self) -> list[str]:
        nl, p = self.problem.netlist, self.placement
        nodes = nl.ports[p.placed[nl.ports]]
        if len(nodes) == 0:
            return []
        self.key.append(("port", "port"))
        at = (self._xy(x, y) for x, y in zip(p.x_um[nodes].tolist(), p.y_um[nodes].tolist(), strict=True))
        # Ports that fall on one pixel are one dot.
        dots = dict.fromkeys(f"M{px:.0f} {py:.0f}h0" for px, py in at)
        return [f'<path class="port" d="{"".join(dots)}"/>']

    def _facts(self) -> str:
        nl, cv = self.problem.netlist, self.problem.canvas
        hard = float((nl.node_w_um[nl.hard] * nl.node_h_um[nl.hard]).sum()) / (cv.width_um * cv.height_um)
        kinds = ((NodeKind.SOFT, "soft macros"), (NodeKind.CELL, "cells"), (NodeKind.PORT, "ports"))
        counts = np.bincount(nl.node_kind, minlength=len(NodeKind))
        facts = [f"{len(nl.hard)} hard macros ({hard:.0%} of {cv.width_um:.6g} x {cv.height_um:.6g} um)"]
        facts += [f"{counts[kind]} {what}" for kind, what in kinds if counts[kind]]
        return " \u00b7 ".join(facts)

    def _head(self) -> list[str]:
        rows = [("title", 19, 28.0, self.title)]
        rows += [("sub", 12, 49 + _LINE_PX * k, line) for k, line in enumerate(self.lines)]
        out = []
        for kind, size, y, said in rows:
            room = int((self.page_width - 2 * _MARGIN_PX) / (_EM * size))
            shown = said if len(said) <= room else said[: room - 1] + "\u2026"
            out.append(f'<text class="{kind}" x="{_n(self.left)}" y="{_n(y)}">{_said(shown)}</text>')
        return out

    def _foot(self) -> list[str]:
        """Draw a bar of a round length and the key, and lengthen the page by what they take."""
        y = self.top + self.height + 26
        length = self._bar_um()
        x = self.left + length * self.scale
        out = [
            f'<path class="bar" d="M{_n(self.left)} {_n(y - 8)}v5H{_n(x)}v-5"/>',
            f'<text class="key" x="{_n(x + 6)}" y="{_n(y)}">{length:g} um</text>',
        ]
        x += 6 + _EM * 12 * len(f"{length:g} um") + 16
        for kind, what in self.key:
            width = 20 + _EM * 12 * len(what)
            if x + width > self.page_width - _MARGIN_PX:
                x, y = self.left, y + 20
            if kind == "port":
                out.append(f'<path class="port" d="M{_n(x + 7)} {_n(y - 4)}h0"/>')
            else:
                out.append(f'<rect class="{kind}" x="{_n(x)}" y="{_n(y - 10)}" width="14" height="11"/>')
            out.append(f'<text class="key" x="{_n(x + 20)}" y="{_n(y)}">{what}</text>')
            x += width + 14
        self.page_height = y + 18
        return out

    def _bar_um(self) -> float:
        """Return a round length of a tenth to a quarter of the canvas's width."""
        least = self.problem.canvas.width_um / 10
        power = 10.0 ** math.floor(math.log10(least))
        return next(power * k for k in (1, 2, 5, 10) if power * k >= least * (1 - 1e-12))
