"""A compute chiplet: engines on a mesh, HBM on one edge, die-to-die PHYs on the edges where other dies abut."""

from __future__ import annotations

from dataclasses import dataclass

from floorplan.accelerator.chip import Chip, Dataflow
from floorplan.accelerator.chip_parameters import ChipParameters, Meshed
from floorplan.accelerator.die import ACCUMULATOR_BITS, Die, Flow, collective_flows, shared
from floorplan.accelerator.engine import add_engine
from floorplan.accelerator.phys import phy
from floorplan.accelerator.seeded import Draws
from floorplan.errors import ProblemError
from floorplan.netlist import Side

__all__ = ["Chiplet", "chiplet"]


@dataclass(frozen=True, kw_only=True)
class Chiplet(Meshed, ChipParameters):
    """One of two compute dies of a package, with I/O dies above and below.

    HBM stands at the left edge, the twin die abuts on the right, the I/O dies at top and bottom. Weights and KV cache
    lie in the memories of both dies, so that of what the engines read `remote_frac` comes from the twin, and as much
    goes there. What is said of bytes a token is for this die: count each die as one of the chips that share a model.

    Attributes:
        engines: a multiple of the number of routers; each has a matrix unit, a vector unit and two SRAMs.
        mac_rows: MAC cells of each matrix unit in y.
        mac_columns: MAC cells of each in x.
        vector_alus: 32-bit units of each vector unit.
        local_kbit: size of each of an engine's SRAMs, in 1024 bits.
        shared_banks: SRAMs between memory and mesh; a multiple of `memory_phys` and of the number of routers.
        shared_bank_kbit: size of each.
        mesh_rows: routers in y.
        mesh_columns: routers in x.
        flit_bits: width of each link of the mesh.
        remote_frac: share of weights and KV cache that the twin's memory holds.
        memory_phys: all on the left edge.
        memory_phy: key in `PHYS`.
        twin_phys: to the twin die, on the right edge.
        io_phys: to the I/O dies, on the top and bottom edges.
        d2d_phy: key in `PHYS` of both.
    """

    engines: int = 32
    mac_rows: int = 128
    mac_columns: int = 128
    vector_alus: int = 1024
    local_kbit: int = 8192
    shared_banks: int = 24
    shared_bank_kbit: int = 16384
    mesh_rows: int = 4
    mesh_columns: int = 2
    flit_bits: int = 2048
    remote_frac: float = 0.5
    memory_phys: int = 3
    memory_phy: str = "hbm3e"
    twin_phys: int = 4
    io_phys: int = 4
    d2d_phy: str = "ucie"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.divides("shared_banks", "memory_phys")
        self.divides("shared_banks", "routers")
        self.divides("engines", "routers")
        if not 0 <= self.remote_frac < 1:
            raise ProblemError(f"remote_frac must lie in 0..1, got {self.remote_frac}")

    @property
    def peak_flops(self) -> float:
        """Two operations a MAC cell and cycle."""
        return 2.0 * self.engines * self.mac_rows * self.mac_columns * self.clock_hz

    @property
    def sram_bytes(self) -> int:
        """Engines' and shared SRAMs."""
        return (self.engines * 2 * self.local_kbit + self.shared_banks * self.shared_bank_kbit) * 1024 // 8

    @property
    def memory_bytes_per_s(self) -> float:
        """Bandwidth of this die's own memory."""
        return self.memory_phys * phy(self.memory_phy).bytes_per_s

    @classmethod
    def variant(cls, seed: int) -> Chiplet:
        """Draw a die of about 120 to 240 macros; the same seed gives the same one."""
        d = Draws(seed)
        return cls(
            engines=d.choice((24, 32, 40)),
            vector_alus=d.choice((512, 1024)),
            local_kbit=d.choice((8192, 16384)),
            shared_banks=d.choice((24, 48)),
            remote_frac=d.choice((0.25, 0.5)),
            memory_phys=d.choice((1, 2)),
            memory_phy=d.choice(("hbm3", "hbm3e")),
            twin_phys=d.choice((2, 4)),
            io_phys=d.choice((2, 4)),
            seed=seed,
        )


def chiplet(parameters: Chiplet) -> Chip:
    """Build the die; the same parameters give the same one, bit for bit."""
    p = parameters
    die = Die("chiplet", p)
    n, away = p.routers, p.remote_frac
    even = [1.0 / n] * n
    # The last column of routers is the one that the twin's PHYs hang on.
    east = [i for i in range(n) if i % p.mesh_columns == p.mesh_columns - 1]
    at_twin = [0.0] * n
    for k in range(p.twin_phys):
        at_twin[east[k % len(east)]] += 1.0 / p.twin_phys
    flows = [
        Flow(even, even, shared(1.0 - away, "weights", "kv")),
        Flow(even, at_twin, shared(away, "weights", "kv")),
        Flow(at_twin, even, shared(away, "weights", "kv")),
        *collective_flows(n, p.io_phys),
    ]
    local = (p.engines + p.shared_banks / 2 + p.twin_phys + p.io_phys) / p.routers
    routers = die.mesh(p.mesh_rows, p.mesh_columns, p.flit_bits, local, flows)
    each, share = p.shared_banks // p.memory_phys, 1 / p.shared_banks
    width = p.flit_bits // 2
    for m in range(p.memory_phys):
        ctrl, _ = die.memory(m, p.memory_phys, phy(p.memory_phy), (Side.LEFT,))
        for b in range(m * each, (m + 1) * each):
            bank = die.sram(f"shared_{b}", p.shared_bank_kbit, width, 1.0, {"in": Side.LEFT, "out": Side.RIGHT})
            die.bus(f"{ctrl}/up_{b}", f"{bank}/in", width, {"offchip": share})
            die.bus(f"{bank}/out", f"{routers[b * n // p.shared_banks]}/b_{b}", width, shared(share, "weights", "kv"))
    for i in range(p.engines):
        _add_engine(die, p, i, routers[i * n // p.engines])
    d2d = phy(p.d2d_phy)
    die.links(d2d, p.twin_phys, [routers[i] for i in east], (Side.RIGHT,), "twin", shared(away, "weights", "kv"))
    die.links(d2d, p.io_phys, routers, stem="io")
    flow = Dataflow(
        reuse_columns=p.mac_columns,
        reuse_rows=p.mac_rows,
        reuse_tokens=max(p.local_kbit * 1024 // (p.mac_columns * ACCUMULATOR_BITS), 1),
        operand_bytes=p.operand_bytes,
    )
    return die.finish(p.clock_hz, flow)


def _add_engine(die: Die, p: Chiplet, i: int, router: str) -> None:
    """Matrix engine with its way to a router."""
    share = 1 / p.engines
    vector = add_engine(
        die,
        i,
        rows=p.mac_rows,
        columns=p.mac_columns,
        operand_bits=p.operand_bits,
        vector="vec",
        vector_alus=p.vector_alus,
        activation_kbit=p.local_kbit,
        sum_kbit=p.local_kbit,
        share=share,
        weights=(f"{router}/l_wgt_{i}", p.mac_columns * p.operand_bits, shared(share, "weights", "kv")),
    )
    die.bus(f"{vector}/net_out", f"{router}/l_in_{i}", p.flit_bits // 2, {"collective": share})
    die.bus(f"{router}/l_out_{i}", f"{vector}/net_in", p.flit_bits // 2, {"collective": share})
