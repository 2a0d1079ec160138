"""The construct game: macros come one by one and a policy puts each on a grid cell.

Importing this package registers `floorplan/Construct-v0` with Gymnasium.
"""

from floorplan.env.batch import ConstructBatch, Finished, StepResult
from floorplan.env.config import ConstructConfig
from floorplan.env.construct import ConstructEnv
from floorplan.env.graph import EDGE_FEATURES, NODE_FEATURES, GraphArrays, build_graph
from floorplan.env.schema import MAP_CHANNELS, SCALARS
from floorplan.gym_ids import CONSTRUCT_ID, register

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

register()
