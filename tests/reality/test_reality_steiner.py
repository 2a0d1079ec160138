from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reality_cases import CANVAS

from floorplan.cost import CostEngine
from floorplan.netlist import NetlistBuilder, Placement, Problem
from floorplan.reality.kernels.exact_tree import EXACT_POINTS
from floorplan.reality.kernels.trees import refine_tree, spanning_tree
from floorplan.reality.steiner import NetTrees, check_steiner, trees_of_points

F64 = npt.NDArray[np.float64]


def trees(*nets: npt.ArrayLike) -> NetTrees:
    points = [np.array(net, dtype=np.float64) for net in nets]
    ptr = np.cumsum([0] + [len(p) for p in points])
    xy = np.concatenate(points)
    return trees_of_points(ptr, xy[:, 0].copy(), xy[:, 1].copy())


def mst_length(points: F64) -> float:
    """Minimum spanning tree by the textbook: grow from one point, n^2 distances at a time."""
    distance = np.abs(points[:, None] - points[None]).sum(axis=2)
    inside, total = [0], 0.0
    near = distance[0].copy()
    for _ in range(len(points) - 1):
        near[inside] = np.inf
        k = int(np.argmin(near))
        total += float(near[k])
        inside.append(k)
        near = np.minimum(near, distance[k])
    return total


def brute_force_rsmt(points: F64) -> float:
    """Least spanning tree over the points and any n - 2 or fewer places of their Hanan grid."""
    taken = {tuple(p) for p in points.tolist()}
    hanan = [p for p in itertools.product(np.unique(points[:, 0]), np.unique(points[:, 1])) if p not in taken]
    best = np.inf
    for k in range(len(points) - 1):
        for extra in itertools.combinations(hanan, k):
            best = min(best, mst_length(np.array([*points.tolist(), *extra])))
    return best


def on_lattice(rng: np.random.Generator, n: int, side: int) -> F64:
    cells = rng.choice(side * side, size=n, replace=False)
    return np.stack([cells // side * 3.0, cells % side * 2.0], axis=1)


def test_trees_that_can_be_drawn_by_hand() -> None:
    cross = [(0, 1), (2, 1), (1, 0), (1, 2)]  # two bars of length 2 that meet in (1, 1); spanning: 3 edges of 2
    corner = [(0, 0), (4, 0), (4, 3), (0, 0)]  # one point twice; 4 right, 3 up
    alone = [(5, 5), (5, 5)]
    # A box of 4 x 10: along both short sides and once up: 4 + 4 + 10; HPWL is 14.
    box = [(0, 0), (4, 0), (0, 10), (4, 10)]
    stairs = [(0, 1), (2, 2), (4, 3), (6, 4)]  # a path that only rises: 6 right, 3 up, no tree is shorter than HPWL
    got = trees(cross, corner, alone, box, stairs)
    assert got.length.tolist() == [4, 7, 0, 18, 9]
    assert got.hpwl.tolist() == [4, 7, 0, 14, 9]
    assert got.spanning.tolist() == [6, 7, 0, 18, 9]
    assert got.points.tolist() == [4, 3, 1, 4, 4]


@pytest.mark.parametrize(("n", "side", "cases"), [(3, 4, 20), (4, 4, 25), (5, 4, 20), (6, 3, 15), (6, 4, 4)])
def test_exact_up_to_six_points_against_brute_force(n: int, side: int, cases: int) -> None:
    rng = np.random.default_rng(n)
    nets = [on_lattice(rng, n, side) for _ in range(cases)]
    assert trees(*nets).length.tolist() == [brute_force_rsmt(net) for net in nets]


def test_refined_trees_are_within_two_per_cent_of_the_optimum_on_average() -> None:
    rng = np.random.default_rng(7)
    nets = [rng.random((8, 2)) for _ in range(300)]
    best = trees(*nets)
    lengths = []
    for net in nets:
        px, py = np.zeros(18), np.zeros(18)
        px[:8], py[:8] = net.T
        edge, near, work = np.zeros((18, 2), np.int32), np.zeros(18), np.zeros((8, 19), np.int32)
        spanning_tree(px, py, 8, edge, near, work[0])
        count = refine_tree(px, py, 8, edge, near, work, np.zeros((36, 2), np.int32))
        a, b = edge[:count].T
        kept = a >= 0
        a, b = a[kept], b[kept]
        graph = nx.Graph(zip(a.tolist(), b.tolist(), strict=True))
        assert nx.is_tree(graph)
        assert set(range(8)) <= set(graph)
        lengths.append((np.abs(px[a] - px[b]) + np.abs(py[a] - py[b])).sum())
    gap = np.array(lengths) / best.length - 1
    assert gap.min() > -1e-12
    assert 0 < gap.mean() < 0.02
    assert best.length.sum() < 0.92 * best.spanning.sum()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.booleans())
def test_order_of_the_measures_and_the_shape_of_the_tree(seed: int, n: int, lattice: bool) -> None:
    rng = np.random.default_rng(seed)
    points = on_lattice(rng, n, 6) if lattice else rng.uniform(-50, 200, (n, 2))
    got = trees(points)
    length, spanning, hpwl = float(got.length[0]), float(got.spanning[0]), float(got.hpwl[0])
    eps = 1e-9 * (1 + spanning)
    assert hpwl <= length + eps
    assert length <= spanning + eps
    # Hwang 1976: a spanning tree is at most half again as long as the shortest Steiner tree.
    assert spanning <= 1.5 * length + eps
    full = nx.Graph()
    full.add_weighted_edges_from(
        (i, j, float(np.abs(points[i] - points[j]).sum())) for i, j in itertools.combinations(range(n), 2)
    )
    want = nx.minimum_spanning_tree(full).size("weight")
    assert spanning == pytest.approx(want)
    ends = got.segment.tolist()
    graph = nx.Graph([((a, b), (c, d)) for a, b, c, d in ends])
    graph.add_nodes_from([tuple(p) for p in points.tolist()])
    assert nx.is_connected(graph)
    assert len(graph) <= max(2 * n - 2, 1)
    assert np.abs(got.segment[:, :2] - got.segment[:, 2:]).sum() == pytest.approx(length)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, EXACT_POINTS))
