"""Each suspicion on a design that earns it, and none of it on one that does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from floorplan.formats.design import Design
from floorplan.inspection import Suspicion, inspect_design
from floorplan.inspection.suspicion import MOST_ITEMS
from floorplan.netlist import Blockage, Canvas, NetlistBuilder, Placement, Problem, Region, Snap

CANVAS = Canvas(100.0, 80.0, 10, 8, 10.0, 10.0)


def suspicions(problem: Problem) -> dict[str, Suspicion]:
    found = inspect_design(Design(problem, "json", (Path("x.json"),)), rent_up_to=0).suspicions
    assert len({s.kind for s in found}) == len(found)
    assert [s.rank for s in found] == sorted(s.rank for s in found)
    return {s.kind: s for s in found}


def pair() -> NetlistBuilder:
    """Two connected macros of 20 x 20 um and a port."""
    b = NetlistBuilder("pair")
    b.add_port("in")
    for name in ("a", "b"):
        b.add_macro(name, 20.0, 20.0)
        b.add_pin(f"{name}/i", name, -10.0, 0.0)
    b.add_net("in", ["a/i", "b/i"])
    return b


def placed(b: NetlistBuilder, at: dict[str, tuple[float, float]] | None = None, **more: object) -> Problem:
    """Return the problem with the port on the left edge, the macros unplaced but for those of `at`."""
    nl = b.build()
    where = {"in": (0.0, 40.0)} | (at or {})
    start = Placement(
        np.array([where.get(n, (0.0, 0.0))[0] for n in nl.node_name]),
        np.array([where.get(n, (0.0, 0.0))[1] for n in nl.node_name]),
        np.zeros(nl.num_nodes, np.uint8),
        np.array([n in where for n in nl.node_name]),
    )
    fixed = np.array([n in (at or {}) for n in nl.node_name])
    return Problem(nl, CANVAS, start, **({"fixed": fixed} | more))  # type: ignore[arg-type]  # what a case needs


def test_a_sound_design_has_none() -> None:
    assert suspicions(placed(pair())) == {}


def with_lonely_macro() -> Problem:
    b = pair()
    b.add_macro("lonely", 5.0, 5.0)
    b.add_pin("lonely/a", "lonely")
    b.add_pin("lonely/b", "lonely")
    return placed(b)


def with_one_pin_net() -> Problem:
    b = pair()
    b.add_pin("a/o", "a")
    b.add_net("a/o", [])
    return placed(b)


def with_inner_net() -> Problem:
    b = pair()
    b.add_pin("a/o", "a")
    b.add_pin("a/p", "a")
    b.add_net("a/o", ["a/p"])
    return placed(b)


def with_double_net() -> Problem:
    b = pair()
    b.add_net("a/i", ["b/i", "in"])
    return placed(b)


def with_repeated_pin() -> Problem:
    b = pair()
    b.add_pin("a/o", "a")
    b.add_net("a/o", ["b/i", "b/i", "b/i"])
    return placed(b)


def with_giant_net() -> Problem:
    b = pair()
    for i in range(101):
        b.add_cell(f"c{i}", 1.0, 1.0)
    b.add_pin("a/o", "a")
    b.add_net("a/o", [f"c{i}" for i in range(101)])
    return placed(b)


def with_island() -> Problem:
    b = pair()
    for name in ("x", "y"):
        b.add_cell(name, 1.0, 1.0)
    b.add_net("x", ["y"])
    return placed(b)


def with_flat_cell() -> Problem:
    b = pair()
    b.add_cell("flat", 3.0, 0.0)
    b.add_net("flat", ["a/i"])
    return placed(b)


def with_far_pin() -> Problem:
    b = pair()
    b.add_pin("b/far", "b", 0.0, 12.5)
    b.add_net("b/far", ["a/i"])
    return placed(b)


def with_big_macro() -> Problem:
    b = pair()
    b.add_macro("big", 90.0, 85.0)
    b.add_pin("big/i", "big")
    b.add_net("big/i", ["a/i"])
    return placed(b)


def with_wide_pair() -> Problem:
    b = pair()
    for name in ("u", "v"):
        b.add_macro(name, 60.0, 45.0)
        b.add_pin(f"{name}/i", name)
        b.add_net(f"{name}/i", ["a/i"])
    return placed(b)


def with_little_room() -> Problem:
    # 800 um2 of macros, 8000 of canvas, all but a strip of 8 um blocked
    return placed(pair(), blockages=(Blockage(0.0, 0.0, 60.0, 80.0), Blockage(40.0, 0.0, 92.0, 80.0)))


def with_full_canvas() -> Problem:
    b = pair()
    b.add_macro("Grp_0", 120.0, 70.0, soft=True)
    b.add_pin("Grp_0/i", "Grp_0")
    b.add_net("Grp_0/i", ["a/i"])
    return placed(b)


def with_many_ports() -> Problem:
    b = pair()
    for i in range(20):
        b.add_port(f"p{i}")
    b.add_net("a/i", [f"p{i}" for i in range(20)])
    return placed(b, {f"p{i}": (0.0, 0.0) for i in range(20)})


CASES: dict[str, tuple[Callable[[], Problem], str, int, list[tuple[str, float]]]] = {
    "unconnected_macro": (with_lonely_macro, "warning", 1, [("lonely", 2)]),
    "single_pin_net": (with_one_pin_net, "warning", 1, [("a/o", 1)]),
    "single_node_net": (with_inner_net, "note", 1, [("a/o", 2)]),
    "duplicate_net": (with_double_net, "note", 1, [("in", 1)]),
    "repeated_pin": (with_repeated_pin, "warning", 1, [("a/o", 2)]),
    "high_fan_out": (with_giant_net, "note", 1, [("a/o", 102)]),
    "disconnected": (with_island, "warning", 1, [("x", 2)]),
    "zero_area": (with_flat_cell, "warning", 1, [("flat", 3.0)]),
    "pin_outside_macro": (with_far_pin, "warning", 1, [("b/far", 2.5)]),
    "macro_too_big": (with_big_macro, "error", 1, [("big", 5.0)]),
    "pair_too_big": (with_wide_pair, "error", 1, [("u and v", 10.0)]),
    "no_room": (with_little_room, "error", 1, [("movable macros", 160.0)]),
    "utilisation": (with_full_canvas, "warning", 1, [("all nodes", 1200.0)]),
    "stacked_ports": (with_many_ports, "warning", 20, [(f"p{i}", 0.0) for i in range(20)]),
    "port_off_edge": (
        lambda: placed(pair(), {"in": (30.0, 40.0)}),
        "warning",
        1,
        [("in", 30.0)],
    ),
    "fixed_overlap": (
        lambda: placed(pair(), {"a": (20.0, 20.0), "b": (35.0, 20.0)}),
        "error",
        1,
        [("a and b", 5.0)],
    ),
    "fixed_outside": (lambda: placed(pair(), {"a": (7.0, 20.0)}), "warning", 1, [("a", 3.0)]),
    "start_overlap": (
        lambda: placed(pair(), {"a": (20.0, 20.0), "b": (35.0, 20.0)}, fixed=np.zeros(3, np.bool_)),
        "note",
        1,
        [("a and b", 5.0)],
    ),
    "start_outside": (
        lambda: placed(pair(), {"a": (7.0, 20.0)}, fixed=np.zeros(3, np.bool_)),
        "note",
        1,
        [("a", 3.0)],
    ),
}


def with_tight_region() -> Problem:
    # 15 x 40 um: too narrow for the macros of 20 x 20 um, and with less area than the two of them
    region = Region("left", np.array([[0.0, 0.0, 15.0, 40.0]]))
    return placed(pair(), regions=(region,), region=np.array([-1, 0, 0]))


def with_crowded_region() -> Problem:
    # each fits, both do not; the part off the canvas counts for nothing
    region = Region("corner", np.array([[0.0, 0.0, 25.0, 25.0], [-50.0, 0.0, 10.0, 25.0]]))
    return placed(pair(), regions=(region,), region=np.array([-1, 0, 0]))


def with_coarse_grid() -> Problem:
    # corners at x = 90 - 150 k: -60 or 90, neither of which keeps 20 um on a canvas of 100 um
    return placed(pair(), snap=Snap(150.0, 10.0, 90.0, 0.0))


CASES["region_too_small"] = (with_tight_region, "error", 2, [("a and left", 5.0), ("b and left", 5.0)])
CASES["region_no_room"] = (with_crowded_region, "error", 1, [("corner", 175.0)])
CASES["snap_too_coarse"] = (with_coarse_grid, "error", 2, [("a", 10.0), ("b", 10.0)])


@pytest.mark.parametrize("kind", CASES)
def test_it_is_named_counted_and_measured(kind: str) -> None:
    make, severity, count, items = CASES[kind]
    found = suspicions(make())
    assert kind in found, sorted(found)
    s = found[kind]
    assert (s.severity, s.count) == (severity, count)
    assert [(i.name, pytest.approx(i.value)) for i in s.items] == items
    assert "{" not in s.what
    assert set(s.to_dict()) == {"kind", "severity", "what", "count", "unit", "items"}


def test_a_macro_that_fits_when_turned_is_not_too_big() -> None:
    b = pair()
    b.add_macro("tall", 30.0, 95.0)
    b.add_pin("tall/i", "tall")
    b.add_net("tall/i", ["a/i"])
    upright, turned = 1, 1 << 4
    as_is, both = np.full(4, upright, np.uint8), np.full(4, upright | turned, np.uint8)
    assert suspicions(placed(b, allowed_orient=as_is))["macro_too_big"].items[0].value == pytest.approx(15.0)
    assert suspicions(placed(b, allowed_orient=both)) == {}
    tight = suspicions(placed(b, allowed_orient=both, boundary_spacing_um=3.0))
    assert tight["macro_too_big"].items[0].value == pytest.approx(1.0)


def test_a_grid_that_keeps_a_macro_on_the_canvas_is_fine() -> None:
    for snap in (Snap(0.0, 60.0), Snap(150.0, 0.0, 80.0), Snap(150.0, 0.0, 150.0), Snap(7.0, 7.0, 3.0, 500.0)):
        assert suspicions(placed(pair(), snap=snap)) == {}, snap


def test_a_region_with_room_is_fine() -> None:
    region = Region("half", np.array([[0.0, 0.0, 100.0, 20.0], [0.0, 0.0, 20.0, 80.0]]), exclusive=True)
    assert suspicions(placed(pair(), regions=(region,), region=np.array([-1, 0, 0]))) == {}


def test_equal_sizes_of_nets_do_not_make_them_doubles() -> None:
    b = NetlistBuilder("ring")
    for i in range(50):
        b.add_cell(f"c{i}", 1.0, 1.0)
    for i in range(50):
        b.add_net(f"c{i}", [f"c{(i + 1) % 50}"])
    nl = b.build()
    assert "duplicate_net" not in suspicions(Problem(nl, CANVAS, Placement.empty(50)))


def test_long_lists_are_cut_but_counted() -> None:
    b = NetlistBuilder("loose")
    for i in range(MOST_ITEMS + 7):
        b.add_cell(f"c{i}", 1.0, float(i + 1))
    s = suspicions(Problem(b.build(), CANVAS, Placement.empty(MOST_ITEMS + 7)))["unconnected_cell"]
    assert s.count == MOST_ITEMS + 7
    assert len(s.items) == MOST_ITEMS
    assert s.items[0].name == f"c{MOST_ITEMS + 6}"
    assert s.what.startswith("1,007 standard cells")


def test_routing_tracks_that_no_file_gives_are_pointed_out() -> None:
    nl = pair().build()
    start = Placement([0.0, 0.0, 0.0], [20.0, 0.0, 0.0], [0] * 3, [True, False, False])
    found = suspicions(Problem(nl, Canvas.default_for(nl), start))
    assert found["usual_tracks"].severity == "note"
