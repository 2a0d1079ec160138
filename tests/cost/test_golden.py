"""The engine meets every published value, printed by AlphaChip's own evaluator and exact to double precision."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from floorplan.cost import CostEngine
from floorplan.cost.reference import evaluate
from floorplan.formats import read_netlist, read_problem
from floorplan.netlist import Canvas, Problem

NAMES = [
    "ct/NanGate45_nvdla/initial.plc",
    "ct/NanGate45_nvdla/legalized.plc",
    "ct/ASAP7_ariane133/initial.plc",
    "ct/ASAP7_ariane133/legalized.plc",
    "ct/ASAP7_ariane136/initial.plc",
    "ct/ASAP7_ariane136/legalized.plc",
    "ct/ASAP7_mempool_tile/initial.plc",
    "ct/SKY130HD_ariane133/initial.plc",
    "ct/SKY130HD_ariane133/legalized.plc",
    "ct/NanGate45_ariane133/initial.plc",
    "ct/NanGate45_ariane133/legalized.plc",
    "golden/NanGate45_ariane133_random0_smooth0",
    "golden/NanGate45_ariane133_random1_smooth2",
    "golden/ASAP7_mempool_tile_random2_smooth2",
]


def load(benchmarks: Path, name: str) -> tuple[Problem, dict[str, dict[str, float]]]:
    golden = json.loads((benchmarks / "golden" / "costs.json").read_text())
    assert sorted(golden) == sorted(NAMES)
    entry = golden[name]
    return read_problem(benchmarks / entry["netlist"], benchmarks / entry["placement"]), entry


@pytest.mark.parametrize("name", NAMES)
def test_engine_meets_published_values(benchmarks: Path, name: str) -> None:
    problem, entry = load(benchmarks, name)
    cost = CostEngine(problem).full(problem.initial)
    for part, value in entry["exact"].items():
        assert getattr(cost, part) == pytest.approx(value, rel=1e-9, abs=0), part
    p = problem.initial
    batch = CostEngine(problem).batch(p.x_um[None], p.y_um[None], p.orient[None])
    assert batch[0] == cost


@pytest.mark.parametrize("name", ["ct/NanGate45_ariane133/legalized.plc", "golden/ASAP7_mempool_tile_random2_smooth2"])
def test_reference_meets_published_values(benchmarks: Path, name: str) -> None:
    problem, entry = load(benchmarks, name)
    cost = evaluate(problem, problem.initial).cost
    for part, value in entry["exact"].items():
        assert getattr(cost, part) == pytest.approx(value, rel=1e-9, abs=0), part


def test_circuit_training_test_design(benchmarks: Path) -> None:
    """macro_tiles_10x10 at the evaluator's default canvas; the values are circuit_training's own."""
    netlist, start = read_netlist(benchmarks / "ct_testdata" / "designs" / "macro_tiles_10x10" / "netlist.pb.txt.xz")
    cost = CostEngine(Problem(netlist, Canvas.default_for(netlist), start)).full(start)
    assert cost.wirelength_um == pytest.approx(5400.0, rel=1e-12)
    assert cost.wirelength == pytest.approx(0.007745966692414834, rel=1e-12)
    assert cost.density == pytest.approx(0.3570806661517036, rel=1e-12)
    assert cost.congestion == pytest.approx(1.124405186246434, rel=1e-12)
