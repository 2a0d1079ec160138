"""An SRAM-first chip: weights and KV cache live in SRAM slices beside the matrix units; there is no memory PHY."""

from __future__ import annotations

from dataclasses import dataclass

from floorplan.accelerator.chip import Chip, Dataflow
from floorplan.accelerator.chip_parameters import ChipParameters
from floorplan.accelerator.die import ACCUMULATOR_BITS, Die, Flow, collective_flows, results_per_activation, shared
from floorplan.accelerator.phys import phy
from floorplan.accelerator.seeded import Draws
from floorplan.accelerator.shapes import lane_shape, mac_shape
from floorplan.netlist import Side

__all__ = ["SramFirst", "sram_first"]


@dataclass(frozen=True, kw_only=True)
class SramFirst(ChipParameters):
    """An SRAM-first chip; the defaults are about a Groq LPU (ISCA 2020): 230 MB, 80 TB/s, 750 Top/s, no DRAM.

    The chip has two halves of `lane_groups` groups. Each group has a matrix unit, which its own SRAM slices feed, and a
    switch, which passes activations between groups and links; a vector unit serves the two groups of a row.

    Attributes:
        lane_groups: groups in y of each half.
        slices: SRAM slices a group.
        slice_kbit: size of each, in 1024 bits.
        slice_bits: what each sends in a cycle.
        mac_rows: MAC cells of each matrix unit in y.
        mac_columns: MAC cells of each in x.
        vector_alus: 32-bit units of each vector unit.
        reuse_tokens: tokens for which weights stay in the matrix units.
        stream_bits: width of the links between switches, and of what vector units send.
        links: to other chips, on the top and bottom edges.
        link_phy: key in `PHYS`.
    """

    lane_groups: int = 4
    slices: int = 22
    slice_kbit: int = 10240
    slice_bits: int = 4096
    mac_rows: int = 160
    mac_columns: int = 320
    vector_alus: int = 1280
    reuse_tokens: int = 1024
    stream_bits: int = 2560
    links: int = 16
    link_phy: str = "c2c"
    operand_bits: int = 8
    clock_mhz: float = 900.0

    @property
    def groups(self) -> int:
        """Groups of both halves."""
        return 2 * self.lane_groups

    @property
    def peak_flops(self) -> float:
        """Two operations a MAC cell and cycle."""
        return 2.0 * self.groups * self.mac_rows * self.mac_columns * self.clock_hz

    @property
    def sram_bytes(self) -> int:
        """All slices."""
        return self.groups * self.slices * self.slice_kbit * 1024 // 8

    @property
    def memory_bytes_per_s(self) -> float:
        """There is no memory."""
        return 0.0

    @classmethod
    def variant(cls, seed: int) -> SramFirst:
        """Draw a chip of about 100 to 250 macros; the same seed gives the same one."""
        d = Draws(seed)
        return cls(
            lane_groups=d.choice((3, 4, 5)),
            slices=d.choice((16, 18, 20)),
            slice_kbit=d.choice((8192, 10240, 16384)),
            slice_bits=d.choice((2048, 4096)),
            mac_rows=d.choice((160, 320)),
            links=d.choice((8, 12, 16)),
            seed=seed,
        )


def sram_first(parameters: SramFirst) -> Chip:
    """Build the chip; the same parameters give the same one, bit for bit."""
    p = parameters
    die = Die("sram_first", p)
    even = [1.0 / p.groups] * p.groups
    flows = [Flow(even, even, {"activation": 1.0}), *collective_flows(p.groups, p.links)]
    switches = die.mesh(p.lane_groups, 2, p.stream_bits, 2 + p.links / p.groups, flows, name="sxm", kind="switch")
    for row in range(p.lane_groups):
        sides = {"sum": Side.BOTTOM, "out": Side.TOP, "net": Side.TOP, "wr": Side.BOTTOM}
        vector = die.add(f"vxm_{row}", "vector", lane_shape(die.tech, p.vector_alus), sides)
        for half in range(2):
            _add_group(die, p, 2 * row + half, switches[2 * row + half], vector)
    die.links(phy(p.link_phy), p.links, switches)
    flow = Dataflow(
        reuse_columns=p.mac_columns,
        reuse_rows=p.mac_rows,
        operand_bytes=p.operand_bytes,
        reuse_tokens=p.reuse_tokens,
        has_memory=False,
    )
    return die.finish(p.clock_hz, flow)


def _add_group(die: Die, p: SramFirst, i: int, switch: str, vector: str) -> None:
    """Matrix unit i with its slices, beside a switch and a vector unit."""
    share = 1 / p.groups
    mac = die.add(
        f"mxm_{i}",
        "mac",
        mac_shape(die.tech, p.mac_rows, p.mac_columns, p.operand_bits, ACCUMULATOR_BITS),
        {"act": Side.LEFT, "wgt": Side.TOP, "sum": Side.BOTTOM},
        macs=p.mac_rows * p.mac_columns,
    )
    names = [
        die.sram(f"mem_{i}_{s}", p.slice_kbit, p.slice_bits, 2.0, {"rd": Side.BOTTOM, "wr": Side.TOP})
        for s in range(p.slices)
    ]
    for s, name in enumerate(names):
        die.bus(f"{name}/rd", f"{mac}/wgt_{s}", p.slice_bits, shared(share / p.slices, "weights", "kv"))
    die.bus(f"{vector}/out_{i}", f"{switch}/l_act_{i}", p.stream_bits, {"activation": share})
    die.bus(f"{switch}/l_mxm_{i}", f"{mac}/act", p.mac_rows * p.operand_bits, {"activation": share})
    sums = p.mac_columns * ACCUMULATOR_BITS
    die.bus(f"{mac}/sum", f"{vector}/sum_{i}", sums, {"partial_sum": share}, pipelined=False)
    # New keys and values, and results that wait, go to the slices; one bus passes them all.
    kept = {"activation": share * results_per_activation(p.mac_columns)}
    die.bus(f"{vector}/wr_{i}", [f"{n}/wr" for n in names], p.stream_bits // 4, kept)
    if p.links:
        die.bus(f"{vector}/net_out_{i}", f"{switch}/l_in_{i}", p.stream_bits // 4, {"collective": share})
        die.bus(f"{switch}/l_out_{i}", f"{vector}/net_in_{i}", p.stream_bits // 4, {"collective": share})
