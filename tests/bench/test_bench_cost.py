"""Figures of the cost engine; run with `make bench`. Nothing here fails on a clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from floorplan.cost import CostEngine
from floorplan.cost.reference import evaluate
from floorplan.formats import read_problem

pytestmark = pytest.mark.bench


def best_of(runs: int, call: Callable[[], object]) -> float:
    """Return the least seconds of one call."""
    call()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


@pytest.mark.parametrize("design", ["NanGate45_ariane133", "NanGate45_nvdla", "ASAP7_ariane133"])
def test_full_batch_and_reference(benchmarks: Path, design: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = benchmarks / "ct" / design
    problem = read_problem(folder / "netlist.pb.txt.xz", folder / "legalized.plc.xz")
    engine, p = CostEngine(problem), problem.initial
    full_s = best_of(200, lambda: engine.full(p))
    x, y = np.repeat(p.x_um[None], 64, 0), np.repeat(p.y_um[None], 64, 0)
    orient = np.repeat(p.orient[None], 64, 0)
    batch_s = best_of(20, lambda: engine.batch(x, y, orient)) / 64
    start = time.perf_counter()
    want = evaluate(problem, p).cost
    reference_s = time.perf_counter() - start
    assert engine.full(p).proxy == pytest.approx(want.proxy, rel=1e-9)
    with capsys.disabled():
        print(
            f"\n{design} {problem.netlist.content_hash[:12]}: full {full_s * 1e3:.3f} ms, batch of 64 "
            f"{1 / batch_s:,.0f} placements/s, reference {reference_s * 1e3:.0f} ms = {reference_s / full_s:,.0f} full"
        )
