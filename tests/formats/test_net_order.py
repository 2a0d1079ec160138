"""Nets that protobuf text cannot say: kept by its metadata, and the same netlist again."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.errors import NetlistError, ParseError
from floorplan.formats.net_order import KEY, restored, writable
from floorplan.formats.pbtxt.reader import read_netlist
from floorplan.formats.pbtxt.writer import write_netlist
from floorplan.netlist import Netlist, NetlistBuilder
from tests.formats.made_designs import clustered_design, flat_design

HERE = Path("netlist.pb.txt")


def test_a_netlist_that_needs_no_help_stays_itself() -> None:
    netlist = clustered_design().problem.netlist
    assert writable(netlist) is netlist
    assert restored(netlist, HERE) is netlist


def test_nets_come_back_through_a_file_in_their_order(tmp_path: Path) -> None:
    netlist = flat_design().problem.netlist
    with pytest.raises(NetlistError, match="source of two nets"):
        write_netlist(tmp_path / "n.pb.txt", netlist)
    write_netlist(tmp_path / "n.pb.txt", writable(netlist))
    read, _ = read_netlist(tmp_path / "n.pb.txt")
    # what other tools see: one net a cell, of all that it drives and the greatest weight
    source = {read.pin_name[p]: e for e, p in enumerate(read.net_pin[read.net_ptr[:-1]].tolist())}
    assert list(source) == ["p", "m/1", "a", "b"]
    sinks = read.net_pin[read.net_ptr[source["a"]] + 1 : read.net_ptr[source["a"] + 1] if source["a"] < 3 else None]
    assert [read.pin_name[p] for p in sinks.tolist()] == ["b", "c", "p", "b", "c"]
    assert read.net_weight[source["a"]] == 2.5
    back = restored(read, tmp_path / "n.pb.txt")
    assert back.content_hash == netlist.content_hash
    assert back.metadata == netlist.metadata
    assert back.net_weight.tolist() == netlist.net_weight.tolist()


def made(nets: list[tuple[int, list[int], float]], cells: int) -> Netlist:
    b = NetlistBuilder("cells")
    for i in range(cells):
        b.add_cell(f"c{i}", 1.0, 1.0)
    pins = [[source, *sinks] for source, sinks, _ in nets]
    return dataclasses.replace(
        b.build(),
        net_ptr=np.cumsum([0] + [len(p) for p in pins]).astype(np.int32),
        net_pin=np.array([p for net in pins for p in net], np.int32),
        net_weight=np.array([w for _, _, w in nets], np.float64),
    )


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 5),
            st.lists(st.integers(0, 5), max_size=4),
            st.sampled_from([1.0, 0.5, 1 / 3]),
        ),
        max_size=8,
    )
)
def test_any_nets_come_back(tmp_path_factory: pytest.TempPathFactory, nets: list[tuple[int, list[int], float]]) -> None:
    netlist = made(nets, 6)
    path = tmp_path_factory.getbasetemp() / "nets.pb.txt"
    write_netlist(path, writable(netlist))
    assert restored(read_netlist(path)[0], path).content_hash == netlist.content_hash


def test_a_long_list_is_cut_into_entries_that_the_grammar_takes(tmp_path: Path) -> None:
    nets = [(i % 4000, [(i + 1) % 4000], 1.0) for i in range(16000)]
    netlist = made(nets, 4000)
    out = writable(netlist)
    lengths = [len(str(value)) for _, value in out.metadata]
    assert len(lengths) > 1
    assert max(lengths) <= 1 << 16
    write_netlist(tmp_path / "n.pb.txt", out)
    assert restored(read_netlist(tmp_path / "n.pb.txt")[0], HERE).content_hash == netlist.content_hash


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0:1 0:1 x", "'x' is no entry"),
        ("0:1:nan", "'0:1:nan' is no entry"),
        ("0:1:-1", "'0:1:-1' is no entry"),
        ("0:1:1e999", "'0:1:1e999' is no entry"),
        ("0:1:1:1", "'0:1:1:1' is no entry"),
        ("0:1", "does not say whose every connection is"),
        ("0 0", "does not say whose every connection is"),
        ("0:3", "entry '0:3' does not fit"),
        ("9", "entry '9' does not fit"),
        ("1 0:2", "entry '1' does not fit"),
        ("99:0:1 0", "entry '99:0:1' does not fit"),
    ],
)
def test_entries_that_do_not_fit_are_refused(text: str, said: str) -> None:
    netlist = dataclasses.replace(made([(0, [1, 2], 1.0)], 3), metadata=((f"{KEY}_0", text),))
    with pytest.raises(ParseError, match=said):
        restored(netlist, HERE)
