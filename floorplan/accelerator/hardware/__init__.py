"""Published figures of AI accelerators, each with its source, and a gate against impossible ones."""

from floorplan.accelerator.hardware.catalogue import HARDWARE, hardware
from floorplan.accelerator.hardware.gate import implausible, refuse_claim
from floorplan.accelerator.hardware.spec import Figure, Hardware

__all__ = ["HARDWARE", "Figure", "Hardware", "hardware", "implausible", "refuse_claim"]
