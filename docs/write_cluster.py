"""Measure clusterings of the ICCAD 2004 designs beside the field's own: the table of docs/cluster.md, on stdout.

    python docs/write_cluster.py BENCHMARKS FOLDER [--budget 200000p] [--seeds 3] [--designs ...] [--ways ...]

BENCHMARKS holds iccad04/ibmNN; netlists and placements go to FOLDER, where a run finds and keeps what an earlier one
made. Each clustering is placed by the agent `anneal` with the same seeds and budget of proposals.
"""

from __future__ import annotations

import argparse
import json
import lzma
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from floorplan.formats import read_netlist

# design -> proxy of the field's own annealer on its own clusters (README of the macro placement challenge of 2026)
DESIGNS = {"ibm01": 1.317, "ibm02": 1.907, "ibm03": 1.740, "ibm04": 1.504, "ibm06": 2.506}
WAYS = {
    "none": ["--around", "none"],
    "both": ["--around", "both"],
    "metis": ["--around", "none", "--partitioner", "metis"],
    "both, metis": ["--around", "both", "--partitioner", "metis"],
}


def command(*words: object) -> dict[str, Any]:
    """Run the command line and return the object that it prints."""
    line = [sys.executable, "-m", "floorplan", *map(str, words), "--json"]
    done = subprocess.run(line, check=True, capture_output=True, text=True)
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def kept(path: Path, make: list[object]) -> dict[str, Any]:
    """Return what `make` prints, from `path` if it was run before."""
    if not path.exists():
        path.write_text(json.dumps(command(*make)))
    said: dict[str, Any] = json.loads(path.read_text())
    return said


def spread(area_um2: list[float]) -> str:
    """Return the 10, 50 and 90 % quantiles of the groups' areas."""
    return " / ".join(f"{q:.3f}" for q in np.quantile(area_um2, [0.1, 0.5, 0.9]))


def field(folder: Path) -> str:
    """Return the row of the field's clusters: what its published shapes say of them."""
    shapes = json.loads(lzma.decompress((folder / "tilos_shapes.json.xz").read_bytes()))
    areas = [m[1] * m[2] for m in shapes["macros"] if m[0].startswith("Grp")]
    nets, reached = shapes["num_nets_clustered"], DESIGNS[folder.name]
    return f"| {folder.name} | the field's | {len(areas)} | {spread(areas)} | - | {nets:,} | {reached:.3f}* |"


def ours(folder: Path, out: Path, way: str, budget: str, seeds: int) -> str:
    """Return the row of one of our ways to cluster."""
    here = out / folder.name / way.replace(", ", "-")
    here.mkdir(parents=True, exist_ok=True)
    flat, plc = folder / f"{folder.name}.aux.xz", folder / "tilos_initial.plc.xz"
    netlist_file = here / "netlist.pb.txt"
    made = kept(here / "cluster.json", ["cluster", flat, "--grid-from", plc, *WAYS[way], "--out", netlist_file])
    proxies = []
    for seed in range(seeds):
        name = f"anneal-{budget}" + (f"-{seed}" if seed else "")
        run = ["place", netlist_file, "--agent", "anneal", "--budget", budget, "--seed", seed, "--quiet"]
        proxies.append(kept(here / f"{name}.json", [*run, "--out", here / f"{name}.plc"])["proxy"])
    netlist, _ = read_netlist(netlist_file)
    areas = (netlist.node_w_um * netlist.node_h_um)[netlist.soft].tolist()
    reached = f"{np.mean(proxies):.3f} ({min(proxies):.3f} to {max(proxies):.3f})"
    cut = f"{made['cut_nets']:,} of {made['flat_nets']:,}"
    return f"| | {way} | {len(areas)} | {spread(areas)} | {cut} | {made['nets']:,} | {reached} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("benchmarks", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--budget", default="200000p")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--designs", nargs="+", default=list(DESIGNS), choices=list(DESIGNS))
    parser.add_argument("--ways", nargs="+", default=["none", "both", "metis"], choices=list(WAYS))
    args = parser.parse_args()
    sys.stdout.write("| design | groups | number | area um2, 10 / 50 / 90 % | cut flat nets | nets | proxy |\n")
    sys.stdout.write("|---|---|---|---|---|---|---|\n")
    for design in args.designs:
        folder = args.benchmarks / "iccad04" / design
        sys.stdout.write(field(folder) + "\n")
        for way in args.ways:
            sys.stdout.write(ours(folder, args.out, way, args.budget, args.seeds) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
