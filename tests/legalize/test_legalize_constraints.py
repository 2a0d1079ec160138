"""The legaliser under constraints: what comes out keeps all of them, or the error says that nothing does."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.errors import InfeasibleProblemError
from floorplan.legalize import legalize
from floorplan.legalize.ground import ground_of
from floorplan.legalize.standing import Standing
from floorplan.netlist import Blockage, Region, Snap, check_legality
from tests.constraint_cases import KINDS, brute_force_legal, constrained, plain, spread


@settings(max_examples=20, deadline=None)
@given(kind=st.sampled_from(KINDS), seed=st.integers(0, 10**6))
def test_what_comes_out_keeps_every_constraint(kind: str, seed: int) -> None:
    p = constrained(kind, seed)
    try:
        out = legalize(p, spread(p, seed), tries=100)
    except InfeasibleProblemError:
        return
    legality = check_legality(p, out)
    assert legality.legal, legality.summary()
    assert brute_force_legal(p, out)
    again = legalize(p, out, tries=0)
    assert np.array_equal(again.x_um, out.x_um)
    assert np.array_equal(again.y_um, out.y_um)


@pytest.mark.parametrize("kind", KINDS)
def test_few_problems_are_given_up(kind: str) -> None:
    done = 0
    for seed in range(4):
        p = constrained(kind, seed)
        try:
            done += brute_force_legal(p, legalize(p, spread(p, seed), tries=0))
        except InfeasibleProblemError:
            continue
    assert done >= 3


def test_a_soft_blockage_is_left_where_there_is_room() -> None:
    p = plain(3).replace(blockages=(Blockage(0.0, 0.0, 100.0, 40.0, hard=False),))
    at = spread(p, 1)
    out = legalize(p, at)
    assert not check_legality(p, out).warnings
    # No room beside it: covered, but legal.
    p = p.replace(blockages=(Blockage(0.0, 0.0, 100.0, 89.0, hard=False),))
    legality = check_legality(p, legalize(p, at))
    assert legality.legal
    assert legality.warnings


def test_movement_is_least_on_a_grid() -> None:
    p = plain(4, hard=1, soft=0).replace(snap=Snap(7.0, 5.0, 1.0, 2.0))
    (i,) = p.netlist.hard.tolist()
    w, h = p.netlist.node_w_um[i], p.netlist.node_h_um[i]
    x, y = p.initial.x_um.copy(), p.initial.y_um.copy()
    x[i], y[i] = 1 + 7 * 4 + w / 2 + 3.0, 2 + 5 * 6 + h / 2 + 3.0
    out = legalize(p, p.initial.replace(x, y, placed=np.ones(len(x), np.bool_)))
    assert out.x_um[i] - w / 2 == pytest.approx(29.0)
    assert out.y_um[i] - h / 2 == pytest.approx(37.0)


def test_macros_go_to_the_rectangle_of_a_region_that_has_room() -> None:
    p = plain(5, hard=2, soft=0)
    a, b = p.netlist.hard.tolist()
    w, h = p.netlist.node_w_um[[a, b]].max() + 0.5, p.netlist.node_h_um[[a, b]].max() + 0.5
    rects = np.array([[0, 0, w, h], [100 - w, 90 - h, 100, 90]])
    region = np.full(p.netlist.num_nodes, -1, np.int32)
    region[[a, b]] = 0
    p = p.replace(regions=(Region("two", rects),), region=region)
    x, y = np.full(p.netlist.num_nodes, 10.0), np.full(p.netlist.num_nodes, 10.0)
    at = p.initial.replace(np.where(p.fixed, 0, x), np.where(p.fixed, 0, y), placed=np.ones(len(x), np.bool_))
    out = legalize(p, at)
    assert brute_force_legal(p, out)
    assert {bool(out.x_um[a] > 50), bool(out.x_um[b] > 50)} == {True, False}


def test_infeasible_constraints_are_named() -> None:
    p = plain(6)
    region = np.full(p.netlist.num_nodes, -1, np.int32)
    region[p.netlist.hard[0]] = 0
    small = p.replace(regions=(Region("nook", np.array([[0.0, 0.0, 9.0, 7.0]])),), region=region)
    at = spread(p, 0)
    with pytest.raises(InfeasibleProblemError, match="fits in no rectangle of its region 'nook'"):
        legalize(small, at)
    whole = p.replace(regions=(Region("all", np.array([[1.0, 1.0, 99.0, 89.0]]), True),), region=region)
    with pytest.raises(InfeasibleProblemError, match="fits nowhere \\(given fences of others"):
        legalize(whole, at)
    with pytest.raises(InfeasibleProblemError, match="grid of 500 x 500 um"):
        legalize(p.replace(snap=Snap(500.0, 500.0, 95.0, 85.0)), at)
    region[p.netlist.hard] = 0
    full = p.replace(regions=(Region("tight", np.array([[0.0, 0.0, 20.0, 20.0]])),), region=region)
    with pytest.raises(InfeasibleProblemError, match="macros of region 'tight' take"):
        legalize(full, at)


@settings(max_examples=25, deadline=None)
@given(kind=st.sampled_from(KINDS), seed=st.integers(0, 10**6))
def test_ground_is_where_a_macro_alone_is_legal(kind: str, seed: int) -> None:
    """A point lies in a macro's ground if and only if nothing but blockages and other macros speaks against it."""
    p = constrained(kind, seed, 3)
    p = p.replace(blockages=())
    rng = np.random.default_rng(seed)
    at = spread(p, seed)
    nodes = p.movable_hard
    ground = ground_of(p, nodes, at.orient[nodes])
    for k, node in enumerate(nodes.tolist()):
        for _ in range(5):
            x, y = at.x_um.copy(), at.y_um.copy()
            rect = ground.rect[ground.ptr[k] : ground.ptr[k + 1]]
            x[node], y[node] = rng.uniform(0, 100), rng.uniform(0, 90)
            if len(rect) and rng.random() < 0.5:
                r = rect[rng.integers(len(rect))]
                x[node], y[node] = rng.uniform(r[0], r[2]), rng.uniform(r[1], r[3])
            spot = ground.snapped(np.stack([x[nodes], y[nodes]]))[:, k]
            x[node], y[node] = spot
            inside = any(r[0] - 1e-7 <= spot[0] <= r[2] + 1e-7 and r[1] - 1e-7 <= spot[1] <= r[3] + 1e-7 for r in rect)
            name = p.netlist.node_name[node]
            kinds = ("outside", "boundary_spacing", "region", "fence", "off_grid")
            against = [v for v in check_legality(p, at.replace(x, y)).violations if v.nodes[0] == name]
            assert inside == (not [v for v in against if v.kind in kinds])


