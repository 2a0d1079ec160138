"""The hard macros of a synthetic netlist (groups of SRAMs, big blocks, small ones) and the room they take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from floorplan.accelerator.floor import cells_along
from floorplan.accelerator.seeded import Draws
from floorplan.accelerator.shapes import Shape, sram_shape
from floorplan.accelerator.technology import technology
from floorplan.netlist import Side

__all__ = ["Grid", "MacroGroup", "choose_grid", "draw_groups", "taken_frac"]

WORD_BITS = (16, 32, 32, 64, 128)
DEPTHS = (256, 512, 512, 1024, 2048)
ASPECTS = (0.5, 1.0, 1.0, 2.0)

BLOCK_AREA = (2.5, 7.0)
SMALL_AREA = (0.12, 0.5)
"""Areas of big blocks and of small macros, in that of the mean SRAM."""

LARGEST_FRAC = 0.2
"""No macro takes more than this of all hard area, so that even a netlist of eight has room to move."""

SIDES = (Side.LEFT, Side.BOTTOM, Side.RIGHT, Side.TOP)


@dataclass(frozen=True)
class MacroGroup:
    """Equal hard macros that share their address and write-data buses.

    Attributes:
        kind: `sram`, `block` (one big macro) or `small` (one small macro).
        shape: size of each.
        count: how many.
        word_bits: bits read at a time.
        side: the edge that data pins stand on; the others stand on the next one anticlockwise.
    """

    kind: str
    shape: Shape
    count: int
    word_bits: int
    side: Side

    @property
    def pin_side(self) -> dict[str, Side]:
        """Side by pin label, as `HardMacro` takes it."""
        data, control = self.side, SIDES[(SIDES.index(self.side) + 1) % 4]
        return {"rdata": data, "wdata": data, "addr": control}


@dataclass(frozen=True)
class Grid:
    """Canvas extents in um and its cells."""

    width_um: float
    height_um: float
    columns: int
    rows: int


def draw_groups(
    draws: Draws,
    hard_macros: int,
    sram_frac: float,
    block_frac: float,
    sram_kinds: int,
    group_macros: int,
) -> list[MacroGroup]:
    """Draw hard macros in groups, SRAMs first: `hard_macros` in all.

    Args:
        draws: stream to draw from.
        hard_macros: how many.
        sram_frac: share of them that are SRAMs.
        block_frac: share that are big blocks; the rest is small.
        sram_kinds: different SRAMs, of which each group has one.
        group_macros: mean number of SRAMs in a group.
    """
    srams = round(hard_macros * sram_frac)
    blocks = min(round(hard_macros * block_frac), hard_macros - srams)
    tech = technology("nangate45")
    kinds: list[tuple[Shape, int]] = []
    for _ in range(sram_kinds):
        word, depth = draws.choice(WORD_BITS), draws.choice(DEPTHS)
        kinds.append((sram_shape(tech, word * depth, word, draws.choice(ASPECTS)), word))
    out: list[MacroGroup] = []
    left = srams
    while left:
        count = min(left, 1 + draws.below(2 * group_macros - 1))
        shape, word = draws.choice(kinds)
        out.append(MacroGroup("sram", shape, count, word, draws.choice(SIDES)))
        left -= count
    mean_um2 = sum(g.shape.area_um2 * g.count for g in out) / srams if srams else kinds[0][0].area_um2
    for kind, number, (low, high) in (
        ("block", blocks, BLOCK_AREA),
        ("small", hard_macros - srams - blocks, SMALL_AREA),
    ):
        for _ in range(number):
            area_um2 = mean_um2 * math.exp(draws.between(math.log(low), math.log(high)))
            area_um2 = min(area_um2, LARGEST_FRAC * mean_um2 * max(srams, 5))
            aspect = 2.0 ** draws.between(-0.8, 0.8)
            shape = Shape(round(math.sqrt(area_um2 * aspect), 4), round(math.sqrt(area_um2 / aspect), 4))
            out.append(MacroGroup(kind, shape, 1, draws.choice(WORD_BITS), draws.choice(SIDES)))
    return out


def choose_grid(groups: Sequence[MacroGroup], hard_utilisation_frac: float, aspect: float, cells: int) -> Grid:
    """Return the canvas of which the macros take `hard_utilisation_frac`, width over height being `aspect`.

    Args:
        groups: the macros.
        hard_utilisation_frac: hard area over canvas area.
        aspect: width over height.
        cells: cells along the side of a square canvas of that area, cells being about square; 0 chooses rows and
            columns by `cells_along`.
    """
    macros = [g.shape for g in groups for _ in range(g.count)]
    area_um2 = sum(s.area_um2 for s in macros) / hard_utilisation_frac
    width, height = round(math.sqrt(area_um2 * aspect), 3), round(math.sqrt(area_um2 / aspect), 3)
    if cells:
        side = math.sqrt(width * height)
        return Grid(width, height, max(round(cells * width / side), 1), max(round(cells * height / side), 1))
    w, h = [s.w_um for s in macros], [s.h_um for s in macros]
    return Grid(width, height, cells_along(width, w, h), cells_along(height, h, w))


def taken_frac(groups: Sequence[MacroGroup], grid: Grid) -> float:
    """Return the share of the grid cells that the macros take, each rounded up to whole cells.

    Macros with their centres on cell centres lose what this is above their utilisation: where it comes near the
    jamming coverage of random sequential packing (0.56 for squares that are large against a cell), random play ends
    without room for the last ones.
    """
    w, h = grid.width_um / grid.columns, grid.height_um / grid.rows
    cells = sum(g.count * math.ceil(g.shape.w_um / w - 1e-9) * math.ceil(g.shape.h_um / h - 1e-9) for g in groups)
    return cells / (grid.columns * grid.rows)
