"""Every agent of the registry under every kind of constraint: legal, or the typed error."""

from __future__ import annotations

import numpy as np
import pytest

from agents.base import Budget
from agents.registry import BUILT_IN, make_agent
from floorplan.errors import InfeasibleProblemError
from floorplan.netlist import check_legality
from tests.constraint_cases import KINDS, brute_force_legal, constrained

BUDGETS = {
    "analytic": Budget("p", 60),
    "anneal": Budget("p", 3000),
    "descent": Budget("p", 3000),
    "evolve": Budget("p", 120),
    "greedy": Budget("e", 1),
    "learn": Budget("p", 40),
    "policy": Budget("e", 1),
    "portfolio": Budget("p", 6000),
    "random": Budget("e", 2),
}
SLOW = ("learn", "policy")


def test_every_agent_has_a_budget_here() -> None:
    assert set(BUDGETS) == set(BUILT_IN)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [name for name in BUDGETS if name not in SLOW])
def test_what_agents_return_keeps_every_constraint(name: str, kind: str) -> None:
    agent = make_agent(name)
    done = 0
    for seed in range(6):
        p = constrained(kind, seed)
        try:
            result = agent.place(p, BUDGETS[name], seed)
        except InfeasibleProblemError:
            continue
        done += 1
        assert check_legality(p, result.placement).legal
        assert brute_force_legal(p, result.placement)
        break
    assert done > 0


@pytest.mark.parametrize("name", SLOW)
def test_what_learned_agents_return_keeps_every_constraint(name: str) -> None:
    for seed, kind in enumerate(("everything", "snap", "halo", "fence")):
        p = constrained(kind, seed)
        try:
            result = make_agent(name).place(p, BUDGETS[name], seed)
        except InfeasibleProblemError:
            continue
        assert brute_force_legal(p, result.placement)


def test_the_same_seed_gives_the_same_placement() -> None:
    p = constrained("everything", 2)
    one, two = (make_agent("anneal").place(p, Budget("p", 2000), 5).placement for _ in range(2))
    assert np.array_equal(one.x_um, two.x_um)
    assert np.array_equal(one.orient, two.orient)
