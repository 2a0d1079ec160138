"""What is best read as a table: a netlist, a verdict, a bound, the outcome of a benchmark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from floorplan.notebook.cards import card, facts, named, table
from floorplan.notebook.layouts import counted
from floorplan.report.groups import group_macros
from floorplan.report.shown_text import shown

if TYPE_CHECKING:
    from floorplan.bench.rows import Row
    from floorplan.bench.runner import Outcome
    from floorplan.bench.table import Section
    from floorplan.bound import LowerBound
    from floorplan.netlist import Legality, Netlist

__all__ = ["bound_html", "legality_html", "netlist_html", "outcome_html", "row_html", "section_html"]

_ROWS = 12


def netlist_html(netlist: Netlist) -> str:
    """Return what a netlist is made of: its nodes and nets, and its hard macros by the hierarchy of their names."""
    nl = netlist
    area = nl.node_w_um * nl.node_h_um
    size = np.diff(nl.net_ptr)
    rows = [("pins", f"{nl.num_pins:,}")]
    if nl.num_nets:
        rows += [
            ("pins a net", f"{size.mean():.2f} on average, at most {size.max():,}"),
            ("weight of a net", f"{nl.net_weight.min():g} to {nl.net_weight.max():g}"),
        ]
    rows += [
        ("area of hard macros", f"{float(area[nl.hard].sum()):,.0f} um2"),
        ("area of soft macros and cells", f"{float(area[nl.soft].sum()):,.0f} um2"),
        ("hash of its content", f"<code>{nl.content_hash[:12]}</code>"),
    ]
    groups = []
    for group in group_macros([nl.node_name[i] for i in nl.hard.tolist()], limit=_ROWS):
        ids = nl.hard[list(group.members)]
        if not len(ids):
            continue
        sizes = sorted({(w, h) for w, h in zip(nl.node_w_um[ids].tolist(), nl.node_h_um[ids].tolist(), strict=True)})
        said = f"{sizes[0][0]:.5g} x {sizes[0][1]:.5g}" if len(sizes) == 1 else f"{len(sizes)} sizes"
        groups.append((named(group.label), f"{len(ids):,}", said, f"{float(area[ids].sum()):,.0f}"))
    head = ("hard macros", "number", "um", "area, um2")
    return card(named(nl.name), counted(nl), [facts(rows), table(groups, head) if groups else ""])


def legality_html(legality: Legality) -> str:
    """Return the verdict, with the worst of what is wrong."""
    found = sorted(legality.violations, key=lambda v: -v.amount_um)
    rows = [
        (shown(v.kind), named(" and ".join(v.nodes), 90), f"{v.amount_um:.6g}", named(v.region)) for v in found[:_ROWS]
    ]
    said = f"{len(found):,} broken rules" + (f", the worst {_ROWS}" if len(found) > _ROWS else "") if found else ""
    warned = f"{len(legality.warnings):,} warnings" if legality.warnings else ""
    parts = [table(rows, ("rule", "nodes", "um", "region"), words=(0, 1, 3))] if rows else []
    return card("legal" if legality.legal else "ILLEGAL", "; ".join(t for t in (said, warned) if t), parts)


def bound_html(bound: LowerBound) -> str:
    """Return what no legal placement goes below, and the argument for it."""
    rows = [
        (name, f"{getattr(bound, name):.4f}", shown(getattr(bound, f"{name}_by")))
        for name in ("wirelength", "density", "congestion", "proxy")
    ]
    w = bound.weights
    said = f"weights {w.wirelength:g} / {w.density:g} / {w.congestion:g}; no legal placement costs less"
    return card(f"certified lower bound {bound.proxy:.4f}", said, [table(rows, ("", "bound", "by"), words=(0, 2))])


def row_html(row: Row) -> str:
    """Return one run of a benchmark: what was asked, and what came of it."""
    said = [("seed", f"{row.seed}"), ("budget", shown(row.budget)), ("verdict", shown(row.status))]
    if row.error is not None:
        said.append((shown(row.error.type), named(row.error.message, 200)))
    if row.score is not None:
        s = row.score
        said += [(name, f"{getattr(s, name):.4f}") for name in ("wirelength", "density", "congestion", "proxy")]
        w = row.weights
        said.append(("weights", " / ".join(f"{w[name]:g}" for name in ("wirelength", "density", "congestion"))))
        said += [("broken", named(what, 90)) for what in s.violations.worst[:3]]
    if row.gap_pct is not None:
        said.append(("over the lower bound", f"{row.gap_pct:.2f} %"))
    if row.wall_s is not None:
        said.append(("spent", f"{row.wall_s:.1f} s, {row.proposals or 0:,} proposals, {row.episodes or 0:,} episodes"))
    return card(f"{named(row.label)} on {named(row.design)}", f"suite {named(row.suite)}", [facts(said)])


def section_html(section: Section) -> str:
    """Return one design of a benchmark: a line an agent and budget, over its seeds."""
    from floorplan.bench.cells import COLUMNS, lines

    found = lines(section)
    rows = [tuple(named(cell, 90) for cell in line.cells) for line in found]
    facts_of = dict(section.facts)
    said = f"{shown(facts_of['size'])}; proxy: mean \u00b1 sample standard deviation over seeds"
    out = card(named(section.design), said, [table(rows, [shown(c) for c in COLUMNS], [line.best for line in found])])
    return out + "".join(f"<div>{named(note, 300)}</div>" for note in section.notes[:_ROWS])


def outcome_html(outcome: Outcome) -> str:
    """Return what became of a suite, design by design."""
    from floorplan.bench.table import sections

    made = sections(outcome.rows) if outcome.rows else []
    said = f"<div>{len(outcome.rows):,} rows, {outcome.done:,} run now, {outcome.skipped:,} there before</div>"
    return said + "".join(section_html(section) for section in made)
