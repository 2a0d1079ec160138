from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from agents.base import Budget, Progress
from agents.gnn.instance import Instance
from agents.policy import PolicyAgent
from agents.ppo import policyfile
from agents.ppo.config import load_config
from agents.ppo.gameconfig import construct_config
from agents.ppo.policyfile import (
    PolicyCard,
    PretrainingCard,
    find_policy,
    load_policy,
    read_card,
    save_policy,
    shipped_policy,
)
from floorplan.env import MAP_CHANNELS, SCALARS, ConstructBatch
from floorplan.errors import CheckpointError
from floorplan.netlist import check_legality
from tests.agents.ppo_cases import TINY, tiny_problem

NAMES = tuple(MAP_CHANNELS)


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, Instance, torch.nn.Module]:
    network_config = TINY["network"] | {"cost_prior": 0}  # near uniform, so that seeds lead to different placements
    config = load_config("default", TINY | {"network": network_config})
    problem = tiny_problem()
    instance = Instance.of(problem, ConstructBatch(problem, 1, construct_config(config.env)).graph)
    card = PolicyCard.of(config.network, config.env, instance, map_names=NAMES, scalars=len(SCALARS), episodes=7)
    torch.manual_seed(0)
    network = card.build(instance)
    save_policy(tmp_path / "policy", network, card)
    return tmp_path, instance, network


def test_a_policy_comes_back_as_it_was(saved: tuple[Path, Instance, torch.nn.Module]) -> None:
    folder, instance, network = saved
    for path in (folder, folder / "policy", folder / "policy/policy.safetensors"):
        again, card = load_policy(path, instance, NAMES, len(SCALARS))
        assert card.episodes == 7
        assert all(torch.equal(t, again.state_dict()[k]) for k, t in network.state_dict().items())


def test_a_policy_for_other_observations_is_refused(saved: tuple[Path, Instance, torch.nn.Module]) -> None:
    folder, instance, _ = saved
    with pytest.raises(CheckpointError, match="maps"):
        load_policy(folder, instance, NAMES[:-1], len(SCALARS))
    wider = dataclasses.replace(instance, node_feat=torch.zeros(len(instance.node_feat), 99))
    with pytest.raises(CheckpointError, match="node"):
        load_policy(folder, wider, NAMES, len(SCALARS))


def test_damaged_files_are_named(saved: tuple[Path, Instance, torch.nn.Module], tmp_path: Path) -> None:
    folder, instance, _ = saved
    file = folder / "policy/policy.safetensors"
    whole = file.read_bytes()
    for content in (b"", whole[:-9], b"\x80\x04K\x01."):  # the last is a pickle, which nothing here may load
        file.write_bytes(content)
        with pytest.raises(CheckpointError, match=r"policy\.safetensors"):
            load_policy(folder, instance, NAMES, len(SCALARS))
    with pytest.raises(CheckpointError, match="no policy here"):
        read_card(tmp_path / "nowhere")


def test_weights_without_a_card_or_not_finite_are_refused(saved: tuple[Path, Instance, torch.nn.Module]) -> None:
    folder, instance, network = saved
    file = folder / "policy/policy.safetensors"
    card = read_card(folder)
    tensors = load_file(file)
    save_file(tensors, file)
    with pytest.raises(CheckpointError, match="no policy card"):
        read_card(folder)
    with torch.no_grad():
        next(network.parameters()).fill_(float("nan"))
    save_policy(folder / "policy", network, card)
    with pytest.raises(CheckpointError, match="not finite"):
        load_policy(folder, instance, NAMES, len(SCALARS))


def test_the_agent_gives_the_same_legal_placement_for_the_same_seed(
    saved: tuple[Path, Instance, torch.nn.Module],
) -> None:
    agent = PolicyAgent(policy=saved[0], looks=0, choices=1)  # so that a macro is a proposal
    problem = tiny_problem()
    seen: list[Progress] = []
    first, again, other = (agent.place(problem, Budget.parse("20e"), seed, seen.append) for seed in (1, 1, 2))
    assert first.episodes == 20
    assert first.proposals == 20 * 6
    assert check_legality(problem, first.placement).legal
    assert first.cost == again.cost
    assert (first.placement.x_um == again.placement.x_um).all()
    assert not (first.placement.x_um == other.placement.x_um).all()
    assert seen[-1].best is not None


def test_more_episodes_are_never_worse(saved: tuple[Path, Instance, torch.nn.Module]) -> None:
    agent = PolicyAgent(policy=saved[0])
    few, many = (agent.place(tiny_problem(), Budget.parse(b), 3).cost.proxy for b in ("48p", "240p"))
    assert many <= few


def test_the_agent_serves_another_netlist_and_grid(saved: tuple[Path, Instance, torch.nn.Module]) -> None:
    problem = tiny_problem(macros=9, grid=11, seed=5)
    result = PolicyAgent(policy=saved[0]).place(problem, Budget.parse("1e"), 0)
    assert result.legality.legal
    assert result.episodes == 1


def test_the_shipped_policy_serves_where_none_is_named(
    saved: tuple[Path, Instance, torch.nn.Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = saved[0] / "policy/policy.safetensors"
    monkeypatch.setattr(policyfile, "shipped_policy", lambda: file)
    assert PolicyAgent().path == find_policy("shipped") == file
    monkeypatch.setattr(policyfile, "shipped_policy", lambda: None)
    for nothing in (None, "shipped"):
        with pytest.raises(CheckpointError, match=r"floorplan train.*--policy"):
            PolicyAgent(nothing)


def test_whatever_policy_is_shipped_can_be_used() -> None:
    file = shipped_policy()
    if file is None:
        pytest.skip("no policy comes with this checkout")
    assert PolicyAgent().place(tiny_problem(), Budget.parse("1e"), 0).legality.legal
    assert read_card(file).pretraining is not None


def test_a_card_of_before_there_was_pretraining_still_loads(saved: tuple[Path, Instance, torch.nn.Module]) -> None:
    folder, instance, network = saved
    card = read_card(folder)
    tree = card.model_dump(mode="json", exclude_none=True)
    assert not {"pretraining", "started_from"} & tree.keys()
    assert PolicyCard.model_validate(tree) == card
    story = PretrainingCard(method="clone+ppo", seconds=3600.0, held_out_score=0.97)
    save_policy(folder / "policy", network, card.model_copy(update={"pretraining": story}))
    assert load_policy(folder, instance, NAMES, len(SCALARS))[1].pretraining == story
