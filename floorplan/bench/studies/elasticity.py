"""What shorter wires are worth: d log(tokens per J) / d log(length) by template, model, batch and workload."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from floorplan.accelerator.llm import model
from floorplan.accelerator.templates import chip
from floorplan.accelerator.workloads import workload
from floorplan.bench.studies.setting import Bench, Row, Setting, Tell, place
from floorplan.estimate import load_of
from floorplan.estimate.sensitivity import elasticity

__all__ = ["BATCHES", "MODELS", "WORKLOADS", "rows"]

MODELS = ("llama3-8b", "llama3-70b", "deepseek-v3")
BATCHES = (1, 16, None)
"""None is what fits, at most 64."""
WORKLOADS = ("chatbot", "coding")

_NEAR = 1e-6
_FAR = 0.1


def rows(setting: Setting, tell: Tell) -> Iterator[Row]:
    """Yield a row for each template, placement, model, workload and batch; with what finite scaling says beside it."""
    for name in setting.templates:
        made = chip(name)
        placements = {
            "random": place(made.problem, "random", "1e", 1)[0],
            "anneal": place(made.problem, "anneal", f"{setting.proposals}p", 1)[0],
        }
        for served, asked, batch in ((m, w, b) for m in MODELS for w in WORKLOADS for b in BATCHES):
            head: Row = {"template": name, "model": served, "workload": asked, "batch": batch or 0}
            load = load_of(made, model(served), workload(asked), batch=batch)
            bench = Bench(made, load)
            for agent, placement in placements.items():
                length = bench.lengths_m(placement)
                e, here = elasticity(bench.estimator, length), bench.estimator.totals(length)

                def log_j(scale: float, b: Bench = bench, at: npt.NDArray[np.float64] = length) -> float:
                    return float(np.log(b.estimator.totals(scale * at).j_per_token))

                yield {
                    **head,
                    "agent": agent,
                    "used_batch": load.batch,
                    "chips": load.chips,
                    "stages": load.stages,
                    "tokens_per_j": -e.j,
                    "by_wire": -e.wire,
                    "by_clock": -e.clock,
                    "by_leakage": -e.leakage,
                    "ns": e.ns,
                    "near": -(log_j(1 + _NEAR) - log_j(1 - _NEAR)) / (2 * _NEAR),
                    "shorter_pct": 100.0 * (np.exp(log_j(1.0) - log_j(1 - _FAR)).item() - 1.0),
                    "j_per_token": here.j_per_token,
                }
        tell(name)
