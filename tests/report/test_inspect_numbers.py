"""Counts, sizes and histograms of designs small enough to count by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from floorplan.formats.design import Design
from floorplan.inspection import Inspection, inspect_design
from floorplan.inspection.unmet import union_area
from floorplan.netlist import Canvas, NetlistBuilder, Placement, Problem
from floorplan.report.inspect_bins import bins


def small() -> Problem:
    """Three 10 x 20 macros (one fixed), one of 30 x 30, a soft macro, a cell and two ports on 100 x 100 um."""
    b = NetlistBuilder("small")
    b.add_port("in")
    b.add_port("out")
    for i in range(3):
        b.add_macro(f"ram_{i}", 10.0, 20.0)
        b.add_pin(f"ram_{i}/i", f"ram_{i}", -5.0, 0.0)
        b.add_pin(f"ram_{i}/o", f"ram_{i}", 5.0, 0.0)
    b.add_macro("pll", 30.0, 30.0)
    b.add_pin("pll/o", "pll")
    b.add_macro("Grp_0", 10.0, 10.0, soft=True)
    b.add_pin("Grp_0/i", "Grp_0")
    b.add_pin("Grp_0/o", "Grp_0")
    b.add_cell("g", 1.0, 2.0)
    b.add_net("in", ["ram_0/i", "ram_1/i", "ram_2/i"], 2.0)
    b.add_net("ram_0/o", ["Grp_0/i"])
    b.add_net("Grp_0/o", ["g", "out"], 4.0)
    b.add_net("pll/o", ["g"])
    nl = b.build()
    x, y = np.full(nl.num_nodes, 50.0), np.full(nl.num_nodes, 50.0)
    placed = np.zeros(nl.num_nodes, np.bool_)
    for name, at in {"in": (0.0, 50.0), "out": (100.0, 50.0), "ram_0": (10.0, 10.0)}.items():
        x[nl.node_id[name]], y[nl.node_id[name]] = at
        placed[nl.node_id[name]] = True
    fixed = np.zeros(nl.num_nodes, np.bool_)
    fixed[nl.node_id["ram_0"]] = True
    start = Placement(x, y, np.zeros(nl.num_nodes, np.uint8), placed)
    return Problem(nl, Canvas(100.0, 100.0, 10, 10, 10.0, 10.0), start, fixed=fixed)


def look(problem: Problem, master: tuple[str, ...] = ()) -> Inspection:
    return inspect_design(Design(problem, "json", (Path("small.json"),), master=master), rent_up_to=0)


def test_counts_and_areas() -> None:
    c = look(small()).counts
    assert (c.hard_macros, c.fixed_hard_macros, c.soft_macros, c.cells, c.ports) == (4, 1, 1, 1, 2)
    assert (c.pins, c.hard_macro_pins, c.soft_macro_pins) == (12, 7, 2)
    assert (c.nets, c.terminals, c.placed, c.placed_hard_macros) == (4, 11, 3, 1)
    a = look(small()).areas
    assert (a.canvas, a.hard, a.fixed_hard, a.soft) == (10_000.0, 1_500.0, 200.0, 102.0)
    assert a.hard_utilisation == 0.15
    assert a.utilisation == 0.1602


def test_equal_macros_are_one_group_and_the_largest_area_leads() -> None:
    pll, ram = look(small()).sizes
    assert (pll.label, pll.count, pll.width_um, pll.pins, pll.fixed) == ("pll", 1, 30.0, 1.0, 0)
    assert (ram.label, ram.count, ram.height_um, ram.pins, ram.fixed) == ("ram_*", 3, 20.0, 2.0, 1)
    assert (ram.area_um2, ram.example) == (600.0, "ram_0")


def test_library_cells_name_groups_and_keep_equal_sizes_apart() -> None:
    problem = small()
    master = tuple(
        {"ram_0": "SRAM_A", "ram_1": "SRAM_A", "ram_2": "SRAM_B", "pll": "PLL"}.get(n, "")
        for n in problem.netlist.node_name
    )
    assert [(g.label, g.count) for g in look(problem, master).sizes] == [("PLL", 1), ("SRAM_A", 2), ("SRAM_B", 1)]


def test_degrees_fan_outs_and_weights() -> None:
    found = look(small())
    assert found.degree.histogram == ((2, 2), (3, 1), (4, 1))
    assert (found.degree.mean, found.degree.median, found.degree.largest) == (2.75, 2.5, 4)
    assert found.fan_out.histogram == ((1, 2), (2, 1), (3, 1))
    w = found.weights
    assert (w.least, w.mean, w.largest, w.total, w.distinct, w.not_one) == (1.0, 2.0, 4.0, 8.0, 3, 2)
    assert found.components == (1, 8)  # ram_0 ties the RAMs to the rest


def test_bins_are_exact_below_six_and_hold_every_value() -> None:
    assert bins([(2, 5), (4, 1), (7, 2), (100, 3)]) == [
        ("2", 5),
        ("3", 0),
        ("4", 1),
        ("5", 0),
        ("6-10", 2),
        ("11-20", 0),
        ("21-50", 0),
        ("51-100", 3),
    ]
    assert bins([]) == []
    assert bins([(300, 2)]) == [("6-10", 0), ("11-20", 0), ("21-50", 0), ("51-100", 0), ("101-200", 0), ("201-500", 2)]
    every = [(v, v) for v in range(1, 3000, 7)]
    assert sum(n for _, n in bins(every)) == sum(v for v, _ in every)


def test_area_of_a_union_counts_overlaps_once() -> None:
    assert union_area([]) == 0.0
    assert union_area([(0, 0, 2, 2), (1, 1, 3, 3), (1, 1, 3, 3)]) == pytest.approx(7.0)
    assert union_area([(0, 0, 1, 10), (5, 0, 6, 10), (0, 4, 6, 5)]) == pytest.approx(24.0)
