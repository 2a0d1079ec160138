"""Rewards of joules and nanoseconds: stock bit for bit, increments exact, net weights the same to first order."""

from __future__ import annotations

import dataclasses
import math
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.cost import CostEngine, CostOptions, CostWeights, IncrementalCost
from floorplan.env import ConstructBatch, ConstructConfig
from floorplan.env.game import Finished
from floorplan.errors import ProblemError, UnknownNameError
from floorplan.estimate import Estimator, EstimatorOptions, IllegalPlacementError
from floorplan.estimate.errors import EstimateError
from floorplan.estimate.goal import goal_of, parse_objective
from floorplan.estimate.gradient import log_slopes
from floorplan.estimate.kernels import chain
from floorplan.estimate.length import net_boxes_um
from floorplan.estimate.objective import OBJECTIVES, Objective, base_scale_m_per_um, objective, random_hpwl_um
from floorplan.estimate.objective_cost import ObjectiveCost
from floorplan.estimate.polish import polish
from floorplan.estimate.reward import Reward
from floorplan.estimate.surrogate import weighted_problem
from floorplan.netlist import Placement, check_legality
from tests.estimate.chips import small_chip, small_load

BARE = EstimatorOptions(samples=0, grid=8)
CHIP = small_chip(20, clock_hz=2e9, technology="n7", seed=3)
SLOW = small_chip(20, clock_hz=2e9, technology="n7", seed=3, pipelined=False)
EVERYTHING = Objective(joules=0.7, nanoseconds=0.4, temperature=0.05, limit_c=40.0)


def estimator(chip=CHIP, **load) -> Estimator:  # type: ignore[no-untyped-def]  # a chip, and what its load is made of
    return Estimator(chip, small_load(chip, **load), BARE)


def shuffled(seed: int) -> Placement:
    """The blocks of the chip in another order on their grid: legal."""
    order, start = np.random.default_rng(seed).permutation(20), CHIP.problem.initial
    return start.replace(start.x_um[order], start.y_um[order])


# ---- the stock reward ------------------------------------------------------------------------------------------------


def test_without_weights_the_reward_is_minus_the_proxy_bit_for_bit() -> None:
    e, at = estimator(), CHIP.problem.initial
    reward = Reward(e, Objective())
    options = CostOptions(CostWeights(1.0, 1.0, 0.5))
    same = weighted_problem(e, Objective(), options)
    assert same.problem is CHIP.problem
    assert same.options is options
    proxy = CostEngine(CHIP.problem).full(at).proxy
    assert reward.score(at).reward == -proxy
    assert reward.episodes([Finished(0, at, CostEngine(CHIP.problem).full(at), 0.0)]).tolist() == [-proxy]
    assert objective("proxy", e).stock


@given(moves=st.lists(st.tuples(st.integers(0, 19), st.floats(0, 4000), st.floats(0, 4000)), max_size=8))
@settings(max_examples=20, deadline=None)
def test_stock_increments_are_those_of_the_cost_bit_for_bit(moves) -> None:  # type: ignore[no-untyped-def]
    stock = IncrementalCost(CHIP.problem, CHIP.problem.initial)
    ours = ObjectiveCost(Reward(estimator(), Objective()), CHIP.problem.initial)
    for n, (i, x, y) in enumerate(moves):
        assert ours.propose((i,), (x,), (y,)) == -stock.propose(i, x, y).proxy
        for engine in (ours, stock):
            engine.rollback() if n % 3 == 0 else engine.commit()
        assert ours.scored.reward == -stock.cost.proxy


# ---- increments ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chip", [CHIP, SLOW], ids=["pipelined", "not"])
@given(
    moves=st.lists(
        st.tuples(
            st.integers(0, 19), st.integers(0, 19), st.floats(0, 4000), st.floats(0, 4000), st.integers(0, 7),
            st.booleans(),
        ),
        min_size=1,
        max_size=8,
    )
)  # fmt: skip
@settings(max_examples=15, deadline=None)
def test_increments_are_full_rewards(chip, moves) -> None:  # type: ignore[no-untyped-def]  # fixtures
    reward = Reward(estimator(chip), EVERYTHING)
    cost = ObjectiveCost(reward, chip.problem.initial)
    engine = CostEngine(chip.problem)
    at = chip.problem.initial
    for a, b, x, y, turn, keep in moves:
        before = cost.scored
        if a == b:
            got = cost.propose((a,), (x,), (y,), (turn,))
            xs, ys, turns = at.x_um.copy(), at.y_um.copy(), at.orient.copy()
            xs[a], ys[a], turns[a] = x, y, turn
        else:
            got = cost.swap(a, b)
            xs, ys, turns = at.x_um.copy(), at.y_um.copy(), at.orient
            xs[[a, b]], ys[[a, b]] = xs[[b, a]], ys[[b, a]]
        moved = at.replace(xs, ys, turns)
        full = reward.of(moved, engine.full(moved), cost.frozen)
        assert got == pytest.approx(full.reward, rel=1e-9, abs=1e-9)
        assert cost.scored.j_per_token == pytest.approx(full.j_per_token, rel=1e-9)
        assert cost.scored.ns_per_token == pytest.approx(full.ns_per_token, rel=1e-9)
        assert cost.scored.temperature_c == pytest.approx(full.temperature_c, rel=1e-9)
        if keep:
            cost.commit()
            at = moved
        else:
            cost.rollback()
            assert cost.scored == before


