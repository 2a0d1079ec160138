"""A pool of tiny netlists on disk."""

from __future__ import annotations

from pathlib import Path

import tomli_w

from floorplan.formats import write_netlist, write_plc
from tests.agents.ppo_cases import tiny_problem

SETTINGS = {"netlists_per_round": 2, "envs": 2, "variants": 3, "evaluate_every": 8, "samples": 1, "views": 1}


def write_netlists(folder: Path, sizes: tuple[tuple[int, int], ...] = ((5, 8), (6, 8), (4, 9))) -> list[Path]:
    """Write one tiny netlist of (macros, cells a side) each into a folder of its own below `folder`."""
    paths = []
    for i, (macros, grid) in enumerate(sizes):
        problem = tiny_problem(macros, grid, seed=i)
        path = folder / f"n{i}" / "netlist.pb.txt"
        path.parent.mkdir(parents=True)
        write_netlist(path, problem.netlist, problem.initial)
        write_plc(path.with_name("initial.plc"), problem, problem.initial)
        paths.append(path)
    return paths


def write_pool(folder: Path, **settings: object) -> Path:
    """Write a pool that trains on two netlists and holds out a third."""
    write_netlists(folder / "nets")
    pool = {
        "settings": SETTINGS | settings,
        "netlist": [{"path": "nets/n0/netlist.pb.txt"}, {"path": "nets/n1", "name": "second"}],
        "held_out": [{"path": "nets/n2/netlist.pb.txt", "name": "third"}],
    }
    path = folder / "pool.toml"
    path.write_text(tomli_w.dumps(pool))
    return path
