"""Bounds of the public netlists lie below every placement of them that is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from floorplan.bound import lower_bound
from floorplan.bound.congestion import congestion_bound
from floorplan.bound.density import density_bound
from floorplan.bound.netpoints import gather_points
from floorplan.bound.packing import hub_flows
from floorplan.cost import CostEngine, CostOptions
from floorplan.formats import read_problem
from floorplan.netlist import Problem

# The lowest parts found by long annealing runs from the legalised placements.
LOWEST = {
    "ASAP7_ariane133": (0.0922, 0.4869, 0.7383),
    "ASAP7_ariane136": (0.0890, 0.4848, 0.7068),
    "ASAP7_mempool_tile": (0.0733, 0.5587, 0.6855),
    "NanGate45_ariane133": (0.0484, 0.3934, 0.6947),
    "NanGate45_nvdla": (0.0524, 0.5000, 0.6946),
    "SKY130HD_ariane133": (0.0420, 0.4800, 0.6701),
}


def read(benchmarks: Path, design: str) -> Problem:
    folder = benchmarks / "ct" / design
    legal = folder / "legalized.plc.xz"
    return read_problem(folder / "netlist.pb.txt.xz", legal if legal.exists() else folder / "initial.plc.xz")


@pytest.mark.parametrize("design", ["ASAP7_mempool_tile", "NanGate45_ariane133"])
def test_grid_parts_and_packing_of_real_netlists(benchmarks: Path, design: str) -> None:
    problem, options = read(benchmarks, design), CostOptions()
    density, _ = density_bound(problem, options)
    congestion, _ = congestion_bound(problem, options, 0.0)
    assert 0.85 * LOWEST[design][1] < density < LOWEST[design][1]
    assert 0.85 * LOWEST[design][2] < congestion < LOWEST[design][2]
    if design == "NanGate45_ariane133":
        nets = gather_points(problem, problem.netlist.net_weight)
        flows = hub_flows(problem, nets)
        um = (problem.canvas.width_um + problem.canvas.height_um) * float(problem.netlist.net_weight.sum())
        assert 0.004 < flows.value_um / um < LOWEST[design][0]
        assert (flows.used <= nets.weight).all()


@pytest.mark.slow
@pytest.mark.parametrize("design", sorted(LOWEST))
def test_real_placements_cost_no_less(benchmarks: Path, design: str) -> None:
    problem = read(benchmarks, design)
    bound, cost = lower_bound(problem), CostEngine(problem).full(problem.initial)
    for part, lowest in zip(("wirelength", "density", "congestion"), LOWEST[design], strict=True):
        assert 0 < getattr(bound, part) <= min(lowest, getattr(cost, part)), part
    wirelength, density, congestion = LOWEST[design]
    assert bound.proxy <= min(cost.proxy, wirelength + 0.5 * density + 0.5 * congestion)