def test_measured_anew_increments_are_the_score() -> None:
    reward = Reward(estimator(), EVERYTHING)
    at = shuffled(5)
    cost = ObjectiveCost(reward, CHIP.problem.initial)
    for score in (cost.load(at), cost.remeasure()):
        exact = reward.score(at)
        assert score.reward == pytest.approx(exact.reward, rel=1e-9)
        assert score.temperature_c == pytest.approx(exact.temperature_c, rel=1e-9)


def test_the_score_is_what_the_estimate_says() -> None:
    e = estimator()
    at = shuffled(1)
    reward = Reward(e, EVERYTHING)
    scored, estimate, ref = reward.score(at), e.estimate(at), reward.reference
    assert scored.j_per_token == pytest.approx(estimate.quantities["j_per_token"].value, rel=1e-12)
    assert scored.temperature_c == pytest.approx(estimate.heat.max_c, rel=1e-9)
    assert scored.temperature_c > EVERYTHING.limit_c  # so that the penalty counts
    expected = (
        -CostEngine(CHIP.problem).full(at).proxy
        - 0.7 * math.log(estimate.totals.j_per_token / ref.j_per_token)
        - 0.4 * math.log(estimate.totals.ns_per_token / ref.ns_per_token)
        - 0.05 * (estimate.heat.max_c - 40.0)
    )
    assert scored.reward == pytest.approx(expected, rel=1e-9)
    warm = dataclasses.replace(EVERYTHING, limit_c=scored.temperature_c + 1.0)
    assert Reward(e, warm).score(at).reward - scored.reward == pytest.approx(0.05 * (scored.temperature_c - 40.0))


# ---- net weights -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chip", [CHIP, SLOW], ids=["pipelined", "not"])
def test_slopes_of_joules_are_differences(chip) -> None:  # type: ignore[no-untyped-def]
    e = estimator(chip)
    hpwl, scale = random_hpwl_um(e), base_scale_m_per_um(e)
    slope, seconds = log_slopes(e, hpwl, scale)
    assert (slope >= 0).all()
    # Nets that do not set the time: joules go with their bits alone.
    for k in np.argsort(seconds)[:10].tolist():
        up, down = hpwl.copy(), hpwl.copy()
        up[k], down[k] = up[k] + 0.5, down[k] - 0.5
        high, low = e.totals(up * scale), e.totals(down * scale)
        if high.seconds == low.seconds:
            assert slope[k] == pytest.approx(math.log(high.j_per_token / low.j_per_token), rel=2e-2)


def test_slopes_of_time_are_those_of_the_slowest_bus() -> None:
    e = estimator(SLOW)
    hpwl, scale = random_hpwl_um(e), base_scale_m_per_um(e)
    hpwl[7] *= 3.0
    _, slope = log_slopes(e, hpwl, scale)
    assert int(np.argmax(slope)) == 7
    longer = hpwl.copy()
    longer[7] += 1.0
    change = math.log(e.totals(longer * scale).seconds / e.totals(hpwl * scale).seconds)
    assert change > 0
    assert slope[7] == pytest.approx(change, rel=0.1)


def test_the_weighted_proxy_is_the_reward_to_first_order() -> None:
    e = estimator()
    goal = Objective(joules=2.0)
    made = weighted_problem(e, goal)
    stock, ours = CostEngine(CHIP.problem), CostEngine(made.problem, made.options)
    slopes = log_slopes(e, random_hpwl_um(e), base_scale_m_per_um(e))[0]
    for seed in range(3):
        at = shuffled(seed)
        hpwl = net_boxes_um(e.terminals, at).hpwl_um
        expected = stock.full(at).wirelength + 2.0 * float(slopes @ hpwl)
        assert made.options.weights.wirelength * ours.full(at).wirelength == pytest.approx(expected, rel=1e-12)
    assert made.options.weights.density == 0.5
    usual = random_hpwl_um(e)
    tracks = CHIP.problem.netlist.net_weight @ usual
    assert made.problem.netlist.net_weight @ usual == pytest.approx(tracks)


