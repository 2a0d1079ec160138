"""Cost terms of a user's own: scores, what the game pays, and annealing for the sum."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from floorplan.cost import CostEngine
from floorplan.env import ConstructBatch
from floorplan.errors import ProblemError, UnknownNameError
from floorplan.netlist import Placement, Problem, check_legality
from floorplan.search import CostTerms, anneal_terms, term_names
from floorplan.search.term_goal import TermGoal
from tests.search.chain_cases import problem


def leftness(made: Problem) -> Callable[[Placement], float]:
    """How far right the hard macros stand on the mean, 0 to 1."""
    hard = made.netlist.hard
    return lambda at: float(at.x_um[hard].mean() / made.canvas.width_um)


def terms_of(made: Problem, weight: float = 5.0) -> CostTerms:
    return CostTerms(made, {"left": weight}, {"left": leftness})


def test_a_score_is_the_exact_proxy_and_the_weighted_term() -> None:
    made = problem()
    at = made.initial
    score = terms_of(made, 2.0).score(at)
    cost = CostEngine(made).full(at)
    assert score.cost == cost
    assert score.terms == {"left": leftness(made)(at)}
    assert score.total == pytest.approx(cost.proxy + 2.0 * leftness(made)(at), rel=1e-12)


def test_annealing_lowers_the_sum_and_stays_legal() -> None:
    made = problem()
    terms = terms_of(made)
    found = anneal_terms(terms, made.initial, 0, proposals=4000)
    start = terms.score(made.initial)
    assert found.proposals == 4000
    assert check_legality(made, found.placement).legal
    assert found.scored.total < start.total
    assert found.scored.terms["left"] < 0.8 * start.terms["left"]
    assert found.scored == terms.score(found.placement)


def test_the_heavier_the_term_the_more_it_gets() -> None:
    made = problem()
    light, heavy = (anneal_terms(terms_of(made, w), made.initial, 1, proposals=4000).scored for w in (0.01, 20.0))
    assert heavy.terms["left"] < light.terms["left"]
    assert light.cost.proxy < heavy.cost.proxy


def test_a_budget_in_proposals_gives_the_same_placement_again() -> None:
    made = problem(seed=3)
    a, b, other = (anneal_terms(terms_of(made), made.initial, seed, proposals=700) for seed in (5, 5, 6))
    assert np.array_equal(a.placement.x_um, b.placement.x_um)
    assert not np.array_equal(a.placement.x_um, other.placement.x_um)


def test_nothing_found_is_the_start() -> None:
    made = problem()
    stuck = CostTerms(
        made, {"moved": 1e9}, {"moved": lambda p: lambda at: float(np.abs(at.x_um - p.initial.x_um).sum())}
    )
    found = anneal_terms(stuck, made.initial, 0, proposals=200)
    assert np.array_equal(found.placement.x_um, made.initial.x_um)
    assert anneal_terms(stuck, made.initial, 0, proposals=0).proposals == 0


def test_two_states_are_visited_as_often_as_their_weights_say() -> None:
    """With the proxy's weights 0 only the term decides: the share of time is that of exp(-term / T)."""
    from floorplan.cost import CostOptions, CostWeights
    from floorplan.search import chain, term_goal

    made = problem(hard=1, soft=0)
    node = int(made.netlist.hard[0])
    half = made.canvas.width_um / 2
    seen: list[bool] = []

    def right(_: Problem) -> Callable[[Placement], float]:
        def value(at: Placement) -> float:
            seen.append(bool(at.x_um[node] > half))
            return float(seen[-1])

        return value

    heat = 1.0
    terms = CostTerms(made, {"right": math.log(4.0) * heat}, {"right": right}, CostOptions(CostWeights(0.0, 0.0, 0.0)))
    stands = []
    real = term_goal.Chain.go_to
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(term_goal, "BURST", 4)
        patch.setattr(chain, "HARD_JUMPS", 0.0)  # jumps back are not as likely
        patch.setattr(term_goal.Chain, "go_to", lambda self, at: (stands.append(len(seen)), real(self, at))[1])
        anneal_terms(terms, made.initial, 0, proposals=24_000, hot=heat, cold=heat)
    # A refused burst leaves the chain where it was: count the state before it once more.
    refused, now, right_count, total = set(stands), seen[1], 0, 0
    for number, state in enumerate(seen[2:], start=3):
        now = now if number in refused else state
        right_count, total = right_count + now, total + 1
    assert right_count / total == pytest.approx(0.2, abs=0.03)


def test_episodes_earn_minus_the_sum() -> None:
    made = problem()
    terms = terms_of(made)
    game = ConstructBatch(made, 3, reward_of=terms.episodes)
    finished = []
    while not finished:
        game.step(game.masks.argmax(axis=1))
        finished = game.finished
    for f in finished:
        assert f.reward_sum == pytest.approx(-terms.score(f.placement).total, rel=1e-9)


@pytest.mark.parametrize(
    ("weights", "cause"),
    [({}, "at least one"), ({"left": 0.0}, "above 0"), ({"left": -1.0}, "above 0"), ({"left": math.nan}, "above 0")],
)
def test_weights_that_make_no_sense_are_refused(weights: dict[str, float], cause: str) -> None:
    with pytest.raises(ProblemError, match=cause):
        CostTerms(problem(), weights, {"left": leftness})


def test_a_term_that_is_no_number_is_refused() -> None:
    made = problem()
    terms = CostTerms(made, {"odd": 1.0}, {"odd": lambda _: lambda _: math.inf})
    with pytest.raises(ProblemError, match="'odd' gave inf"):
        terms.score(made.initial)


def test_bad_budgets_and_starts_are_refused() -> None:
    made = problem()
    terms = terms_of(made)
    with pytest.raises(ProblemError, match="budget of proposals or seconds"):
        anneal_terms(terms, made.initial, 0)
    with pytest.raises(ProblemError, match="0 < cold <= hot"):
        anneal_terms(terms, made.initial, 0, proposals=10, hot=0.001, cold=0.1)
    piled = made.initial.replace(x_um=np.full(len(made.initial), 50.0), y_um=np.full(len(made.initial), 40.0))
    with pytest.raises(ProblemError, match="legal"):
        anneal_terms(terms, piled, 0, proposals=10)
    with pytest.raises(ProblemError, match="seconds or proposals"):
        TermGoal(terms).polish_share("e")


def test_a_term_of_an_installed_package_goes_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "leftish.py").write_text("def term(problem):\n    return lambda at: 0.25\n")
    info = tmp_path / "leftish-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: leftish\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[floorplan.terms]\nleftish = leftish:term\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert "leftish" in term_names()
    made = problem()
    score = CostTerms(made, {"leftish": 4.0}).score(made.initial)
    assert score.added == 1.0
    goal = TermGoal(CostTerms(made, {"leftish": 4.0}))
    found = goal.finish(made.initial, 0, proposals=32)
    said = goal.to_dict(found.scored, score)
    assert said["name"] == "4 leftish"
    assert said["reward"] == -found.scored.total >= said["reward_before_polish"] == -score.total
    with pytest.raises(UnknownNameError, match="rightish"):
        CostTerms(made, {"rightish": 1.0})
