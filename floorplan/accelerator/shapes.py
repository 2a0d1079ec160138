"""Width and height of hard macros from what is inside them: bits, multipliers, flip-flops."""

from __future__ import annotations

import math
from dataclasses import dataclass

from floorplan.accelerator.technology import Technology
from floorplan.errors import ProblemError

__all__ = ["Shape", "dma_shape", "lane_shape", "mac_shape", "router_shape", "sram_shape"]

BITCELL_ASPECT = 2.0
"""Width over height of the thin six-transistor cell that all nodes below 90 nm use (about 2 to 2.5)."""

MUX_WAYS = (1, 2, 4, 8, 16, 32)
"""Column multiplexing that SRAM compilers offer: the words that share a row."""

FOLDS = (1, 2, 4, 8)
"""Rows that a wide word is folded over, each in a subarray of its own."""


@dataclass(frozen=True)
class Shape:
    """Size of a macro in orientation N, in um, to 0.1 nm."""

    w_um: float
    h_um: float

    @property
    def area_um2(self) -> float:
        """Width times height."""
        return self.w_um * self.h_um


def _shaped(area_um2: float, aspect: float) -> Shape:
    return Shape(round(math.sqrt(area_um2 * aspect), 4), round(math.sqrt(area_um2 / aspect), 4))


def sram_shape(tech: Technology, bits: int, word_bits: int, aspect: float = 1.0) -> Shape:
    """Size of a single-port SRAM of `bits` read `word_bits` at a time.

    area = bits * bitcell / efficiency + line * (rows + columns), with columns = word_bits * ways / folds and rows =
    bits / columns. Multiplexing and folding are those whose array comes nearest to `aspect` (width / height), the way a
    memory compiler is asked for a shape, so the aspect is met within a factor of two.

    Raises:
        ProblemError: `bits` is not a multiple of `word_bits`.
    """
    if bits <= 0 or word_bits <= 0 or bits % word_bits:
        raise ProblemError(f"an SRAM of {bits} bits cannot be read {word_bits} bits at a time")
    depth = bits // word_bits
    columns_offered = [word_bits * m for m in MUX_WAYS if depth % m == 0]
    columns_offered += [word_bits // f for f in FOLDS if word_bits % f == 0]

    def array_aspect(columns: int) -> float:
        return BITCELL_ASPECT * columns * columns / bits

    columns = min(columns_offered, key=lambda c: abs(math.log(array_aspect(c) / aspect)))
    rows = bits // columns
    area = bits * tech.bitcell_um2 / tech.array_efficiency_frac + tech.line_um2 * (rows + columns)
    return _shaped(area, array_aspect(columns))


def mac_shape(tech: Technology, rows: int, columns: int, operand_bits: int, accumulator_bits: int) -> Shape:
    """Size of a weight-stationary array of rows x columns multiply-accumulate cells, each about square.

    A cell holds a multiplier and adder (scaled from 8 bits by the square of the operand width), and registers for the
    activation, the partial sum, and two weights: one in use, one being loaded.
    """
    registers = 3 * operand_bits + accumulator_bits
    cell_um2 = tech.mac8_um2 * (operand_bits / 8) ** 2 + registers * tech.flop_um2
    return _shaped(rows * columns * cell_um2 / tech.logic_fill_frac, columns / rows)


def lane_shape(tech: Technology, alus: int, aspect: float = 1.6) -> Shape:
    """Size of a vector lane: `alus` 32-bit multiply-add units, each with four pipeline registers."""
    return _shaped(alus * (tech.alu32_um2 + 4 * 32 * tech.flop_um2) / tech.logic_fill_frac, aspect)


def router_shape(tech: Technology, flit_bits: int, links: int = 5, depth: int = 4) -> Shape:
    """Size of a router: a buffer of `depth` flits per input link and a full crossbar of multiplexers."""
    buffers = links * depth * flit_bits * tech.flop_um2
    crossbar = links * links * flit_bits * tech.mux2_um2
    return _shaped((buffers + crossbar) / tech.logic_fill_frac, 1.0)


def dma_shape(tech: Technology, flit_bits: int, depth: int = 32, aspect: float = 0.6) -> Shape:
    """Size of a DMA engine: a reorder buffer of `depth` flits with its multiplexers, and four address generators."""
    buffer = depth * flit_bits * (tech.flop_um2 + tech.mux2_um2)
    return _shaped((buffer + 4 * tech.alu32_um2) / tech.logic_fill_frac, aspect)
