"""Seconds and MB/s of reading and writing real netlists; figures only, no assertion on a clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from floorplan.files import read_bytes_maybe_compressed
from floorplan.formats import read_netlist, read_plc, write_netlist

pytestmark = pytest.mark.bench


def _best_s(run: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


@pytest.mark.parametrize(
    ("file", "repeats"),
    [
        ("ct/NanGate45_ariane133/netlist.pb.txt.xz", 5),
        ("ct/NanGate45_nvdla/netlist.pb.txt.xz", 3),
        ("ct/NanGate45_ariane133/flat.pb.txt.xz", 1),
    ],
)
def test_read_and_write_netlist(
    benchmarks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str, repeats: int
) -> None:
    path = benchmarks / file
    plain = tmp_path / "n.pb.txt"
    plain.write_bytes(read_bytes_maybe_compressed(path))
    size_mb = plain.stat().st_size / 1e6
    netlist, placement = read_netlist(plain)
    rows = {
        "read .xz": _best_s(lambda: read_netlist(path), repeats),
        "read plain": _best_s(lambda: read_netlist(plain), repeats),
        "write plain": _best_s(lambda: write_netlist(tmp_path / "out.pb.txt", netlist, placement), repeats),
    }
    with capsys.disabled():
        for what, seconds in rows.items():
            print(f"\n{file} {size_mb:.1f} MB: {what} {seconds:.3f} s, {size_mb / seconds:.0f} MB/s", end="")
    assert read_netlist(tmp_path / "out.pb.txt")[0].content_hash == netlist.content_hash


def test_read_placement(benchmarks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = benchmarks / "ct/NanGate45_ariane133"
    netlist, _ = read_netlist(folder / "netlist.pb.txt.xz")
    seconds = _best_s(lambda: read_plc(folder / "legalized.plc.xz", netlist), 5)
    with capsys.disabled():
        print(f"\nlegalized.plc of NanGate45_ariane133: read {seconds * 1e3:.2f} ms", end="")
    assert read_plc(folder / "legalized.plc.xz", netlist).placement.placed.all()
