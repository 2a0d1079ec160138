"""The steps of clustering, each on an example small enough to work out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorplan.cluster.build import build_clustered
from floorplan.cluster.connect import cell_hypergraph, group_links
from floorplan.cluster.grid import choose_grid
from floorplan.cluster.partition import partition
from floorplan.cluster.reshape import break_up, merge_small, renumber
from floorplan.cluster.spots import cell_spots
from floorplan.netlist import Canvas, Netlist, NetlistBuilder, Placement, Problem, Side


def chain() -> Netlist:
    """Port p -> c0 -> c1 -> c2 -> c3 -> macro m, and m's other pin -> c0 and c3."""
    b = NetlistBuilder("chain")
    b.add_port("p", Side.LEFT)
    b.add_macro("m", 4.0, 4.0)
    b.add_pin("m/i", "m", -1.0, 0.5)
    b.add_pin("m/o", "m", 1.0, -0.5)
    for i in range(4):
        b.add_cell(f"c{i}", 1.0, 1.0 + i)
    b.add_net("p", ["c0"])
    b.add_net("m/o", ["c0", "c3"], 2.0)
    for i in range(3):
        b.add_net(f"c{i}", [f"c{i + 1}"], 1.0 + i)
    b.add_net("c3", ["m/i"])
    return b.build()


def nets_of(netlist: Netlist) -> dict[str, tuple[set[str], float]]:
    return {
        netlist.pin_name[netlist.net_pin[a]]: ({netlist.pin_name[pin] for pin in netlist.net_pin[a + 1 : b]}, weight)
        for a, b, weight in zip(netlist.net_ptr, netlist.net_ptr[1:], netlist.net_weight.tolist(), strict=False)
    }


def test_the_hypergraph_holds_cells_only() -> None:
    graph = cell_hypergraph(chain())
    assert graph.cells.tolist() == [2, 3, 4, 5]
    assert graph.area_um2.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert [e.tolist() for e in np.split(graph.ends, graph.ptr[1:-1])] == [[0, 3], [0, 1], [1, 2], [2, 3]]
    assert graph.weight.tolist() == [2.0, 1.0, 2.0, 3.0]


def test_links_share_a_nets_weight_among_the_groups_it_reaches() -> None:
    graph = cell_hypergraph(chain())
    links = group_links(graph, np.array([0, 1, 1, 2]), 3).toarray()
    # 0-1: net c0-c1 (1); 0-2: m/o's net (2); 1-2: net c2-c3 (3); c1-c2 stays inside
    assert links == pytest.approx(np.array([[0, 1, 2], [1, 0, 3], [2, 3, 0]]))


def test_the_clustered_netlist_of_the_chain() -> None:
    flat = chain()
    host = np.array([-1, -1, 0, 0, 1, 1])
    made = build_clustered(flat, host, np.array([2.0, 2.0]), np.array([1.5, 3.5]))
    assert made.node_name == ("p", "m", "Grp_0", "Grp_1")
    assert made.node_w_um.tolist() == [0.0, 4.0, 2.0, 2.0]
    assert made.node_h_um.tolist() == [0.0, 4.0, 1.5, 3.5]
    assert nets_of(made) == {
        "p": ({"Grp_0/Pinput"}, 1.0),
        "m/o": ({"Grp_0/Pinput", "Grp_1/Pinput"}, 2.0),
        "Grp_0/Poutput_single_0": ({"Grp_1/Pinput"}, 2.0),
        "Grp_1/Poutput_single_0": ({"m/i"}, 1.0),
    }
    pins = dict(zip(made.pin_name, zip(made.pin_dx_um.tolist(), made.pin_dy_um.tolist(), strict=True), strict=True))
    assert pins["m/i"] == (-1.0, 0.5)
    assert pins["m/o"] == (1.0, -0.5)


def test_nets_of_one_group_to_the_same_sinks_become_one_of_their_weight() -> None:
    b = NetlistBuilder("many")
    b.add_port("q", Side.TOP)
    for name in "abcd":
        b.add_cell(name, 1.0, 1.0)
    b.add_net("a", ["c", "b", "q"], 1.0)
    b.add_net("b", ["q", "d"], 2.5)
    b.add_net("c", ["a"])
    flat = b.build()
    made = build_clustered(flat, np.array([-1, 0, 0, 1, 1]), np.ones(2), np.ones(2))
    assert nets_of(made) == {
        "Grp_0/Poutput_multi_0": ({"q", "Grp_1/Pinput"}, 3.5),
        "Grp_1/Poutput_single_0": ({"Grp_0/Pinput"}, 1.0),
    }


def test_groups_are_numbered_by_their_first_cells() -> None:
    assert renumber(np.array([7, 3, 7, 0, 3])).tolist() == [0, 1, 0, 2, 1]


def test_a_group_that_spreads_is_cut_into_tiles() -> None:
    group = np.array([0, 0, 0, 0, 1, 1])
    x, y = np.array([0.0, 4.0, 6.0, 11.0, 0.0, 5.0]), np.array([0.0, 1.0, 0.0, 9.0, 0.0, 5.0])
    # group 0 reaches 11 in x and 9 in y; tiles of 5: (0, 0), (0, 0), (1, 0), (2, 1); group 1 reaches 5 only
    assert break_up(group, x, y, 5.0).tolist() == [0, 0, 1, 2, 3, 3]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.floats(0, 100), st.floats(0, 100)), min_size=1, max_size=40),
    st.floats(1, 60),
)
def test_no_group_spreads_once_broken_up(cells: list[tuple[int, float, float]], reach: float) -> None:
    before = renumber(np.array([g for g, _, _ in cells]))
    x, y = (np.array([c[k] for c in cells]) for k in (1, 2))
    after = break_up(before, x, y, reach)
    for g in range(int(after.max()) + 1):
        mine = after == g
        assert len(set(before[mine].tolist())) == 1
        assert np.ptp(x[mine]) <= reach * (1 + 1e-9)
        assert np.ptp(y[mine]) <= reach * (1 + 1e-9)


