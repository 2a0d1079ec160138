"""A chip: the problem to place, what its macros add up to, and which traffic each of its buses carries."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from floorplan.errors import ProblemError
from floorplan.netlist import Problem
from floorplan.showable import Showable

if TYPE_CHECKING:
    from floorplan.accelerator.hardware.spec import Hardware

__all__ = ["OPERAND_PRECISIONS", "TRAFFIC", "Chip", "Dataflow"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

TRAFFIC = ("none", "weights", "kv", "activation", "partial_sum", "collective", "offchip", "kv_offchip")
"""Classes of bus traffic. `none` is control. `weights` and `kv` is what MAC units are fed from on-chip memory,
`offchip` what passes memory PHYs, `kv_offchip` the KV cache in that, `collective` what passes links to other chips."""

OPERAND_PRECISIONS = {16: ("bf16", "fp16"), 8: ("fp8", "int8")}
"""Operand bits -> the arithmetic that the peak holds for."""


@dataclass(frozen=True)
class Dataflow:
    """What of a chip decides how many bytes a token moves (`floorplan.accelerator.traffic` has the equations).

    Attributes:
        reuse_columns: output columns that one activation feeds before it must be read again.
        reuse_rows: inputs that one partial sum gathers before it leaves the MAC unit.
        reuse_tokens: tokens that one delivery of a weight serves: what the store of partial sums has room for.
        operand_bytes: of an activation.
        accumulator_bytes: of a partial sum.
        query_block: queries that share one reading of the KV cache in prefill.
        has_memory: weights and KV cache come through memory PHYs; else they live in the chip's own SRAM.
        kv_sram_bytes: of the KV cache that stay on the chip from token to token.
    """

    reuse_columns: int
    reuse_rows: int
    reuse_tokens: int
    operand_bytes: float
    accumulator_bytes: float = 4.0
    query_block: int = 128
    has_memory: bool = True
    kv_sram_bytes: float = 0.0

    def __post_init__(self) -> None:
        for f in fields(self):
            if f.name not in ("has_memory", "kv_sram_bytes") and not getattr(self, f.name) > 0:
                raise ProblemError(f"{f.name} must be positive, got {getattr(self, f.name)}")
        if self.kv_sram_bytes < 0:
            raise ProblemError(f"kv_sram_bytes must be >= 0, got {self.kv_sram_bytes}")


@dataclass(frozen=True, eq=False)
class Chip(Showable):
    """A whole accelerator die: a problem, and the meaning of its macros and nets.

    K hard macros ("blocks"), in the order of `problem.netlist.hard`; E nets. All arrays are read-only.

    Attributes:
        name: template that made it.
        problem: netlist, canvas and PHYs at their edges (fixed hard macros).
        technology: key in `TECHNOLOGIES`.
        clock_hz: of MAC units, buses and SRAM.
        memory: what holds weights and cache: hbm, gddr, or sram where there is no memory PHY.
        dataflow: what decides the bytes a token moves.
        parameters: the template's parameter object.
        block_node: (K,) node ids.
        block_kind: (K,) mac, sram, vector, router, memory_controller, memory_phy, link_phy, link_controller, d2d_phy.
        block_bits: (K,) SRAM bits inside.
        block_macs: (K,) multiply-accumulate units inside.
        block_bytes_per_s: (K,) bandwidth of memory PHYs (reads), and of links in each direction.
        block_memory_bytes: (K,) capacity of the memory behind a memory PHY.
        net_mix: (E, C) the share of the chip's bytes of each of the C classes of `TRAFFIC` that the net carries; shares
            of a class that add up to 2 over all nets say that each of its bytes travels two nets.
        net_width_bits: (E,) wires of the bus, which is also its weight in the netlist.
        net_pipelined: (E,) registers may be put into the bus.
    """

    name: str
    problem: Problem
    technology: str
    clock_hz: float
    memory: str
    dataflow: Dataflow
    parameters: Any
    block_node: I32
    block_kind: npt.NDArray[np.str_]
    block_bits: I64
    block_macs: I64
    block_bytes_per_s: F64
    block_memory_bytes: F64
    net_mix: F64
    net_width_bits: F64
    net_pipelined: npt.NDArray[np.bool_]

    def __post_init__(self) -> None:
        blocks, nets = len(self.problem.netlist.hard), self.problem.netlist.num_nets
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, np.ndarray):
                if len(value) != (blocks if f.name.startswith("block_") else nets):
                    raise ProblemError(f"{f.name} of chip {self.name} has {len(value)} entries")
                value.flags.writeable = False
        if self.net_mix.shape != (nets, len(TRAFFIC)) or not (
            np.isfinite(self.net_mix).all() and self.net_mix.min() >= 0
        ):
            raise ProblemError(f"net_mix of chip {self.name} must be (nets, {len(TRAFFIC)}) shares >= 0")
        if self.net_mix[:, 0].any():
            raise ProblemError("nets of class none carry no share")

    def __repr__(self) -> str:
        return f"Chip({self.name}, {self.technology}, {self.clock_hz / 1e9:g} GHz, {self.problem!r})"

    @cached_property
    def net_class(self) -> npt.NDArray[np.uint8]:
        """(E,) index into `TRAFFIC` of the class that the net has most of, the first of equals; 0 where it has none."""
        klass: npt.NDArray[np.uint8] = np.argmax(self.net_mix, axis=1).astype(np.uint8)
        return klass

    @cached_property
    def net_share(self) -> F64:
        """(E,) share of that class."""
        share: F64 = self.net_mix[np.arange(len(self.net_mix)), self.net_class]
        return share

    @property
    def peak_flops(self) -> float:
        """Dense peak at the chip's operand width: two operations a MAC unit and clock cycle."""
        return 2.0 * float(self.block_macs.sum()) * self.clock_hz

    @property
    def sram_bytes(self) -> int:
        """All SRAM."""
        return int(self.block_bits.sum()) // 8

    @property
    def memory_bytes_per_s(self) -> float:
        """Bandwidth of all memory PHYs; 0 without."""
        return float(self.block_bytes_per_s[self.block_kind == "memory_phy"].sum())

    @property
    def link_bytes_per_s(self) -> float:
        """Bandwidth of all links to other chips and dies, in each direction."""
        return float(self.block_bytes_per_s[np.isin(self.block_kind, ("link_phy", "d2d_phy"))].sum())

    @property
    def sram_bytes_per_s(self) -> float:
        """What SRAM macros can send: the widths of the nets that they drive, once a clock cycle."""
        nl = self.problem.netlist
        driver = nl.pin_node[nl.net_pin[nl.net_ptr[:-1]]]
        srams = self.block_node[self.block_bits > 0]
        return float(self.net_width_bits[np.isin(driver, srams)].sum()) / 8 * self.clock_hz

    @cached_property
    def hardware(self) -> Hardware:
        """The chip as a row of the hardware catalogue: the sums of its own macros.

        Without memory PHYs its SRAM is the memory, as in the catalogue.
        """
        from floorplan.accelerator.hardware.spec import Figure, Hardware

        def figure(value: float, unit: str, precision: str | None = None) -> Figure:
            return Figure(value, unit, precision, True, f"sum over the macros of template {self.name}", "")

        sram = figure(float(self.sram_bytes), "B"), figure(self.sram_bytes_per_s, "B/s")
        memory = figure(float(self.block_memory_bytes.sum()), "B"), figure(self.memory_bytes_per_s, "B/s")
        size, bandwidth = sram if self.memory == "sram" else memory
        return Hardware(
            name=self.name,
            memory=self.memory,
            peak_flops={
                name: figure(self.peak_flops, "FLOP/s", name)
                for name in OPERAND_PRECISIONS[round(8 * self.dataflow.operand_bytes)]
            },
            memory_bytes=size,
            memory_bytes_per_s=bandwidth,
            sram_bytes=sram[0],
            sram_bytes_per_s=sram[1],
            link_bytes_per_s=figure(self.link_bytes_per_s, "B/s") if self.link_bytes_per_s else None,
        )
