"""What the parameter objects of all chip templates have in common."""

from __future__ import annotations

from dataclasses import dataclass, fields

from floorplan.accelerator.chip import OPERAND_PRECISIONS
from floorplan.accelerator.phys import phy
from floorplan.accelerator.technology import technology
from floorplan.errors import ProblemError

__all__ = ["ChipParameters", "Meshed"]

MAY_BE_ZERO = ("links",)
"""Counts that a chip works without."""


class Meshed:
    """A chip whose parameters name a mesh of routers."""

    mesh_rows: int
    mesh_columns: int

    @property
    def routers(self) -> int:
        """Routers of the mesh."""
        return self.mesh_rows * self.mesh_columns


@dataclass(frozen=True, kw_only=True)
class ChipParameters:
    """Base of the chip templates' parameters.

    Attributes:
        operand_bits: width of weights and activations: 16 or 8.
        clock_mhz: of everything on the chip.
        control_clusters: soft macros of control logic.
        hard_utilisation_frac: hard macro area over canvas area; less where the PHYs of an edge need a longer one.
        utilisation_frac: hard and soft macro area over canvas area.
        technology: key in `TECHNOLOGIES`.
        seed: of what is drawn: sizes of soft macros and the control nets.
    """

    operand_bits: int = 16
    clock_mhz: float = 1000.0
    control_clusters: int = 24
    hard_utilisation_frac: float = 0.5
    utilisation_frac: float = 0.65
    technology: str = "n7"
    seed: int = 1

    def __post_init__(self) -> None:
        technology(self.technology)
        for f in fields(self):
            value = getattr(self, f.name)
            if f.name.endswith("_phy"):
                phy(value)
            elif f.type == "int" and f.name != "seed" and value < (0 if f.name in MAY_BE_ZERO else 1):
                raise ProblemError(f"{f.name} must be >= 1, got {value}")
        if self.seed < 0:
            raise ProblemError(f"seed must be >= 0, got {self.seed}")
        if self.operand_bits not in OPERAND_PRECISIONS:
            raise ProblemError(f"operand_bits must be 8 or 16, got {self.operand_bits}")
        if not self.clock_mhz > 0:
            raise ProblemError(f"clock_mhz must be positive, got {self.clock_mhz}")
        if not 0 < self.hard_utilisation_frac < self.utilisation_frac < 1:
            raise ProblemError("utilisation must satisfy 0 < hard_utilisation_frac < utilisation_frac < 1")

    @property
    def clock_hz(self) -> float:
        """Clock in Hz."""
        return self.clock_mhz * 1e6

    @property
    def operand_bytes(self) -> float:
        """Bytes of an operand."""
        return self.operand_bits / 8

    def divides(self, total: str, parts: str) -> None:
        """Raise `ProblemError` unless parameter `parts` divides parameter `total`."""
        if getattr(self, total) % getattr(self, parts):
            raise ProblemError(f"{parts} {getattr(self, parts)} must divide {total} {getattr(self, total)}")
