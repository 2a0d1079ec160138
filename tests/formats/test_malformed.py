"""Damaged files: each names the file, the line and the cause, and none hangs or eats the memory."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.errors import FloorplanError, ParseError
from floorplan.formats import read_netlist, read_plc, read_problem
from floorplan.netlist import Netlist

FOLDER = Path(__file__).resolve().parents[1] / "malformed"

# file -> line (0 = the whole file), part of the cause
TABLE = {
    "attribute_twice.pb.txt": (52, "attribute 'type' is given twice"),
    "bad_number.pb.txt": (13, "bad number '4..0'"),
    "bad_orientation.pb.txt": (17, "orientation of 'M0' is 'R17'"),
    "bad_side.pb.txt": (6, "side of 'P0' is 'front'"),
    "binary.pb.txt": (1, "unexpected character"),
    "duplicate_name.pb.txt": (49, "name 'M0' is used twice"),
    "duplicate_pin.pb.txt": (26, "name 'M0/a' is used twice"),
    "empty.pb.txt": (0, "netlist has no node"),
    "empty_name.pb.txt": (49, "node name ''"),
    "empty_value.pb.txt": (13, "a value is empty"),
    "infinite_height.pb.txt": (39, "height of 'Grp_0' is inf"),
    "latin1.pb.txt": (28, "not UTF-8"),
    "macro_drives.pb.txt": (11, "macro 'M0' drives 'S0'"),
    "missing_sink.pb.txt": (28, "drives 'nobody'"),
    "nan_offset.pb.txt": (32, "y_offset of 'M0/z' is nan"),
    "nan_width.pb.txt": (13, "width of 'M0' is nan"),
    "negative_height.pb.txt": (39, "height of 'Grp_0' is negative"),
    "no_name.pb.txt": (48, "a node has no name"),
    "no_type.pb.txt": (49, "node 'S0' has no type"),
    "no_width.pb.txt": (11, "node 'M0' has no width"),
    "not_compressed.pb.txt.gz": (0, "damaged"),
    "not_compressed.pb.txt.xz": (0, "damaged"),
    "only_comment.pb.txt": (0, "netlist has no node"),
    "pin_of_port.pb.txt": (19, "'P0', which is not a macro"),
    "pin_of_unknown_macro.pb.txt": (19, "'M7', which is not a macro"),
    "pin_without_macro.pb.txt": (19, "has no macro_name"),
    "sink_is_macro.pb.txt": (4, "drives 'M0', which is no port, macro pin or cell"),
    "stray_brace.pb.txt": (48, "expected 'node', found '}'"),
    "truncated.pb.txt": (32, "string does not end on its line"),
    "truncated.pb.txt.gz": (0, "cut short"),
    "truncated.pb.txt.xz": (0, "cut short"),
    "truncated_between_brackets.pb.txt": (53, "file ends"),
    "underscored_number.pb.txt": (13, "bad number '4_0.0'"),
    "unknown_field.pb.txt": (28, "no field 'output'"),
    "unknown_message.pb.txt": (48, "expected 'node', found 'nodes'"),
    "unknown_type.pb.txt": (51, "unknown type 'gate'"),
    "unterminated_string.pb.txt": (49, "string does not end on its line"),
    "width_is_text.pb.txt": (13, "width of 'M0' is 'wide', not a number"),
    "x_without_y.pb.txt": (11, "'M0' has x but no y"),
    "zero_weight.pb.txt": (33, "weight of 'M0/z' is 0.0"),
    "zero_width.pb.txt": (11, "'M0' has width 0.0"),
    "bad_fixed.plc": (13, "fixed flag"),
    "bad_orientation.plc": (13, "orientation 'NF'"),
    "bad_routes.plc": (5, "'many', not a number"),
    "binary.plc": (2, "not UTF-8"),
    "contradiction.plc": (4, "Columns is '5' here and '4' on line 2"),
    "empty.plc": (0, "header has no 'Columns'"),
    "fractional_columns.plc": (2, "not a whole number"),
    "huge_grid.plc": (2, "1 to 4096"),
    "huge_index.plc": (15, "there is no node 9999999999"),
    "inside_out_blockage.plc": (9, "not a rectangle"),
    "line_of_pin.plc": (14, "node 3 is 'M0/z', a macro pin"),
    "nan_position.plc": (13, "x is 'nan'"),
    "negative_index.plc": (15, "'-6' is not a number"),
    "negative_width.plc": (3, "must be positive"),
    "no_columns.plc": (0, "header has no 'Columns'"),
    "no_rows.plc": (2, "expected two numbers"),
    "no_such_node.plc": (15, "there is no node 7"),
    "no_width.plc": (0, "header has no 'Width'"),
    "node_twice.plc": (15, "has a line already (line 14)"),
    "overflowing_position.plc": (13, "out of range"),
    "short_blockage.plc": (9, "5 numbers"),
    "too_few_words.plc": (13, "index x y orientation fixed"),
    "too_many_words.plc": (13, "index x y orientation fixed"),
    "truncated.plc": (15, "index x y orientation fixed"),
    "word_position.plc": (13, "x is 'six'"),
    "wrong_count.plc": (11, "HARD_MACROs is 2, but netlist 'valid' has 1"),
    "zero_columns.plc": (2, "1 to 4096"),
}


@pytest.fixture(scope="module")
def netlist() -> Netlist:
    return read_netlist(FOLDER / "valid.pb.txt")[0]


def test_the_table_names_every_file_of_the_folder() -> None:
    assert set(TABLE) == {p.name for p in FOLDER.iterdir()} - {"valid.pb.txt", "valid.plc"}


@pytest.mark.parametrize("name", sorted(TABLE))
def test_cause_and_line(name: str, netlist: Netlist) -> None:
    line, cause = TABLE[name]
    path = FOLDER / name
    with pytest.raises(ParseError) as caught:
        read_plc(path, netlist) if name.endswith(".plc") else read_netlist(path)
    assert caught.value.path == path
    assert caught.value.line == line
    assert cause in caught.value.what
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz"])
def test_missing_file_and_folder(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(ParseError, match="no such file"):
        read_netlist(tmp_path / f"none.pb.txt{suffix}")
    (tmp_path / f"folder{suffix}").mkdir()
    with pytest.raises(ParseError, match="is a folder"):
        read_netlist(tmp_path / f"folder{suffix}")
    with pytest.raises(ParseError, match="cannot be read"):
        read_netlist(f"a\0b{suffix}")


def test_mistake_late_in_a_long_canonical_file_gets_its_line(tmp_path: Path) -> None:
    """The fast path keeps no lines; they must be right in the second block of a file all the same."""
    attr = '  attr {{\n    key: "type"\n    value {{\n      placeholder: "PORT"\n    }}\n  }}\n'
    one = 'node {{\n  name: "P{}"\n' + attr + "}}\n"
    text = "".join(one.format(i) for i in range(15_000))
    bad = text + 'node {\n  name: "Q"\n  input: "P7"\n  input: "P15000"\n' + one.format(0).split("\n", 2)[2]
    path = tmp_path / "long.pb.txt"
    path.write_text(bad)
    assert len(text) > 1 << 20
    with pytest.raises(ParseError, match="drives 'P15000'") as caught:
        read_netlist(path)
    assert caught.value.line == text.count("\n") + 4


@pytest.mark.parametrize(
    "unit",
    ["a", '"', "{", "\\", " ", "#", "(", "1", 'node{name:"a"attr{key:"type"value{s:"port"}}}', '"\\a\\a', "node { <"],
)
@pytest.mark.parametrize("head", ["", "node { name: "])
def test_one_very_long_line_fails_fast_and_small(tmp_path: Path, unit: str, head: str, netlist: Netlist) -> None:
    path = tmp_path / "line.pb.txt"
    path.write_text(head + unit * ((1 << 20) // len(unit)))
    start = time.process_time()
    with pytest.raises(ParseError):
        read_netlist(path)
    with pytest.raises(ParseError):
        read_plc(path, netlist)
    assert time.process_time() - start < 20, "1 MiB on one line must take linear time"


def test_a_line_of_200_mb_is_refused_in_bounded_memory(tmp_path: Path, netlist: Netlist) -> None:
    path = tmp_path / "line.pb.txt"
    with path.open("wb") as f:
        f.write(b"# 200 MB follow\n")
        for _ in range(200):
            f.write(b'node { name: "x" } ' * 52_632)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ParseError, match="line is longer than") as caught:
        read_netlist(path)
    assert caught.value.line == 2
    with pytest.raises(ParseError, match="holds more than"):
        read_plc(path, netlist)
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib < 600 << 10, "reading may hold the file about twice, not its tokens"


def test_compressed_bomb_is_refused(tmp_path: Path) -> None:
    import lzma

    from floorplan.files import read_bytes_maybe_compressed

    path = tmp_path / "bomb.xz"
    path.write_bytes(lzma.compress(bytes(8 << 20)))
    assert path.stat().st_size < 1 << 14
    with pytest.raises(ParseError, match="holds more than 1048576 bytes"):
        read_bytes_maybe_compressed(path, 1 << 20)


def _canonical() -> bytes:
    from floorplan.formats.pbtxt_writer import netlist_text

    netlist, placement = read_netlist(FOLDER / "valid.pb.txt")
    return netlist_text(netlist, placement).encode()


VALID = (FOLDER / "valid.pb.txt").read_bytes()
VALID_PLC = (FOLDER / "valid.plc").read_bytes()
CANONICAL = _canonical()

edits = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 12),
        st.one_of(
            st.binary(max_size=4),
            st.sampled_from([b'"', b"{", b"}", b"\n", b"node {", b"nan", b"-1", b"#", b"\\", b"\r\n", b"\xff", b": "]),
        ),
    ),
    min_size=1,
    max_size=4,
)


def _mutate(data: bytes, changes: list[tuple[float, int, bytes]], keep: float) -> bytes:
    for where, length, new in changes:
        at = int(where * len(data))
        data = data[:at] + new + data[at + length :]
    return data[: int(len(data) * keep)]


def _error_of(read: Callable[[], object]) -> FloorplanError | None:
    try:
        read()
    except FloorplanError as e:
        return e
    return None


@settings(max_examples=200, deadline=None)
@given(base=st.sampled_from([VALID, CANONICAL]), changes=edits, keep=st.one_of(st.just(1.0), st.floats(0, 1)))
def test_a_mutated_netlist_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, base: bytes, changes: list[tuple[float, int, bytes]], keep: float
) -> None:
    path = tmp_path_factory.getbasetemp() / "mutated.pb.txt"
    data = _mutate(base, changes, keep)
    path.write_bytes(data)
    error = _error_of(lambda: read_netlist(path))
    assert error is None or isinstance(error, ParseError)
    assert error is None or 0 <= error.line <= data.count(b"\n") + 1


@settings(max_examples=200, deadline=None)
@given(changes=edits, keep=st.one_of(st.just(1.0), st.floats(0, 1)))
def test_a_mutated_placement_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[float, int, bytes]], keep: float
) -> None:
    path = tmp_path_factory.getbasetemp() / "mutated.plc"
    data = _mutate(VALID_PLC, changes, keep)
    path.write_bytes(data)
    error = _error_of(lambda: read_problem(FOLDER / "valid.pb.txt", path))
    assert error is None or isinstance(error, ParseError)
    assert error is None or 0 <= error.line <= data.count(b"\n") + 1