@settings(max_examples=15, deadline=None)
@given(kind=st.sampled_from(KINDS), seed=st.integers(0, 10**6))
def test_one_macro_may_stand_where_legality_lets_it(kind: str, seed: int) -> None:
    """`Standing` judges what binds a macro beyond canvas, hard blockages and spacing, as legality does."""
    p = constrained(kind, seed, 4).replace(macro_spacing_um=0.0)
    try:
        at = legalize(p, spread(p, seed), tries=0)
    except InfeasibleProblemError:
        return
    standing, rng = Standing(p, at), np.random.default_rng(seed)
    for node in p.movable_hard.tolist():
        for _ in range(6):
            spot = standing.near(node, rng.uniform(0, 100), rng.uniform(0, 90))
            assert spot is not None
            x, y = at.x_um.copy(), at.y_um.copy()
            clear = standing.clear(node, *spot, x, y)
            before = check_legality(p, at).warnings
            x[node], y[node] = spot
            report = check_legality(p, at.replace(x, y))
            assert not [v for v in report.violations if v.kind in ("region", "fence", "off_grid", "outside")]
            halo = [v for v in report.violations if v.kind in ("halo", "overlap")]
            if not p.soft_blockages:
                assert clear == (not halo)
            elif clear:
                assert not halo
                assert before or not report.warnings


def test_macros_bound_alike_have_one_key() -> None:
    p = plain(0, hard=4, soft=0)
    a, b, c, d = p.netlist.hard.tolist()
    region = np.full(p.netlist.num_nodes, -1, np.int32)
    region[[a, b]] = 0
    p = p.replace(regions=(Region("r", np.array([[0.0, 0.0, 60.0, 60.0]])),), region=region)
    same = p.netlist.node_w_um.copy(), p.netlist.node_h_um.copy()
    for size in same:
        size[[a, b, c, d]] = 10.0
        size.flags.writeable = False
    p = p.replace(netlist=dataclasses.replace(p.netlist, node_w_um=same[0], node_h_um=same[1]))
    standing = Standing(p, spread(p, 0).replace(orient=np.zeros(p.netlist.num_nodes, np.uint8)))
    assert standing.key(a) == standing.key(b) != standing.key(c) == standing.key(d)
