"""Clustering as a whole: on a made design through the command, and on public ones."""

from __future__ import annotations

import json
import lzma
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from floorplan.cli.main import main
from floorplan.cluster import Clustering, ClusterOptions, cluster, read_start
from floorplan.cost import CostEngine, CostOptions
from floorplan.errors import ParseError, ProblemError
from floorplan.formats import read_bookshelf, read_netlist, read_plc, read_problem, write_netlist, write_plc
from floorplan.netlist import Canvas, NetlistBuilder, NodeKind, Placement, Problem, Side, check_legality

CELLS = 600


def flat_problem() -> Problem:
    """A row-major sheet of 20 x 30 cells, each driving its right and upper neighbours; two macros, two ports."""
    b = NetlistBuilder("sheet")
    b.add_port("in", Side.LEFT)
    b.add_port("out", Side.RIGHT)
    for m in ("m0", "m1"):
        b.add_macro(m, 8.0, 6.0)
        b.add_pin(f"{m}/i", m, -3.0, 1.0)
        b.add_pin(f"{m}/o", m, 3.0, -1.0)
    for i in range(CELLS):
        b.add_cell(f"c{i}", 0.5 + 0.1 * (i % 5), 1.0)
    b.add_net("in", ["c0", "m0/i"])
    b.add_net("m0/o", ["c5"])
    b.add_net("m1/o", ["c400", "c401"])
    for i in range(CELLS - 1):
        sinks = [f"c{j}" for j in (i + 1, i + 20) if j < CELLS] + (["m1/i"] if i == 7 else ["out"] if i == 590 else [])
        b.add_net(f"c{i}", sinks)
    x = np.concatenate([[0.2, 39.9, 4.0, 36.0], 1.0 + 2.0 * (np.arange(CELLS) % 20)])
    y = np.concatenate([[10.0, 12.0, 3.0, 27.0], 0.5 + np.arange(CELLS) // 20])
    n = CELLS + 4
    return Problem(
        b.build(),
        Canvas(40.0, 30.0, 20, 15, 40.0, 50.0, 10.0, 12.0, 1),
        Placement(x, y, np.zeros(n, np.uint8), np.ones(n, np.bool_)),
    )


@cache
def made_of_the_sheet() -> Clustering:
    """The sheet in about 24 groups, made once: a clustering takes most of a second, and no user changes it."""
    return cluster(flat_problem(), ClusterOptions(clusters=24))


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    problem = flat_problem()
    write_netlist(tmp_path / "flat.pb.txt", problem.netlist, problem.initial)
    write_plc(tmp_path / "flat.plc", problem, problem.initial)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *args: object) -> dict[str, Any]:
    assert main(["cluster", *map(str, args), "--json"]) == 0
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    return said


def test_every_cell_is_in_one_group_and_no_area_is_lost() -> None:
    flat = flat_problem()
    made = cluster(flat, ClusterOptions(clusters=24, bloat=1.25))
    soft = made.problem.netlist.soft
    assert (made.host >= 0).tolist() == (flat.netlist.node_kind == NodeKind.CELL).tolist()
    assert sorted(set(made.host[made.host >= 0].tolist())) == list(range(len(soft)))
    assert 20 <= len(soft) <= 40
    area = made.problem.netlist.node_w_um[soft] * made.problem.netlist.node_h_um[soft]
    flat_area = flat.netlist.node_w_um * flat.netlist.node_h_um
    assert area == pytest.approx(1.25 * np.bincount(made.host[4:], flat_area[4:]))
    assert made.problem.netlist.node_w_um[soft] == pytest.approx(flat.canvas.cell_w_um)


def test_groups_hold_what_the_nets_hold_together() -> None:
    flat = flat_problem()
    made = made_of_the_sheet()
    scattered = made.host.copy()
    scattered[4:] = np.random.default_rng(1).permutation(made.host[4:])

    def crossing(host: np.ndarray) -> int:
        nets = np.split(flat.netlist.pin_node[flat.netlist.net_pin], flat.netlist.net_ptr[1:-1])
        return sum(len(set(host[net].tolist())) > 1 or -1 in host[net] for net in nets)

    assert made.cut == crossing(made.host)
    assert made.cut < 0.7 * crossing(scattered)


def test_groups_start_at_the_mean_of_their_cells_and_ports_on_the_edge() -> None:
    flat = flat_problem()
    made = made_of_the_sheet()
    problem = made.problem
    mean = np.bincount(made.host[4:], flat.initial.x_um[4:]) / np.bincount(made.host[4:])
    assert problem.initial.x_um[problem.netlist.soft] == pytest.approx(mean)
    assert problem.initial.x_um[problem.netlist.ports].tolist() == [0.0, 40.0]
    assert problem.initial.y_um[problem.netlist.ports].tolist() == [10.0, 12.0]
    assert problem.initial.x_um[problem.netlist.hard].tolist() == [4.0, 36.0]
    assert check_legality(problem, problem.initial).legal


def test_another_seed_gives_other_groups_and_the_same_one_equal_ones() -> None:
    flat = flat_problem()
    host = [cluster(flat, ClusterOptions(clusters=24, seed=seed)).host.tolist() for seed in (1, 1, 2)]
    assert host[0] == host[1]
    assert host[0] != host[2]


def test_a_clustered_netlist_is_not_clustered_again() -> None:
    made = made_of_the_sheet()
    with pytest.raises(ProblemError, match="clustered already"):
        cluster(made.problem)


@pytest.mark.parametrize("wrong", [{"clusters": 0}, {"reach": 0.0}, {"small": 1.0}, {"bloat": 0.5}, {"seed": -1}])
def test_options_that_mean_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ProblemError):
        ClusterOptions(**wrong)


