"""How fast macros are lifted out of one placement, and how fast refine episodes are played.

Run with `pytest -m bench -s tests/bench/test_bench_refine.py`.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from floorplan.env import RefineBatch, RefineConfig
from floorplan.formats import read_problem
from floorplan.netlist import Problem

pytestmark = pytest.mark.bench


@pytest.fixture(scope="module")
def problem(benchmarks: Path) -> Problem:
    folder = benchmarks / "ct" / "NanGate45_ariane133"
    return read_problem(folder / "netlist.pb.txt.xz", folder / "legalized.plc.xz")


@pytest.mark.parametrize("envs", [1, 16, 64])
def test_lifts_of_one_placement(problem: Problem, envs: int) -> None:
    begun = time.perf_counter()
    batch = RefineBatch(problem, envs)
    setup = time.perf_counter() - begun
    batch.begin(problem.initial, np.zeros(envs, np.int64))
    took, lifted = [], []
    for k in range(9):
        macros = (np.arange(envs) + k * envs) % batch.dims.macros
        begun = time.perf_counter()
        batch.begin(problem.initial, macros)
        took.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        batch.lift(macros[::-1])
        lifted.append(time.perf_counter() - begun)
    print(
        f"\n{envs} environments, set up in {setup:.2f} s: begin {1e3 * min(took):.2f} ms "
        f"({1e3 * min(took) / envs:.3f} ms a macro), lift {1e3 * min(lifted) / envs:.3f} ms a macro"
    )
    assert batch.masks.any()


@pytest.mark.parametrize("choice", ["uniform", "cost"])
@pytest.mark.parametrize("threads", [1, 2])
def test_moves_per_second(problem: Problem, choice: str, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOORPLAN_THREADS", str(threads))
    batch = RefineBatch(problem, 16, RefineConfig(choice=choice))  # type: ignore[arg-type]  # both exist
    batch.begin(problem.initial)
    rng = np.random.default_rng(0)
    took, kept = [], 0
    for _ in range(batch.lifts - 1):
        actions = (rng.random(batch.masks.shape) * (batch.masks + 1e-9)).argmax(axis=1)
        begun = time.perf_counter()
        batch.step(actions)
        took.append(time.perf_counter() - begun)
        kept += int((batch.reward_exact > 0).sum())
    print(
        f"\n{choice}, {threads} threads: {16 / np.median(took):,.0f} moves/s, {1e3 * np.median(took) / 16:.3f} ms a "
        f"move; the first step of an episode {1e3 * took[0] / 16:.1f} ms an environment; "
        f"{kept} of {16 * len(took)} moves kept"
    )
    assert kept > 0
