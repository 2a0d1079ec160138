"""Proposals a second of the incremental cost, beside full evaluations a second in the same run."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from numba import njit

from agents.ppo.policyfile import shipped_policy
from agents.search.guide import Guide
from floorplan.cost import CostEngine, CostOptions
from floorplan.cost.kernels import moves
from floorplan.env import MAP_CHANNELS
from floorplan.env.refine import RefineBatch
from floorplan.formats import read_problem
from floorplan.legalize import legalize
from floorplan.search import Chain
from floorplan.search.kernels.anneal import _among
from floorplan.search.kernels.draw import below
from floorplan.search.kernels.room import fits

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
            hard = made[[0, 1, 2, 5, 6], 0].sum() / made[:, 0].sum()
            print(
                f"  {name}, {label}: {rate:,.0f} proposals/s ({rate / full_per_s:,.0f} x full), "
                f"{100 * hard:.0f} % hard, {100 * made[:, 1].sum() / made[:, 0].sum():.0f} % accepted"
            )
    assert chain.cost.proxy == pytest.approx(full.full(chain.engine.placement).proxy, rel=1e-9)


@njit
def _part(part, count, ids, tables, state, room, seed):  # type: ignore[no-untyped-def]  # numba infers
    """Run one part of a proposal `count` times on random nodes, which jump to between those of one of their nets."""
    total = 0.0
    for _ in range(count):
        i = ids[below(seed, len(ids))]
        x, y = _among(i, tables, state, seed)
        o = state.orient[i]
        if part == 1:
            total += moves.change_wirelength(i, x, y, o, tables, state)
        elif part == 2:
            state.used[1] = 0
            moves.change_density(i, x, y, o, tables, state)
            moves.restore_density(state)
        elif part == 3:
            total += moves.density_now(tables, state)
        elif part == 4:
            state.trial[:] = state.load
        elif part == 5:
            state.trial[:] = state.load
            moves.change_load(i, x, y, o, tables, state)
        elif part == 6:
            total += moves.congestion_now(tables, state)
        elif part == 7:
            moves.settle(i, state.x[i], state.y[i], o, tables, state, True)
        elif part == 8:
            total += fits(i, x, y, room)
    return total


PARTS = (
    "drawing the move",
    "wirelength",
    "density, and back",
    "mean of the densest",
    "copy of the load",
    "copy and routes",
    "mean of the fullest",
    "storing an accepted move",
    "room for a hard macro",
)


def test_where_the_time_of_a_proposal_goes(benchmarks: Path) -> None:
    folder = benchmarks / "ct" / "NanGate45_ariane133"
    problem = read_problem(folder / "netlist.pb.txt.xz", folder / "initial.plc.xz")
    chain = Chain(problem, legalize(problem, problem.initial), seed=0)
    n = chain.movable
    chain.anneal(PROPOSALS, 0.1 / n, 0.01 / n)
    tables, state, room, seed = chain.engine.tables, chain.engine.state, chain.room, chain._seed
    for kind, ids in (("soft", room.soft), ("hard", room.hard)):
        print(f"\nNanGate45_ariane133, ns a {kind} macro's jump:")
        least = []
        for part in range(9 if kind == "hard" else 8):
            _part(part, 10, ids, tables, state, room, seed)
            spent = []
            for _ in range(5):
                began = time.perf_counter()
                _part(part, 20_000, ids, tables, state, room, seed)
                spent.append((time.perf_counter() - began) / 20_000 * 1e9)
            least.append(min(spent) - (least[0] if part else 0.0))
            print(f"  {PARTS[part]:26s} {least[-1]:6.0f}")
            moves.settle_all(tables, state)
        nets = float(np.diff(tables.node_ptr)[ids].mean())
        own = [tables.own_inc[tables.node_ptr[i] : tables.node_ptr[i + 1]] for i in ids.tolist()]
        pins = float(np.mean([(rows[:, 5] - rows[:, 4]).sum() for rows in own]))
        grid = 8 * problem.canvas.num_cells
        print(
            f"  {nets:.0f} nets with {pins:.0f} pins; bytes: ends of nets {64 * nets:,.0f}, "
            f"rows of the node {48 * nets:,.0f}, cells of the pins {4 * pins:,.0f}, "
            f"maps read {3 * grid:,}, map written {2 * grid:,}"
        )
    assert chain.engine.refresh().proxy > 0


def test_what_hints_gain_beside_other_moves_of_hard_macros(benchmarks: Path) -> None:
    """Hints any cell, from the map of estimated changes, and from the shipped policy if there is one."""
    folder = benchmarks / "ct" / "SKY130HD_ariane133"
    problem = read_problem(folder / "netlist.pb.txt.xz", folder / "initial.plc.xz")
    chain = Chain(problem, legalize(problem, problem.initial), seed=0)
    n, hard, cells = chain.movable, len(problem.movable_hard), problem.canvas.num_cells
    lifted = RefineBatch(problem, hard)
    policy = shipped_policy()
    guide = None if policy is None else Guide(problem, policy, CostOptions())
    hot = 0.1
    for cool in (0.03, 0.01, 0.003):
        chain.hint(None)
        chain.anneal(PROPOSALS, hot / n, cool / n)
        hot, now, annealed = cool, chain.engine.placement, chain.get_state()
        lifted.begin(now, np.arange(hard))
        change = lifted.obs["maps"][:, MAP_CHANNELS.index("cost_change")].reshape(hard, cells)
        every = np.tile(np.arange(cells, dtype=np.int32), (hard, 1))
        given = {
            "any cell": (every, np.ones(every.shape)),
            "softmax of the map": (every, np.where(lifted.masks, np.exp(-3.0 * np.clip(change, -8, 8)), 0.0)),
        }
        if guide is not None:
            given["shipped policy"] = guide.hints(now)
        for name, hints in given.items():
            chain.set_state(annealed)
            chain.hint(*hints)
            chain.tally[:], chain._hints.change[:] = 0, 0.0
            for _ in range(20):
                chain._hints.rate[:] = 0.3, 0.0, 0.0, 0.0, 0.0  # whether they pay or not
                chain.anneal(5000, cool / n, cool / n)
            gain = -chain._hints.change.sum(axis=1) / np.maximum(chain.tally[:, 0], 1) * n * 1e3
            taken = chain.tally[:, 1] / np.maximum(chain.tally[:, 0], 1)
            print(
                f"\n{cool}: {name}: gain a proposal {gain[6]:.4f} (shift {gain[0]:.4f}, swap {gain[1]:.4f}, jump "
                f"{gain[5]:.4f}), accepted {taken[6]:.3f} ({taken[0]:.3f}, {taken[1]:.3f}, {taken[5]:.3f})"
            )
    assert chain.cost.proxy == pytest.approx(CostEngine(problem).full(chain.engine.placement).proxy, rel=1e-9)
