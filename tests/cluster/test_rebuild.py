"""Given groups: the netlist of AlphaChip's grouper, on a design worked out by hand and on published ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from floorplan.cli.main import main
from floorplan.cluster import cluster_as_given, exact_width_um, read_groups
from floorplan.errors import ProblemError
from floorplan.files import read_bytes_maybe_compressed
from floorplan.formats import read_netlist, write_netlist
from floorplan.netlist import Canvas, Netlist, NetlistBuilder, Placement, Problem, Side


def nets_of(netlist: Netlist) -> list[tuple[list[str], float]]:
    ends = np.split(netlist.net_pin, netlist.net_ptr[1:-1])
    return [([netlist.pin_name[p] for p in e], w) for e, w in zip(ends, netlist.net_weight.tolist(), strict=True)]


def flat_problem(*, placed: bool = True) -> Problem:
    b = NetlistBuilder("flat")
    b.add_port("q", Side.TOP)
    b.add_cell("a", 1.0, 2.0)
    b.add_macro("m", 4.0, 4.0)
    b.add_pin("m/i", "m", -1.0, 0.5)
    b.add_pin("m/o", "m", 1.0, -0.5)
    for name in "bcde":
        b.add_cell(name, 1.0, 1.0)
    b.add_net("q", ["m/i", "b", "a", "b"])
    b.add_net("a", ["b", "c", "a"], 2.0)  # with 5: b is in the same group
    b.add_net("m/o", ["m/i", "e", "c", "d"])
    b.add_net("b", ["c"], 0.5)
    b.add_net("c", ["q", "a", "m/i"])
    b.add_net("d", ["c"])
    n = 7
    x = np.array([0.0, 1.0, 5.0, 4.0, 2.0, 6.0, 9.0])
    there = np.ones(n, np.bool_)
    if not placed:
        there[[1, 3, 4, 5, 6]] = False
    return Problem(
        b.build(), Canvas(10.0, 8.0, 4, 4, 1.0, 1.0), Placement(x, x / 2, np.zeros(n, np.uint8), there), np.zeros(n)
    )


GROUP = np.array([-1, 5, -1, 5, 9, 9, 0])


def test_pins_nets_and_sizes_are_in_the_groupers_order() -> None:
    made = cluster_as_given(flat_problem(), GROUP, 2.0)
    netlist = made.problem.netlist
    assert netlist.node_name == ("q", "m", "Grp_0", "Grp_5", "Grp_9")
    assert netlist.pin_name == (
        "q",
        "m/i",
        "m/o",
        "Grp_0/Pinput",
        "Grp_5/Poutput_single_0",
        "Grp_5/Pinput",
        "Grp_9/Poutput_multi_0",
        "Grp_9/Pinput",
    )
    assert nets_of(netlist) == [
        (["q", "Grp_5/Pinput", "m/i"], 1.0),
        (["m/o", "Grp_9/Pinput", "Grp_0/Pinput", "m/i"], 1.0),
        (["Grp_5/Poutput_single_0", "Grp_9/Pinput"], 2.5),
        (["Grp_9/Poutput_multi_0", "Grp_5/Pinput", "q", "m/i"], 1.0),
    ]
    assert netlist.node_w_um.tolist() == [0.0, 4.0, 2.5, 2.5, 2.5]
    # areas 1, 3 and 2, twice as much for the groups; shown to the digits of single precision
    assert netlist.node_h_um.tolist() == [0.0, 4.0, 0.8, 2.4, 1.6]
    assert made.cut == 5  # all but d's
    assert netlist.metadata == (("soft_macro_area_bloating_ratio", 2.0),)
    # a (area 2, x 1) and b (area 1, x 4)
    assert made.problem.initial.x_um.tolist() == [0.0, 5.0, 9.0, 2.0, 4.0]
    assert made.problem.initial.y_um.tolist() == [0.0, 2.5, 4.5, 1.0, 2.0]


def test_a_net_of_more_than_500_sinks_is_dropped() -> None:
    for sinks, nets in ((500, 1), (501, 0)):
        b = NetlistBuilder("clock")
        b.add_port("clk", Side.LEFT)
        for i in range(sinks):
            b.add_cell(f"c{i}", 1.0, 1.0)
        b.add_net("clk", [f"c{i}" for i in range(sinks)] + ["c0"])
        at = np.linspace(0.0, 10.0, sinks + 1)
        flat = Problem(b.build(), Canvas(10.0, 10.0, 4, 4, 1.0, 1.0), Placement(at, at, at * 0, at > -1))
        made = cluster_as_given(flat, np.concatenate([[-1], np.arange(sinks) % 3]))
        assert made.problem.netlist.num_nets == nets


def test_cells_without_positions_get_those_of_the_nets() -> None:
    made = cluster_as_given(flat_problem(placed=False), GROUP)
    assert not made.given
    soft = made.problem.netlist.soft
    assert made.problem.initial.placed.all()
    assert (made.problem.initial.x_um[soft] > 0).all()


def test_a_clustered_netlist_is_refused() -> None:
    made = cluster_as_given(flat_problem(), GROUP)
    with pytest.raises(ProblemError, match="clustered already"):
        cluster_as_given(made.problem, np.full(made.problem.netlist.num_nodes, -1))


def test_the_width_is_read_from_the_comment_that_has_all_its_digits(tmp_path: Path) -> None:
    canvas = Canvas(10.123, 10.0, 4, 4, 1.0, 1.0)
    for text, width in (
        ("# viewer_binary --canvas_width 10.1234567 --canvas_height 10.0\n", 10.1234567),
        ("# viewer_binary --canvas_width 11.1234567 --canvas_height 10.0\n", 10.123),
        ("# Width : 10.123  Height : 10.000\n", 10.123),
        ("--canvas_width 10.1234567 \n", 10.123),
    ):
        (tmp_path / "p.plc").write_text(text)
        assert exact_width_um(tmp_path / "p.plc", canvas) == width


def test_the_groupers_own_test_case(benchmarks: Path) -> None:
    """circuit_training: the two cells of `simple` as Grp_2, at (10, 60) and (30, 30), not bloated."""
    folder = benchmarks / "ct_testdata" / "grouping_cases"
    netlist, given = read_netlist(folder / "simple.pb.txt")
    cells = netlist.soft
    x, y, placed = given.x_um.copy(), given.y_um.copy(), given.placed.copy()
    x[cells], y[cells], placed[cells] = [10.0, 30.0], [60.0, 30.0], True
    placed[netlist.ports] = True
    group = np.full(netlist.num_nodes, -1)
    group[cells] = 2
    flat = Problem(netlist, Canvas.default_for(netlist), Placement(x, y, given.orient, placed))
    made = cluster_as_given(flat, group, 1.0)
    want, at = read_netlist(folder / "simple_grouped_soft_macro_not_bloated.pb.txt")
    assert made.problem.netlist.content_hash == want.content_hash
    assert made.problem.netlist.metadata == want.metadata
    soft = want.soft
    assert made.problem.initial.x_um[soft].tolist() == at.x_um[soft].tolist() == [20.0]
    assert made.problem.initial.y_um[soft].tolist() == at.y_um[soft].tolist() == [45.0]


@pytest.mark.slow
@pytest.mark.parametrize("design", ["NanGate45_ariane133", "ASAP7_mempool_tile"])
def test_published_designs_byte_for_byte(
    benchmarks: Path, tmp_path: Path, design: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = benchmarks / "ct" / design
    out = tmp_path / "netlist.pb.txt"
    given = ["--groups", folder / "groups.final.xz", "--grid-from", folder / "initial.plc.xz", "--out", out]
    assert main(["cluster", str(folder / "flat.pb.txt.xz"), *map(str, given), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert out.read_bytes() == read_bytes_maybe_compressed(folder / "netlist.pb.txt.xz")
    # the map that was written says the same as the numbers that were read
    flat, _ = read_netlist(folder / "flat.pb.txt.xz")
    numbers = read_groups(folder / "groups.final.xz", flat)
    assert (read_groups(said["groups"], flat) == numbers).all()


def test_the_command_takes_numbers_or_a_map(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flat = flat_problem()
    write_netlist(tmp_path / "flat.pb.txt", flat.netlist, flat.initial)
    numbers = np.full(int(flat.netlist.pin_index[-1]) + 1, -1)
    numbers[flat.netlist.node_index] = GROUP
    (tmp_path / "groups.final").write_text("".join(f"{k}\n" for k in numbers))
    (tmp_path / "groups.txt").write_text("Grp_5\ta\tb\nGrp_0\te\nGrp_9\tc\td\n")
    made = []
    for groups in ("groups.final", "groups.txt"):
        out = tmp_path / f"{groups}.pb.txt"
        named = ["--groups", tmp_path / groups, "--groups-out", tmp_path / "map", "--out", out]
        assert main(["cluster", str(tmp_path / "flat.pb.txt"), *map(str, named)]) == 0
        made.append(out.read_bytes())
        assert (tmp_path / "map").read_text() == "Grp_0\te\nGrp_5\ta\tb\nGrp_9\tc\td\n"
    assert made[0] == made[1]
    assert b"Grp_9/Poutput_multi_0" in made[0]
    capsys.readouterr()
    (tmp_path / "groups.txt").write_text("Grp_5\ta\n")
    assert main(["cluster", str(tmp_path / "flat.pb.txt"), *map(str, named)]) == 2
    assert "cell 'b' is in no group" in capsys.readouterr().err
