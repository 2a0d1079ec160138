"""Canvas of a LEF/DEF design: its size, the core within it, and the routing supply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from floorplan.formats.lefdef.def_polygon import bounding_box
from floorplan.formats.lefdef.def_tables import Def, Rect
from floorplan.formats.lefdef.lef_tables import Lef, LefMacro
from floorplan.netlist import Canvas, Netlist

__all__ = ["core_box", "core_site_um", "make_canvas"]


def core_site_um(lef: Lef, d: Def) -> tuple[float, float] | None:
    """Return width and height of the site that most rows are of; None without rows or where no LEF has the site."""
    rows = Counter(r.site for r in d.rows if not _is_pad_row(lef, r.site))
    for name, _ in rows.most_common():
        if name in lef.sites:
            return lef.sites[name].w_um, lef.sites[name].h_um
    return None


def core_box(lef: Lef, d: Def) -> Rect | None:
    """Return the box around all rows of cells (not of IO pads) within the die; None without such rows."""
    boxes = []
    for r in d.rows:
        if _is_pad_row(lef, r.site):
            continue
        site = lef.sites.get(r.site)
        w, h = (round(v * d.dbu_per_um) for v in ((site.w_um, site.h_um) if site is not None else (0.0, 0.0)))
        if r.orient >= 4:
            w, h = h, w
        boxes.append((r.x, r.y, r.x + (r.nx - 1) * r.step_x + w, r.y + (r.ny - 1) * r.step_y + h))
    if not boxes:
        return None
    x0, y0, x1, y1 = bounding_box(d.die)
    a = np.array(boxes, np.float64)
    low, high = a[:, :2].min(axis=0), a[:, 2:].max(axis=0)
    box = max(int(low[0]), x0), max(int(low[1]), y0), min(int(high[0]), x1), min(int(high[1]), y1)
    return box if box[0] < box[2] and box[1] < box[3] else None


def _is_pad_row(lef: Lef, site: str) -> bool:
    return site in lef.sites and lef.sites[site].kind == "PAD"


def make_canvas(lef: Lef, d: Def, box: Rect, netlist: Netlist, macros: Sequence[LefMacro]) -> Canvas:
    """Return the canvas of a box of the die.

    Horizontal tracks per um are those of TRACKS in the preferred direction of each routing layer but the lowest, which
    the cells themselves use; a layer that TRACKS does not name has those of its pitch. A hard macro takes from each
    layer the share of its area that its obstructions there cover. Where the LEF says nothing of this, supply and use
    are those of `Canvas.default_for`, as the grid always is.

    Args:
        lef: the library.
        d: the design.
        box: what of the die is the canvas.
        netlist: for the default.
        macros: the library's macro of each hard macro.
    """
    usual = Canvas.default_for(netlist)
    width, height = (box[2] - box[0]) / d.dbu_per_um, (box[3] - box[1]) / d.dbu_per_um
    routing = [layer for layer in lef.layers.values() if layer.kind == "ROUTING"]
    supply = {"HORIZONTAL": 0.0, "VERTICAL": 0.0}
    use = dict(supply)
    area = sum(m.w_um * m.h_um for m in macros)
    known = any(m.obstruction_um2 for m in macros)
    tracks_per_um = _tracks_per_um(d)
    for layer in routing[1:] if len(routing) > 2 else routing:
        axis = {"HORIZONTAL": "Y", "VERTICAL": "X"}.get(layer.direction)
        if axis is None:
            continue
        pitch = layer.pitch_y_um if axis == "Y" else layer.pitch_x_um
        tracks = tracks_per_um.get((layer.name, axis)) or (1 / pitch if pitch > 0 else 0.0)
        supply[layer.direction] += tracks
        taken = sum(min(m.obstruction_um2.get(layer.name, 0.0), m.w_um * m.h_um) for m in macros)
        use[layer.direction] += tracks * taken / area if area else 0.0
    h, v = supply["HORIZONTAL"], supply["VERTICAL"]
    canvas = replace(usual, width_um=width, height_um=height)
    if not (0 < h < 1e6 and 0 < v < 1e6):
        return canvas
    if not known:
        use["HORIZONTAL"] = h * usual.h_macro_tracks_per_um / usual.h_tracks_per_um
        use["VERTICAL"] = v * usual.v_macro_tracks_per_um / usual.v_tracks_per_um
    return replace(
        canvas,
        h_tracks_per_um=h,
        v_tracks_per_um=v,
        h_macro_tracks_per_um=use["HORIZONTAL"],
        v_macro_tracks_per_um=use["VERTICAL"],
    )


def _tracks_per_um(d: Def) -> dict[tuple[str, str], float]:
    """Return tracks per um of the die, by layer and axis; statements that cover a part of it count in part."""
    x0, y0, x1, y1 = bounding_box(d.die)
    extent = {"X": x1 - x0, "Y": y1 - y0}
    out: dict[tuple[str, str], float] = {}
    for t in d.tracks:
        for layer in t.layers if t.step > 0 else ():
            share = min(t.count * t.step / extent[t.axis], 1.0)
            out[layer, t.axis] = out.get((layer, t.axis), 0.0) + share / t.step * d.dbu_per_um
    return out
