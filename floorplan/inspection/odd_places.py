"""Sizes and places that look wrong: macros, their pins, ports, and what the start does not obey."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from floorplan.files import plain_name
from floorplan.formats import read_plc
from floorplan.formats.design import Design
from floorplan.formats.plc import DEFAULTS
from floorplan.inspection.sizes import Areas
from floorplan.inspection.suspicion import ERROR, NOTE, WARNING, Suspicion, suspicion
from floorplan.netlist import NodeKind, Problem, check_legality

__all__ = ["EDGE_SHARE", "odd_places"]

EDGE_SHARE = 0.005
"""A port this share of the canvas's shorter side away from every edge is no longer on one."""

_PIN_TOLERANCE_UM = 1e-3
_TRACKS = tuple(f"Routes {what}, {way}" for what in ("per micron", "used by macros") for way in ("hor", "ver"))
_STACKED_SHARE, _STACKED_LEAST = 0.5, 10


def odd_places(design: Design, areas: Areas) -> tuple[Suspicion, ...]:
    """Return what looks wrong with sizes, places and the canvas."""
    problem = design.problem
    return (
        *_utilisation(areas),
        *_flat_nodes(problem),
        *_pins_outside(problem),
        *_ports(problem),
        *_start(problem),
        *_usual_tracks(design),
    )


def _utilisation(areas: Areas) -> tuple[Suspicion, ...]:
    if areas.hard_utilisation > 1:
        what = f"hard macros take {areas.hard_utilisation:.3f} of the canvas, more than there is"
        return suspicion("utilisation", ERROR, what, [("hard macros", areas.hard - areas.canvas)], "um2")
    if areas.utilisation > 1:
        what = f"everything together takes {areas.utilisation:.3f} of the canvas, more than there is"
        return suspicion("utilisation", WARNING, what, [("all nodes", areas.hard + areas.soft - areas.canvas)], "um2")
    return ()


def _flat_nodes(problem: Problem) -> tuple[Suspicion, ...]:
    nl = problem.netlist
    flat = (nl.node_kind != NodeKind.PORT) & ((nl.node_w_um == 0) | (nl.node_h_um == 0))
    items = ((nl.node_name[i], nl.node_w_um[i] + nl.node_h_um[i]) for i in np.flatnonzero(flat).tolist())
    return suspicion("zero_area", WARNING, "{n} soft macro{s} or cell{s} without area", items, "um")


def _pins_outside(problem: Problem) -> tuple[Suspicion, ...]:
    nl = problem.netlist
    of = nl.pin_node
    beyond = np.maximum(np.abs(nl.pin_dx_um) - nl.node_w_um[of] / 2, np.abs(nl.pin_dy_um) - nl.node_h_um[of] / 2)
    bad = (beyond > _PIN_TOLERANCE_UM) & (nl.node_kind[of] != NodeKind.PORT)
    worst = np.flatnonzero(bad)
    macros = len(np.unique(of[worst]))
    what = f"{{n}} pin{{s}} outside of the macro they belong to, on {macros:,} macro{'' if macros == 1 else 's'}"
    return suspicion("pin_outside_macro", WARNING, what, ((nl.pin_name[p], beyond[p]) for p in worst.tolist()), "um")


def _ports(problem: Problem) -> tuple[Suspicion, ...]:
    nl, cv, start = problem.netlist, problem.canvas, problem.initial
    ports = nl.ports[start.placed[nl.ports]]
    x, y = start.x_um[ports], start.y_um[ports]
    outside = np.maximum.reduce([-x, x - cv.width_um, -y, y - cv.height_um])
    # negative inside: how far the nearest edge is
    limit = EDGE_SHARE * min(cv.width_um, cv.height_um)
    off = np.flatnonzero(np.abs(outside) > limit).tolist()
    within = sum(1 for i in off if outside[i] < 0)
    what = f"{{n}} of {len(ports):,} ports off the canvas's edge by more than {limit:.3g} um, {within:,} inside and "
    what += f"{len(off) - within:,} outside"
    items = [(nl.node_name[ports[i]], abs(float(outside[i]))) for i in off]
    return suspicion("port_off_edge", WARNING, what, items, "um") + _stacked(problem, ports.tolist())


def _stacked(problem: Problem, ports: Sequence[int]) -> tuple[Suspicion, ...]:
    at: dict[tuple[float, float], list[int]] = {}
    for i in ports:
        at.setdefault((float(problem.initial.x_um[i]), float(problem.initial.y_um[i])), []).append(i)
    most = max(at.values(), key=len, default=[])
    if len(most) < _STACKED_LEAST or len(most) < _STACKED_SHARE * len(ports):
        return ()
    x, y = problem.initial.x_um[most[0]], problem.initial.y_um[most[0]]
    what = f"{{n}} of {len(ports):,} ports at one point ({x:.6g}, {y:.6g})"
    return suspicion("stacked_ports", WARNING, what, ((problem.netlist.node_name[i], 0.0) for i in most))


def _start(problem: Problem) -> tuple[Suspicion, ...]:
    """What the initial placement breaks, fixed macros apart from those that can still move."""
    nl, fixed = problem.netlist, problem.fixed
    found: dict[str, list[tuple[str, float]]] = {}
    for v in check_legality(problem, problem.initial).violations:
        if v.kind in ("unplaced", "moved"):
            continue
        stuck = all(fixed[nl.node_id[name]] for name in v.nodes)
        kind = ("fixed_" if stuck else "start_") + v.kind
        found.setdefault(kind, []).append((" and ".join((*v.nodes, v.region) if v.region else v.nodes), v.amount_um))
    said = {
        "fixed_overlap": (ERROR, "{n} pair{s} of fixed macros overlap"),
        "fixed_outside": (WARNING, "{n} fixed macro{s} outside of the canvas"),
        "start_overlap": (NOTE, "{n} pair{s} of macros overlap in the initial placement"),
        "start_outside": (NOTE, "{n} macro{s} outside of the canvas in the initial placement"),
    }
    out: list[Suspicion] = []
    for kind, items in sorted(found.items()):
        whose, _, rule = kind.partition("_")
        by = "by fixed macros" if whose == "fixed" else "in the initial placement"
        usual = WARNING if whose == "fixed" else NOTE, f"the rule {rule!r} is broken {{n}} time{{s}} {by}"
        severity, what = said.get(kind, usual)
        out += suspicion(kind, severity, what, items, "um")
    return tuple(out)


def _usual_tracks(design: Design) -> tuple[Suspicion, ...]:
    """Formats without routing tracks take those that AlphaChip's evaluator assumes; congestion then says little."""
    nl, canvas = design.problem.netlist, design.problem.canvas
    assumed = tuple(float(DEFAULTS[key]) for key in _TRACKS)
    given = (canvas.h_tracks_per_um, canvas.v_tracks_per_um, canvas.h_macro_tracks_per_um, canvas.v_macro_tracks_per_um)
    if given != assumed:
        return ()
    for path in design.paths:
        if plain_name(path).endswith(".plc") and not set(_TRACKS) & set(read_plc(path, nl).defaulted):
            return ()  # these are the figures of a real technology, and this file states them
    what = "routing tracks are those that AlphaChip's evaluator assumes where a design names none"
    items = [("horizontal, per um", given[0]), ("vertical, per um", given[1])]
    return suspicion("usual_tracks", NOTE, what, items, "", 1)
