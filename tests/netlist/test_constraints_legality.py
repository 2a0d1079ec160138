"""Legality of constraints against a slow twin, halos under all orientations, and what variants carry along."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.errors import ProblemError
from floorplan.geometry import Orient
from floorplan.netlist import Blockage, Problem, Region, Snap, check_legality, mirror, relabel, with_grid
from tests.constraint_cases import KINDS, TURN, brute_force_legal, constrained, plain, spread


@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from(KINDS), seed=st.integers(0, 10**6))
def test_legality_agrees_with_a_slow_twin(kind: str, seed: int) -> None:
    p = constrained(kind, seed, 2 + seed % 3)
    at = spread(p, seed)
    if p.snap is not None and seed % 2:
        w, h = p.netlist.node_w_um, p.netlist.node_h_um
        x, y = p.snap.phase_um(w, h)
        px, py = p.snap.pitch_um
        on_x, on_y = x + np.round((at.x_um - x) / px) * px, y + np.round((at.y_um - y) / py) * py
        at = at.replace(np.where(p.fixed, at.x_um, on_x), np.where(p.fixed, at.y_um, on_y))
    soft = {p.netlist.node_name[i] for i in p.netlist.soft.tolist()}
    found = [v for v in check_legality(p, at).violations if v.nodes[0] not in soft]
    assert (not found) == brute_force_legal(p, at)


@pytest.mark.parametrize("orient", list(Orient))
def test_a_halo_turns_with_its_macro(orient: Orient) -> None:
    p = plain(0, hard=2, soft=0)
    a, b = p.netlist.hard.tolist()
    halo = np.zeros((p.netlist.num_nodes, 4))
    halo[a] = 1.0, 2.0, 3.0, 4.0
    p = p.replace(halo_um=halo, allowed_orient=np.full(p.netlist.num_nodes, 255, np.uint8))
    w, h = p.netlist.node_w_um[a], p.netlist.node_h_um[a]
    w, h = (h, w) if orient >= Orient.E else (w, h)
    wb, hb = p.netlist.node_w_um[b], p.netlist.node_h_um[b]
    for side, (dx, dy) in enumerate(((-1, 0), (0, -1), (1, 0), (0, 1))):
        wide = halo[a, TURN[orient][side]]
        for gap, kinds in ((wide, []), (wide - 0.01, ["halo"])):
            x, y, o = p.initial.x_um.copy(), p.initial.y_um.copy(), p.initial.orient.copy()
            x[a], y[a], o[a] = 50, 45, orient
            x[b], y[b] = 50 + dx * ((w + wb) / 2 + gap), 45 + dy * ((h + hb) / 2 + gap)
            legality = check_legality(p, p.initial.replace(x, y, o, np.ones(len(x), np.bool_)))
            assert [v.kind for v in legality.violations] == kinds
            if kinds:
                assert legality.violations[0].amount_um == pytest.approx(0.01)


def test_each_kind_of_violation_is_named() -> None:
    p = plain(1, hard=3, soft=0)
    a, b, c = p.netlist.hard.tolist()
    region = np.full(p.netlist.num_nodes, -1, np.int32)
    region[a] = 0
    p = p.replace(
        regions=(Region("home", np.array([[0.0, 0.0, 40.0, 40.0]]), exclusive=True),),
        region=region,
        snap=Snap(1.0, 0.0),
        blockages=(Blockage(60.0, 60.0, 100.0, 90.0, hard=False),),
    )
    x, y = p.initial.x_um.copy(), p.initial.y_um.copy()
    w = p.netlist.node_w_um
    x[[a, b, c]] = 70 + w[a] / 2, 20 + w[b] / 2, 65.5 + w[c] / 2
    y[[a, b, c]] = 30, 20, 75
    legality = check_legality(p, p.initial.replace(x, y, placed=np.ones(len(x), np.bool_)))
    names = p.netlist.node_name
    assert {(v.kind, v.nodes, v.region) for v in legality.violations} == {
        ("region", (names[a],), "home"),
        ("fence", (names[b],), "home"),
        ("off_grid", (names[c],), ""),
    }
    assert [sorted(v.to_dict()) == ["amount_um", "kind", "nodes", "region"] for v in legality.violations].count(
        True
    ) == 2
    assert "fence 'home' of " in str(next(v for v in legality.violations if v.kind == "fence"))
    assert next(v for v in legality.violations if v.kind == "off_grid").amount_um == pytest.approx(0.5)
    assert [(v.kind, v.nodes) for v in legality.warnings] == [("soft_blockage", (names[c],))]
    assert not legality.legal


@settings(max_examples=40, deadline=None)
@given(kind=st.sampled_from(KINDS), seed=st.integers(0, 10**6), flips=st.tuples(st.booleans(), st.booleans()))
def test_variants_carry_constraints_along(kind: str, seed: int, flips: tuple[bool, bool]) -> None:
    p = constrained(kind, seed)
    v = relabel(mirror(p, *flips), seed).with_grid(7, 5)
    at = spread(p, seed)
    here, there = check_legality(p, at), check_legality(v.problem, v.forth(at))
    assert _counted(here.violations) == _counted(there.violations)
    assert _counted(here.warnings) == _counted(there.warnings)
    again = with_grid(p, 3, 3)
    assert (again.regions, again.snap, again.blockages) == (p.regions, p.snap, p.blockages)
    assert p.netlist.content_hash == again.netlist.content_hash


def _counted(violations: object) -> list[tuple[str, tuple[str, ...], float]]:
    return sorted((v.kind, tuple(sorted(v.nodes)), round(v.amount_um, 6)) for v in violations)  # type: ignore[attr-defined]


def test_a_problem_without_constraints_is_not_confined() -> None:
    p = plain(0)
    assert not p.confined
    assert not p.replace(blockages=(Blockage(0, 0, 1, 1),), macro_spacing_um=1.0).confined
    assert repr(Blockage(0.0, 0.0, 1.0, 1.0)) == "Blockage(x0_um=0.0, y0_um=0.0, x1_um=1.0, y1_um=1.0, rate=1.0)"
    assert "hard=False" in repr(Blockage(0.0, 0.0, 1.0, 1.0, hard=False))
    assert p.constraints() == {}
    assert all(constrained(kind, 0).constraints() for kind in KINDS)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"halo_um": np.full((10, 4), -1.0)}, "halos"),
        ({"halo_um": np.full((10, 3), 1.0)}, "four entries"),
        ({"region": np.full(10, 0)}, "regions of nodes"),
        ({"regions": (Region("a", np.array([[0, 0, 1, 1]])),) * 2}, "two regions"),
        ({"regions": (Region("a", np.array([[0, 0, 1, 1]]), part_of="b"),)}, "part of"),
    ],
)
def test_constraints_that_do_not_fit_are_refused(changes: dict[str, object], what: str) -> None:
    p: Problem = plain(0)
    assert p.netlist.num_nodes == 10
    with pytest.raises(ProblemError, match=what):
        p.replace(**changes)


def test_damaged_regions_and_grids_are_refused() -> None:
    for rects in ([[0, 0, 0, 1]], [[0, 0, 1]], [], [[0, 0, np.inf, 1]]):
        with pytest.raises(ProblemError, match="region 'r'"):
            Region("r", np.array(rects, np.float64))
    for values in ((0.0, 0.0), (-1.0, 1.0), (np.nan, 1.0), (1.0, 1.0, np.inf), (1.0, 1.0, 0.0, 0.0, 0.5)):
        with pytest.raises(ProblemError):
            Snap(*values)
