"""Each kernel against a slow twin or a property it must have."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soft_problems import random_problem

from floorplan.cost import CostEngine
from floorplan.cost.kernels.congestion import route_nets
from floorplan.soft.kernels.forces import attract, prepare, repel
from floorplan.soft.kernels.maps import fill_level, hinge, kth_largest, locate, ramp, route_net, update_prices
from floorplan.soft.kernels.push import free_room, push, sort_by
from floorplan.soft.kernels.sweep import density_change
from floorplan.soft.nets import build_nets
from floorplan.soft.quadratic import QuadraticPlacer, Sweep
from floorplan.soft.springs import build_springs

unhurried = settings(deadline=None)  # the first call compiles
finite = st.floats(-5, 5, allow_nan=False)


@unhurried
@given(finite, finite, st.floats(0.01, 2))
def test_hinge_is_the_integral_of_its_ramp(value: float, t: float, width: float) -> None:
    slope = (hinge(value + 1e-6, t, width) - hinge(value - 1e-6, t, width)) / 2e-6
    assert slope == pytest.approx(ramp(value, t, width), abs=1e-4)
    assert hinge(value, t, width) >= max(value - t, 0.0) - 1e-12
    assert hinge(t + 10 * width, t, width) == pytest.approx(10 * width, rel=1e-9)


@unhurried
@given(st.lists(finite, min_size=1, max_size=60), st.data())
def test_kth_largest_is_that_of_a_sort(values: list[float], data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(values)))
    assert kth_largest(np.array(values), len(values), k, np.empty(len(values))) == sorted(values)[-k]


@unhurried
@given(st.lists(st.floats(0, 3), min_size=1, max_size=40), st.floats(0, 50))
def test_fill_level_takes_the_area(dens: list[float], area: float) -> None:
    level = fill_level(np.array(dens), area)
    assert np.maximum(level - np.array(dens), 0).sum() == pytest.approx(area, abs=1e-6)


@unhurried
@given(st.lists(st.integers(0, 9), max_size=80))
def test_sort_by_is_stable_by_id(keys: list[int]) -> None:
    k = np.array(keys, np.float64)
    ids = np.random.default_rng(0).permutation(len(keys)).astype(np.int32)
    sort_by(k, ids, 0, len(ids), np.empty_like(ids))
    assert ids.tolist() == sorted(range(len(keys)), key=lambda i: (keys[i], i))


@pytest.mark.parametrize("seed", range(5))
def test_push_leaves_little_without_room(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, rows, cols = 400, 6, 9
    x, y = rng.normal(45, 3, n), rng.normal(30, 3, n)
    area = rng.uniform(0.02, 0.06, n)
    room = rng.uniform(0, 1, (rows, cols))
    room *= 1.3 * area.sum() / room.sum()
    ids, tmp = np.empty(n, np.int32), np.empty(n, np.int32)
    push(x, y, area, room, 10.0, 10.0, ids, tmp, np.empty((128, 6), np.int64), np.empty((rows + 1, cols + 1)))
    assert ((x >= 0) & (x <= 90) & (y >= 0) & (y <= 60)).all()
    eps = 1e-9
    filled = np.zeros((rows, cols))
    for i in range(n):
        # A macro on an edge may belong to the cell on either side: count it where there is more room left.
        near_r = {min(max(int((y[i] + e) // 10), 0), rows - 1) for e in (-eps, eps)}
        near_c = {min(max(int((x[i] + e) // 10), 0), cols - 1) for e in (-eps, eps)}
        cells = [(r, c) for r in sorted(near_r) for c in sorted(near_c)]
        filled[max(cells, key=lambda k: room[k] - filled[k])] += area[i]
    assert np.maximum(filled - room, 0).sum() < 0.2 * area.sum()
    assert filled.sum() == pytest.approx(area.sum())


def test_push_moves_nothing_that_has_room() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.uniform(0, 90, 50), rng.uniform(0, 60, 50)
    before = x.copy(), y.copy()
    ids = np.empty(50, np.int32)
    room = np.full((6, 9), 1e3)
    push(x, y, np.ones(50), room, 10.0, 10.0, ids, ids.copy(), np.empty((128, 6), np.int64), np.empty((7, 10)))
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(y, before[1])


def test_free_room_is_raised_until_all_fits() -> None:
    dens = np.array([[0.5, 1.2], [0.0, 0.9]])
    room = np.empty((2, 2))
    free_room(dens, 1.0, 1.0, room)
    np.testing.assert_allclose(room, [[0.5, 0.0], [1.0, 0.1]])
    free_room(dens, 3.0, 1.0, room)
    assert 3.0 <= room.sum() < 3.2


def test_merged_nets_keep_wirelength_and_demand() -> None:
    problem = random_problem(9, nets=200)
    nl, cv = problem.netlist, problem.canvas
    placement = QuadraticPlacer(problem).place(problem.initial)
    engine = CostEngine(problem)
    full = engine.full(placement)
    a, nets = engine.arrays, build_nets(problem)
    assert len(nets.weight) <= nl.num_nets
    soft = problem.movable_soft
    px = np.concatenate([placement.x_um[soft], placement.x_um[nets.fixed_node] + nets.fixed_dx])
    py = np.concatenate([placement.y_um[soft], placement.y_um[nets.fixed_node] + nets.fixed_dy])
    total = 0.0
    for e in range(len(nets.weight)):
        p = nets.point[nets.ptr[e] : nets.ptr[e + 1]]
        total += nets.weight[e] * (np.ptp(px[p]) + np.ptp(py[p]))
    assert total == pytest.approx(full.wirelength_um, rel=1e-12)

    row = np.array([locate(v, cv.cell_h_um, cv.rows) for v in py], np.int32)
    col = np.array([locate(v, cv.cell_w_um, cv.columns) for v in px], np.int32)
    hd, vd = np.zeros((cv.rows, cv.columns + 1)), np.zeros((cv.rows + 1, cv.columns))
    stamp, cells = np.full(cv.num_cells, -1, np.int32), np.empty(cv.num_cells, np.int32)
    for e in range(len(nets.weight)):
        route_net(nets.point, nets.ptr[e], nets.ptr[e + 1], row, col, e, nets.demand[e], stamp, cells, hd, vd)
    tx, ty = placement.x_um[a.term_node] + a.term_dx, placement.y_um[a.term_node] + a.term_dy
    cell = np.array([locate(v, cv.cell_h_um, cv.rows) for v in ty]) * cv.columns
    cell += np.array([locate(v, cv.cell_w_um, cv.columns) for v in tx])
    want_h, want_v = np.empty_like(hd), np.empty_like(vd)
    route_nets(a.net_ptr, a.net_demand, cell.astype(np.int32), cv.columns, stamp, cells, want_h, want_v)
    np.testing.assert_allclose(hd, want_h, atol=1e-9)
    np.testing.assert_allclose(vd, want_v, atol=1e-9)


def test_each_place_of_a_macro_on_a_net_sees_the_other_points_source_first() -> None:
    nets = build_nets(random_problem(10, nets=200))
    for s in range(len(nets.w)):
        for j in range(nets.of_ptr[s], nets.of_ptr[s + 1]):
            e = nets.of[j]
            whole = nets.point[nets.ptr[e] : nets.ptr[e + 1]].tolist()
            rest = nets.other[nets.other_ptr[j] : nets.other_ptr[j + 1]].tolist()
            assert rest == [p for p in whole if p != s]
            assert bool(nets.of_source[j]) == (whole[0] == s)


@unhurried
@given(st.floats(0, 90), st.floats(0, 60), st.floats(0.1, 40), st.floats(0.1, 40), st.integers(0, 100))
def test_density_change_is_a_difference_of_sums(x: float, y: float, w: float, h: float, seed: int) -> None:
    from floorplan.cost.kernels.density import add_area

    dens = np.random.default_rng(seed).uniform(0, 2, (6, 9))
    after = dens.copy()
    add_area(x, y, w, h, 10.0, 10.0, 0.01, after)
    want = sum(hinge(b, 1.0, 0.1) - hinge(a, 1.0, 0.1) for a, b in zip(dens.ravel(), after.ravel(), strict=True))
    assert density_change(x, y, w, h, 10.0, 10.0, dens, 1.0, 0.1) == pytest.approx(want, abs=1e-9)


@pytest.mark.parametrize("smooth", [0, 1, 3])
def test_a_price_is_the_slope_of_the_summed_hinges(smooth: int) -> None:
    from floorplan.soft.kernels.maps import congestion_maps

    rng = np.random.default_rng(smooth)
    rows, cols = 5, 7
    hd, vd = np.zeros((rows, cols + 1)), np.zeros((rows + 1, cols))
    hd[:, :cols], vd[:rows] = rng.uniform(-1, 2, (rows, cols)), rng.uniform(-1, 2, (rows, cols))
    block = rng.uniform(0, 0.5, (2, rows, cols))
    H, V = np.empty((rows, cols)), np.empty((rows, cols))
    pad = 16
    ph, pht = np.zeros((rows, cols + 1 + pad)), np.zeros((cols + 1, rows + pad))
    pv, pvt = np.zeros((rows + 1, cols + pad)), np.zeros((cols, rows + 1 + pad))

    def total() -> float:
        congestion_maps(hd, vd, 0.2, 0.3, smooth, block[0], block[1], H, V)
        return sum(hinge(v, 0.5, 0.3) for v in (*H.ravel(), *V.ravel()))

    before = total()
    update_prices(H, V, 0.5, 0.3, 0.2, 0.3, smooth, ph, pht, pv, pvt)
    for r, c in [(0, 0), (2, 3), (4, 6)]:
        for d, table, (r1, c1) in ((hd, ph, (r, c + 1)), (vd, pv, (r + 1, c))):
            d[r, c] += 1e-6
            d[r1, c1] -= 1e-6
            assert (total() - before) / 1e-6 == pytest.approx(table[r1, c1] - table[r, c], abs=1e-4)
            d[r, c] -= 1e-6
            d[r1, c1] += 1e-6
    np.testing.assert_array_equal(ph[:, : cols + 1], pht[:, :rows].T)
    np.testing.assert_array_equal(pv[:, :cols], pvt[:, : rows + 1].T)


def test_sweeps_lower_the_proxy() -> None:
    problem = random_problem(11, soft=60, nets=400)
    engine = CostEngine(problem)
    cost = [
        engine.full(QuadraticPlacer(problem, sweeps=(Sweep(),) * k, trial=()).place(problem.initial)).proxy
        for k in (0, 1, 4)
    ]
    assert cost[1] < cost[0]
    assert cost[2] < cost[0]


def test_attraction_adds_up_over_nets() -> None:
    problem = random_problem(12, nets=200)
    nl = problem.netlist
    springs = build_springs(problem, "star")
    soft = springs.soft
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 80, nl.num_nodes)
    hold = np.bincount(springs.anchor_soft, springs.anchor_k, len(soft))
    pull = np.bincount(springs.anchor_soft, springs.anchor_k * x[springs.anchor_node] + springs.anchor_kdx, len(soft))
    force = np.zeros(len(soft))
    attract(springs.pair_a, springs.pair_b, springs.pair_k, hold, pull, 2.0, x[soft], force)
    want = np.zeros(nl.num_nodes)
    kind_dx = np.where(nl.node_kind[nl.pin_node] == 0, nl.pin_dx_um, 0.0)
    for e in range(nl.num_nets):
        pins = nl.net_pin[nl.net_ptr[e] : nl.net_ptr[e + 1]]
        for sink in pins[1:]:
            a, b = nl.pin_node[pins[0]], nl.pin_node[sink]
            f = 2.0 * nl.net_weight[e] * (x[b] + kind_dx[sink] - x[a] - kind_dx[pins[0]])
            want[a] += f
            want[b] -= f
    np.testing.assert_allclose(force, want[soft], atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_repulsion_is_that_of_all_overlapping_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, soft = 40, 30
    x, y = rng.uniform(0, 50, n), rng.uniform(0, 50, n)
    x[1], y[1] = x[0], y[0]
    w, h = rng.uniform(2, 15, n), rng.uniform(2, 15, n)
    fx, fy = np.zeros(soft), np.zeros(soft)
    want = np.zeros((2, n))
    for a in range(n):
        for b in range(a + 1, n):
            dx, dy = x[a] - x[b], y[a] - y[b]
            if abs(dx) < (w[a] + w[b]) / 2 and abs(dy) < (h[a] + h[b]) / 2:
                d = np.hypot(dx, dy)
                push_ = np.array([dx, dy]) / d * 3.0 if d > 0 else np.array([-3.0, -3.0])
                want[:, a] += push_
                want[:, b] -= push_
    rank, box = np.empty(n, np.int32), np.empty((4, n))
    prepare(x, y, w, h, soft, rank, box)
    for _ in range(2):
        fx[:] = fy[:] = 0.0
        repel(x, y, w, h, soft, rank, box, 3.0, fx, fy)
        np.testing.assert_allclose([fx, fy], want[:, :soft], atol=1e-9)
