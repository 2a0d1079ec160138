"""From a placement to joules, nanoseconds and dollars per token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from floorplan.cost import CostEngine
from floorplan.errors import ProblemError
from floorplan.estimate.clock import clock_j_per_cycle, clock_sinks
from floorplan.estimate.constants import draws, price_draws, spreads
from floorplan.estimate.energy import mac_energy, memory_energy, sram_j_per_terminal_bit
from floorplan.estimate.errors import EstimateError, IllegalPlacementError, ThermalRunawayError
from floorplan.estimate.heat import HeatModel
from floorplan.estimate.kernels import chain
from floorplan.estimate.leakage import leakage_at_reference_w
from floorplan.estimate.length import detours, net_boxes_um, pin_factor, terminals
from floorplan.estimate.results import Estimate, NetTable, Totals, summarise
from floorplan.estimate.technology import Node, node, system_constants
from floorplan.estimate.wires import delay_per_m, energy_per_bit_m
from floorplan.netlist import check_legality

if TYPE_CHECKING:
    from floorplan.accelerator.chip import Chip
    from floorplan.estimate.load import Load
    from floorplan.netlist import Placement

__all__ = ["Estimator", "EstimatorOptions"]

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class EstimatorOptions:
    """How an estimate is made.

    Attributes:
        technology: node; None takes the chip's.
        layers: class of traffic -> routing layer, where it is not the node's bus layer.
        congestion: measure detours from the proxy's congestion maps; False leaves only the base detour.
        samples: draws of the uncertain constants.
        seed: of the draws; estimates with equal seeds and samples share them.
        grid: cells of the thermal model along each side.
        memory: kind of external memory, `hbm` or `gddr`; None takes the chip's.
        overhead_s: of a step; None takes the fit for chips with external memory, 0 for others.
    """

    technology: str | None = None
    layers: Mapping[str, str] | None = None
    congestion: bool = True
    samples: int = 200
    seed: int = 1
    grid: int = 48
    memory: str | None = None
    overhead_s: float | None = None

    def __post_init__(self) -> None:
        if self.samples < 0 or not 2 <= self.grid <= 256:
            raise EstimateError("samples must be >= 0 and grid 2 to 256")


class Estimator:
    """Estimates placements of one chip under one load.

    Build it once: it lays out the netlist, factors the thermal model and draws the uncertain constants. Not to be used
    from two threads at once.
    """

    def __init__(self, chip: Chip, load: Load, options: EstimatorOptions | None = None) -> None:
        """Prepare.

        Raises:
            EstimateError: the load is of another netlist, or the clock is too fast for a flip-flop.
            UnknownNameError: there is no such node or layer.
        """
        from floorplan.accelerator.chip import OPERAND_PRECISIONS

        self.chip, self.load, self.options = chip, load, options or EstimatorOptions()
        self.node: Node = node(self.options.technology or chip.technology)
        nl = chip.problem.netlist
        phases = [load.decode] + ([load.prefill] if load.prefill is not None else [])
        if any(len(d.bits) != nl.num_nets for d in phases):
            raise EstimateError(f"the load is of another netlist than {nl.name!r}")
        self.terminals = terminals(nl)
        self.pin_factor = pin_factor(self.terminals.pins)
        self._engine = CostEngine(chip.problem) if self.options.congestion else None
        system = system_constants()
        self._base, self._slope = system["base_detour"].value, system["overflow_detour"].value
        operand = OPERAND_PRECISIONS[round(8 * chip.dataflow.operand_bytes)][0]
        kind = self.options.memory or (chip.memory if chip.dataflow.has_memory else "hbm")
        self.mac = mac_energy(self.node, operand)
        self.memory = memory_energy(kind)
        self.sram_j_per_bit = sram_j_per_terminal_bit(self.node, nl, chip.block_node, chip.block_bits)
        self.nets = self._nets()
        self.constants = self._constants()
        self.phases = self._phases()
        table = spreads(self.node, operand, kind)
        self.factors = dict(table.values())
        self.draws = draws(table, self.options.samples, self.options.seed)
        self.price_draws = price_draws(self.node, self.options.samples, self.options.seed)
        self.heat = HeatModel(self, self.options.grid)
        if self.constants[chain.PERIOD] <= self.constants[chain.FLOP_OVERHEAD]:
            raise EstimateError(
                f"a clock of {chip.clock_hz / 1e9:.4g} GHz leaves {self.node.name} no time: a flip-flop alone takes "
                f"{self.constants[chain.FLOP_OVERHEAD] * 1e12:.4g} ps"
            )

    # ---- tables ----------------------------------------------------------------------------------------------------

    def _nets(self) -> chain.Nets:
        from floorplan.accelerator.chip import TRAFFIC

        chip, nl = self.chip, self.chip.problem.netlist
        chosen = dict(self.options.layers or {})
        if set(chosen) - set(TRAFFIC):
            raise EstimateError(f"layers are chosen by class of traffic: {', '.join(TRAFFIC)}")
        klass = np.array(chip.net_class)
        energy = np.array([energy_per_bit_m(self.node, chosen.get(c)).value for c in TRAFFIC])
        delay = np.array([delay_per_m(self.node, chosen.get(c)).value for c in TRAFFIC])
        fo4_s = self.node.constants["fo4"].value * 1e-12
        access_s = np.where(
            self.sram_j_per_bit[nl.net_ptr[:-1]] > 0, system_constants()["sram_access"].value * fo4_s, 0.0
        )
        none = np.zeros(nl.num_nets)
        bits = np.stack([self.load.decode.bits, none if self.load.prefill is None else self.load.prefill.bits])
        return chain.Nets(
            energy[klass],
            delay[klass],
            access_s,
            self._bits_per_cycle(),
            np.array(chip.net_pipelined),
            klass,
            np.ascontiguousarray(bits),
        )

    def _bits_per_cycle(self) -> F64:
        """Return what each bus moves a clock cycle: its width, but at a PHY no less than the PHY's faster lanes."""
        chip, nl = self.chip, self.chip.problem.netlist
        lanes = np.zeros(nl.num_nodes)
        lanes[chip.block_node] = 8.0 * chip.block_bytes_per_s / chip.clock_hz
        at_end = np.maximum.reduceat(lanes[nl.pin_node[nl.net_pin]], nl.net_ptr[:-1])
        return np.maximum(chip.net_width_bits, at_end)

    def _constants(self) -> F64:
        s, chip = {name: k.value for name, k in system_constants().items()}, self.chip
        nl, cv = chip.problem.netlist, chip.problem.canvas
        sinks = clock_sinks(float(chip.block_macs.sum()), float(chip.block_bits.sum()))
        canvas_um2 = cv.width_um * cv.height_um
        c = np.zeros(chain.N_CONST)
        c[chain.PERIOD] = 1.0 / chip.clock_hz
        c[chain.FLOP_OVERHEAD] = s["flop_overhead"] * self.node.constants["fo4"].value * 1e-12
        c[chain.CLOCK_J] = clock_j_per_cycle(self.node, canvas_um2, sinks)
        c[chain.LEAK_W] = leakage_at_reference_w(self.node, float((nl.node_w_um * nl.node_h_um).sum()))
        c[chain.R_TH] = s["r_convec"] + s["t_tim"] * 1e-6 / (s["k_tim"] * canvas_um2 * 1e-12)
        c[chain.AMBIENT] = s["ambient"]
        c[chain.LEAK_T0] = s["leakage_reference"]
        c[chain.LEAK_DOUBLING] = s["leakage_doubling"]
        c[chain.CREDIT_CYCLES] = s["credit_cycles"]
        c[chain.BASE_CYCLES] = s["base_cycles"]
        c[chain.MFU], c[chain.MBU] = s["mfu"], s["mbu"]
        c[chain.CHIPS] = self.load.chips
        c[chain.PREFILL_PER_OUTPUT] = self.load.prefill_per_output
        c[chain.MEMORY_DIE_FRAC] = s["hbm_io"] / self.memory.value
        return c

    def _phases(self) -> F64:
        s, chip = system_constants(), self.chip
        overhead = self.options.overhead_s
        if overhead is None:
            overhead = s["overhead" if chip.dataflow.has_memory else "overhead_sram"].value * 1e-3
        macs = float(chip.block_macs.sum())
        p = np.zeros((2, chain.N_PHASE))
        for row, demand in zip(p, (self.load.decode, self.load.prefill), strict=True):
            if demand is None:
                continue
            if demand.flops and not macs:
                raise EstimateError(f"{chip.name} has no multiply-accumulate unit")
            if demand.memory_bytes and not chip.memory_bytes_per_s:
                raise EstimateError(f"{chip.name} has no memory to move {demand.memory_bytes:.4g} bytes a token from")
            if demand.link_bytes and not chip.link_bytes_per_s:
                raise EstimateError(f"{chip.name} has no link to move {demand.link_bytes:.4g} bytes a token over")
            row[chain.TOKENS] = demand.tokens
            row[chain.COMPUTE_CYCLES] = demand.flops / (2.0 * macs) if macs else 0.0
            row[chain.MEMORY_S] = demand.memory_bytes / chip.memory_bytes_per_s if demand.memory_bytes else 0.0
            row[chain.LINK_S] = demand.link_bytes / chip.link_bytes_per_s if demand.link_bytes else 0.0
            row[chain.SYNCS] = demand.passes
            row[chain.OVERHEAD_S] = overhead + demand.hops * s["link_latency"].value * 1e-6
            row[chain.SRAM_J] = float(
                demand.bits @ np.add.reduceat(self.sram_j_per_bit, chip.problem.netlist.net_ptr[:-1])
            )
            row[chain.MAC_J] = demand.flops / 2.0 * self.mac.value * 1e-12
            row[chain.MEMORY_J] = demand.memory_bytes * 8.0 * self.memory.value * 1e-12
            row[chain.LINK_J] = demand.link_bytes * 8.0 * s["link"].value * 1e-12
        return p

    # ---- estimates -------------------------------------------------------------------------------------------------

    def check(self, placement: Placement) -> None:
        """Refuse what has no estimate.

        Raises:
            IllegalPlacementError: a node is unplaced, or a rule is broken.
            ProblemError: the placement is of another netlist.
        """
        nl = self.chip.problem.netlist
        if len(placement) != nl.num_nodes:
            raise ProblemError(f"placement has {len(placement)} nodes, the netlist {nl.num_nodes}")
        legality = check_legality(self.chip.problem, placement)
        if not legality.legal:
            raise IllegalPlacementError(legality)

    def scale_m_per_um(self, placement: Placement) -> F64:
        """Return routed metres per um of half-perimeter of every net, (E,), with the detours of this placement."""
        extra: F64 | float = 0.0
        if self._engine is not None:
            boxes = net_boxes_um(self.terminals, placement)
            extra = detours(self._engine.maps(placement), boxes, self.chip.problem.canvas, self._slope)
        return np.asarray(1e-6 * self.pin_factor * (self._base + extra), np.float64)

    def totals(self, length_m: F64, factors: F64 | None = None) -> Totals:
        """Return what follows from net lengths, for one draw of the constants (nominal by default)."""
        out = np.empty((1, chain.N_OUT))
        f = np.ones((1, chain.N_FACTOR)) if factors is None else factors[None]
        chain.evaluate_draws(length_m, self.nets, self.constants, self.phases, f, out)
        return Totals.of(out[0])

    def sampled(self, length_m: F64) -> F64:
        """Return (samples, N_OUT): the chain under every draw of the constants."""
        out = np.empty((len(self.draws), chain.N_OUT))
        chain.evaluate_draws(length_m, self.nets, self.constants, self.phases, self.draws, out)
        return out

    def estimate(self, placement: Placement, scale_m_per_um: F64 | None = None) -> Estimate:
        """Return the whole estimate of a legal placement.

        Args:
            placement: of all nodes.
            scale_m_per_um: (E,) fixed detours, as `scale_m_per_um` returns them; None measures them.

        Raises:
            IllegalPlacementError: the placement is not legal.
            ThermalRunawayError: the die has no steady temperature.
        """
        self.check(placement)
        boxes = net_boxes_um(self.terminals, placement)
        scale = self.scale_m_per_um(placement) if scale_m_per_um is None else scale_m_per_um
        length = scale * boxes.hpwl_um
        totals = self.totals(length)
        if not np.isfinite(totals.mean_temperature_c):
            raise ThermalRunawayError(
                f"{self.chip.name} under {self.load.name}: leakage outruns a package of "
                f"{self.constants[chain.R_TH]:.3g} K/W"
            )
        heat = self.heat.map(placement, boxes, length, totals)
        quantities, parts = summarise(self, totals, self.sampled(length), heat)
        return Estimate(
            chip=self.chip.name,
            load=self.load.name,
            technology=self.node.name,
            totals=totals,
            quantities=quantities,
            parts=parts,
            nets=self._net_table(length, boxes.hpwl_um),
            heat=heat,
        )

    def _net_table(self, length: F64, hpwl_um: F64) -> NetTable:
        """Return what each net costs and whether it makes its clock."""
        n, load = self.nets, self.load
        rows = np.empty((chain.N_ROW, len(length)))
        chain.all_rows(length, n, self.constants, np.ones(chain.N_FACTOR), rows)
        bits = load.chips * (n.bits[0] + load.prefill_per_output * n.bits[1])
        joules = bits * n.j_per_bit_m * length
        nl = self.chip.problem.netlist
        source = nl.pin_node[nl.net_pin[nl.net_ptr[:-1]]]
        label = tuple(nl.node_name[i] for i in source.tolist())
        busiest = int(np.argmax(rows[chain.R_BUS])), int(np.argmax(rows[chain.R_BUS + 1]))
        stages, slack_ps = rows[chain.R_STAGES], 1e12 * rows[chain.R_SLACK]
        return NetTable(label, busiest, n.klass.copy(), hpwl_um, length * 1e6, bits, joules, stages, slack_ps)
