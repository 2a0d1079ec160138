from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest

from floorplan.accelerator.hardware import HARDWARE, Figure, Hardware, hardware, implausible
from floorplan.accelerator.templates import CHIPS, chip


def stated(text: str, precision: str | None = None, *, dense: bool = True) -> Figure:
    return Figure.stated(text, "a web page", "2026", precision=precision, dense=dense)


def with_peak(name: str, **peaks: str) -> Hardware:
    h = hardware(name)
    return replace(h, peak_flops={**h.peak_flops, **{k: stated(v, k) for k, v in peaks.items()}})


@pytest.mark.parametrize("name", HARDWARE)
def test_the_catalogue_passes_its_own_gate(name: str) -> None:
    h = hardware(name)
    assert implausible(h) == ()
    assert implausible(replace(h, name="another name")) == ()  # by physics too, not only by being itself


@pytest.mark.parametrize("name", CHIPS)
def test_the_templates_make_plausible_chips(name: str) -> None:
    assert implausible(chip(name).hardware) == ()


def test_mi300x_dense_fp16_of_2615_is_the_sparse_or_fp8_figure() -> None:
    reasons = implausible(with_peak("mi300x", fp16="2615 TFLOP/s"))
    assert any("bf16 and fp16 peaks differ 2 times" in r for r in reasons)
    assert any("it is the fp8 figure" in r and "structured sparsity" in r for r in reasons)


def test_mi300x_with_every_peak_doubled_is_still_caught() -> None:
    reasons = implausible(with_peak("mi300x", bf16="2615 TFLOP/s", fp16="2615 TFLOP/s", fp8="5230 TFLOP/s"))
    assert sum("twice the dense rate" in r for r in reasons) == 3


@pytest.mark.parametrize("name", ["tpu-v5p", "a chip nobody knows"])
def test_tpu_v5p_at_4_8_terabytes_is_its_link_read_as_bytes(name: str) -> None:
    wrong = replace(hardware("tpu-v5p"), name=name, memory_bytes_per_s=stated("4.8 TB/s"))
    reasons = implausible(wrong)
    assert any("4800 Gb/s" in r and "bits" in r for r in reasons)


@pytest.mark.parametrize("memory", ["hbm", "gddr", "sram"])
def test_a_million_terabytes_per_second_take_megawatts(memory: str) -> None:
    wrong = replace(hardware("h200"), name="new", memory=memory, memory_bytes_per_s=stated("1000000 TB/s"))
    reasons = implausible(wrong)
    assert any("takes at least" in r and "pJ/bit" in r and "TDP of 700 W" in r for r in reasons)
    assert any("would read all" in r for r in reasons)


def test_a_chip_without_a_published_power_is_held_to_what_can_be_cooled() -> None:
    wrong = replace(hardware("h200"), name="new", tdp_w=None, memory_bytes_per_s=stated("1000 TB/s"))
    assert any("no package passes" in r for r in implausible(wrong))
    assert any("can be cooled" in r for r in implausible(replace(hardware("h200"), tdp_w=stated("50 kW"))))


def test_a_sparse_figure_is_no_dense_peak() -> None:
    h = hardware("h100")
    wrong = replace(h, peak_flops={**h.peak_flops, "fp8": stated("3958 TFLOP/s", "fp8", dense=False)})
    reasons = implausible(wrong)
    assert any("counts structured sparsity" in r for r in reasons)
    assert any("fp8 peak" in r and "twice the dense rate" in r for r in reasons)


@pytest.mark.parametrize(
    ("peaks", "what"),
    [
        ({"bf16": "100 PFLOP/s", "fp8": "200 PFLOP/s"}, "takes at least"),
        ({"bf16": "900 TFLOP/s", "fp8": "400 TFLOP/s"}, "bf16 peak exceeds that of fp8"),
        ({"bf16": "10 TFLOP/s", "fp8": "900 TFLOP/s"}, "more than narrower operands can give"),
        ({"bf16": "900 TFLOP/s", "fp16": "1800 TFLOP/s"}, "differ 2 times"),
    ],
)
def test_peaks_of_one_chip_have_to_agree_with_each_other(peaks: dict[str, str], what: str) -> None:
    wrong = replace(hardware("h100"), name="new", peak_flops={k: stated(v, k) for k, v in peaks.items()})
    assert any(what in r for r in implausible(wrong))


def test_small_integer_units_are_allowed() -> None:
    ultra = replace(
        hardware("b200"),
        name="b300",
        peak_flops={"bf16": stated("2500 TFLOP/s", "bf16"), "int8": stated("160 TOP/s", "int8")},
    )
    assert implausible(ultra) == ()


@pytest.mark.parametrize(
    ("field", "text", "what"),
    [
        ("memory_bytes", "80 TB", "exceed any package's"),
        ("memory_bytes", "640 GB", "bits and bytes"),
        ("memory_bytes", "80 MB", r"prefix is off by 10\^-3"),
        ("memory_bytes_per_s", "26.8 TB/s", "would read all"),
        ("link_bytes_per_s", "3600 GB/s", "bits and bytes"),
        ("tdp_w", "70 W", "takes at least"),
        ("tdp_w", "300 W", "contradicts 700"),
    ],
)
def test_figures_off_by_a_slip_are_named(field: str, text: str, what: str) -> None:
    reasons = implausible(replace(hardware("h100"), **{field: stated(text)}))
    assert any(re.search(what, r) for r in reasons), reasons


@pytest.mark.parametrize(
    ("chip", "field", "text", "what"),
    [
        ("a100", "memory_bytes_per_s", "1600 GB/s", "contradicts"),  # the 40 GB board's
        ("h200", "bf16", "1979 TFLOP/s", "it is the fp8"),
        ("b200", "bf16", "3500 TFLOP/s", "contradicts"),
        ("b200", "fp8", "9000 TFLOP/s", "it is the fp4 figure"),
        ("h100", "fp8", "3958 TFLOP/s", "twice the dense rate"),
    ],
)
def test_figures_met_in_public_tables_and_tools_are_refused(chip: str, field: str, text: str, what: str) -> None:
    wrong = with_peak(chip, **{field: text}) if "FLOP" in text else replace(hardware(chip), **{field: stated(text)})
    assert any(what in r for r in implausible(wrong))


def test_a_disputed_figure_passes_under_each_reading() -> None:
    rubin = hardware("rubin")
    dense_half = {**rubin.peak_flops, "fp4": stated("25 PFLOP/s", "fp4")}
    assert implausible(replace(rubin, peak_flops=dense_half)) == ()
    assert implausible(replace(hardware("b200"), memory_bytes=stated("192 GB"))) == ()


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_figures_that_are_no_positive_number_are_refused(value: float) -> None:
    broken = Figure(value, "B/s", None, True, "a web page", "2026")
    reasons = implausible(replace(hardware("h100"), memory_bytes_per_s=broken))
    assert len(reasons) == 1
    assert "not a positive finite number" in reasons[0]


def test_a_figure_in_the_wrong_unit_or_without_a_source_is_refused() -> None:
    h = hardware("h100")
    assert any("is in B, not in B/s" in r for r in implausible(replace(h, memory_bytes_per_s=stated("3 TB"))))
    nameless = Figure(3.35e12, "B/s", None, True, "", "")
    assert any("no source" in r for r in implausible(replace(h, memory_bytes_per_s=nameless)))
    assert any("none of hbm" in r for r in implausible(replace(h, memory="tape")))
    assert any("fp3" in r for r in implausible(replace(h, peak_flops={"fp3": stated("1 PFLOP/s", "fp3")})))
