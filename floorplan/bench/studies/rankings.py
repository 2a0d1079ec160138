"""Random, annealed and policy placements with error bars, and whether their ranking survives uncertain constants."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from floorplan.bench.studies.setting import Bench, Row, Setting, Tell, place
from floorplan.estimate import compare
from floorplan.netlist import Placement

__all__ = ["PLACERS", "rows"]

PLACERS = ("random", "policy", "anneal")


def rows(setting: Setting, tell: Tell) -> Iterator[Row]:
    """Yield a row for each template, placer and seed, then one for each pair of placers and seed."""
    for name in setting.templates:
        bench = Bench.of(name, setting, samples=setting.samples)
        budgets = {"random": "1e", "policy": "1e", "anneal": f"{setting.proposals}p"}
        for seed in range(1, setting.seeds + 1):
            placed: dict[str, Placement] = {}
            for placer in PLACERS:
                placed[placer], _ = place(bench.problem, placer, budgets[placer], seed)
                estimate = bench.estimator.estimate(placed[placer])
                j, ns = estimate.quantities["j_per_token"], estimate.quantities["ns_per_token"]
                yield {
                    "kind": "placement",
                    "template": name,
                    "placer": placer,
                    "seed": seed,
                    "proxy": bench.cost(placed[placer]).proxy,
                    "j": j.value,
                    "j_low": j.low,
                    "j_high": j.high,
                    "ns": ns.value,
                    "ns_low": ns.low,
                    "ns_high": ns.high,
                    "wire_pct": 100.0 * estimate.totals.wire_j / j.value,
                    "temperature_max_c": estimate.quantities["temperature_max_c"].value,
                    "wns_ps": estimate.quantities["wns_ps"].value,
                }
            for first, second in combinations(PLACERS, 2):
                ranking = compare(bench.estimator, placed[first], placed[second])
                yield {
                    "kind": "pair",
                    "template": name,
                    "seed": seed,
                    "first": first,
                    "second": second,
                    **ranking.to_dict(),
                }
        tell(name)
