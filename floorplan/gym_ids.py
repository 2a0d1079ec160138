"""Names of the environments for `gymnasium.make`: registered without loading what they stand for."""

from __future__ import annotations

__all__ = ["CONSTRUCT_ID", "register"]

CONSTRUCT_ID = "floorplan/Construct-v0"
"""Gymnasium's name for `ConstructEnv`; `gymnasium.make` takes `problem` and `config`."""


def register() -> None:
    """Make the environments known to Gymnasium, once."""
    import gymnasium

    if CONSTRUCT_ID not in gymnasium.registry:
        gymnasium.register(CONSTRUCT_ID, entry_point="floorplan.env.construct:ConstructEnv")
