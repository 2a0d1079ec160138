"""The construct game: macros come one by one and a policy puts each on a grid cell.

Importing this package registers `floorplan/Construct-v0` with Gymnasium.
"""

import gymnasium

from floorplan.env.batch import ConstructBatch, Finished, StepResult
from floorplan.env.config import ConstructConfig
from floorplan.env.construct import ConstructEnv
from floorplan.env.graph import EDGE_FEATURES, NODE_FEATURES, GraphArrays, build_graph
from floorplan.env.schema import MAP_CHANNELS, SCALARS

__all__ = [
    "CONSTRUCT_ID",
    "EDGE_FEATURES",
    "MAP_CHANNELS",
    "NODE_FEATURES",
    "SCALARS",
    "ConstructBatch",
    "ConstructConfig",
    "ConstructEnv",
    "Finished",
    "GraphArrays",
    "StepResult",
    "build_graph",
]

CONSTRUCT_ID = "floorplan/Construct-v0"
"""Gymnasium's name for `ConstructEnv`; `gymnasium.make` takes `problem` and `config`."""

if CONSTRUCT_ID not in gymnasium.registry:
    gymnasium.register(CONSTRUCT_ID, entry_point="floorplan.env.construct:ConstructEnv")
