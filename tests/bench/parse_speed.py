"""Seconds of CPU, MB/s and peak memory of reading the largest public file of each format; prints a table in Markdown.

    python tests/bench/parse_speed.py BENCHMARKS [--only FORMAT]

Each is read in a process of its own, from plain files, after a small one that loads the code.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from floorplan.files import plain_name, read_bytes_maybe_compressed
from floorplan.formats.read import read_design
from floorplan.formats.write import write_design

__all__ = ["LARGEST"]

LARGEST: dict[str, tuple[str, ...]] = {
    "protobuf, flat": ("ct/ASAP7_mempool_tile/flat.pb.txt.xz",),
    "protobuf, clustered": ("ct/NanGate45_nvdla/netlist.pb.txt.xz", "ct/NanGate45_nvdla/legalized.plc.xz"),
    "LEF + DEF": ("ct_ariane_lefdef/ariane.lef.xz", "ct_ariane_lefdef/ariane.def.xz"),
    "Bookshelf": tuple(f"iccad04/ibm06/ibm06.{kind}.xz" for kind in ("aux", "nodes", "nets", "pl", "scl", "wts")),
    "GSRC": tuple(f"floorplanning/gsrc/n300.{kind}" for kind in ("blocks", "nets", "pl")),
    "YAL": ("floorplanning/yal/ami49.yal",),
    "LEF + Verilog": (
        "openroad_lefdef/mpl/Nangate45/Nangate45.lef.xz",
        "openroad_lefdef/mpl/testcases/macro_only.lef",
        "openroad_lefdef/mpl/testcases/macro_only.v",
    ),
}
"""Files of each format, the first what `read_design` is given along with LEF, DEF, Verilog and .plc."""
_GIVEN = (".aux", ".pb.txt", ".plc", ".lef", ".def", ".v", ".blocks", ".yal", ".json")
_JSON = "JSON of the flat protobuf"

_CHILD = """
import json, re, sys, time
from floorplan.formats.read import read_design
small, *files = sys.argv[1:]
read_design(small)
def peak():
    # not getrusage: what that counts begins with the memory of the process that started this one
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) * 1024
before, start = peak(), time.process_time()
design = read_design(*files)
seconds = time.process_time() - start
nl = design.problem.netlist
print(json.dumps([seconds, peak() - before, nl.num_nodes, nl.num_nets, nl.content_hash[:12]]))
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("benchmarks", type=Path)
    parser.add_argument("--only", default="")
    args = parser.parse_args(argv)
    lines = ["| format | files | MB | nodes | nets | CPU s | MB/s | peak MB | peak / file |", "|" + "---|" * 9]
    with tempfile.TemporaryDirectory() as folder:
        small = args.benchmarks / "ct_testdata/designs/sample_clustered/netlist.pb.txt"
        for name in [*LARGEST, _JSON]:
            if args.only not in name:
                continue
            own = Path(folder) / name.replace(" ", "_")
            own.mkdir()
            paths = []
            for file in LARGEST.get(name, LARGEST["protobuf, flat"]):
                paths.append(own / plain_name(file))
                paths[-1].write_bytes(read_bytes_maybe_compressed(args.benchmarks / file))
            if name == _JSON:
                paths = list(write_design(own / "flat.json", read_design(paths[0])))
            size = sum(p.stat().st_size for p in paths) / 1e6
            given = [str(p) for p in paths if p.name.endswith(_GIVEN)]
            command = [sys.executable, "-c", _CHILD, str(small), *given]
            runs = [
                json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in "12"
            ]
            seconds, grown, nodes, nets, _ = min(runs)
            row = [name, paths[0].name, f"{size:.2f}", nodes, nets, f"{seconds:.2f}", f"{size / seconds:.0f}"]
            lines.append("| " + " | ".join(map(str, [*row, f"{grown / 1e6:.0f}", f"{grown / 1e6 / size:.1f}"])) + " |")
            sys.stderr.write(lines[-1] + "\n")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
