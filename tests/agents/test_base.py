from __future__ import annotations

import pytest
from agent_cases import squares
from hypothesis import given
from hypothesis import strategies as st

from agents.base import Agent, Budget, BudgetClock, legal_result
from agents.random_ import RandomAgent
from floorplan.cost import CostEngine
from floorplan.errors import BudgetError, InfeasibleProblemError


@pytest.mark.parametrize(
    ("text", "kind", "amount"),
    [
        ("60s", "s", 60.0),
        ("0.5s", "s", 0.5),
        (".5s", "s", 0.5),
        ("5m", "s", 300.0),
        ("1h", "s", 3600.0),
        ("200000p", "p", 200000.0),
        (" 10e ", "e", 10.0),
    ],
)
def test_budgets_are_read(text: str, kind: str, amount: float) -> None:
    assert Budget.parse(text) == Budget(kind, amount)


@pytest.mark.parametrize(
    "text", ["", "60", "s", "-5s", "0s", "0e", "1.5e", "2.5p", "10 s", "10x", "1e5s", "inf s", "nans", "10s5", "10S"]
)
def test_what_is_no_budget_is_refused(text: str) -> None:
    with pytest.raises(BudgetError):
        Budget.parse(text)


@pytest.mark.parametrize(("kind", "amount"), [("x", 1.0), ("s", float("inf")), ("s", float("nan")), ("e", 0.5)])
def test_a_budget_made_by_hand_is_checked_too(kind: str, amount: float) -> None:
    with pytest.raises(BudgetError):
        Budget(kind, amount)


@given(kind=st.sampled_from("pe"), amount=st.integers(1, 10**12))
def test_the_text_of_a_budget_reads_back(kind: str, amount: int) -> None:
    budget = Budget(kind, float(amount))
    assert Budget.parse(str(budget)) == budget


def test_the_clock_counts_what_its_budget_counts() -> None:
    time = [100.0]
    clock = BudgetClock(Budget.parse("10s"), now=lambda: time[0])
    clock.proposals, clock.episodes = 10**6, 10**6
    assert (clock.seconds, clock.spent_frac, clock.spent) == (0.0, 0.0, False)
    time[0] = 105.0
    assert (clock.seconds, clock.spent_frac, clock.spent) == (5.0, 0.5, False)
    time[0] = 110.0
    assert clock.spent
    assert clock.proposals_left is None
    assert clock.episodes_left is None

    clock = BudgetClock(Budget.parse("8p"), now=lambda: time[0])
    clock.proposals = 6
    assert (clock.spent_frac, clock.proposals_left, clock.spent) == (0.75, 2, False)
    clock.proposals = 9
    assert (clock.proposals_left, clock.spent) == (0, True)
    assert clock.progress().spent_frac == 1.0

    clock = BudgetClock(Budget.parse("2e"), now=lambda: time[0])
    clock.episodes = 1
    assert (clock.spent_frac, clock.episodes_left, clock.spent) == (0.5, 1, False)


def test_a_result_must_be_legal() -> None:
    problem = squares(2, 4.0, 12.0, 6)
    clock = BudgetClock(Budget.parse("1e"))
    overlapping = problem.initial.replace(x_um=[0, 4, 6], y_um=[6, 4, 4], placed=[True] * 3)
    cost = CostEngine(problem).full(overlapping)
    with pytest.raises(InfeasibleProblemError, match="overlap of m0 and m1 by 2 um"):
        legal_result(problem, overlapping, cost, clock)
    apart = problem.initial.replace(x_um=[0, 4, 8], y_um=[6, 4, 4], placed=[True] * 3)
    assert legal_result(problem, apart, cost, clock).legality.legal


def test_agents_keep_the_protocol() -> None:
    agent: Agent = RandomAgent()
    assert isinstance(agent, Agent)
