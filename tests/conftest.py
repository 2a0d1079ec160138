"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def benchmarks() -> Path:
    """Folder of public benchmarks, which the project does not ship; tests on it skip where it is absent."""
    given = os.environ.get("FLOORPLAN_BENCHMARKS")
    folder = Path(given) if given else Path(__file__).resolve().parents[2] / "shared" / "benchmarks"
    if not (folder / "ct").is_dir():
        pytest.skip(f"no public benchmarks at {folder}; set FLOORPLAN_BENCHMARKS to their folder")
    return folder
