"""Macro placements per second of the construct environment, with masks and maps, and where the time goes.

Run with `pytest -m bench -s tests/bench/test_bench_env.py`.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from floorplan.env import ConstructBatch, ConstructConfig
from floorplan.env.kernels.change import density_change, footprint_density, tracks_change, wirelength_change
from floorplan.env.kernels.mask import legal_mask
from floorplan.env.kernels.observe import standardise, write_state_maps
from floorplan.env.kernels.place import congestion_cost, density_cost
from floorplan.formats import read_problem
from floorplan.netlist import Problem

pytestmark = pytest.mark.bench

ENVS = 64


@pytest.fixture(scope="module")
def problem(benchmarks: Path) -> Problem:
    return read_problem(benchmarks / "ct" / "NanGate45_ariane133" / "netlist.pb.txt.xz")


def _actions(batch: ConstructBatch, rng: np.random.Generator) -> np.ndarray:
    return (rng.random(batch.masks.shape) * batch.masks).argmax(axis=1)


def _play(batch: ConstructBatch) -> tuple[float, float, float, int]:
    """Play one round of episodes.

    Returns:
        seconds and core-seconds of the steps inside episodes, seconds of those that end them, complete episodes.
    """
    rng = np.random.default_rng(0)
    inside = cores = ends = 0.0
    complete = 0
    for _ in range(batch.dims.macros):
        actions = _actions(batch, rng)
        begin, begin_cores = time.perf_counter(), time.process_time()
        result = batch.step(actions)
        took, took_cores = time.perf_counter() - begin, time.process_time() - begin_cores
        complete += len(batch.finished)
        if result.done.any():
            ends += took
        else:
            inside += took
            cores += took_cores
    return inside, cores, ends, complete


@pytest.mark.parametrize("threads", [1, 2])
def test_placements_per_second(problem: Problem, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOORPLAN_THREADS", str(threads))
    batch = ConstructBatch(problem, ENVS, ConstructConfig())
    _play(batch)
    rounds = [_play(batch) for _ in range(3)]
    inside, cores, ends, complete = min(rounds, key=sum)
    steps = ENVS * batch.dims.macros
    print(
        f"\n{threads} threads, {ENVS} environments: {steps / inside:,.0f} placements/s "
        f"({steps / cores:,.0f} a core-second), with {complete} times the "
        f"{batch.config.soft_placer} soft placer and final cost {steps / (inside + ends):,.0f} placements/s, "
        f"{ENVS / (inside + ends):.1f} episodes/s; end of an episode {1e3 * ends / max(complete, 1):.2f} ms"
    )
    assert complete == ENVS


def test_where_the_time_goes(problem: Problem) -> None:
    """Time each kernel on its own in the middle of an episode, on one thread."""
    b = ConstructBatch(problem, 1, ConstructConfig(soft_placer="none"))
    rng = np.random.default_rng(0)
    for _ in range(60):
        b.step(_actions(b, rng))
    st, s = b._static, b._state
    m = int(s.current[0])
    w, h, p0, p1 = st.macro_w[m], st.macro_h[m], st.pair_ptr[m], st.pair_ptr[m + 1]
    run, column = s.line[0, : st.columns], s.line[0, st.columns : st.columns + st.rows]
    mask, maps, scratch, cost = s.masks[0], s.maps[0], s.scratch[0], s.cost_change[0]
    size = (w, h, st.gw, st.gh)
    t_d, t_c = s.threshold[0]
    # fmt: off
    phases = {
        "congestion maps and cost": lambda: congestion_cost(
            s.hd[0], s.vd[0], st.h_scale, st.v_scale, st.smooth, s.hmac[0], s.vmac[0], st.congestion_top, t_c,
            s.values[0], s.h[0], s.v[0]),
        "density cost": lambda: density_cost(s.density[0], st.density_top, t_d, s.values[0]),
        "legal mask": lambda: legal_mask(
            *size, st.edge, st.gap, st.macro_w, st.macro_h, s.placed[0], s.cell[0], st.obstacle, s.diff[0], mask),
        "wirelength change": lambda: wirelength_change(
            p0, p1, st.pair_net, st.pair_box, st.net_weight, s.net_box[0], st.gw, st.gh, run, column,
            s.wl_change_um[0]),
        "footprint density": lambda: footprint_density(*size, s.density[0], mask, scratch, run, maps[6]),
        "density change": lambda: density_change(*size, s.density[0], t_d, 0.01, mask, scratch, run, maps[7], cost),
        "congestion change": lambda: tracks_change(
            *size, st.h_share, st.v_share, s.h[0], s.v[0], t_c, 0.01, mask, scratch, run, maps[8], cost),
        "standardise twice": lambda: (
            standardise(s.wl_change_um[0], mask, 300, True, maps[1]), standardise(cost, mask, 300, False, maps[9])),
        "state maps": lambda: write_state_maps(
            mask, s.density[0], s.h[0], s.v[0], s.hard[0], st.edge_x, st.edge_y, maps),
    }
    # fmt: on
    nothing = np.zeros((0, 0))

    def best(call: object) -> float:
        times = []
        for _ in range(7):
            begin = time.perf_counter()
            for _ in range(200):
                call()  # type: ignore[operator]
            times.append((time.perf_counter() - begin) / 200)
        return 1e6 * min(times)

    # What a call from Python costs by itself: as many arguments, nothing to do.
    args = (*size, nothing, nothing > 0, np.zeros((5, 0, 0)), np.zeros(0), nothing.astype(np.float32))
    footprint_density(*args)
    call_us = best(lambda: footprint_density(*args))
    print(f"\none environment, one thread; {call_us:.1f} us of each is the call")
    for name, call in phases.items():
        call()
        took = best(call)
        print(f"{name:28s}{took:8.2f} us")
        assert took > 0
