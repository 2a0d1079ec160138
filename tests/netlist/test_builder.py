"""The builder makes what it was told, and refuses what makes no netlist."""

from __future__ import annotations

import math
from collections.abc import Callable

import networkx as nx
import numpy as np
import pytest

from floorplan.errors import NetlistError
from floorplan.netlist import Netlist, NetlistBuilder, NodeKind, Side


def sample(name: str = "sample", weight: float = 2.0) -> NetlistBuilder:
    b = NetlistBuilder(name)
    b.add_port("in", Side.LEFT)
    b.add_macro("ram", 4.0, 2.0)
    b.add_pin("ram/q", "ram", 1.5, -0.5)
    b.add_macro("Grp_0", 3.0, 3.0, soft=True)
    b.add_pin("Grp_0/a", "Grp_0")
    b.add_cell("inv", 0.5, 0.25)
    b.add_net("in", ["Grp_0/a"])
    b.add_net("ram/q", ["Grp_0/a", "inv", "in"], weight)
    return b


def test_arrays_and_numbers_in_file_order() -> None:
    nl = sample().build()
    assert nl.node_name == ("in", "ram", "Grp_0", "inv")
    assert nl.node_kind.tolist() == [NodeKind.PORT, NodeKind.HARD, NodeKind.SOFT, NodeKind.CELL]
    assert nl.node_index.tolist() == [0, 1, 3, 5], "pins of macros count, the own pin of a port or cell does not"
    assert nl.pin_name == ("in", "ram/q", "Grp_0/a", "inv")
    assert nl.pin_index.tolist() == [0, 2, 4, 5]
    assert nl.pin_node.tolist() == [0, 1, 2, 3]
    assert nl.net_ptr.tolist() == [0, 2, 6]
    assert nl.net_pin.tolist() == [0, 2, 1, 2, 3, 0]
    assert nl.net_weight.tolist() == [1.0, 2.0]
    assert (nl.hard.tolist(), nl.soft.tolist(), nl.ports.tolist()) == ([1], [2, 3], [0])
    assert nl.node_id["inv"] == 3
    assert (nl.num_nodes, nl.num_pins, nl.num_nets) == (4, 4, 2)
    assert "1 hard, 2 soft, 1 ports, 4 pins, 2 nets" in repr(nl)


def test_arrays_are_frozen() -> None:
    nl = sample().build()
    arrays = [v for v in vars(nl).values() if isinstance(v, np.ndarray)] + [nl.hard, nl.soft, nl.ports]
    assert len(arrays) == 15
    for a in arrays:
        with pytest.raises(ValueError, match="read-only"):
            a[0] = 0


def _twice(first: str, second: str) -> Callable[[NetlistBuilder], object]:
    def make(b: NetlistBuilder) -> None:
        for kind in (first, second):
            if kind == "pin":
                b.add_macro("owner", 1.0, 1.0)
            {
                "port": lambda: b.add_port("x"),
                "macro": lambda: b.add_macro("x", 1.0, 1.0),
                "cell": lambda: b.add_cell("x", 1.0, 1.0),
                "pin": lambda: b.add_pin("x", "owner"),
            }[kind]()

    return make


@pytest.mark.parametrize(
    ("make", "cause"),
    [
        *[
            (_twice(a, b), "'x' is used twice")
            for a in ("port", "macro", "cell", "pin")
            for b in ("port", "macro", "cell", "pin")
            if (a, b) != ("pin", "pin")
        ],
        (lambda b: b.add_macro("m", 0.0, 1.0), "'m' has width 0"),
        (lambda b: b.add_macro("m", 1.0, -1.0), "'m' has height -1"),
        (lambda b: b.add_macro("m", math.nan, 1.0), "'m' has width nan"),
        (lambda b: b.add_macro("m", 1.0, math.inf, soft=True), "'m' has height inf"),
        (lambda b: b.add_cell("c", -1.0, 1.0), "'c' has width -1"),
        (lambda b: b.add_pin("p", "nobody"), "'nobody', which is not a macro"),
        (lambda b: (b.add_port("a"), b.add_pin("p", "a")), "'a', which is not a macro"),
        (lambda b: (b.add_macro("m", 1, 1), b.add_pin("p", "m", math.nan)), "offset that is not finite"),
        (lambda b: (b.add_port("a"), b.add_net("a", ["a"], 0.0)), "weight 0.0; it must be positive"),
        (lambda b: (b.add_port("a"), b.add_net("a", ["a"], math.nan)), "weight nan"),
        (lambda b: (b.add_port("a"), b.add_net("a", ["b"]), b.build()), "'b', which does not exist"),
        (lambda b: (b.add_port("a"), b.add_net("b", ["a"]), b.build()), "'b', which does not exist"),
        (lambda b: (b.add_macro("m", 1, 1), b.add_net("m", []), b.build()), "'m', which does not exist"),
        (lambda b: (b.add_port("a"), b.add_net("a", ["a"]), b.add_net("a", []), b.build()), "source of two nets"),
        (lambda b: b.build(), "no node"),
    ],
)
def test_what_is_refused(make: Callable[[NetlistBuilder], object], cause: str) -> None:
    with pytest.raises(NetlistError, match=cause):
        make(NetlistBuilder("n"))


