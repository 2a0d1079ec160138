from __future__ import annotations

import math

import numpy as np
import pytest

from floorplan.accelerator import TEMPLATES, SystolicTile, generate, parameters_of, systolic_tile
from floorplan.accelerator.shapes import sram_shape
from floorplan.accelerator.technology import technology
from floorplan.errors import ProblemError, UnknownNameError
from floorplan.netlist import NodeKind, Problem, Side, check_legality

TILES = {"default": SystolicTile(), "seed 2": SystolicTile(seed=2)}
TILES |= {f"variant {s}": SystolicTile.variant(s) for s in (0, 3, 11, 28)}
TILES["few clusters"] = SystolicTile(soft_macros=26)
TILES["many routers"] = SystolicTile(noc_routers=9, dma_engines=5, flit_bits=100)
TILES["one of each"] = SystolicTile(
    array_rows=1,
    array_columns=1,
    mac_rows=8,
    mac_columns=8,
    weight_banks=1,
    activation_banks=1,
    accumulator_banks=1,
    vector_lanes=1,
    instruction_banks=1,
    dma_engines=1,
    noc_routers=1,
)


@pytest.fixture(scope="module", params=TILES)
def tile(request: pytest.FixtureRequest) -> tuple[SystolicTile, Problem]:
    return TILES[request.param], systolic_tile(TILES[request.param])


def test_the_netlist_has_the_macros_of_its_template(tile: tuple[SystolicTile, Problem]) -> None:
    t, problem = tile
    nl = problem.netlist
    assert len(nl.hard) == t.hard_macros
    assert len(nl.soft) == t.soft_macros
    assert sum(n.startswith("mac_") and n.count("_") == 2 for n in nl.node_name) == t.array_rows * t.array_columns


