from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from expert_cases import exam, fresh_network, greedy_cost, tile

from agents.pretrain.clone import CloneConfig, CloneFigures, Cloner
from agents.pretrain.expertfiles import ExpertSet
from agents.pretrain.experts import collect_experts
from agents.pretrain.scripts import Script, fit_scripts
from agents.pretrain.targets import TargetConfig, construct_targets, refine_states, refine_targets, soften
from floorplan.cost import CostEngine
from floorplan.env import ConstructBatch, ConstructConfig
from floorplan.env.refine import RefineBatch
from floorplan.errors import ProblemError

Taught = tuple[ExpertSet, list[Script]]
RULES = ConstructConfig()


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """On grids this small, threads cost more than they bring."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Taught:
    root: Path = tmp_path_factory.mktemp("taught")
    experts = collect_experts({"tile": tile()}, root, seconds=0.8, placements_per_netlist=2, seed=0)["tile"]
    return experts, fit_scripts(tile(), experts, RULES, seconds=0.6, seed=0)


def cloner(taught: Taught, seed: int = 0, **settings: object) -> Cloner:
    made = Cloner(fresh_network(), CloneConfig(**settings), seed=seed)  # type: ignore[arg-type]  # by name
    experts, scripts = taught
    made.add("tile", tile(), greedy_cost(), RULES, scripts, experts)
    return made


def test_cloning_alone_overfits_and_the_policy_places_as_its_teacher_does(taught: Taught) -> None:
    one = (taught[0], taught[1][:1])
    targets = TargetConfig(stray=0.0)
    c = cloner(
        one, targets=targets, variants=1, refine=0.0, episodes=1, minibatch=24, learning_rate=1e-2, renew_every=0
    )
    test = exam()
    untrained, before = test.grade(c.network, 0).zero_shot, c.measure("tile")
    c.fit(steps=150)
    after, cloned = c.measure("tile"), test.grade(c.network, 0).zero_shot
    assert after.agreement > 0.8 > 0.4 > before.agreement
    assert after.divergence < before.divergence / 4
    assert after.distance < before.distance / 2
    assert cloned < untrained
    assert cloned * greedy_cost() < one[1][0].cost.proxy + 0.5 * (untrained * greedy_cost() - one[1][0].cost.proxy)


def test_targets_are_the_games_own_observations_returns_and_costs(taught: Taught) -> None:
    script = taught[1][0]
    batch = ConstructBatch(tile(), 2, RULES)
    reference = 0.5
    cells = np.stack([script.cells, script.cells])
    config = TargetConfig(stray=0.5)
    made, proxy = construct_targets(batch, cells, np.array([1.0, 0.5]), reference, config, np.random.default_rng(1))
    assert proxy[0] == script.cost.proxy
    assert proxy[1] != script.cost.proxy
    first = made.weight == 1.0
    steps = made.take(np.flatnonzero(first))
    assert steps.step.tolist() == list(range(batch.dims.macros))
    assert steps.returns[0] == pytest.approx(-script.cost.proxy / reference, rel=1e-6)
    play = ConstructBatch(tile(), 1, RULES)
    for t in range(batch.dims.macros):
        np.testing.assert_array_equal(steps.masks[t], play.masks[0])
        for k, v in play.obs.items():
            exact = k != "maps"
            np.testing.assert_allclose(steps.obs[k][t], v[0], rtol=0 if exact else 1e-3, atol=0 if exact else 1e-3)
        assert steps.cell[t, 0] == script.cells[play.obs["current"][0]]
        assert play.masks[0, steps.cell[t][steps.prob[t] > 0]].all()
        reward = play.step(steps.cell[t, :1]).reward[0]
        later = steps.returns[t + 1] if t + 1 < batch.dims.macros else 0.0
        assert steps.returns[t] - later == pytest.approx(reward / reference, abs=1e-5)
    np.testing.assert_allclose(made.prob.sum(axis=1), 1, rtol=1e-5)
    assert (np.diff(made.prob, axis=1) <= 0).all()


def test_an_episode_with_a_dead_end_teaches_the_critic_only(taught: Taught) -> None:
    script = taught[1][0]
    batch = ConstructBatch(tile(), 8, RULES)
    config = TargetConfig(stray=1.0, spread=1e9, keep=196)  # anywhere: on this tile most episodes get stuck
    made, proxy = construct_targets(
        batch, np.tile(script.cells, (8, 1)), np.ones(8), 1.0, config, np.random.default_rng(0)
    )
    dead = int(np.isinf(proxy).sum())
    assert 0 < dead < 8
    starts = made.take(np.flatnonzero(made.step == 0))
    assert int((starts.weight == 0).sum()) == dead
    np.testing.assert_allclose(starts.returns[starts.weight == 0], RULES.dead_end_reward, rtol=1e-5)
    assert len(made) < 8 * batch.dims.macros


def test_soft_targets_fall_with_distance_over_what_is_allowed() -> None:
    value = np.array([0.0, 1.0, 2.0, 3.0])
    cell, prob = soften(value, np.array([False, True, True, True]), 0.5, 6)
    assert cell[:3].tolist() == [1, 2, 3]
    np.testing.assert_allclose(prob[:3] / prob[0], np.exp([0.0, -2.0, -4.0]))
    assert prob[3:].tolist() == [0, 0, 0]
    assert soften(value, np.ones(4, bool), 0.0, 3)[1].tolist() == [1, 0, 0]
    assert len(soften(value, np.ones(4, bool), 1.0, 2)[0]) == 2


def test_refine_targets_put_a_macro_where_the_exact_cost_is_least(taught: Taught) -> None:
    experts, scripts = taught
    batch = RefineBatch(tile(), 6)
    states = refine_states(experts, scripts, points=2)
    assert len(states) >= 4
    config = TargetConfig(keep=48)
    made = refine_targets(batch, states[:1], config, np.random.default_rng(0))
    s = made.take(np.arange(len(made)))
    assert len(made) == 6
    assert np.isnan(s.returns).all()
    engine, cv, here = CostEngine(tile()), tile().canvas, states[0].placement
    for row in range(len(made)):
        node = int(tile().movable_hard[s.obs["current"][row]])
        costs = []
        for cell in s.cell[row][s.prob[row] > 0].tolist():
            assert s.masks[row, cell]
            x, y = here.x_um.copy(), here.y_um.copy()
            x[node], y[node] = (cell % cv.columns + 0.5) * cv.cell_w_um, (cell // cv.columns + 0.5) * cv.cell_h_um
            costs.append(engine.full(here.replace(x, y)).proxy)
        assert costs == sorted(costs)
        heat = config.heat * engine.full(here).proxy / len(tile().movable_hard)
        ratio = s.prob[row][: len(costs)] / s.prob[row, 0]
        np.testing.assert_allclose(ratio, np.exp(-(np.array(costs) - costs[0]) / heat), atol=1e-4)


def test_refine_losses_are_learnt_too_and_views_stay_within_memory(taught: Taught) -> None:
    c = cloner(taught, refine=1.0, variants=2, minibatch=32, learning_rate=5e-3, renew_every=0, limit_mb=4, lifted=6)
    assert 0 < c.nbytes < 4 * 2**20
    rng = np.random.default_rng(0)
    before = CloneFigures.mean([c.loss(rng)[1] for _ in range(6)])
    after = c.fit(steps=60, rng=rng)
    assert np.isnan(after.value_loss)
    assert after.divergence < 0.8 * before.divergence


def test_views_are_played_anew_and_everything_follows_from_the_seed(taught: Taught) -> None:
    def weights(seed: int) -> torch.Tensor:
        torch.manual_seed(0)
        c = cloner(taught, seed=seed, variants=2, renew_every=2, minibatch=16, lifted=4, points=1, episodes=2)
        c.fit(steps=5)
        return torch.cat([p.detach().flatten() for p in c.network.parameters()])

    first = weights(0)
    assert torch.equal(first, weights(0))
    assert not torch.equal(first, weights(1))


def test_a_cloner_that_goes_on_elsewhere_holds_the_same_views(taught: Taught) -> None:
    settings: dict[str, Any] = {"variants": 2, "renew_every": 2, "minibatch": 8, "refine": 0.0, "episodes": 2}
    first, second = cloner(taught, **settings), cloner(taught, **settings)
    rng = np.random.default_rng(0)
    for _ in range(9):
        first.loss(rng)
    assert first.drawn == 9
    second.go_to(9)
    fresh = cloner(taught, **settings)
    for number in range(2):
        a, b, c = (x._pupils["tile"].views[number].construct for x in (first, second, fresh))
        np.testing.assert_array_equal(a.cell, b.cell)
        np.testing.assert_array_equal(a.obs["maps"], b.obs["maps"])
        assert a.returns.tolist() != c.returns.tolist()
    state = rng.bit_generator.state
    other = np.random.default_rng(1)
    other.bit_generator.state = state
    assert first.loss(rng)[0].item() == second.loss(other)[0].item()


def test_a_lesson_adds_its_weight_and_baselines_shift_what_the_critic_learns(taught: Taught) -> None:
    c = cloner(taught, variants=1, refine=0.0, renew_every=0, minibatch=10_000)
    loss, figures = c.loss(np.random.default_rng(0))
    half = c.lesson(np.random.default_rng(0), 0.5)()
    assert half.item() == pytest.approx(0.5 * loss.item(), rel=1e-5)
    old = c._pupils["tile"].baseline
    assert old is not None
    assert old.scale > 0
    c.set_baselines({"tile": type(old)(old.mean + 100, old.scale), "unknown": old, "none": None})
    assert c.loss(np.random.default_rng(0))[1].value_loss > 3 > 2 * figures.value_loss


def test_cloning_without_scripts_or_end_is_refused(taught: Taught) -> None:
    c = Cloner(fresh_network())
    with pytest.raises(ProblemError, match="add"):
        c.loss(np.random.default_rng(0))
    with pytest.raises(ProblemError, match="scripts"):
        c.add("tile", tile(), 1.0, RULES, [], taught[0])
    with pytest.raises(ProblemError, match="steps"):
        c.fit()
    with pytest.raises(ProblemError):
        CloneConfig(minibatch=0)
    with pytest.raises(ProblemError):
        TargetConfig(keep=0)
