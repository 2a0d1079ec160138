"""Hypothesis strategies and builders for small random problems."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from floorplan.netlist import Canvas, Netlist, NetlistBuilder, NodeKind, Placement, Problem


def random_problem(seed: int, *, columns: int, rows: int, smooth_range: int = 0, nets: int = 12) -> Problem:
    """Return a small problem whose macros lie anywhere, also across the canvas edge, in any orientation."""
    rng = np.random.default_rng(seed)
    b = NetlistBuilder("random")
    pins: list[str] = []
    for i in range(int(rng.integers(1, 5))):
        b.add_port(f"p{i}")
        pins.append(f"p{i}")
    for i in range(int(rng.integers(1, 5))):
        w, h = rng.choice([10.0, 20.0, 33.3, 70.0], 2)
        b.add_macro(f"m{i}", float(w), float(h))
        for k in range(int(rng.integers(1, 4))):
            b.add_pin(f"m{i}/{k}", f"m{i}", float(rng.uniform(-w / 2, w / 2)), float(rng.uniform(-h / 2, h / 2)))
            pins.append(f"m{i}/{k}")
    for i in range(int(rng.integers(1, 5))):
        b.add_macro(f"Grp_{i}", float(rng.uniform(0.5, 30)), float(rng.uniform(0.5, 30)), soft=True)
        for k in range(2):
            b.add_pin(f"Grp_{i}/{k}", f"Grp_{i}")
            pins.append(f"Grp_{i}/{k}")
    sources = rng.permutation(len(pins))[: min(nets, len(pins))]
    for s in sources.tolist():
        sinks = rng.choice(len(pins), size=int(rng.integers(1, 6)))
        b.add_net(pins[s], [pins[k] for k in sinks.tolist()], float(rng.choice([0.5, 1.0, 2.0, 7.25])))
    netlist = b.build()
    canvas = Canvas(100.0, 80.0, columns, rows, 11.0, 13.0, 5.0, 7.0, smooth_range)
    return Problem(netlist, canvas, random_placement(netlist, canvas, seed + 1))


def random_placement(netlist: Netlist, canvas: Canvas, seed: int) -> Placement:
    """Return positions on a half-micrometre lattice that runs a little past the canvas, in any orientation."""
    rng = np.random.default_rng(seed)
    n = netlist.num_nodes
    x = np.round(rng.uniform(-0.15, 1.15, n) * canvas.width_um * 2) / 2
    y = np.round(rng.uniform(-0.15, 1.15, n) * canvas.height_um * 2) / 2
    orient = np.where(netlist.node_kind == NodeKind.HARD, rng.integers(0, 8, n), 0)
    return Placement(x, y, orient, np.ones(n, bool))


problems = st.builds(
    random_problem,
    st.integers(0, 2**32 - 1),
    columns=st.integers(1, 9),
    rows=st.integers(1, 9),
    smooth_range=st.integers(0, 3),
)
