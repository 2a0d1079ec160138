"""A TPU-like chip: weight-stationary matrix units with vector memory, a large common memory, HBM and chip links."""

from __future__ import annotations

from dataclasses import dataclass

from floorplan.accelerator.chip import Chip, Dataflow
from floorplan.accelerator.chip_parameters import ChipParameters, Meshed
from floorplan.accelerator.die import ACCUMULATOR_BITS, OPPOSITE, Die, Flow, collective_flows, shared
from floorplan.accelerator.phys import phy
from floorplan.accelerator.seeded import Draws
from floorplan.accelerator.shapes import lane_shape, mac_shape
from floorplan.netlist import Side

__all__ = ["SystolicChip", "systolic_chip"]


@dataclass(frozen=True, kw_only=True)
class SystolicChip(Meshed, ChipParameters):
    """A weight-stationary systolic chip; the defaults are about a TPU v4 (arXiv 2304.01433), with HBM2e.

    Memory -> HBM PHYs and controllers -> banks of the common memory -> mesh of routers -> matrix units, in which
    weights (or, in attention, keys and values) stay. Activations come from the unit's own vector memory; its partial
    sums go through its vector unit and back there. Chip links hang on the routers.

    Attributes:
        matrix_units: MAC arrays, each one macro.
        mac_rows: MAC cells of each in y.
        mac_columns: MAC cells of each in x.
        vector_alus: 32-bit units of the vector macro that each matrix unit has.
        vector_banks: vector-memory SRAMs a matrix unit.
        vector_bank_kbit: size of each, in 1024 bits.
        common_banks: SRAMs of the common memory; a multiple of `memory_phys`.
        common_bank_kbit: size of each.
        mesh_rows: routers in y.
        mesh_columns: routers in x; the number of routers divides `matrix_units` and `common_banks`.
        flit_bits: width of each link of the mesh.
        memory_phys: half of them on the left edge, half on the right.
        memory_phy: key in `PHYS`.
        links: to other chips, on the top and bottom edges.
        link_phy: key in `PHYS`.
    """

    matrix_units: int = 8
    mac_rows: int = 128
    mac_columns: int = 128
    vector_alus: int = 1024
    vector_banks: int = 4
    vector_bank_kbit: int = 8192
    common_banks: int = 32
    common_bank_kbit: int = 32768
    mesh_rows: int = 2
    mesh_columns: int = 2
    flit_bits: int = 2048
    memory_phys: int = 4
    memory_phy: str = "hbm2e"
    links: int = 6
    link_phy: str = "ici"
    clock_mhz: float = 1050.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.divides("common_banks", "memory_phys")
        self.divides("common_banks", "routers")
        self.divides("matrix_units", "routers")

    @property
    def peak_flops(self) -> float:
        """Two operations a MAC cell and cycle."""
        return 2.0 * self.matrix_units * self.mac_rows * self.mac_columns * self.clock_hz

    @property
    def sram_bytes(self) -> int:
        """All SRAM."""
        kbit = self.matrix_units * self.vector_banks * self.vector_bank_kbit + self.common_banks * self.common_bank_kbit
        return kbit * 1024 // 8

    @property
    def memory_bytes_per_s(self) -> float:
        """Bandwidth of the memory."""
        return self.memory_phys * phy(self.memory_phy).bytes_per_s

    @classmethod
    def variant(cls, seed: int) -> SystolicChip:
        """Draw a chip of about 60 to 150 macros; the same seed gives the same one."""
        d = Draws(seed)
        side = d.choice((128, 128, 256))
        return cls(
            matrix_units=d.choice((4, 8, 8, 16)) if side == 128 else 4,
            mac_rows=side,
            mac_columns=side,
            vector_banks=d.choice((2, 3, 4)),
            vector_bank_kbit=d.choice((4096, 8192)),
            common_banks=d.choice((24, 32, 40)),
            common_bank_kbit=d.choice((16384, 32768)),
            flit_bits=d.choice((1024, 2048)),
            links=d.choice((4, 6)),
            seed=seed,
        )