def test_the_command_writes_what_it_says(sheet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = sheet / "out" / "netlist.pb.txt.xz"
    said = run(capsys, sheet / "flat.pb.txt", "--grid-from", sheet / "flat.plc", "--clusters", 24, "--out", out)
    problem = read_problem(out)
    assert problem.netlist.content_hash == said["netlist_hash"]
    assert problem.canvas == flat_problem().canvas
    assert len(problem.netlist.soft) == said["soft_macros"]
    assert said["cells"] == CELLS
    groups = lzma.decompress((sheet / "out" / "groups.txt.xz").read_bytes()).decode().splitlines()
    assert [line.split("\t")[0] for line in groups] == [problem.netlist.node_name[i] for i in problem.netlist.soft]
    cells = [cell for line in groups for cell in line.split("\t")[1:]]
    assert sorted(cells) == sorted(f"c{i}" for i in range(CELLS))
    assert check_legality(problem, problem.initial).legal
    first = out.read_bytes()
    run(capsys, sheet / "flat.pb.txt", "--grid-from", sheet / "flat.plc", "--clusters", 24, "--out", out)
    assert out.read_bytes() == first


def test_a_grid_is_chosen_where_none_is_given(sheet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, sheet / "flat.pb.txt", "--clusters", 24, "--out", sheet / "c.pb.txt")
    assert said["placement"] == str(sheet / "initial.plc")
    assert 500 <= said["columns"] * said["rows"] <= 4096


def edit_plc(folder: Path, old: str, new: str) -> Path:
    text = (folder / "flat.plc").read_text()
    assert old in text
    (folder / "edited.plc").write_text(text.replace(old, new, 1))
    return folder / "edited.plc"


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        ("\n1 39.9 12.0 - 1", "", "places 1 ports, netlist 'flat' has 2"),
        ("\n1 39.9 12.0 - ", "\n1 19.9 12.0 - ", "port 'out' of 'flat' stands elsewhere"),
        ("\n1 39.9 12.0 - ", "\n1 39.9 twelve - ", "y is 'twelve'"),
        ("HARD_MACROs     :         2", "HARD_MACROs     :         3", "HARD_MACROs is 3"),
        ("Columns : 20", "Pillars : 20", "header has no 'Columns'"),
    ],
)
def test_a_placement_of_another_design_is_refused(sheet: Path, old: str, new: str, cause: str) -> None:
    netlist, placement = read_netlist(sheet / "flat.pb.txt")
    flat = Problem(netlist, Canvas.default_for(netlist), placement)
    with pytest.raises(ParseError, match=cause):
        read_start(edit_plc(sheet, old, new), flat)


def test_a_public_design_clusters_to_the_fields_order(benchmarks: Path, tmp_path: Path) -> None:
    folder = benchmarks / "iccad04" / "ibm01"
    flat = read_bookshelf(folder / "ibm01.aux.xz")
    start, groups = read_start(folder / "tilos_initial.plc.xz", flat)
    assert groups == 894
    made = cluster(start, ClusterOptions(clusters=groups))
    problem = made.problem
    write_netlist(tmp_path / "netlist.pb.txt.xz", problem.netlist, problem.initial)
    write_plc(tmp_path / "initial.plc.xz", problem, problem.initial)
    again = read_problem(tmp_path / "netlist.pb.txt.xz")
    assert again.netlist.content_hash == problem.netlist.content_hash
    assert read_plc(tmp_path / "initial.plc.xz", again.netlist).canvas == problem.canvas
    with lzma.open(folder / "tilos_shapes.json.xz") as f:
        shapes = json.load(f)
    hard = [m for m in shapes["macros"] if not m[0].startswith("Grp")]
    soft = [m for m in shapes["macros"] if m[0].startswith("Grp")]
    netlist = problem.netlist
    at = problem.initial
    mine = [(netlist.node_name[i], at.x_um[i], at.y_um[i]) for i in netlist.hard.tolist()]
    assert mine == [(m[0], pytest.approx(m[3], abs=1e-4), pytest.approx(m[4], abs=1e-4)) for m in hard]
    area = netlist.node_w_um[netlist.soft] * netlist.node_h_um[netlist.soft]
    assert area.sum() == pytest.approx(sum(m[1] * m[2] for m in soft), rel=1e-5)
    assert len(netlist.soft) == pytest.approx(len(soft), rel=0.1)
    assert netlist.num_nets == pytest.approx(shapes["num_nets_clustered"], rel=0.1)
    assert problem.canvas.columns == shapes["grid_cols"]
    # springs alone pull the groups together, which makes wires short: the field's placement has 0.0641
    cost = CostEngine(problem, CostOptions(square_soft=True)).full(problem.initial)
    assert 0.03 < cost.wirelength < 0.0641
    assert check_legality(problem, problem.initial).legal
