"""Where on the die the power goes, and how warm it gets there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from floorplan.estimate.clock import clock_sinks
from floorplan.estimate.kernels import chain
from floorplan.estimate.thermal import ThermalGrid, raster
from floorplan.geometry import oriented_size_um

if TYPE_CHECKING:
    from floorplan.estimate.estimator import Estimator
    from floorplan.estimate.length import Boxes
    from floorplan.estimate.results import Totals
    from floorplan.netlist import Placement

__all__ = ["HeatMap", "HeatModel"]

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class HeatMap:
    """Power and temperature of every cell, (n, n), row 0 at the bottom.

    Attributes:
        power_w: dynamic and clock.
        leakage_w: at the temperature of the cell.
        temperature_c: of the silicon.
    """

    power_w: F64
    leakage_w: F64
    temperature_c: F64

    @property
    def max_c(self) -> float:
        """Hottest cell."""
        return float(self.temperature_c.max())

    @property
    def mean_c(self) -> float:
        """Mean over the die."""
        return float(self.temperature_c.mean())


class HeatModel:
    """Spreads the power of an estimate over its die; the joules of the blocks do not depend on where they stand."""

    def __init__(self, estimator: Estimator, grid: int) -> None:
        e, chip = estimator, estimator.chip
        nl, cv = chip.problem.netlist, chip.problem.canvas
        self._estimator = estimator
        self.grid = ThermalGrid(cv.width_um, cv.height_um, grid)
        bits = e.nets.bits[0] + e.load.prefill_per_output * e.nets.bits[1]
        net = np.repeat(np.arange(nl.num_nets), np.diff(nl.net_ptr))
        sram_j = np.bincount(nl.pin_node[nl.net_pin], bits[net] * e.sram_j_per_bit, nl.num_nodes)
        area = nl.node_w_um * nl.node_h_um

        def over(blocks: npt.NDArray[np.bool_] | F64) -> F64:
            """Share of each node in what `blocks` do; by area where there are none."""
            weight = np.zeros(nl.num_nodes)
            weight[chip.block_node] = blocks
            return np.asarray(weight / weight.sum() if weight.sum() > 0 else area / area.sum(), np.float64)

        macs = chip.block_macs.astype(np.float64)
        self._sram = sram_j / sram_j.sum() if sram_j.sum() > 0 else area / area.sum()
        self._mac = over(macs)
        self._memory = over(chip.block_kind == "memory_phy")
        self._link = over(np.isin(chip.block_kind, ("link_phy", "d2d_phy")))
        self._clock = over(np.array([clock_sinks(m, b) for m, b in zip(macs, chip.block_bits, strict=True)]))
        self._leak = area / area.sum()
        self._wire = bits * e.nets.j_per_bit_m

    def map(self, placement: Placement, boxes: Boxes, length_m: F64, totals: Totals) -> HeatMap:
        """Return the map; wires heat the box of their net evenly.

        Raises:
            ThermalRunawayError: a hot spot's leakage grows without end.
        """
        e, cv = self._estimator, self._estimator.chip.problem.canvas
        nl, c = e.chip.problem.netlist, e.constants
        per_s = 1.0 / (totals.seconds * c[chain.CHIPS])
        block_w = per_s * (
            totals.sram_j * self._sram
            + totals.mac_j * self._mac
            + totals.memory_j * c[chain.MEMORY_DIE_FRAC] * self._memory
            + totals.link_j * self._link
            + totals.clock_j * self._clock
        )
        w, h = oriented_size_um(nl.node_w_um, nl.node_h_um, placement.orient)
        x, y = placement.x_um, placement.y_um
        corners = (x - w / 2, x + w / 2, y - h / 2, y + h / 2)
        size = (cv.width_um, cv.height_um, self.grid.n)
        power = raster(*corners, block_w, *size)
        wire_w = self._wire * length_m
        wire_w = wire_w * (totals.wire_j * per_s / wire_w.sum()) if wire_w.sum() > 0 else wire_w
        power += raster(boxes.x0_um, boxes.x1_um, boxes.y0_um, boxes.y1_um, wire_w, *size)
        leak0 = raster(*corners, c[chain.LEAK_W] * self._leak, *size)
        t, leak = self.grid.settle_c(power, leak0, c[chain.LEAK_T0], c[chain.LEAK_DOUBLING])
        return HeatMap(power, leak, t)
