from __future__ import annotations

import copy
import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3.common.callbacks import BaseCallback

from agents.base import Budget
from agents.gnn.choosing import make_network
from agents.gnn.instance import Instance
from agents.greedy import GreedyAgent
from agents.policy import PolicyAgent
from agents.ppo.algorithm import update_loss
from agents.ppo.config import RunConfig, load_config
from agents.ppo.gameconfig import construct_config
from agents.ppo.policyfile import PolicyCard, save_policy
from agents.pretrain.heldout import Exam
from agents.pretrain.member import LiveCache, Member, reference_cost, variant_of
from agents.pretrain.pool import PoolSettings
from agents.pretrain.update import learn
from floorplan.cost import CostEngine
from floorplan.env import MAP_CHANNELS, SCALARS, build_graph
from floorplan.netlist import Problem
from tests.agents.ppo_cases import TINY, tiny_problem


class Quiet(BaseCallback):
    def _on_step(self) -> bool:
        return True


def config(**ppo: Any) -> RunConfig:
    return load_config("default", {**TINY, "ppo": {**TINY["ppo"], "target_kl": 0, "warmup": 0, **ppo}})


def network_for(problem: Problem, seed: int = 0) -> torch.nn.Module:
    torch.manual_seed(seed)
    return make_network(config().network, Instance.of(problem, build_graph(problem)), tuple(MAP_CHANNELS), len(SCALARS))


def members(references: tuple[float, float] = (1.0, 1.0)) -> list[Member]:
    problems = [tiny_problem(6, 8), tiny_problem(4, 9, seed=1)]
    network = network_for(problems[0])
    return [Member(p, r, config(), 2, network, "cpu") for p, r in zip(problems, references, strict=True)]


def test_the_reference_is_one_greedy_episode_under_the_same_rules() -> None:
    problem = tiny_problem()
    rules = construct_config(config().env)
    assert reference_cost(problem, config()) == GreedyAgent(config=rules).place(problem, Budget("e", 1), 0).cost.proxy


def test_rewards_are_in_units_of_the_reference() -> None:
    plain, scaled = (Member(tiny_problem(), r, config(), 2, network_for(tiny_problem()), "cpu") for r in (1.0, 2.5))
    a, b = plain.collect(3, None, Quiet()), scaled.collect(3, None, Quiet())
    assert np.array(a.ratios) == pytest.approx(np.array(b.ratios) * 2.5)
    assert plain.model.rollout_buffer.rewards == pytest.approx(scaled.model.rollout_buffer.rewards * 2.5, rel=1e-5)
    assert a.dead_ends == b.dead_ends == 0


def test_a_draw_depends_on_its_seed_and_weights_alone() -> None:
    first, second = members()[0], members()[0]
    second.collect(8, None, Quiet())
    a, b = first.collect(3, None, Quiet()), second.collect(3, None, Quiet())
    assert a.ratios == b.ratios
    assert np.array_equal(first.model.rollout_buffer.advantages, second.model.rollout_buffer.advantages)
    assert first.collect(4, None, Quiet()).ratios != a.ratios


def test_gradients_are_the_mean_over_netlists_whatever_their_size() -> None:
    pair = members()
    for m in pair:
        m.collect(1, None, Quiet())
    network = pair[0].network
    settings = config(epochs=1, minibatch=1000, grad_clip=1000, entropy=0.01).ppo
    before = copy.deepcopy(network.state_dict())
    learn(pair, torch.optim.SGD(network.parameters()), settings, 100, np.random.default_rng(0))
    network.load_state_dict(before)  # the gradients are still those at these weights
    together = {n: p.grad.clone() for n, p in network.named_parameters() if p.grad is not None}

    apart: dict[str, torch.Tensor] = {}
    for m in pair:  # advantages are normalised already, so they are left alone here
        m.bind()
        network.zero_grad(set_to_none=True)
        batch = m.model.rollout_buffer._get_samples(np.arange(m.samples))
        loss, _ = update_loss(m.model.policy, batch, settings, 0.01)
        loss.backward()
        for n, p in network.named_parameters():
            if p.grad is not None:
                apart[n] = apart.get(n, 0) + p.grad / 2
    assert together.keys() == apart.keys()
    assert max(float(t.abs().max()) for t in together.values()) > 1e-3
    for n, t in together.items():
        assert torch.allclose(t, apart[n], rtol=1e-3, atol=1e-6), n
    samples = np.concatenate([m.model.rollout_buffer.advantages.ravel() for m in pair])
    assert abs(samples.mean()) < 1e-5
    assert np.mean([np.mean(m.model.rollout_buffer.advantages**2) for m in pair]) == pytest.approx(1, rel=1e-3)


