"""One rollout of the shipped policy and of an untrained one on four mirrored views of each test design.

A single rollout is one draw: a cell chosen otherwise early on moves it by a per cent. Mirrored and with its macros in
another order a netlist is the same to place and another one to a policy, so the mean of four views says more.

    FLOORPLAN_BENCHMARKS=... FLOORPLAN_CLUSTERED=... python tests/bench/transfer_views.py
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

from agents.ppo.config import CHOICES, load_config
from agents.ppo.policyfile import find_policy
from agents.pretrain.evolve import Stage
from floorplan.env import MAP_CHANNELS
from floorplan.formats import read_problem
from floorplan.netlist import SYMMETRIES, Problem, mirror, relabel

ROOT = Path(__file__).resolve().parents[2]


def designs() -> dict[str, Problem]:
    """The designs that no policy was trained or chosen on, as far as they are at hand."""
    found = {"systolic64": ROOT / "netlists" / "systolic64" / "netlist.pb.txt"}
    ct, clustered = os.environ.get("FLOORPLAN_BENCHMARKS"), os.environ.get("FLOORPLAN_CLUSTERED")
    if ct:
        for name in ("NanGate45_ariane133", "NanGate45_nvdla"):
            found[name] = Path(ct) / "ct" / name / "netlist.pb.txt.xz"
    if clustered:
        for name in ("ibm03", "ibm06"):
            found[name] = Path(clustered) / name / "netlist.pb.txt.xz"
    return {name: read_problem(path) for name, path in sorted(found.items())}


def weights(policy: str) -> np.ndarray:
    """(2, maps) of a policy that is linear in the maps, for the first and the last macro."""
    from safetensors.numpy import load_file

    tensors = load_file(find_policy(policy))
    base = tensors["head.skip_base"]
    return 10.0 * np.stack([base, base + tensors.get("head.skip_last", 0.0 * base)])


def main(policy: str = "shipped") -> None:
    """Print a row a design."""
    config = load_config("default", {})
    untrained = np.zeros(len(MAP_CHANNELS))
    untrained[list(MAP_CHANNELS).index("cost_change")] = -config.network.cost_prior
    both = np.stack([np.stack([untrained, untrained]), weights(policy)])
    print("design                 untrained  policy  change   built: untrained  policy  change")
    logs = []
    for name, problem in designs().items():
        rows: dict[int, list[np.ndarray]] = {0: [], 1: []}
        for k, symmetry in enumerate(SYMMETRIES):
            view = relabel(mirror(problem, *symmetry), k).problem if k else problem
            for looks in rows:
                rows[looks].append(Stage(view, 1.0, config, len(both), looks, CHOICES).play(both, 0))
        (a, b), (c, d) = (np.mean(rows[looks], axis=0) for looks in (1, 0))
        logs.append((np.log(b / a), np.log(d / c)))
        print(f"{name:22} {a:9.4f} {b:7.4f} {b / a - 1:+7.1%} {c:18.4f} {d:7.4f} {d / c - 1:+7.1%}", flush=True)
    mean = np.exp(np.mean(logs, axis=0)) - 1
    print(f"{'all':22} {'':9} {'':7} {mean[0]:+7.1%} {'':18} {'':7} {mean[1]:+7.1%}")


if __name__ == "__main__":
    main(*sys.argv[1:])
