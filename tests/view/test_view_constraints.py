"""Constraints of a file hold in the viewer as they do everywhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from floorplan.cli.convert import Convert
from floorplan.formats.read import read_design
from floorplan.view.source import open_path

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "your-design"
NETS = ("cells.lef", "rams.lef", "core.def")


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's design in one file, which knows the manufacturing grid of its LEF."""
    out = tmp_path_factory.mktemp("core") / "core.json"
    assert Convert(files=(*(EXAMPLE / name for name in NETS), out)).run() == 0
    return out


def test_a_grid_that_the_design_defines_is_known(core: Path) -> None:
    opened = open_path(core, constraints=EXAMPLE / "rules.toml")
    assert opened.problem.snap is not None
    assert read_design(core).problem.snap is None


def test_a_placement_is_held_to_them_too(core: Path, tmp_path: Path) -> None:
    placed = tmp_path / "core.plc"
    assert Convert(files=(core, placed)).run() == 0
    opened = open_path(placed, netlist=core, constraints=EXAMPLE / "rules.toml")
    assert opened.problem.snap is not None
    assert opened.frames[0].placement is not None
