"""The legality report: each broken rule, by whom, by how many um; against a slow twin for overlaps."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.geometry import Orient
from floorplan.netlist import Blockage, Canvas, NetlistBuilder, Placement, Problem, check_legality

CANVAS = Canvas(100.0, 50.0, 10, 5, 10.0, 10.0)


def problem(sizes: list[tuple[float, float]], **options: object) -> Problem:
    b = NetlistBuilder("n")
    b.add_port("p")
    b.add_macro("Grp_0", 8.0, 8.0, soft=True)
    for i, (w, h) in enumerate(sizes):
        b.add_macro(f"m{i}", w, h)
    nl = b.build()
    z = np.zeros(nl.num_nodes)
    initial = Placement(z, z, z.astype(np.uint8), np.ones(nl.num_nodes, np.bool_))
    return Problem(nl, CANVAS, initial).replace(**options)


def at(*xy: tuple[float, float], soft: tuple[float, float] = (50, 25), orient: list[int] | None = None) -> Placement:
    x, y = np.array([(0, 0), soft, *xy], np.float64).T
    turned = np.array([0, 0, *(orient or [0] * len(xy))], np.uint8)
    return Placement(x, y, turned, np.ones(len(x), np.bool_))


def found(p: Problem, placement: Placement) -> list[tuple[str, tuple[str, ...], float]]:
    return [(v.kind, v.nodes, round(v.amount_um, 9)) for v in check_legality(p, placement).violations]


TWO = [(10.0, 4.0), (10.0, 4.0)]


def test_touching_macros_in_a_corner_are_legal() -> None:
    verdict = check_legality(problem(TWO), at((5, 2), (15, 2)))
    assert verdict.legal
    assert verdict.summary() == "legal"
    assert found(problem(TWO), at((95, 48), (85 + 5e-7, 48))) == [], "less than a picometre is rounding"


def test_overlap_is_the_shorter_way_apart() -> None:
    assert found(problem(TWO), at((5, 2), (12, 3))) == [("overlap", ("m0", "m1"), 3.0)]
    assert found(problem(TWO), at((5, 2), (6, 5))) == [("overlap", ("m0", "m1"), 1.0)]


def test_outside_is_a_violation_of_hard_by_the_edge_and_a_warning_of_soft_by_the_centre() -> None:
    assert found(problem(TWO), at((4, 2), (97, 49.5))) == [("outside", ("m0",), 1.0), ("outside", ("m1",), 2.0)]
    assert found(problem(TWO), at((5, 2), (95, 48), soft=(100, 50))) == []
    verdict = check_legality(problem(TWO), at((5, 2), (95, 48), soft=(100.5, -2)))
    assert verdict.legal
    assert [(w.kind, w.nodes, w.amount_um) for w in verdict.warnings] == [("outside", ("Grp_0",), 2.0)]


def test_a_turned_macro_has_its_sides_swapped() -> None:
    p = problem(TWO, allowed_orient=np.full(4, 255, np.uint8))
    assert found(p, at((2, 5), (6, 5), orient=[Orient.E, Orient.FW])) == []
    assert found(p, at((2, 5), (6, 4), orient=[Orient.E, Orient.W])) == [("outside", ("m1",), 1.0)]


def test_orientation_that_is_not_allowed() -> None:
    assert found(problem(TWO), at((2, 5), (50, 5), orient=[Orient.E, Orient.S])) == [("orientation", ("m0",), 0.0)]


def test_spacing_between_macros_and_to_the_edge() -> None:
    p = problem(TWO, macro_spacing_um=1.0, boundary_spacing_um=2.0)
    assert found(p, at((7, 4), (18, 4))) == []
    assert found(p, at((7, 4), (17.25, 4))) == [("spacing", ("m0", "m1"), 0.75)]
    assert found(p, at((6.5, 4), (50, 25))) == [("boundary_spacing", ("m0",), 0.5)]
    assert found(p, at((7, 4), (16, 4))) == [("overlap", ("m0", "m1"), 1.0)]


def test_blockages_stop_hard_macros_only() -> None:
    p = problem(TWO, blockages=(Blockage(40, 20, 60, 30),))
    assert found(p, at((35, 25), (65, 25))) == []
    assert found(p, at((36, 25), (50, 31))) == [("blockage", ("m0",), 1.0), ("blockage", ("m1",), 1.0)]


def test_fixed_nodes_stay_and_are_excused_among_themselves() -> None:
    start = at((5, 2), (6, 2))
    p = problem(TWO, initial=start, fixed=np.array([True, False, True, True]), macro_spacing_um=5.0)
    assert [v.kind for v in check_legality(p, start).violations] == ["overlap"]
    apart = problem(TWO, initial=at((5, 2), (16, 2)), fixed=p.fixed, macro_spacing_um=5.0)
    assert found(apart, apart.initial) == [], "two fixed macros may stand closer than the spacing"
    assert found(apart, at((5, 2), (19, 2))) == [("moved", ("m1",), 3.0)]


def test_unplaced_nodes_are_named() -> None:
    pl = at((5, 2), (50, 25)).replace(placed=[True, False, True, False])
    assert found(problem(TWO), pl) == [("unplaced", ("Grp_0",), 0.0), ("unplaced", ("m1",), 0.0)]


def test_summary_names_the_worst_first() -> None:
    verdict = check_legality(problem([*TWO, (2.0, 2.0)]), at((4, 2), (-20, 20), (50, -2)))
    assert not verdict.legal
    assert verdict.summary(1) == "ILLEGAL: outside of m1 by 25 um; and 2 more"
    assert verdict.violations[0].to_dict() == {"kind": "outside", "nodes": ["m0"], "amount_um": pytest.approx(1.0)}


boxes = st.lists(
    st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(-2, 42), st.integers(-2, 22), st.integers(0, 7)),
    min_size=1,
    max_size=9,
)


@settings(max_examples=150, deadline=None)
@given(boxes=boxes, spacing=st.sampled_from([0.0, 0.5, 3.0]))
def test_pairs_against_a_slow_twin(boxes: list[tuple[int, int, int, int, int]], spacing: float) -> None:
    p = problem(
        [(w, h) for w, h, *_ in boxes], macro_spacing_um=spacing, allowed_orient=np.full(2 + len(boxes), 255, np.uint8)
    )
    placement = at(*[(x, y) for _, _, x, y, _ in boxes], orient=[o for *_, o in boxes])
    want = []
    for (i, a), (j, b) in itertools.combinations(enumerate(boxes), 2):
        (aw, ah), (bw, bh) = ((h, w) if o >= Orient.E else (w, h) for w, h, _, _, o in (a, b))
        gap = max(abs(a[2] - b[2]) - (aw + bw) / 2, abs(a[3] - b[3]) - (ah + bh) / 2)
        if gap < 0:
            want.append(("overlap", (f"m{i}", f"m{j}"), -gap))
        elif gap < spacing:
            want.append(("spacing", (f"m{i}", f"m{j}"), spacing - gap))
    pairs = [v for v in found(p, placement) if len(v[1]) == 2]
    assert sorted(pairs) == sorted(want)
