"""Speed of the estimator on 250 macros: a whole estimate, and one moved macro as a ratio to it.

Run with `pytest -m bench -s tests/bench/test_bench_estimate.py`; nothing here fails on a clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from floorplan.accelerator.templates import chip
from floorplan.estimate import Estimator, EstimatorOptions, IncrementalEstimate
from tests.estimate.chips import small_chip, small_load

pytestmark = pytest.mark.bench


def _least_s(call: Callable[[], object], repeats: int) -> float:
    call()
    took = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        took.append(time.perf_counter() - start)
    return min(took)


def test_an_estimate_and_an_increment() -> None:
    made = small_chip(250, nets_per_block=4)
    e = Estimator(made, small_load(made))
    whole = _least_s(lambda: e.estimate(made.problem.initial), 5)
    bare = Estimator(made, small_load(made), EstimatorOptions(congestion=False, samples=0, grid=4))
    moves = IncrementalEstimate(bare, made.problem.initial)
    nodes = np.random.default_rng(1).integers(0, 250, 200).tolist()

    def move_all() -> None:
        for i in nodes:
            moves.propose((i,), (5000.0,), (5000.0,))
            moves.commit()

    one = _least_s(move_all, 25) / len(nodes)
    print(f"\n250 macros, {made.problem.netlist.num_nets} nets: estimate {1e3 * whole:.1f} ms (goal 50)")
    print(f"one moved macro {1e6 * one:.1f} us (goal 20), {whole / one:,.0f} times less")
    assert moves.totals.j_per_token > 0


@pytest.mark.parametrize("name", ["systolic_chip", "gpu_tile", "sram_first"])
def test_setting_up_a_template(name: str) -> None:
    start = time.perf_counter()
    made = chip(name)
    print(f"\n{name}: {len(made.problem.movable_hard)} movable hard macros made in {time.perf_counter() - start:.2f} s")
    assert len(made.problem.movable_hard) > 0