def systolic_chip(parameters: SystolicChip) -> Chip:
    """Build the chip; the same parameters give the same one, bit for bit."""
    p = parameters
    die = Die("systolic_chip", p)
    even = [1.0 / p.routers] * p.routers
    # Weights and KV cache lie anywhere in the common memory, and all of it may be wanted anywhere.
    read = Flow(even, even, shared(1.0, "weights", "kv"))
    local = (p.matrix_units + p.common_banks / 2 + p.links) / p.routers
    routers = die.mesh(p.mesh_rows, p.mesh_columns, p.flit_bits, local, [read, *collective_flows(p.routers, p.links)])
    _add_memory(die, p, routers)
    for i in range(p.matrix_units):
        _add_matrix_unit(die, p, i, routers[i * p.routers // p.matrix_units])
    die.links(phy(p.link_phy), p.links, routers)
    # Half of the vector memory holds partial sums.
    sums_bits = p.vector_banks * p.vector_bank_kbit * 1024 // 2
    flow = Dataflow(
        reuse_columns=p.mac_columns,
        reuse_rows=p.mac_rows,
        reuse_tokens=max(sums_bits // (p.mac_columns * ACCUMULATOR_BITS), 1),
        operand_bytes=p.operand_bytes,
    )
    return die.finish(p.clock_hz, flow)


def _add_memory(die: Die, p: SystolicChip, routers: list[str]) -> None:
    """PHYs and controllers on the left and right edges -> banks of the common memory -> routers."""
    each = p.common_banks // p.memory_phys
    width = p.flit_bits // 2
    for m in range(p.memory_phys):
        ctrl, inner = die.memory(m, p.memory_phys, phy(p.memory_phy))
        for b in range(m * each, (m + 1) * each):
            bank = die.sram(f"cmem_{b}", p.common_bank_kbit, width, 1.0, {"in": OPPOSITE[inner], "out": inner})
            die.bus(f"{ctrl}/up_{b}", f"{bank}/in", width, {"offchip": 1 / p.common_banks})
            router = routers[b * len(routers) // p.common_banks]
            die.bus(f"{bank}/out", f"{router}/b_{b}", width, shared(1 / p.common_banks, "weights", "kv"))


def _add_matrix_unit(die: Die, p: SystolicChip, i: int, router: str) -> None:
    """One array with its vector unit and vector memory."""
    share = 1 / p.matrix_units
    operands, sums = p.mac_rows * p.operand_bits, p.mac_columns * ACCUMULATOR_BITS
    mac = die.add(
        f"mxu_{i}",
        "mac",
        mac_shape(die.tech, p.mac_rows, p.mac_columns, p.operand_bits, ACCUMULATOR_BITS),
        {"act": Side.LEFT, "wgt": Side.TOP, "psum": Side.BOTTOM},
        macs=p.mac_rows * p.mac_columns,
    )
    sides = {"psum": Side.TOP, "out": Side.BOTTOM, "in": Side.BOTTOM, "net": Side.RIGHT}
    vector = die.add(f"vpu_{i}", "vector", lane_shape(die.tech, p.vector_alus), sides)
    die.bus(f"{router}/l_wgt_{i}", f"{mac}/wgt", p.mac_columns * p.operand_bits, shared(share, "weights", "kv"))
    die.bus(f"{mac}/psum", f"{vector}/psum", sums, {"partial_sum": share}, pipelined=False)
    for b in range(p.vector_banks):
        each = share / p.vector_banks
        sides = {"in": Side.TOP, "out": Side.RIGHT, "sum": Side.TOP}
        bank = die.sram(f"vmem_{i}_{b}", p.vector_bank_kbit, operands // p.vector_banks, 1.0, sides)
        # Sums of one pass are kept, and come back to be added to those of the next.
        lane = sums // p.vector_banks
        die.bus(f"{vector}/out_{b}", f"{bank}/in", lane, {"partial_sum": each})
        die.bus(f"{bank}/sum", f"{vector}/in_{b}", lane, {"partial_sum": each})
        die.bus(f"{bank}/out", f"{mac}/act_{b}", operands // p.vector_banks, {"activation": each}, pipelined=False)
    if p.links:
        die.bus(f"{vector}/net_out", f"{router}/l_in_{i}", p.flit_bits // 2, {"collective": share})
        die.bus(f"{router}/l_out_{i}", f"{vector}/net_in", p.flit_bits // 2, {"collective": share})
