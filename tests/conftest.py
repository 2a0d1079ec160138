"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# As the commands do, and before torch is loaded: its idle threads then leave the cores to the kernels.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from floorplan.formats import write_netlist, write_plc
from floorplan.netlist import Canvas, NetlistBuilder, Placement, Problem, Side
from tests.warm_kernels import cold, warm_up


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile the shared kernels once, before several workers would; only where all tests run and none has before."""
    config = session.config
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not config.getoption("keyword")
    workers = config.getoption("numprocesses", default=None)  # none in a worker itself, nor without pytest-xdist
    if workers and workers > 1 and whole and not config.getoption("collectonly") and cold():
        warm_up()


@pytest.fixture(scope="session")
def benchmarks() -> Path:
    """Folder of public benchmarks, which the project does not ship; tests on it skip where it is absent."""
    given = os.environ.get("FLOORPLAN_BENCHMARKS")
    folder = Path(given) if given else Path(__file__).resolve().parents[2] / "shared" / "benchmarks"
    if not (folder / "ct").is_dir():
        pytest.skip(f"no public benchmarks at {folder}; set FLOORPLAN_BENCHMARKS to their folder")
    return folder


@pytest.fixture
def two_macros(tmp_path: Path) -> Path:
    """Folder with netlist.pb.txt and initial.plc of a problem to check by eye.

    Macros of 20 x 20 um at x = 30 and 70 on a canvas of 100 x 100 um, a port, a net of weight 1 and one of weight 3.
    `overlap.plc` beside them has the second macro at x = 45, 5 um into the first.
    """
    b = NetlistBuilder("two")
    b.add_port("in", Side.LEFT)
    b.add_macro("a", 20.0, 20.0)
    b.add_pin("a/i", "a")
    b.add_pin("a/o", "a")
    b.add_macro("b", 20.0, 20.0)
    b.add_pin("b/i", "b")
    b.add_net("in", ["a/i"])
    b.add_net("a/o", ["b/i"], 3.0)
    netlist = b.build()
    legal = Placement([0.0, 30.0, 70.0], [50.0, 50.0, 50.0], [0, 0, 0], [True, True, True])
    problem = Problem(netlist, Canvas(100.0, 100.0, 10, 10, 10.0, 10.0, 5.0, 5.0, 1), legal)
    write_netlist(tmp_path / "netlist.pb.txt", netlist)
    write_plc(tmp_path / "initial.plc", problem, legal)
    write_plc(tmp_path / "overlap.plc", problem, legal.replace(x_um=[0.0, 30.0, 45.0]))
    return tmp_path
