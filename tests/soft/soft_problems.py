"""Small problems for the tests of soft-macro placers."""

from __future__ import annotations

import numpy as np

from floorplan.netlist import Canvas, NetlistBuilder, Placement, Problem


def canvas(columns: int = 8, rows: int = 8, size: float = 80.0, smooth: int = 0) -> Canvas:
    return Canvas(size, size, columns, rows, 10.0, 10.0, 5.0, 5.0, smooth)


def between_ports(weight_left: float, weight_right: float) -> Problem:
    """Port, soft macro, port in a row: the springs' answer is the weighted mean."""
    b = NetlistBuilder("row")
    b.add_port("left")
    b.add_port("right")
    b.add_macro("Grp_0", 2.0, 2.0, soft=True)
    b.add_pin("Grp_0/a", "Grp_0")
    b.add_net("left", ["Grp_0/a"], weight_left)
    b.add_net("right", ["Grp_0/a"], weight_right)
    return Problem(b.build(), canvas(), place({0: (0.0, 40.0), 1: (80.0, 20.0)}, 3))


def place(at: dict[int, tuple[float, float]], count: int) -> Placement:
    x, y, placed = np.zeros(count), np.zeros(count), np.zeros(count, np.bool_)
    for i, (px, py) in at.items():
        x[i], y[i], placed[i] = px, py, True
    return Placement(x, y, np.zeros(count, np.uint8), placed)


def random_problem(
    seed: int = 0, hard: int = 4, soft: int = 30, ports: int = 12, nets: int = 150, smooth: int = 0
) -> Problem:
    """A made-up netlist whose hard macros stand on a coarse raster and whose soft macros have no position."""
    rng = np.random.default_rng(seed)
    b = NetlistBuilder(f"random{seed}")
    pins: list[str] = []
    for i in range(ports):
        b.add_port(f"p{i}")
        pins.append(f"p{i}")
    for i in range(hard):
        b.add_macro(f"m{i}", 12.0 + rng.integers(0, 6), 10.0 + rng.integers(0, 6))
        for j in range(4):
            b.add_pin(f"m{i}/{j}", f"m{i}", float(rng.uniform(-5, 5)), float(rng.uniform(-5, 5)))
            pins.append(f"m{i}/{j}")
    for i in range(soft):
        b.add_macro(f"Grp_{i}", float(rng.uniform(2, 12)), float(rng.uniform(2, 12)), soft=True)
        for j in range(3):
            b.add_pin(f"Grp_{i}/{j}", f"Grp_{i}")
            pins.append(f"Grp_{i}/{j}")
    sources = rng.permutation(len(pins))[: min(nets, len(pins))]
    for s in sources.tolist():
        sinks = rng.integers(0, len(pins), rng.integers(1, 5)).tolist()
        b.add_net(pins[s], [pins[k] for k in sinks], float(rng.integers(1, 4)))
    nl = b.build()
    at = {}
    for k, i in enumerate(nl.ports.tolist()):
        at[i] = (80.0 * (k % 2), 80.0 * k / max(ports - 1, 1))
    for k, i in enumerate(nl.hard.tolist()):
        at[i] = (15.0 + 20.0 * (k % 4), 15.0 + 20.0 * (k // 4))
    return Problem(nl, canvas(smooth=smooth), place(at, nl.num_nodes))
