"""Damaged netlists and placements: none hangs or eats the memory; causes and lines are in tests/malformed."""

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


@pytest.fixture(scope="module")
def netlist() -> Netlist:
    return read_netlist(FOLDER / "valid.pb.txt")[0]


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
    from floorplan.formats.pbtxt.writer import netlist_text

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
