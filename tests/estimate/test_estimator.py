"""The full estimate: against plain Python, its invariances, what it is monotone in, and what it refuses."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.errors import ProblemError
from floorplan.estimate import (
    Demand,
    EstimateError,
    Estimator,
    EstimatorOptions,
    IllegalPlacementError,
    Load,
    ThermalRunawayError,
)
from floorplan.estimate.kernels import chain
from floorplan.estimate.length import net_boxes_um
from floorplan.estimate.results import PARTS, Totals
from floorplan.netlist import Canvas, Placement
from tests.estimate.chips import MACRO_UM, small_chip, small_load
from tests.estimate.reference import reference

PLAIN = EstimatorOptions(congestion=False, samples=0, grid=12)


def made(options: EstimatorOptions = PLAIN, **chip: object) -> tuple[Estimator, Placement]:
    c = small_chip(**chip)  # type: ignore[arg-type]  # keyword arguments of the hand-made chip
    return Estimator(c, small_load(c), options), c.problem.initial


def parts(t: Totals) -> dict[str, float]:
    return {name: getattr(t, f"{name}_j") for name in PARTS}


@pytest.mark.parametrize("pipelined", [True, False])
@pytest.mark.parametrize("technology", ["ng45", "n7"])
def test_estimates_are_those_of_plain_python(pipelined: bool, technology: str) -> None:
    c = small_chip(16, technology=technology, pipelined=pipelined, clock_hz=2e9, canvas_factor=3.0)
    e = Estimator(c, small_load(c, chips=4), PLAIN)
    rng = np.random.default_rng(5)
    p = c.problem.initial.replace(rng.permutation(c.problem.initial.x_um), rng.permutation(c.problem.initial.y_um))
    length = e.scale_m_per_um(p) * net_boxes_um(e.terminals, p).hpwl_um
    got, want = e.totals(length), reference(e, p)
    for name, value in parts(got).items():
        assert value == pytest.approx(want[name], rel=1e-9), name
    assert got.seconds == pytest.approx(want["seconds"], rel=1e-9)
    assert got.wns_s == pytest.approx(want["wns"], rel=1e-9)
    assert got.mean_temperature_c == pytest.approx(want["temperature"], rel=1e-9)


def test_translation_and_mirror_change_nothing() -> None:
    e, p = made()
    base = e.estimate(p)
    moved = e.estimate(p.replace(p.x_um + 700.0, p.y_um + 650.0))
    side = e.chip.problem.canvas.width_um
    mirrored = e.estimate(p.replace(side - p.x_um, p.y_um, np.ones(9, np.uint8)))
    turned = e.estimate(p.replace(side - p.x_um, side - p.y_um, np.full(9, 3, np.uint8)))
    for other in (moved, mirrored, turned):
        assert dataclasses.astuple(other.totals) == pytest.approx(dataclasses.astuple(base.totals), rel=1e-12)
    assert mirrored.heat.temperature_c == pytest.approx(base.heat.temperature_c[:, ::-1], rel=1e-9)


def test_doubling_all_coordinates_doubles_wire_energy_and_no_other_dynamic_energy() -> None:
    e, p = made(clock_hz=5e8)
    c = e.chip
    nl = dataclasses.replace(
        c.problem.netlist, pin_dx_um=2 * c.problem.netlist.pin_dx_um, pin_dy_um=2 * c.problem.netlist.pin_dy_um
    )
    wide = dataclasses.replace(c, problem=c.problem.replace(netlist=nl))
    two = Estimator(wide, e.load, PLAIN)
    one_m = e.scale_m_per_um(p) * net_boxes_um(e.terminals, p).hpwl_um
    q = p.replace(2 * p.x_um, 2 * p.y_um)
    two_m = two.scale_m_per_um(q) * net_boxes_um(two.terminals, q).hpwl_um
    a, b = e.totals(one_m), two.totals(two_m)
    assert b.wire_j == pytest.approx(2 * a.wire_j, rel=1e-12)
    for name in ("sram_j", "mac_j", "memory_j", "link_j", "clock_j", "seconds"):
        assert getattr(b, name) == pytest.approx(getattr(a, name), rel=1e-12)
    # Leakage follows the heat of the longer wires, and nothing else.
    assert a.leakage_j < b.leakage_j < 1.2 * a.leakage_j


@given(st.floats(1.01, 5.0))
@settings(max_examples=15, deadline=None)
def test_energy_and_time_grow_with_bits_and_length(factor: float) -> None:
    e, _ = made()
    length = np.linspace(1e-4, 5e-3, e.chip.problem.netlist.num_nets)
    base, longer = e.totals(length), e.totals(factor * length)
    assert longer.j_per_token > base.j_per_token
    assert longer.ns_per_token >= base.ns_per_token
    busy = Estimator(e.chip, small_load(e.chip, bits=1e8 * factor), PLAIN).totals(length)
    assert busy.wire_j == pytest.approx(factor * base.wire_j)
    assert busy.sram_j == pytest.approx(factor * base.sram_j)
    assert busy.ns_per_token >= base.ns_per_token


def test_no_activity_costs_no_wire_and_no_sram() -> None:
    c = small_chip()
    e = Estimator(c, small_load(c, bits=0.0), PLAIN)
    t = e.estimate(c.problem.initial).totals
    assert t.wire_j == 0.0
    assert t.sram_j == 0.0
    assert t.j_per_token > 0


def test_repeaters_are_counted_once() -> None:
    e, p = made()
    j = e.estimate(p).totals.wire_j
    bits = e.nets.bits[0] + e.load.prefill_per_output * e.nets.bits[1]
    metres = 1.03e-6 * net_boxes_um(e.terminals, p).hpwl_um * e.pin_factor
    layer, vdd = e.node.layer(), e.node.constants["vdd"].value
    assert j == pytest.approx(1.6 * 0.25 * layer.c_f_per_m * vdd**2 * float(bits @ metres), rel=1e-9)


def test_wns_is_of_the_worst_path_not_of_the_wirelength() -> None:
    e, _ = made(pipelined=False)
    length = np.full(e.chip.problem.netlist.num_nets, 1e-3)
    base = e.totals(length)
    one = length.copy()
    one[4] = 2e-2
    rest = np.full_like(length, 0.5e-3)
    rest[4] = 2e-2
    # Less wire in all, the same worst path: the same WNS; and a worse one although the sum hardly moved.
    assert e.totals(one).wns_s == pytest.approx(e.totals(rest).wns_s)
    assert e.totals(one).wns_s < base.wns_s
    assert e.totals(rest).wire_j < e.totals(one).wire_j


def test_a_bus_without_registers_slows_the_clock_and_one_with_them_adds_stages() -> None:
    slow, _ = made(pipelined=False, technology="n7", clock_hz=2e9)
    fast, _ = made(pipelined=True, technology="n7", clock_hz=2e9)
    length = np.full(slow.chip.problem.netlist.num_nets, 1.2e-2)
    a, b = slow.totals(length), fast.totals(length)
    assert a.wns_s < 0
    assert a.clock_hz == pytest.approx(1 / (0.5e-9 - a.wns_s))
    assert b.clock_hz == pytest.approx(2e9)
    assert b.decode_stages > 0


def test_littles_law_limits_long_pipelined_buses() -> None:
    c = small_chip(technology="n7", clock_hz=2e9)
    e = Estimator(c, small_load(c, bits=1e11), dataclasses.replace(PLAIN, overhead_s=0.0))
    nets = c.problem.netlist.num_nets
    short, near, far = (e.totals(np.full(nets, v)) for v in (1e-4, 0.05, 0.5))
    assert short.decode_bound == near.decode_bound == far.decode_bound == 2
    passes = e.load.decode.passes / 2e9

    def streaming(t: Totals) -> float:
        return t.decode_step_s - passes * t.decode_stages

    # 64 credits and 16 cycles of base: up to 24 stages a bus stays full, beyond it (16 + 2 s) / 64 times slower.
    assert near.decode_stages <= 3 * 24
    assert streaming(near) == pytest.approx(streaming(short), rel=1e-9)
    stages = far.decode_stages / 3
    assert stages > 24
    assert streaming(far) == pytest.approx(streaming(short) * (16 + 2 * stages) / 64, rel=0.01)


def test_illegal_placements_are_refused() -> None:
    e, p = made()
    x = p.x_um.copy()
    x[1] = x[0] + 100.0
    for bad, kind in (
        (p.replace(x), "overlap"),
        (p.replace(p.x_um - 150.0), "outside"),
        (p.replace(placed=np.arange(9) != 4), "unplaced"),
        (p.replace(np.full(9, MACRO_UM), np.full(9, MACRO_UM)), "overlap"),
    ):
        with pytest.raises(IllegalPlacementError, match=kind) as caught:
            e.estimate(bad)
        assert not caught.value.legality.legal
    with pytest.raises(ProblemError, match="has 3 nodes"):
        e.estimate(Placement.empty(3))


def test_thermal_runaway_is_an_error_of_its_own() -> None:
    c = small_chip()
    e = Estimator(c, small_load(c), PLAIN)
    e.constants[chain.LEAK_W] = 50.0
    with pytest.raises(ThermalRunawayError):
        e.estimate(c.problem.initial)
    e.constants[chain.LEAK_W] = 1e9
    assert e.totals(np.full(c.problem.netlist.num_nets, 1e-3)).j_per_token == math.inf


def test_a_clock_that_leaves_no_time_is_refused() -> None:
    c = small_chip(technology="sky130", clock_hz=5e9)
    with pytest.raises(EstimateError, match="leaves sky130 no time"):
        Estimator(c, small_load(c), PLAIN)


def test_demands_are_checked() -> None:
    bits = np.ones(4)
    for bad in ({"tokens": 0}, {"flops": -1.0}, {"memory_bytes": math.nan}, {"bits": np.array([1.0, math.inf])}):
        with pytest.raises(EstimateError):
            Demand(
                **{
                    "tokens": 1,
                    "bits": bits,
                    "flops": 1.0,
                    "memory_bytes": 1.0,
                    "link_bytes": 0.0,
                    "passes": 1.0,
                    **bad,
                }
            )  # type: ignore[arg-type]  # bad on purpose
    c = small_chip()
    with pytest.raises(EstimateError, match="another netlist"):
        Estimator(c, Load("", Demand(1, bits, 1.0, 1.0, 0.0, 1.0), None, 0.0, 1, 1, 1), PLAIN)


def test_congestion_lengthens_wires_and_can_be_fixed() -> None:
    c = small_chip()
    tight = dataclasses.replace(
        c,
        problem=c.problem.replace(
            canvas=dataclasses.replace(c.problem.canvas, h_tracks_per_um=1.0, v_tracks_per_um=1.0)
        ),
    )
    e = Estimator(tight, small_load(tight), dataclasses.replace(PLAIN, congestion=True))
    plain = Estimator(tight, small_load(tight), PLAIN)
    p = c.problem.initial
    assert e.estimate(p).totals.wire_j > plain.estimate(p).totals.wire_j
    fixed = plain.scale_m_per_um(p)
    assert e.estimate(p, fixed).totals.wire_j == plain.estimate(p).totals.wire_j


def test_quantities_have_bars_units_and_sources() -> None:
    e, p = made(EstimatorOptions(samples=100, grid=12))
    r = e.estimate(p)
    for name, q in (r.quantities | r.parts).items():
        assert q.unit
        assert q.source
        if name not in ("runaway_share", "leakage_gap"):
            assert q.low <= q.value * (1 + 1e-9), name
            assert q.high >= q.value * (1 - 1e-9), name
    assert r.quantities["j_per_token"].low < r.quantities["j_per_token"].high
    assert sum(v.value for v in r.parts.values()) == pytest.approx(r.quantities["j_per_token"].value)
    j, s = r.quantities["j_per_token"].value, r.quantities["tokens_per_s"].value
    assert r.quantities["tokens_per_s_per_w"].value == pytest.approx(s / r.quantities["power_w"].value)
    assert 1 / j == pytest.approx(r.quantities["tokens_per_s_per_w"].value)
    assert r.nets.j_per_token.sum() == pytest.approx(r.totals.wire_j)
    assert (r.heat.power_w + r.heat.leakage_w).sum() == pytest.approx(r.totals.die_w, rel=0.05)
    again = e.estimate(p).to_dict()
    assert again == r.to_dict()


def test_the_temperature_map_holds_the_power_of_the_die() -> None:
    e, p = made()
    r = e.estimate(p)
    t = r.totals
    leak_w = t.leakage_j / t.seconds / e.load.chips
    assert r.heat.power_w.sum() == pytest.approx(t.die_w - leak_w, rel=1e-9)
    assert r.heat.max_c > r.heat.mean_c >= t.mean_temperature_c - 1e-6


def test_canvases_of_other_shape_work() -> None:
    c = small_chip()
    cv = c.problem.canvas
    wide = Canvas(2 * cv.width_um, cv.height_um, 20, 5, 50.0, 50.0)
    e = Estimator(dataclasses.replace(c, problem=c.problem.replace(canvas=wide)), small_load(c), PLAIN)
    assert e.estimate(c.problem.initial).totals.j_per_token > 0


@pytest.mark.parametrize(
    ("factor", "part"),
    [
        (chain.F_WIRE, "wire_j"),
        (chain.F_SRAM, "sram_j"),
        (chain.F_MAC, "mac_j"),
        (chain.F_MEMORY, "memory_j"),
        (chain.F_LINK, "link_j"),
        (chain.F_CLOCK, "clock_j"),
        (chain.F_LENGTH, "wire_j"),
    ],
)
def test_a_draw_scales_its_own_part_and_only_leakage_follows(factor: int, part: str) -> None:
    c = small_chip(clock_hz=5e8)
    e = Estimator(c, small_load(c, chips=2), PLAIN)
    length = np.full(c.problem.netlist.num_nets, 1e-3)
    f = np.ones(chain.N_FACTOR)
    base = e.totals(length)
    assert dataclasses.astuple(e.totals(length, f)) == dataclasses.astuple(base)
    f[factor] = 3.0
    drawn = e.totals(length, f)
    for name in PARTS[:-1]:
        times = 3.0 if f"{name}_j" == part else 1.0
        assert getattr(drawn, f"{name}_j") == pytest.approx(times * getattr(base, f"{name}_j"), rel=1e-12), name
    assert base.j_per_token > 0
    assert drawn.leakage_j >= base.leakage_j


def test_shares_of_the_peak_never_exceed_it() -> None:
    e, _ = made()
    length = np.full(e.chip.problem.netlist.num_nets, 1e-3)
    f = np.ones(chain.N_FACTOR)
    f[[chain.F_MFU, chain.F_MBU]] = 100.0
    t = e.totals(length, f)
    assert t.prefill_step_s >= 1000 * e.phases[1, chain.COMPUTE_CYCLES] / e.chip.clock_hz
    assert t.decode_step_s >= 8 * e.phases[0, chain.MEMORY_S]


def test_rankings_name_the_costliest_and_the_most_critical_nets() -> None:
    e, p = made(pipelined=False)
    nets = e.estimate(p).nets
    cost = [r["j_per_token"] for r in nets.ranking(18)]
    slack = [r["slack_ps"] for r in nets.critical(18)]
    assert cost == sorted(cost, reverse=True)
    assert slack == sorted(slack)
    assert cost[0] == nets.j_per_token.max()
    assert slack[0] == pytest.approx(e.estimate(p).quantities["wns_ps"].value)
    assert nets.busiest[0] == int(np.argmax(e.nets.bits[0] / e.nets.width_bits))
