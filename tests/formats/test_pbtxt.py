"""Netlists: what the format says is what is read, in every layout, and writing gives it back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.errors import NetlistError, ParseError, ProblemError
from floorplan.files import read_bytes_maybe_compressed
from floorplan.formats import read_netlist, write_netlist
from floorplan.formats.pbtxt.scanner import decode, scan
from floorplan.formats.pbtxt.writer import netlist_text
from floorplan.geometry import Orient
from floorplan.netlist import Netlist, NetlistBuilder, NodeKind, Placement, Side

VALID = Path(__file__).resolve().parents[1] / "malformed" / "valid.pb.txt"


def same(a: tuple[Netlist, Placement], b: tuple[Netlist, Placement]) -> bool:
    for name in ("node_side", "node_index", "pin_index"):
        np.testing.assert_array_equal(getattr(a[0], name), getattr(b[0], name))
    for name in ("x_um", "y_um", "orient", "placed"):
        np.testing.assert_array_equal(getattr(a[1], name), getattr(b[1], name))
    return a[0].content_hash == b[0].content_hash and a[0].metadata == b[0].metadata


def read_text(folder: Path, text: str) -> tuple[Netlist, Placement]:
    path = folder / "n.pb.txt"
    path.write_text(text, newline="")
    return read_netlist(path)


def test_valid_file_says_what_its_text_says() -> None:
    nl, pl = read_netlist(VALID)
    assert nl.name == "valid"
    assert nl.node_name == ("P0", "M0", "Grp_0", "S0")
    assert nl.node_kind.tolist() == [NodeKind.PORT, NodeKind.HARD, NodeKind.SOFT, NodeKind.CELL]
    assert nl.node_side.tolist() == [Side.LEFT, 0, 0, 0]
    assert nl.node_w_um.tolist() == [0.0, 4.0, 1.0, 0.5]
    assert nl.node_h_um.tolist() == [0.0, 2.0, 1.0, 0.5]
    assert nl.node_index.tolist() == [0, 1, 4, 6]
    assert nl.pin_name == ("P0", "M0/a", "M0/z", "Grp_0/i", "S0")
    assert nl.pin_index.tolist() == [0, 2, 3, 5, 6]
    assert nl.pin_dx_um.tolist() == [0.0, -2.0, 2.0, 0.0, 0.0]
    assert nl.pin_dy_um.tolist() == [0.0, 0.0, 0.5, 0.0, 0.0]
    assert nl.net_ptr.tolist() == [0, 2, 5, 7]
    assert nl.net_pin.tolist() == [0, 1, 2, 3, 4, 4, 0]
    assert nl.net_weight.tolist() == [1.0, 3.0, 1.0]
    assert pl.placed.tolist() == [True, True, False, False]
    assert (pl.x_um[1], pl.y_um[1]) == (5.0, 5.0)


def test_layouts_of_one_netlist_read_alike(tmp_path: Path) -> None:
    text = VALID.read_text()
    want = read_netlist(VALID)
    one_line = " ".join(line for line in text.splitlines() if not line.startswith("#"))
    variants = {
        "one line": one_line,
        "no spaces": one_line.replace(" ", ""),
        "CRLF": text.replace("\n", "\r\n"),
        "byte order mark": "\ufeff" + text,
        "comments": text.replace("\n", '  # a comment with " and { and \\\n'),
        "colons before braces": text.replace("attr {", "attr: {").replace("node {", "node: {"),
        "angle brackets": text.replace("value {", "value <").replace("} }", "> }"),
        "separators": text.replace("} }\n", "}; },\n").replace('"P0"\n', '"P0",\n'),
        "single quotes": text.replace('"M0/z"', "'M0/z'"),
        "neighbouring strings": text.replace('"M0/z"', '"M0" "/z"'),
        "escapes": text.replace('"M0/z"', '"\\x4d\\060\\57z"'),
        "s: and i:": text.replace('placeholder: "macro"', 's: "MACRO"').replace("f: 4.0", "i: 4").replace("2.0", "2.f"),
        "value before key": text.replace(
            'attr { key: "width" value { f: 4.0 } }', 'attr { value { f: 4e0 } key: "width" }'
        ),
        "empty op": text.replace('name: "S0"', 'name: "S0" op: "" device: ""'),
        "canonical": netlist_text(*want),
        "canonical without last line end": netlist_text(*want).rstrip(),
    }
    for name, variant in variants.items():
        assert variant != text, name
        assert same(read_text(tmp_path, variant), want), name


def test_attribute_order_case_and_duplicate_sinks(tmp_path: Path) -> None:
    text = """
