"""The text of every cell of a table, the same for Markdown, HTML and the terminal; and the CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from floorplan.bench.bounds import gap_pct
from floorplan.bench.published import Published
from floorplan.bench.table import Group, Section, budget_text

__all__ = ["COLUMNS", "Line", "csv_text", "lines", "machine_text"]

COLUMNS = (
    *("agent", "budget", "n", "proxy", "min", "wirelength", "density", "congestion", "wall s", "CPU s", "proposals"),
    *("legal", "gap %"),
)
"""Headings; all but the first two and `legal` are over numbers."""
NONE = "–"  # noqa: RUF001  # a dash for what there is not


@dataclass(frozen=True)
class Line:
    """A table line: its cells, and what kind it is (`ours` or `published`); `best` sets it off."""

    kind: str
    cells: tuple[str, ...]
    best: bool = False


def lines(section: Section) -> list[Line]:
    """Return the lines of a section's table: our groups, then what is published for the same netlist."""
    return [_ours(g) for g in section.groups] + [_theirs(p, section) for p in section.published]


def machine_text(section: Section) -> str:
    """Return where and with what the runs took place."""
    row = section.first
    m = row.machine
    libraries = ", ".join(f"{k} {v}" for k, v in sorted(row.versions.items()))
    memory = f", {m['memory_gib']:g} GiB" if m.get("memory_gib") else ""
    where = f"{m.get('cpu')}, {m.get('usable_cores')} cores{memory}, {m.get('platform')}"
    return f"{where}; {row.threads} threads a run; {libraries}"


def _ours(g: Group) -> Line:
    if g.proxy is None:
        proxy = "ILLEGAL" if g.illegal else "FAILED"
    else:
        proxy = f"{g.proxy:.4f}" + (f" ± {g.proxy_std:.4f}" if g.proxy_std is not None else "")
    cells = (
        g.label,
        budget_text(g.budget),
        str(len(g.rows)),
        proxy,
        _number(g.proxy_min, 4),
        _number(g.wirelength, 4),
        _number(g.density, 4),
        _number(g.congestion, 4),
        _number(g.wall_s, 1),
        _number(g.cpu_s, 1),
        NONE if g.proposals is None else f"{g.proposals:,.0f}",
        g.verdict,
        _number(g.gap_pct, 2),
    )
    return Line("ours", cells, g.best)


def _theirs(p: Published, section: Section) -> Line:
    legal = {True: "legal", False: "ILLEGAL", None: "not stated"}[p.legal]
    # digits as published; four where it was computed here
    digits = 4 if p.wirelength is not None or p.proxy * 1000 % 1 > 1e-9 else 3
    cells = (
        f"published: {p.method}",
        NONE if p.hours is None else f"{p.hours:g} h",
        NONE,
        f"{p.proxy:.{digits}f}",
        NONE,
        _number(p.wirelength, 4),
        _number(p.density, 4),
        _number(p.congestion, 4),
        NONE if p.hours is None else f"{3600 * p.hours:,.0f}",
        NONE,
        NONE,
        legal,
        NONE if p.legal is False else _number(gap_pct(p.proxy, section.bound), 2),
    )
    return Line("published", cells)


def _number(value: float | None, digits: int) -> str:
    return NONE if value is None else f"{value:.{digits}f}"


def csv_text(found: Sequence[Section]) -> str:
    """Return all tables as one CSV: a line for each group, and for each published figure, at full precision."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        [
            *("kind", "design", "netlist_hash", "start", "start_hash", "columns", "rows", "weight_wirelength"),
            *("weight_density", "weight_congestion", "label", "agent", "budget", "runs", "legal", "illegal", "failed"),
            *("proxy_mean", "proxy_std", "proxy_min", "wirelength", "density", "congestion", "wall_s", "cpu_s"),
            *("proposals", "gap_pct", "bound", "source", "hardware", "caveats"),
        ]
    )
    for s in found:
        row, w = s.first, s.first.weights
        head = [
            *(
                s.design,
                row.netlist_hash,
                row.start_file,
                row.start_hash,
                row.grid.get("columns"),
                row.grid.get("rows"),
            ),
            *(w["wirelength"], w["density"], w["congestion"]),
        ]
        for g in s.groups:
            writer.writerow(
                [
                    *("ours", *head, g.label, g.agent, g.budget, len(g.rows), g.legal, g.illegal, g.failed),
                    *(g.proxy, g.proxy_std, g.proxy_min, g.wirelength, g.density, g.congestion, g.wall_s, g.cpu_s),
                    *(g.proposals, g.gap_pct, s.bound.proxy, "", "", ""),
                ]
            )
        for kind, entries in (("published", s.published), ("published, different netlist", s.others)):
            for p in entries:
                same = kind == "published"
                gap = gap_pct(p.proxy, s.bound) if same and p.legal is not False else None
                hours = None if p.hours is None else 3600 * p.hours
                known = head if same else [s.design, p.netlist_hash, *[None] * 4, 1.0, 0.5, 0.5]
                writer.writerow(
                    [
                        *(kind, *known, p.method, "", "", "", _count(p.legal), "", ""),
                        *(p.proxy, "", "", p.wirelength, p.density, p.congestion, hours, ""),
                        *("", gap, s.bound.proxy if same else None, p.source, p.hardware, p.caveats),
                    ]
                )
    return out.getvalue()


def _count(legal: bool | None) -> int | None:
    return None if legal is None else int(legal)
