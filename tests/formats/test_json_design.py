"""Designs as JSON: nothing lost, nothing taken on trust."""

from __future__ import annotations

import copy
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorplan.errors import ParseError, ProblemError
from floorplan.formats.design import Design
from floorplan.formats.json_.design import SCHEMA_VERSION, read_json, write_json
from floorplan.netlist import Placement, Problem
from tests.formats.made_designs import clustered_design, constrained_design, flat_design, same_placement


def equal(a: Any, b: Any) -> bool:
    """Compare dataclasses field by field, arrays bit by bit and with their types."""
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b)
    if dataclasses.is_dataclass(a):
        return type(a) is type(b) and all(equal(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))
    if isinstance(a, tuple):
        return isinstance(b, tuple) and len(a) == len(b) and all(map(equal, a, b))
    return type(a) is type(b) and a == b


@pytest.mark.parametrize("make", [clustered_design, constrained_design, flat_design])
@pytest.mark.parametrize("name", ["d.json", "d.json.gz", "d.json.xz"])
def test_everything_comes_back(tmp_path: Path, make: Any, name: str) -> None:
    design = make()
    write_json(tmp_path / name, design)
    back, placement = read_json(tmp_path / name)
    assert equal(design, back)
    assert placement is back.problem.initial
    write_json(tmp_path / "again.json", back)
    write_json(tmp_path / "first.json", design)
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "first.json").read_bytes()


def test_every_field_of_a_problem_and_a_design_is_in_the_file(tmp_path: Path) -> None:
    write_json(tmp_path / "d.json", constrained_design())
    top = json.loads((tmp_path / "d.json").read_text())
    here = {*top["constraints"], "netlist", "canvas", "initial"}
    assert here == {f.name for f in dataclasses.fields(Problem)}
    assert {*top["source"], "problem"} == {f.name for f in dataclasses.fields(Design)}
    assert top["version"] == SCHEMA_VERSION


def test_a_placement_stands_beside_the_initial_one(tmp_path: Path) -> None:
    design = clustered_design()
    moved = design.problem.initial.replace(x_um=design.problem.initial.x_um + 0.1)
    write_json(tmp_path / "d.json", design, moved)
    back, placement = read_json(tmp_path / "d.json")
    assert same_placement(placement, moved)
    assert same_placement(back.problem.initial, design.problem.initial)
    with pytest.raises(ProblemError, match="has 2 nodes, the netlist 5"):
        write_json(tmp_path / "d.json", design, Placement.empty(2))


def test_coordinates_of_unplaced_nodes_may_be_anything(tmp_path: Path) -> None:
    design = flat_design()
    x = np.array(design.problem.initial.x_um)
    x[4] = np.nan
    write_json(tmp_path / "d.json", design, design.problem.initial.replace(x_um=x))
    _, placement = read_json(tmp_path / "d.json")
    assert placement.placed.tolist() == [True, True, True, True, False]


@pytest.fixture
def top(tmp_path: Path) -> dict[str, Any]:
    write_json(tmp_path / "good.json", constrained_design())
    out: dict[str, Any] = json.loads((tmp_path / "good.json").read_text())
    return out


