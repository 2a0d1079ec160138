"""Wire energies and delays against the published tables, and the traps of units and conventions."""

from __future__ import annotations

import math

import pytest

from floorplan.errors import ProblemError, UnknownNameError
from floorplan.estimate.energy import mac_energy, memory_energy, sram_j_per_bit
from floorplan.estimate.technology import NODES, node, system_constants
from floorplan.estimate.wires import delay_per_m, energy_per_bit_m, per_random_bit, per_toggle

# R ohm/mm, C fF/mm -> ps/mm of a repeated wire, fJ/mm per toggle: accelerator.md 3.1.
PUBLISHED = [
    ("ng45", "M3", 143.9, 62.9),
    ("ng45", "M5", 95.6, 66.1),
    ("ng45", "M7", 35.1, 71.1),
    ("ng45", "M9", 14.9, 64.1),
    ("asap7", "M4", 268.0, 43.7),
    ("asap7", "M6", 222.9, 45.9),
    ("asap7", "M8", 140.0, 25.5),
    ("sky130", "met3", 77.3, 348.3),
    ("sky130", "met4", 64.5, 239.8),
    ("sky130", "met5", 21.8, 249.5),
]


@pytest.mark.parametrize(("name", "layer", "ps_per_mm", "fj_per_mm"), PUBLISHED)
def test_delay_and_energy_of_open_kits_are_those_of_their_r_and_c(
    name: str, layer: str, ps_per_mm: float, fj_per_mm: float
) -> None:
    kit = node(name)
    assert delay_per_m(kit, layer).value * 1e9 == pytest.approx(ps_per_mm, rel=0.005)
    toggle = per_toggle(kit.layer(layer).c_f_per_m, kit.constants["vdd"].value)
    assert toggle * 1e12 == pytest.approx(fj_per_mm, rel=0.005)


def test_a_random_bit_costs_half_a_toggle_times_the_repeaters_once() -> None:
    kit = node("ng45")
    c, v = kit.layer("M7").c_f_per_m, kit.constants["vdd"].value
    assert energy_per_bit_m(kit).value == pytest.approx(1.6 * 0.25 * c * v * v)
    assert 1.34 <= system_constants()["repeater_factor"].value <= 1.87


def test_the_convention_must_be_named() -> None:
    # Keckler and Dally 2011: 240 fJ per transition is 120 per random bit.
    assert per_random_bit(240.0, "toggle") == 120.0
    assert per_random_bit(80.0, "random_bit") == 80.0
    with pytest.raises(ProblemError, match="per toggle or per random_bit"):
        per_random_bit(80.0, "")


def test_energies_of_all_nodes_lie_where_the_literature_has_them() -> None:
    # fJ per random bit and mm: 27 to 122 published for 45 to 16 nm, 24 to 43 for ASAP7.
    for name, low, high in (("ng45", 45, 90), ("asap7", 15, 43), ("n28", 59, 121), ("n14", 40, 100), ("n7", 25, 78)):
        assert low < energy_per_bit_m(node(name)).value * 1e12 < high


def test_published_steps_keep_their_ratios() -> None:
    base = energy_per_bit_m(node("n28")).value
    ratios = [energy_per_bit_m(node(n)).value / base for n in ("n28", "n20", "n14", "n10", "n7")]
    assert ratios == pytest.approx([1.0, 0.89, 0.75, 0.62, 0.46])
    assert node("n16") is node("n14")
    assert node("nangate45") is node("ng45")


def test_every_constant_says_where_it_is_from() -> None:
    tables = [node(n).constants for n in NODES] + [system_constants()]
    for table in tables:
        for c in table.values():
            assert c.source
            assert c.date
            assert c.unit
            assert c.spread >= 1.0
            assert math.isfinite(c.value)
            if "recalled" in c.source or "assumed" in c.source:
                assert not c.verified, c
    for name in NODES:
        assert all(layer.source and layer.date for layer in node(name).layers.values())


def test_unknown_nodes_and_layers_are_named() -> None:
    with pytest.raises(UnknownNameError, match="n3"):
        node("n3")
    with pytest.raises(UnknownNameError, match="M99"):
        node("ng45").layer("M99")


def test_hbm_at_the_bandwidth_of_an_h100_takes_106_watts() -> None:
    assert 3.35e12 * 8 * memory_energy("hbm").value * 1e-12 == pytest.approx(106.4, rel=0.001)
    # Gb/s and GB/s are a factor of eight apart.
    assert 3.35e12 * memory_energy("hbm").value * 1e-12 == pytest.approx(106.4 / 8, rel=0.001)


def test_tpu_v4i_arithmetic_takes_41_watts() -> None:
    assert 138e12 / 2 * mac_energy(node("n7"), "bf16").value * 1e-12 == pytest.approx(40.7, rel=0.01)


def test_a_gpu_die_round_trip_of_48_mm_is_4_8_pj_per_bit() -> None:
    # Dally 2023: 100 fJ/bit-mm, node not stated.
    # 48 mm x 0.1 pJ/bit-mm = 4.8 pJ/bit; at the nominal constants of 7 nm it is 2.1, of 28 nm 4.7.
    trip = {name: 48e-3 * energy_per_bit_m(node(name)).value * 1e12 for name in ("n28", "n7")}
    assert trip["n28"] == pytest.approx(48 * 0.100, rel=0.05)
    assert trip["n7"] == pytest.approx(48 * 0.100 * 0.46, rel=0.05)


def test_sram_energy_meets_horowitz_and_grows_with_the_macro() -> None:
    kit = node("ng45")
    for kbytes, pj in ((8, 10.0), (32, 20.0), (1024, 100.0)):
        assert 64 * float(sram_j_per_bit(kit, kbytes * 8192)) * 1e12 == pytest.approx(pj, rel=0.08)
    assert sram_j_per_bit(kit, 2_000_000) > sram_j_per_bit(kit, 1_000_000)
