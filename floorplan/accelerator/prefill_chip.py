"""A chip for prefill: many matrix units on different tokens of the same weights, and memory of little bandwidth."""

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
    shared,
)
from floorplan.accelerator.engine import add_engine
from floorplan.accelerator.phys import phy
from floorplan.accelerator.seeded import Draws

__all__ = ["PrefillChip", "prefill_chip"]


@dataclass(frozen=True, kw_only=True)
class PrefillChip(Meshed, ChipParameters):
    """A prefill-optimised chip: much arithmetic, GDDR instead of HBM, a ridge point far to the right.

    GDDR -> buffer banks -> mesh of routers -> clusters. A cluster is a matrix unit, an attention unit (exponentials and
    scaling) and two buffers for its own tokens' activations and partial sums. Clusters work on different tokens, so
    every weight goes to all of them, by multicast; at decode that costs as many deliveries for a few tokens.

    Attributes:
        clusters: a multiple of the number of routers.
        mac_rows: MAC cells of each matrix unit in y.
        mac_columns: MAC cells of each in x.
        attention_alus: 32-bit units of each attention unit.
        activation_kbit: size of each cluster's activation buffer, in 1024 bits.
        sum_kbit: size of each cluster's partial-sum buffer.
        buffer_banks: SRAMs between memory and mesh; a multiple of `memory_phys` and of the number of routers.
        buffer_kbit: size of each.
        mesh_rows: routers in y.
        mesh_columns: routers in x.
        flit_bits: width of each link of the mesh, and of what a cluster receives.
        memory_phys: half of them on the left edge, half on the right.
        memory_phy: key in `PHYS`.
        links: to other chips, on the top and bottom edges.
        link_phy: key in `PHYS`.
    """

    clusters: int = 32
    mac_rows: int = 256
    mac_columns: int = 256
    attention_alus: int = 512
    activation_kbit: int = 8192
    sum_kbit: int = 4096
    buffer_banks: int = 16
    buffer_kbit: int = 8192
    mesh_rows: int = 4
    mesh_columns: int = 4
    flit_bits: int = 1024
    memory_phys: int = 16
    memory_phy: str = "gddr7"
    links: int = 8
    link_phy: str = "link"
    operand_bits: int = 8
    clock_mhz: float = 1500.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.divides("buffer_banks", "memory_phys")
        self.divides("buffer_banks", "routers")
        self.divides("clusters", "routers")

    @property
    def peak_flops(self) -> float:
        """Two operations a MAC cell and cycle."""
        return 2.0 * self.clusters * self.mac_rows * self.mac_columns * self.clock_hz

    @property
    def sram_bytes(self) -> int:
        """All buffers."""
        kbit = self.clusters * (self.activation_kbit + self.sum_kbit) + self.buffer_banks * self.buffer_kbit
        return kbit * 1024 // 8

    @property
    def memory_bytes_per_s(self) -> float:
        """Bandwidth of the memory."""
        return self.memory_phys * phy(self.memory_phy).bytes_per_s

    @classmethod
    def variant(cls, seed: int) -> PrefillChip:
        """Draw a chip of about 120 to 240 macros; the same seed gives the same one."""
        d = Draws(seed)
        side = d.choice((128, 256))
        return cls(
            clusters=d.choice((16, 32)),
            mac_rows=side,
            mac_columns=side,
            activation_kbit=d.choice((4096, 8192)),
            buffer_banks=d.choice((16, 32)),
            buffer_kbit=d.choice((4096, 8192)),
            memory_phys=d.choice((8, 16)) if side == 256 else 8,
            links=d.choice((4, 8)),
            seed=seed,
        )


def prefill_chip(parameters: PrefillChip) -> Chip:
    """Build the chip; the same parameters give the same one, bit for bit."""
    p = parameters
    die = Die("prefill_chip", p)
    even = [1.0 / p.routers] * p.routers
    flows = [
        Flow(even, (), {"weights": 1.0}),
        Flow(even, even, {"kv": 1.0}),
        *collective_flows(p.routers, p.links),
    ]
    local = (p.clusters + p.buffer_banks + p.links) / p.routers
    routers = die.mesh(p.mesh_rows, p.mesh_columns, p.flit_bits, local, flows)
    each, share = p.buffer_banks // p.memory_phys, 1 / p.buffer_banks
    for m in range(p.memory_phys):
        ctrl, inner = die.memory(m, p.memory_phys, phy(p.memory_phy))
        for b in range(m * each, (m + 1) * each):
            bank = die.sram(f"buf_{b}", p.buffer_kbit, p.flit_bits, 1.0, {"in": OPPOSITE[inner], "out": inner})
            die.bus(f"{ctrl}/up_{b}", f"{bank}/in", p.flit_bits // 2, {"offchip": share})
            router = routers[b * p.routers // p.buffer_banks]
            die.bus(f"{bank}/out", f"{router}/b_{b}", p.flit_bits, shared(share, "weights", "kv"))
    for i in range(p.clusters):
        _add_cluster(die, p, i, routers[i * p.routers // p.clusters])
    die.links(phy(p.link_phy), p.links, routers)
    rows = p.sum_kbit * 1024 // (p.mac_columns * ACCUMULATOR_BITS)
    flow = Dataflow(
        reuse_columns=p.mac_columns,
        reuse_rows=p.mac_rows,
        reuse_tokens=max(rows, 1) * p.clusters,
        operand_bytes=p.operand_bytes,
    )
    return die.finish(p.clock_hz, flow)


def _add_cluster(die: Die, p: PrefillChip, i: int, router: str) -> None:
    """Matrix engine of one cluster, its vector unit made for attention, with its way to a router."""
    share = 1 / p.clusters
    attention = add_engine(
        die,
        i,
        rows=p.mac_rows,
        columns=p.mac_columns,
        operand_bits=p.operand_bits,
        vector="attn",
        vector_alus=p.attention_alus,
        activation_kbit=p.activation_kbit,
        sum_kbit=p.sum_kbit,
        share=share,
        weights=(f"{router}/l_wgt_{i}", p.flit_bits, {"weights": 1.0, "kv": share}),
    )
    if p.links:
        die.bus(f"{attention}/net_out", f"{router}/l_in_{i}", p.flit_bits, {"collective": share})
        die.bus(f"{router}/l_out_{i}", f"{attention}/net_in", p.flit_bits, {"collective": share})
