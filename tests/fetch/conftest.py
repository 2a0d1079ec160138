from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fetch.fetch_server import Origin, running


@pytest.fixture(autouse=True)
def _own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no proxy, mirror or data folder of the machine reach a test."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("FLOORPLAN_MIRROR", raising=False)
    monkeypatch.setenv("FLOORPLAN_DATA", str(tmp_path / "data"))


@pytest.fixture
def origin() -> Iterator[Origin]:
    with running() as server:
        yield server
