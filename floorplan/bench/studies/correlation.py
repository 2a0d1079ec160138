"""Does the proxy rank placements as joules and nanoseconds a token do?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from floorplan.bench.studies.setting import Bench, Row, Setting, Tell, place

__all__ = ["DEPTHS", "PARTS", "TARGETS", "correlate", "rows", "summaries"]

DEPTHS = (0, 5_000, 20_000, 80_000)
"""Proposals of annealing behind each placement; 0 is a random legal one."""
PARTS = ("proxy", "wirelength", "density", "congestion")
TARGETS = ("j_per_token", "ns_per_token")

_SEED = 7


def rows(setting: Setting, tell: Tell) -> Iterator[Row]:
    """Yield a row for each placement, then for each template the correlations."""
    for name in setting.templates:
        bench = Bench.of(name, setting)
        found: list[Row] = []
        for k in range(setting.placements):
            proposals = DEPTHS[k % len(DEPTHS)]
            agent, budget = ("anneal", f"{proposals}p") if proposals else ("random", "1e")
            placement, _ = place(bench.problem, agent, budget, k)
            row = {"template": name, "seed": k, "proposals": proposals, **bench.figures(placement)}
            found.append(row)
            yield {"kind": "placement", **row}
        tell(f"{name}: {len(found)} placements")
        yield from summaries(name, found, setting.samples)


def summaries(template: str, found: list[Row], samples: int) -> Iterator[Row]:
    """Yield the correlations over all placements, over random ones, and over those annealed longest."""
    groups = {
        "all": found,
        "random": [r for r in found if r["proposals"] == DEPTHS[0]],
        "annealed": [r for r in found if r["proposals"] == DEPTHS[-1]],
    }
    for among, members in groups.items():
        if len(members) < 3:
            continue
        spread = {t: np.array([r[t] for r in members]) for t in TARGETS}
        for target, part in ((t, p) for t in TARGETS for p in PARTS):
            value = spread[target]
            row = {"kind": "correlation", "template": template, "among": among, "count": len(members)}
            row |= {"target": target, "part": part, "spread_pct": 100.0 * float(np.std(value) / np.mean(value))}
            yield row | correlate(np.array([r[part] for r in members]), value, samples)


def correlate(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], samples: int) -> dict[str, float | None]:
    """Return Spearman's rho and Kendall's tau with 95 % percentile bootstrap intervals; None where one is constant."""
    from scipy import stats

    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return dict.fromkeys(("spearman", "spearman_low", "spearman_high", "kendall", "kendall_low", "kendall_high"))
    out: dict[str, float | None] = {}
    measures: dict[str, Any] = {"spearman": stats.spearmanr, "kendall": stats.kendalltau}
    for name, measure in measures.items():

        def statistic(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64], of: Any = measure) -> float:
            # A resample of few placements may be all ties.
            return float(of(a, b).statistic) if np.ptp(a) and np.ptp(b) else 0.0

        interval = stats.bootstrap(
            (x, y),
            statistic,
            paired=True,
            vectorized=False,
            n_resamples=samples,
            method="percentile",
            rng=np.random.default_rng(_SEED),
        ).confidence_interval
        out |= {name: statistic(x, y), f"{name}_low": float(interval.low), f"{name}_high": float(interval.high)}
    return out
