"""Routed length: pin factors, boxes and detours."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from floorplan.estimate.length import MOST_DETOUR, box_means, detours, net_boxes_um, pin_factor, terminals
from floorplan.netlist import Canvas, NetlistBuilder, Placement
from tests.estimate.chips import small_chip


def test_pin_factors_are_those_of_vpr() -> None:
    pins = [1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 25, 30, 40, 50, 60]
    want = [1, 1, 1, 1.0828, 1.1536, 1.2206, 1.3385, 1.4493, 1.6899, 1.8924, 2.0743, 2.2334, 2.5356, 2.7933]
    got = pin_factor(pins)
    assert got[:-1] == pytest.approx(want)
    assert got[-1] == pytest.approx(2.7933 + 10 * 0.02616)
    assert (np.diff(pin_factor(np.arange(1, 200))) >= 0).all()


def test_one_pin_and_zero_length_nets_have_no_length() -> None:
    b = NetlistBuilder("odd")
    b.add_macro("a", 10.0, 10.0)
    b.add_pin("a/o", "a", 1.0, 2.0)
    b.add_pin("a/p", "a", 1.0, 2.0)
    b.add_pin("a/q", "a", -3.0, 2.0)
    b.add_net("a/o", ["a/p"])
    nl = b.build()
    t = terminals(nl)
    boxes = net_boxes_um(t, Placement([5.0], [5.0], [0], [True]))
    assert boxes.hpwl_um.tolist() == [0.0]
    assert t.pins.tolist() == [1.0]


def test_boxes_meet_the_cost_engine() -> None:
    from floorplan.cost import CostEngine

    chip = small_chip()
    p = chip.problem.initial.replace(orient=np.arange(9) % 4)
    want = CostEngine(chip.problem).net_hpwl_um(p)
    assert net_boxes_um(terminals(chip.problem.netlist), p).hpwl_um == pytest.approx(want, rel=1e-12)


def test_box_means_are_means_over_the_cells_of_the_box() -> None:
    cv = Canvas(40.0, 20.0, 4, 2, 1.0, 1.0)
    cells = np.arange(8.0).reshape(2, 4)
    one = SimpleNamespace(
        x0_um=np.array([11.0, 0.0, 39.0]),
        x1_um=np.array([29.0, 40.0, 39.0]),
        y0_um=np.array([1.0, 0.0, 19.0]),
        y1_um=np.array([2.0, 20.0, 19.0]),
    )
    assert box_means(cells, one, cv).tolist() == [1.5, 3.5, 7.0]


def test_detours_come_from_overflow_alone_and_are_bounded() -> None:
    cv = Canvas(40.0, 20.0, 4, 2, 1.0, 1.0)
    whole = SimpleNamespace(x0_um=np.zeros(1), x1_um=np.full(1, 40.0), y0_um=np.zeros(1), y1_um=np.full(1, 20.0))

    def maps(level: float) -> SimpleNamespace:
        return SimpleNamespace(h=np.full((2, 4), level), v=np.full((2, 4), level))

    assert detours(maps(1.0), whole, cv, 0.5).tolist() == [0.0]
    assert detours(maps(1.1), whole, cv, 0.5) == pytest.approx([0.05])
    assert detours(maps(50.0), whole, cv, 0.5).tolist() == [MOST_DETOUR]
