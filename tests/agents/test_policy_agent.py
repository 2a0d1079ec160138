from __future__ import annotations

import math
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from agents.base import Budget, BudgetClock, Result
from agents.gnn.instance import Instance
from agents.infer.beam import Forecast, beam_search
from agents.infer.game import Episode, Game, drawn, most_probable
from agents.infer.nested import rollout_search
from agents.infer.polish import polish
from agents.infer.rollouts import roll_out
from agents.infer.symmetric import games_of
from agents.infer.tally import Tally
from agents.infer.views import rounds_of_views
from agents.policy import PolicyAgent
from agents.ppo.config import load_config
from agents.ppo.gameconfig import construct_config
from agents.ppo.policyfile import PolicyCard, save_policy
from floorplan.cost import CostEngine
from floorplan.env import MAP_CHANNELS, SCALARS, ConstructBatch
from floorplan.errors import ProblemError
from floorplan.netlist import check_legality
from tests.agents.ppo_cases import TINY, tiny_problem


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained policy that follows the estimated cost only loosely."""
    config = load_config("default", TINY | {"network": TINY["network"] | {"cost_prior": 0.5}})
    problem = tiny_problem()
    instance = Instance.of(problem, ConstructBatch(problem, 1, construct_config(config.env)).graph)
    card = PolicyCard.of(config.network, config.env, instance, map_names=tuple(MAP_CHANNELS), scalars=len(SCALARS))
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("policy")
    save_policy(folder, card.build(instance), card)
    return folder / "policy.safetensors"


def tally(budget: str = "1000000p") -> Tally:
    return Tally(BudgetClock(Budget.parse(budget)))


def first_round(policy: Path, width: int = 4) -> tuple[Game, Tally, torch.Generator]:
    game, found, generator = Game(tiny_problem(), policy, width, 0), tally(), torch.Generator().manual_seed(1)
    roll_out([game], found, generator, lambda: found.ended >= width)
    return game, found, generator


OPTIONS: list[dict[str, Any]] = [
    {},
    {"temperature": 0.5, "refine": 0.0},
    {"symmetries": True},
    {"search": "beam", "refine": 0.0},
    {"search": "beam", "fan": 3, "symmetries": True, "refine": 0.0},
    {"search": "rollout", "refine": 0.0},
    {"search": "rollout", "symmetries": True, "temperature": 0.5, "refine": 0.5},
    {"search": "beam", "symmetries": True, "refine": 0.4, "temperature": 0.0},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_every_search_is_legal_repeatable_and_exact(policy: Path, options: dict[str, Any]) -> None:
    problem = tiny_problem()
    agent = PolicyAgent(policy, **options)
    first, again = (agent.place(problem, Budget.parse("40e"), 7) for _ in range(2))
    assert check_legality(problem, first.placement).legal
    assert CostEngine(problem).full(first.placement).proxy == pytest.approx(first.cost.proxy, rel=1e-12)
    assert first.cost == again.cost
    assert (first.placement.x_um == again.placement.x_um).all()
    assert 40 <= first.episodes < 40 + 16
    one = agent.place(problem, Budget.parse("1e"), 7)
    # six cells, and in the second look all 64 for each macro
    assert (one.episodes, one.proposals) == (1, 6 + 6 * 64)
    assert first.cost.proxy <= one.cost.proxy


def test_a_second_look_is_worth_it_and_may_be_left_out(policy: Path) -> None:
    problem = tiny_problem(8, 10, seed=3)

    def one(**options: Any) -> Result:
        return PolicyAgent(policy, refine=0.0, **options).place(problem, Budget.parse("1e"), 0)

    costs = [one(looks=n) for n in (0, 1, 3)]
    proxies = [r.cost.proxy for r in costs]
    assert proxies[0] > proxies[1] >= proxies[2]
    assert [r.proposals for r in costs] == [8, 8 + 8 * 64, 8 + 24 * 64]
    few = one(choices=3)
    assert few.proposals == 8 + 8 * 3
    assert few.cost.proxy <= proxies[0]


def test_one_episode_takes_the_most_probable_cells_whatever_the_seed(policy: Path) -> None:
    a, b = (PolicyAgent(policy).place(tiny_problem(), Budget.parse("1e"), seed) for seed in (1, 2))
    assert (a.placement.x_um == b.placement.x_um).all()


@pytest.mark.parametrize("search", ["sample", "beam", "rollout"])
def test_seconds_are_kept(policy: Path, search: Any) -> None:
    result = PolicyAgent(policy, search=search, refine=0.3).place(tiny_problem(), Budget.parse("0.4s"), 0)
    assert result.seconds < 1.4
    assert result.episodes > 0


@pytest.mark.parametrize(
    "options",
    [
        {"search": "depth"},
        {"temperature": -1.0},
        {"temperature": math.nan},
        {"fan": 0},
        {"refine": 1.0},
        {"looks": -1},
        {"choices": 0},
    ],
)
def test_an_option_out_of_bounds_is_refused(policy: Path, options: dict[str, Any]) -> None:
    with pytest.raises(ProblemError):
        PolicyAgent(policy, **options)


def test_mirrored_games_cost_what_the_original_does(policy: Path) -> None:
    problem = tiny_problem()
    games, found = games_of(problem, policy, 8, 0, 4), tally()
    assert [g.width for g in games] == [2, 2, 2, 2]
    roll_out(games, found, torch.Generator().manual_seed(0), lambda: found.ended >= 8)
    engine = CostEngine(problem)
    assert found.placement is not None
    assert found.cost is not None
    assert engine.full(found.placement).proxy == pytest.approx(found.cost.proxy, rel=1e-12)
    assert found.cost.proxy == min(g.best.proxy for g in games if g.best)
    # A mirrored view says nothing new of a placement that is known: it costs the same both ways.
    best = games[1].best
    assert best is not None
    games[1].go_to(best.actions[:-1])
    before = len(games[1].episodes)
    games[1].step(np.full(2, best.actions[-1]), found)
    assert [e.proxy for e in games[1].episodes[before:]] == pytest.approx([best.proxy] * 2, rel=1e-12)


def test_rounds_of_views_keep_every_placement_and_can_be_broken_off(policy: Path) -> None:
    problem = tiny_problem()
    rounds = list(islice(rounds_of_views(problem, policy, 0, lambda: False, width=2), 6))
    assert [len(made) for made in rounds] == [2] * 6
    engine = CostEngine(problem)
    made = [m for one in rounds for m in one]
    assert all(check_legality(problem, p).legal for p, _ in made)
    assert [c.proxy for _, c in made] == pytest.approx([engine.full(p).proxy for p, _ in made], rel=1e-12)
    assert len({p.x_um.tobytes() for p, _ in made}) > 6
    # In the first round of the plain view stands what one rollout without a second look comes to.
    one = PolicyAgent(policy, looks=0, refine=0.0).place(problem, Budget("e", 1), 0)
    assert rounds[0][0][0].x_um.tolist() == one.placement.x_um.tolist()
    again = list(islice(rounds_of_views(problem, policy, 0, lambda: False, width=2), 6))
    assert [[p.x_um.tolist() for p, _ in m] for m in again] == [[p.x_um.tolist() for p, _ in m] for m in rounds]
    assert next(rounds_of_views(problem, policy, 0, lambda: True)) == []


def test_a_copy_goes_on_as_its_model_would(policy: Path) -> None:
    game, found, generator = first_round(policy)
    game.begin()
    for _ in range(3):
        log_prob, _ = game.look()
        game.step(drawn(log_prob, generator), found)
    game.take(np.array([2, 1, 2, 0]))
    log_prob, value = game.look()
    # the same observation in another row of a batch: equal but for the order of additions
    assert torch.allclose(log_prob[0], log_prob[2], atol=1e-5)
    assert value[0] == pytest.approx(value[2], abs=1e-6)
    assert all(np.array_equal(a[0], a[2]) for a in game.batch.obs.values())
    assert not torch.allclose(log_prob[0], log_prob[1], atol=1e-5)
    before = len(game.episodes)
    game.play_out(most_probable, found, lambda: False)
    made = game.episodes[before:]
    assert made[0].proxy == made[2].proxy
    assert (made[0].actions == made[2].actions).all()
    # what is remembered of an episode leads to it again
    again = Game(tiny_problem(), policy, 1, 0)
    again.go_to(made[1].actions[:-1])
    again.look()
    again.step(made[1].actions[-1:], found)
    assert again.episodes[0].proxy == made[1].proxy
    assert again.episodes[0].partial[-1] == made[1].partial[-1]


def test_taking_from_environments_that_are_not_there_is_refused(policy: Path) -> None:
    batch = Game(tiny_problem(), policy, 2, 0).batch
    for source in ([0], [0, 2], [-1, 0], [0.5, 1.0]):
        with pytest.raises(ProblemError, match="source"):
            batch.take(source)


def test_a_beam_as_wide_as_all_choices_finds_the_best_ending(policy: Path) -> None:
    game, found, generator = first_round(policy, width=64)
    assert game.best is not None
    game.episodes = []  # nothing to fit a forecast to: the partial cost decides
    before = found.clock.episodes
    beam_search(game, found, generator, lambda: False, fan=64)
    assert found.clock.episodes > before
    # All 64 cells of the last macro were tried on the beginning that came out best, the illegal ones left out.
    ends = [e for e in game.episodes if (e.actions[:-1] == game.episodes[0].actions[:-1]).all()]
    game.go_to(ends[0].actions[:-1])
    assert {int(e.actions[-1]) for e in ends} == set(np.flatnonzero(game.batch.masks[0]).tolist())


def test_a_forecast_finds_what_the_critic_knows() -> None:
    rng = np.random.default_rng(0)

    class Played:
        length = 6
        episodes: list[Episode]

    game = Played()
    value, partial = rng.normal(size=(2, 40, 6))
    final = 2.0 + 0.5 * partial.mean(axis=1)
    game.episodes = [
        Episode(float(f), np.zeros(6, np.int64), p, np.full(6, -f * 10) + 0.01 * v, np.ones(6))
        for f, p, v in zip(final, partial, value, strict=True)
    ]
    fitted = Forecast.fit(game)  # type: ignore[arg-type]  # it reads these two fields alone
    assert fitted.weight[:, 1] == pytest.approx(-0.1, rel=0.05)
    assert np.abs(fitted.weight[:, 0]).max() < 0.05
    order = fitted.score(3, np.zeros(3), np.array([-20.0, -19.0, -21.0]))
    assert order.argsort().tolist() == [1, 0, 2]


def test_refinement_is_exact_and_goes_on_to_the_end_of_a_pass(policy: Path) -> None:
    game, found, generator = Game(tiny_problem(), policy, 1, 0), tally(), torch.Generator().manual_seed(1)
    game.play_out(lambda log_prob: drawn(log_prob, generator, 10.0), found, lambda: False)
    assert found.cost is not None
    start = found.cost.proxy
    polish(game, found, generator, lambda: False, temperature=0.0)
    assert found.placement is not None
    assert found.cost.proxy < start
    assert CostEngine(tiny_problem()).full(found.placement).proxy == pytest.approx(found.cost.proxy, rel=1e-12)
    assert check_legality(tiny_problem(), found.placement).legal
    spent = found.clock.proposals
    polish(game, found, generator, lambda: found.clock.proposals > spent + 20, choices=5)  # broken off within a pass
    assert found.clock.proposals == spent + 2 * 4 * 5
    polish(game, tally(), generator, lambda: False)  # nothing to refine


def test_rollout_search_never_loses_the_best_and_tries_other_cells(policy: Path) -> None:
    game, found, generator = first_round(policy)
    assert game.best is not None
    start = game.best
    rollout_search(game, found, generator, lambda: found.clock.proposals > 800)
    assert game.best.proxy < start.proxy
    assert found.cost is not None
    assert found.cost.proxy == game.best.proxy
