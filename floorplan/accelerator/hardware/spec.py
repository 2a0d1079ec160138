"""What is published about one accelerator: figures that carry their precision, density, source and date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from floorplan.accelerator.hardware.quantity import FigureError, si
from floorplan.accelerator.llm.quant import PRECISIONS, Precision
from floorplan.errors import UnknownNameError

__all__ = ["Figure", "Hardware"]


@dataclass(frozen=True)
class Figure:
    """One published number, in SI units.

    Attributes:
        value: the number, in `unit`.
        unit: "FLOP/s", "B", "B/s" or "W".
        precision: the arithmetic it holds for; None for memories, links and power.
        dense: False where it counts operations that structured sparsity skips.
        source: who states it.
        date: year or year-month of the statement.
        verified: False where it is recalled and was not checked against the source.
        note: conditions, in words.
        rival: another reading of the same figure where sources conflict.
    """

    value: float
    unit: str
    precision: str | None
    dense: bool
    source: str
    date: str
    verified: bool = True
    note: str = ""
    rival: Figure | None = None

    @staticmethod
    def stated(
        text: str,
        source: str,
        date: str,
        *,
        precision: str | None = None,
        dense: bool = True,
        verified: bool = True,
        note: str = "",
        rival: Figure | None = None,
    ) -> Figure:
        """Return the figure that a source writes as `text`, e.g. "3.35 TB/s".

        Raises:
            FigureError: `text` is no quantity.
        """
        value, unit = si(text)
        return Figure(value, unit, precision, dense, source, date, verified, note, rival)


@dataclass(frozen=True)
class Hardware:
    """One accelerator package as its vendor describes it; None where no figure is known.

    Attributes:
        name: key in `HARDWARE`.
        memory: technology of the memory that holds weights and cache: "hbm", "gddr" or "sram".
        peak_flops: arithmetic ("bf16", "fp8", "fp4", ...) -> dense peak.
        memory_bytes: size of that memory; on "sram" chips the on-chip memory itself.
        memory_bytes_per_s: bandwidth of that memory.
        sram_bytes: on-chip memory that software or a cache shares.
        sram_bytes_per_s: its bandwidth.
        link_bytes_per_s: chip-to-chip bandwidth of all links together, one direction.
        tdp_w: power of the package.
        note: where sources conflict.
    """

    name: str
    memory: str
    peak_flops: Mapping[str, Figure] = field(hash=False)
    memory_bytes: Figure | None
    memory_bytes_per_s: Figure | None
    sram_bytes: Figure | None = None
    sram_bytes_per_s: Figure | None = None
    link_bytes_per_s: Figure | None = None
    tdp_w: Figure | None = None
    note: str = ""

    def peak(self, name: str | Precision) -> Figure:
        """Return the peak at which operands of a precision are multiplied, unpacked to a wider format if need be.

        `name` is a `Precision`, its name, or a key of `peak_flops`.

        Raises:
            UnknownNameError: the chip has no figure for it.
        """
        asked = name.name if isinstance(name, Precision) else name
        stored = name if isinstance(name, Precision) else PRECISIONS.get(name)
        for key in (asked, *(stored.arithmetic if stored is not None else ())):
            if key in self.peak_flops:
                return self.peak_flops[key]
        raise UnknownNameError(f"peak of {self.name} at precision", asked, list(self.peak_flops))

    def bandwidth(self) -> float:
        """Return the bandwidth of the memory that holds weights and cache, in bytes per second.

        Raises:
            FigureError: none is published.
        """
        if self.memory_bytes_per_s is None:
            raise FigureError(f"no memory bandwidth of {self.name} is known")
        return self.memory_bytes_per_s.value

    def ridge(self, name: str | Precision) -> float:
        """Return the FLOP per byte above which the chip is compute-bound at a precision.

        Raises:
            UnknownNameError: the chip has no figure for the precision.
            FigureError: its bandwidth is not known.
        """
        return self.peak(name).value / self.bandwidth()

    def ridge_range(self, name: str | Precision) -> tuple[float, float]:
        """Return the smallest and the largest ridge over the readings of a disputed peak."""
        peak = self.peak(name)
        values = [peak.value] + ([] if peak.rival is None else [peak.rival.value])
        return min(values) / self.bandwidth(), max(values) / self.bandwidth()
