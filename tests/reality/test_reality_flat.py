from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from floorplan.errors import ParseError, ProblemError
from floorplan.formats import read_problem, write_netlist
from floorplan.netlist import Canvas, Netlist, NetlistBuilder, Placement, Problem
from floorplan.reality import RealityOptions, check_reality, place_flat, read_flat, read_groups

GROUPS = [-1, -1, -1, 7, 7, 7, 3, 7]
"""Of the flat netlist's nodes and pins in file order: port, macro, its pin, five cells."""


def clustered() -> Netlist:
    b = NetlistBuilder("clustered")
    b.add_port("in")
    b.add_macro("ram", 20.0, 10.0)
    b.add_pin("ram/d", "ram", 10.0, 5.0)
    b.add_macro("Grp_3", 8.0, 8.0, soft=True)
    b.add_pin("Grp_3/o", "Grp_3")
    b.add_macro("Grp_7", 8.0, 8.0, soft=True)
    b.add_pin("Grp_7/o", "Grp_7")
    b.add_net("in", ["Grp_7/o"])
    b.add_net("Grp_3/o", ["ram/d"])
    return b.build()


def flat_builder(*, ram: str = "ram", width: float = 20.0, port: str = "in") -> NetlistBuilder:
    b = NetlistBuilder("flat")
    b.add_port(port)
    b.add_macro(ram, width, 10.0)
    b.add_pin("ram/d", ram, 10.0, 5.0)
    for k in range(5):
        b.add_cell(f"c{k}", 1.0, 2.0)
    b.add_net(port, ["c0"])
    b.add_net("c0", ["c1", "c2"])
    b.add_net("c3", ["ram/d"])
    return b


def write(folder: Path, flat: NetlistBuilder, groups: list[object]) -> tuple[Path, Path]:
    write_netlist(folder / "flat.pb.txt", flat.build())
    (folder / "groups.final").write_text("".join(f"{g}\n" for g in groups))
    return folder / "flat.pb.txt", folder / "groups.final"


def problem() -> Problem:
    placement = Placement([0.0, 50, 30, 64], [50.0, 50, 30, 24], [0, 4, 0, 0], np.ones(4, bool))
    return Problem(clustered(), Canvas(100.0, 100.0, 10, 10, 10.0, 10.0), placement)


def test_cells_fill_their_soft_macro_and_macros_stand_where_they_stood(tmp_path: Path) -> None:
    given = problem()
    flat = read_flat(*write(tmp_path, flat_builder(), [*GROUPS]), given.netlist)
    assert [given.netlist.node_name[j] for j in flat.host] == ["in", "ram", "Grp_7", "Grp_7", "Grp_7", "Grp_3", "Grp_7"]
    got = place_flat(flat, given.netlist, given.initial)
    # Four cells on 8 x 8 um around (64, 24): two rows of two, the second backward. One cell alone: the centre.
    assert got.x_um.tolist() == [0, 50, 62, 66, 66, 30, 62]
    assert got.y_um.tolist() == [50, 50, 22, 22, 26, 30, 26]
    assert got.orient.tolist() == [0, 4, 0, 0, 0, 0, 0]


def test_flat_nets_are_measured_from_there(tmp_path: Path) -> None:
    given = problem()
    flat = read_flat(*write(tmp_path, flat_builder(), [*GROUPS]), given.netlist)
    got = check_reality(given, given.initial, flat).flat
    assert got is not None
    assert got.nets == 3
    # in (0, 50) to c0 (62, 22): 90. c0, c1 (66, 22), c2 (66, 26): 8. The macro is turned east, so that its pin (10, 5)
    # is at (50 + 5, 50 - 10): from c3 (30, 30) that is 25 + 10.
    assert got.steiner.rsmt_um == pytest.approx(90 + 8 + 35)
    # Between cells: column 0, row 5 to column 6, row 2: 90 um; within one cell nothing; (3, 3) to (5, 4): 30 um.
    assert got.routing.segments == 2
    assert got.routing.wirelength_um == pytest.approx(120)
    fine = check_reality(given, given.initial, flat, RealityOptions(grid_factor=2)).flat
    assert fine is not None
    # Cells of 5 um: (0, 10) to (12, 4); (12, 4), (13, 4), (13, 5); (6, 6) to (11, 8).
    assert fine.routing.wirelength_um == pytest.approx(5 * (18 + 2 + 7))


