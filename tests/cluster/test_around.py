"""Groups held around macros and ports, and what of a flat problem survives clustering."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.cluster import ClusterOptions, cluster, cluster_as_given, held_groups, parts_for
from floorplan.cluster.around import AROUND, port_clumps
from floorplan.cluster.build import build_clustered
from floorplan.cluster.connect import cell_hypergraph
from floorplan.errors import ProblemError
from floorplan.netlist import Blockage, Canvas, Netlist, NetlistBuilder, NodeKind, Placement, Problem, Side
from floorplan.netlist.constraints import Region, Snap


def ports_at(*at: tuple[float, float]) -> Problem:
    b = NetlistBuilder("ports")
    for i in range(len(at)):
        b.add_port(f"p{i}", Side.LEFT)
    x, y = np.array(at).T
    return Problem(b.build(), Canvas(100.0, 100.0, 10, 10, 1.0, 1.0), Placement(x, y, x * 0, x > -1))


@pytest.mark.parametrize(
    ("at", "clumps"),
    [
        ([(10, 0), (0, 10)], [0, 1]),  # bottom and left: circuit_training's own cases
        ([(0, 19), (0, 15)], [0, 0]),
        ([(35, 0), (10, 0)], [1, 0]),
        ([(0, 10), (0, 18), (0, 20), (0, 21), (0, 29)], [0, 0, 0, 1, 1]),  # a clump reaches from its first port
        ([(0, 50), (50, 0), (100, 50), (50, 100)], [3, 2, 1, 0]),
    ],
)
def test_ports_near_one_another_on_an_edge_are_a_clump(at: list[tuple[float, float]], clumps: list[int]) -> None:
    assert port_clumps(ports_at(*at)).tolist() == clumps


def neighbours() -> Problem:
    """Ports p, q; macros m (pins 2 i, 3 o), k (pin 4 i); cells a ... f; d also belongs to k, f to nobody."""
    b = NetlistBuilder("neighbours")
    b.add_port("p", Side.LEFT)
    b.add_port("q", Side.RIGHT)
    b.add_macro("m", 4.0, 4.0)
    b.add_pin("m/i", "m")
    b.add_pin("m/o", "m")
    b.add_macro("k", 4.0, 4.0)
    b.add_pin("k/i", "k")
    for name in "abcdef":
        b.add_cell(name, 1.0, 1.0)
    b.add_net("p", ["a", "b"])
    b.add_net("a", ["m/i", "c"])
    b.add_net("m/o", ["d"])
    b.add_net("d", ["k/i", "f", "e"])
    b.add_net("e", ["q"])
    n = 10
    x = np.array([0.0, 100.0, *np.linspace(10, 90, n - 2)])
    return Problem(
        b.build(), Canvas(100.0, 100.0, 10, 10, 1.0, 1.0), Placement(x, np.full(n, 50.0), x * 0, x > -1), np.zeros(n)
    )


@pytest.mark.parametrize(
    ("around", "groups"),
    [
        ("none", "......"),
        ("macros", "0..0.."),
        ("ports", "11..0."),  # the right edge comes before the left one; a, b are what p drives
        ("both", "22.01."),  # p's pin stands before m's in the file: a goes to p, d to m
    ],
)
def test_cells_join_what_they_are_next_to(around: str, groups: str) -> None:
    held = held_groups(neighbours(), around)
    assert "".join("." if g < 0 else str(g) for g in held[4:]) == groups
    assert (held[:4] == -1).all()


def test_a_clock_holds_nothing_together() -> None:
    for cells, held in ((500, 500), (501, 0)):
        b = NetlistBuilder("clock")
        b.add_port("clk", Side.LEFT)
        for i in range(cells):
            b.add_cell(f"c{i}", 1.0, 1.0)
        b.add_net("clk", [f"c{i}" for i in range(cells)])
        x = np.zeros(cells + 1)
        flat = Problem(b.build(), Canvas(10.0, 10.0, 4, 4, 1.0, 1.0), Placement(x, x, x, x == 0))
        assert int((held_groups(flat, "ports") >= 0).sum()) == held


def random_flat(seed: int, cells: int = 60) -> Problem:
    rng = np.random.default_rng(seed)
    b = NetlistBuilder("random")
    ends = [f"p{i}" for i in range(4)] + [f"m{i}/{k}" for i in range(2) for k in range(3)]
    for i in range(4):
        b.add_port(f"p{i}", Side(1 + i))
    for i in range(2):
        b.add_macro(f"m{i}", 6.0 + i, 5.0)
        for k in range(3):
            b.add_pin(f"m{i}/{k}", f"m{i}", float(k), -1.0)
    for i in range(cells):
        b.add_cell(f"c{i}", float(rng.uniform(0.5, 2)), 1.0)
    ends += [f"c{i}" for i in range(cells)]
    drivers = rng.choice(len(ends), int(0.8 * len(ends)), replace=False)
    for i in sorted(drivers.tolist()):
        near = [ends[(i + int(step)) % len(ends)] for step in rng.integers(1, 9, int(rng.integers(1, 5)))]
        b.add_net(ends[i], near, float(rng.integers(1, 4)))
    netlist = b.build()
    at = rng.uniform(0, 40, (2, netlist.num_nodes))
    at[0, :4], at[1, :4] = [0, 20, 40, 20], [20, 0, 20, 40]
    n = netlist.num_nodes
    return Problem(netlist, Canvas(40.0, 40.0, 20, 20, 1.0, 1.0), Placement(*at, np.zeros(n), np.ones(n)))


def ends_of(netlist: Netlist, name_of: dict[int, str]) -> dict[tuple[str, frozenset[str]], float]:
    """Weight by source and ends of all nets, those within one end left out."""
    out: dict[tuple[str, frozenset[str]], float] = {}
    for pins, weight in zip(np.split(netlist.net_pin, netlist.net_ptr[1:-1]), netlist.net_weight.tolist(), strict=True):
        names = [name_of.get(int(netlist.pin_node[p])) or netlist.pin_name[p] for p in pins]
        if len(set(names)) > 1:
            key = names[0], frozenset(names)
            out[key] = out.get(key, 0.0) + weight
    return out


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 12))
def test_any_groups_keep_areas_and_nets(seed: int, groups: int) -> None:
    flat = random_flat(seed)
    netlist = flat.netlist
    rng = np.random.default_rng(seed)
    is_cell = netlist.node_kind == NodeKind.CELL
    host = np.where(is_cell, rng.integers(0, groups, netlist.num_nodes), -1)
    used, number = np.unique(host[is_cell], return_inverse=True)
    host[is_cell] = number
    area = np.bincount(number, (netlist.node_w_um * netlist.node_h_um)[is_cell])
    named = {i: f"Grp_{g}" for i, g in enumerate(host.tolist()) if g >= 0}
    want = ends_of(netlist, named)
    made = build_clustered(netlist, host, np.full(len(used), 2.0), area / 2.0)
    grouped = {int(i): made.node_name[i] for i in made.soft.tolist()}
    assert ends_of(made, grouped) == pytest.approx(want)
    given_groups = cluster_as_given(flat, host, 1.0).problem.netlist
    grouped = {int(i): given_groups.node_name[i] for i in given_groups.soft.tolist()}
    assert ends_of(given_groups, grouped) == pytest.approx(want)
    for one in (made, given_groups):
        assert (one.node_w_um * one.node_h_um)[one.soft] == pytest.approx(area, rel=1e-6)
        assert [one.node_name[i] for i in one.hard] == ["m0", "m1"]


@pytest.mark.parametrize("around", AROUND)
def test_every_cell_is_in_one_group_whatever_is_held(around: str) -> None:
    flat = random_flat(3, 200)
    held = held_groups(flat, around)
    options = ClusterOptions(clusters=8, around=around, small=0.0, reach=9.0)
    made = cluster(flat, options)
    cells = flat.netlist.node_kind == NodeKind.CELL
    assert ((made.host >= 0) == cells).all()
    assert len(set(made.host[cells].tolist())) == len(made.problem.netlist.soft) == made.parts
    assert made.held == held.max() + 1
    assert made.parts == made.held + 8
    for k in range(made.held):
        assert len(set(made.host[held == k].tolist())) == 1
    # a group that is held takes in no other cell
    assert not set(made.host[held >= 0].tolist()) & set(made.host[cells & (held < 0)].tolist())
    assert (cluster(flat, options).host == made.host).all()


def test_held_groups_count_among_those_aimed_at_unless_they_are_small() -> None:
    flat = neighbours()  # six cells of area 1; held around both: c alone, d alone, a with b
    assert parts_for(flat, 4, ClusterOptions(around="none")) == 4
    assert parts_for(flat, 4, ClusterOptions(around="both")) == 1
    assert parts_for(flat, 5, ClusterOptions(around="both")) == 2
    assert parts_for(flat, 4, ClusterOptions(around="both", small=0.9)) == 3  # c and d, below 0.9 * 6 / 4, join others
    assert parts_for(flat, 1, ClusterOptions(around="both")) == 1


def test_the_hypergraph_of_some_cells() -> None:
    graph = cell_hypergraph(neighbours().netlist)
    assert [e.tolist() for e in np.split(graph.ends, graph.ptr[1:-1])] == [[0, 1], [0, 2], [3, 4, 5]]
    some = graph.of(np.array([0, 2, 4, 5]))
    assert some.cells.tolist() == [4, 6, 8, 9]
    assert [e.tolist() for e in np.split(some.ends, some.ptr[1:-1])] == [[0, 1], [2, 3]]


def test_metis_parts_cells_where_it_is_asked_to() -> None:
    pytest.importorskip("pymetis", reason="pymetis is optional")
    flat = random_flat(5, 300)
    options = ClusterOptions(clusters=6, partitioner="metis", small=0.0, reach=9.0)
    made = cluster(flat, options)
    assert made.parts == 6
    area = (flat.netlist.node_w_um * flat.netlist.node_h_um)[made.host >= 0]
    share = np.bincount(made.host[made.host >= 0], area) / area.sum()
    assert share.max() < 0.25
    assert (cluster(flat, options).host == made.host).all()


def test_a_missing_partitioner_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    for partitioner, package in (("auto", "mtkahypar"), ("mtkahypar", "mtkahypar"), ("metis", "pymetis")):
        with pytest.raises(ProblemError, match=f"pip install {package}"):
            cluster(random_flat(1), ClusterOptions(clusters=4, partitioner=partitioner))


@pytest.mark.parametrize("wrong", [{"around": "cells"}, {"partitioner": "hmetis"}])
def test_options_that_do_not_exist_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ProblemError, match="one of"):
        ClusterOptions(**wrong)  # type: ignore[arg-type]  # every option that is tried is a text


def test_what_macros_must_keep_to_survives() -> None:
    flat = random_flat(2)
    n, macro = flat.netlist.num_nodes, flat.netlist.hard
    fixed, orient = np.zeros(n, np.bool_), np.full(n, 255, np.uint8)
    fixed[macro[0]], orient[macro] = True, 5
    halo, region = np.zeros((n, 4)), np.full(n, -1, np.int32)
    halo[macro], region[macro[1]] = [1.0, 2.0, 3.0, 4.0], 0
    flat = flat.replace(
        fixed=fixed,
        allowed_orient=orient,
        halo_um=halo,
        region=region,
        regions=(Region("fence", np.array([[1.0, 1.0, 30.0, 30.0]]), exclusive=True),),
        snap=Snap(0.5, 0.5),
        macro_spacing_um=0.25,
        boundary_spacing_um=0.5,
        blockages=(Blockage(0.0, 0.0, 1.0, 1.0, hard=False),),
    )
    host = np.where(flat.netlist.node_kind == NodeKind.CELL, 0, -1)
    for made in (cluster(flat, ClusterOptions(clusters=4)), cluster_as_given(flat, host)):
        problem = made.problem
        hard, soft = problem.netlist.hard, problem.netlist.soft
        assert problem.fixed[hard].tolist() == [True, False]
        assert problem.allowed_orient[hard].tolist() == [5, 5]
        assert problem.halo_um[hard].tolist() == [[1.0, 2.0, 3.0, 4.0]] * 2
        assert problem.region[hard].tolist() == [-1, 0]
        assert not problem.halo_um[soft].any()
        assert (problem.region[soft] == -1).all()
        assert not problem.fixed[soft].any()
        for name in ("regions", "snap", "macro_spacing_um", "boundary_spacing_um", "blockages"):
            assert getattr(problem, name) == getattr(flat, name)
