"""A GPU-like chip: tiles of tensor core, register file and L1 on a mesh, slices of L2, HBM and links around."""

from __future__ import annotations

from dataclasses import dataclass

from floorplan.accelerator.chip import Chip, Dataflow
from floorplan.accelerator.chip_parameters import ChipParameters, Meshed
from floorplan.accelerator.die import (
    ACCUMULATOR_BITS,
    OPPOSITE,
    Die,
    Flow,
    collective_flows,
    results_per_activation,
    shared,
)
from floorplan.accelerator.phys import phy
from floorplan.accelerator.seeded import Draws
from floorplan.accelerator.shapes import Shape, lane_shape, mac_shape
from floorplan.netlist import Side

__all__ = ["GpuTile", "gpu_tile"]


CORE_FILL_FRAC = 0.25
"""Share of a tile's core that tensor core and vector units take; the rest is scheduling, operand collection, special
functions and texture. Chosen so that a tile of the defaults takes 3.0 mm2; an A100's takes about 3.5
(recalled, not verified)."""


@dataclass(frozen=True, kw_only=True)
class GpuTile(Meshed, ChipParameters):
    """A GPU-like array of tiles; the defaults are about an A100 (312 TFLOP/s, 2 TB/s, 40 MB L2), tiles fewer.

    HBM -> controllers -> L2 slices -> mesh of routers -> L1 of each tile -> tensor core, whose partial sums stay in the
    tile's register file. Results go back over the mesh.

    Attributes:
        tiles: each a core, a register file and an L1: three macros.
        tile_macs: multiply-accumulate units of a tile's tensor core.
        tile_alus: 32-bit units of a tile.
        tile_columns: output columns that a tile works on at a time, and so reuses an activation for.
        tile_rows: tokens that it works on at a time, and so reuses a weight for.
        tile_depth: products that the tensor core adds up before it goes to the register file.
        register_file_kbit: size of each, in 1024 bits.
        l1_kbit: size of each.
        l2_slices: a multiple of `memory_phys` and of the number of routers.
        l2_slice_kbit: size of each.
        mesh_rows: routers in y.
        mesh_columns: routers in x; the number of routers divides `tiles`.
        flit_bits: width of each link of the mesh.
        port_bits: width between a router and a tile or L2 slice; 512 is the 64 B a clock cycle of an A100's slice.
        memory_phys: half of them on the left edge, half on the right.
        memory_phy: key in `PHYS`.
        links: to other chips, on the top and bottom edges.
        link_phy: key in `PHYS`.
    """

    tiles: int = 64
    tile_macs: int = 2048
    tile_alus: int = 256
    tile_columns: int = 128
    tile_rows: int = 128
    tile_depth: int = 16
    register_file_kbit: int = 4096
    l1_kbit: int = 3072
    l2_slices: int = 40
    l2_slice_kbit: int = 8192
    mesh_rows: int = 4
    mesh_columns: int = 2
    flit_bits: int = 2048
    port_bits: int = 512
    memory_phys: int = 5
    memory_phy: str = "hbm2e"
    links: int = 12
    link_phy: str = "link"
    clock_mhz: float = 1190.0
    control_clusters: int = 32

    def __post_init__(self) -> None:
        super().__post_init__()
        self.divides("l2_slices", "memory_phys")
        self.divides("l2_slices", "routers")
        self.divides("tiles", "routers")

    @property
    def peak_flops(self) -> float:
        """Two operations a MAC unit and cycle."""
        return 2.0 * self.tiles * self.tile_macs * self.clock_hz

    @property
    def sram_bytes(self) -> int:
        """Register files, L1 and L2."""
        kbit = self.tiles * (self.register_file_kbit + self.l1_kbit) + self.l2_slices * self.l2_slice_kbit
        return kbit * 1024 // 8

    @property
    def memory_bytes_per_s(self) -> float:
        """Bandwidth of the memory."""
        return self.memory_phys * phy(self.memory_phy).bytes_per_s

    @classmethod
    def variant(cls, seed: int) -> GpuTile:
        """Draw a chip of about 150 to 400 macros; the same seed gives the same one."""
        d = Draws(seed)
        rows, columns = d.choice(((4, 2), (4, 4), (2, 4)))
        return cls(
            tiles=d.choice((48, 64, 80)),
            tile_macs=d.choice((1024, 2048, 4096)),
            l1_kbit=d.choice((1536, 2048, 3072)),
            l2_slices=d.choice((32, 48)),
            l2_slice_kbit=d.choice((4096, 8192)),
            mesh_rows=rows,
            mesh_columns=columns,
            memory_phys=4,
            memory_phy=d.choice(("hbm2e", "hbm3")),
            links=d.choice((8, 12)),
            seed=seed,
        )


