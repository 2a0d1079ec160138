"""What the rows amount to: per design one line for each agent and budget, over its seeds."""

from __future__ import annotations

import json
import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from floorplan.bench.bounds import gap_pct
from floorplan.bench.published import Published, published_for
from floorplan.bench.rescore import cost_options
from floorplan.bench.rows import Bound, Row, Score
from floorplan.plugins import parse_budget
from floorplan.showable import Showable

__all__ = ["Group", "Section", "budget_parts", "budget_text", "sections"]

_OVERRUN_S = 1.0
"""How far past a budget in seconds a run may go unmentioned."""
_CLAIM = 1e-6
"""Relative difference between an agent's own figure and the verified one that is mentioned."""
_THOUSANDS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True)
class Group:
    """Runs that differ in their seed only. Means are over legal results; None where there is none.

    Attributes:
        label: of the agent; with the first digits of its configuration where two of a name differ.
        agent: its installed name.
        budget: as in the rows.
        rows: all runs.
        legal: number of legal results.
        illegal: number of illegal ones, which enter no mean.
        failed: number of runs without a result.
        proxy: mean.
        proxy_std: sample standard deviation; None for fewer than two.
        proxy_min: best.
        wirelength: mean of the part.
        density: likewise.
        congestion: likewise.
        wall_s: mean.
        cpu_s: mean.
        proposals: mean.
        gap_pct: of the mean proxy to the section's bound.
        best: True if no group of the same budget has a lower mean.
    """

    label: str
    agent: str
    budget: str
    rows: tuple[Row, ...]
    legal: int
    illegal: int
    failed: int
    proxy: float | None
    proxy_std: float | None
    proxy_min: float | None
    wirelength: float | None
    density: float | None
    congestion: float | None
    wall_s: float | None
    cpu_s: float | None
    proposals: float | None
    gap_pct: float | None
    best: bool = False

    @property
    def verdict(self) -> str:
        """Such as `3/3`, or `1/3, 1 ILLEGAL, 1 FAILED`."""
        parts = [f"{self.legal}/{len(self.rows)}"]
        parts += [f"{self.illegal} ILLEGAL"] if self.illegal else []
        parts += [f"{self.failed} FAILED"] if self.failed else []
        return ", ".join(parts)


