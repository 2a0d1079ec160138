"""Wirelength by wires against wirelength by traffic, annealed with equal budgets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from floorplan.bench.studies.setting import Bench, Row, Setting, Tell, place, with_weights
from floorplan.cost import CostOptions, CostWeights
from floorplan.estimate import placer_weights, traffic_weights

__all__ = ["REWARDS", "rows", "weighted_cost"]

REWARDS = ("wires", "plain", "traffic")
"""Net weights: width of the bus, as the templates have it; 1 for each net; joules a token and um."""


def weighted_cost() -> CostOptions:
    """Return wirelength and density alone: net weights also scale the routing demand, and traffic is no demand."""
    return CostOptions(weights=CostWeights(wirelength=1.0, density=0.5, congestion=0.0))


def rows(setting: Setting, tell: Tell) -> Iterator[Row]:
    """Yield a row for each template, reward and seed; the proxy in it is the stock one for all."""
    for name in setting.templates:
        bench = Bench.of(name, setting)
        nets = bench.problem.netlist
        weights = {
            "wires": nets.net_weight,
            "plain": np.ones(nets.num_nets),
            "traffic": placer_weights(traffic_weights(bench.chip, bench.load)),
        }
        for reward in REWARDS:
            problem = with_weights(bench.problem, weights[reward])
            for seed in range(1, setting.seeds + 1):
                placement, proposals = place(problem, "anneal", f"{setting.proposals}p", seed, weighted_cost())
                head: Row = {"template": name, "reward": reward, "seed": seed, "proposals": proposals}
                yield {**head, **bench.figures(placement)}
        tell(name)
