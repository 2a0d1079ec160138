from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.accelerator.noc import link_shares, mesh_links, multicast_shares

SIDES = st.integers(1, 4)


@given(SIDES, SIDES, st.data())
@settings(max_examples=60, deadline=None)
def test_what_enters_a_router_leaves_it(rows: int, columns: int, data: st.DataObject) -> None:
    n = rows * columns
    weights = st.lists(st.integers(0, 5), min_size=n, max_size=n).filter(any)
    sources, sinks = ([w / sum(ws) for w in ws] for ws in (data.draw(weights), data.draw(weights)))
    enters: dict[int, float] = defaultdict(float, enumerate(sources))
    leaves: dict[int, float] = defaultdict(float, enumerate(sinks))
    for (a, b), share in link_shares(rows, columns, sources, sinks).items():
        leaves[a] += share
        enters[b] += share
    assert [enters[i] for i in range(n)] == pytest.approx([leaves[i] for i in range(n)])


@given(SIDES, SIDES)
@settings(max_examples=20, deadline=None)
def test_links_join_neighbours_both_ways(rows: int, columns: int) -> None:
    links = mesh_links(rows, columns)
    assert len(set(links)) == len(links) == 2 * (rows * (columns - 1) + columns * (rows - 1))
    for a, b in links:
        assert abs(a // columns - b // columns) + abs(a % columns - b % columns) == 1
        assert (b, a) in links


def test_shares_of_a_square_by_hand() -> None:
    even = [0.25] * 4
    # A link of a row carries its own router's traffic to the two routers of the other column.
    assert link_shares(2, 2, even, even) == dict.fromkeys(mesh_links(2, 2), 0.125)
    # All of it goes along the row first, then up.
    assert {k: v for k, v in link_shares(2, 2, [1, 0, 0, 0], [0, 0, 0, 1]).items() if v} == {(0, 1): 1.0, (1, 3): 1.0}


@given(SIDES, SIDES, st.data())
@settings(max_examples=40, deadline=None)
def test_a_multicast_reaches_every_router_once(rows: int, columns: int, data: st.DataObject) -> None:
    n = rows * columns
    source = data.draw(st.integers(0, n - 1))
    used = [link for link, v in multicast_shares(rows, columns, [float(i == source) for i in range(n)]).items() if v]
    assert sorted([b for _, b in used] + [source]) == list(range(n))
