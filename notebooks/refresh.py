"""Run the example notebooks and store what they show: `python notebooks/refresh.py [NAME...]`; all if none is named."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

__all__ = ["FOLDER", "execute", "notebook_paths"]

FOLDER = Path(__file__).resolve().parent
_QUIET = ["--IPKernelApp.log_level=40"]


def notebook_paths() -> list[Path]:
    """Return the notebooks of the gallery, in order."""
    return sorted(FOLDER.glob("*.ipynb"))


def execute(path: Path, timeout_s: float = 300.0) -> Any:
    """Return a notebook after a run from its first to its last cell in a fresh kernel; nothing is written.

    Raises:
        CellExecutionError: a cell raised an exception.
        CellTimeoutError: a cell took longer than `timeout_s`.
    """
    book = nbformat.read(path, as_version=4)
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count, cell.metadata = [], None, {}
    where = {"metadata": {"path": str(path.parent)}}
    NotebookClient(book, timeout=timeout_s, resources=where, record_timing=False, extra_arguments=_QUIET).execute()
    # Versions and the like of whoever ran it last would differ from run to run.
    book.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return book


def main(names: list[str]) -> None:
    """Run the named notebooks, or all, and store them with their outputs."""
    for path in notebook_paths():
        if not names or path.stem in names or path.name in names:
            nbformat.write(execute(path), path)
            print(f"{path.name}: {path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main(sys.argv[1:])
