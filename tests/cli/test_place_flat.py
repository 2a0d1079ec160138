"""`floorplan place` on designs with standard cells: clustered on the way, and back in the design's own names."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from floorplan.cli import ready
from floorplan.cli.main import main
from floorplan.cli.ready import gridded, ready_to_place
from floorplan.cluster import choose_grid
from floorplan.formats.design import Design
from floorplan.formats.read import read_design
from floorplan.netlist import Canvas, NetlistBuilder, NodeKind, Placement, Problem, check_legality

CELLS = 240


def flat_problem() -> Problem:
    """A row-major sheet of 12 x 20 cells, each driving its right and upper neighbours; two macros, one fixed."""
    b = NetlistBuilder("sheet")
    b.add_port("in")
    for m in ("m0", "m1"):
        b.add_macro(m, 8.0, 6.0)
        b.add_pin(f"{m}/i", m, -3.0, 1.0)
        b.add_pin(f"{m}/o", m, 3.0, -1.0)
    for i in range(CELLS):
        b.add_cell(f"c{i}", 0.5 + 0.1 * (i % 5), 1.0)
    b.add_net("in", ["c0", "m0/i"])
    b.add_net("m0/o", ["c5"])
    b.add_net("m1/o", ["c200"])
    for i in range(CELLS - 1):
        b.add_net(f"c{i}", [f"c{j}" for j in (i + 1, i + 12) if j < CELLS] + (["m1/i"] if i == 7 else []))
    x = np.concatenate([[0.2, 30.0, 8.0], 1.0 + 2.0 * (np.arange(CELLS) % 12)])
    y = np.concatenate([[10.0, 3.0, 20.0], 0.5 + np.arange(CELLS) // 12])
    n = CELLS + 3
    placed = np.ones(n, np.bool_)
    return Problem(
        b.build(),
        Canvas(40.0, 30.0, 20, 15, 40.0, 50.0, 10.0, 12.0, 1),
        Placement(x, y, np.zeros(n, np.uint8), placed),
        np.arange(n) == 2,
    )


@pytest.fixture
def clusters_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready, "MOST_CELLS", 100)
    monkeypatch.setattr(ready, "_CLUSTERS", 12)


@pytest.mark.usefixtures("clusters_all")
def test_each_cell_goes_with_its_group_and_what_is_fixed_stays() -> None:
    flat = flat_problem()
    made = ready_to_place(Design(flat, "lefdef", ()))
    design, problem = made.design.problem, made.problem
    assert made.groups == len(problem.netlist.soft) < 60
    assert not (problem.netlist.node_kind == NodeKind.CELL).any()
    rng = np.random.default_rng(4)
    n = problem.netlist.num_nodes
    spot = problem.initial.replace(rng.uniform(5, 35, n), rng.uniform(5, 25, n), rng.choice([0, 4], n).astype(np.uint8))
    back = made.of_design(spot)
    assert made.host is not None
    for i, name in enumerate(design.netlist.node_name):
        j = problem.netlist.node_id[f"Grp_{made.host[i]}" if made.host[i] >= 0 else name]
        kept = name in ("in", "m1")
        assert back.x_um[i] == (design.initial.x_um[i] if kept else spot.x_um[j])
        assert back.orient[i] == (design.initial.orient[i] if kept else spot.orient[j])
    assert back.placed.all()


def test_few_cells_are_left_alone_and_a_grid_that_a_file_gives_too() -> None:
    flat = flat_problem()
    made = ready_to_place(Design(flat, "json", ()))
    assert made.host is None
    assert made.problem is flat
    assert made.of_design(flat.initial) is flat.initial
    canvas = gridded(Design(flat, "lefdef", ())).problem.canvas
    assert (canvas.columns, canvas.rows) == choose_grid(flat) != (20, 15)


@pytest.mark.usefixtures("clusters_all")
def test_the_command_places_the_macros_of_a_flat_design(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from floorplan.formats.write import write_design

    given, out = tmp_path / "flat.json", tmp_path / "placed.json"
    write_design(given, Design(flat_problem(), "json", ()))
    args = ["--agent", "random", "--budget", "2e", "--seed", "3", "--out", str(out), "--json", "--quiet"]
    assert main(["place", str(given), *args]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["clusters"] > 5
    done = read_design(out).problem
    assert done.netlist.content_hash == flat_problem().netlist.content_hash
    legality = check_legality(done, done.initial)
    assert legality.legal, legality.summary()
    assert (done.initial.x_um[1], done.initial.y_um[1]) != (30.0, 3.0)
    assert (done.initial.x_um[2], done.initial.y_um[2]) == (8.0, 20.0)
