"""Figures of clustering and of reading flat netlists; run with `make bench`. Nothing here fails on a clock."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
from flat_designs import flat_design

from floorplan.cluster import ClusterOptions, cluster
from floorplan.formats import read_netlist, write_netlist
from floorplan.netlist import NodeKind

pytestmark = pytest.mark.bench

READ = """
import re, sys, time
from pathlib import Path
from floorplan.formats import read_netlist
wall, cpu = time.perf_counter(), time.process_time()
netlist, _ = read_netlist(sys.argv[1])
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
# the peak of this program alone: what `resource` says includes that of the one that started it
peak = re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())
print(wall, cpu, peak[1] if peak else 0, netlist.num_nodes)
"""


@pytest.mark.parametrize("cells", [12_000, 100_000, 1_000_000])
def test_clustering_by_size(cells: int, capsys: pytest.CaptureFixture[str]) -> None:
    flat = flat_design(cells)
    start = time.perf_counter()
    made = cluster(flat, ClusterOptions(around="both"))
    took = time.perf_counter() - start
    mine = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    with capsys.disabled():
        print(f"\n{flat.netlist}: {took:.1f} s, {mine} + {worker} MiB -> {made.problem.netlist}")
    assert ((made.host >= 0) == (flat.netlist.node_kind == NodeKind.CELL)).all()


def test_reading_flat_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A flat netlist of 111 MB, as large as ASAP7_mempool_tile's original."""
    path = tmp_path / "flat.pb.txt"
    flat = flat_design(250_000)
    write_netlist(path, flat.netlist, flat.initial)
    size = path.stat().st_size
    done = subprocess.run([sys.executable, "-c", READ, path], check=True, capture_output=True, text=True)
    wall, cpu, kib, nodes = done.stdout.split()
    with capsys.disabled():
        print(
            f"\n{size / 1e6:.0f} MB: {float(wall):.2f} s ({float(cpu):.2f} s of CPU), {int(kib) * 1024 / size:.1f} x it"
        )
    assert int(nodes) == flat.netlist.num_nodes


def test_reading_a_public_flat_netlist(benchmarks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = benchmarks / "ct" / "ASAP7_mempool_tile" / "flat.pb.txt.xz"
    start = time.perf_counter()
    netlist, _ = read_netlist(path)
    with capsys.disabled():
        print(f"\n{netlist}: {time.perf_counter() - start:.2f} s, the unpacking in it")
    assert netlist.num_nodes == 124_494
