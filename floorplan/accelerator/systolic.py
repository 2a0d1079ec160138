"""The systolic tile: its hard macros, its control and datapath logic, and the buses of its dataflow."""

from __future__ import annotations

from dataclasses import asdict

from floorplan.accelerator.assembly import Assembly, HardMacro
from floorplan.accelerator.floor import canvas_for, with_ports_placed
from floorplan.accelerator.logic import apportion, logic_nets, soft_areas_um2
from floorplan.accelerator.parameters import SystolicTile
from floorplan.accelerator.seeded import Draws
from floorplan.accelerator.shapes import dma_shape, lane_shape, mac_shape, router_shape, sram_shape
from floorplan.accelerator.technology import technology
from floorplan.netlist import Problem, Side

__all__ = ["systolic_tile"]

KBIT = 1024
EDGES = (Side.TOP, Side.RIGHT, Side.BOTTOM, Side.LEFT)
OPPOSITE = {Side.TOP: Side.BOTTOM, Side.BOTTOM: Side.TOP, Side.LEFT: Side.RIGHT, Side.RIGHT: Side.LEFT}

BLOCK_SHARES = {
    "fetch": 5.0,
    "seq": 10.0,
    "csr": 5.0,
    "wxbar": 6.0,
    "load": 10.0,
    "axbar": 8.0,
    "feed": 20.0,
    "acc": 16.0,
    "vctl": 8.0,
    "dctl": 6.0,
    "noc": 8.0,
    "bist": 2.0,
    "clk": 3.0,
}
"""Share of the soft macros that each kind of block has, before it is split among bands, stacks, engines or routers."""


def systolic_tile(template: SystolicTile) -> Problem:
    """Generate netlist, canvas and port positions of a tile; macros are left unplaced.

    The same template gives the same problem, bit for bit.
    """
    tile = _Tile(template)
    tile.add_hard_macros()
    tile.connect_weights()
    tile.connect_activations()
    tile.connect_array()
    tile.connect_accumulators_and_lanes()
    tile.connect_dma()
    tile.connect_noc()
    tile.connect_control()
    tile.connect_clock_and_test()
    return tile.finish()


