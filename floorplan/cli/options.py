"""Flags that do not go together, and outputs that cannot be written: said before any work is done."""

from __future__ import annotations

from pathlib import Path

from floorplan.errors import FloorplanError

__all__ = ["OptionError", "need_folders"]


class OptionError(FloorplanError):
    """Flags that do not go together, or an output that cannot be written."""


def need_folders(*outputs: Path | None) -> None:
    """Check that what a command is about to work for has a folder to lie in; None is an output not asked for.

    Raises:
        OptionError: the folder of an output does not exist.
    """
    for out in outputs:
        if out is not None and not out.parent.is_dir():
            raise OptionError(f"{out}: the folder {out.parent} does not exist")