def test_soft_macro_may_be_empty() -> None:
    b = NetlistBuilder("n")
    b.add_macro("Grp_0", 0.0, 0.0, soft=True)
    assert b.build().node_w_um.tolist() == [0.0]


def test_hash_sees_what_costs_see_and_nothing_else() -> None:
    nl = sample().build()
    assert nl.content_hash == sample("another name").build().content_hash
    assert len(nl.content_hash) == 64

    annotated = sample()
    annotated.metadata.append(("note", 1.0))
    assert annotated.build().content_hash == nl.content_hash

    def changed(edit: Callable[[NetlistBuilder], object]) -> str:
        b = sample()
        edit(b)
        return b.build().content_hash

    others = {
        sample(weight=3.0).build().content_hash,
        changed(lambda b: b.add_port("more")),
        changed(lambda b: b.add_pin("ram/d", "ram")),
        changed(lambda b: b.add_net("inv", ["in"])),
        _hash_with_ram(4.0, 2.5, 1.5),
        _hash_with_ram(4.0, 2.0, 1.25),
    }
    assert len(others) == 6
    assert nl.content_hash not in others
    assert _hash_with_ram(4.0, 2.0, 1.5) == _hash_with_ram(4.0, 2.0, 1.5)


def _hash_with_ram(w_um: float, h_um: float, dx_um: float) -> str:
    b = NetlistBuilder("n")
    b.add_macro("ram", w_um, h_um)
    b.add_pin("ram/q", "ram", dx_um, 0.0)
    return b.build().content_hash


def test_names_cannot_be_shifted_between_nodes_in_the_hash() -> None:
    def named(*names: str) -> Netlist:
        b = NetlistBuilder("n")
        for name in names:
            b.add_port(name)
        return b.build()

    assert named("ab", "c").content_hash != named("a", "bc").content_hash


def test_networkx_graph_has_one_edge_a_sink() -> None:
    nl = sample().build()
    g = nl.to_networkx()
    assert isinstance(g, nx.MultiDiGraph)
    assert g.graph == {"name": "sample", "netlist_hash": nl.content_hash}
    assert dict(g.nodes["ram"]) == {"kind": "hard", "w_um": 4.0, "h_um": 2.0}
    assert [g.nodes[n]["kind"] for n in g] == ["port", "hard", "soft", "cell"]
    edges = sorted((u, v, d["net"], d["weight"], d["source_pin"], d["sink_pin"]) for u, v, d in g.edges(data=True))
    assert edges == [
        ("in", "Grp_0", 0, 1.0, "in", "Grp_0/a"),
        ("ram", "Grp_0", 1, 2.0, "ram/q", "Grp_0/a"),
        ("ram", "in", 1, 2.0, "ram/q", "in"),
        ("ram", "inv", 1, 2.0, "ram/q", "inv"),
    ]


@pytest.mark.parametrize("name", ["", "a\nb"])
def test_names_that_the_hash_could_confuse_are_refused(name: str) -> None:
    with pytest.raises(NetlistError, match="is not a name"):
        NetlistBuilder("n").add_port(name)
    b = NetlistBuilder("n")
    b.add_macro("m", 1.0, 1.0)
    with pytest.raises(NetlistError, match="is not a name"):
        b.add_pin(name, "m")
