"""Figures of the legaliser: how many of 1,000 far-from-legal placements become legal, how far macros move, how fast.

Run with `pytest -m bench -s tests/bench/test_legalize_speed.py`; nothing here fails on a clock. LEGALIZE_CASES sets
the number of placements, LEGALIZE_FIRST the first.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from collections import Counter
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from floorplan.errors import InfeasibleProblemError
from floorplan.formats import read_problem
from floorplan.legalize import legalize
from floorplan.netlist import Placement, Problem, check_legality

pytestmark = pytest.mark.bench


def _cases() -> ModuleType:
    """Load the case maker, which lies with the legaliser's tests."""
    path = Path(__file__).resolve().parents[1] / "legalize" / "legalize_cases.py"
    spec = importlib.util.spec_from_file_location("legalize_cases", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_random_and_adversarial_placements_become_legal() -> None:
    cases = _cases()
    first, count = int(os.environ.get("LEGALIZE_FIRST", "0")), int(os.environ.get("LEGALIZE_CASES", "1000"))
    seconds, failed = [], []
    macros: Counter[str] = Counter()
    legalize(cases.make_case(0).problem, cases.make_case(0).start)  # compiles
    for seed in range(first, first + count):
        case = cases.make_case(seed)
        assert check_legality(case.problem, case.solution).legal, case.name
        begin = time.perf_counter()
        try:
            done = legalize(case.problem, case.start)
            if not check_legality(case.problem, done).legal:
                failed.append(f"{case.name}: returned what is not legal")
        except InfeasibleProblemError as error:
            failed.append(f"{case.name}: {error}")
        seconds.append(time.perf_counter() - begin)
        n = len(case.problem.movable_hard)
        macros["2-10" if n <= 10 else "11-50" if n <= 50 else "51-200"] += 1
    t = np.array(seconds)
    print(f"\n{count - len(failed)} of {count} made legal; macros {dict(macros)}")
    print(
        f"seconds: mean {t.mean():.3f}, median {np.median(t):.3f}, 99 % {np.quantile(t, 0.99):.2f}, most {t.max():.2f}"
    )
    print("\n".join(failed))
    assert not failed


def test_given_placements_of_real_designs(benchmarks: Path) -> None:
    print()
    for folder in sorted((benchmarks / "ct").iterdir()):
        problem = read_problem(folder / "netlist.pb.txt.xz", folder / "initial.plc.xz")
        for name, start in (("initial", problem.initial), ("uniform", _uniform(problem))):
            wrong = len(check_legality(problem, start).violations)
            begin = time.perf_counter()
            done = legalize(problem, start)
            seconds = time.perf_counter() - begin
            assert check_legality(problem, done).legal
            hard = problem.netlist.hard
            moved = np.abs(done.x_um - start.x_um)[hard] + np.abs(done.y_um - start.y_um)[hard]
            print(
                f"{folder.name:22s} {name:8s} {len(hard):4d} macros, {wrong:4d} violations: moved "
                f"{int((moved > 1e-3).sum()):3d} by {moved.sum():9.1f} um, at most {moved.max():7.1f}, {seconds:.2f} s"
            )


@pytest.mark.parametrize("count", [133, 300, 600])
def test_seconds_by_number_of_macros(count: int) -> None:
    cases = _cases()
    for seed in range(4):
        case = cases.make_case(count + 7 * seed, utilization=0.7, most=count, least=count)
        begin = time.perf_counter()
        done = legalize(case.problem, case.start)
        seconds = time.perf_counter() - begin
        assert check_legality(case.problem, done).legal
        print(f"\n{case.name}: {seconds:.2f} s", end="")


def _uniform(problem: Problem) -> Placement:
    """Return the hard macros at random centres."""
    rng = np.random.default_rng(0)
    hard, cv = problem.movable_hard, problem.canvas
    x, y = problem.initial.x_um.copy(), problem.initial.y_um.copy()
    x[hard], y[hard] = rng.uniform(0, cv.width_um, len(hard)), rng.uniform(0, cv.height_um, len(hard))
    return problem.initial.replace(x, y)
