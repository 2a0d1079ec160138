"""Parameters of a systolic accelerator tile: one frozen object says everything about it."""

from __future__ import annotations

from dataclasses import dataclass, fields

from floorplan.accelerator.seeded import Draws
from floorplan.accelerator.technology import TECHNOLOGIES, technology
from floorplan.errors import ProblemError

__all__ = ["SystolicTile"]


@dataclass(frozen=True)
class SystolicTile:
    """A weight-stationary systolic accelerator tile.

    Weights come from banks above the array and stay in it, activations enter from the left and move right, partial
    sums move down into accumulator banks below; vector lanes turn those into the next activations. DMA engines fetch
    from memory ports at the top edge, and one NoC router or more at each edge links the tile to its neighbours.

    The MAC array of `mac_rows` x `mac_columns` is hardened as `array_rows` x `array_columns` equal macros. "Band" below
    means one row of these, "stack" one column of these.

    Attributes:
        mac_rows: MAC cells in y; a multiple of `array_rows`.
        mac_columns: MAC cells in x; a multiple of `array_columns`.
        array_rows: bands.
        array_columns: stacks.
        weight_banks: weight SRAMs a stack.
        weight_bank_kbit: size of each, in 1024 bits.
        activation_banks: activation SRAMs a band.
        activation_bank_kbit: size of each.
        accumulator_banks: accumulator SRAMs a stack, which share the partial sums of its columns.
        accumulator_bank_kbit: size of each.
        vector_lanes: vector lane macros, each with one register-file SRAM.
        lane_alus: 32-bit units a lane.
        register_file_kbit: size of each register file.
        instruction_banks: instruction SRAMs.
        instruction_bank_kbit: size of each.
        dma_engines: DMA macros.
        noc_routers: router macros; router i stands for edge i mod 4 (top, right, bottom, left).
        operand_bits: width of a weight and of an activation.
        accumulator_bits: width of a partial sum.
        flit_bits: width of NoC links, DMA and memory ports.
        port_slice_bits: bits of a bus that one port on the canvas edge stands for.
        soft_macros: clusters of standard cells in all.
        nets_per_soft: mean number of logic nets that a soft macro drives, besides the buses.
        rent_exponent: p of Rent's rule T = k * B**p for the logic nets; 0.6 to 0.7 is usual for control and datapath.
        hard_utilisation_frac: hard macro area over canvas area.
        utilisation_frac: hard and soft macro area over canvas area.
        technology: key in `TECHNOLOGIES`.
        seed: of everything that is drawn: sizes of soft macros and the logic nets.
    """

    mac_rows: int = 32
    mac_columns: int = 32
    array_rows: int = 4
    array_columns: int = 4
    weight_banks: int = 2
    weight_bank_kbit: int = 64
    activation_banks: int = 4
    activation_bank_kbit: int = 64
    accumulator_banks: int = 2
    accumulator_bank_kbit: int = 32
    vector_lanes: int = 4
    lane_alus: int = 8
    register_file_kbit: int = 8
    instruction_banks: int = 2
    instruction_bank_kbit: int = 128
    dma_engines: int = 2
    noc_routers: int = 4
    operand_bits: int = 8
    accumulator_bits: int = 32
    flit_bits: int = 128
    port_slice_bits: int = 16
    soft_macros: int = 240
    nets_per_soft: int = 8
    rent_exponent: float = 0.65
    hard_utilisation_frac: float = 0.47
    utilisation_frac: float = 0.67
    technology: str = "nangate45"
    seed: int = 1

    def __post_init__(self) -> None:
        technology(self.technology)
        for f in fields(self):
            if f.type == "int" and f.name != "seed" and getattr(self, f.name) < 1:
                raise ProblemError(f"{f.name} must be >= 1, got {getattr(self, f.name)}")
        if self.seed < 0:
            raise ProblemError(f"seed must be >= 0, got {self.seed}")
        if self.mac_rows % self.array_rows or self.mac_columns % self.array_columns:
            raise ProblemError(
                f"{self.mac_rows} x {self.mac_columns} MACs do not divide into "
                f"{self.array_rows} x {self.array_columns} macros"
            )
        if self.stack_columns * self.accumulator_bits % self.accumulator_banks:
            raise ProblemError(f"{self.accumulator_banks} accumulator banks cannot share a stack's partial sums evenly")
        if not 0 < self.hard_utilisation_frac < self.utilisation_frac < 1:
            raise ProblemError("utilisation must satisfy 0 < hard_utilisation_frac < utilisation_frac < 1")
        if not 0 < self.rent_exponent < 1:
            raise ProblemError(f"rent_exponent must lie between 0 and 1, got {self.rent_exponent}")

    @property
    def band_rows(self) -> int:
        """MAC rows of one macro."""
        return self.mac_rows // self.array_rows

    @property
    def stack_columns(self) -> int:
        """MAC columns of one macro."""
        return self.mac_columns // self.array_columns

    @property
    def macs(self) -> int:
        """MAC cells of the tile; peak operations a cycle are twice that."""
        return self.mac_rows * self.mac_columns

    @property
    def sram_kbit(self) -> int:
        """All SRAM of the tile, in 1024 bits."""
        return (
            self.array_columns * self.weight_banks * self.weight_bank_kbit
            + self.array_rows * self.activation_banks * self.activation_bank_kbit
            + self.array_columns * self.accumulator_banks * self.accumulator_bank_kbit
            + self.vector_lanes * self.register_file_kbit
            + self.instruction_banks * self.instruction_bank_kbit
        )

    @property
    def hard_macros(self) -> int:
        """Number of hard macros."""
        return (
            self.array_rows * self.array_columns
            + self.array_columns * (self.weight_banks + self.accumulator_banks)
            + self.array_rows * self.activation_banks
            + 2 * self.vector_lanes
            + self.instruction_banks
            + self.dma_engines
            + self.noc_routers
        )

    @classmethod
    def variant(cls, seed: int) -> SystolicTile:
        """Draw a sensible tile of about 30 to 120 hard macros: a family to pre-train and test policies on.

        Array shape, bank counts and sizes, lanes, routers, node, logic and utilisation all vary; the same seed gives
        the same tile.
        """
        d = Draws(seed)
        array_rows, array_columns = d.choice((2, 3, 4, 5)), d.choice((2, 3, 4, 5))
        band_rows, stack_columns = d.choice((4, 8, 8, 16)), d.choice((4, 8, 8, 16))
        hard = round(d.between(0.36, 0.44), 3)
        return cls(
            mac_rows=array_rows * band_rows,
            mac_columns=array_columns * stack_columns,
            array_rows=array_rows,
            array_columns=array_columns,
            weight_banks=d.choice((1, 2, 2, 4)),
            weight_bank_kbit=d.choice((32, 64, 128)),
            activation_banks=d.choice((2, 4, 4, 6)),
            activation_bank_kbit=d.choice((32, 64, 128)),
            accumulator_banks=d.choice((1, 2, 4)),
            accumulator_bank_kbit=d.choice((16, 32, 64)),
            vector_lanes=d.choice((2, 3, 4, 6)),
            lane_alus=d.choice((4, 8, 16)),
            register_file_kbit=d.choice((4, 8, 16)),
            instruction_banks=d.choice((1, 2, 3)),
            instruction_bank_kbit=d.choice((64, 128)),
            dma_engines=d.choice((1, 2, 3, 4)),
            noc_routers=d.choice((2, 4, 4, 6)),
            flit_bits=d.choice((64, 128, 256)),
            soft_macros=d.choice((160, 200, 240, 280, 320)),
            nets_per_soft=d.choice((5, 6, 7, 8)),
            rent_exponent=round(d.between(0.58, 0.72), 3),
            hard_utilisation_frac=hard,
            utilisation_frac=round(hard + d.between(0.15, 0.25), 3),
            technology=d.choice(sorted(TECHNOLOGIES)),
            seed=seed,
        )
