from __future__ import annotations

import pytest
import torch
from torch_geometric.nn import MessagePassing

from agents.gnn.encoder import EdgeGraphLayer, GraphEncoder, mean_messages
from agents.gnn.heads import scatter_to_grid
from agents.gnn.instance import shared_neighbours
from floorplan.env.tensors import to_pyg
from floorplan.netlist import NetlistBuilder
from tests.agents.gnn_cases import instance


def test_a_layer_is_the_mean_of_edge_messages_plus_the_node_itself() -> None:
    torch.manual_seed(0)
    layer = EdgeGraphLayer(4, 2)
    x = torch.randn(3, 4)
    edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])  # 0 - 1 - 2, both ways
    e = torch.randn(4, 2)
    messages = [layer.source(x[s]) + layer.target(x[d]) + layer.edge(e[k]) for k, (s, d) in enumerate(edges.T.tolist())]
    m01, m10, m12, m21 = (torch.relu(m) for m in messages)
    mean = torch.stack([m10, (m01 + m21) / 2, m12])
    expected = layer.norm(x + layer.out(mean))
    per_edge = torch.tensor([[1.0], [0.5], [1.0]])
    torch.testing.assert_close(layer(x, edges, e, per_edge), expected)


class StepByStep(MessagePassing):  # type: ignore[misc]  # torch_geometric ships no types
    """The same messages as torch_geometric makes them."""

    def __init__(self) -> None:
        super().__init__(aggr="mean", flow="source_to_target")

    def forward(self, edge_index: torch.Tensor, s: torch.Tensor, d: torch.Tensor, e: torch.Tensor) -> torch.Tensor:
        return self.propagate(edge_index, s=s, d=d, e=e)  # type: ignore[no-any-return]  # untyped

    def message(self, s_j: torch.Tensor, d_i: torch.Tensor, e: torch.Tensor) -> torch.Tensor:
        return torch.relu(s_j + d_i + e)


def test_messages_and_their_gradients_are_those_of_torch_geometric() -> None:
    case = instance(nodes=20)
    lonely = 21  # the last node has no edge
    torch.manual_seed(3)
    given = [torch.randn(*shape, dtype=torch.float64).requires_grad_() for shape in ((lonely, 8), (lonely, 8), (8, 3))]
    source, target, edge = given
    attr = case.edge_feat.double()
    count = torch.bincount(case.edge_index[1], minlength=lonely).clamp(min=1)
    ours = mean_messages(source, target, edge, case.edge_index, attr, 1 / count.double()[:, None])
    plain = StepByStep()(case.edge_index, source, target, attr @ edge.T)
    torch.testing.assert_close(ours, plain)
    weight = torch.randn_like(ours)
    for a, b in zip(torch.autograd.grad(ours, given, weight), torch.autograd.grad(plain, given, weight), strict=True):
        assert b.any()
        torch.testing.assert_close(a, b)


def test_renumbering_the_nodes_renumbers_the_embeddings() -> None:
    torch.manual_seed(1)
    case = instance(nodes=20)
    encoder = GraphEncoder(case.node_feat.shape[1], case.edge_feat.shape[1], 16, 3)
    order = torch.randperm(20)
    new_number = torch.argsort(order)
    before = encoder(case.node_feat, case.edge_index, case.edge_feat)
    after = encoder(case.node_feat[order], new_number[case.edge_index], case.edge_feat)
    torch.testing.assert_close(after, before[order])


def test_nodes_without_edges_and_graphs_without_edges_give_finite_embeddings() -> None:
    encoder = GraphEncoder(6, 3, 8, 3)
    out = encoder(torch.randn(4, 6), torch.zeros(2, 0, dtype=torch.int64), torch.zeros(0, 3))
    assert out.shape == (4, 8)
    assert torch.isfinite(out).all()


def test_a_message_reaches_one_neighbour_further_with_every_layer() -> None:
    torch.manual_seed(2)
    path = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])  # 0 - 1 - 2 - 3
    e = torch.rand(6, 3)
    x = torch.randn(4, 6)
    moved = x.clone()
    moved[0] += 1
    for layers, reached in ((2, False), (3, True)):
        encoder = GraphEncoder(6, 3, 16, layers)
        changed = not torch.equal(encoder(x, path, e)[3], encoder(moved, path, e)[3])
        assert changed is reached


def test_scatter_adds_each_macro_at_its_cell() -> None:
    values = torch.arange(2 * 3 * 2, dtype=torch.float32).view(2, 3, 2)
    cell = torch.tensor([[0, 5, 5], [3, 3, 1]])
    grid = scatter_to_grid(values, cell, rows=2, columns=3)
    expected = torch.zeros(2, 2, 2, 3)
    for b in range(2):
        for v in range(3):
            row, column = divmod(int(cell[b, v]), 3)
            expected[b, :, row, column] += values[b, v]
    torch.testing.assert_close(grid, expected)


def test_macros_on_the_same_cluster_share_more_than_macros_apart() -> None:
    # macros 0 and 1 hang on cluster 3, macro 2 on cluster 4
    pairs = [(0, 3), (1, 3), (2, 4)]
    index = torch.tensor([[a for a, b in pairs] + [b for a, b in pairs], [b for a, b in pairs] + [a for a, b in pairs]])
    shared = shared_neighbours(index.numpy(), torch.tensor([0, 1, 2]).numpy(), 5)
    # neighbourhoods {0, 3} and {1, 3}: 3 has degree 3 with itself, 0 and 1 degree 2: (1/3) / (1/2 + 1/3) = 0.4
    assert shared[0, 1] == pytest.approx(0.4)
    assert shared[0, 2] == 0
    assert shared[0, 0] == 0


def test_to_pyg_has_one_edge_from_a_nets_source_to_each_sink() -> None:
    b = NetlistBuilder("three")
    b.add_macro("a", 2, 3)
    b.add_macro("b", 4, 5)
    b.add_port("p")
    b.add_pin("a/o", "a")
    b.add_pin("b/i", "b")
    b.add_net("a/o", ["b/i", "p"], weight=2.5)
    netlist = b.build()
    data = netlist.to_pyg()
    assert data.edge_index.equal(to_pyg(netlist).edge_index)
    assert data.edge_index.tolist() == [[0, 0], [1, 2]]
    assert data.edge_attr.flatten().tolist() == [2.5, 2.5]
    assert data.x.tolist() == [[2, 3], [4, 5], [0, 0]]
    assert data.name == ["a", "b", "p"]
    assert data.validate()
