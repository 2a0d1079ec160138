"""Parameters of a synthetic netlist: one frozen object says everything about it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from floorplan.accelerator.seeded import Draws
from floorplan.accelerator.synthetic_macros import choose_grid, draw_groups, taken_frac
from floorplan.errors import ProblemError

__all__ = ["Synthetic"]

ROOM_FRAC, FEW_MACROS = 0.57, 1.5
"""Most of the grid that n macros of a drawn netlist take in whole cells is 0.57 - 1.5 / n: random play seldom jams."""

FINE_CELLS = (28, 30, 32)
"""Cells a side to choose from where macros would waste too much of a coarser grid."""

LEAST_UTILISATION_FRAC = 0.05
"""Where making room stops: a thousand macros take a cell each, however small they are."""

MOST_UTILISATION_FRAC = 1.2
"""Soft macros are clusters that may overlap; the public netlists go up to 1.05."""


@dataclass(frozen=True)
class Synthetic:
    """A netlist of no chip in particular, with the statistics of the public clustered ones: something to train on.

    Modules stand in a hierarchy, each with its soft macros, its groups of hard macros and its ports. Logic nets follow
    Rent's rule, within modules and between those that are near in the hierarchy; a hard macro's pins go to the soft
    macros of its module.

    Attributes:
        hard_macros: in all.
        sram_frac: share of them that are SRAMs, in groups of equal ones with shared address and write-data buses.
        block_frac: share that are big blocks, each in no group; the rest are small macros.
        sram_kinds: different SRAMs.
        group_macros: mean number of SRAMs in a group.
        data_nets: read-data nets of an SRAM, and write-data nets of a group.
        soft_macros: clusters of standard cells in all.
        modules: leaves of the hierarchy, each with at least two soft macros.
        ports: on all four edges.
        nets_per_soft: mean number of logic nets that a soft macro drives.
        rent_exponent: p of Rent's rule T = k * B**p for the logic nets.
        hard_utilisation_frac: hard macro area over canvas area.
        utilisation_frac: hard and soft macro area over canvas area.
        canvas_aspect: canvas width over height.
        grid_cells: cells along the side of a square canvas of the same area; 0 takes the grid of 20 to 32 a side that
            wastes least.
        routing_demand_frac: share of all routing tracks that nets take where wirelength is 0.08: 0.01 to 0.3 on the
            public netlists, where congestion is that of hard macros up to 0.05 or so.
        seed: of everything that is drawn.
    """

    hard_macros: int = 60
    sram_frac: float = 0.8
    block_frac: float = 0.06
    sram_kinds: int = 3
    group_macros: int = 5
    data_nets: int = 14
    soft_macros: int = 240
    modules: int = 12
    ports: int = 160
    nets_per_soft: int = 12
    rent_exponent: float = 0.65
    hard_utilisation_frac: float = 0.42
    utilisation_frac: float = 0.7
    canvas_aspect: float = 1.0
    grid_cells: int = 0
    routing_demand_frac: float = 0.05
    seed: int = 1

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            least = 0 if f.name in ("seed", "ports", "grid_cells") else 1
            if f.type == "int" and value < least:
                raise ProblemError(f"{f.name} must be >= {least}, got {value}")
        if not (self.sram_frac >= 0 and self.block_frac >= 0 and self.sram_frac + self.block_frac <= 1):
            raise ProblemError("sram_frac and block_frac must be >= 0 and 1 at most together")
        if self.soft_macros < 2 * self.modules:
            raise ProblemError(f"{self.soft_macros} soft macros are too few for {self.modules} modules of two or more")
        if not 0 < self.rent_exponent < 1:
            raise ProblemError(f"rent_exponent must lie between 0 and 1, got {self.rent_exponent}")
        if not 0 < self.hard_utilisation_frac < min(self.utilisation_frac, 1):
            raise ProblemError(
                "utilisation must satisfy 0 < hard_utilisation_frac < utilisation_frac, the first below 1"
            )
        if not self.utilisation_frac <= MOST_UTILISATION_FRAC:
            raise ProblemError(f"utilisation_frac must be {MOST_UTILISATION_FRAC} at most, got {self.utilisation_frac}")
        if not 0.1 <= self.canvas_aspect <= 10:
            raise ProblemError(f"canvas_aspect must be 0.1 to 10, got {self.canvas_aspect}")
        if not 0 < self.routing_demand_frac <= 10:
            raise ProblemError(f"routing_demand_frac must be above 0 and 10 at most, got {self.routing_demand_frac}")
        if self.grid_cells > 400:
            raise ProblemError(f"grid_cells must be 400 at most, got {self.grid_cells}")

    @classmethod
    def variant(cls, seed: int) -> Synthetic:
        """Draw a sensible netlist of 8 to 200 hard and 80 to 600 soft macros: a family to pre-train policies on.

        Counts are log-uniform, hard utilisation 0.3 to 0.6, lowered where the macros would fill the grid so far that
        random play jams; the same seed gives the same netlist.
        """
        d = Draws(seed)
        hard = round(8 * 25.0 ** d.unit())
        soft = min(max(round(hard * 2.0 ** d.between(1.6, 3.6)), 80), 600)
        sram_kinds, group_macros = d.choice((1, 2, 3, 5)), d.choice((2, 4, 6, 8))
        sram_frac = round(d.between(0.5, 1.0), 3)
        block_frac = round(min(d.between(0.0, 0.2), 1 - sram_frac), 3)
        utilisation = round(d.between(0.30, 0.60), 3)
        aspect = round(2.0 ** d.between(-0.73, 0.67), 3)
        cells = d.choice((0, 0, 24, 26, 28, 30, 32))
        return cls(
            hard_macros=hard,
            sram_frac=sram_frac,
            block_frac=block_frac,
            sram_kinds=sram_kinds,
            group_macros=group_macros,
            data_nets=d.choice((8, 12, 16, 20)),
            soft_macros=soft,
            modules=min(max(soft // d.choice((20, 28, 36, 48)), 3), 40),
            ports=min(round(24 * 25.0 ** d.unit()), soft),
            nets_per_soft=d.choice((8, 10, 12, 14)),
            rent_exponent=round(d.between(0.42, 0.66), 3),
            hard_utilisation_frac=utilisation,
            utilisation_frac=round(utilisation + d.between(0.12, 0.32), 3),
            canvas_aspect=aspect,
            grid_cells=cells,
            # Few clusters meet in few cells, so the same demand makes a higher peak.
            routing_demand_frac=round(0.018 * 6.0 ** d.unit() * soft / (soft + 100), 4),
            seed=seed,
        ).with_room()

    def with_room(self) -> Synthetic:
        """Return these parameters with a finer grid, then with lower utilisation, until random play seldom jams."""
        groups = draw_groups(
            Draws(self.seed), self.hard_macros, self.sram_frac, self.block_frac, self.sram_kinds, self.group_macros
        )
        room = ROOM_FRAC - FEW_MACROS / max(self.hard_macros, 8)
        hard, cells = self.hard_utilisation_frac, self.grid_cells

        def taken(cells: int) -> float:
            return taken_frac(groups, choose_grid(groups, hard, self.canvas_aspect, cells))

        while taken(cells) > room and hard > LEAST_UTILISATION_FRAC:
            cells = min((0, *FINE_CELLS), key=taken)
            if taken(cells) > room:
                hard = round(hard - 0.01, 3)
        total = round(self.utilisation_frac - (self.hard_utilisation_frac - hard), 3)
        return replace(self, hard_utilisation_frac=hard, utilisation_frac=total, grid_cells=cells)