def test_a_shortest_tree_does_not_depend_on_order_repetition_or_mirroring(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 100, (n, 2))
    again = rng.permutation(np.concatenate([points, points[:2]]))
    got = trees(points, again, points * [-1, 1], points[:, ::-1], points + np.array([1000, -3]))
    assert got.length == pytest.approx(np.full(5, got.length[0]), rel=1e-9)


def test_large_nets_keep_their_bounds() -> None:
    rng = np.random.default_rng(1)
    got = trees(rng.random((300, 2)), rng.random((1600, 2)))
    # Random points: a Steiner tree saves a tenth; the net of 1600 is left as spanning tree.
    assert 0.88 < got.length[0] / got.spanning[0] < 0.92
    assert got.length[1] == pytest.approx(got.spanning[1])


def test_report_weighs_nets_and_agrees_with_the_cost_on_hpwl() -> None:
    b = NetlistBuilder("weights")
    for name in ("e", "w", "n", "s"):
        b.add_port(name)
    b.add_macro("m", 4.0, 2.0)
    b.add_pin("m/0", "m", 2.0, -1.0)
    b.add_net("e", ["w", "n", "s"], 3.0)
    b.add_net("n", ["m/0"], 0.5)
    p = Placement([100.0, 0, 50, 50, 20], [50.0, 50, 100, 0, 30], [0, 0, 0, 0, 4], np.ones(5, bool))
    problem = Problem(b.build(), CANVAS, p)
    got = check_steiner(problem.netlist, p)
    # The ports make a cross of 100 + 100. East turns the pin's offset (2, -1) to (-1, -2): (19, 28) to (50, 100)
    # is 103.
    assert got.rsmt_um == pytest.approx(3 * 200 + 0.5 * 103)
    assert got.spanning_um == pytest.approx(3 * 300 + 0.5 * 103)
    assert got.hpwl_um == pytest.approx(CostEngine(problem).full(p).wirelength_um)
    assert got.ratio == pytest.approx(1.0)
    assert got.exact_share == 1.0
