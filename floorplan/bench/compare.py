"""How much better one agent is than another, and how sure that is: interquartile means with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from floorplan.bench.rows import BenchError, Row
from floorplan.bench.table import Group, Section, budget_text, sections

__all__ = ["Change", "Comparison", "compare", "interquartile_mean", "markdown"]

F64 = npt.NDArray[np.float64]

RESAMPLES = 4000
CONFIDENCE = 0.95
TRIM = 0.25
"""Share of runs cut off at either end: what is left is the middle half."""


@dataclass(frozen=True)
class Change:
    """One agent against the baseline on one design, or on all of them together.

    Attributes:
        design: its name; `all designs` for the summary.
        runs: legal runs of the agent and of the baseline.
        dropped: runs of either that are ILLEGAL or FAILED, which enter no mean.
        proxy: interquartile mean of the agent; None in the summary.
        baseline: interquartile mean of the baseline; None in the summary.
        change_pct: how much higher the agent's proxy is; below 0 is better.
        low_pct: lower end of the bootstrap interval; None where an arm has a single run and it cannot be known.
        high_pct: upper end.
    """

    design: str
    runs: tuple[int, int]
    dropped: int
    proxy: float | None
    baseline: float | None
    change_pct: float
    low_pct: float | None
    high_pct: float | None

    @property
    def verdict(self) -> str:
        """`better` or `worse` where the interval leaves no doubt, else `open`."""
        if self.low_pct is None or self.high_pct is None:
            return "open"
        return "better" if self.high_pct < 0 else ("worse" if self.low_pct > 0 else "open")


@dataclass(frozen=True)
class Comparison:
    """One agent and budget against the baseline.

    Attributes:
        label: of the agent.
        budget: its budget.
        designs: one entry a design that both have a legal result on.
        together: all of them; each design weighs as much as it has runs.
    """

    label: str
    budget: str
    designs: tuple[Change, ...]
    together: Change


def interquartile_mean(values: Sequence[float]) -> float:
    """Return the mean of the middle half; of fewer than four values, of all (Agarwal et al., NeurIPS 2021)."""
    return float(_middle(np.asarray(values, np.float64), -1))


def _middle(values: F64, axis: int) -> F64:
    from scipy.stats import trim_mean

    return np.asarray(trim_mean(values, TRIM, axis=axis))


def compare(rows: Iterable[Row], baseline: str, budget: str | None = None) -> list[Comparison]:
    """Return every other agent and budget against the baseline, design by design and together.

    Args:
        rows: of one results folder or of several; problems are told apart by netlist, start and cost.
        baseline: label of the agent that the others are measured against.
        budget: of the baseline; None compares each agent with the baseline at the agent's own budget.

    Raises:
        BenchError: no row has that label (and budget), or nothing can be compared with it.
    """
    found = sections(rows)
    arms: dict[tuple[str, str], list[tuple[Section, Group, Group]]] = {}
    known: set[str] = set()
    for section in found:
        base = {g.budget: g for g in section.groups if g.label == baseline and budget in (None, g.budget)}
        known |= {g.label for g in section.groups}
        for g in section.groups:
            other = base.get(budget or g.budget)
            if other is not None and other is not g and g.legal and other.legal:
                arms.setdefault((g.label, g.budget), []).append((section, g, other))
    if baseline not in known:
        raise BenchError(f"no agent is called {baseline!r}; there are {', '.join(sorted(known))}")
    if not arms:
        raise BenchError(f"nothing to compare {baseline!r} with at {budget or 'equal budgets'}")
    return [_comparison(label, spent, pairs) for (label, spent), pairs in sorted(arms.items())]


def markdown(comparison: Comparison, baseline: str) -> str:
    """Return one comparison as a Markdown table."""
    title = f"{comparison.label}, {budget_text(comparison.budget)}"
    lines = [f"| {title} | against {baseline} | change | 95 % interval | runs | |", "|-|-|-|-|-|-|"]
    lines += [_line(c) for c in (*comparison.designs, comparison.together)]
    return "\n".join(lines) + "\n"


def _line(c: Change) -> str:
    name = c.design if c.proxy is None else f"{c.design}: {c.proxy:.4f}"
    base = "" if c.baseline is None else f"{c.baseline:.4f}"
    interval = "one run" if c.low_pct is None else f"{c.low_pct:+.1f} to {c.high_pct:+.1f} %"
    dropped = f", {c.dropped} ILLEGAL or FAILED left out" if c.dropped else ""
    return (
        f"| {name} | {base} | {c.change_pct:+.1f} % | {interval} | {c.runs[0]} : {c.runs[1]}{dropped} | {c.verdict} |"
    )


def _comparison(label: str, budget: str, pairs: Sequence[tuple[Section, Group, Group]]) -> Comparison:
    designs, samples, dropped = [], [], 0
    for section, group, base in pairs:
        ours, theirs = _proxies(group), _proxies(base)
        lost = len(group.rows) + len(base.rows) - len(ours) - len(theirs)
        dropped += lost
        samples += [ours, theirs]
        change, low, high = _interval([ours, theirs])
        runs = (len(ours), len(theirs))
        means = interquartile_mean(ours), interquartile_mean(theirs)
        designs.append(Change(section.design, runs, lost, *means, change, low, high))
    change, low, high = _interval(samples)
    counts = sum(len(s) for s in samples[::2]), sum(len(s) for s in samples[1::2])
    return Comparison(
        label, budget, tuple(designs), Change("all designs", counts, dropped, None, None, change, low, high)
    )


def _proxies(group: Group) -> list[float]:
    return [row.score.proxy for row in group.rows if row.legal and row.score is not None]


def _interval(samples: Sequence[Sequence[float]]) -> tuple[float, float | None, float | None]:
    """Return the change in percent and its interval; samples alternate between agent and baseline, a pair a design.

    Seeds are drawn anew within each design and arm (a stratified bootstrap), so that designs keep their weight.
    """
    from scipy.stats import bootstrap

    def statistic(*arms: F64, axis: int = -1) -> F64:
        ratios = [a / np.expand_dims(_middle(b, axis), axis) for a, b in zip(arms[::2], arms[1::2], strict=True)]
        return 100 * (_middle(np.concatenate(ratios, axis=axis), axis) - 1)

    data = [np.asarray(s, np.float64) for s in samples]
    change = float(statistic(*data))
    if min(len(s) for s in data) < 2:
        return change, None, None
    drawn = bootstrap(
        data, statistic, n_resamples=RESAMPLES, confidence_level=CONFIDENCE, method="percentile",
        rng=np.random.default_rng(0),
    )  # fmt: skip
    return change, float(drawn.confidence_interval.low), float(drawn.confidence_interval.high)