_GONE = object()


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("format", "another", "is JSON, but no design"),
        ("version", 2, "is of version 2, and 1 is"),
        ("version", "1", "version must be a whole number"),
        ("extra", 1, "extra is not known to this version"),
        ("netlist", [], "netlist must be an object, found a list"),
        ("netlist.node_w_um", [1.0], "netlist.node_w_um must have 5 entries, it has 1"),
        ("netlist.node_w_um", _GONE, "netlist.node_w_um is missing"),
        ("netlist.node_w_um", [0, 0.0, 8, 5, 0], "node_w_um of 'top/ram\\[0\\]' is a hard macro without width"),
        ("netlist.node_w_um", [0, -1, 8, 5, 0], "node_w_um must be 0 to inf, found -1 at 1"),
        ("netlist.node_w_um", [0, 1e999, 8, 5, 0], "holds a number that is out of range"),
        ("netlist.node_w_um", [0, 10**400, 8, 5, 0], "must be a list of numbers"),
        ("netlist.node_w_um", [0, "1", 8, 5, 0], "must be a list of numbers"),
        ("netlist.node_w_um", [0, [1], 8, 5, 0], "must be a list of numbers"),
        ("netlist.node_w_um", [0, None, 8, 5, 0], "must be a list of numbers"),
        ("netlist.node_kind", [2, 0, 0, 1, 4], "node_kind must be 0 to 3, found 4 at 4"),
        ("netlist.node_kind", [2, 0, 0, 1, 2.5], "must be a list of whole numbers"),
        ("netlist.node_kind", [2, 3, 0, 1, 2], "is a port or cell, which has exactly one pin"),
        ("netlist.node_name", ["in", "in", "b", "c", "d"], "node_name has a name twice"),
        ("netlist.node_name", ["in", "", "b", "c", "d"], "empty or holds a line end"),
        ("netlist.node_name", ["in", "a\nb", "b", "c", "d"], "empty or holds a line end"),
        ("netlist.node_name", ["in", "\ud800", "b", "c", "d"], "half a surrogate pair"),
        ("netlist.node_name", ["in", 1, "b", "c", "d"], "must be a list of text, found 1 at 1"),
        ("netlist.node_name", [], "node_name is empty"),
        ("netlist.node_name", ["in", "Grp_0/Pinput", "b", "c", "out"], "which is the name of a node"),
        ("netlist.node_name", ["IN", "a", "b", "c", "out"], "'in' is not the one pin"),
        ("netlist.node_index", [0, 4, 1, 6, 9], "does not come after the one before"),
        ("netlist.pin_index", [0, 2, 3, 4, 7, 8, 9], "number of a node or of another pin"),
        ("netlist.pin_node", [0, 1, 1, 2, 3, 3, 9], "is of a node that does not exist"),
        ("netlist.net_ptr", [0, 3, 5], "net_ptr must rise from 0 to 8 in 4 entries"),
        ("netlist.net_ptr", [0, 5, 3, 8], "has net 1 without a pin"),
        ("netlist.net_pin", [0, 1, 3, 2, 3, 4, 2, 99], "net_pin must be 0 to 6, found 99"),
        ("netlist.net_weight", [1.0, 0.0, 2.0], "net_weight of net 1 is not positive"),
        ("netlist.net_weight", [1.0, 4.0, 2.0], "the netlist was changed"),
        ("netlist.metadata", [["a", None]], "neither text nor a number"),
        ("netlist.metadata", [["a"]], r"must be a list of \[name, value\]"),
        ("content_hash", "0" * 64, "the netlist was changed"),
        ("content_hash", 7, "content_hash must be text, found 7"),
        ("canvas.width_um", -1.0, "canvas width_um must be positive"),
        ("canvas.columns", 10.5, "canvas.columns must be a whole number"),
        ("canvas.columns", 0, "canvas columns must be 1 to 4096"),
        ("canvas.width_um", True, "canvas.width_um must be a number, found true"),
        ("canvas.width_um", 10**400, "canvas.width_um is out of range"),
        ("constraints.fixed", [0, 0, 2, 0, 0], "fixed must be 0 to 1, found 2"),
        ("constraints.allowed_orient", [1, 0, 1, 1, 1], "allowed_orient must be 1 to 255, found 0 at 1"),
        ("constraints.macro_spacing_um", -1, "spacing must be >= 0"),
        ("constraints.blockages", [{"x0_um": 0}], r"blockages\[0\].y0_um is missing"),
        ("constraints.blockages", [3], r"blockages\[0\] must be an object, found 3"),
        ("constraints.halo_um", [1.0], "halo_um must have no entry, or 20, it has 1"),
        ("constraints.regions", [], "region must have 0 entries, it has 5"),
        ("constraints.region", [-1, 1, -1, -1, -1], "region must be -1 to 0, found 1 at 1"),
        ("constraints.snap", {"pitch_x_um": 0}, "snap.pitch_y_um is missing"),
        ("constraints.unheard_of", 1, "constraints.unheard_of is not known"),
        ("initial.orient", [0, 8, 0, 0, 0], "orient must be 0 to 7, found 8 at 1"),
        ("initial.placed", [0, 1, 1, 1, 1], "in is fixed .or a port. but the initial placement gives it no position"),
        ("placement", 3, "placement must be an object, found 3"),
        ("source.units_per_um", 0, "units_per_um must be positive"),
        ("source.origin_um", [1], "source.origin_um must have 2 entries"),
        ("source.master", ["a"], "1 masters given for 5 nodes"),
        ("source.site_um", "wide", "site_um must be a list"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_table_and_column(
    tmp_path: Path, top: dict[str, Any], key: str, value: Any, said: str
) -> None:
    changed = copy.deepcopy(top)
    *tables, column = key.split(".")
    inner = changed
    for name in tables:
        inner = inner[name]
    inner[column] = value
    if value is _GONE:
        del inner[column]
    (tmp_path / "bad.json").write_text(json.dumps(changed).replace("Infinity", "1e999"))
    with pytest.raises(ParseError, match=said) as caught:
        read_json(tmp_path / "bad.json")
    assert caught.value.path == tmp_path / "bad.json"


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        (b'{\n  "format": 1,\n  oops\n}', 3, "not JSON: expecting property name"),
        (b"[]", 0, "the file must be an object, found a list"),
        (b'{"a": NaN}', 0, "NaN is not a JSON number"),
        (b'{"a": 1, "a": 2}', 0, "'a' stands twice"),
        (b'{"a":\n"\xff"}', 2, "not UTF-8"),
        (b'{"a":' * 100_000, 0, "nested too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", 0, "Exceeds the limit"),
        (b"", 1, "not JSON"),
    ],
)
def test_what_is_no_json_is_refused_with_its_line(tmp_path: Path, content: bytes, line: int, said: str) -> None:
    (tmp_path / "bad.json").write_bytes(content)
    with pytest.raises(ParseError, match=said) as caught:
        read_json(tmp_path / "bad.json")
    assert caught.value.line == line


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_a_damaged_design_is_refused_or_is_a_design(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.json"
    write_json(path, constrained_design())
    text = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(text) - 1))
    text[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4) | st.just(b"-1") | st.just(b"1e9"))
    path.write_bytes(bytes(text))
    try:
        design, placement = read_json(path)
    except ParseError:
        return
    assert len(placement) == design.problem.netlist.num_nodes
