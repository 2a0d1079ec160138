"""Search chains: every placement legal, every cost exact, every continuation the same."""

from __future__ import annotations

import numpy as np
import pytest
from chain_cases import assert_sound, netlist, problem

from floorplan.cost import CostEngine, CostOptions
from floorplan.cost.kernels.moves import change_wirelength
from floorplan.errors import ProblemError
from floorplan.legalize import safe_gap_um
from floorplan.netlist import Blockage, Canvas, NetlistBuilder, Placement, Problem
from floorplan.search import Chain, nodes_around, stir
from floorplan.search.kernels.single import try_single


@pytest.fixture(scope="module")
def plain() -> Problem:
    return problem()


@pytest.mark.parametrize("smooth_range", [0, 2])
def test_annealing_stays_legal_and_exact_and_pays(smooth_range: int) -> None:
    p = problem(smooth_range=smooth_range)
    chain = Chain(p, p.initial, seed=3)
    before = chain.cost.proxy
    for hot in (1.0, 0.1, 0.01):
        chain.anneal(4000, hot / chain.movable, hot / 10 / chain.movable)
        assert_sound(chain, safe_gap_um(p.canvas))
    assert chain.best_proxy < 0.9 * before
    assert CostEngine(p).full(chain.best_placement).proxy == pytest.approx(chain.best_proxy, rel=1e-9)
    assert chain.proposals == 12000
    assert chain.tally[:, 0].sum() == 12000
    assert (chain.tally[:6, 1] > 0).all()  # every kind of move was accepted at some time
    assert chain.tally[6].tolist() == [0, 0]  # but hints, of which there were none


def test_spacing_blockages_and_fixed_nodes_are_respected() -> None:
    nl = netlist(6, 6)
    fixed = np.zeros(nl.num_nodes, np.bool_)
    fixed[[nl.hard[0], nl.soft[0]]] = True
    p = problem(6, 6, fixed=fixed, macro_spacing_um=1.5, boundary_spacing_um=2.0, blockages=(Blockage(40, 30, 60, 50),))
    chain = Chain(p, p.initial, seed=0)
    chain.anneal(10000, 1 / 12, 1 / 1200)
    chain.descend(5000)
    assert_sound(chain, 1.5)
    for i in np.flatnonzero(fixed):
        assert (chain.engine.placement.x_um[i], chain.engine.placement.y_um[i]) == (
            p.initial.x_um[i],
            p.initial.y_um[i],
        )


def test_descent_never_rises_and_settles(plain: Problem) -> None:
    chain = Chain(plain, plain.initial, seed=0)
    falls = [chain.descend(10**6) for _ in range(12)]
    assert min(falls) >= 0
    assert falls[0] > 0
    assert falls[-1] < 1e-3 * falls[0]
    assert_sound(chain, safe_gap_um(plain.canvas))


def test_a_lone_soft_macro_descends_to_the_port_it_hangs_on() -> None:
    b = NetlistBuilder("one")
    b.add_port("p")
    b.add_macro("Grp_0", 1.0, 1.0, soft=True)
    b.add_pin("Grp_0/0", "Grp_0")
    b.add_net("p", ["Grp_0/0"])
    nl = b.build()
    at = Placement(np.array([3.0, 9.0]), np.array([4.0, 9.0]), np.zeros(2, np.uint8), np.ones(2, np.bool_))
    p = Problem(nl, Canvas(12.0, 12.0, 4, 4, 1.0, 1.0), at)
    chain = Chain(p, at, seed=0, options=CostOptions())
    for _ in range(4):
        chain.descend(1000)
    assert chain.cost.wirelength_um == pytest.approx(0.0, abs=1e-5)


def test_stirring_keeps_only_what_pays(plain: Problem) -> None:
    chain = Chain(plain, plain.initial, seed=5)
    cost = chain.cost.proxy
    falls = []
    for _ in range(15):
        falls.append(stir(chain, 400))
        assert chain.cost.proxy <= cost + 1e-12
        assert falls[-1] == pytest.approx(cost - chain.cost.proxy, abs=1e-9)
        cost = chain.cost.proxy
    assert max(falls) > 0
    assert min(falls) == 0.0  # some were taken back
    assert_sound(chain, safe_gap_um(plain.canvas))


def test_nodes_around_a_cell_overlap_its_square(plain: Problem) -> None:
    chain = Chain(plain, plain.initial, seed=0)
    nl, cv = plain.netlist, plain.canvas
    cell = 5 * cv.columns + 6
    found = set(nodes_around(chain, cell, 1.0).tolist())
    x, y = 6.5 * cv.cell_w_um, 5.5 * cv.cell_h_um
    for i in np.concatenate([nl.hard, nl.soft]).tolist():
        dx = abs(plain.initial.x_um[i] - x) - nl.node_w_um[i] / 2
        dy = abs(plain.initial.y_um[i] - y) - nl.node_h_um[i] / 2
        assert (i in found) == (dx < cv.cell_w_um and dy < cv.cell_h_um)


