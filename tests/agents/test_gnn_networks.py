from __future__ import annotations

import dataclasses

import pytest
import torch

from agents.gnn.alphachip import AlphaChipNetwork
from agents.gnn.network import GridNetwork
from agents.gnn.policy import masked_log_prob, sample
from agents.ppo.config import NetworkConfig
from floorplan.errors import ProblemError
from tests.agents.gnn_cases import EDGE_FEATURES, MAPS, NODE_FEATURES, SCALARS, instance, observation


def grid_network(seed: int = 0) -> GridNetwork:
    torch.manual_seed(seed)
    network = GridNetwork(NetworkConfig(), NODE_FEATURES, EDGE_FEATURES, MAPS, SCALARS)
    for p in network.parameters():  # zero-initialised parts would hide what they read
        torch.nn.init.normal_(p, std=0.2)
    return network


def test_one_set_of_weights_serves_any_graph_and_any_grid() -> None:
    network = grid_network()
    for nodes, macros, rows, columns in ((12, 5, 6, 7), (31, 9, 3, 11), (4, 1, 1, 1)):
        case = instance(nodes, macros, rows, columns)
        network.bind(case)
        logits, values = network(observation(case, 3))
        assert logits.shape == (3, rows * columns)
        assert values.shape == (3,)


def test_numbering_the_macros_otherwise_changes_nothing() -> None:
    network = grid_network()
    case = instance()
    obs = observation(case, 4)
    network.bind(case)
    logits, values = network(obs)
    order = torch.randperm(len(case.movable))
    network.bind(dataclasses.replace(case, movable=case.movable[order], shared=case.shared[order][:, order]))
    moved = {**obs, "current": torch.argsort(order)[obs["current"]]}
    moved |= {k: obs[k][:, order] for k in ("cell", "placed", "pos")}
    logits2, values2 = network(moved)
    torch.testing.assert_close(logits2, logits)
    torch.testing.assert_close(values2, values)


def test_where_a_macro_is_not_placed_its_cell_does_not_matter() -> None:
    network = grid_network()
    case = instance()
    network.bind(case)
    obs = observation(case, 2)
    other = {**obs, "cell": torch.where(obs["placed"], obs["cell"], 0)}
    torch.testing.assert_close(network(obs)[0], network(other)[0])
    placed_elsewhere = {**obs, "cell": torch.where(obs["placed"], (obs["cell"] + 1) % 42, obs["cell"])}
    assert not torch.allclose(network(obs)[0], network(placed_elsewhere)[0])


@pytest.mark.parametrize("kind", ["grid", "alphachip"])
def test_every_weight_receives_a_gradient(kind: str) -> None:
    torch.manual_seed(0)
    network = grid_network() if kind == "grid" else AlphaChipNetwork()
    case = instance()
    network.bind(case)
    logits, values = network(observation(case, 64))
    (logits.square().mean() + values.square().mean()).backward()
    silent = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert silent == []


def test_embeddings_are_kept_without_gradients_until_released() -> None:
    network = grid_network()
    case = instance()
    network.bind(case)
    obs = observation(case, 2)
    with torch.no_grad():
        first = network(obs)[0]
        network.encoder.inp.bias.add_(1.0)
        assert torch.equal(network(obs)[0], first)
        network.release()
        assert not torch.equal(network(obs)[0], first)
    fresh = network(obs)[0]
    assert fresh.requires_grad


def test_the_first_policy_prefers_cells_of_low_cost_as_configured() -> None:
    config = NetworkConfig(cost_prior=3.0, wirelength_prior=0.0)
    torch.manual_seed(0)
    network = GridNetwork(config, NODE_FEATURES, EDGE_FEATURES, MAPS, SCALARS)
    case = instance()
    network.bind(case)
    obs = observation(case, 1)
    obs["maps"] = torch.zeros_like(obs["maps"])
    obs["maps"][0, MAPS.index("cost_change"), 2, 3] = -2.0
    logits, _ = network(obs)
    assert int(logits.argmax()) == 2 * case.columns + 3


def test_masked_cells_have_probability_zero_and_are_never_drawn() -> None:
    logits = torch.randn(500, 9) * 3
    masks = torch.rand(500, 9) < 0.3
    masks[:, 4] = True
    log_prob = masked_log_prob(logits, masks)
    assert (log_prob.exp()[~masks] == 0).all()
    torch.testing.assert_close(log_prob.exp().sum(dim=1), torch.ones(500))
    generator = torch.Generator().manual_seed(0)
    drawn = sample(log_prob, generator)
    assert masks[torch.arange(500), drawn].all()
    unmasked = sample(masked_log_prob(logits, torch.ones_like(masks)), generator)
    assert not masks[torch.arange(500), unmasked].all()  # the control: without masks it does step on them
    assert torch.equal(sample(log_prob, generator, deterministic=True), torch.where(masks, logits, -1e9).argmax(1))


def test_alphachip_has_the_published_number_of_parameters() -> None:
    network = AlphaChipNetwork()
    count = sum(p.numel() for p in network.parameters())
    dense = sum(p.numel() for p in network.dense.parameters())
    assert count == 125_826
    assert round(dense / count, 2) == 0.93


def test_alphachip_uses_the_top_left_of_its_fixed_grid_and_refuses_more() -> None:
    network = AlphaChipNetwork()
    case = instance(rows=6, columns=7)
    network.bind(case)
    logits, _ = network(observation(case, 2))
    assert logits.shape == (2, 42)
    with pytest.raises(ProblemError, match="128 x 128"):
        network.bind(instance(rows=129, columns=7))


def test_alphachip_reads_positions_of_placed_macros() -> None:
    torch.manual_seed(0)
    network = AlphaChipNetwork()
    case = instance()
    network.bind(case)
    obs = observation(case, 2)
    assert obs["placed"].any()
    moved = {**obs, "pos": obs["pos"] + 0.3}
    assert not torch.allclose(network(obs)[1], network(moved)[1])
