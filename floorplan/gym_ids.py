"""Names of the environments for `gymnasium.make`: registered without loading what they stand for."""

from __future__ import annotations

__all__ = ["CONSTRUCT_ID", "REFINE_ID", "register"]

CONSTRUCT_ID = "floorplan/Construct-v0"
"""Gymnasium's name for `ConstructEnv`; `gymnasium.make` takes `problem` and `config`."""

REFINE_ID = "floorplan/Refine-v0"
"""Gymnasium's name for `RefineEnv`; `gymnasium.make` takes `problem`, `placement` and `config`."""

_ENTRY_POINTS = {
    CONSTRUCT_ID: "floorplan.env.construct:ConstructEnv",
    REFINE_ID: "floorplan.env.refining:RefineEnv",
}


def register() -> None:
    """Make the environments known to Gymnasium, once."""
    import gymnasium

    for name, entry_point in _ENTRY_POINTS.items():
        if name not in gymnasium.registry:
            gymnasium.register(name, entry_point=entry_point)