def test_sram_macros_have_the_area_of_the_templates_bits(tile: tuple[SystolicTile, Problem]) -> None:
    t, problem = tile
    nl, tech = problem.netlist, technology(t.technology)
    words = {
        "wgt": (t.weight_bank_kbit, t.stack_columns * t.operand_bits, 2.0),
        "act": (t.activation_bank_kbit, t.band_rows * t.operand_bits, 0.5),
        "acc": (t.accumulator_bank_kbit, t.stack_columns * t.accumulator_bits // t.accumulator_banks, 2.0),
        "rf": (t.register_file_kbit, 32 * t.lane_alus, 4.0),
        "ins": (t.instruction_bank_kbit, 64, 1.0),
    }
    kbit = 0
    for node in nl.hard.tolist():
        kind = nl.node_name[node].partition("_")[0]
        if kind in words:
            size, word, aspect = words[kind]
            kbit += size
            expected = sram_shape(tech, size * 1024, word, aspect)
            assert (nl.node_w_um[node], nl.node_h_um[node]) == (expected.w_um, expected.h_um)
    assert kbit == t.sram_kbit


def test_every_net_has_one_source_and_sinks_of_other_pins(tile: tuple[SystolicTile, Problem]) -> None:
    nl = tile[1].netlist
    assert (np.diff(nl.net_ptr) >= 2).all()
    for a, b in zip(nl.net_ptr[:-1], nl.net_ptr[1:], strict=True):
        pins = nl.net_pin[a:b].tolist()
        assert len(set(pins)) == len(pins)
    assert (nl.net_weight >= 1).all()
    assert (nl.net_weight == np.round(nl.net_weight)).all()


def test_every_node_and_every_hard_pin_is_on_a_net(tile: tuple[SystolicTile, Problem]) -> None:
    nl = tile[1].netlist
    used = np.zeros(nl.num_pins, np.bool_)
    used[nl.net_pin] = True
    assert used[nl.node_kind[nl.pin_node] != NodeKind.SOFT].all()
    touched = np.zeros(nl.num_nodes, np.bool_)
    touched[nl.pin_node[used]] = True
    assert touched.all()


def test_pins_of_hard_macros_lie_on_their_edges(tile: tuple[SystolicTile, Problem]) -> None:
    nl = tile[1].netlist
    hard = nl.node_kind[nl.pin_node] == NodeKind.HARD
    x = np.abs(nl.pin_dx_um[hard]) - nl.node_w_um[nl.pin_node[hard]] / 2
    y = np.abs(nl.pin_dy_um[hard]) - nl.node_h_um[nl.pin_node[hard]] / 2
    np.testing.assert_allclose(np.maximum(x, y), 0.0, atol=1e-4)
    spots = set(zip(nl.pin_node[hard].tolist(), nl.pin_dx_um[hard], nl.pin_dy_um[hard], strict=True))
    assert len(spots) == hard.sum()


def test_ports_stand_on_the_edge_they_name_and_all_else_is_unplaced(tile: tuple[SystolicTile, Problem]) -> None:
    nl, cv, initial = tile[1].netlist, tile[1].canvas, tile[1].initial
    assert initial.placed.tolist() == (nl.node_kind == NodeKind.PORT).tolist()
    for port in nl.ports.tolist():
        x, y = initial.x_um[port], initial.y_um[port]
        on = {Side.LEFT: x == 0, Side.RIGHT: x == cv.width_um, Side.BOTTOM: y == 0, Side.TOP: y == cv.height_um}
        assert on[Side(nl.node_side[port])]
        assert 0 <= x <= cv.width_um
        assert 0 <= y <= cv.height_um
    kinds = {v.kind for v in check_legality(tile[1], initial).violations}
    assert kinds == {"unplaced"}


def test_macros_fit_the_canvas_and_utilisation_is_as_asked(tile: tuple[SystolicTile, Problem]) -> None:
    t, problem = tile
    nl, cv = problem.netlist, problem.canvas
    assert (nl.node_w_um <= cv.width_um).all()
    assert (nl.node_h_um <= cv.height_um).all()
    area = nl.node_w_um * nl.node_h_um
    canvas = cv.width_um * cv.height_um
    assert area[nl.hard].sum() / canvas == pytest.approx(t.hard_utilisation_frac, abs=1e-3)
    assert area.sum() / canvas == pytest.approx(t.utilisation_frac, abs=1e-3)


def net_from(problem: Problem, source: str) -> tuple[list[str], float]:
    nl = problem.netlist
    first = nl.net_pin[nl.net_ptr[:-1]]
    e = int(np.flatnonzero(first == nl.pin_name.index(source))[0])
    sinks = nl.net_pin[nl.net_ptr[e] + 1 : nl.net_ptr[e + 1]]
    return [nl.pin_name[p] for p in sinks], float(nl.net_weight[e])


def test_the_dataflow_of_the_array_is_wired() -> None:
    # 8 x 8 cells a macro: 64 bits of activations go right, 64 of weights and 256 of partial sums go down.
    problem = systolic_tile(SystolicTile())
    assert net_from(problem, "mac_1_2/act_out") == (["mac_1_3/act_in"], 64.0)
    assert net_from(problem, "mac_1_2/wgt_out") == (["mac_2_2/wgt_in"], 64.0)
    assert net_from(problem, "mac_1_2/psum_out") == (["mac_2_2/psum_in"], 256.0)
    assert "mac_1_3/act_out" not in problem.netlist.pin_name
    # The bottom of a stack gives half its sums to each of two accumulator banks, by way of their adders.
    (adder,), bits = net_from(problem, "mac_3_2/psum_out_0")
    assert adder.startswith("Grp_acc2_")
    assert bits == 128.0
    assert net_from(problem, "acc_2_0/rdata") == ([adder, "lane_2/in_2_0"], 128.0)
    assert net_from(problem, "wgt_2_1/rdata")[0][0].startswith("Grp_load2_")
    assert net_from(problem, "mem1_rdata_3") == (["dma_1/mem_rdata_3"], 16.0)


def test_address_buses_have_the_bits_that_the_banks_need() -> None:
    # 64 kbit in 64-bit words: 1024 words, 10 address bits, and three of control.
    problem = systolic_tile(SystolicTile())
    nl = problem.netlist
    e = next(e for e in range(nl.num_nets) if nl.pin_name[nl.net_pin[nl.net_ptr[e] + 1]] == "act_0_0/addr")
    assert nl.net_weight[e] == 10 + 3
    assert nl.net_ptr[e + 1] - nl.net_ptr[e] == 1 + 4


def test_the_default_is_of_the_size_it_promises() -> None:
    nl = systolic_tile(SystolicTile()).netlist
    sizes = {(nl.node_w_um[i], nl.node_h_um[i]) for i in nl.hard.tolist()}
    aspects = [w / h for w, h in sizes]
    assert len(nl.hard) == 64
    assert len(sizes) == 9
    assert min(aspects) <= 0.5
    assert max(aspects) >= 2
    assert 100 <= len(nl.ports) <= 200
    assert 2000 <= nl.num_nets <= 4000
    assert set(nl.node_side[nl.ports].tolist()) == {Side.LEFT, Side.BOTTOM, Side.RIGHT, Side.TOP}


def test_the_same_seed_gives_the_same_netlist_and_another_seed_another() -> None:
    a, b, c = (systolic_tile(SystolicTile(seed=s)) for s in (4, 4, 5))
    assert a.netlist.content_hash == b.netlist.content_hash
    assert a.canvas == b.canvas
    assert a.initial.x_um.tolist() == b.initial.x_um.tolist()
    assert a.netlist.content_hash != c.netlist.content_hash
    assert a.netlist.node_name == c.netlist.node_name


def test_variants_differ_and_stay_within_a_family() -> None:
    tiles = [SystolicTile.variant(s) for s in range(60)]
    assert tiles[7] == SystolicTile.variant(7)
    assert len({(t.mac_rows, t.mac_columns, t.weight_banks, t.technology) for t in tiles}) > 40
    assert all(25 <= t.hard_macros <= 125 for t in tiles)


def random_episode_ends_well(problem: Problem, rng: np.random.Generator) -> bool:
    """Put macros on random free cells in falling area; False if one finds none. Independent of the environment."""
    nl, cv = problem.netlist, problem.canvas
    gx, gy = np.meshgrid((np.arange(cv.columns) + 0.5) * cv.cell_w_um, (np.arange(cv.rows) + 0.5) * cv.cell_h_um)
    gx, gy = gx.reshape(-1), gy.reshape(-1)
    there: list[tuple[float, float, float, float]] = []
    for node in nl.hard[np.argsort(-(nl.node_w_um * nl.node_h_um)[nl.hard], kind="stable")].tolist():
        w, h = nl.node_w_um[node], nl.node_h_um[node]
        free = (gx >= w / 2) & (gx <= cv.width_um - w / 2) & (gy >= h / 2) & (gy <= cv.height_um - h / 2)
        for x, y, w2, h2 in there:
            free &= (np.abs(gx - x) >= (w + w2) / 2 - 1e-6) | (np.abs(gy - y) >= (h + h2) / 2 - 1e-6)
        if not free.any():
            return False
        cell = rng.choice(np.flatnonzero(free))
        there.append((gx[cell], gy[cell], w, h))
    return True


def test_random_play_rarely_meets_a_dead_end() -> None:
    problem = systolic_tile(SystolicTile())
    rng = np.random.default_rng(0)
    assert sum(random_episode_ends_well(problem, rng) for _ in range(20)) >= 16


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        ({"mac_rows": 30}, "do not divide"),
        ({"weight_banks": 0}, "weight_banks must be >= 1"),
        ({"seed": -1}, "seed must be >= 0"),
        ({"accumulator_banks": 3}, "share a stack's partial sums"),
        ({"utilisation_frac": 0.3}, "utilisation"),
        ({"rent_exponent": 1.0}, "rent_exponent"),
        ({"soft_macros": 5}, "too few"),
        ({"mac_rows": "32"}, "must be int"),
        ({"colour": 1}, "no parameter 'colour'"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(wrong: dict[str, object], cause: str) -> None:
    with pytest.raises(ProblemError, match=cause):
        generate("systolic_tile", **wrong)


def test_templates_are_found_by_name() -> None:
    assert parameters_of("systolic_tile", rent_exponent=0.6, seed=3) == SystolicTile(rent_exponent=0.6, seed=3)
    with pytest.raises(UnknownNameError, match="systolic_tile"):
        generate("no_such_template")
    for name, template in TEMPLATES.items():
        assert template.about
        assert generate(name).netlist.num_nets > 0
        assert math.isfinite(template.build(template.parameters.variant(1)).canvas.width_um)
