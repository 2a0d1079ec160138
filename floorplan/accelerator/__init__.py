"""Seeded generators of accelerator netlists: a template is one frozen parameter object."""

from floorplan.accelerator.chip import Chip
from floorplan.accelerator.parameters import SystolicTile
from floorplan.accelerator.synthetic_parameters import Synthetic
from floorplan.accelerator.systolic import systolic_tile
from floorplan.accelerator.technology import TECHNOLOGIES, Technology
from floorplan.accelerator.templates import CHIPS, TEMPLATES, Template, generate, parameters_of

__all__ = [
    "CHIPS",
    "TECHNOLOGIES",
    "TEMPLATES",
    "Chip",
    "Synthetic",
    "SystolicTile",
    "Technology",
    "Template",
    "generate",
    "parameters_of",
    "systolic_tile",
]
