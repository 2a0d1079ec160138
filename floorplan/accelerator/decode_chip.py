"""A chip for decode: engines that stand by their memory and stream weights from it, and much SRAM for the KV cache."""

from __future__ import annotations

from dataclasses import dataclass

from floorplan.accelerator.chip import Chip, Dataflow
from floorplan.accelerator.chip_parameters import ChipParameters, Meshed
from floorplan.accelerator.die import ACCUMULATOR_BITS, OPPOSITE, Die, Flow, collective_flows, results_per_activation
from floorplan.accelerator.phys import phy
from floorplan.accelerator.seeded import Draws
from floorplan.accelerator.shapes import lane_shape, mac_shape
from floorplan.netlist import Side

__all__ = ["DecodeChip", "decode_chip"]


@dataclass(frozen=True, kw_only=True)
class DecodeChip(Meshed, ChipParameters):
    """A decode-optimised chip: little arithmetic for its bandwidth, a ridge point far to the left.

    Each HBM stack feeds engines of its own: stream buffer -> matrix unit, so that weights never cross the chip. An
    engine also has KV banks, which keep what fits of its share of the cache. Activations go to all engines over a mesh
    of routers, each with an activation buffer, by multicast.

    Attributes:
        engines: a multiple of `memory_phys` and of the number of routers.
        mac_rows: MAC cells of each matrix unit in y.
        mac_columns: MAC cells of each in x.
        vector_alus: 32-bit units of each engine's vector unit.
        reuse_tokens: tokens that a weight serves while it passes.
        stream_kbit: size of each engine's stream buffer, in 1024 bits.
        stream_bits: width from controller to stream buffer and on to the matrix unit.
        kv_banks: KV SRAMs an engine.
        kv_bank_kbit: size of each.
        activation_kbit: size of each router's activation buffer.
        mesh_rows: routers in y.
        mesh_columns: routers in x.
        flit_bits: width of each link of the mesh.
        memory_phys: half of them on the left edge, half on the right.
        memory_phy: key in `PHYS`.
        links: to other chips, on the top and bottom edges.
        link_phy: key in `PHYS`.
    """

    engines: int = 32
    mac_rows: int = 128
    mac_columns: int = 64
    vector_alus: int = 256
    reuse_tokens: int = 256
    stream_kbit: int = 4096
    stream_bits: int = 2048
    kv_banks: int = 3
    kv_bank_kbit: int = 32768
    activation_kbit: int = 4096
    mesh_rows: int = 4
    mesh_columns: int = 2
    flit_bits: int = 1024
    memory_phys: int = 8
    memory_phy: str = "hbm3e"
    links: int = 12
    link_phy: str = "link"
    operand_bits: int = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        self.divides("engines", "memory_phys")
        self.divides("engines", "routers")

    @property
    def peak_flops(self) -> float:
        """Two operations a MAC cell and cycle."""
        return 2.0 * self.engines * self.mac_rows * self.mac_columns * self.clock_hz

    @property
    def kv_sram_bytes(self) -> int:
        """KV banks."""
        return self.engines * self.kv_banks * self.kv_bank_kbit * 1024 // 8

    @property
    def sram_bytes(self) -> int:
        """KV banks, stream and activation buffers."""
        kbit = self.engines * self.stream_kbit + self.routers * self.activation_kbit
        return self.kv_sram_bytes + kbit * 1024 // 8

    @property
    def memory_bytes_per_s(self) -> float:
        """Bandwidth of the memory."""
        return self.memory_phys * phy(self.memory_phy).bytes_per_s

    @classmethod
    def variant(cls, seed: int) -> DecodeChip:
        """Draw a chip of about 120 to 260 macros; the same seed gives the same one."""
        d = Draws(seed)
        return cls(
            engines=d.choice((24, 32, 40)),
            mac_rows=d.choice((64, 128)),
            kv_banks=d.choice((2, 3, 4)),
            kv_bank_kbit=32768,
            memory_phys=d.choice((4, 8)),
            memory_phy=d.choice(("hbm3", "hbm3e")),
            links=d.choice((4, 8, 12)),
            seed=seed,
        )


