"""Whatever stands on a canvas: a problem, a placement of it, a design, a chip, an agent's result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from floorplan.errors import ProblemError
from floorplan.netlist import Legality, Netlist, NodeKind, Placement, Problem, check_legality
from floorplan.notebook.cards import card, facts, named, picture
from floorplan.notebook.figures import cost_rows
from floorplan.notebook.plan import plan_of, plan_svg, points_svg
from floorplan.report.shown_text import shown

if TYPE_CHECKING:
    from floorplan.accelerator.chip import Chip
    from floorplan.cluster.cluster import Clustering
    from floorplan.cost import Cost
    from floorplan.formats.design import Design

__all__ = [
    "Beside",
    "beside",
    "chip_html",
    "clustering_html",
    "counted",
    "design_html",
    "layout_html",
    "placement_html",
    "problem_html",
]

_WHOLE, _WIDEST = 930, 420
"""Pixels that placements side by side take together, and one of them at most."""
_CHECKED = 1000
"""With more nodes than this not placed, nobody asks what the others break."""


def placement_html(placement: Placement) -> str:
    """Return a placement drawn; as points where it does not know what it places."""
    if placement.problem is not None:
        return layout_html(placement)
    on = placement.placed
    title = f"{len(placement):,} nodes, {int(on.sum()):,} placed"
    hint = "points, since this placement does not know what it places: <code>placement.on(problem)</code> is drawn"
    if not on.any():
        return card(title, hint, [])
    x, y = placement.x_um[on], placement.y_um[on]
    extent = f"x {x.min():,.6g} to {x.max():,.6g} um, y {y.min():,.6g} to {y.max():,.6g} um"
    return card(
        title, hint, [picture(points_svg(placement), f"{title}: centres, {extent}", 320), facts([("", extent)])]
    )


def layout_html(placement: Placement, cost: Cost | None = None, more: Sequence[tuple[str, str]] = ()) -> str:
    """Return a placement that knows its problem, drawn, with what it costs and whether it is legal.

    Args:
        placement: made by `Placement.on`.
        cost: of it, where it is known.
        more: names and values to say beside that, as plain text.
    """
    problem = placement.problem
    if problem is None:
        return placement_html(placement)
    missing = int((~placement.placed).sum())
    legality = check_legality(problem, placement) if missing <= _CHECKED else None
    verdict = f"{missing:,} of {len(placement):,} nodes are not placed" if missing else _verdict(legality)
    rows = [("verdict", verdict), *(cost_rows(cost) if cost is not None else [])]
    rows += [(shown(name), shown(value)) for name, value in more]
    rows.append(("canvas", _canvas(problem)))
    if legality is not None and legality.warnings:
        rows.append(("warnings", f"{len(legality.warnings):,}"))
    return _drawn(problem, placement, legality, "placement", rows)


def beside(**placements: Placement) -> Beside:
    """Show placements that know their problem side by side, each below the name it is given under."""
    return Beside(placements)


class Beside:
    """Placements that show themselves side by side in a notebook; made by `beside`."""

    def __init__(self, placements: Mapping[str, Placement]) -> None:
        self.placements = dict(placements)

    def __repr__(self) -> str:
        return f"beside({', '.join(f'{name}={placement!r}' for name, placement in self.placements.items())})"

    def _repr_html_(self) -> str:
        width = min(_WHOLE // max(len(self.placements), 1), _WIDEST)
        parts = []
        for name, placement in self.placements.items():
            problem = placement.problem
            if problem is None:
                raise ProblemError(f"{name} does not know what it places: give it as placement.on(problem)")
            missing = int((~placement.placed).sum())
            legality = None if missing else check_legality(problem, placement)
            verdict = f"{missing:,} nodes not placed" if missing else _verdict(legality)
            svg, _ = plan_svg(plan_of(problem, placement, legality, tray=False), name, legend=False)
            label = f"{name}: placement of {problem.netlist.name}, {verdict.partition(':')[0]}"
            caption = f"<div><b>{named(name.replace('_', ' '))}</b> <span style='opacity:.75'>{verdict}</span></div>"
            parts.append(caption + picture(svg, label, width))
        return card("", "", parts)


def problem_html(problem: Problem) -> str:
    """Return a problem: what is placed, on what, and the start placement drawn."""
    return _drawn(problem, problem.initial, None, "start placement", _about(problem))


def design_html(design: Design) -> str:
    """Return a design: its problem, and what it was read from."""
    said = [("format", shown(design.format)), ("read from", ", ".join(named(p.name) for p in design.paths))]
    return _drawn(design.problem, design.problem.initial, None, "start placement", [*_about(design.problem), *said])


def clustering_html(clustering: Clustering) -> str:
    """Return a clustering: its problem with the groups where they start, and how it went."""
    c = clustering
    said = [
        ("cells", f"{int((c.host >= 0).sum()):,} in {len(c.problem.netlist.soft):,} groups"),
        ("nets cut", f"{c.cut:,}"),
        ("groups on the way", f"{c.parts:,} by the partition, {c.broken:,} after breaking up those that spread"),
        ("cells were", "placed" if c.given else "not placed: spots follow from the nets"),
    ]
    return _drawn(c.problem, c.problem.initial, None, "groups where they start", [*said, *_about(c.problem)])


def chip_html(chip: Chip) -> str:
    """Return a chip: what its macros add up to, and its problem."""
    said = [
        ("template", shown(chip.name)),
        ("technology", f"{shown(chip.technology)}, {chip.clock_hz / 1e9:g} GHz"),
        ("peak", f"{chip.peak_flops / 1e12:,.4g} TFLOP/s"),
        ("SRAM", f"{chip.sram_bytes / 1e6:,.4g} MB, {chip.sram_bytes_per_s / 1e12:,.3g} TB/s"),
    ]
    if chip.memory_bytes_per_s:
        said.append((shown(chip.memory).upper(), f"{chip.memory_bytes_per_s / 1e12:,.3g} TB/s"))
    return _drawn(chip.problem, chip.problem.initial, None, "what is fixed", [*said, *_about(chip.problem)])


def counted(netlist: Netlist) -> str:
    """Return in words how many nodes of each kind there are, and nets."""
    kinds = ((NodeKind.HARD, "hard macros"), (NodeKind.SOFT, "soft macros"), (NodeKind.CELL, "cells"))
    counts = np.bincount(netlist.node_kind, minlength=len(NodeKind)).tolist()
    said = [f"{counts[kind]:,} {what}" for kind, what in (*kinds, (NodeKind.PORT, "ports")) if counts[kind]]
    return ", ".join([*said, f"{netlist.num_nets:,} nets"])


def _verdict(legality: Legality | None) -> str:
    if legality is None or legality.legal:
        return "legal"
    worst = named(legality.summary(1).removeprefix("ILLEGAL: "), 110)
    return f"<b>ILLEGAL</b>: {len(legality.violations):,} broken rules; {worst}"


def _canvas(problem: Problem) -> str:
    cv = problem.canvas
    return f"{cv.width_um:,.6g} x {cv.height_um:,.6g} um, {cv.columns} x {cv.rows} cells"


def _about(problem: Problem) -> list[tuple[str, str]]:
    nl, cv = problem.netlist, problem.canvas
    area = nl.node_w_um * nl.node_h_um
    hard, whole = float(area[nl.hard].sum()), cv.width_um * cv.height_um
    movable = int((~problem.initial.placed).sum())
    rows = [
        ("canvas", _canvas(problem)),
        ("hard macros cover", f"{hard / whole:.1%}"),
        ("all nodes cover", f"{float(area.sum()) / whole:.1%}"),
        ("not placed yet", f"{movable:,} nodes"),
    ]
    for key, value in problem.constraints().items():
        rows.append((shown(key.replace("_", " ")), named(value if not isinstance(value, list) else _listed(value), 80)))
    return rows


def _listed(values: list[object]) -> str:
    return ", ".join(str(v.get("name", v)) if isinstance(v, dict) else str(v) for v in values)


def _drawn(
    problem: Problem, placement: Placement, legality: Legality | None, what: str, rows: Sequence[tuple[str, str]]
) -> str:
    nl = problem.netlist
    parts = []
    if placement.placed.any() or len(nl.hard):
        plan = plan_of(problem, placement, legality)
        label = f"{what} of {nl.name}: {plan.counts[0]} hard macros, {plan.counts[1]} soft macros and cells"
        svg, width = plan_svg(plan, label)
        parts.append(picture(svg, label, width))
    return card(named(nl.name), counted(nl), [*parts, facts(rows)])
