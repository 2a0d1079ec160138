"""Where fetched netlists are kept."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from floorplan.fetch.catalog import CatalogDesign, CatalogFile

__all__ = ["DATA_VARIABLE", "data_folder", "kept_file", "kept_folder"]

DATA_VARIABLE = "FLOORPLAN_DATA"
"""Environment variable that names the data folder."""


def data_folder() -> Path:
    """Return the user's data folder, which need not exist yet: `$FLOORPLAN_DATA`, else the system's custom."""
    given = os.environ.get(DATA_VARIABLE)
    if given:
        return Path(given).expanduser().absolute()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Application Support")
    else:
        base = os.environ.get("XDG_DATA_HOME", "")
        if not base.startswith("/"):  # the specification has relative paths ignored
            base = str(Path.home() / ".local" / "share")
    return Path(base) / "floorplan"


def kept_folder(design: CatalogDesign, data: Path) -> Path:
    """Return the folder in which a design is kept below the data folder."""
    return data / "netlists" / design.suite / design.name


def kept_file(design: CatalogDesign, file: CatalogFile, data: Path) -> Path:
    """Return where one file of a design is kept below the data folder."""
    return kept_folder(design, data) / file.name
