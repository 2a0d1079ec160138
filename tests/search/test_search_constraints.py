"""Search under constraints: no loop accepts a move that breaks one, and every loop moves something."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.cost import CostEngine
from floorplan.errors import InfeasibleProblemError
from floorplan.geometry import Orient
from floorplan.legalize import legalize
from floorplan.netlist import Blockage, Placement, Problem, check_legality
from floorplan.search import Chain, stir
from tests.constraint_cases import KINDS, brute_force_legal, constrained, plain, spread


def started(p: Problem, seed: int) -> Chain | None:
    try:
        return Chain(p, legalize(p, spread(p, seed), tries=0), seed)
    except InfeasibleProblemError:
        return None


def assert_sound(chain: Chain) -> None:
    """Check that placement, obstacles and cost of a chain belong together and keep every constraint."""
    p, now = chain.problem, chain.engine.placement
    assert check_legality(p, now).legal, check_legality(p, now).summary()
    assert brute_force_legal(p, now)
    hard = p.netlist.hard
    assert np.array_equal(chain.room.x[: len(hard)], now.x_um[hard])
    assert np.array_equal(chain.room.y[: len(hard)], now.y_um[hard])
    if chain.room.ties.halos:
        fresh = Chain(p, now, 0).room.ties.reach
        assert np.array_equal(chain.room.ties.reach, fresh)
    assert chain.cost.proxy == pytest.approx(CostEngine(p).full(now).proxy, rel=1e-9)


@settings(max_examples=15, deadline=None)
@given(kind=st.sampled_from(KINDS), seed=st.integers(0, 10**6), heat=st.sampled_from([0.001, 0.03, 1.0]))
def test_no_loop_breaks_a_constraint(kind: str, seed: int, heat: float) -> None:
    p = constrained(kind, seed)
    chain = started(p, seed)
    if chain is None:
        return
    n = chain.movable
    for _ in range(3):
        chain.anneal(300, heat / n, heat / n / 3)
        assert_sound(chain)
    chain.descend(400)
    assert_sound(chain)
    stir(chain, 200)
    assert_sound(chain)
    hard = len(p.movable_hard)
    cells = np.tile(np.arange(p.canvas.num_cells, dtype=np.int32), (hard, 1))
    chain.hint(cells, np.ones(cells.shape))
    chain._hints.rate[0] = 0.5
    chain.anneal(300, heat / n, heat / n / 3)
    chain.descend(400)
    assert_sound(chain)
    assert brute_force_legal(p, chain.best_placement)
    state = chain.get_state()
    other = Chain(p, chain.best_placement, 1)
    other.hint(cells, np.ones(cells.shape))
    other.set_state(state)
    for c in (chain, other):
        c.anneal(200, heat / n, heat / n / 3)
    assert np.array_equal(chain.engine.placement.x_um, other.engine.placement.x_um)
    assert_sound(other)


@pytest.mark.parametrize("kind", KINDS)
def test_hard_macros_still_move(kind: str) -> None:
    moved = np.zeros(7, np.int64)
    for seed in range(3):
        chain = started(constrained(kind, seed), seed)
        if chain is not None:
            chain.anneal(1500, 1.0 / chain.movable, 0.3 / chain.movable)
            moved += chain.tally[:, 1]
    # Shifts, swaps, jumps; flips where macros may flip.
    assert (moved[[0, 1, 5]] > 0).all()
    assert moved[2] > 0


def test_flips_turn_halos_that_meet() -> None:
    """Two macros face to face: one may flip only while its wide side has room."""
    p = plain(0, hard=2, soft=0)
    a, b = p.netlist.hard.tolist()
    halo = np.zeros((p.netlist.num_nodes, 4))
    halo[a] = 6.0, 0.0, 0.0, 0.0
    fixed = np.zeros(p.netlist.num_nodes, np.bool_)
    fixed[b] = True
    w, x = p.netlist.node_w_um, p.initial.x_um.copy()
    x[a], x[b] = 40.0, 40.0 + (w[a] + w[b]) / 2 + 2.0
    y = np.where(p.fixed, 0.0, 45.0)
    at = Placement(x, y, p.initial.orient, np.ones(len(x), np.bool_))
    p = p.replace(initial=at, fixed=fixed, halo_um=halo)
    chain = Chain(p, at, 0)
    seen: set[tuple[int, bool]] = set()
    for _ in range(200):
        chain.anneal(20, 10.0, 10.0)
        now = chain.engine.placement
        gap = now.x_um[b] - now.x_um[a] - (w[a] + w[b]) / 2
        beside = abs(now.y_um[a] - now.y_um[b]) < 5 and 0 < gap < 6
        seen.add((int(now.orient[a]), bool(beside)))
        assert brute_force_legal(p, now)
    assert {o for o, _ in seen} == set(range(4))
    assert not any(beside and o in (Orient.FN, Orient.S) for o, beside in seen)


def test_macros_leave_soft_blockages_and_do_not_come_back() -> None:
    p = plain(1, hard=3).replace(blockages=(Blockage(0.0, 0.0, 45.0, 90.0, hard=False),))
    bare = p.replace(blockages=())
    x, y = p.initial.x_um.copy(), p.initial.y_um.copy()
    hard = p.netlist.hard
    x[hard], y[hard] = 20.0, (15.0, 45.0, 75.0)
    at = legalize(bare, spread(bare, 0).replace(x, y), tries=0)
    assert check_legality(p, at).warnings
    chain = Chain(p, at, 0)
    covered = np.inf
    for _ in range(30):
        chain.anneal(200, 1.0, 1.0)
        now = sum(v.amount_um for v in check_legality(p, chain.engine.placement).warnings)
        covered = min(covered, now)
        assert_sound(chain)
    assert covered == 0
    assert not check_legality(p, chain.engine.placement).warnings