def decode_chip(parameters: DecodeChip) -> Chip:
    """Build the chip; the same parameters give the same one, bit for bit."""
    p = parameters
    die = Die("decode_chip", p)
    even = [1.0 / p.routers] * p.routers
    # Each pass sends one vector to all engines, of whose feeds it is 1 / engines; results come back to the buffers.
    results = results_per_activation(p.mac_columns)
    flows = [
        Flow(even, (), {"activation": 1 / p.engines}),
        Flow(even, even, {"activation": results}),
        *collective_flows(p.routers, p.links),
    ]
    local = (p.engines + p.links) / p.routers + 1
    routers = die.mesh(p.mesh_rows, p.mesh_columns, p.flit_bits, local, flows)
    for i, router in enumerate(routers):
        sides = {"out": Side.RIGHT, "in": Side.RIGHT}
        buffer = die.sram(f"act_{i}", p.activation_kbit, p.flit_bits, 1.0, sides)
        die.bus(f"{buffer}/out", f"{router}/b_rd", p.flit_bits, {"activation": 1 / (p.engines * p.routers)})
        die.bus(f"{router}/b_wr", f"{buffer}/in", p.flit_bits, {"activation": results / p.routers})
    each = p.engines // p.memory_phys
    for m in range(p.memory_phys):
        ctrl, inner = die.memory(m, p.memory_phys, phy(p.memory_phy))
        for i in range(m * each, (m + 1) * each):
            _add_engine(die, p, i, ctrl, inner, routers[i * p.routers // p.engines])
    die.links(phy(p.link_phy), p.links, routers)
    flow = Dataflow(
        reuse_columns=p.mac_columns,
        reuse_rows=p.mac_rows,
        reuse_tokens=p.reuse_tokens,
        operand_bytes=p.operand_bytes,
        kv_sram_bytes=float(p.kv_sram_bytes),
    )
    return die.finish(p.clock_hz, flow)


def _add_engine(die: Die, p: DecodeChip, i: int, ctrl: str, inner: Side, router: str) -> None:
    """Stream buffer, KV banks, matrix and vector unit of one engine, data coming from its memory's side."""
    share, outer = 1 / p.engines, OPPOSITE[inner]
    mac = die.add(
        f"mac_{i}",
        "mac",
        mac_shape(die.tech, p.mac_rows, p.mac_columns, p.operand_bits, ACCUMULATOR_BITS),
        {"wgt": outer, "kv": Side.TOP, "act": inner, "sum": Side.BOTTOM},
        macs=p.mac_rows * p.mac_columns,
    )
    stream = die.sram(f"wbuf_{i}", p.stream_kbit, p.stream_bits, 1.0, {"in": outer, "out": inner, "kv": Side.TOP})
    die.bus(f"{ctrl}/up_{i}", f"{stream}/in", p.stream_bits, {"offchip": share})
    die.bus(f"{stream}/out", f"{mac}/wgt", p.stream_bits, {"weights": share}, pipelined=False)
    width, each = p.stream_bits // 2, share / p.kv_banks
    for b in range(p.kv_banks):
        bank = die.sram(f"kv_{i}_{b}", p.kv_bank_kbit, width, 1.0, {"in": Side.BOTTOM, "out": Side.BOTTOM})
        die.bus(f"{stream}/kv_{b}", f"{bank}/in", width, {"kv_offchip": each})
        die.bus(f"{bank}/out", f"{mac}/kv_{b}", width, {"kv": each}, pipelined=False)
    sums = p.mac_columns * ACCUMULATOR_BITS
    sides = {"sum": Side.TOP, "net": inner}
    vector = die.add(f"vec_{i}", "vector", lane_shape(die.tech, p.vector_alus), sides)
    die.bus(f"{mac}/sum", f"{vector}/sum", sums, {"partial_sum": share}, pipelined=False)
    die.bus(f"{router}/l_act_{i}", f"{mac}/act", p.flit_bits, {"activation": share})
    mix = {"activation": share * results_per_activation(p.mac_columns)} | ({"collective": share} if p.links else {})
    die.bus(f"{vector}/net_out", f"{router}/l_in_{i}", p.flit_bits, mix)
    if p.links:
        die.bus(f"{router}/l_out_{i}", f"{vector}/net_in", p.flit_bits, {"collective": share})