def _no_such_soft() -> list[object]:
    return [*GROUPS[:-1], 8]


@pytest.mark.parametrize(
    ("flat", "groups", "cause"),
    [
        (flat_builder(), _no_such_soft(), r"groups.final:8: .* no soft macro 'Grp_8'"),
        (flat_builder(), [*GROUPS[:-1], -1], r"groups.final:8: cell 'c4' is in no group"),
        (flat_builder(), GROUPS[:-1], r"holds 7 lines, .*flat.pb.txt 8 nodes and pins"),
        (flat_builder(), [*GROUPS, 7], r"holds 9 lines"),
        (flat_builder(), [*GROUPS[:4], "seven", *GROUPS[5:]], r"groups.final:5: 'seven' is no group number"),
        (flat_builder(), [*GROUPS[:4], -2, *GROUPS[5:]], r"groups.final:5: '-2'"),
        (flat_builder(), [*GROUPS[:4], "", *GROUPS[5:]], r"groups.final:5: ''"),
        (flat_builder(), [*GROUPS[:4], "9" * 30, *GROUPS[5:]], r"groups.final:5"),
        (flat_builder(ram="rom"), GROUPS, r"flat.pb.txt: the clustered netlist has no hard macro 'rom'"),
        (flat_builder(width=21.0), GROUPS, r"flat.pb.txt: hard macro 'ram' differs in size by 1 um"),
        (flat_builder(port="out"), GROUPS, r"flat.pb.txt: the clustered netlist has no port 'out'"),
    ],
)
def test_files_that_do_not_fit_are_named(
    tmp_path: Path, flat: NetlistBuilder, groups: list[object], cause: str
) -> None:
    with pytest.raises(ParseError, match=cause):
        read_flat(*write(tmp_path, flat, groups), clustered())


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParseError, match="no such file"):
        read_groups(tmp_path / "groups.final")


def test_a_flat_netlist_goes_with_its_own_clustering_only(tmp_path: Path) -> None:
    flat = read_flat(*write(tmp_path, flat_builder(), [*GROUPS]), clustered())
    b = NetlistBuilder("other")
    b.add_port("in")
    other = b.build()
    with pytest.raises(ProblemError, match="matched with netlist"):
        place_flat(flat, other, Placement([0.0], [0.0], [0], [True]))
    with pytest.raises(ProblemError, match="placement has 1 nodes, the netlist 4"):
        place_flat(flat, clustered(), Placement([0.0], [0.0], [0], [True]))


@pytest.mark.slow
def test_every_node_of_a_real_design_finds_its_place(benchmarks: Path) -> None:
    folder = benchmarks / "ct" / "NanGate45_ariane133"
    given = read_problem(folder / "netlist.pb.txt.xz", folder / "legalized.plc.xz")
    flat = read_flat(folder / "flat.pb.txt.xz", folder / "groups.final.xz", given.netlist)
    nl, p = given.netlist, given.initial
    got = place_flat(flat, nl, p)
    # all 782 soft macros get cells, each with its centre inside its soft macro, no two of one in one place
    assert set(nl.soft.tolist()) <= set(flat.host.tolist())
    assert (np.abs(got.x_um - p.x_um[flat.host]) <= nl.node_w_um[flat.host] / 2).all()
    assert (np.abs(got.y_um - p.y_um[flat.host]) <= nl.node_h_um[flat.host] / 2).all()
    assert len(np.unique(np.stack([flat.host, got.x_um, got.y_um]), axis=1).T) == flat.netlist.num_nodes
