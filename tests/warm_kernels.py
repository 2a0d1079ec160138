"""Compile the kernels that most tests share, in two processes at the same time, each its own kernels.

Workers that start on a fresh clone would each compile the same ones for themselves, at twice the cost. Nothing relies
on this: a kernel that is left out here is compiled by the first test that calls it. A process runs one part:
`python -m tests.warm_kernels search`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]

KERNELS = ("cost", "env", "reality", "search", "soft")
"""Packages of `floorplan` whose `kernels` a part below compiles."""


def cold() -> bool:
    """Return whether a package has kernels of which none was compiled before."""
    return not all(any((ROOT / "floorplan" / p / "kernels" / "__pycache__").glob("*.nbi")) for p in KERNELS)


def warm_up() -> None:
    """Run all parts, each in a process of its own, and wait; a part that fails leaves its kernels to the tests."""
    command = [sys.executable, "-m", "tests.warm_kernels"]
    parts = [subprocess.Popen([*command, p], cwd=ROOT) for p in PARTS]
    for part in parts:
        part.wait()


def soft_and_env() -> None:
    """Soft placers, the game of placing macro by macro, and the checks of reality."""
    from floorplan.bench.warmup import small_problem
    from floorplan.cost import CostEngine
    from floorplan.env import ConstructBatch
    from floorplan.reality import check_reality
    from floorplan.soft import make_soft_placer

    problem = small_problem()
    at = problem.initial
    many = tuple(np.tile(v, (2, 1)) for v in (at.x_um, at.y_um, at.orient))
    CostEngine(problem).batch(*many)
    for name in ("quadratic", "force_directed"):
        placer = make_soft_placer(name, problem)
        placer.place(at)
        placer.place_batch(*many)
    batch = ConstructBatch(problem, 2)
    batch.step(batch.masks.argmax(axis=1))
    batch.set_state(batch.get_state())
    check_reality(problem, at)


def cost_and_search() -> None:
    """Moves and what they cost, the searches made of them, and the game that moves macros."""
    from floorplan.bench.warmup import small_problem
    from floorplan.env import RefineBatch, RefineConfig
    from floorplan.search import Chain

    problem = small_problem()
    chain = Chain(problem, problem.initial, seed=0)
    chain.anneal(100, 0.01, 0.001)
    chain.descend(100)
    refine = RefineBatch(problem, 2, RefineConfig(lifts=2, choice="cost"))
    refine.begin(problem.initial)
    refine.step(refine.masks.argmax(axis=1))


PARTS: dict[str, Callable[[], None]] = {"env": soft_and_env, "search": cost_and_search}


if __name__ == "__main__":
    PARTS[sys.argv[1]]()