def test_a_chain_that_is_set_back_goes_on_bit_for_bit(plain: Problem) -> None:
    a = Chain(plain, plain.initial, seed=1)
    a.anneal(3000, 0.02, 0.01)
    state = a.get_state()
    b = Chain(plain, plain.initial, seed=99)
    b.set_state(state)
    for chain in (a, b):
        chain.anneal(3000, 0.01, 0.001)
        chain.descend(500)
        stir(chain, 300)
    assert a.engine.placement.x_um.tolist() == b.engine.placement.x_um.tolist()
    assert a.engine.placement.orient.tolist() == b.engine.placement.orient.tolist()
    assert (a.best_proxy, a.proposals) == (b.best_proxy, b.proposals)


def test_seeds_differ(plain: Problem) -> None:
    a, b = (Chain(plain, plain.initial, seed=s) for s in (0, 1))
    for chain in (a, b):
        chain.anneal(500, 0.01, 0.01)
    assert a.engine.placement.x_um.tolist() != b.engine.placement.x_um.tolist()


def test_early_refusals_are_the_refusals_of_the_whole_cost(plain: Problem) -> None:
    """With floors nothing is decided otherwise than with none, only sooner."""
    none = np.zeros(3)
    with_floors, without = (Chain(plain, plain.initial, seed=0) for _ in range(2))
    floors = with_floors._floors
    assert floors[1] > 0
    rng = np.random.default_rng(0)
    decided = []
    for _ in range(1500):
        i = int(rng.choice(plain.movable_soft))
        b = without.room.bounds[i]
        x, y, limit = rng.uniform(b[0], b[1]), rng.uniform(b[2], b[3]), float(rng.exponential(0.002))
        outcome = [
            try_single(i, x, y, np.uint8(0), limit, -1.0, c._weights, f, c.engine.tables, c.engine.state)
            for c, f in ((with_floors, floors), (without, none))
        ]
        assert outcome[0] == outcome[1]
        decided.append(outcome[0])
    assert 50 < sum(decided) < 1450
    assert with_floors.cost == without.cost


def test_judging_congestion_apart_samples_the_same_distribution() -> None:
    """Two places for one soft macro: both rules must leave it at each as often as exp(-cost / temperature) says."""
    p = problem(3, 3, seed=4)
    i = int(p.movable_soft[0])
    spots = [(20.0, 20.0), (70.0, 60.0)]
    chain = Chain(p, p.initial, seed=0)
    proxies = []
    for x, y in spots:
        proxies.append(chain.engine.propose(i, x, y).proxy)
        chain.engine.rollback()
    um = [change_wirelength(i, x, y, np.uint8(0), chain.engine.tables, chain.engine.state) for x, y in spots]
    assert um[0] != um[1]
    temperature = abs(proxies[0] - proxies[1]) / 0.7
    want = 1 / (1 + np.exp((proxies[0] - proxies[1]) / temperature))
    rng = np.random.default_rng(0)
    for apart in (False, True):
        chain = Chain(p, p.initial, seed=0)
        at, visits = 0, 0
        chain.engine.propose(i, *spots[0])
        chain.engine.commit()
        for _ in range(20000):
            limit, other = -temperature * np.log(rng.random(2))
            x, y = spots[1 - at]
            if try_single(
                i, x, y, np.uint8(0), limit, other if apart else -1.0, chain._weights, np.zeros(3),
                chain.engine.tables, chain.engine.state,
            ):  # fmt: skip
                at = 1 - at
            visits += at == 0
        assert visits / 20000 == pytest.approx(want, abs=0.02), apart


def test_an_illegal_start_is_refused(plain: Problem) -> None:
    x = plain.initial.x_um.copy()
    x[plain.movable_hard[0]] = -50.0
    with pytest.raises(ProblemError, match="ILLEGAL"):
        Chain(plain, plain.initial.replace(x), seed=0)


def test_nothing_to_move_spends_its_proposals_and_changes_nothing() -> None:
    nl = netlist(2, 2)
    p = problem(2, 2, fixed=np.ones(nl.num_nodes, np.bool_))
    chain = Chain(p, p.initial, seed=0)
    cost = chain.cost
    chain.anneal(100, 0.1, 0.01)
    assert chain.descend(100) == 0.0
    assert stir(chain, 50) == 0.0
    assert (chain.cost, chain.proposals) == (cost, 250)
