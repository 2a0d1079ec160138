from __future__ import annotations

import dataclasses
import gc
from typing import Any

import pytest
import torch

from agents.gnn.alphachip import AlphaChipNetwork
from agents.gnn.choosing import masked_log_prob, sample
from agents.gnn.network import GridNetwork
from agents.ppo.config import NetworkConfig
from floorplan.errors import ProblemError
from tests.agents.gnn_cases import EDGE_FEATURES, MAPS, NODE_FEATURES, SCALARS, instance, observation


def grid_network(seed: int = 0, **settings: Any) -> GridNetwork:
    torch.manual_seed(seed)
    network = GridNetwork(NetworkConfig(**settings), NODE_FEATURES, EDGE_FEATURES, MAPS, SCALARS)
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


def test_embeddings_are_kept_without_gradients_until_weights_change_or_are_released() -> None:
    network = grid_network()
    case = instance()
    network.bind(case)
    obs = observation(case, 2)
    passes: list[torch.Tensor] = []
    network.encoder.register_forward_hook(lambda _m, _i, out: passes.append(out))
    with torch.no_grad():
        first = network(obs)[0]
        assert torch.equal(network(obs)[0], first)
        assert len(passes) == 1
        network.encoder.inp.bias.add_(1.0)
        assert not torch.equal(network(obs)[0], first)
        assert len(passes) == 2
        network.load_state_dict(grid_network(seed=1).state_dict())
        network(obs)
        assert len(passes) == 3
        network.release()
        network(obs)
        assert len(passes) == 4
    assert network(obs)[0].requires_grad


def gradients(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    found = {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}
    network.zero_grad()
    return found


@pytest.mark.parametrize("kind", ["grid", "alphachip"])
def test_encoding_once_for_several_netlists_gives_the_same_gradients(kind: str) -> None:
    torch.manual_seed(0)
    network = grid_network() if kind == "grid" else AlphaChipNetwork()
    cases = [instance(), instance(31, 9, 3, 11, seed=4)]
    passes: list[torch.Tensor] = []
    if isinstance(network, GridNetwork):
        network.encoder.register_forward_hook(lambda _m, _i, out: passes.append(out))

    def learn() -> None:
        for seed in (0, 1):
            for case in cases:
                network.bind(case)
                logits, values = network(observation(case, 16, seed))
                (logits.square().mean() + values.square().mean()).backward()

    learn()
    expected = gradients(network)
    assert len(passes) == (4 if kind == "grid" else 0)
    passes.clear()
    with network.encode_once():
        learn()
    assert len(passes) == (2 if kind == "grid" else 0)
    found = gradients(network)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():  # in single precision, summed in another order
        assert (found[name] - gradient).norm() <= 1e-4 * gradient.norm(), name


def test_an_exception_leaves_the_encoder_without_gradients_and_the_network_usable() -> None:
    network = grid_network()
    case = instance()
    network.bind(case)

    def fail() -> None:
        with network.encode_once():
            network(observation(case, 2))[1].sum().backward()
            raise ArithmeticError

    with pytest.raises(ArithmeticError):
        fail()
    assert network.encoder.inp.weight.grad is None
    with network.encode_once():
        network(observation(case, 2))[1].sum().backward()
        with pytest.raises(RuntimeError, match="nest"), network.encode_once():
            pass
    assert network.encoder.inp.weight.grad is not None


def test_embeddings_of_several_netlists_are_kept_side_by_side_and_go_with_them() -> None:
    network = grid_network()
    cases = [instance(), instance(31, 9, 3, 11, seed=4)]
    passes: list[torch.Tensor] = []
    network.encoder.register_forward_hook(lambda _m, _i, out: passes.append(out))
    with torch.no_grad():
        seen = []
        for case in cases * 2:
            network.bind(case)
            seen.append(network(observation(case, 2))[0])
    assert len(passes) == 2
    assert torch.equal(seen[0], seen[2])
    assert torch.equal(seen[1], seen[3])
    cases.pop(0)
    del case
    gc.collect()
    assert len(network._cache) == len(network._coords) == 1


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


def test_without_the_graph_neither_edges_nor_shared_neighbours_matter() -> None:
    case = instance()
    other = dataclasses.replace(
        case, edge_index=case.edge_index.roll(1, dims=1), edge_feat=case.edge_feat + 1, shared=case.shared.roll(1, 0)
    )
    obs = observation(case, 3)
    for use_graph in (True, False):
        network = grid_network(use_graph=use_graph)
        network.bind(case)
        before = network(obs)
        network.bind(other)
        after = network(obs)
        assert torch.equal(before[0], after[0]) is not use_graph
        assert torch.equal(before[1], after[1]) is not use_graph
        assert bool(list(network.encoder.layers)) is use_graph


def test_hidden_maps_are_not_read_and_others_are() -> None:
    case = instance()
    obs = observation(case, 3)
    network = grid_network(hide_maps=("wl_change", "cost_change"))
    network.bind(case)

    def moved(name: str) -> bool:
        maps = obs["maps"].clone()
        maps[:, MAPS.index(name)] += torch.randn(case.rows, case.columns)
        a, b = network(obs), network({**obs, "maps": maps})
        return not (torch.equal(a[0], b[0]) and torch.equal(a[1], b[1]))

    assert [name for name in MAPS if moved(name)] == ["legal", "density"]


def test_ablations_of_maps_keep_the_names_of_stored_weights() -> None:
    plain, hidden = grid_network(), grid_network(seed=1, hide_maps=("density",))
    hidden.load_state_dict(plain.state_dict(), strict=True)
