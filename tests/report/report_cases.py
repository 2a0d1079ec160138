"""Runs to report on, small enough to check by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import tomli_w

from floorplan.formats import write_netlist, write_plc
from floorplan.netlist import Blockage, Canvas, NetlistBuilder, Placement, Problem, Region

HOSTILE = '</script><img src=x onerror="alert(1)">&"\'$\\frac{'
"""A name that breaks out of whatever it is put into without care: markup, script, attributes, formulas."""


def crowded(first: str = "bank/ram0") -> Problem:
    """Four hard and three soft macros, three ports and four nets on 100 x 80 um, with every sort of constraint."""
    b = NetlistBuilder("crowded")
    for name in ("in", "out", "clk"):
        b.add_port(name)
    for name, w, h in ((first, 20.0, 10.0), ("bank/ram1", 20.0, 10.0), ("rom", 12.0, 24.0), ("cpu", 30.0, 20.0)):
        b.add_macro(name, w, h)
        b.add_pin(f"{name}/i", name, 3.0, -2.0)
        b.add_pin(f"{name}/o", name, -4.0, 1.0)
    for name in ("Grp_0", "Grp_1", "Grp_2"):
        b.add_macro(name, 14.0, 9.0, soft=True)
        b.add_pin(f"{name}/i", name)
        b.add_pin(f"{name}/o", name)
    b.add_net("in", [f"{first}/i", "Grp_0/i"], 2.0)
    b.add_net(f"{first}/o", ["bank/ram1/i", "cpu/i", "Grp_1/i"])
    b.add_net("cpu/o", ["rom/i", "out"], 5.0)
    b.add_net("Grp_2/o", ["rom/i", "Grp_0/i", "cpu/i", "bank/ram1/i"], 0.5)
    x = [0.0, 100.0, 50.0, 20.0, 45.0, 80.0, 60.0, 30.0, 52.0, 70.0]
    y = [40.0, 40.0, 0.0, 20.0, 20.0, 30.0, 60.0, 60.0, 44.0, 10.0]
    at = Placement(x, y, [0, 0, 0, 0, 3, 0, 1, 0, 0, 0], [True] * 10)
    canvas = Canvas(100.0, 80.0, 10, 8, 10.0, 12.0, 4.0, 3.0, 1)
    halo = np.zeros((10, 4))
    halo[3] = 1.0, 2.0, 0.0, 0.0
    return Problem(
        b.build(),
        canvas,
        at,
        allowed_orient=np.full(10, 255, np.uint8),
        blockages=(Blockage(0.0, 70.0, 10.0, 80.0), Blockage(90.0, 0.0, 100.0, 5.0, 0.5, hard=False)),
        regions=(Region("east", np.array([[40.0, 0.0, 100.0, 80.0]])),),
        halo_um=halo,
    )


def turned(problem: Problem) -> Problem:
    """The same with the rom on its side, at orientation E."""
    orient = problem.initial.orient.copy()
    orient[5] = 4
    return problem.replace(initial=problem.initial.replace(orient=orient))


def overlapping(problem: Problem) -> Placement:
    """The start with its second hard macro moved 15 um left, 5 um into the first."""
    x = problem.initial.x_um.copy()
    x[4] = 35.0
    return problem.initial.replace(x_um=x)


def write_design(folder: Path, problem: Problem, placement: Placement | None = None) -> Path:
    """Write netlist.pb.txt and initial.plc and return the netlist's path."""
    folder.mkdir(parents=True, exist_ok=True)
    write_netlist(folder / "netlist.pb.txt", problem.netlist)
    write_plc(folder / "initial.plc", problem, placement or problem.initial)
    return folder / "netlist.pb.txt"


def write_training(folder: Path, netlist: Path, problem: Problem, best: Placement | None, rows: int = 5) -> Path:
    """Write a folder as `floorplan train` leaves it and return it."""
    (folder / "policy").mkdir(parents=True)
    (folder / "policy" / "policy.safetensors").write_bytes(b"weights")
    tree = {
        "run": {"netlist": str(netlist), "netlist_hash": problem.netlist.content_hash, "seed": 7, "grid": "10 x 8"},
        "config": {
            "threads": 1,
            "env": {"order": "area", "wirelength_weight": 2.0, "density_weight": 0.25, "congestion_weight": 0.5},
            "ppo": {"num_envs": 4, "gamma": 1.0},
        },
        "versions": {"python": "3.11.7", "numpy": "2.4.6"},
        "machine": {"system": "Linux", "cpus": 2},
    }
    (folder / "config.toml").write_text(tomli_w.dumps(tree), encoding="utf-8")
    lines = [
        {
            "step": 10 * i,
            "episodes": 4 * i,
            "seconds": 1.5 * i,
            "best_proxy": 1.0 - 0.05 * i,
            "mean_proxy": None if i == 0 else 1.1 - 0.05 * i,
            "entropy": 2.0 - 0.1 * i,
            "explained_variance": 0.1 * i,
            "episodes_per_s": 2.5,
        }
        for i in range(rows)
    ]
    text = "".join(json.dumps(row) + "\n" for row in lines) + '{"step": 99, "torn'
    (folder / "metrics.jsonl").write_text(text, encoding="utf-8")
    if best is not None:
        write_plc(folder / "best.plc", problem, best)
    return folder