def test_a_lesson_is_part_of_every_step_and_drowns_nothing() -> None:
    pair = members()
    for m in pair:
        m.collect(1, None, Quiet())
    network = pair[0].network
    spare = torch.nn.Parameter(torch.zeros(4))  # what only the lesson knows
    calls = []

    def lesson() -> torch.Tensor:
        calls.append(1)
        pair[1].bind()
        return 1000 * spare.sum()

    optimizer = torch.optim.SGD([*network.parameters(), spare])
    settings = config(epochs=2, minibatch=10, grad_clip=0.5, learning_rate=0.1).ppo
    before = copy.deepcopy(network.state_dict())
    learn(pair, optimizer, settings, 100, np.random.default_rng(0), lesson, lesson_weight=0.2)
    assert len(calls) == 2 * round((12 + 8) / 10)
    # each step went 0.1 x 0.2 x 0.5 along the lesson
    assert float(spare.detach().norm()) == pytest.approx(len(calls) * 0.01, rel=1e-4)
    assert (spare < 0).all()
    alone = members()
    alone[0].network.load_state_dict(before)
    for m in alone:
        m.collect(1, None, Quiet())
    learn(alone, torch.optim.SGD(alone[0].network.parameters()), settings, 100, np.random.default_rng(0))
    for n, p in network.named_parameters():
        assert torch.allclose(p, dict(alone[0].network.named_parameters())[n], atol=1e-6), n


def test_learning_lowers_the_cost_of_both_netlists() -> None:
    pair = members((1.3, 1.3))
    settings = config(learning_rate=1e-2, epochs=2, entropy=0.0).ppo
    optimizer = torch.optim.Adam(pair[0].network.parameters(), lr=1e-2)
    ratios: list[list[float]] = [[], []]
    baselines: list[Any] = [None, None]
    for number in range(12):
        for i, m in enumerate(pair):
            played = m.collect(100 * i + number, baselines[i], Quiet())
            baselines[i] = played.baseline
            ratios[i].extend(played.ratios)
        learn(pair, optimizer, settings, 4 * number, np.random.default_rng(number))
    for r in ratios:
        assert np.mean(r[-8:]) < np.mean(r[:8])


def crowded() -> Problem:
    """Six macros of which random play often cannot place the last."""
    problem = tiny_problem(6, 4)
    width = problem.netlist.node_w_um.copy()
    height = problem.netlist.node_h_um.copy()
    width[problem.movable_hard], height[problem.movable_hard] = 26.0, 37.0
    return problem.replace(netlist=dataclasses.replace(problem.netlist, node_w_um=width, node_h_um=height))


def test_dead_ends_do_not_break_a_member() -> None:
    problem = crowded()
    network = network_for(problem)
    member = Member(problem, 2.0, config(), 4, network, "cpu")
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    dead_ends = 0
    baseline = None
    for number in range(4):
        played = member.collect(number, baseline, Quiet())
        baseline = played.baseline
        dead_ends += played.dead_ends
        stats = learn([member], optimizer, config().ppo, 8, np.random.default_rng(number))
        assert np.isfinite(stats.grad_norm)
    assert dead_ends > 0
    assert all(torch.isfinite(p).all() for p in network.parameters())
    grade = Exam("crowded", problem, 2.0, config(), 7).grade(network, 0)
    assert grade.sampled is not None
    assert grade.sampled > 1


def test_variants_are_other_views_of_the_same_problem() -> None:
    problem = tiny_problem()
    settings = PoolSettings()
    assert variant_of(problem, settings, 0, 5) is problem
    grids = set()
    for number in range(1, 8):
        v = variant_of(problem, settings, number, number)
        assert sorted(v.netlist.node_w_um) == pytest.approx(sorted(problem.netlist.node_w_um))
        grids.add((v.canvas.columns, v.canvas.rows))
        again = variant_of(problem, settings, number, number)
        assert again.netlist.content_hash == v.netlist.content_hash
    assert len(grids) > 2
    assert all(6 <= c <= 10 and 6 <= r <= 10 for c, r in grids)
    plain = PoolSettings(symmetries=False, relabel=False, jitter=0)
    same = variant_of(problem, plain, 3, 5)
    assert same.netlist.content_hash == problem.netlist.content_hash
    mirrored = variant_of(problem, PoolSettings(relabel=False, jitter=0), 1, 5)
    cost = CostEngine(mirrored).full(mirrored.initial).wirelength
    assert cost == pytest.approx(CostEngine(problem).full(problem.initial).wirelength)


def test_the_zero_shot_grade_is_what_the_policy_agent_would_place(tmp_path: Any) -> None:
    problem = tiny_problem()
    network = network_for(problem, seed=4)
    exam = Exam("tiny", problem, 0.5, config(), 2)
    grade = exam.grade(network, 0)
    assert grade == exam.grade(network, 0)
    instance = Instance.of(problem, build_graph(problem))
    known = {"map_names": tuple(MAP_CHANNELS), "scalars": len(SCALARS)}
    save_policy(tmp_path, network, PolicyCard.of(config().network, config().env, instance, **known))
    placed = PolicyAgent(tmp_path).place(problem, Budget("e", 1), 0)
    assert grade.zero_shot == pytest.approx(placed.cost.proxy / 0.5)
    assert grade.best is not None
    assert grade.best <= grade.zero_shot


def test_the_cache_drops_what_was_used_longest_ago() -> None:
    one = members()[0]
    cache = LiveCache(int(2.5 * one.nbytes))
    made = []

    def make(name: str) -> Any:
        def maker() -> Member:
            made.append(name)
            return one

        return cache.get((name, 0), maker)

    for name in ("a", "b", "a", "c", "a", "b"):
        make(name)
    assert made == ["a", "b", "c", "b"]
    assert len(cache) == 2
