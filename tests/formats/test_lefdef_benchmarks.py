"""Public LEF/DEF designs, against what others made of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from floorplan.formats.lefdef.def_writer import write_def
from floorplan.formats.lefdef.lef import read_lef
from floorplan.formats.lefdef.lef_tables import Lef
from floorplan.formats.lefdef.reader import read_lefdef
from floorplan.formats.pbtxt.reader import read_netlist
from floorplan.netlist import Netlist, check_legality


@pytest.fixture
def openroad(benchmarks: Path) -> Path:
    folder = benchmarks / "openroad_lefdef"
    if not folder.is_dir():
        pytest.skip(f"no OpenROAD examples at {folder}")
    return folder


def _lefs(folder: Path, path: Path) -> list[Path]:
    if path.parent.name == "tritonmp":
        return [folder / "tritonmp/NangateOpenCellLibrary.lef.xz", folder / "tritonmp/fakeram45_64x7.lef"]
    own = sorted((folder / "mpl/testcases").glob("*.lef"))
    # several of the cases come with a library of the same macros; the design's own must be the first
    own.sort(key=lambda p: path.name.partition(".")[0].rstrip("0123456789") not in p.name)
    return [folder / "mpl/Nangate45/Nangate45.lef.xz", folder / "mpl/Nangate45_io/dummy_pads.lef", *own]


def _nets(netlist: Netlist) -> dict[str, set[str]]:
    """Return the sinks of each source; no source has two nets here."""
    ends = [
        [netlist.pin_name[p] for p in netlist.net_pin[netlist.net_ptr[e] : netlist.net_ptr[e + 1]].tolist()]
        for e in range(netlist.num_nets)
    ]
    out = {e[0]: set(e[1:]) for e in ends}
    assert len(out) == len(ends)
    return out


@pytest.mark.slow
def test_ariane_is_googles(benchmarks: Path) -> None:
    """The protobuf text that Google's flow made of the same LEF and DEF: nothing differs but repeats within nets."""
    folder = benchmarks / "ct_ariane_lefdef"
    if not folder.is_dir():
        pytest.skip(f"no ariane at {folder}")
    design = read_lefdef(folder / "ariane.lef.xz", folder / "ariane.def.xz")
    ours, placed = design.problem.netlist, design.problem.initial
    theirs, there = read_netlist(folder / "ct_ariane_flat.pb.txt.xz")
    assert (len(ours.hard), len(ours.soft), len(ours.ports), ours.num_nets) == (133, 82821, 1231, 85193)
    assert ours.node_name == theirs.node_name
    assert np.array_equal(ours.node_kind, theirs.node_kind)
    assert np.array_equal(ours.node_side, theirs.node_side)
    assert np.array_equal(ours.node_w_um, theirs.node_w_um)
    assert np.array_equal(ours.node_h_um, theirs.node_h_um)
    assert np.array_equal(ours.node_index, theirs.node_index)
    assert placed.placed.all()
    assert there.placed.all()
    assert np.abs(placed.x_um - there.x_um).max() < 1e-9
    assert np.abs(placed.y_um - there.y_um).max() < 1e-9
    assert np.array_equal(placed.orient, there.orient)
    number = {name: i for i, name in enumerate(ours.pin_name)}
    same = np.array([number[name] for name in theirs.pin_name])
    assert len(same) == ours.num_pins == 96022
    assert np.abs(ours.pin_dx_um[same] - theirs.pin_dx_um).max() < 1e-9
    assert np.abs(ours.pin_dy_um[same] - theirs.pin_dy_um).max() < 1e-9
    assert _nets(ours) == _nets(theirs)
    # 8 nets reach a cell by two of its pins; a cell is one pin here, and counts once
    assert len(theirs.net_pin) - len(ours.net_pin) == 8
    assert (design.problem.canvas.width_um, design.problem.canvas.height_um) == (356.592, 356.64)


def test_openroad_examples_read(openroad: Path) -> None:
    paths = sorted([*openroad.rglob("*.def"), *openroad.rglob("*.defok")])
    libraries: dict[tuple[Path, ...], Lef] = {}
    assert len(paths) >= 61
    legal = hard = 0
    for path in paths:
        lefs = tuple(_lefs(openroad, path))
        if lefs not in libraries:
            libraries[lefs] = read_lef(lefs)
        problem = read_lefdef(libraries[lefs], path).problem
        hard += len(problem.netlist.hard)
        if path.suffix == ".defok":
            legal += check_legality(problem, problem.initial).legal
    assert hard == 132
    # the three others stick out of the die by 0.065 um: their macros are on tracks, and the die is not
    assert legal == 33


def test_openroad_example_written_with_placed_macros(openroad: Path, tmp_path: Path) -> None:
    path = openroad / "tritonmp/gcd_mem3.def"
    design = read_lefdef(_lefs(openroad, path), path)
    placement, ids = design.problem.initial, design.problem.movable_hard
    x, y, orient, placed = (a.copy() for a in (placement.x_um, placement.y_um, placement.orient, placement.placed))
    x[ids], y[ids], orient[ids], placed[ids] = [9.0, 21.0, 33.0], [20.0, 20.0, 20.0], [0, 1, 2], True
    told = write_def(path, tmp_path / "out.def", design, placement.replace(x, y, orient, placed), fixed=True)
    old, new = path.read_text().splitlines(), (tmp_path / "out.def").read_text().splitlines()
    differ = [b.strip() for a, b in zip(old, new, strict=True) if a != b]
    assert [line.split()[:5] for line in differ] == [["-", f"mem{i}", "fakeram45_64x7", "+", "FIXED"] for i in range(3)]
    assert told.largest_rounding_um <= 0.5 / 2000
