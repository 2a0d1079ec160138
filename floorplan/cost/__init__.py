"""The exact proxy cost: wirelength, density, congestion."""

from floorplan.cost.arrays import CostArrays, build_arrays
from floorplan.cost.engine import CostEngine
from floorplan.cost.incremental import IncrementalCost
from floorplan.cost.terms import Cost, CostBatch, CostMaps, CostOptions, CostWeights

__all__ = [
    "Cost",
    "CostArrays",
    "CostBatch",
    "CostEngine",
    "CostMaps",
    "CostOptions",
    "CostWeights",
    "IncrementalCost",
    "build_arrays",
]
