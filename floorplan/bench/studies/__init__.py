"""Studies of chips, placements and the estimator: each one command, each a list of rows."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from floorplan.bench.studies.registry import STUDIES, Study, run_study
    from floorplan.bench.studies.setting import Setting

__all__ = ["STUDIES", "Setting", "Study", "run_study"]

_HOMES = {"STUDIES": "registry", "Study": "registry", "run_study": "registry", "Setting": "setting"}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"floorplan.bench.studies.{home}"), name)
