from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorplan.accelerator.shapes import (
    BITCELL_ASPECT,
    dma_shape,
    lane_shape,
    mac_shape,
    router_shape,
    sram_shape,
)
from floorplan.accelerator.technology import TECHNOLOGIES
from floorplan.errors import ProblemError

NG45 = TECHNOLOGIES["nangate45"]


def test_sram_area_is_bits_over_efficiency_plus_periphery_of_rows_and_columns() -> None:
    # 64 kbit in 64-bit words, as square as the array allows: 256 rows of 256 cells (4 words a row), each cell 2:1.
    shape = sram_shape(NG45, 65536, 64, aspect=2.0)
    assert shape.area_um2 == pytest.approx(65536 * 0.30 / 0.70 + 38.0 * (256 + 256), rel=1e-6)
    assert shape.w_um / shape.h_um == pytest.approx(2.0, rel=1e-6)


@pytest.mark.parametrize(("depth", "word", "um2_per_bit"), [(256, 16, 1.87), (512, 64, 0.80)])
def test_sram_area_meets_the_lef_sizes_it_was_fitted_to(depth: int, word: int, um2_per_bit: float) -> None:
    shape = sram_shape(NG45, depth * word, word)
    assert shape.area_um2 / (depth * word) == pytest.approx(um2_per_bit, rel=0.14)


@given(
    depth_log=st.integers(5, 12),
    word=st.sampled_from([8, 16, 32, 64, 128, 256]),
    aspect=st.floats(0.25, 4.0),
)
def test_sram_has_an_array_that_holds_its_bits_and_comes_near_the_aspect(
    depth_log: int, word: int, aspect: float
) -> None:
    bits = word << depth_log
    shape = sram_shape(NG45, bits, word, aspect)
    got = shape.w_um / shape.h_um
    columns = math.sqrt(got * bits / BITCELL_ASPECT)
    assert columns == pytest.approx(2 ** round(math.log2(columns)), rel=1e-3)
    # A factor of four lies between two column counts, so the nearest is within two; wide or deep extremes may miss it.
    if 8 <= columns / word <= 16 or word / 4 <= columns <= word * 16:
        assert 0.4 <= got / aspect <= 2.5


def test_more_bits_take_more_area_and_smaller_words_more_rows() -> None:
    areas = [sram_shape(NG45, kbit * 1024, 64).area_um2 for kbit in (8, 16, 32, 64, 128)]
    assert areas == sorted(areas)


def test_an_sram_that_its_word_does_not_divide_is_refused() -> None:
    with pytest.raises(ProblemError, match="100 bits"):
        sram_shape(NG45, 100, 64)


def test_mac_array_area_is_cells_times_multiplier_adder_and_registers() -> None:
    # int8: 282 + 137 um2 of arithmetic; 8 activation, 2 x 8 weight and 32 sum flip-flops of 4.522 um2; 70 % filled.
    shape = mac_shape(NG45, 8, 16, 8, 32)
    assert shape.area_um2 == pytest.approx(128 * (419.0 + 56 * 4.522) / 0.7, rel=1e-6)
    assert shape.w_um / shape.h_um == pytest.approx(2.0, rel=1e-6)


def test_logic_macros_follow_their_formulas() -> None:
    assert router_shape(NG45, 128).area_um2 == pytest.approx((5 * 4 * 128 * 4.522 + 25 * 128 * 1.862) / 0.7, rel=1e-6)
    assert lane_shape(NG45, 8).area_um2 == pytest.approx(8 * (3632.0 + 128 * 4.522) / 0.7, rel=1e-6)
    assert dma_shape(NG45, 128).area_um2 == pytest.approx((32 * 128 * 6.384 + 4 * 3632.0) / 0.7, rel=1e-6)
