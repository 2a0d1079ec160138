"""The quick way to read a netlist and the careful one agree on every text, and on which texts are no netlist."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.errors import FloorplanError
from floorplan.formats import read_netlist
from floorplan.formats.pbtxt.build import TYPES, build_netlist
from floorplan.formats.pbtxt.columns import Columns, read_columns
from floorplan.formats.pbtxt.reader import METADATA_NODE, SOFT_PREFIX, _Reader
from floorplan.formats.pbtxt.scanner import decode, scan
from floorplan.formats.pbtxt.writer import netlist_text
from floorplan.geometry import Orient
from floorplan.netlist import Netlist, Placement, Side

VALID = Path(__file__).resolve().parents[1] / "malformed" / "valid.pb.txt"
SIDES = [side.name for side in Side if side != Side.NONE]


def columns(data: bytes) -> Columns | None:
    return read_columns(data, TYPES, [o.name for o in Orient], SIDES, METADATA_NODE)


def quickly(data: bytes) -> tuple[Netlist, Placement] | None:
    found = columns(data)
    return None if found is None else build_netlist(found, "n", SOFT_PREFIX)


def carefully(data: bytes) -> tuple[Netlist, Placement] | FloorplanError:
    try:
        return _Reader(scan(Path("n"), decode(Path("n"), data)), "n").read()
    except FloorplanError as e:
        return e


def assert_same(quick: tuple[Netlist, Placement], careful: tuple[Netlist, Placement] | FloorplanError) -> None:
    assert not isinstance(careful, FloorplanError), careful
    assert quick[0].content_hash == careful[0].content_hash
    assert quick[0].metadata == careful[0].metadata
    for name in ("node_side", "node_index", "pin_index", "node_kind", "net_ptr"):
        a, b = getattr(quick[0], name), getattr(careful[0], name)
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    for name in ("x_um", "y_um", "orient", "placed"):
        np.testing.assert_array_equal(getattr(quick[1], name), getattr(careful[1], name))


@pytest.fixture(scope="module")
def canonical() -> bytes:
    """Types in large letters, whichever the writer takes."""
    text = netlist_text(*read_netlist(VALID)).encode()
    return text.replace(b'"macro"', b'"MACRO"').replace(b'"macro_pin"', b'"MACRO_PIN"')


def test_the_canonical_layout_is_read_quickly(canonical: bytes) -> None:
    found = columns(canonical)
    assert found is not None
    assert found.names == ["P0", "M0", "M0/a", "M0/z", "Grp_0", "Grp_0/i", "S0"]
    assert found.owners[1] == ["M0", "M0", "Grp_0"]
    quick = quickly(canonical)
    assert quick is not None
    assert_same(quick, carefully(canonical))


def test_comments_may_stand_at_the_top_and_nowhere_else(canonical: bytes) -> None:
    top = b"# User: somebody\n\n# Date: today\n" + canonical
    quick = quickly(top)
    assert quick is not None
    assert_same(quick, carefully(top))
    assert columns(canonical.replace(b"}\nnode {", b"}\n# here\nnode {", 1)) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"MACRO"', b'"macro"'),
        (b'"LEFT"', b'"left"'),
        (b"f: 4.0", b"f: 4"),
        (b"f: 4.0", b"f: 4e0"),
        (b"f: 4.0", b"f: .4E+1"),
        (b'name: "P0"', 'name: "P0é"'.encode()),
        (b'key: "orientation"', b'key: "ref_name"'),
        (b'"M0/z"', b'"M0\\057z\\\\["'),
    ],
)
def test_what_the_layout_leaves_open_is_still_quick(canonical: bytes, old: bytes, new: bytes) -> None:
    text = canonical.replace(old, new)
    if b"P0" in old:
        text = text.replace(b'input: "P0"', 'input: "P0é"'.encode())
    assert text != canonical
    quick = quickly(text)
    assert quick is not None
    assert_same(quick, carefully(text))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"MACRO"', b'"Macro"'),  # right, but seldom: the careful way
        (b'"width"', b'"wi\\144th"'),
        (b'"M0/z"', b'"M0\\"z"'),
        (b'"M0/z"', b'"M0\\q"'),
        (b'"M0/z"', b'"M0\\nz"'),
        (b"f: 4.0", b"f: +4.0"),
        (b"f: 4.0", b"f: 4_0"),
        (b"f: 4.0", b"f: nan"),
        (b"f: 4.0", b"f: 1e999"),
        (b"f: 4.0", b"f: -4.0"),
        (b"f: 4.0", b"f: "),
        (b"f: 4.0", b'placeholder: "4.0"'),
        (b'key: "width"', b'key: "height"'),
        (b'key: "x"', b'key: "x_"'),
        (b'"M0/z"', b'"M0/a"'),
        (b'"M0/z"', b'"M0\n/z"'),
        (b'input: "S0"', b'input: "M0"'),
        (b'"MACRO_PIN"', b'"MACRO_PIM"'),
        (b'"macro_name"', b'"macro_nama"'),
        (b"\n", b"\r\n"),
        (b"  attr {", b"\tattr {"),
        (b"node {", b"nose {"),
        (b"f: ", b"i: "),
    ],
)
def test_anything_else_is_left_to_the_careful_way(canonical: bytes, old: bytes, new: bytes) -> None:
    text = canonical.replace(old, new)
    assert text != canonical
    assert quickly(text) is None


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_both_ways_agree_on_damaged_text(data: st.DataObject) -> None:
    text = bytearray(netlist_text(*read_netlist(VALID)).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        size = data.draw(st.sampled_from([0, 1, 2, 8, 40]))
        piece = st.sampled_from(
            [b"", b'"', b"\n", b" ", b"1", b"e", b".", b"}", b"\\", b"\\\\", b"\xc3", b"\xc3\xa9", b"\0", b"_"]
        )
        other = st.integers(0, len(text) - 1).map(lambda k: bytes(text[k : k + 30]))
        text[at : at + size] = data.draw(st.one_of(piece, piece, other))
    quick = quickly(bytes(text))
    if quick is not None:
        assert_same(quick, carefully(bytes(text)))


def test_many_blocks_are_one_file(monkeypatch: pytest.MonkeyPatch, canonical: bytes) -> None:
    text = (
        b'node {\n  name: "__metadata__"\n  attr {\n    key: "a"\n    value {\n      f: 2.0\n    }\n  }\n}\n'
        + canonical
    )
    whole = quickly(text)
    assert whole is not None
    assert whole[0].metadata == (("a", 2.0),)
    for size in (1, 100, 700):
        monkeypatch.setattr("floorplan.formats.pbtxt.columns._BLOCK", size)
        parts = quickly(text)
        assert parts is not None
        assert_same(parts, whole)


def test_nothing_is_no_netlist() -> None:
    for text in (b"", b"\n", b"# only a comment", b"# a\n# b\n", b"node {\n  name: ", b'node {\n  name: "'):
        assert quickly(text) is None
