from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorplan.accelerator.hardware import HARDWARE, Figure, Hardware, hardware
from floorplan.accelerator.hardware.quantity import FigureError, si
from floorplan.accelerator.llm import precision
from floorplan.errors import UnknownNameError

# FLOP per byte, dense. A pair is the two readings of a peak on which sources conflict.
RIDGES = {
    ("a100", "bf16"): 153,
    ("h100", "bf16"): 295,
    ("h100", "fp8"): 591,
    ("h200", "bf16"): 206,
    ("h200", "fp8"): 412,
    ("b200", "bf16"): 281,
    ("b200", "fp8"): 563,
    ("b200", "fp4"): 1125,
    ("gb200", "fp4"): 1250,
    ("rubin", "fp4"): (1136, 2273),
    ("rubin-cpx", "fp4"): (10000, 15000),
    ("tpu-v4", "bf16"): 229,
    ("tpu-v4", "int8"): 229,
    ("tpu-v5e", "bf16"): 241,
    ("tpu-v5e", "int8"): 480,
    ("tpu-v5p", "bf16"): 166,
    ("tpu-v6e", "bf16"): 560,
    ("ironwood", "bf16"): 313,
    ("ironwood", "fp8"): 626,
    ("groq-lpu1", "int8"): 9.4,
    ("groq-lpu1", "fp16"): 2.4,
    ("groq-lp30", "fp8"): 8.0,
    ("mi300x", "bf16"): 247,
    ("mi300x", "fp8"): 493,
}


def figures(chip: Hardware) -> list[Figure]:
    single = [getattr(chip, f.name) for f in fields(chip) if f.name != "peak_flops"]
    found = [*chip.peak_flops.values(), *(f for f in single if isinstance(f, Figure))]
    return found + [f.rival for f in found if f.rival is not None]


@pytest.mark.parametrize(("chip", "arithmetic"), RIDGES)
def test_ridge_table_of_the_reference(chip: str, arithmetic: str) -> None:
    given = RIDGES[chip, arithmetic]
    low, high = given if isinstance(given, tuple) else (given, given)
    h = hardware(chip)
    found = h.ridge_range(arithmetic)
    assert found[0] == pytest.approx(low, rel=0.005 if low > 10 else 0.03)
    assert found[0] <= h.ridge(arithmetic) <= found[1]
    if isinstance(given, tuple):
        assert found[1] == pytest.approx(high, rel=0.005)


def test_every_chip_is_in_the_ridge_table() -> None:
    assert {chip for chip, _ in RIDGES} == set(HARDWARE)


@pytest.mark.parametrize("name", HARDWARE)
def test_every_figure_says_who_states_it_and_when(name: str) -> None:
    h = hardware(name)
    assert h.name == name
    assert len(figures(h)) >= 3
    for f in figures(h):
        assert f.value > 0
        assert f.unit in ("B", "B/s", "FLOP/s", "W")
        assert f.source
        assert f.date[:2] == "20"
        assert f.verified != ("recalled" in f.source)
        assert (f.precision is None) == (f.unit != "FLOP/s")
    for key, f in h.peak_flops.items():
        assert f.precision == key
        assert f.dense


def test_conflicting_sources_are_in_the_data() -> None:
    rubin, cpx = hardware("rubin"), hardware("rubin-cpx")
    assert "conflict" in rubin.note
    assert rubin.peak("fp4").rival is not None
    assert (rubin.peak("fp4").value, rubin.peak("fp4").rival.value) == (50e15, 25e15)
    assert cpx.peak("fp4").rival is not None
    assert not cpx.peak("fp4").rival.dense


def test_operands_are_multiplied_in_the_narrowest_format_the_chip_has() -> None:
    assert hardware("b200").peak("nvfp4").value == 9e15
    assert hardware("b200").peak("mxfp4") is hardware("b200").peak_flops["fp4"]
    assert hardware("h100").peak("nvfp4").value == 989e12  # unpacked to 16 bit
    assert hardware("a100").peak("fp8").value == 312e12
    assert hardware("a100").peak(precision("int8")).value == 624e12
    assert hardware("groq-lp30").peak("nvfp4").value == 1.2e15
    assert hardware("h100").ridge("int4") == hardware("h100").ridge("bf16")


def test_a_format_wider_than_any_unit_has_no_peak() -> None:
    with pytest.raises(UnknownNameError, match=r"groq-lp30.*bf16.*fp8"):
        hardware("groq-lp30").peak("bf16")
    with pytest.raises(UnknownNameError, match="fp4"):
        hardware("tpu-v4").peak("fp4")


def test_chips_without_dram_hold_their_weights_in_sram() -> None:
    for name in ("groq-lpu1", "groq-lp30"):
        h = hardware(name)
        assert h.memory == "sram"
        assert h.memory_bytes is not None
        assert h.sram_bytes is not None
        assert h.memory_bytes.value == h.sram_bytes.value < 1e9
    assert hardware("rubin-cpx").memory == "gddr"
    assert {h.memory for n, h in HARDWARE.items() if not n.startswith(("groq", "rubin-cpx"))} == {"hbm"}


def test_an_unknown_chip_is_named_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"h300.*h100.*tpu-v5p"):
        hardware("h300")


def test_no_bandwidth_is_an_error_and_not_an_infinite_ridge() -> None:
    bare = Hardware("bare", "hbm", {"bf16": Figure.stated("1 PFLOP/s", "test", "2026", precision="bf16")}, None, None)
    with pytest.raises(FigureError, match="bandwidth of bare"):
        bare.ridge("bf16")


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("80 GB", 80e9, "B"),
        ("32 GiB", 32 * 2**30, "B"),
        ("4800 Gb/s", 600e9, "B/s"),
        ("4800 GB/s", 4.8e12, "B/s"),
        ("3.35 TB/s", 3.35e12, "B/s"),
        ("800 GiB/s", 800 * 2**30, "B/s"),
        ("1979 TFLOP/s", 1.979e15, "FLOP/s"),
        ("750 TOP/s", 750e12, "FLOP/s"),
        ("700 W", 700.0, "W"),
        ("1.8kW", 1800.0, "W"),
        ("230 Mb", 230e6 / 8, "B"),
    ],
)
def test_units_are_read_as_written(text: str, value: float, unit: str) -> None:
    assert si(text) == (pytest.approx(value), unit)


def test_the_two_classic_slips_are_told_apart() -> None:
    assert si("32 GiB")[0] / si("32 GB")[0] == pytest.approx(1.0737, abs=1e-4)
    assert si("4800 GB/s")[0] / si("4800 Gb/s")[0] == 8.0
    v4, v5p = hardware("tpu-v4"), hardware("tpu-v5p")
    assert v4.memory_bytes is not None
    assert v4.memory_bytes.value == 34_359_738_368
    assert v5p.link_bytes_per_s is not None
    assert v5p.link_bytes_per_s.value == 600e9


@pytest.mark.parametrize("text", ["", "80", "GB", "80 gb", "80 GBps", "-3 TB/s", "3,35 TB/s", "80 GB of HBM", "4 W/s"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(FigureError, match="cannot read"):
        si(text)


def test_an_overflowing_quantity_is_refused() -> None:
    with pytest.raises(FigureError, match="not a finite"):
        si("1e400 B")


@given(st.text(max_size=12))
def test_reading_any_text_gives_a_quantity_or_a_typed_error(text: str) -> None:
    try:
        value, unit = si(text)
    except FigureError:
        return
    assert value >= 0
    assert unit
