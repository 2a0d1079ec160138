"""How a run went, as charts: which figures of metrics.jsonl are drawn, and of several runs in one chart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from floorplan.figure_style import BLUE, GREEN, ORANGE, PINK, RED, SKY
from floorplan.report.charts import Line, line_chart
from floorplan.report.figures import series
from floorplan.report.runs import Run

__all__ = ["PANELS", "RUN_COLOURS", "curve_charts", "together_chart"]

RUN_COLOURS = (BLUE, ORANGE, GREEN, PINK, SKY, RED)

PANELS: tuple[tuple[str, int, tuple[tuple[str, str, str], ...]], ...] = (
    ("Proxy cost", 4, (("mean_proxy", "mean", SKY), ("best_proxy", "best", BLUE))),
    ("Cost of the policy's own placement", 4, (("eval_plain", "greedy", ORANGE), ("eval_drawn", "sampled", SKY))),
    ("Held-out netlists: cost over reference", 4, (("held_out_sampled", "sampled", SKY), ("held_out", "greedy", BLUE))),
    ("Training netlists: cost over reference", 4, (("mean_ratio", "mean", SKY), ("best_ratio", "best", BLUE))),
    ("Entropy of the policy (nats)", 2, (("entropy", "", GREEN),)),
    ("Explained variance of the value", 2, (("explained_variance", "", ORANGE),)),
    ("Step size of the evolution", 2, (("sigma", "", GREEN),)),
    ("Speed (episodes/s)", 2, (("episodes_per_s", "", PINK),)),
)
"""Title, decimals, and (key of metrics.jsonl, name, colour) of each line; panels without a value are not drawn."""


def curve_charts(run: Run, level: tuple[float, str] | None = None) -> list[str]:
    """Return the charts of one run: of its metrics, or else of the best proxy over time.

    Args:
        run: the run.
        level: marked in the chart of the proxy, such as the lower bound.
    """
    if not run.metrics:
        if len(run.trace) < 2:
            return []
        x, y = np.array([(p.seconds, p.proxy) for p in run.trace]).T
        line = Line("best", x, y, BLUE, steps=True)
        return [line_chart("Best proxy cost over time", "wall clock (s)", [line], level)]
    by = "episodes" if any("episodes" in row for row in run.metrics) else "step"
    out = []
    for title, digits, keys in PANELS:
        lines = [Line(n, *series(run.metrics, by, k), colour, k == "best_proxy") for k, n, colour in keys]
        mark = level if title == "Proxy cost" else None
        out.append(line_chart(title, by, [line for line in lines if len(line.x) > 1], mark, digits))
    return [chart for chart in out if chart]


def together_chart(runs: Sequence[Run]) -> str:
    """Return the best proxy of several runs over time in one chart, "" where fewer than two have one."""
    lines = []
    for number, run in enumerate(runs):
        if len(run.trace) > 1:
            x, y = np.array([(p.seconds, p.proxy) for p in run.trace]).T
            lines.append(Line(chr(65 + number), x, y, RUN_COLOURS[number % len(RUN_COLOURS)], steps=True))
    if len(lines) < 2 or len(lines) > len(RUN_COLOURS):
        return ""
    return line_chart("Best proxy cost over time", "wall clock (s)", lines)
