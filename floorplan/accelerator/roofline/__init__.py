"""Rooflines with three walls, and the serving throughput of language models on accelerators."""

from floorplan.accelerator.roofline.operating import OperatingPoint, operate
from floorplan.accelerator.roofline.walls import Roof, RooflineError, Step, batch_max, roof_of, step

__all__ = ["OperatingPoint", "Roof", "RooflineError", "Step", "batch_max", "operate", "roof_of", "step"]
