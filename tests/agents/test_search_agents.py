"""The agents anneal, descent and portfolio: legal, anytime, repeatable, better than their start."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from agent_cases import shipped_problem, small_problem
from ppo_cases import TINY

from agents.base import Agent, Budget, BudgetClock, Progress
from agents.gnn.instance import Instance
from agents.ppo.config import load_config
from agents.ppo.policyfile import PolicyCard, save_policy
from agents.random_ import RandomAgent
from agents.registry import make_agent
from agents.search.anneal import AnnealAgent, Schedule, anneal_team
from agents.search.descent import DescentAgent
from agents.search.guide import Guide
from agents.search.heat import ACCEPTED, SOFT_JUMPS, TRIED, starting_heat
from agents.search.hinting import PASS_PROPOSALS, Hinting
from agents.search.portfolio import LEAST_TRIED, PortfolioAgent, Shares
from agents.search.start import legal_start
from agents.search.team import Team
from floorplan.cost import CostEngine, CostOptions
from floorplan.env import MAP_CHANNELS, SCALARS
from floorplan.env.graph import build_graph
from floorplan.errors import CheckpointError, ProblemError
from floorplan.netlist import check_legality
from floorplan.search import Chain

NAMES = ["anneal", "descent", "portfolio"]


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained network, which knows the estimated change of the cost and no more."""
    problem = small_problem()
    config = load_config("default", TINY)
    instance = Instance.of(problem, build_graph(problem))
    card = PolicyCard.of(
        config.network, config.env, instance, map_names=tuple(MAP_CHANNELS), scalars=len(SCALARS), episodes=1
    )
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("policy")
    save_policy(folder, card.build(instance), card)
    return folder


# Descent pays least at the beginning, and needs more proposals to be that much better.
@pytest.mark.parametrize(("name", "proposals"), [("anneal", 20000), ("descent", 40000), ("portfolio", 20000)])
def test_results_are_legal_exact_repeatable_and_better_than_the_start(name: str, proposals: int) -> None:
    problem = shipped_problem()
    agent = make_agent(name)
    assert isinstance(agent, Agent)
    start = legal_start(problem, "auto", CostOptions(), 0)
    before = CostEngine(problem).full(start).proxy
    seen: list[Progress] = []
    a = agent.place(problem, Budget.parse(f"{proposals}p"), 0, seen.append)
    b = agent.place(problem, Budget.parse(f"{proposals}p"), 0)
    other = agent.place(problem, Budget.parse(f"{proposals}p"), 1)
    assert a.legality.legal
    assert a.cost.proxy == CostEngine(problem).full(a.placement).proxy
    assert a.cost.proxy < 0.95 * before
    assert a.placement.x_um.tolist() == b.placement.x_um.tolist()
    assert a.placement.x_um.tolist() != other.placement.x_um.tolist()
    assert a.proposals == pytest.approx(proposals, rel=0.1)
    best = [p.best.proxy for p in seen if p.best is not None]
    assert best == sorted(best, reverse=True)
    assert seen[-1].spent_frac == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(
    "name", ["portfolio", *(pytest.param(n, marks=pytest.mark.slow) for n in NAMES if n != "portfolio")]
)
def test_seconds_are_kept(name: str) -> None:
    problem = shipped_problem()
    agent = make_agent(name)
    agent.place(problem, Budget.parse("3000p"), 0)  # compiles
    began = time.perf_counter()
    result = agent.place(problem, Budget.parse("2s"), 0)
    assert result.legality.legal
    assert time.perf_counter() - began < 5.0


def test_more_proposals_place_better() -> None:
    problem = shipped_problem()
    few, many = (AnnealAgent().place(problem, Budget.parse(b), 0).cost.proxy for b in ("5000p", "60000p"))
    assert many < few


