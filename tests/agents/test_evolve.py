from __future__ import annotations

import time

import numpy as np
import pytest
from agent_cases import SMALL_MACROS, small_problem, squares

from agents.base import Budget, BudgetClock, Progress
from agents.evolve import EvolveAgent
from agents.evolve.decode import Decoder
from agents.evolve.search import SwapSearch
from agents.random_ import RandomAgent
from floorplan.cost import CostEngine
from floorplan.env import ConstructConfig
from floorplan.errors import InfeasibleProblemError, ProblemError


@pytest.mark.parametrize("search", ["swap", "cma"])
def test_the_result_is_legal_exact_repeatable_and_within_its_proposals(search: str) -> None:
    problem = small_problem()
    budget = Budget("p", SMALL_MACROS * 40)
    a, b = (EvolveAgent(search=search).place(problem, budget, seed=5) for _ in range(2))
    assert a.legality.legal
    assert a.cost == CostEngine(problem).full(a.placement)
    assert a.placement.x_um.tolist() == b.placement.x_um.tolist()
    assert a.proposals <= budget.amount
    assert a.episodes == 40


def test_it_beats_random_and_gets_better_with_more_episodes() -> None:
    problem = small_problem()
    few, many = (EvolveAgent().place(problem, Budget.parse(b), seed=0) for b in ("16e", "64e"))
    assert (few.episodes, many.episodes) == (16, 64)
    assert many.cost.proxy < few.cost.proxy
    assert many.cost.proxy < RandomAgent().place(problem, Budget.parse("64e"), seed=0).cost.proxy


def test_a_strong_pull_puts_macros_on_their_targets_and_none_on_the_shortest_wire() -> None:
    problem = squares(1, 2.0, 9.0, 9)
    target = np.array([[[0.72, 0.28]]])
    clock = BudgetClock(Budget.parse("1e"))
    strong = Decoder(problem, 1, ConstructConfig(), 0, pull=1e6, by="wire").decode(target, clock, needed=True)
    assert strong is not None
    episode = strong.finished[0]
    assert episode is not None
    assert (episode.placement.x_um[1], episode.placement.y_um[1]) == (6.5, 2.5)
    np.testing.assert_allclose(strong.at[0, 0], [6.5 / 9, 2.5 / 9])
    none = Decoder(problem, 1, ConstructConfig(), 0, pull=0.0, by="wire").decode(target, clock, needed=True)
    assert none is not None
    episode = none.finished[0]
    assert episode is not None
    assert (episode.placement.x_um[1], episode.placement.y_um[1]) == (1.5, 4.5)
    assert clock.proposals == 2


def test_a_decoded_placement_decodes_to_itself() -> None:
    # What children inherit is worth what their parent was: a strong pull to where macros went leads there again.
    problem = small_problem()
    clock = BudgetClock(Budget.parse("9e"))
    decoder = Decoder(problem, 2, ConstructConfig(), 0, pull=1e6, by="wire")
    first = decoder.decode(np.random.default_rng(0).random((2, SMALL_MACROS, 2)), clock, needed=True)
    assert first is not None
    again = decoder.decode(first.at, clock, needed=True)
    assert again is not None
    np.testing.assert_array_equal(first.fitness, again.fitness)
    np.testing.assert_array_equal(first.at, again.at)


def test_dead_ends_are_counted_and_survived() -> None:
    # Four macros of 3.9 um fill the canvas: each must stand in a corner.
    problem = squares(4, 3.9, 8.0, 6)
    with pytest.raises(InfeasibleProblemError, match=r"2\d dead ends, \d+ proposals for 5 macros"):
        EvolveAgent(patience=20).place(squares(5, 4.0, 9.0, 9), Budget.parse("2e"), seed=0)
    corners = np.array([[[0.2, 0.2], [0.8, 0.2], [0.2, 0.8], [0.8, 0.8]], [[0.5, 0.5]] * 4])
    decoder = Decoder(problem, 2, ConstructConfig(), 0, pull=1e6, by="wire")
    decoded = decoder.decode(corners, BudgetClock(Budget.parse("2e")), needed=True)
    assert decoded is not None
    assert decoded.finished[0] is not None
    assert decoded.finished[1] is None
    assert decoded.fitness[0] < 10 < 1000 < decoded.fitness[1]


def test_a_budget_of_seconds_is_kept() -> None:
    problem = small_problem()
    EvolveAgent().place(problem, Budget.parse("1e"), seed=0)  # compiles
    for seconds in (0.01, 0.7):
        start = time.perf_counter()
        seen: list[Progress] = []
        result = EvolveAgent().place(problem, Budget("s", seconds), seed=0, progress=seen.append)
        assert time.perf_counter() - start < seconds + 2.0
        best = [p.best.proxy for p in seen if p.best is not None]
        assert best == sorted(best, reverse=True)
        assert best[-1] == result.cost.proxy


def test_the_search_keeps_the_best_and_stays_on_the_canvas() -> None:
    rng = np.random.default_rng(0)
    goal = rng.random((6, 2))
    search = SwapSearch(np.full((6, 2), 0.5), np.ones((6, 2)), rng)
    history = []
    for _ in range(150):
        genotypes = search.ask(16)
        assert genotypes.shape == (16, 6, 2)
        assert genotypes.min() >= 0
        assert genotypes.max() <= 1
        fitness = ((genotypes - goal) ** 2).sum(axis=(1, 2))
        search.tell(genotypes, genotypes, fitness)
        history.append(fitness.min())
    assert min(history[-20:]) < 0.05 * history[0]


def test_options_that_make_no_sense_are_refused() -> None:
    for options in ({"search": "luck"}, {"by": "eye"}, {"start": "end"}, {"pull": -1.0}, {"population": 0}):
        with pytest.raises(ProblemError):
            EvolveAgent(**options)