def test_agents_see_the_order_of_the_rewards() -> None:
    load = small_load(CHIP, bits=1e9)
    bits = load.decode.bits * np.random.default_rng(1).lognormal(0.0, 2.0, len(load.decode.bits))
    uneven = dataclasses.replace(load, decode=dataclasses.replace(load.decode, bits=bits))
    e = Estimator(CHIP, uneven, BARE)
    goal = objective("tokens-per-joule", e)
    made, reward = weighted_problem(e, goal), Reward(e, dataclasses.replace(goal, temperature=0.0))
    stock, ours = CostEngine(CHIP.problem), CostEngine(made.problem, made.options)
    places = [shuffled(seed) for seed in range(60)]
    rewards = [-reward.score(at).reward for at in places]

    def rank_correlation(proxies: list[float]) -> float:
        ranks = [np.argsort(np.argsort(values)) for values in (proxies, rewards)]
        return float(np.asarray(np.corrcoef(np.stack(ranks)))[0, 1])

    by_weights = rank_correlation([ours.full(at).proxy for at in places])
    assert by_weights > 0.95
    assert by_weights > rank_correlation([stock.full(at).proxy for at in places]) + 0.2


def test_slopes_where_it_stands_follow_the_estimate_of_small_steps() -> None:
    chip = small_chip(20, technology="n7", seed=3)
    e = estimator(chip)
    at = chip.problem.initial
    scale, hpwl = base_scale_m_per_um(e), net_boxes_um(e.terminals, at).hpwl_um
    slope = log_slopes(e, hpwl, scale)[0]
    later = hpwl * (1.0 + 1e-5 * np.linspace(0, 1, len(hpwl)))
    first, second = e.totals(hpwl * scale), e.totals(later * scale)
    assert first.seconds == second.seconds
    change = math.log(second.j_per_token / first.j_per_token)
    assert change == pytest.approx(float(slope @ (later - hpwl)), rel=2e-2)


def test_busier_nets_weigh_more_and_quiet_ones_stay_above_zero() -> None:
    load = small_load(CHIP)
    bits = load.decode.bits.copy()
    bits[0], bits[1] = 0.0, 100.0 * bits.max()
    quiet = dataclasses.replace(load, decode=dataclasses.replace(load.decode, bits=bits), prefill=None)
    weight = weighted_problem(Estimator(CHIP, quiet, BARE), Objective(joules=1.0)).problem.netlist.net_weight
    assert int(np.argmax(weight)) == 1
    assert int(np.argmin(weight)) == 0
    assert weight[0] > 0


@pytest.mark.parametrize("name", [n for n in OBJECTIVES if n != "proxy"])
def test_named_objectives_pull_on_what_they_name(name: str) -> None:
    goal = objective(name, estimator(SLOW))
    pulls = OBJECTIVES[name]
    assert (goal.joules > 0, goal.nanoseconds > 0) == (pulls[0] > 0, pulls[1] > 0)
    assert goal.temperature > 0


# ---- what is refused -------------------------------------------------------------------------------------------------


def test_macros_cannot_be_piled_up_for_joules() -> None:
    e = estimator()
    for weights in (CostWeights(1.0, 0.0, 0.5), CostWeights(1.0, 0.5, 0.0)):
        with pytest.raises(EstimateError, match="density and congestion"):
            Reward(e, Objective(joules=1.0), CostOptions(weights))
        with pytest.raises(EstimateError, match="density and congestion"):
            weighted_problem(e, Objective(nanoseconds=1.0), CostOptions(weights))
    Reward(e, Objective(), CostOptions(CostWeights(1.0, 0.0, 0.0)))
    # All on top of the memory PHY: least joules, no reward.
    start = CHIP.problem.initial
    pile = start.replace(np.full(20, start.x_um[0]), np.full(20, start.y_um[0]))
    hpwl = net_boxes_um(e.terminals, pile).hpwl_um
    assert hpwl.sum() < net_boxes_um(e.terminals, start).hpwl_um.sum()
    for bad in (pile, start.replace(placed=np.arange(20) > 0)):
        with pytest.raises(IllegalPlacementError):
            Reward(e, EVERYTHING).score(bad)
    unfinished = Finished(0, start.replace(placed=np.arange(20) > 0), CostEngine(CHIP.problem).full(start), 0.0)
    with pytest.raises(ProblemError, match="complete"):
        Reward(e, EVERYTHING).episodes([unfinished])