node { attr { key: "y" value { f: 1 } } attr { key: "x" value { f: 2 } } name: "p"
  attr { key: "type" value { s: "PoRt" } }
  input: "q" input: "q" input: "p" attr { key: "weight" value { i: 0x10 } }
  attr { key: "note" value { b: true } } }
node { name: "__metadata__" attr { key: "ratio" value { f: 2.5 } } attr { key: "by" value { s: "me" } } }
node { name: "q" attr { key: "type" value { placeholder: "port" } } attr { key: "side" value { s: "Top" } } }
"""
    nl, pl = read_text(tmp_path, text)
    assert nl.net_pin.tolist() == [0, 1, 1, 0]
    assert nl.net_weight.tolist() == [16.0]
    assert nl.node_index.tolist() == [0, 1]
    assert nl.node_side.tolist() == [Side.NONE, Side.TOP]
    assert nl.metadata == (("ratio", 2.5), ("by", "me"))
    assert (pl.x_um[0], pl.y_um[0], pl.placed.tolist()) == (2.0, 1.0, [True, False])


def test_canonical_layout_takes_the_fast_path_and_no_other_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tokenizer must not be needed for what the writer writes, else large files get slow without notice."""
    text = netlist_text(*read_netlist(VALID))

    def refuse(*args: object) -> None:
        raise AssertionError("the tokenizer was used")

    monkeypatch.setattr("floorplan.formats.pbtxt.scanner.parse_nodes", refuse)
    assert len(scan(Path("x"), text).nodes) == 7
    for changed in (text.replace("M0/z", "M0\nz", 1), text.replace("f: 4.0", "f: 4_0"), text.replace("4.0", "nan")):
        assert changed != text
        with pytest.raises(AssertionError, match="tokenizer was used"):
            scan(Path("x"), changed)


def test_a_string_cannot_span_lines(tmp_path: Path) -> None:
    text = netlist_text(*read_netlist(VALID)).replace("LEFT", "LE\nFT")
    with pytest.raises(ParseError, match="string does not end"):
        read_text(tmp_path, text)


@pytest.mark.parametrize("suffix", [".pb.txt", ".pb.txt.gz", ".pb.txt.xz"])
def test_compression_by_suffix(tmp_path: Path, suffix: str) -> None:
    want = read_netlist(VALID)
    path = tmp_path / f"n{suffix}"
    write_netlist(path, *want)
    first = path.read_bytes()
    assert first.startswith({"t": b"node", "z": b"\x1f\x8b" if suffix.endswith("gz") else b"\xfd7zXZ"}[suffix[-1]])
    assert same(read_netlist(path), want)
    write_netlist(path, *want)
    assert path.read_bytes() == first
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_file_called_netlist_is_named_by_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "chip"
    folder.mkdir()
    write_netlist(folder / "netlist.pb.txt.xz", *read_netlist(VALID))
    assert read_netlist(folder / "netlist.pb.txt.xz")[0].name == "chip"


def test_what_the_format_cannot_say_is_refused(tmp_path: Path) -> None:
    hard = NetlistBuilder("n")
    hard.add_macro("Grp_hard", 1.0, 1.0)
    soft = NetlistBuilder("n")
    soft.add_macro("cluster", 1.0, 1.0, soft=True)
    lonely = NetlistBuilder("n")
    lonely.add_port("p")
    lonely.add_net("p", [])
    odd = NetlistBuilder("n")
    odd.add_port("__metadata__")
    twice = NetlistBuilder("n")
    for name in ("p", "q", "r"):
        twice.add_port(name)
    twice.add_net("p", ["q"])
    twice.add_net("p", ["r"])
    cases = (
        (hard, "hard macro"),
        (soft, "soft macro"),
        (lonely, "has no sink"),
        (odd, "cannot hold"),
        (twice, "'p' is the source of two nets"),
    )
    for builder, cause in cases:
        with pytest.raises(NetlistError, match=cause):
            write_netlist(tmp_path / "n.pb.txt", builder.build())
    with pytest.raises(ProblemError, match="2 nodes"):
        write_netlist(tmp_path / "n.pb.txt", soft.build(), Placement.empty(2))
    assert not list(tmp_path.iterdir())


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), min_size=1, max_size=6)
sizes = st.floats(1e-6, 1e6)
places = st.floats(-1e9, 1e9)


