"""What the script of a report shows when something is pointed at, as the data that stands in the page."""

from __future__ import annotations

from typing import Any

import numpy as np

from floorplan.netlist import Netlist
from floorplan.report.causes import MAPS
from floorplan.report.drawing import MAX_VECTORS, frame_of
from floorplan.report.scene import Scene, flylines_of
from floorplan.report.shown_text import json_script
from floorplan.report.tables import SHOWN_NETS

__all__ = ["hover_data"]

_MAX_HOVER_CELLS = 20_000
_MAX_FLY_MACROS = 1500
_MAX_ENDS = 80
"""Ends of a worst net that lines are drawn to."""


def hover_data(netlist: Netlist, scene: Scene) -> str:
    """Return what the page's script shows: shapes numbered as drawn, then whatever else a line leads to."""
    frame, cv = frame_of(scene), scene.canvas
    soft = [] if len(scene.soft) > MAX_VECTORS else [scene.soft]
    groups = [scene.hard, *soft]
    number = {node: n for n, node in enumerate(np.concatenate([g.node for g in groups]).tolist())}
    fly = flylines_of(netlist, 8 if len(scene.hard) <= _MAX_FLY_MACROS else 3)
    ends = [n.nodes[:_MAX_ENDS] for n in scene.worst_nets[:SHOWN_NETS]]
    wanted = dict.fromkeys([*fly.other.tolist(), *(i for nodes in ends for i in nodes)])
    place = {node: (g, i) for g in (scene.soft, scene.ports) for i, node in enumerate(g.node.tolist())}
    extra = [node for node in wanted if node not in number and node in place]
    for node in extra:
        number[node] = len(number)
    table: dict[str, list[Any]] = {"name": [], "kind": [], "x": [], "y": [], "w": [], "h": [], "orient": []}
    rows = [(g, i) for g in groups for i in range(len(g))] + [place[node] for node in extra]
    for g, i in rows:
        table["name"].append(g.name[i])
        table["kind"].append({"hard": "hard macro", "soft": "soft macro"}.get(g.kind[i], g.kind[i]))
        table["orient"].append(g.orient[i])
        for key, values in (("x", g.x_um), ("y", g.y_um), ("w", g.w_um), ("h", g.h_um)):
            table[key].append(round(float(values[i]), 4))
    lines: dict[int, list[list[float]]] = {}
    for a, b, weight, nets in zip(*(v.tolist() for v in (fly.macro, fly.other, fly.weight, fly.nets)), strict=True):
        if a in number and b in number:
            lines.setdefault(number[a], []).append([number[b], float(f"{weight:.5g}"), nets])
    maps = {}
    if cv.num_cells <= _MAX_HOVER_CELLS:
        maps = {name: np.round(getattr(scene, name), 3).ravel().tolist() for name in MAPS}
    return json_script(
        {
            **table,
            "x0": frame.x0_um,
            "y1": frame.y1_um,
            "scale": frame.scale,
            "fixed": np.flatnonzero(scene.hard.fixed).tolist(),
            "fly": lines,
            "net": [[number[i] for i in nodes if i in number] for nodes in ends],
            "cell": [cv.cell_w_um, cv.cell_h_um],
            "grid": [cv.rows, cv.columns],
            "maps": maps,
        }
    )
