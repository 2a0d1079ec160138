"""Small problems to place by hand."""

from __future__ import annotations

from functools import cache

import numpy as np

from floorplan.accelerator import generate
from floorplan.formats import read_problem
from floorplan.netlist import Canvas, NetlistBuilder, Placement, Problem, Side
from floorplan.shipped import default_netlist

SMALL_MACROS = 28


def small_tile(banks: int, lanes: int, soft: int) -> Problem:
    """A tile of 2 x 2 arrays, with so many activation banks, vector lanes and soft macros."""
    return generate(
        "systolic_tile",
        mac_rows=16,
        mac_columns=16,
        array_rows=2,
        array_columns=2,
        activation_banks=banks,
        vector_lanes=lanes,
        soft_macros=soft,
    )


@cache
def small_problem() -> Problem:
    """A tile of 28 hard and 60 soft macros."""
    problem = small_tile(2, 2, 60)
    assert len(problem.movable_hard) == SMALL_MACROS
    return problem


@cache
def shipped_problem() -> Problem:
    return read_problem(default_netlist())


def squares(count: int, size_um: float, canvas_um: float, cells: int) -> Problem:
    """`count` square macros m0, m1, ... on a square canvas, each tied to port p at the middle of the left edge."""
    b = NetlistBuilder("squares")
    b.add_port("p", Side.LEFT)
    for i in range(count):
        b.add_macro(f"m{i}", size_um, size_um)
        b.add_pin(f"m{i}/a", f"m{i}")
    b.add_net("p", [f"m{i}/a" for i in range(count)])
    netlist = b.build()
    y = np.zeros(netlist.num_nodes)
    y[0] = canvas_um / 2
    placed = np.arange(netlist.num_nodes) == 0
    initial = Placement(np.zeros(netlist.num_nodes), y, np.zeros(netlist.num_nodes, np.uint8), placed)
    return Problem(netlist, Canvas(canvas_um, canvas_um, cells, cells, 10.0, 10.0), initial)
