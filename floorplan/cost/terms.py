"""What a cost is made of: weights, options and the results."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field

import numpy as np
import numpy.typing as npt

from floorplan.errors import ProblemError
from floorplan.showable import Showable

__all__ = ["Cost", "CostBatch", "CostMaps", "CostOptions", "CostWeights"]

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CostWeights:
    """Weights of the proxy cost.

    The defaults are those of everybody who publishes numbers; AlphaChip's code defaults to density 1.0. A proxy is
    never printed without its weights.
    """

    wirelength: float = 1.0
    density: float = 0.5
    congestion: float = 0.5

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not (math.isfinite(value) and value >= 0):
                raise ProblemError(f"cost weight of {name} must be >= 0, got {value}")

    def to_dict(self) -> dict[str, float]:
        """Return the three weights by name."""
        return asdict(self)


@dataclass(frozen=True)
class CostOptions:
    """Everything besides netlist and canvas that a cost depends on.

    Attributes:
        weights: of the proxy.
        density_top: share of the grid cells, densest first, whose mean is the density cost.
        congestion_top: share of the H and V cells, fullest first, whose mean is the congestion cost.
        square_soft: make soft macros square (area kept) first, as the ICCAD04 suite was costed.
    """

    weights: CostWeights = field(default_factory=CostWeights)
    density_top: float = 0.1
    congestion_top: float = 0.05
    square_soft: bool = False

    def __post_init__(self) -> None:
        for name in ("density_top", "congestion_top"):
            if not 0 < getattr(self, name) <= 1:
                raise ProblemError(f"{name} must be in (0, 1], got {getattr(self, name)}")


@dataclass(frozen=True)
class Cost(Showable):
    """The exact cost of one placement.

    Attributes:
        wirelength: sum(weight * HPWL) / ((W + H) * sum(weight)).
        density: half the mean of the densest cells.
        congestion: mean of the fullest H and V cells.
        proxy: the weighted sum.
        wirelength_um: sum(weight * HPWL).
    """

    wirelength: float
    density: float
    congestion: float
    proxy: float
    wirelength_um: float

    def to_dict(self) -> dict[str, float]:
        """Return the five numbers by name."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class CostBatch:
    """Costs of B placements; each field is (B,) float64 and means what it does in `Cost`."""

    wirelength: F64
    density: F64
    congestion: F64
    proxy: F64
    wirelength_um: F64

    def __len__(self) -> int:
        return len(self.proxy)

    def __getitem__(self, i: int) -> Cost:
        return Cost(
            float(self.wirelength[i]),
            float(self.density[i]),
            float(self.congestion[i]),
            float(self.proxy[i]),
            float(self.wirelength_um[i]),
        )


@dataclass(frozen=True, eq=False)
class CostMaps(Showable):
    """Per-cell maps, each (rows, columns) float64; row 0 is at the bottom.

    Attributes:
        density: share of the cell's area that macros cover (above 1 where they overlap).
        h: horizontal congestion: tracks wanted over tracks there are, macros and smoothing included.
        v: vertical congestion.
    """

    density: F64
    h: F64
    v: F64

    def __repr__(self) -> str:
        rows, columns = self.density.shape
        most = f"density up to {self.density.max():.3f}, congestion up to {self.h.max():.3f} H and {self.v.max():.3f} V"
        return f"CostMaps({rows} x {columns} cells, {most})"