def test_a_small_group_joins_the_neighbour_with_most_nets_that_has_room_and_is_near() -> None:
    graph = cell_hypergraph(chain())
    group, still = np.arange(4), np.zeros(4)
    # c0 (area 1) has ties 1 to c1 and 2 to c3; area 5 is still allowed
    assert merge_small(graph, group, still, still, 1.5, 5.0, 1.0).tolist() == [0, 1, 2, 0]
    # no room in c3: c1 it is
    assert merge_small(graph, group, still, still, 1.5, 4.9, 1.0).tolist() == [0, 0, 1, 2]
    # c3 is far
    assert merge_small(graph, group, np.array([0.0, 0.0, 0.0, 9.0]), still, 1.5, 5.0, 1.0).tolist() == [0, 0, 1, 2]
    # nobody is near
    far = np.array([0.0, 9.0, 9.0, 9.0])
    assert merge_small(graph, group, far, still, 1.5, 9.0, 1.0).tolist() == [0, 1, 2, 3]


def test_merging_goes_on_while_a_group_is_small() -> None:
    graph = cell_hypergraph(chain())
    still = np.zeros(4)
    assert merge_small(graph, np.arange(4), still, still, 9.0, 10.0, 1.0).tolist() == [0, 0, 0, 0]


def test_the_partition_finds_the_two_halves() -> None:
    b = NetlistBuilder("halves")
    names = [f"c{i}" for i in range(40)]
    for name in names:
        b.add_cell(name, 1.0, 1.0)
    rng = np.random.default_rng(3)
    for i, name in enumerate(names):
        near = [names[j] for j in range(i % 2, 40, 2) if j != i]  # odd with odd, even with even
        b.add_net(name, list(rng.choice(near, 6, replace=False)))
    graph = cell_hypergraph(b.build())
    part = partition(graph, 2, 1)
    assert renumber(part).tolist() == [i % 2 for i in range(40)]
    assert (partition(graph, 2, 1) == part).all()
    assert partition(graph, 1, 1).tolist() == [0] * 40
    assert len(set(partition(graph, 99, 1).tolist())) <= 40


def test_cells_without_positions_stand_where_springs_hold_them() -> None:
    """A cell between two ports of unlike weight, in x (1 w1 + 9 w2) / (w1 + w2)."""
    b = NetlistBuilder("springs")
    b.add_port("l", Side.LEFT)
    b.add_port("r", Side.RIGHT)
    b.add_cell("c", 1.0, 1.0)
    b.add_net("l", ["c"], 1.0)
    b.add_net("r", ["c"], 3.0)
    initial = Placement([0.0, 10.0, 0.0], [4.0, 4.0, 0.0], [0, 0, 0], [True, True, False])
    problem = Problem(b.build(), Canvas(10.0, 8.0, 10, 10, 1.0, 1.0), initial)
    x, y, given_ = cell_spots(problem)
    assert not given_
    assert x == pytest.approx([7.5], abs=0.01)
    assert y == pytest.approx([4.0], abs=0.01)


def test_given_positions_are_taken_unless_they_are_a_heap() -> None:
    b = NetlistBuilder("given")
    b.add_port("p", Side.LEFT)
    for name in "abc":
        b.add_cell(name, 1.0, 1.0)
    b.add_net("p", ["a", "b", "c"])
    netlist, canvas = b.build(), Canvas(10.0, 10.0, 10, 10, 1.0, 1.0)
    spread = Placement([0, 1, 5, 9], [5, 1, 8, 4], [0] * 4, [True] * 4)
    x, y, given_ = cell_spots(Problem(netlist, canvas, spread))
    assert given_
    assert (x.tolist(), y.tolist()) == ([1, 5, 9], [1, 8, 4])
    heap = Placement([0, 5, 5, 5], [5, 5, 5, 5], [0] * 4, [True] * 4)
    assert not cell_spots(Problem(netlist, canvas, heap))[2]


def test_the_grid_wastes_little_with_few_cells() -> None:
    b = NetlistBuilder("tiles")
    for i in range(9):
        b.add_macro(f"m{i}", 10.0, 12.5)
    problem = Problem(b.build(), Canvas(250.0, 250.0, 10, 10, 1.0, 1.0), Placement.empty(9))
    columns, rows = choose_grid(problem)
    # macros fit cells of 10 x 12.5 exactly: 25 x 20 cells, which are the fewest allowed
    assert (columns, rows) == (25, 20)


@given(st.floats(1, 50), st.floats(1, 50), st.floats(0.2, 5))
def test_any_grid_is_within_the_fields_limits(w: float, h: float, aspect: float) -> None:
    b = NetlistBuilder("one")
    b.add_macro("m", w, h)
    canvas = Canvas(300.0 * aspect, 300.0, 10, 10, 1.0, 1.0)
    columns, rows = choose_grid(Problem(b.build(), canvas, Placement.empty(1)))
    assert 10 <= columns <= 128
    assert 10 <= rows <= 128
    assert 500 <= columns * rows <= 4096
