"""The part of a report that shows one run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from floorplan.figure_style import BLUE, GREEN, ORANGE
from floorplan.report.causes import MAPS
from floorplan.report.curves import curve_charts
from floorplan.report.drawing import colour_bar, frame_of, groups_of, map_svg, placement_svg, scale_of
from floorplan.report.hover import hover_data
from floorplan.report.runs import Run
from floorplan.report.scene import Scene
from floorplan.report.shown_text import shown
from floorplan.report.tables import MAP_NAMES, SHOWN_CELLS, macro_list, worst_tables

__all__ = ["PARTS", "Sheet", "run_section", "verdict"]

PARTS = (("wirelength", BLUE), ("density", ORANGE), ("congestion", GREEN))
"""The parts of the proxy, with their colours."""

_SHOWN_VIOLATIONS = 10


@dataclass(frozen=True, eq=False)
class Sheet:
    """One run and what is shown of it.

    Attributes:
        letter: by which it is called in the report, "" where it is the only one.
        run: what it left.
        scene: its placement; None where it has none.
    """

    letter: str
    run: Run
    scene: Scene | None


def run_section(sheet: Sheet) -> str:
    """Return the section of one run."""
    scene = sheet.scene
    body = [_head(sheet)]
    if scene is not None:
        body += [_hero(sheet, scene), _maps(sheet, scene), worst_tables(scene)]
    level = None if scene is None or scene.bound is None else (scene.bound.proxy, "lower bound")
    charts = curve_charts(sheet.run, level)
    if charts:
        name = "Learning curves" if sheet.run.metrics else "The search"
        body.append(f'<div class="block"><h3>{name}</h3><div class="charts">{"".join(charts)}</div></div>')
    body.append(_provenance(sheet))
    if scene is not None and sheet.run.problem is not None:
        body += [
            macro_list(scene),
            f'<script type="application/json" class="data">{hover_data(sheet.run.problem.netlist, scene)}</script>',
        ]
    return f'<section class="run">{"".join(body)}</section>'


def verdict(scene: Scene) -> str:
    """Return the verdict on legality as a tag; a placement that leaves something out is no result yet."""
    if scene.counts["unplaced"]:
        return f'<span class="tag no">INCOMPLETE: {scene.counts["unplaced"]:,} nodes not placed</span>'
    n = len(scene.legality.violations)
    return '<span class="tag ok">legal</span>' if not n else f'<span class="tag no">ILLEGAL ({n})</span>'


def _head(sheet: Sheet) -> str:
    run, scene = sheet.run, sheet.scene
    letter = f'<span class="letter">{sheet.letter}</span>' if sheet.letter else ""
    title = run.design if run.title in (run.design, "") else f"{run.design}: {run.title}"
    tags = f'<span class="tag">{shown(run.kind)}</span>'
    out = f'<div class="head">{letter}<h2>{shown(title)}</h2>{tags}{verdict(scene) if scene else ""}</div>'
    if scene is None:
        failed = dict(run.facts).get("error")
        if failed is not None:
            return f'{out}<p class="badtext">This run FAILED and left no placement: {shown(failed)}</p>'
        why = "over many netlists; it leaves a policy, not a placement" if run.problem is None else "no placement yet"
        return f'{out}<p class="sub">This run has no placement to show: {why}.</p>'
    n, cv = scene.counts, scene.canvas
    facts = (
        f"{n['hard']:,} hard macros, {n['soft']:,} soft macros and cells, {n['ports']:,} ports, {n['nets']:,} nets on "
        f"{cv.width_um:,.6g} x {cv.height_um:,.6g} µm"
    )
    return f'{out}<p class="sub">{facts}</p>'


def _hero(sheet: Sheet, scene: Scene) -> str:
    frame = frame_of(scene)
    label = f"Placement of {scene.name}: {len(scene.hard)} hard macros, {scene.legality.summary(1)}"
    legend = "".join(
        f'<li><svg viewBox="0 0 10 10" aria-hidden="true"><rect width="10" height="10" fill="{colour}"/></svg>'
        f"{shown(text)} ({len(members):,})</li>"
        for text, colour, members in groups_of(scene)
    )
    dots = '<svg viewBox="0 0 10 10" aria-hidden="true"><circle cx="5" cy="5" r="3" fill="currentColor"/></svg>'
    soft = '<svg viewBox="0 0 10 10" aria-hidden="true"><rect class="soft" width="10" height="10"/></svg>'
    legend += f"<li>{soft}soft macros and cells ({len(scene.soft):,})</li>" if len(scene.soft) else ""
    legend += f"<li>{dots}ports ({len(scene.ports):,})</li>" if len(scene.ports) else ""
    return (
        f'<div class="hero"><figure>{placement_svg(scene, frame, label)}<ul class="legend">{legend}</ul>'
        '<p class="note hover">A dark corner is the lower left one in orientation N. Point at a macro for its name, '
        "size and strongest connections; at a line of the tables below for its net or cell.</p></figure>"
        f"<div>{_cost_card(scene)}{_legality_card(scene)}{_run_card(sheet)}</div></div>"
    )


def _run_card(sheet: Sheet) -> str:
    """Return what a reader asks of a run first; all else is among the provenance."""
    facts = dict(sheet.run.facts)
    wanted = ("agent", "method", "seed", "budget", "budget spent", "policy", "netlist", "start placement", "placement")
    rows = "".join(f"<dt>{shown(k)}</dt><dd>{shown(facts[k])}</dd>" for k in wanted if k in facts)
    return f'<div class="card"><h3>Run</h3><dl>{rows}</dl></div>' if rows else ""


def _cost_card(scene: Scene) -> str:
    cost, bound, w, o = scene.cost, scene.bound, scene.options.weights, scene.options
    rows = []
    for name, colour in PARTS:
        value, weight = float(getattr(cost, name)), float(getattr(w, name))
        box = f'<rect width="1" height="1" fill="{colour}"/>'
        rows.append(
            f'<tr><th class="l"><svg class="swatch" viewBox="0 0 1 1" aria-hidden="true">{box}</svg>{name}</th>'
            f"<td>{value:.4f}</td><td>{weight:g}</td><td>{value * weight:.4f}</td>{_bound_cells(scene, name)}</tr>"
        )
    rows.append(
        f'<tr class="sum"><th class="l">proxy</th><td></td><td></td><td>{cost.proxy:.4f}</td>'
        f"{_bound_cells(scene, 'proxy')}</tr>"
    )
    above = (
        ""
        if bound is None or scene.counts["unplaced"]
        else f" <small>{_above(cost.proxy, bound.proxy)} above the lower bound</small>"
    )
    low = "" if bound is None else "<th>lower bound</th><th>above it</th>"
    notes = [
        f"Wirelength {cost.wirelength_um:,.1f} µm.",
        f"Density is half the mean of the densest {o.density_top:.0%} of cells,",
        f"congestion the mean of the fullest {o.congestion_top:.0%} of horizontal and vertical cells.",
        "Soft macros are made square first." if o.square_soft else "",
        "No lower bound is on record; <code>--bound</code> computes it." if bound is None else "",
    ]
    partial = ""
    if scene.counts["unplaced"]:
        partial = (
            f'<p class="badtext">Of an incomplete placement: {scene.counts["unplaced"]:,} nodes are left out of the '
            "cost. It compares with nothing.</p>"
        )
    return (
        f'<div class="card"><h3>Proxy cost</h3><p class="big">{cost.proxy:.4f}{above}</p>{partial}{_cost_bar(scene)}'
        '<table><thead><tr><th class="l">part</th><th>value</th><th>weight</th><th>cost</th>'
        f"{low}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        f'<p class="note">{" ".join(n for n in notes if n)}</p></div>'
    )


def _bound_cells(scene: Scene, name: str) -> str:
    if scene.bound is None:
        return ""
    low = float(getattr(scene.bound, name))
    return f"<td>{low:.4f}</td><td>{_above(float(getattr(scene.cost, name)), low)}</td>"


def _cost_bar(scene: Scene) -> str:
    """Return the weighted parts end to end, the lower bound marked."""
    cost, w = scene.cost, scene.options.weights
    out, at = [], 0.0
    for name, colour in PARTS:
        share = getattr(cost, name) * getattr(w, name) / cost.proxy if cost.proxy else 0.0
        out.append(f'<rect x="{400 * at:.2f}" width="{400 * share:.2f}" height="22" fill="{colour}"/>')
        if share > 0.09:
            out.append(f'<text x="{400 * (at + share / 2):.1f}" y="38" text-anchor="middle">{share:.0%}</text>')
        at += share
    if scene.bound is not None and cost.proxy:
        x = 400 * min(1.0, scene.bound.proxy / cost.proxy)
        out.append(f'<path class="mark" d="M{x:.1f} -3v28"/>')
        out.append(f'<text class="bound" x="{x:.1f}" y="-7" text-anchor="middle">bound {scene.bound.proxy:.4f}</text>')
    top, height = (-20, 62) if scene.bound is not None else (-3, 45)
    return (
        f'<svg class="costbar" viewBox="0 {top} 400 {height}" role="img" aria-label="shares of the proxy cost">'
        f"{''.join(out)}</svg>"
    )


def _above(value: float, bound: float) -> str:
    if not bound > 0:
        return "-"
    return f"{(value - bound) / bound:.1%}" if value < 10 * bound else f"{value / bound - 1:.0f} times it"


def _legality_card(scene: Scene) -> str:
    found, warnings = scene.legality.violations, scene.legality.warnings
    broken = [v for v in found if v.kind != "unplaced"]
    missing = len(found) - len(broken)
    if not found:
        text = '<div class="card"><h3>Legality</h3><p>Legal: no rule is broken.</p>'
    else:
        worst = sorted(broken, key=lambda v: -v.amount_um)
        items = "".join(f"<li>{shown(v)}</li>" for v in worst[:_SHOWN_VIOLATIONS])
        more = len(broken) - _SHOWN_VIOLATIONS
        items += f"<li>and {more:,} more</li>" if more > 0 else ""
        items += f"<li>{missing:,} nodes are not placed</li>" if missing else ""
        head = f"ILLEGAL: {len(broken):,} rule{'' if len(broken) == 1 else 's'} broken" if broken else "Incomplete"
        text = f'<div class="card bad"><h3>{head}</h3><ul class="plain">{items}</ul>'
    if warnings:
        far = max(warnings, key=lambda v: v.amount_um)
        text += f'<p class="note">{len(warnings):,} warnings, the worst: {shown(far)}.</p>'
    return text + "</div>"


def _maps(sheet: Sheet, scene: Scene) -> str:
    congestion = scale_of(np.stack([scene.h_congestion, scene.v_congestion]))
    out = []
    for name in MAPS:
        values = getattr(scene, name)
        high, cut = scale_of(values) if name == "density" else congestion
        cells = [(c.row, c.column) for c in scene.worst_cells if c.map == name][:SHOWN_CELLS]
        over = int((values > 1.0).sum())
        full = f"; {over:,} of {values.size:,} cells above 1" if over else "; no cell above 1"
        label = f"{MAP_NAMES[name]}: mean {values.mean():.3f}, largest {values.max():.3f}"
        svg = map_svg(scene, values, high, label, cells).replace('class="map"', f'class="map" data-map="{name}"', 1)
        out.append(
            f"<figure><h3>{MAP_NAMES[name]}</h3>{svg}{colour_bar(f'bar{sheet.letter}{name}', high, cut=cut)}"
            f"<figcaption>mean {values.mean():.3f}, largest {values.max():.3f}{full}</figcaption></figure>"
        )
    return f'<div class="maps">{"".join(out)}</div>'


def _provenance(sheet: Sheet) -> str:
    run, scene = sheet.run, sheet.scene
    facts: list[tuple[str, str]] = []
    if scene is not None:
        cv, w = scene.canvas, scene.options.weights
        facts += [
            ("netlist", f"{scene.name}, SHA-256 of its content {scene.netlist_hash}"),
            ("grid", f"{cv.columns} columns x {cv.rows} rows of {cv.cell_w_um:.6g} x {cv.cell_h_um:.6g} µm"),
            (
                "routing tracks",
                f"{cv.h_tracks_per_um:g} horizontal and {cv.v_tracks_per_um:g} vertical a µm; hard macros take "
                f"{cv.h_macro_tracks_per_um:g} and {cv.v_macro_tracks_per_um:g}; smoothed over {cv.smooth_range} cells",
            ),
            ("weights", f"wirelength {w.wirelength:g}, density {w.density:g}, congestion {w.congestion:g}"),
        ]
        if scene.bound is not None:
            b = scene.bound
            by = dict.fromkeys((b.wirelength_by, b.density_by, b.congestion_by, b.proxy_by))
            facts.append(("lower bound by", "; ".join(by)))
    if run.problem is not None:
        facts += [(k.replace("_", " "), str(v)) for k, v in run.problem.constraints().items()]
    named = {name for name, _ in facts}
    facts += [(f"{k} file" if k in named else k, v) for k, v in run.facts if k not in ("netlist hash", "grid")]
    rows = "".join(f"<dt>{shown(k)}</dt><dd>{shown(v)}</dd>" for k, v in facts)
    return f'<div class="block"><h3>Provenance</h3><dl>{rows}</dl></div>'


def letters(count: int) -> Sequence[str]:
    """Return how `count` runs are called: A, B, C ... or nothing for a single one."""
    return [""] if count == 1 else [chr(65 + i) if i < 26 else str(i + 1) for i in range(count)]