@st.composite
def netlists(draw: st.DrawFn) -> tuple[Netlist, Placement]:
    builder = NetlistBuilder("n")
    builder.metadata = draw(
        st.lists(st.tuples(names, st.one_of(places, names)), max_size=2, unique_by=lambda kv: kv[0])
    )
    pins: list[str] = []
    for i, kind in enumerate(draw(st.lists(st.sampled_from(list(NodeKind)), min_size=1, max_size=6))):
        name = f"{'Grp' if kind == NodeKind.SOFT else 'n'}{i}{draw(names)}"
        if kind in (NodeKind.HARD, NodeKind.SOFT):
            builder.add_macro(name, draw(sizes), draw(sizes), soft=kind == NodeKind.SOFT)
            for k in range(draw(st.integers(0, 3))):
                pins.append(f"{name}/{k}")
                builder.add_pin(pins[-1], name, draw(places), draw(places))
        elif kind == NodeKind.PORT:
            builder.add_port(name, draw(st.sampled_from(list(Side))))
            pins.append(name)
        else:
            builder.add_cell(name, draw(sizes), draw(sizes))
            pins.append(name)
    for pin in pins:
        if draw(st.booleans()):
            sinks = draw(st.lists(st.sampled_from(pins), min_size=1, max_size=4))
            builder.add_net(pin, sinks, draw(st.sampled_from([1.0, 2.0, 0.3])))
    netlist = builder.build()
    n = netlist.num_nodes
    placed = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    xy = np.array(draw(st.lists(places, min_size=2 * n, max_size=2 * n))).reshape(2, n) * placed
    orient = np.array(draw(st.lists(st.sampled_from(list(Orient)), min_size=n, max_size=n)), np.uint8)
    orient[netlist.ports] = 0
    return netlist, Placement(xy[0], xy[1], orient, placed)


@settings(max_examples=100, deadline=None)
@given(case=netlists())
def test_read_of_write_is_the_same(tmp_path_factory: pytest.TempPathFactory, case: tuple[Netlist, Placement]) -> None:
    path = tmp_path_factory.getbasetemp() / "any.pb.txt"
    write_netlist(path, *case)
    assert same(read_netlist(path), case)


DESIGNS = [
    "ct/ASAP7_ariane133",
    "ct/ASAP7_ariane136",
    "ct/ASAP7_mempool_tile",
    "ct/NanGate45_ariane133",
    "ct/NanGate45_nvdla",
    "ct/SKY130HD_ariane133",
]


@pytest.mark.parametrize("design", DESIGNS)
def test_real_netlists_are_written_byte_for_byte(benchmarks: Path, design: str) -> None:
    path = benchmarks / design / "netlist.pb.txt.xz"
    assert netlist_text(*read_netlist(path)).encode() == read_bytes_maybe_compressed(path)


def test_counts_of_a_real_netlist(benchmarks: Path) -> None:
    """The counts that the header of its own .plc prints, and the weighted nets that its publishers name."""
    nl, pl = read_netlist(benchmarks / "ct/NanGate45_ariane133/netlist.pb.txt.xz")
    assert (len(nl.hard), len(nl.soft), len(nl.ports)) == (133, 782, 495)
    assert nl.num_pins == 7847 + 10630 + 495
    assert nl.net_weight.sum() == 22584
    assert pl.placed.all()
    assert nl.metadata == (("soft_macro_area_bloating_ratio", 2.0),)


def test_small_circuit_training_designs_round_trip(benchmarks: Path, tmp_path: Path) -> None:
    found = sorted((benchmarks / "ct_testdata").glob("*/**/*.pb.txt*"))
    incomplete = "ariane_test.pb.txt.xz"  # pins without their macros, for circuit_training's grouper only
    assert len(found) >= 10
    for path in found:
        if path.name == incomplete:
            with pytest.raises(ParseError, match="is not a macro"):
                read_netlist(path)
            continue
        want = read_netlist(path)
        write_netlist(tmp_path / "n.pb.txt", *want)
        assert same(read_netlist(tmp_path / "n.pb.txt"), want), path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "hard", "cells", "ports", "nets"),
    [
        ("ct/NanGate45_ariane133/flat.pb.txt.xz", 133, 88411, 495, 90986),
        ("ct/ASAP7_mempool_tile/flat.pb.txt.xz", 20, 123202, 1272, 125198),
        ("ct_ariane_lefdef/ct_ariane_flat.pb.txt.xz", 133, 82821, 1231, 85193),
    ],
)
def test_flat_netlists_round_trip(
    benchmarks: Path, tmp_path: Path, file: str, hard: int, cells: int, ports: int, nets: int
) -> None:
    want = read_netlist(benchmarks / file)
    nl = want[0]
    assert (len(nl.hard), len(nl.soft), len(nl.ports), nl.num_nets) == (hard, cells, ports, nets)
    write_netlist(tmp_path / "n.pb.txt", *want)
    assert same(read_netlist(tmp_path / "n.pb.txt"), want)


def test_decode_keeps_line_numbers() -> None:
    with pytest.raises(ParseError) as caught:
        decode(Path("x"), b"a\r\nb\r\nc\xff")
    assert caught.value.line == 3