def test_an_initial_placement_is_used_where_there_is_one_and_only_there() -> None:
    problem = small_problem()
    with pytest.raises(ProblemError, match="hard macros placed"):
        legal_start(problem, "initial", CostOptions(), 0)
    random = [legal_start(problem, "auto", CostOptions(), s) for s in (0, 0, 1)]
    assert random[0].x_um.tolist() == random[1].x_um.tolist() != random[2].x_um.tolist()
    assert all(check_legality(problem, r).legal for r in random)
    given = problem.replace(initial=random[0])
    assert np.allclose(legal_start(given, "auto", CostOptions(), 5).x_um, random[0].x_um, atol=1e-2)
    assert legal_start(given, "random", CostOptions(), 1).x_um.tolist() == random[2].x_um.tolist()


def test_the_portfolio_uses_analytic_seeds_where_the_budget_allows() -> None:
    problem = small_problem()
    notes: list[str] = []
    shares = Shares(seeds=0.5, trials=0.2)
    movable = len(problem.movable_hard) + len(problem.movable_soft)
    result = PortfolioAgent(shares=shares).place(problem, Budget("p", 400 * movable), 0, lambda p: notes.append(p.note))
    assert result.legality.legal
    assert list(dict.fromkeys(notes)) == ["seeds", "trials", "anneal", "descent"]


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (AnnealAgent, {"start": "elsewhere"}),
        (AnnealAgent, {"runs": 0}),
        (Schedule, {"hot": 0.1, "cold": 0.2}),
        (Shares, {"seeds": 0.5, "trials": 0.5}),
        (PortfolioAgent, {"hots": (0.1, 0.0)}),
    ],
)
def test_options_without_sense_are_refused(make: Any, options: dict[str, Any]) -> None:
    with pytest.raises(ProblemError):
        make(**options)


def test_the_starting_heat_accepts_what_it_should_and_leaves_the_chain_where_it_was() -> None:
    problem = shipped_problem()
    start = legal_start(problem, "auto", CostOptions(), 0)
    chain = Chain(problem, start, seed=0)
    chain.anneal(20000, 0.1 / chain.movable, 0.01 / chain.movable)
    placed = chain.engine.placement
    hot = starting_heat(chain, 20000)
    assert chain.engine.placement.x_um.tolist() == placed.x_um.tolist()
    assert TRIED[0] <= hot <= TRIED[-1]
    if TRIED[0] < hot < TRIED[-1]:
        before = chain.tally[SOFT_JUMPS].copy()
        chain.anneal(5000, hot / chain.movable, hot / chain.movable)
        made, accepted = (chain.tally[SOFT_JUMPS] - before).tolist()
        assert accepted / made == pytest.approx(ACCEPTED, abs=0.08)


@pytest.mark.parametrize("agent", [AnnealAgent, DescentAgent, PortfolioAgent])
def test_a_guided_search_is_legal_repeatable_and_pays_for_its_hints(agent: Any, policy: Path) -> None:
    problem = small_problem()
    options = {"guide": str(policy), "guide_share": 0.5} | ({"policy": ""} if agent is PortfolioAgent else {})
    a, b = (agent(**options).place(problem, Budget.parse("24000p"), 0) for _ in range(2))
    without = agent(**options | {"guide": ""}).place(problem, Budget.parse("24000p"), 0)
    assert a.legality.legal
    assert a.placement.x_um.tolist() == b.placement.x_um.tolist() != without.placement.x_um.tolist()
    assert a.proposals == pytest.approx(24000, rel=0.15)


def test_hints_are_probable_legal_cells_and_wait_while_they_do_not_pay(policy: Path) -> None:
    problem = small_problem()
    start = legal_start(problem, "auto", CostOptions(), 0)
    cells, chance = Guide(problem, policy / "policy.safetensors", CostOptions()).hints(start)
    assert cells.shape == chance.shape == (len(problem.movable_hard), 32)
    assert (chance[:, :-1] >= chance[:, 1:]).all()
    assert chance.sum(axis=1).max() <= 1.01
    chain = Chain(problem, start, seed=0)
    clock = BudgetClock(Budget("p", 10_000_000))
    hinting = Hinting(problem, policy / "policy.safetensors", CostOptions(), 0.1)
    price = PASS_PROPOSALS * len(problem.movable_hard)
    spent = []
    while clock.proposals < 600_000:
        hinting.give([chain], clock)
        if hinting.given > len(spent):
            spent.append(clock.proposals)
            chain._hints.rate[0] = 0.01  # as if they did not pay
        clock.proposals += 1000
    gaps = np.diff(spent)
    assert gaps[0] == pytest.approx(11 * price, rel=0.1)
    assert (gaps[1:] > 1.6 * gaps[:-1]).all()
    # A share that would not pay for one round of hints has none.
    poor = Hinting(problem, policy / "policy.safetensors", CostOptions(), 0.1)
    poor.give([chain], BudgetClock(Budget("p", 9 * price)))
    poor.give([chain], BudgetClock(Budget("s", 10)))
    assert poor.given == 0


