"""A tiny problem on disk and the settings that train on it in a second."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from floorplan.formats import write_netlist, write_plc
from floorplan.netlist import Canvas, NetlistBuilder, Placement, Problem

TINY: dict[str, Any] = {
    "env": {"soft_placer": "none", "soft_start": "initial"},
    "network": {"graph_width": 8, "graph_layers": 1, "channels": 4, "conv_layers": 2},
    "ppo": {"num_envs": 4, "minibatch": 16, "learning_rate": 3e-3},
    "threads": 1,
    "checkpoint_every_s": 0,
}


def tiny_problem(macros: int = 6, grid: int = 8, seed: int = 0) -> Problem:
    """Macros of 10 x 10 um in a chain between two ports, with two soft macros, on 80 x 80 um."""
    rng = np.random.default_rng(seed)
    b = NetlistBuilder("tiny")
    names = [f"m{i}" for i in range(macros)]
    for i, name in enumerate(names):
        b.add_macro(name, 10 + i % 2 * 4, 10)
        b.add_pin(f"{name}/o", name, 3, 2)
        b.add_pin(f"{name}/i", name, -3, -2)
    for i in range(2):
        b.add_macro(f"Grp_{i}", 8, 8, soft=True)
        b.add_pin(f"Grp_{i}/o", f"Grp_{i}")
        b.add_pin(f"Grp_{i}/i", f"Grp_{i}")
    b.add_port("west")
    b.add_port("east")
    b.add_net("west", ["m0/i"])
    for a, c in pairwise(names):
        b.add_net(f"{a}/o", [f"{c}/i", f"Grp_{int(rng.integers(2))}/i"], weight=float(rng.integers(1, 4)))
    b.add_net(f"{names[-1]}/o", ["east"])
    b.add_net("Grp_0/o", ["m0/i", "m2/i"])
    netlist = b.build()
    x, y = np.full(len(netlist.node_name), 40.0), np.full(len(netlist.node_name), 40.0)
    placed = np.ones(len(x), np.bool_)
    x[netlist.ports], y[netlist.ports] = [0.0, 80.0], [10.0, 70.0]
    orient = np.zeros(len(x), np.uint8)
    canvas = Canvas(80.0, 80.0, grid, grid, 10.0, 10.0, 2.0, 2.0, smooth_range=1)
    return Problem(netlist, canvas, Placement(x, y, orient, placed))


def write_tiny(folder: Path) -> Path:
    """Write the tiny problem and return its netlist file."""
    problem = tiny_problem()
    path = folder / "netlist.pb.txt"
    write_netlist(path, problem.netlist, problem.initial)
    write_plc(folder / "initial.plc", problem, problem.initial)
    return path
