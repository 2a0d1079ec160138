"""The construct game: macros come one by one and a policy puts each on a grid cell. The refine game: it betters that.

Importing this package registers `floorplan/Construct-v0` and `floorplan/Refine-v0` with Gymnasium.
"""

from floorplan.env.batch import ConstructBatch
from floorplan.env.choice import RefineConfig
from floorplan.env.config import ConstructConfig
from floorplan.env.construct import ConstructEnv
from floorplan.env.game import Finished, StepResult
from floorplan.env.graph import EDGE_FEATURES, NODE_FEATURES, GraphArrays, build_graph
from floorplan.env.refine import RefineBatch
from floorplan.env.refining import RefineEnv
from floorplan.env.schema import MAP_CHANNELS, SCALARS
from floorplan.gym_ids import CONSTRUCT_ID, REFINE_ID, register

__all__ = [
    "CONSTRUCT_ID",
    "EDGE_FEATURES",
    "MAP_CHANNELS",
    "NODE_FEATURES",
    "REFINE_ID",
    "SCALARS",
    "ConstructBatch",
    "ConstructConfig",
    "ConstructEnv",
    "Finished",
    "GraphArrays",
    "RefineBatch",
    "RefineConfig",
    "RefineEnv",
    "StepResult",
    "build_graph",
]

register()