def test_a_die_that_runs_away_is_bad_but_finite() -> None:
    hot = estimator()
    hot.constants[chain.LEAK_W] = 1e6
    reward = Reward(hot, EVERYTHING)
    assert math.isfinite(reward.reference.j_per_token)
    at = CHIP.problem.initial
    cost = CostEngine(CHIP.problem).full(at)
    scored = reward.of(at, cost)
    assert not math.isfinite(scored.j_per_token)
    assert math.isfinite(scored.reward)
    assert scored.reward < Reward(estimator(), EVERYTHING).score(at).reward - 1.0
    goal = weighted_problem(hot, Objective(joules=1.0))
    assert np.isfinite(goal.problem.netlist.net_weight).all()
    assert math.isfinite(ObjectiveCost(reward, at).swap(3, 4))


def test_objectives_that_make_no_sense_are_refused() -> None:
    e = estimator()
    with pytest.raises(EstimateError, match="joules of an objective"):
        Objective(joules=-1.0)
    with pytest.raises(EstimateError, match="temperature of an objective"):
        Objective(temperature=math.nan)
    with pytest.raises(UnknownNameError):
        parse_objective("tokens-per-mile", e)
    with pytest.raises(EstimateError, match="no weight 'watts'"):
        parse_objective("joules=1,watts=2", e)
    with pytest.raises(EstimateError, match="must be a number"):
        parse_objective("joules=much", e)
    assert parse_objective("joules=2, limit_c=95", e) == Objective(joules=2.0, limit_c=95.0)
    with pytest.raises(ProblemError, match="--set-chip"):
        goal_of("tokens-per-joule", small_chip(9).problem, CHIP, small_load(CHIP))


# ---- polish ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chip", [CHIP, SLOW], ids=["pipelined", "not"])
def test_polishing_earns_more_and_stays_legal(chip) -> None:  # type: ignore[no-untyped-def]
    reward = Reward(estimator(chip), Objective(joules=1.0, nanoseconds=1.0, temperature=0.01, limit_c=60.0))
    start = shuffled(2)
    before = reward.score(start).reward
    found = polish(reward, start, 1, proposals=1500)
    assert check_legality(chip.problem, found.placement).legal
    assert found.proposals == 1500
    assert found.scored.reward > before + 0.05
    assert found.scored == reward.score(found.placement)
    again = polish(reward, start, 1, proposals=1500)
    assert again.placement.x_um.tolist() == found.placement.x_um.tolist()


def test_polishing_keeps_spacing_edges_and_what_is_fixed() -> None:
    fixed = np.arange(20) < 2
    problem = CHIP.problem.replace(macro_spacing_um=20.0, boundary_spacing_um=30.0, fixed=fixed)
    chip = dataclasses.replace(CHIP, problem=problem)
    reward = Reward(estimator(chip), Objective(joules=1.0))
    start = problem.initial
    assert check_legality(problem, start).legal
    found = polish(reward, start, 3, proposals=800)
    assert found.scored.reward > reward.score(start).reward
    assert check_legality(problem, found.placement).legal
    assert found.placement.x_um[:2].tolist() == start.x_um[:2].tolist()


def test_polishing_without_a_budget_returns_the_start() -> None:
    reward = Reward(estimator(), EVERYTHING)
    start = shuffled(2)
    with pytest.raises(ProblemError, match="budget"):
        polish(reward, start, 1)
    for nothing in (polish(reward, start, 1, proposals=0), polish(reward, start, 1, seconds=0.0)):
        assert nothing.placement is start
        assert nothing.proposals == 0


# ---- the environment -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["dense", "terminal"])
def test_an_environment_may_reward_what_an_objective_does(kind: Literal["dense", "terminal"]) -> None:
    e, config = estimator(), ConstructConfig(reward=kind)
    reward, totals = Reward(e, EVERYTHING), {}
    for name, hook in (("stock", None), ("zero", Reward(e, Objective()).episodes), ("all", reward.episodes)):
        batch, rng, sums = ConstructBatch(CHIP.problem, 3, config, reward_of=hook), np.random.default_rng(5), []
        for _ in range(2 * batch.dims.macros):
            batch.step(np.where(batch.masks, rng.random(batch.masks.shape), -1.0).argmax(axis=1))
            sums += [(f.reward_sum, f.cost.proxy, f.placement) for f in batch.finished]
        totals[name] = sums
    assert len(totals["stock"]) >= 3
    assert [t[:2] for t in totals["zero"]] == [t[:2] for t in totals["stock"]]
    for got, proxy, placement in totals["all"]:
        scored = reward.score(placement)
        assert scored.cost.proxy == pytest.approx(proxy, rel=1e-12)
        assert got == pytest.approx(scored.reward, abs=1e-9)
        assert got != pytest.approx(-proxy, abs=1e-6)
