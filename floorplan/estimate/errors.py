"""What an estimate refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from floorplan.errors import FloorplanError

if TYPE_CHECKING:
    from floorplan.netlist import Legality

__all__ = ["DoesNotFitError", "EstimateError", "IllegalPlacementError", "ThermalRunawayError"]


class EstimateError(FloorplanError):
    """An estimate cannot be made of what was given."""


class IllegalPlacementError(EstimateError):
    """A placement is unplaced in part, overlaps or leaves the die: it has no estimate, least of all a low one.

    Attributes:
        legality: every rule that it breaks.
    """

    def __init__(self, legality: Legality) -> None:
        self.legality = legality
        super().__init__(f"no estimate of a placement that is {legality.summary()}")


class DoesNotFitError(EstimateError):
    """The model and its caches do not fit into the memory of the chips: no batch runs, not even slowly."""


class ThermalRunawayError(EstimateError):
    """Leakage heats the die faster than the package cools it: there is no steady temperature."""
