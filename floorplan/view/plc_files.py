"""Placements below a folder that somebody else is writing to meanwhile."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from floorplan.files import plain_name

__all__ = ["plc_files"]


def plc_files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield every placement (.plc, plain or packed) below a folder, with its state, in no order.

    What is gone between two looks is left out, and so is what is hidden: files and folders that are being written.
    """
    for base, folders, files in os.walk(folder):  # unlike rglob, at ease with a folder that is gone
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = Path(base, name)
            if name.startswith(".") or not plain_name(path).endswith(".plc"):
                continue
            try:
                yield path, path.stat()
            except OSError:
                continue