@dataclass(frozen=True)
class Section(Showable):
    """One problem under one cost.

    Attributes:
        design: its name.
        first: a row of it, for whatever all its rows share.
        groups: by budget, then by mean proxy; those without a legal result last.
        bound: the highest certified bound among its rows.
        published: figures for this netlist.
        others: figures for other netlists of its name.
        notes: what a reader must know besides the table.
    """

    design: str
    first: Row
    groups: tuple[Group, ...]
    bound: Bound
    published: tuple[Published, ...]
    others: tuple[Published, ...]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        runs = sum(len(g.rows) for g in self.groups)
        return f"Section({self.design!r}, {len(self.groups)} agents and budgets, {runs} runs)"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What must stand beside a proxy for it to mean something, as names and texts."""
        row, w = self.first, self.first.weights
        b = self.bound
        parts = (b.wirelength, b.density, b.congestion)
        bound = f"none ({b.reason})" if b.proxy is None else f"{b.proxy:.4f}"
        if b.proxy is not None and all(p is not None for p in parts):
            bound += " (" + " / ".join(f"{p:.4f}" for p in parts) + ")"
        square = ", soft macros made square" if row.square_soft else ""
        spacing = f", macros {row.macro_spacing_um:g} um apart" if row.macro_spacing_um else ""
        nodes = row.nodes
        return [
            ("netlist", row.netlist_hash),
            (
                "size",
                f"{nodes.get('hard', 0)} hard macros, {nodes.get('soft', 0)} soft, {nodes.get('ports', 0)} ports, "
                f"{nodes.get('nets', 0):,} nets",
            ),
            (
                "grid",
                f"{row.grid.get('columns', 0)} x {row.grid.get('rows', 0)} cells on "
                f"{row.canvas_um[0]:.6g} x {row.canvas_um[1]:.6g} um{spacing}",
            ),
            (
                "cost",
                f"{w['wirelength']:g} x wirelength + {w['density']:g} x density (top {100 * row.density_top:g} %) + "
                f"{w['congestion']:g} x congestion (top {100 * row.congestion_top:g} %){square}",
            ),
            ("start", f"{row.start_file}, {_start(row.start)}"),
            ("lower bound", bound),
        ]


def sections(rows: Iterable[Row]) -> list[Section]:
    """Return the tables of all rows, in the order in which designs first come."""
    by_problem: dict[str, list[Row]] = {}
    for row in rows:
        cost = (row.weights, row.density_top, row.congestion_top, row.square_soft)
        by_problem.setdefault(json.dumps([row.netlist_hash, row.start_hash, cost], sort_keys=True), []).append(row)
    used: Counter[str] = Counter(rows[0].design for rows in by_problem.values())
    return [_section(found, named_twice=used[found[0].design] > 1) for found in by_problem.values()]


def budget_parts(budget: str) -> tuple[str, float]:
    """Return kind and amount of a budget."""
    parsed = parse_budget(budget)
    return str(parsed.kind), float(parsed.amount)


def budget_text(budget: str) -> str:
    """Return a budget in words: `60 s`, `200k proposals`, `10 episodes`."""
    kind, amount = budget_parts(budget)
    unit = {"s": "s", "p": "proposals", "e": "episodes"}[kind]
    scale, letter = next(((s, c) for s, c in _THOUSANDS if kind == "p" and amount >= s), (1.0, ""))
    return f"{amount / scale:g}{letter} {unit.removesuffix('s') if amount == 1 and len(unit) > 1 else unit}"


def _section(rows: Sequence[Row], *, named_twice: bool) -> Section:
    first = next((r for r in rows if r.nodes), rows[0])
    bounds = [r.bound for r in rows if r.bound.proxy is not None]
    bound = max(bounds, key=lambda b: b.proxy or 0.0) if bounds else rows[-1].bound
    by_run: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        by_run.setdefault((row.label, row.config_hash, row.budget), []).append(row)
    configs: dict[str, set[str]] = {}
    for label, config, _ in by_run:
        configs.setdefault(label, set()).add(config)
    groups = []
    for (label, config, _), found in by_run.items():
        groups.append(_group(f"{label} #{config[:4]}" if len(configs[label]) > 1 else label, found, bound))
    groups.sort(key=lambda g: (*_rank(g.budget), math.inf if g.proxy is None else g.proxy, g.label))
    same, others = published_for(first.netlist_hash, cost_options(first))
    start = first.start_file.rpartition("/")[2]
    name = f"{first.design} ({start}, {first.start_hash[:6]})" if named_twice else first.design
    return Section(
        design=name,
        first=first,
        groups=tuple(_mark_best(groups)),
        bound=bound,
        published=tuple(same),
        others=tuple(others),
        notes=tuple(_notes(rows)),
    )


def _rank(budget: str) -> tuple[int, float]:
    """Return what to sort budgets by: seconds, then proposals, then episodes."""
    kind, amount = budget_parts(budget)
    return "spe".index(kind), amount


def _group(label: str, rows: Sequence[Row], bound: Bound) -> Group:
    legal = [r for r in rows if r.legal]
    scores = [r.score for r in legal if r.score is not None]
    proxies = [s.proxy for s in scores]
    mean = _mean(proxies)
    return Group(
        label=label,
        agent=rows[0].agent,
        budget=rows[0].budget,
        rows=tuple(sorted(rows, key=lambda r: r.seed)),
        legal=len(legal),
        illegal=sum(r.status == "ILLEGAL" for r in rows),
        failed=sum(r.status == "FAILED" for r in rows),
        proxy=mean,
        proxy_std=statistics.stdev(proxies) if len(proxies) > 1 else None,
        proxy_min=min(proxies, default=None),
        wirelength=_mean([s.wirelength for s in scores]),
        density=_mean([s.density for s in scores]),
        congestion=_mean([s.congestion for s in scores]),
        wall_s=_mean([r.wall_s for r in legal]),
        cpu_s=_mean([r.cpu_s for r in legal]),
        proposals=_mean([r.proposals for r in legal]),
        gap_pct=None if mean is None else gap_pct(mean, bound),
    )


def _mark_best(groups: Sequence[Group]) -> list[Group]:
    lowest: dict[str, float] = {}
    count: Counter[str] = Counter()
    for g in groups:
        count[g.budget] += 1
        if g.proxy is not None:
            lowest[g.budget] = min(g.proxy, lowest.get(g.budget, math.inf))
    # a group without a rival is not the best of anything
    return [
        Group(**{**g.__dict__, "best": count[g.budget] > 1 and g.proxy is not None and g.proxy == lowest[g.budget]})
        for g in groups
    ]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return statistics.fmean(known) if known else None


def _start(start: Score | None) -> str:
    if start is None:
        return "with nodes not placed"
    if start.legal:
        return f"proxy {start.proxy:.4f}, legal"
    return f"proxy {start.proxy:.4f}, ILLEGAL ({start.violations.count} violations)"


def _notes(rows: Sequence[Row]) -> list[str]:
    """Return in words what would mislead if it were left out."""
    out = []
    for row in rows:
        run = f"{row.label}, {budget_text(row.budget)}, seed {row.seed}"
        if row.error is not None:
            out.append(f"FAILED: {run}: {row.error.type}: {row.error.message}")
        elif row.score is not None and not row.score.legal:
            worst = "; ".join(row.score.violations.worst[:2])
            out.append(f"ILLEGAL: {run}: {row.score.violations.count} violations, the worst: {worst}")
        if row.score is not None and row.claimed_proxy is not None:
            wrong = row.claimed_proxy - row.score.proxy
            if abs(wrong) > _CLAIM * row.score.proxy:
                out.append(
                    f"{run}: the agent claims a proxy of {row.claimed_proxy:.6f}; verified: {row.score.proxy:.6f}"
                )
            if row.score.legal and (row.gap_pct or 0.0) < 0:
                out.append(f"{run}: below the lower bound, which holds for soft macros wholly inside the canvas only")
        if row.warmup_error:
            out.append(f"{run}: timed cold, since the warm-up failed ({row.warmup_error})")
    late: dict[tuple[str, str], float] = {}
    for row in rows:
        kind, amount = budget_parts(row.budget)
        if kind == "s" and row.wall_s is not None and row.wall_s > amount + _OVERRUN_S:
            run_of = (row.label, row.budget)
            late[run_of] = max(late.get(run_of, 0.0), row.wall_s - amount)
    out += [f"{label}, {budget_text(budget)}: up to {s:.1f} s over its budget" for (label, budget), s in late.items()]
    untold = sorted({r.label for r in rows if not r.optimises_cost})
    if untold:
        out.append(f"not told the weights it is scored by: {', '.join(untold)}")
    cold = sorted({r.label for r in rows if r.warmup_s is None and r.error is None})
    if cold:
        out.append(f"timed without a warm-up: {', '.join(cold)}")
    out += _mixed("machines", [_machine(r) for r in rows])
    out += _mixed("threads a run", [str(r.threads) for r in rows])
    out += _mixed("runs side by side", [str(r.jobs) for r in rows])
    out += _mixed("versions of floorplan", [r.versions.get("floorplan", "?") for r in rows])
    return out


def _mixed(what: str, values: Sequence[str]) -> list[str]:
    different = sorted(set(values))
    return [f"rows of different {what} are mixed here: {'; '.join(different)}"] if len(different) > 1 else []


def _machine(row: Row) -> str:
    m: dict[str, Any] = row.machine
    return f"{m.get('cpu')}, {m.get('usable_cores')} cores, {m.get('platform')}"
