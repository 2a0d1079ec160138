"""Hints for hard macros: legal, exact, repeatable, unbiased, and given up where they do not pay."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from chain_cases import assert_sound, problem

from floorplan.errors import ProblemError
from floorplan.legalize import safe_gap_um
from floorplan.netlist import Canvas, NetlistBuilder, Placement, Problem
from floorplan.search import Chain
from floorplan.search.kernels.hints import LEAST, MOST, Hints, aim, learn
from floorplan.search.kernels.single import try_single

Given = tuple[npt.NDArray[np.int32], npt.NDArray[np.float64]]


def anywhere(p: Problem, seed: int = 0, width: int = 6) -> Given:
    """A few cells for each macro, as likely as it comes."""
    rng = np.random.default_rng(seed)
    shape = (len(p.movable_hard), width)
    return rng.integers(0, p.canvas.num_cells, shape).astype(np.int32), rng.random(shape)


def corner(p: Problem) -> Given:
    """All macros into one corner, where no more than one has room: useless."""
    shape = (len(p.movable_hard), 1)
    return np.zeros(shape, np.int32), np.ones(shape)


@pytest.fixture(scope="module")
def plain() -> Problem:
    return problem()


def test_hinted_moves_stay_legal_and_exact_and_swap_macros_of_one_size(plain: Problem) -> None:
    chain = Chain(plain, plain.initial, seed=3)
    for n, hot in enumerate((1.0, 0.1, 0.01)):
        chain.hint(*anywhere(plain, n))
        chain.anneal(4000, hot / chain.movable, hot / 10 / chain.movable)
        assert_sound(chain, safe_gap_um(plain.canvas))
        fall = chain.descend(2000)
        assert fall >= 0
        assert_sound(chain, safe_gap_um(plain.canvas))
    assert chain.tally[6, 0] > 100
    assert chain.tally[6, 1] > 0


def test_spacing_and_fixed_macros_are_respected() -> None:
    p = problem(6, 6)
    fixed = np.zeros(p.netlist.num_nodes, np.bool_)
    fixed[p.netlist.hard[0]] = True
    p = problem(6, 6, fixed=fixed, macro_spacing_um=1.5)
    chain = Chain(p, p.initial, seed=0)
    chain.hint(*anywhere(p))
    chain.anneal(6000, 0.1, 0.01)
    assert chain.tally[6, 1] > 0
    assert_sound(chain, 1.5)
    i = int(p.netlist.hard[0])
    assert chain.engine.placement.x_um[i] == p.initial.x_um[i]


def test_hints_taken_away_leave_the_chain_as_it_would_be_without(plain: Problem) -> None:
    a, b = (Chain(plain, plain.initial, seed=1) for _ in range(2))
    b.hint(*anywhere(plain))
    b.hint(None)
    for chain in (a, b):
        chain.anneal(2000, 0.01, 0.001)
        chain.descend(500)
    assert a.engine.placement.x_um.tolist() == b.engine.placement.x_um.tolist()


def test_a_chain_set_back_and_given_the_same_hints_goes_on_bit_for_bit(plain: Problem) -> None:
    a = Chain(plain, plain.initial, seed=1)
    a.hint(*anywhere(plain))
    a.anneal(3000, 0.02, 0.01)
    b = Chain(plain, plain.initial, seed=99)
    b.set_state(a.get_state())
    b.hint(*anywhere(plain))
    for chain in (a, b):
        chain.anneal(3000, 0.01, 0.001)
        chain.descend(500)
    assert a.engine.placement.x_um.tolist() == b.engine.placement.x_um.tolist()
    assert (a.hint_rate, a.tally.tolist()) == (b.hint_rate, b.tally.tolist())


def test_useless_hints_are_given_up_and_cost_little(plain: Problem) -> None:
    best: dict[bool, list[float]] = {False: [], True: []}
    for hinted in (False, True):
        for seed in np.random.SeedSequence(0).generate_state(4, np.uint64).tolist():
            chain = Chain(plain, plain.initial, seed)
            for hot, cold in ((0.1, 0.01), (0.01, 0.001)):
                if hinted:
                    chain.hint(*corner(plain))
                chain.anneal(15000, hot / chain.movable, cold / chain.movable)
            best[hinted].append(chain.best_proxy)
            if hinted:
                assert chain.hint_rate < 2 * LEAST
                assert 0 < chain.tally[6, 0] < 0.06 * chain.tally[[0, 1, 5, 6], 0].sum()
    assert np.mean(best[True]) < 1.03 * np.mean(best[False])


@pytest.mark.parametrize(("gain", "want"), [(1e-3, MOST), (-1e-3, LEAST), (0.0, LEAST)])
def test_the_rate_follows_what_clearly_gains(gain: float, want: float) -> None:
    hints = Hints(np.zeros((1, 1), np.int32), np.ones((1, 1)), np.array([0.1, 0, 0, 0, 0]), np.zeros((7, 2)))
    rng = np.random.default_rng(0)
    for noise in rng.normal(0, 2e-3, 6000):
        learn(0, noise, hints)
        learn(6, noise - gain, hints)
    assert hints.rate[0] == pytest.approx(want, rel=0.25)


def test_hints_change_how_soon_places_are_found_and_not_which() -> None:
    """A lone macro moved by hints that are all for one cell stays in each cell as often as its cost says."""
    b = NetlistBuilder("one")
    b.add_port("p")
    b.add_macro("m", 4.0, 4.0)
    b.add_pin("m/0", "m")
    b.add_net("p", ["m/0"])
    at = Placement(np.array([6.0, 6.0]), np.array([12.0, 6.0]), np.zeros(2, np.uint8), np.ones(2, np.bool_))
    p = Problem(b.build(), Canvas(24.0, 24.0, 4, 4, 10.0, 10.0), at)
    chain = Chain(p, at, seed=5)
    i, temperature = int(p.movable_hard[0]), 0.3
    centre = 6.0 * (np.arange(4) + 0.5)
    cost = np.empty(16)
    for cell in range(16):
        cost[cell] = chain.engine.propose(i, centre[cell % 4], centre[cell // 4]).proxy
        chain.engine.rollback()
    want = np.exp(-cost / temperature)
    want /= want.sum()
    assert want.max() > 1.5 * want.min()
    chain.hint(np.array([[9]], np.int32), np.array([[1.0]]))
    visits = np.zeros(16)
    rng = np.random.default_rng(0)
    state = chain.engine.state
    for _ in range(40000):
        limit = -temperature * np.log(rng.random())
        j, x, y, q = aim(i, chain._hints, chain.engine.tables, state, chain.room, chain._seed)
        assert j == -1
        try_single(i, x, y, 0, limit + temperature * q, -1.0, chain._weights, chain._floors, chain.engine.tables, state)
        visits[int(state.y[i] / 6) * 4 + int(state.x[i] / 6)] += 1
    assert np.abs(visits / visits.sum() - want).sum() / 2 < 0.04


def test_hints_without_sense_are_refused(plain: Problem) -> None:
    chain = Chain(plain, plain.initial, seed=0)
    cells, chance = anywhere(plain)
    for bad in ((cells[1:], chance[1:]), (cells, -chance), (cells + plain.canvas.num_cells, chance)):
        with pytest.raises(ProblemError):
            chain.hint(*bad)