class _Tile:
    def __init__(self, template: SystolicTile) -> None:
        t = self.t = template
        self.tech = technology(t.technology)
        self.asm = Assembly("systolic_tile")
        said = {"template": "systolic_tile", **asdict(t)}
        self.asm.metadata += [(key, v if isinstance(v, str) else float(v)) for key, v in said.items()]
        self.bands = range(t.array_rows)
        self.stacks = range(t.array_columns)
        self.act_bits = t.band_rows * t.operand_bits
        self.wgt_bits = t.stack_columns * t.operand_bits
        self.sum_bits = t.stack_columns * t.accumulator_bits
        self.acc_bits = self.sum_bits // t.accumulator_banks
        self.blocks = self._soft_blocks()
        self.asm.soft = [name for members in self.blocks.values() for name in members]

    def _copies(self) -> dict[str, int]:
        t = self.t
        many = {"load": t.array_columns, "feed": t.array_rows, "acc": t.array_columns}
        return many | {"dctl": t.dma_engines, "noc": t.noc_routers}

    def _soft_blocks(self) -> dict[str, list[str]]:
        copies = self._copies()
        shares: dict[str, float] = {}
        for kind, share in BLOCK_SHARES.items():
            if kind in copies:
                shares |= {f"{kind}{i}": share / copies[kind] for i in range(copies[kind])}
            else:
                shares[kind] = share
        counts = apportion(self.t.soft_macros, shares, least=1)
        return {block: [f"Grp_{block}_{j}" for j in range(n)] for block, n in counts.items()}

    def soft(self, block: str, i: int = 0) -> str:
        """Return the i-th soft macro of a block, counted round and round."""
        members = self.blocks[block]
        return members[i % len(members)]

    def add_hard_macros(self) -> None:
        """Add all hard macros, in the order of the dataflow."""
        t, tech, hard = self.t, self.tech, self.asm.hard
        mac = mac_shape(tech, t.band_rows, t.stack_columns, t.operand_bits, t.accumulator_bits)
        mac_sides = {
            "act_in": Side.LEFT,
            "act_out": Side.RIGHT,
            "wgt_in": Side.TOP,
            "wgt_out": Side.BOTTOM,
            "psum_in": Side.TOP,
            "psum_out": Side.BOTTOM,
            "ctl": Side.LEFT,
            "clk": Side.BOTTOM,
        }
        for r in self.bands:
            for c in self.stacks:
                hard[f"mac_{r}_{c}"] = HardMacro(mac, mac_sides, macs=t.band_rows * t.stack_columns)
        for c in self.stacks:
            for b in range(t.weight_banks):
                hard[f"wgt_{c}_{b}"] = self._sram(t.weight_bank_kbit, self.wgt_bits, 2.0, Side.BOTTOM, Side.LEFT)
        for r in self.bands:
            for b in range(t.activation_banks):
                hard[f"act_{r}_{b}"] = self._sram(t.activation_bank_kbit, self.act_bits, 0.5, Side.RIGHT, Side.BOTTOM)
        for c in self.stacks:
            for b in range(t.accumulator_banks):
                hard[f"acc_{c}_{b}"] = self._sram(t.accumulator_bank_kbit, self.acc_bits, 2.0, Side.TOP, Side.LEFT)
        lane = lane_shape(tech, t.lane_alus)
        lane_sides = {
            "in": Side.TOP,
            "out": Side.LEFT,
            "rf": Side.BOTTOM,
            "red_in": Side.LEFT,
            "red_out": Side.RIGHT,
            "ctl": Side.RIGHT,
            "status": Side.RIGHT,
            "clk": Side.LEFT,
        }
        for i in range(t.vector_lanes):
            hard[f"lane_{i}"] = HardMacro(lane, lane_sides)
            hard[f"rf_{i}"] = self._sram(t.register_file_kbit, 32 * t.lane_alus, 4.0, Side.TOP, Side.LEFT)
        for i in range(t.instruction_banks):
            hard[f"ins_{i}"] = self._sram(t.instruction_bank_kbit, 64, 1.0, Side.BOTTOM, Side.LEFT)
        dma = dma_shape(tech, t.flit_bits)
        dma_sides = {"mem": Side.TOP, "noc": Side.RIGHT, "ctl": Side.RIGHT, "status": Side.RIGHT, "clk": Side.RIGHT}
        dma_sides |= {"wgt": Side.BOTTOM, "act": Side.BOTTOM, "st": Side.BOTTOM}
        for k in range(t.dma_engines):
            hard[f"dma_{k}"] = HardMacro(dma, dma_sides)
        router = router_shape(tech, t.flit_bits)
        router_sides = {side.name.lower(): side for side in EDGES}
        router_sides |= {"loc": Side.BOTTOM, "ctl": Side.RIGHT, "status": Side.RIGHT, "clk": Side.LEFT}
        for i in range(t.noc_routers):
            hard[f"noc_{i}"] = HardMacro(router, router_sides)

    def _sram(self, kbit: int, word_bits: int, aspect: float, data: Side, control: Side) -> HardMacro:
        shape = sram_shape(self.tech, kbit * KBIT, word_bits, aspect)
        sides = {"rdata": data, "wdata": data, "addr": control, "bist": control, "clk": control}
        return HardMacro(shape, sides, bits=kbit * KBIT)

    def _addr_bits(self, kbit: int, word_bits: int) -> int:
        """Address, chip enable, write enable and one mask bit."""
        return (kbit * KBIT // word_bits - 1).bit_length() + 3

    def _banks(self, kind: str, i: int, count: int, kbit: int, word_bits: int, block: str) -> None:
        """Connect the banks of one band or stack to the logic that feeds them: data both ways, one shared address."""
        bus = self.asm.bus
        names = [f"{kind}_{i}_{b}" for b in range(count)]
        bus(self.soft(block, 1), [f"{n}/addr" for n in names], self._addr_bits(kbit, word_bits))
        for b, n in enumerate(names):
            bus(self.soft(block, 2 + b), f"{n}/wdata", word_bits)
            bus(f"{n}/rdata", self.soft(block, 2 + b), word_bits)

    def connect_weights(self) -> None:
        """Memory -> DMA -> weight crossbar -> banks -> loaders -> top of each stack."""
        t, bus = self.t, self.asm.bus
        for k in range(t.dma_engines):
            bus(f"dma_{k}/wgt", self.soft("wxbar", k), t.flit_bits)
        for c in self.stacks:
            bus(self.soft("wxbar", t.dma_engines + c), self.soft(f"load{c}"), t.flit_bits)
            self._banks("wgt", c, t.weight_banks, t.weight_bank_kbit, self.wgt_bits, f"load{c}")
            bus(self.soft(f"load{c}", -1), f"mac_0_{c}/wgt_in", self.wgt_bits)

    def connect_activations(self) -> None:
        """Vector lanes and DMA -> activation crossbar -> banks -> feeders -> left of each band."""
        t, bus = self.t, self.asm.bus
        for k in range(t.dma_engines):
            bus(f"dma_{k}/act", self.soft("axbar", k), t.flit_bits)
            bus(self.soft("axbar", -1 - k), f"dma_{k}/st", t.flit_bits)
        for r in self.bands:
            bus(self.soft("axbar", t.dma_engines + r), self.soft(f"feed{r}"), t.flit_bits)
            self._banks("act", r, t.activation_banks, t.activation_bank_kbit, self.act_bits, f"feed{r}")
            bus(self.soft(f"feed{r}", -1), f"mac_{r}_0/act_in", self.act_bits)

    def connect_array(self) -> None:
        """Activations from left to right; weights and partial sums from top to bottom; control along each band."""
        bus = self.asm.bus
        for r in self.bands:
            for c in self.stacks:
                if c + 1 in self.stacks:
                    bus(f"mac_{r}_{c}/act_out", f"mac_{r}_{c + 1}/act_in", self.act_bits)
                if r + 1 in self.bands:
                    bus(f"mac_{r}_{c}/wgt_out", f"mac_{r + 1}_{c}/wgt_in", self.wgt_bits)
                    bus(f"mac_{r}_{c}/psum_out", f"mac_{r + 1}_{c}/psum_in", self.sum_bits)
            bus(self.soft("seq", r), [self.soft(f"feed{r}"), *(f"mac_{r}_{c}/ctl" for c in self.stacks)], 6)

    def connect_accumulators_and_lanes(self) -> None:
        """Bottom of each stack -> adders <-> accumulator banks -> vector lanes <-> register files -> crossbar."""
        t, bus, last = self.t, self.asm.bus, self.t.array_rows - 1
        for c in self.stacks:
            lane = f"lane_{c % t.vector_lanes}"
            bits = self._addr_bits(t.accumulator_bank_kbit, self.acc_bits)
            bus(self.soft(f"acc{c}", 1), [f"acc_{c}_{b}/addr" for b in range(t.accumulator_banks)], bits)
            for b in range(t.accumulator_banks):
                adder = self.soft(f"acc{c}", 2 + b)
                bus(f"mac_{last}_{c}/psum_out_{b}", adder, self.acc_bits)
                bus(adder, f"acc_{c}_{b}/wdata", self.acc_bits)
                bus(f"acc_{c}_{b}/rdata", [adder, f"{lane}/in_{c}_{b}"], self.acc_bits)
        file_bits = 32 * t.lane_alus
        for i in range(t.vector_lanes):
            lane, rf = f"lane_{i}", f"rf_{i}"
            bus(f"{lane}/rf_wdata", f"{rf}/wdata", file_bits)
            bus(f"{rf}/rdata", f"{lane}/rf_rdata", file_bits)
            bus(f"{lane}/rf_addr", f"{rf}/addr", self._addr_bits(t.register_file_kbit, file_bits))
            bus(f"{lane}/out", self.soft("axbar", i), t.operand_bits * t.lane_alus)
            bus(self.soft("vctl", i), f"{lane}/ctl", 16)
            bus(f"{lane}/status", self.soft("vctl", i), 4)
            if i + 1 < t.vector_lanes:
                bus(f"{lane}/red_out", f"lane_{i + 1}/red_in", 32)

    def connect_dma(self) -> None:
        """Memory ports at the top edge <-> DMA engines <-> routers, with descriptors from the control registers."""
        t, asm = self.t, self.asm
        for k in range(t.dma_engines):
            dma, router = f"dma_{k}", f"noc_{k % t.noc_routers}"
            for s, bits in enumerate(self._slices()):
                asm.port_in(f"mem{k}_rdata_{s}", Side.TOP, f"{dma}/mem_rdata_{s}", bits)
                asm.port_out(f"mem{k}_wdata_{s}", Side.TOP, f"{dma}/mem_wdata_{s}", bits)
            asm.port_out(f"mem{k}_cmd", Side.TOP, f"{dma}/mem_cmd", 48)
            asm.port_in(f"mem{k}_rsp", Side.TOP, f"{dma}/mem_rsp", 8)
            asm.bus(self.soft(f"dctl{k}"), f"{dma}/ctl", 32)
            asm.bus(f"{dma}/status", self.soft(f"dctl{k}", 1), 16)
            asm.bus(f"{dma}/noc_tx", f"{router}/loc_rx_{k}", t.flit_bits)
            asm.bus(f"{router}/loc_tx_{k}", f"{dma}/noc_rx", t.flit_bits)

    def connect_noc(self) -> None:
        """Ports <-> the router of each edge; routers in a ring; arbiters; program and register access."""
        t, asm = self.t, self.asm
        edge = [EDGES[i % len(EDGES)] for i in range(t.noc_routers)]
        for i, side in enumerate(edge):
            at, router = side.name.lower(), f"noc_{i}"
            for s, bits in enumerate(self._slices()):
                asm.port_in(f"noc{i}_rx_{s}", side, f"{router}/{at}_rx_{s}", bits)
                asm.port_out(f"noc{i}_tx_{s}", side, f"{router}/{at}_tx_{s}", bits)
            asm.port_in(f"noc{i}_rx_credit", side, f"{router}/{at}_rx_credit", 8)
            asm.port_out(f"noc{i}_tx_credit", side, f"{router}/{at}_tx_credit", 8)
            asm.bus(self.soft(f"noc{i}"), f"{router}/ctl", 24)
            asm.bus(f"{router}/status", self.soft(f"noc{i}", 1), 24)
        ring = sorted(range(t.noc_routers), key=lambda i: (i % len(EDGES), i))
        for a, b in zip(ring, ring[1:] + ring[:1], strict=True):
            if a != b:
                # A link leaves on the side that faces the next router's edge, and enters on the side that faces back.
                out = edge[b] if edge[b] != edge[a] else OPPOSITE[edge[a]]
                back = edge[a] if edge[b] != edge[a] else OPPOSITE[edge[b]]
                asm.bus(f"noc_{a}/{out.name.lower()}_fwd", f"noc_{b}/{back.name.lower()}_prev", t.flit_bits)
                asm.bus(f"noc_{b}/{back.name.lower()}_bwd", f"noc_{a}/{out.name.lower()}_next", t.flit_bits)
        asm.bus("noc_0/loc_tx_prog", [self.soft("fetch"), self.soft("csr")], 64)
        asm.bus(self.soft("csr"), "noc_0/loc_rx_prog", 64)

    def _slices(self) -> list[int]:
        """Return the bits of each port that a link of `flit_bits` is cut into."""
        t = self.t
        full, rest = divmod(t.flit_bits, t.port_slice_bits)
        return [t.port_slice_bits] * full + ([rest] if rest else [])

    def connect_control(self) -> None:
        """Instruction banks -> fetch -> sequencer -> loaders, adders, lanes, DMA; control registers and their ports."""
        t, asm, bus = self.t, self.asm, self.asm.bus
        banks = [f"ins_{i}" for i in range(t.instruction_banks)]
        bus(self.soft("fetch", 1), [f"{n}/addr" for n in banks], self._addr_bits(t.instruction_bank_kbit, 64))
        bus(self.soft("fetch", 2), [f"{n}/wdata" for n in banks], 64)
        for i, n in enumerate(banks):
            bus(f"{n}/rdata", self.soft("fetch", 3 + i), 64)
        bus(self.soft("fetch", -1), self.soft("seq"), 64)
        for c in self.stacks:
            bus(self.soft("seq", t.array_rows + c), [self.soft(f"load{c}"), self.soft(f"acc{c}")], 8)
        bus(self.soft("seq", -1), self.soft("vctl"), 24)
        for k in range(t.dma_engines):
            bus(self.soft("seq", -2 - k), self.soft(f"dctl{k}"), 16)
            bus(self.soft("csr", 1 + k), self.soft(f"dctl{k}", 1), 32)
        asm.port_in("cfg_addr", Side.RIGHT, self.soft("csr"), 16)
        asm.port_in("cfg_ctl", Side.RIGHT, self.soft("csr"), 4)
        for s in range(2):
            asm.port_in(f"cfg_wdata_{s}", Side.RIGHT, self.soft("csr", 1 + s), 16)
            asm.port_out(f"cfg_rdata_{s}", Side.RIGHT, self.soft("csr", 2 + s), 16)
        asm.port_out("cfg_ready", Side.RIGHT, self.soft("csr"))
        asm.port_out("irq", Side.RIGHT, self.soft("csr", -1), 2)

    def connect_clock_and_test(self) -> None:
        """Two-level clock tree to the hard macros, reset to the head of each block, test access to SRAM groups."""
        asm = self.asm
        macros, srams = list(asm.hard), [n for n, m in asm.hard.items() if m.bits]
        leaves = self.blocks["clk"][1:]
        asm.port_in("clk", Side.LEFT, self.soft("clk"))
        if leaves:
            asm.bus(self.soft("clk"), leaves)
        else:
            leaves = self.blocks["clk"]
        for i, leaf in enumerate(leaves):
            part = macros[i * len(macros) // len(leaves) : (i + 1) * len(macros) // len(leaves)]
            if part:
                asm.bus(leaf, [f"{n}/clk" for n in part])
        asm.port_in("rst_n", Side.LEFT, self.soft("csr"))
        asm.bus(self.soft("csr"), [members[0] for block, members in self.blocks.items() if block != "csr"])
        for i in range(0, len(srams), 8):
            asm.bus(self.soft("bist", i // 8), [f"{n}/bist" for n in srams[i : i + 8]], 2)
        asm.port_in("test_in", Side.BOTTOM, self.soft("bist"), 4)
        asm.port_out("test_out", Side.BOTTOM, self.soft("bist", -1), 4)

    def _near(self) -> dict[str, list[str]]:
        """Return for each block the blocks it exchanges signals with."""
        groups = {kind: [f"{kind}{i}" for i in range(n)] for kind, n in self._copies().items()}
        loads, feeds, accs, dctls, nocs = (groups[k] for k in ("load", "feed", "acc", "dctl", "noc"))
        near = {
            "fetch": ["seq", "csr", nocs[0]],
            "seq": ["fetch", "csr", "vctl", *feeds, *loads],
            "csr": ["seq", "fetch", "bist", *dctls],
            "wxbar": [*loads, *dctls],
            "axbar": [*feeds, *dctls, "vctl"],
            "vctl": ["seq", "axbar", *accs],
            "bist": ["csr"],
            "clk": ["csr"],
        }
        for i, b in enumerate(loads):
            near[b] = ["wxbar", "seq", *_beside(loads, i)]
        for i, b in enumerate(feeds):
            near[b] = ["axbar", "seq", *_beside(feeds, i)]
        for i, b in enumerate(accs):
            near[b] = ["vctl", "seq", *_beside(accs, i)]
        for i, b in enumerate(dctls):
            near[b] = ["csr", "wxbar", "axbar", nocs[i % len(nocs)]]
        for i, b in enumerate(nocs):
            near[b] = ["csr", *_beside(nocs, i), dctls[i % len(dctls)]]
        return near

    def finish(self) -> Problem:
        """Draw the logic, choose the canvas, put ports on its edges."""
        t, asm = self.t, self.asm
        draws = Draws(t.seed)
        logic = {block: members for block, members in self.blocks.items() if block != "clk"}
        asm.nets += logic_nets(draws, logic, self._near(), t.nets_per_soft, t.rent_exponent)
        shapes = [m.shape for m in asm.hard.values()]
        canvas = canvas_for(self.tech, [s.w_um for s in shapes], [s.h_um for s in shapes], t.hard_utilisation_frac)
        soft_um2 = (t.utilisation_frac - t.hard_utilisation_frac) * canvas.width_um * canvas.height_um
        netlist = asm.build(soft_areas_um2(draws, asm.soft, soft_um2))
        return with_ports_placed(netlist, canvas, list(asm.ports.values()))


def _beside(names: list[str], i: int) -> list[str]:
    return names[max(i - 1, 0) : i] + names[i + 1 : i + 2]
