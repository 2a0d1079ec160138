"""Does learning pay? Random, greedy, untrained and trained on the same netlist with the same soft-macro placer.

Takes about 45 minutes: two runs at a time, one core each. `FLOORPLAN_BENCH_SCALE=0.1` shortens every training run.
"""

from __future__ import annotations

import json
import os
import statistics
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from agents.base import Budget, Result
from floorplan.formats import read_problem
from floorplan.shipped import default_netlist

pytestmark = pytest.mark.bench

SEEDS = (0, 1, 2)
SCALE = float(os.environ.get("FLOORPLAN_BENCH_SCALE", "1"))
DESIGNS = {"systolic64": 300, "NanGate45_ariane133": 1200}
"""Design -> seconds of training."""


def place(agent: str, problem_path: Path, budget: str, seed: int, **options: object) -> Result:
    from agents.registry import make_agent

    return make_agent(agent, **options).place(read_problem(problem_path), Budget.parse(budget), seed)


def run(netlist: Path, seconds: float, seed: int, out: Path) -> dict[str, float]:
    """Train one policy on one core; return the proxies of all contenders for this seed."""
    os.environ["FLOORPLAN_THREADS"] = "1"
    from agents.ppo.config import load_config
    from agents.ppo.progress import QuietReporter
    from agents.ppo.runfolder import RunFolder, RunSource
    from agents.ppo.trainer import Trainer

    problem = read_problem(netlist)
    config = load_config("default", {"threads": 1})
    row: dict[str, float] = {}
    row["random, best of 100"] = place("random", netlist, "100e", seed).cost.proxy
    row["greedy"] = place("greedy", netlist, "1e", seed).cost.proxy
    row["greedy, best of 5"] = place("greedy", netlist, "5e", seed).cost.proxy
    folder = RunFolder(out)
    folder.create(config, RunSource(netlist, None, seed), problem)
    trainer = Trainer(problem, config, seed, folder, QuietReporter())
    trainer.start()
    trainer.save()
    row["untrained policy, 1 rollout"] = place("policy", netlist, "1e", seed, policy=out).cost.proxy
    row["untrained policy, best of 100"] = place("policy", netlist, "100e", seed, policy=out).cost.proxy
    counters = trainer.run(Budget.parse(f"{seconds}s"))
    row["trained policy, 1 rollout"] = place("policy", netlist, "1e", seed, policy=out).cost.proxy
    row["trained policy, best of 100"] = place("policy", netlist, "100e", seed, policy=out).cost.proxy
    assert counters.best_proxy is not None
    row["best placement seen in training"] = counters.best_proxy
    row["episodes"] = counters.episodes
    row["episodes/s"] = counters.episodes / counters.seconds
    (out / "contenders.json").write_text(json.dumps(row, indent=1))
    return row


def test_trained_beats_random_greedy_and_untrained(
    benchmarks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(os.environ.get("FLOORPLAN_BENCH_OUT", str(tmp_path)))
    netlists = {
        "systolic64": default_netlist(),
        "NanGate45_ariane133": benchmarks / "ct" / "NanGate45_ariane133" / "netlist.pb.txt.xz",
    }
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        jobs = {
            (design, seed): pool.submit(
                run, netlists[design], DESIGNS[design] * SCALE, seed, folder / f"{design}-{seed}"
            )
            for seed in SEEDS
            for design in reversed(DESIGNS)
        }
        rows = {key: job.result() for key, job in jobs.items()}
    with capsys.disabled():
        for design, seconds in DESIGNS.items():
            problem = read_problem(netlists[design])
            print(
                f"\n{design} {problem.netlist.content_hash[:12]}, {seconds * SCALE:.0f} s on one core, weights 1/.5/.5"
            )
            for name in rows[design, 0]:
                values = [rows[design, seed][name] for seed in SEEDS]
                shown = " ".join(f"{v:.4f}" for v in values)
                print(f"| {name} | {statistics.mean(values):.4f} | {shown} |")
    for (design, seed), row in rows.items():
        for rival in ("random, best of 100", "greedy", "untrained policy, best of 100"):
            assert row["best placement seen in training"] < row[rival], (design, seed, rival)
