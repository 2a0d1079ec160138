"""What the page is told of a session, ready for JSON: the scene, a node, what was found, where the cost comes from."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from floorplan.formats import write_plc
from floorplan.netlist import Netlist, Placement
from floorplan.report.causes import MAPS
from floorplan.report.groups import group_macros
from floorplan.report.scene import scene_of
from floorplan.view.session import LARGE_NODES, Session

__all__ = ["about_node", "found_by_name", "page_scene", "plc_of", "trouble_of"]

_GROUPS = 7
_NETS = 10
_CELLS_A_MAP = 4
_NODES_OF_A_NET = 64
_HASHED_NODES = 200_000


def page_scene(session: Session) -> dict[str, Any]:
    """Return what is drawn, but for tiles and maps: canvas, rules, and the nodes drawn one by one."""
    problem, nl, cv = session.problem, session.problem.netlist, session.problem.canvas
    version, cells_version, at = session.version, session.cells_version, session.placement
    ids = session.vector_nodes
    return {
        "title": session.opened.title,
        "name": nl.name,
        "hash": nl.content_hash if nl.num_nodes < _HASHED_NODES else "",
        "version": version,
        "cells_version": cells_version,
        "canvas": {"w_um": cv.width_um, "h_um": cv.height_um, "columns": cv.columns, "rows": cv.rows},
        "counts": {
            "hard": len(nl.hard),
            "soft": len(nl.soft),
            "ports": len(nl.ports),
            "nets": nl.num_nets,
            "unplaced": int((~at.placed).sum()),
        },
        "weights": session.options.weights.to_dict(),
        "tiled": session.tiled,
        "nodes": {
            "id": ids.tolist(),
            "name": [nl.node_name[i] for i in ids.tolist()],
            "kind": nl.node_kind[ids].tolist(),
            "w": nl.node_w_um[ids].tolist(),
            "h": nl.node_h_um[ids].tolist(),
            "x": at.x_um[ids].tolist(),
            "y": at.y_um[ids].tolist(),
            "orient": at.orient[ids].tolist(),
            "allowed": problem.allowed_orient[ids].tolist(),
            "fixed": problem.fixed[ids].astype(int).tolist(),
            "pinned": session.pinned[ids].astype(int).tolist(),
            "group": _groups(nl)[ids].tolist(),
        },
        "blockages": [[b.x0_um, b.y0_um, b.x1_um, b.y1_um, int(b.hard)] for b in problem.blockages],
        "regions": [{"name": r.name, "rects": r.rects_um.tolist(), "exclusive": r.exclusive} for r in problem.regions],
        "frames": [f.label for f in session.frames],
        "history": session.history(),
    }


@cache
def _groups(nl: Netlist) -> npt.NDArray[np.int16]:
    """Return (N,) which group of the hierarchy each hard macro is in, -1 for all that is left over."""
    out = np.full(nl.num_nodes, -1, np.int16)
    for k, group in enumerate(group_macros([nl.node_name[i] for i in nl.hard.tolist()], _GROUPS)):
        if group.label != "others":
            out[nl.hard[list(group.members)]] = k
    return out


def about_node(session: Session, node: int) -> dict[str, Any]:
    """Return a node, its nets and its fly-lines.

    Raises:
        ProblemError: it does not exist.
    """
    session.check_exists(node)
    nl, nets, at = session.problem.netlist, session.nets(), session.placement
    lines = [{**line, **_brief(session, at, int(line["node"]))} for line in nets.neighbours(node)]
    return {
        **_brief(session, at, node),
        "pinned": bool(session.pinned[node]),
        "lines": lines,
        "nets": len(nets.nets_of(node)),
        "pins": int((nl.pin_node == node).sum()),
    }


def found_by_name(session: Session, query: str) -> dict[str, Any]:
    """Return the first nodes whose names hold the words of the query, and whether there are more."""
    found, more = session.names().search(query)
    at = session.placement
    return {"found": [_brief(session, at, i) for i in found], "more": more}


def _brief(session: Session, at: Placement, node: int) -> dict[str, Any]:
    nl = session.problem.netlist
    placed = bool(at.placed[node])
    return {
        "id": node,
        "name": nl.node_name[node],
        "kind": int(nl.node_kind[node]),
        "x": float(at.x_um[node]) if placed else None,
        "y": float(at.y_um[node]) if placed else None,
        "w": float(nl.node_w_um[node]),
        "h": float(nl.node_h_um[node]),
        "orient": int(at.orient[node]),
        "fixed": bool(session.problem.fixed[node]),
    }


def trouble_of(session: Session) -> dict[str, Any]:
    """Return where the cost comes from: the longest nets, the fullest cells, and which nodes fill them."""
    if session.problem.netlist.num_nodes > LARGE_NODES:
        return {"nets": [], "cells": []}
    with session.work:
        scene = scene_of(session.problem, session.placement, engine=session.engine(), worst=_NETS)
    nets = [
        {
            "name": n.name,
            "hpwl_um": n.hpwl_um,
            "share": n.share,
            "box": n.box_um,
            "nodes": n.nodes[:_NODES_OF_A_NET],
        }
        for n in scene.worst_nets
    ]
    cells = [
        {
            "map": c.map,
            "row": c.row,
            "column": c.column,
            "value": c.value,
            "crossing": c.crossing,
            "nodes": [cause.node for cause in c.causes],
        }
        for name in MAPS
        for c in [c for c in scene.worst_cells if c.map == name][:_CELLS_A_MAP]
    ]
    return {"nets": nets, "cells": cells}


def plc_of(session: Session) -> bytes:
    """Return the placement as it stands as a .plc file, pinned nodes not marked as fixed."""
    with session.work:
        placement, cost = session.placement, session.cost()
    costs = {
        "Wirelength": repr(cost.wirelength_um),
        "Wirelength cost": repr(cost.wirelength),
        "Congestion cost": repr(cost.congestion),
        "Density cost": repr(cost.density),
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "placement.plc"
        write_plc(path, session.problem, placement, costs)
        return path.read_bytes()
