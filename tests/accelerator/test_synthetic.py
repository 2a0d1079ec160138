from __future__ import annotations

import dataclasses
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from floorplan.accelerator import TEMPLATES, generate, parameters_of
from floorplan.accelerator.command import NETLIST_FILE, parse_params, run
from floorplan.accelerator.synthetic import synthetic
from floorplan.accelerator.synthetic_parameters import Synthetic
from floorplan.env import ConstructBatch
from floorplan.errors import ProblemError
from floorplan.formats import read_problem
from floorplan.netlist import NodeKind, Problem, check_legality

NETLISTS = {"default": Synthetic(), **{f"variant {s}": Synthetic.variant(s) for s in (0, 1, 3, 11)}}
NETLISTS["few of all"] = Synthetic(hard_macros=8, soft_macros=50, modules=2, ports=0, grid_cells=20)
NETLISTS["one module"] = Synthetic(hard_macros=3, sram_frac=0.0, block_frac=0.0, soft_macros=2, modules=1, ports=1)

GOLDEN = {
    "default": "9f3caddd446b1e8a39b294f4116aeddb14081d8ddd09471d6689f6de03d1c4f4",
    "variant 11": "9f71821501b453ca88464ac915d80e06a1f3a1942093057b8226ceaeac080d1c",
}


@pytest.fixture(scope="module", params=NETLISTS)
def drawn(request: pytest.FixtureRequest) -> tuple[Synthetic, Problem]:
    return NETLISTS[request.param], synthetic(NETLISTS[request.param])


@pytest.mark.parametrize("name", GOLDEN)
def test_the_same_parameters_give_the_same_netlist_on_every_machine(name: str) -> None:
    assert synthetic(NETLISTS[name]).netlist.content_hash == GOLDEN[name]


def test_counts_and_utilisation_are_those_asked_for(drawn: tuple[Synthetic, Problem]) -> None:
    p, problem = drawn
    nl, cv = problem.netlist, problem.canvas
    assert (len(nl.hard), len(nl.soft), len(nl.ports)) == (p.hard_macros, p.soft_macros, p.ports)
    area, canvas_um2 = nl.node_w_um * nl.node_h_um, cv.width_um * cv.height_um
    assert area[nl.hard].sum() / canvas_um2 == pytest.approx(p.hard_utilisation_frac, abs=1e-4)
    assert area.sum() / canvas_um2 == pytest.approx(p.utilisation_frac, abs=1e-4)
    assert cv.width_um / cv.height_um == pytest.approx(p.canvas_aspect, abs=1e-3)
    kinds = Counter(nl.node_name[i].split("_")[1].rstrip("0123456789") for i in nl.hard.tolist())
    assert kinds["sram"] == round(p.hard_macros * p.sram_frac)
    assert kinds["block"] == min(round(p.hard_macros * p.block_frac), p.hard_macros - kinds["sram"])


def test_every_net_has_a_source_and_other_sinks_and_every_node_a_net(drawn: tuple[Synthetic, Problem]) -> None:
    nl = drawn[1].netlist
    used = np.zeros(nl.num_nodes, np.bool_)
    for a, b in zip(nl.net_ptr[:-1], nl.net_ptr[1:], strict=True):
        pins = nl.net_pin[a:b].tolist()
        assert len(pins) >= 2
        assert len(set(pins)) == len(pins)
        used[nl.pin_node[pins]] = True
    assert used.all()
    assert (nl.net_weight == np.round(nl.net_weight)).all()


def test_srams_of_a_group_are_equal_and_share_their_buses() -> None:
    problem = synthetic(Synthetic(hard_macros=40, sram_frac=1.0, block_frac=0.0, group_macros=6))
    nl = problem.netlist
    groups: dict[str, list[int]] = {}
    for i in nl.hard.tolist():
        groups.setdefault(nl.node_name[i].rpartition("_")[0], []).append(i)
    assert max(map(len, groups.values())) > 3
    for members in groups.values():
        assert len({(nl.node_w_um[i], nl.node_h_um[i]) for i in members}) == 1
    shared = 0
    for a, b in zip(nl.net_ptr[:-1], nl.net_ptr[1:], strict=True):
        owners = nl.pin_node[nl.net_pin[a:b]]
        hard = {nl.node_name[i].rpartition("_")[0] for i in owners.tolist() if nl.node_kind[i] == NodeKind.HARD}
        assert len(hard) <= 1
        if hard and nl.node_kind[owners[0]] == NodeKind.SOFT:
            assert sorted(owners[1:].tolist()) == groups[hard.pop()]
            shared += 1
    assert shared >= 10 * len(groups)


def test_hard_macros_are_wired_to_the_soft_macros_of_their_module(drawn: tuple[Synthetic, Problem]) -> None:
    nl = drawn[1].netlist
    for a, b in zip(nl.net_ptr[:-1], nl.net_ptr[1:], strict=True):
        owners = nl.pin_node[nl.net_pin[a:b]]
        if (nl.node_kind[owners] == NodeKind.HARD).any():
            modules = {nl.node_name[i].removeprefix("Grp_").split("_")[0] for i in owners.tolist()}
            assert len(modules) == 1


def leaving_frac(problem: Problem) -> float:
    nl, leaving, logic = problem.netlist, 0, 0
    for a, b in zip(nl.net_ptr[:-1], nl.net_ptr[1:], strict=True):
        owners = nl.pin_node[nl.net_pin[a:b]]
        if (nl.node_kind[owners] == NodeKind.SOFT).all():
            logic += 1
            leaving += len({nl.node_name[i].split("_")[1] for i in owners.tolist()}) > 1
    return leaving / logic


