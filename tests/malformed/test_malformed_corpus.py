"""Every file of the corpus is refused with its cause, and the line that is at fault; the sound ones are read."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from floorplan.errors import FloorplanError, ParseError
from tests.fuzz.limits import limited_time
from tests.malformed.reading import FORMATS, HERE, folder_with

CASES: list[dict[str, Any]] = tomllib.loads((HERE / "manifest.toml").read_text("utf-8"))["case"]
OWN = {"manifest.toml", "reading.py", "test_malformed_corpus.py", "__init__.py"}


def kind_of(name: str) -> str:
    """Return the format that a file of the corpus is read as: its folder's, or by its suffix."""
    folder = Path(name).parent.name
    if folder == "found":
        return Path(name).name.partition("-")[0]
    if folder == "groups" and name.endswith(".names"):
        return "names"
    return folder or ("plc" if name.endswith(".plc") else "protobuf")


def name_in(kind: str, name: str) -> str:
    """Return the name that the file takes among the sound ones: that of the sound file with its suffix, or its own."""
    suffix = Path(name).suffix
    return next((called for called in FORMATS[kind].files if Path(called).suffix == suffix), Path(name).name)


@pytest.mark.parametrize("case", CASES, ids=[c["file"] for c in CASES])
def test_cause_and_line(case: dict[str, Any], tmp_path: Path) -> None:
    kind = kind_of(case["file"])
    name = name_in(kind, case["file"])
    folder_with(tmp_path, kind, name, (HERE / case["file"]).read_bytes())
    if not case["cause"]:
        with limited_time():
            assert FORMATS[kind].read(tmp_path) is not None
        return
    with limited_time(), pytest.raises(FloorplanError) as caught:
        FORMATS[kind].read(tmp_path)
    error = caught.value
    assert type(error).__name__ == case.get("error", "ParseError"), str(error)
    assert case["cause"] in str(error)
    assert "\n" not in str(error)
    assert error.path == tmp_path / name  # type: ignore[attr-defined]  # every error about a file names it
    if isinstance(error, ParseError):
        assert error.line == case["line"], str(error)


@pytest.mark.parametrize("kind", [k for k in FORMATS if FORMATS[k].files])
def test_the_files_that_the_others_were_made_from_are_sound(kind: str, tmp_path: Path) -> None:
    name, path = list(FORMATS[kind].files.items())[-1]
    folder_with(tmp_path, kind, name, path.read_bytes())
    assert FORMATS[kind].read(tmp_path) is not None


def test_the_manifest_names_every_file_once() -> None:
    names = Counter(c["file"] for c in CASES)
    assert [n for n, count in names.items() if count > 1] == []
    files = {p.relative_to(HERE).as_posix() for p in HERE.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    assert {f for f in files if not Path(f).name.startswith("valid.")} - OWN == set(names)
    assert len(names) >= 60
    assert {kind_of(n) for n in names} == set(FORMATS)
