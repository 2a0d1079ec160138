"""Values that know where they come from: constants that go into an estimate, quantities that come out."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Constant", "Quantity"]


@dataclass(frozen=True)
class Constant:
    """A physical or economic constant.

    Attributes:
        name: key in its table.
        value: nominal, in `unit`.
        unit: as its source states it.
        spread: one-sigma factor of a lognormal around the value; 1 = not varied.
        source: paper, page or file.
        date: of the source.
        verified: False where the figure is recalled or assumed.
    """

    name: str
    value: float
    unit: str
    spread: float
    source: str
    date: str
    verified: bool = True

    @property
    def log_sigma(self) -> float:
        """Standard deviation of the logarithm."""
        return math.log(self.spread)


@dataclass(frozen=True)
class Quantity:
    """One result.

    Attributes:
        value: with every constant at its nominal value.
        unit: of value, low and high.
        low: 5 % quantile over the uncertain constants; NaN where none was drawn.
        high: 95 % quantile.
        source: equation and the constants that weigh most.
    """

    value: float
    unit: str
    low: float
    high: float
    source: str

    def to_dict(self) -> dict[str, float | str | None]:
        """Return plain values; what is not a number becomes None."""
        numbers = {
            k: v if math.isfinite(v) else None
            for k, v in (("value", self.value), ("low", self.low), ("high", self.high))
        }
        return {**numbers, "unit": self.unit, "source": self.source}

    def __str__(self) -> str:
        bar = "" if math.isnan(self.low) else f"  ({self.low:.3g} to {self.high:.3g})"
        return f"{self.value:.4g} {self.unit}{bar}"