def test_a_higher_rent_exponent_sends_more_nets_out_of_their_modules() -> None:
    shares = [leaving_frac(generate("synthetic", rent_exponent=p)) for p in (0.4, 0.62, 0.8)]
    assert shares[0] < 0.7 * shares[1]
    assert shares[1] < 0.7 * shares[2]


def test_nets_are_like_those_of_the_public_clustered_netlists() -> None:
    """SKY130HD_ariane133, ASAP7_ariane136 and ASAP7_mempool_tile: 15 to 23 nets a macro, 3.1 to 3.4 pins a net."""
    for seed in (0, 7, 21, 23):
        nl = synthetic(Synthetic.variant(seed)).netlist
        degree = np.diff(nl.net_ptr)
        hard = np.zeros(nl.num_nets, np.bool_)
        hard[np.repeat(np.arange(nl.num_nets), degree)[nl.node_kind[nl.pin_node[nl.net_pin]] == NodeKind.HARD]] = True
        assert 8 < nl.num_nets / (len(nl.hard) + len(nl.soft)) < 25
        assert 2.8 < degree.mean() < 4.2
        assert 0.4 < (degree == 2).mean() < 0.65
        assert 0.08 < hard.mean() < 0.5
        assert 1.2 < nl.net_weight.mean() < 2.5


def test_macros_start_unplaced_and_ports_on_all_edges_of_a_family() -> None:
    problem = synthetic(Synthetic())
    nl, cv, at = problem.netlist, problem.canvas, problem.initial
    assert not at.placed[nl.hard].any()
    assert at.placed[nl.ports].all()
    x, y = at.x_um[nl.ports], at.y_um[nl.ports]
    assert ((x == 0) | (x == cv.width_um) | (y == 0) | (y == cv.height_um)).all()
    assert len(set(nl.node_side[nl.ports].tolist())) == 4


@pytest.mark.parametrize("seed", [2, 3, 8, 12])
def test_random_play_of_a_variant_almost_never_jams(seed: int) -> None:
    problem = synthetic(Synthetic.variant(seed))
    batch, rng = ConstructBatch(problem, 8, seed=seed), np.random.default_rng(seed)
    done = dead = 0
    while done < 16:
        actions = [int(rng.choice(np.flatnonzero(m))) if m.any() else 0 for m in batch.masks]
        result = batch.step(actions)
        done, dead = done + int(result.done.sum()), dead + int(result.dead_end.sum())
        for finished in batch.finished:
            assert check_legality(problem, finished.placement).legal
            assert math.isfinite(finished.cost.proxy)
    assert dead <= 1


def test_variants_span_the_family_and_come_again() -> None:
    family = [Synthetic.variant(s) for s in range(60)]
    assert family[7] == Synthetic.variant(7)
    assert len(set(family)) == 60
    hard = [p.hard_macros for p in family]
    assert min(hard) < 15
    assert max(hard) > 130
    assert all(8 <= p.hard_macros <= 200 and 80 <= p.soft_macros <= 600 for p in family)
    assert min(p.canvas_aspect for p in family) < 0.75 < 1.3 < max(p.canvas_aspect for p in family)
    assert all(0.6 <= p.canvas_aspect <= 1.6 and 0.3 <= p.hard_utilisation_frac <= 0.6 for p in family)


def test_room_is_made_where_macros_fill_the_grid_and_only_there() -> None:
    full = Synthetic(hard_macros=30, hard_utilisation_frac=0.8, utilisation_frac=1.0, grid_cells=20)
    roomy = full.with_room()
    assert roomy.hard_utilisation_frac < 0.55
    assert roomy.utilisation_frac - roomy.hard_utilisation_frac == pytest.approx(0.2)
    assert roomy.with_room() == roomy
    loose = Synthetic(hard_utilisation_frac=0.3)
    assert loose.with_room() == loose
    crowd = Synthetic(hard_macros=1200, hard_utilisation_frac=0.3).with_room()
    assert crowd.hard_utilisation_frac == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"hard_macros": 0}, "hard_macros"),
        ({"ports": -1}, "ports"),
        ({"sram_frac": 0.9, "block_frac": 0.2}, "sram_frac"),
        ({"soft_macros": 20}, "soft macros"),
        ({"rent_exponent": 1.0}, "rent_exponent"),
        ({"hard_utilisation_frac": 0.8}, "utilisation"),
        ({"hard_utilisation_frac": math.nan}, "utilisation"),
        ({"utilisation_frac": 1.5}, "utilisation_frac"),
        ({"canvas_aspect": 0.0}, "canvas_aspect"),
        ({"routing_demand_frac": 0.0}, "routing_demand_frac"),
        ({"grid_cells": 401}, "grid_cells"),
        ({"seed": -1}, "seed"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(wrong: dict[str, object], match: str) -> None:
    with pytest.raises(ProblemError, match=match):
        parameters_of("synthetic", **wrong)


def test_the_template_is_generated_by_name_and_read_back(tmp_path: Path) -> None:
    params = parse_params("synthetic", ["rent_exponent=0.62", "hard_macros=12", "soft_macros=50"])
    about = run("synthetic", params, 4, tmp_path / "n")
    again = read_problem(tmp_path / "n" / NETLIST_FILE)
    made = synthetic(Synthetic(rent_exponent=0.62, hard_macros=12, soft_macros=50, seed=4))
    assert again.netlist.content_hash == made.netlist.content_hash == about["netlist_hash"]
    assert dataclasses.asdict(again.canvas) == dataclasses.asdict(made.canvas)
    assert TEMPLATES["synthetic"].parameters is Synthetic
