"""Bookshelf written and read back: the same placement, the same nodes, and what the files say of their units."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.errors import NetlistError, ProblemError
from floorplan.formats.bookshelf.writer import write_bookshelf, write_pl
from floorplan.formats.design import Design
from floorplan.formats.read import read_design
from floorplan.geometry import oriented_size_um
from floorplan.netlist import Canvas, NetlistBuilder, NodeKind, Placement, Problem
from tests.formats.made_designs import clustered_design, constrained_design, flat_design, same_placement


@pytest.mark.parametrize("make", [clustered_design, constrained_design, flat_design])
def test_a_placement_comes_back_with_its_flips(tmp_path: Path, make: Callable[[], Design]) -> None:
    design = make()
    write_bookshelf(tmp_path / "d.aux", design)
    back = read_design(tmp_path / "d.aux")
    a, b = design.problem, back.problem
    assert same_placement(a.initial, b.initial, 1e-9 / design.units_per_um + 1e-12)
    assert b.netlist.node_name == a.netlist.node_name
    assert b.netlist.node_w_um == pytest.approx(a.netlist.node_w_um, rel=3e-16)
    assert b.netlist.node_h_um == pytest.approx(a.netlist.node_h_um, rel=3e-16)
    assert b.fixed.tolist() == a.fixed.tolist()
    assert (b.canvas.width_um, b.canvas.height_um) == pytest.approx((a.canvas.width_um, a.canvas.height_um))
    assert back.units_per_um == design.units_per_um
    assert back.origin_um == pytest.approx(design.origin_um)
    assert [len(n) for n in np.split(b.netlist.net_pin, b.netlist.net_ptr)] == [
        len(n) for n in np.split(a.netlist.net_pin, a.netlist.net_ptr)
    ]
    assert b.netlist.net_weight.tolist() == a.netlist.net_weight.tolist()


def test_a_design_of_whole_units_comes_back_to_the_last_bit_with_its_hash(tmp_path: Path) -> None:
    design = flat_design()
    write_bookshelf(tmp_path / "d.aux", design)
    back = read_design(tmp_path / "d.aux")
    assert same_placement(design.problem.initial, back.problem.initial)
    assert back.problem.netlist.content_hash == design.problem.netlist.content_hash
    assert back.problem.canvas == design.problem.canvas
    assert back.site_um == design.site_um
    files = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    write_bookshelf(tmp_path / "d.aux", back)
    assert files == {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    assert set(files) == {"d.aux", "d.nodes", "d.nets", "d.pl", "d.scl", "d.wts"}


def test_files_are_compressed_as_the_aux_is(tmp_path: Path) -> None:
    design = flat_design()
    write_bookshelf(tmp_path / "d.aux.gz", design)
    assert {p.name for p in tmp_path.iterdir()} == {f"d.{k}.gz" for k in ("aux", "nodes", "nets", "pl", "scl", "wts")}
    assert read_design(tmp_path / "d.aux.gz").problem.netlist.content_hash == design.problem.netlist.content_hash


def test_whole_units_move_a_corner_by_half_a_unit_at_most_and_say_so(tmp_path: Path) -> None:
    design = clustered_design()
    write_bookshelf(tmp_path / "d.aux", design, units_per_um=10.0, whole_units=True)
    assert "# 10.0 units to the micron, sizes and corners rounded to whole ones" in (tmp_path / "d.pl").read_text()
    for name in ("d.nodes", "d.pl"):
        entries = [line for line in (tmp_path / name).read_text().splitlines()[4:] if not line.startswith("Num")]
        assert not [line for line in entries if "." in line.replace("[", "")]
    back = read_design(tmp_path / "d.aux").problem
    for at, size, its, its_size in (
        (design.problem.initial.x_um, design.problem.netlist.node_w_um, back.initial.x_um, back.netlist.node_w_um),
        (design.problem.initial.y_um, design.problem.netlist.node_h_um, back.initial.y_um, back.netlist.node_h_um),
    ):
        assert np.abs((at - size / 2) - (its - its_size / 2)).max() <= 0.05 + 0.05 / 2 + 1e-9  # a port's half unit
    assert back.initial.orient.tolist() == design.problem.initial.orient.tolist()


@settings(max_examples=8, deadline=None)
@given(st.data())
def test_positions_of_nine_digits_come_back(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    design = clustered_design()
    value = st.floats(-1e4, 1e4)
    place = design.problem.initial.replace(
        data.draw(st.lists(value, min_size=5, max_size=5)),
        data.draw(st.lists(value, min_size=5, max_size=5)),
        data.draw(st.lists(st.integers(0, 7), min_size=5, max_size=5)),
        [1, 1, 1, data.draw(st.integers(0, 1)), 1],
    )
    design = design.replace(problem=design.problem.replace(initial=place))
    path = tmp_path_factory.getbasetemp() / "p.aux"
    write_bookshelf(path, design)
    assert same_placement(read_design(path).problem.initial, place, 1e-9)


def test_a_pl_alone_is_put_on_the_design_it_came_from(tmp_path: Path) -> None:
    design = constrained_design()
    moved = design.problem.initial.replace(
        x_um=[0.0, 33.3, 70.0, 10.0, 100.0], orient=[0, 3, design.problem.initial.orient[2], 0, 0]
    )
    write_bookshelf(tmp_path / "d.aux", design)
    write_pl(tmp_path / "moved.pl", design, moved)
    back = read_design(tmp_path / "d.aux", tmp_path / "moved.pl")
    assert same_placement(back.problem.initial, moved, 1e-9)
    with pytest.raises(ProblemError, match="has 1 nodes, the netlist 5"):
        write_pl(tmp_path / "moved.pl", design, Placement.empty(1))


def test_offsets_of_a_macro_that_meets_itself_keep_their_pins(tmp_path: Path) -> None:
    # net 1 of the flat design goes from m/1 to a cell and back to m/0, which has the lower number
    design = flat_design()
    write_bookshelf(tmp_path / "d.aux", design)
    back = read_design(tmp_path / "d.aux").problem.netlist
    assert back.pin_dx_um.tolist() == design.problem.netlist.pin_dx_um.tolist()
    assert back.net_pin.tolist() == design.problem.netlist.net_pin.tolist()


def test_offsets_and_sizes_come_back_to_the_last_bit_or_the_one_beside_it(tmp_path: Path) -> None:
    b = NetlistBuilder("digits")
    for k, value in enumerate((1 / 3, 5.68434e-16, 2.0**0.5, 1e5 / 7, 0.1)):
        b.add_macro(f"m{k}", 10.0 + value, 20.0 + value)
        b.add_pin(f"m{k}/0", f"m{k}", value, -value)
        b.add_pin(f"m{k}/1", f"m{k}")
    for k in range(5):
        b.add_net(f"m{k}/0", [f"m{(k + 1) % 5}/1"])
    netlist = b.build()
    design = Design(Problem(netlist, Canvas(9e4, 9e4, 9, 9, 1.0, 1.0), Placement.empty(5)), "protobuf", ())
    for units in (1000.0, 7.0):
        write_bookshelf(tmp_path / "d.aux", design, units_per_um=units)
        first = read_design(tmp_path / "d.aux")
        assert first.problem.netlist.node_w_um == pytest.approx(netlist.node_w_um, rel=3e-16)
        assert np.sort(first.problem.netlist.pin_dx_um) == pytest.approx(np.sort(netlist.pin_dx_um), rel=3e-16)
        # what was read once is some number of units, and comes back as it is
        write_bookshelf(tmp_path / "d.aux", first)
        again = read_design(tmp_path / "d.aux").problem.netlist
        assert again.content_hash == first.problem.netlist.content_hash


def test_ports_on_half_units_are_pads_of_one_unit(tmp_path: Path) -> None:
    design = flat_design()
    write_bookshelf(tmp_path / "d.aux", design)
    assert "p 1 1 terminal\n" in (tmp_path / "d.nodes").read_text()
    assert "p 10 70 : N\n" in (tmp_path / "d.pl").read_text()  # centre (0.5, 50.5) + origin (10, 20) - half a unit


def test_a_turned_macro_stands_on_its_turned_corner(tmp_path: Path) -> None:
    design = flat_design()
    w, h = oriented_size_um(np.array([40.0]), np.array([30.0]), np.array([4], np.uint8))
    assert (w[0], h[0]) == (30.0, 40.0)
    write_pl(tmp_path / "d.pl", design)
    assert "m 55 35 : E /FIXED\n" in (tmp_path / "d.pl").read_text()


def test_macros_are_told_from_cells_by_the_height_of_the_rows(tmp_path: Path) -> None:
    b = NetlistBuilder("heights")
    b.add_macro("low", 9.0, 3.0)
    b.add_macro("high", 3.0, 9.0)
    b.add_cell("c", 1.0, 2.0)
    canvas = Canvas(30.0, 27.5, 10, 10, 1.0, 1.0)
    design = Design(Problem(b.build(), canvas, Placement.empty(3)), "protobuf", ())
    write_bookshelf(tmp_path / "d.aux", design)
    back = read_design(tmp_path / "d.aux").problem
    assert back.netlist.node_kind.tolist() == [NodeKind.HARD, NodeKind.HARD, NodeKind.CELL]
    assert (back.canvas.width_um, back.canvas.height_um) == (30.0, 27.5)
    assert not back.initial.placed.any()


@pytest.mark.parametrize("name", ["NumNodes", "numb", "UCLA", "terminal", "End", "$abc$1\\[0]", "RowBasedPlacement"])
def test_other_words_of_the_format_may_be_names(tmp_path: Path, name: str) -> None:
    b = NetlistBuilder("names")
    b.add_macro(name, 10.0, 20.0)
    b.add_pin("x", name, 1.0)
    b.add_port("p")
    b.add_net("p", ["x"])
    place = Placement([5.0, 0.0], [10.0, 3.0], [2, 0], [1, 1])
    design = Design(Problem(b.build(), Canvas(90.0, 90.0, 9, 9, 1.0, 1.0), place), "protobuf", ())
    write_bookshelf(tmp_path / "d.aux", design)
    back = read_design(tmp_path / "d.aux").problem
    assert back.netlist.node_name == (name, "p")
    assert same_placement(back.initial, place, 1e-9)
    assert back.netlist.num_nets == 1


@pytest.mark.parametrize("name", ["a b", "a#b", "a:b", "NetDegree", "NetDegree5", "tab\tbed", "nb\u00a0sp"])
def test_names_that_cannot_be_said_are_refused(tmp_path: Path, name: str) -> None:
    b = NetlistBuilder("names")
    b.add_macro(name, 1.0, 1.0)
    design = Design(Problem(b.build(), Canvas(9.0, 9.0, 9, 9, 1.0, 1.0), Placement.empty(1)), "protobuf", ())
    with pytest.raises(NetlistError, match="cannot be a node's name"):
        write_bookshelf(tmp_path / "d.aux", design)
    assert not list(tmp_path.iterdir())


def test_units_must_be_positive(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="units_per_um must be positive"):
        write_bookshelf(tmp_path / "d.aux", flat_design(), units_per_um=-1.0)
