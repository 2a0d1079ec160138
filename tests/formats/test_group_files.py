"""Files of groups: both layouts, and what is wrong with a damaged one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from floorplan.errors import ParseError
from floorplan.formats.groups import read_groups, write_groups
from floorplan.netlist import Netlist, NetlistBuilder


def flat() -> Netlist:
    """Numbers in the file: p 0, m 1, m/a 2, c0 3, c1 4, c2 5."""
    b = NetlistBuilder("flat")
    b.add_port("p")
    b.add_macro("m", 2.0, 2.0)
    b.add_pin("m/a", "m")
    for i in range(3):
        b.add_cell(f"c{i}", 1.0, 1.0)
    return b.build()


def clustered() -> Netlist:
    b = NetlistBuilder("clustered")
    b.add_port("p")
    for k in (2, 7):
        b.add_macro(f"Grp_{k}", 1.0, 1.0, soft=True)
    return b.build()


@pytest.mark.parametrize(
    "text",
    ["-1\n-1\n4\n7\n2\n7\n", "0\n-1\n4\n7\n2\n7", "Grp_2\tc1\nGrp_7\tc0\tc2\n", "Grp_7\tc2\tc0\r\nGrp_2\tc1\r\n"],
)
def test_both_layouts_say_the_same(tmp_path: Path, text: str) -> None:
    (tmp_path / "g").write_text(text, newline="")
    assert read_groups(tmp_path / "g", flat()).tolist() == [-1, -1, 7, 2, 7]


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz"])
def test_what_is_written_is_read(tmp_path: Path, suffix: str) -> None:
    host = np.array([-1, -1, 7, 2, 7])
    path = tmp_path / f"groups.txt{suffix}"
    write_groups(path, flat(), clustered(), host)
    assert read_groups(path, flat()).tolist() == host.tolist()


@pytest.mark.parametrize(
    ("text", "line", "cause"),
    [
        ("", 0, "is empty"),
        ("0\n-1\n0\n7\n2\n", 5, "has 5 lines, but netlist 'flat' has 6 nodes and pins"),
        ("0\n-1\n0\n7\n2\n7\n7\n", 7, "has 7 lines"),
        ("0\n-1\n0\nseven\n2\n7\n", 4, "expected a group's number or -1, found 'seven'"),
        ("0\n-1\n0\n-2\n2\n7\n", 4, "found '-2'"),
        ("0\n-1\n0\n7\n\n7\n", 5, "found ''"),
        ("0\n-1\n0\n7\n99999999999\n7\n", 5, "found '99999999999'"),
        ("0\n-1\n0\n7\n2\n-1\n", 6, "cell 'c2' is in no group"),
        ("0\n-1\n0\n7\n2\n\u0667\n", 6, "expected a group's number"),
        ("Grp_2\tc1\ngroup\tc0\n", 2, "expected Grp_ and a number, found 'group'"),
        ("Grp_2\tc1\nGrp_x\tc0\n", 2, "found 'Grp_x'"),
        ("Grp_2\tc1\nGrp_2\tc0\n", 2, "Grp_2 has a line already (line 1)"),
        ("Grp_2\tc1\nGrp_7\tc0\tc1\n", 2, "'c1' is in Grp_2 already"),
        ("Grp_2\tc1\nGrp_7\tc0\tm\n", 2, "'m' is no cell of netlist 'flat'"),
        ("Grp_2\tc1\nGrp_7\tc0\n", 0, "cell 'c2' is in no group"),
        ("Grp_2\tc1\n\nGrp_7\tc0\tc2\n", 2, "found ''"),
    ],
)
def test_a_damaged_file_is_refused_with_line_and_cause(tmp_path: Path, text: str, line: int, cause: str) -> None:
    (tmp_path / "g").write_text(text, encoding="utf-8")
    with pytest.raises(ParseError) as caught:
        read_groups(tmp_path / "g", flat())
    assert caught.value.line == line
    assert cause in caught.value.what


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ParseError, match="no such file"):
        read_groups(tmp_path / "none", flat())
