"""Does learning pay? Random, greedy, untrained and trained on the same netlist with the same soft-macro placer.

Takes 15 minutes for systolic64 and an hour for ariane133 (choose with `-k`). `FLOORPLAN_BENCH_WORKERS=2` plays two
seeds at a time on one core each, `FLOORPLAN_BENCH_SCALE=0.1` shortens training, `FLOORPLAN_BENCH_OUT` keeps the runs.
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
WORKERS = int(os.environ.get("FLOORPLAN_BENCH_WORKERS", "1"))
SCALE = float(os.environ.get("FLOORPLAN_BENCH_SCALE", "1"))
DESIGNS = {"systolic64": 300, "NanGate45_ariane133": 1200}
"""Design -> seconds of training."""


def place(agent: str, problem_path: Path, budget: str, seed: int, **options: object) -> Result:
    from agents.registry import make_agent

    return make_agent(agent, **options).place(read_problem(problem_path), Budget.parse(budget), seed)


def run(netlist: Path, seconds: float, seed: int, out: Path) -> dict[str, float]:
    """Train one policy; return the proxies of all contenders for this seed."""
    if WORKERS > 1:
        os.environ["FLOORPLAN_THREADS"] = "1"
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from agents.ppo.config import load_config
    from agents.ppo.progress import QuietReporter
    from agents.ppo.runfolder import RunFolder, RunSource
    from agents.ppo.trainer import Trainer

    problem = read_problem(netlist)
    config = load_config("default", {"threads": 1 if WORKERS > 1 else 2})
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


@pytest.mark.parametrize("design", DESIGNS)
def test_trained_beats_random_greedy_and_untrained(
    benchmarks: Path, tmp_path: Path, design: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(os.environ.get("FLOORPLAN_BENCH_OUT", str(tmp_path)))
    netlist = default_netlist() if design == "systolic64" else benchmarks / "ct" / design / "netlist.pb.txt.xz"
    seconds = DESIGNS[design] * SCALE
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(run, netlist, seconds, seed, folder / f"{design}-{seed}") for seed in SEEDS]
        rows = [job.result() for job in jobs]
    with capsys.disabled():
        problem = read_problem(netlist)
        print(f"\n{design} {problem.netlist.content_hash[:12]}, {seconds:.0f} s, weights 1/.5/.5, seeds {SEEDS}")
        for name in rows[0]:
            values = [row[name] for row in rows]
            print(f"| {name} | {statistics.mean(values):.4f} | {' '.join(f'{v:.4f}' for v in values)} |")
    for seed, row in zip(SEEDS, rows, strict=True):
        for rival in ("random, best of 100", "greedy", "untrained policy, best of 100"):
            assert row["best placement seen in training"] < row[rival], (seed, rival)
