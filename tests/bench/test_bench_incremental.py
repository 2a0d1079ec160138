"""Proposals a second of the incremental cost, beside full evaluations a second in the same run."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from floorplan.cost import CostEngine
from floorplan.formats import read_problem
from floorplan.legalize import legalize
from floorplan.search import Chain

pytestmark = pytest.mark.bench

PROPOSALS = 400_000


@pytest.mark.parametrize("design", ["NanGate45_ariane133", "NanGate45_nvdla", "ASAP7_ariane133"])
def test_proposals_per_second_on_one_core(benchmarks: Path, design: str) -> None:
    folder = benchmarks / "ct" / design
    problem = read_problem(folder / "netlist.pb.txt.xz", folder / "initial.plc.xz")
    chain = Chain(problem, legalize(problem, problem.initial), seed=0)
    n = chain.movable
    # Where search spends its time: a placement that has been annealed, not the start.
    chain.anneal(PROPOSALS, 0.1 / n, 0.01 / n)
    annealed = chain.get_state()
    full = CostEngine(problem)
    placement = chain.engine.placement
    full.full(placement)
    began = time.perf_counter()
    for _ in range(200):
        full.full(placement)
    full_per_s = 200 / (time.perf_counter() - began)
    print(f"\n{design}: full evaluations {full_per_s:,.0f}/s")
    floors, mix = chain._floors.copy(), chain._mix.copy()
    shifts_only = mix.copy()
    shifts_only[[1, 2, 3, 6, 7]] = 0.0
    no_floors = np.zeros(3)
    cases = (
        ("as agents use it", mix, floors),
        ("shifts only, 35 % hard", shifts_only, floors),
        ("shifts only, every part of every proposal computed", shifts_only, no_floors),
    )
    for name, chances, least in cases:
        for label, hot, cold in (("warm", 0.05, 0.02), ("cool", 0.01, 0.003)):
            chain.set_state(annealed)
            chain._mix[:], chain._floors[:] = chances, least
            began, before = time.perf_counter(), chain.tally.copy()
            chain.anneal(PROPOSALS, hot / n, cold / n)
            rate = PROPOSALS / (time.perf_counter() - began)
            made = chain.tally - before
            hard = made[[0, 1, 2, 5], 0].sum() / made[:, 0].sum()
            print(
                f"  {name}, {label}: {rate:,.0f} proposals/s ({rate / full_per_s:,.0f} x full), "
                f"{100 * hard:.0f} % hard, {100 * made[:, 1].sum() / made[:, 0].sum():.0f} % accepted"
            )
    assert chain.cost.proxy == pytest.approx(full.full(chain.engine.placement).proxy, rel=1e-9)