def test_trials_knock_out_what_comes_to_less_and_give_every_chain_a_start_of_its_own() -> None:
    problem = small_problem()
    made = [RandomAgent(num_envs=1).place(problem, Budget("e", 1), s).placement for s in range(9)]
    good = AnnealAgent(start="random").place(problem, Budget.parse("60000p"), 0).placement
    seeds = [*made[:5], good, *made[5:]]
    rounds: list[int] = []

    class Watched(PortfolioAgent):
        def _round(self, *args: Any) -> Any:
            rounds.append(len(args[1]))
            return super()._round(*args)

    clock = BudgetClock(Budget("p", 100_000))
    starts = Watched(shares=Shares(trials=0.2))._trials(problem, seeds, (0.05,), clock, 0, None)
    assert rounds == [10, 4]
    assert clock.spent_frac == pytest.approx(0.2, abs=0.03)
    assert len(starts) == 2
    first, second = (CostEngine(problem).full(p).proxy for p, _ in starts)
    assert first <= CostEngine(problem).full(good).proxy
    assert first < second


@pytest.mark.parametrize(("apart", "meetings"), [(0.0, 9), (0.5, 5)])
def test_chains_from_different_seeds_meet_once_it_is_cooler(apart: float, meetings: int) -> None:
    problem = small_problem()
    starts = [RandomAgent(num_envs=1).place(problem, Budget("e", 1), s).placement for s in range(2)]
    met: list[float] = []

    class Watched(Team):
        def follow_winner(self) -> None:
            met.append(self.clock.spent_frac)
            super().follow_winner()

    clock = BudgetClock(Budget("p", 40_000))
    anneal_team(Watched(problem, starts, 0, CostOptions(), 2, clock), Schedule(), 0.0, 1.0, apart=apart)
    assert len(met) == meetings
    assert min(met) >= apart


def test_the_policy_is_a_seed_of_the_portfolio(policy: Path, caplog: pytest.LogCaptureFixture) -> None:
    problem = small_problem()
    agent = PortfolioAgent(policy=str(policy), shares=Shares(seeds=0.0, policy=0.3))
    budget = Budget("p", 20 * PASS_PROPOSALS * len(problem.movable_hard))
    clock = BudgetClock(budget)
    made = agent._by_policy(problem, CostEngine(problem), clock, 0)
    costs = [cost.proxy for _, cost in made]
    assert len(made) == LEAST_TRIED  # of the six episodes that the share pays for
    assert costs == sorted(costs) == [CostEngine(problem).full(p).proxy for p, _ in made]
    assert all(check_legality(problem, p).legal for p, _ in made)
    assert clock.spent_frac == pytest.approx(0.3, abs=0.01)
    again = agent._by_policy(problem, CostEngine(problem), BudgetClock(budget), 0)
    assert [p.x_um.tolist() for p, _ in again] == [p.x_um.tolist() for p, _ in made]
    assert [len(a._seeds(problem, BudgetClock(budget), 0, None)) for a in (agent, PortfolioAgent(policy=""))] == [5, 1]
    assert (
        agent._by_policy(problem, CostEngine(problem), BudgetClock(Budget("s", 10)), 0) == []
    )  # too short to import torch for it
    caplog.set_level(logging.WARNING)
    with pytest.raises(CheckpointError):
        PortfolioAgent(policy=str(policy / "nowhere"))
    result = agent.place(problem, budget, 0)
    assert result.legality.legal
    assert not caplog.records
