"""Figures of the soft-macro placers; run with `make bench`. Nothing here fails on a clock."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from floorplan.cost import CostEngine
from floorplan.formats import read_problem
from floorplan.netlist import Placement, Problem
from floorplan.soft import SOFT_PLACERS, make_soft_placer

pytestmark = pytest.mark.bench

DESIGNS = {
    "NanGate45_ariane133": ("legalized.plc.xz", 3),
    "NanGate45_nvdla": ("legalized.plc.xz", 1),
    "ASAP7_ariane133": ("legalized.plc.xz", 1),
    "ASAP7_mempool_tile": ("initial.plc.xz", 1),
}
"""Design -> placement file, random placements of its hard macros besides."""


def random_legal(problem: Problem, seed: int) -> Placement:
    """Return the hard macros on random cell centres, the largest first, without overlap; the rest as initially."""
    nl, cv = problem.netlist, problem.canvas
    rng = np.random.default_rng(seed)
    cx, cy = np.meshgrid((np.arange(cv.columns) + 0.5) * cv.cell_w_um, (np.arange(cv.rows) + 0.5) * cv.cell_h_um)
    area = nl.node_w_um * nl.node_h_um
    for _ in range(500):
        x, y = problem.initial.x_um.copy(), problem.initial.y_um.copy()
        done: list[int] = []
        for i in sorted(nl.hard.tolist(), key=lambda k: -area[k]):
            w, h = nl.node_w_um[i], nl.node_h_um[i]
            free = (cx >= w / 2) & (cx <= cv.width_um - w / 2) & (cy >= h / 2) & (cy <= cv.height_um - h / 2)
            for k in done:
                near_x = np.abs(cx - x[k]) < (w + nl.node_w_um[k]) / 2
                free &= ~(near_x & (np.abs(cy - y[k]) < (h + nl.node_h_um[k]) / 2))
            cells = np.flatnonzero(free)
            if not len(cells):
                break
            at = rng.choice(cells)
            x[i], y[i] = cx.ravel()[at], cy.ravel()[at]
            done.append(i)
        else:
            return problem.initial.replace(x_um=x, y_um=y, orient=np.zeros(len(x), np.uint8))
    pytest.skip("no random placement found")


@pytest.mark.parametrize("design", list(DESIGNS))
def test_soft_placers(benchmarks: Path, design: str, capsys: pytest.CaptureFixture[str]) -> None:
    plc, randoms = DESIGNS[design]
    folder = benchmarks / "ct" / design
    problem = read_problem(folder / "netlist.pb.txt.xz", folder / plc)
    engine = CostEngine(problem)
    given = [problem.initial, *(random_legal(problem, k) for k in range(randoms))]
    lines = [f"{design} {problem.netlist.content_hash[:12]}, weights {engine.options.weights}"]
    lines.append(f"  file as it is: proxy {engine.full(problem.initial).proxy:.4f}")
    proxy: dict[str, list[float]] = {}
    for name in SOFT_PLACERS:
        start = time.perf_counter()
        placer = make_soft_placer(name, problem)
        setup = time.perf_counter() - start
        costs = [engine.full(placer.place(p)) for p in given]
        proxy[name] = [c.proxy for c in costs]
        seconds = []
        for _ in range(10):
            start = time.perf_counter()
            placer.place(given[-1])
            seconds.append(time.perf_counter() - start)
        x, y = np.tile(given[-1].x_um, (16, 1)), np.tile(given[-1].y_um, (16, 1))
        placer.place_batch(x[:2].copy(), y[:2].copy())
        start = time.perf_counter()
        placer.place_batch(x, y)
        batch = (time.perf_counter() - start) / 16
        times = (
            f"set-up {setup:5.2f} s, {min(seconds) * 1e3:6.2f} ms a call, {batch * 1e3:6.2f} ms each in a batch of 16"
        )
        found = "  ".join(f"{c.proxy:.4f} ({c.wirelength:.4f}/{c.density:.4f}/{c.congestion:.4f})" for c in costs)
        lines.append(f"  {name:15s} {times}; {found}")
    with capsys.disabled():
        print("\n" + "\n".join(lines))
    assert all(q < f for q, f in zip(proxy["quadratic"], proxy["force_directed"], strict=True))