def gpu_tile(parameters: GpuTile) -> Chip:
    """Build the chip; the same parameters give the same one, bit for bit."""
    p = parameters
    die = Die("gpu_tile", p)
    even = [1.0 / p.routers] * p.routers
    results = results_per_activation(p.tile_columns)
    read = {**shared(1.0, "weights", "kv"), "activation": 1.0 + results}
    local = (p.tiles + p.l2_slices) * p.port_bits / p.flit_bits / p.routers + p.links / p.routers
    routers = die.mesh(
        p.mesh_rows, p.mesh_columns, p.flit_bits, local, [Flow(even, even, read), *collective_flows(p.routers, p.links)]
    )
    _add_l2(die, p, routers, results)
    for i in range(p.tiles):
        _add_tile(die, p, i, routers[i * p.routers // p.tiles], results)
    die.links(phy(p.link_phy), p.links, routers)
    flow = Dataflow(
        reuse_columns=p.tile_columns,
        reuse_rows=p.tile_depth,
        reuse_tokens=p.tile_rows,
        operand_bytes=p.operand_bytes,
    )
    return die.finish(p.clock_hz, flow)


def _add_l2(die: Die, p: GpuTile, routers: list[str], results: float) -> None:
    share = 1 / p.l2_slices
    each = p.l2_slices // p.memory_phys
    for m in range(p.memory_phys):
        ctrl, inner = die.memory(m, p.memory_phys, phy(p.memory_phy))
        for b in range(m * each, (m + 1) * each):
            slice_ = die.sram(
                f"llc_{b}", p.l2_slice_kbit, p.port_bits, 1.0, {"fill": OPPOSITE[inner], "rd": inner, "wr": inner}
            )
            router = routers[b * len(routers) // p.l2_slices]
            die.bus(f"{ctrl}/up_{b}", f"{slice_}/fill", p.port_bits, {"offchip": share})
            die.bus(f"{slice_}/rd", f"{router}/b_rd_{b}", p.port_bits, shared(share, "weights", "kv", "activation"))
            die.bus(f"{router}/b_wr_{b}", f"{slice_}/wr", p.port_bits, {"activation": results * share})


def _add_tile(die: Die, p: GpuTile, i: int, router: str, results: float) -> None:
    """Core, register file and L1 of one tile."""
    share = 1 / p.tiles
    units = mac_shape(die.tech, p.tile_depth, p.tile_macs // p.tile_depth, p.operand_bits, ACCUMULATOR_BITS).area_um2
    units += lane_shape(die.tech, p.tile_alus).area_um2
    side = round((units / CORE_FILL_FRAC) ** 0.5, 4)
    sides = {"op": Side.LEFT, "sum": Side.RIGHT, "res": Side.TOP}
    core = die.add(f"core_{i}", "mac", Shape(side, side), sides, macs=p.tile_macs)
    sides = {"in": Side.TOP, "out": Side.RIGHT, "rd": Side.RIGHT, "wr": Side.RIGHT}
    wide = 2 * p.port_bits
    l1 = die.sram(f"smem_{i}", p.l1_kbit, wide, 0.5, {"in": Side.TOP, "out": Side.RIGHT})
    rf = die.sram(f"rf_{i}", p.register_file_kbit, 2 * wide, 0.5, {"rd": Side.LEFT, "wr": Side.LEFT})
    fed = shared(share, "weights", "kv", "activation")
    # What other chips send is added up here too.
    die.bus(f"{router}/l_tx_{i}", f"{l1}/in", p.port_bits, fed | ({"collective": share} if p.links else {}))
    die.bus(f"{l1}/out", f"{core}/op", wide, fed, pipelined=False)
    die.bus(f"{core}/sum_out", f"{rf}/wr", 2 * wide, {"partial_sum": share}, pipelined=False)
    die.bus(f"{rf}/rd", f"{core}/sum_in", 2 * wide, {"partial_sum": share}, pipelined=False)
    mix = {"activation": results * share, **({"collective": share} if p.links else {})}
    die.bus(f"{core}/res_out", f"{router}/l_rx_{i}", p.port_bits, mix)
