"""Where a reader has a quick way for the usual layout and a slow one for any other, both must say the same."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given

from floorplan.errors import FloorplanError, ParseError
from floorplan.formats import read_netlist
from floorplan.formats.bookshelf import bulk
from floorplan.formats.design import Design
from floorplan.formats.lefdef import def_components, def_nets
from floorplan.formats.pbtxt import reader
from floorplan.formats.pbtxt.writer import netlist_text
from tests.fuzz.mutations import mutated
from tests.fuzz.test_fuzz_readers import SEEDS, SETTINGS
from tests.malformed.reading import FORMATS, HERE, folder_with


def _nothing(*_: Any) -> None:
    """A quick way that never applies."""


def _never(*_: Any) -> bool:
    return False


# format -> where its quick ways are looked up, and what stands in for them
QUICK: dict[str, list[tuple[object, str, Callable[..., Any]]]] = {
    "protobuf": [(reader, "read_columns", _nothing)],
    "bookshelf": [(bulk, name, _nothing) for name in ("nodes", "nets", "places", "weights")],
    "def": [(def_components, "_is_table", _never), (def_nets, "_read_table", _never)],
}


def _sound(kind: str, name: str) -> bytes:
    if kind == "protobuf":  # in the layout that the quick way is for
        return netlist_text(*read_netlist(HERE / "valid.pb.txt")).encode()
    data = FORMATS[kind].files[name].read_bytes()
    return data.replace(b" + HALO 1000 1000 1000 1000", b"").replace(b"- g0 INV ;", b"- g0 INV + PLACED ( 0 0 ) S ;")


def outcome(kind: str, name: str, data: bytes) -> tuple[object, ...]:
    with tempfile.TemporaryDirectory() as folder:
        folder_with(Path(folder), kind, name, data)
        try:
            found = FORMATS[kind].read(Path(folder))
        except ParseError as e:
            return "refused", e.path.name, e.line, e.what
        except FloorplanError as e:
            return "refused", str(e)
    netlist, start = (found.problem.netlist, found.problem.initial) if isinstance(found, Design) else found  # type: ignore[misc]  # a netlist and a placement
    more = (found.problem.canvas, found.problem.fixed.tobytes(), found.master) if isinstance(found, Design) else ()
    columns = (netlist.node_index, netlist.pin_index, start.placed, start.orient, start.x_um[start.placed])
    return "read", netlist.content_hash, netlist.metadata, *(c.tobytes() for c in columns), *more


@pytest.mark.parametrize(
    ("kind", "name"),
    [("protobuf", "x.pb.txt"), ("def", "valid.def")]
    + [("bookshelf", f"valid.{k}") for k in ("nodes", "nets", "pl", "wts")],
)
@SETTINGS
@given(seed=SEEDS)
def test_the_quick_way_and_the_slow_way_agree(kind: str, name: str, seed: int) -> None:
    data = mutated(_sound(kind, name), Random(seed), most=2)
    quick = outcome(kind, name, data)
    with pytest.MonkeyPatch.context() as patch:
        for where, called, instead in QUICK[kind]:
            patch.setattr(where, called, instead)
        assert outcome(kind, name, data) == quick


@pytest.mark.parametrize("kind", QUICK)
def test_the_quick_ways_apply_to_the_sound_files(kind: str) -> None:
    name = {"protobuf": "x.pb.txt", "bookshelf": "valid.nodes", "def": "valid.def"}[kind]
    data = _sound(kind, name)
    used: dict[str, list[bool]] = {}

    def noted(called: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            out = real(*args)
            used.setdefault(called, []).append(out is not None and out is not False)
            return out

        return call

    with pytest.MonkeyPatch.context() as patch:
        for where, called, _ in QUICK[kind]:
            patch.setattr(where, called, noted(called, getattr(where, called)))
        assert outcome(kind, name, data)[0] == "read"
    assert used == {called: [True] for _, called, _ in QUICK[kind]}
