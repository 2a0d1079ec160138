"""Figures of the reality checks; run with `make bench`. Nothing here fails on a clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from floorplan.formats import read_problem
from floorplan.reality import RealityOptions, check_reality, place_flat, read_flat
from floorplan.reality.access import check_pins
from floorplan.reality.channels import check_channels
from floorplan.reality.outlines import outlines
from floorplan.reality.router import route_nets
from floorplan.reality.softroom import check_soft_room
from floorplan.reality.steiner import check_steiner

pytestmark = pytest.mark.bench


def timed(times: list[str], name: str, call: Callable[[], Any]) -> Any:
    start = time.perf_counter()
    out = call()
    times.append(f"{name} {time.perf_counter() - start:.3f} s")
    return out


@pytest.mark.parametrize(
    ("design", "placement"),
    [
        ("NanGate45_ariane133", "legalized.plc.xz"),
        ("NanGate45_ariane133", "initial.plc.xz"),
        ("NanGate45_nvdla", "legalized.plc.xz"),
        ("ASAP7_mempool_tile", "initial.plc.xz"),
    ],
)
def test_checks(benchmarks: Path, design: str, placement: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = benchmarks / "ct" / design
    problem = read_problem(folder / "netlist.pb.txt.xz", folder / placement)
    nl, cv, p = problem.netlist, problem.canvas, problem.initial
    options = RealityOptions()
    hard = outlines(nl, p, nl.hard)
    check_reality(problem, p)  # compiles
    times: list[str] = []
    channels = timed(times, "channels", lambda: check_channels(problem, hard, options))
    pins = timed(times, "pins", lambda: check_pins(problem, p, hard, options))
    soft = timed(times, "soft", lambda: check_soft_room(nl, cv, p, hard))
    steiner = timed(times, "Steiner", lambda: check_steiner(nl, p))
    routing = timed(times, "router", lambda: route_nets(cv, hard, nl, p, options))
    lines = [f"{channels}", f"{pins}", f"{soft}", f"{steiner}", f"{routing}"]
    if (folder / "flat.pb.txt.xz").is_file():
        files = folder / "flat.pb.txt.xz", folder / "groups.final.xz"
        flat = timed(times, "read flat", lambda: read_flat(*files, nl))
        spread = timed(times, "place flat", lambda: place_flat(flat, nl, p))
        lines.append(f"flat {timed(times, 'flat Steiner', lambda: check_steiner(flat.netlist, spread))}")
        for share, factor in ((1.0, 1), (0.3, 1), (0.3, 3)):
            hard_options = RealityOptions(track_share=share, grid_factor=factor)
            name = f"flat router, {factor} x grid, {share:g} of the tracks"
            got = timed(times, name, lambda o=hard_options: route_nets(cv, hard, flat.netlist, spread, o))
            lines.append(f"{name}: {got}")
    assert routing.wirelength_um >= routing.tree_um * (1 - 1e-9)
    with capsys.disabled():
        print(f"\n{design} {nl.content_hash[:12]} {placement}: " + ", ".join(times))
        print("\n".join(f"  {line}" for line in lines))
