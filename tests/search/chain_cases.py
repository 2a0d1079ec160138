"""Small problems to search, and what must hold of every chain."""

from __future__ import annotations

import numpy as np
import pytest

from floorplan.cost import CostEngine
from floorplan.legalize import legalize
from floorplan.netlist import Canvas, Netlist, NetlistBuilder, Placement, Problem, check_legality
from floorplan.search import Chain


def netlist(hard: int, soft: int, seed: int = 0) -> Netlist:
    rng = np.random.default_rng(seed)
    b = NetlistBuilder("search")
    pins = []
    for i in range(4):
        b.add_port(f"p{i}")
        pins.append(f"p{i}")
    for i in range(hard):
        w, h = rng.choice([6.0, 9.0, 14.0], 2)
        b.add_macro(f"m{i}", float(w), float(h))
        for k in range(3):
            b.add_pin(f"m{i}/{k}", f"m{i}", float(rng.uniform(-w / 2, w / 2)), float(rng.uniform(-h / 2, h / 2)))
            pins.append(f"m{i}/{k}")
    for i in range(soft):
        b.add_macro(f"Grp_{i}", float(rng.uniform(2, 6)), float(rng.uniform(2, 6)), soft=True)
        b.add_pin(f"Grp_{i}/0", f"Grp_{i}")
        pins.append(f"Grp_{i}/0")
    for s in rng.permutation(len(pins)).tolist():
        sinks = rng.choice(len(pins), size=int(rng.integers(1, 5)))
        b.add_net(pins[s], [pins[k] for k in sinks.tolist()], float(rng.choice([1.0, 3.0])))
    return b.build()


def problem(hard: int = 8, soft: int = 12, seed: int = 0, *, smooth_range: int = 0, **limits: object) -> Problem:
    nl = netlist(hard, soft, seed)
    rng = np.random.default_rng(seed + 1)
    canvas = Canvas(100.0, 80.0, 12, 10, 11.0, 13.0, 5.0, 7.0, smooth_range)
    n = nl.num_nodes
    x, y = rng.uniform(10, 90, n), rng.uniform(10, 70, n)
    at = Placement(x, y, np.zeros(n, np.uint8), np.ones(n, np.bool_))
    made = Problem(nl, canvas, at).replace(**limits)
    return made.replace(initial=legalize(made, at))


def assert_sound(chain: Chain, spacing_um: float) -> None:
    """The placement is legal, its gaps hold, soft macros lie inside, and the cost is the full engine's."""
    place = chain.engine.placement
    nl, cv = chain.problem.netlist, chain.problem.canvas
    assert check_legality(chain.problem, place).legal
    assert chain.cost.proxy == pytest.approx(CostEngine(chain.problem, chain.options).full(place).proxy, rel=1e-9)
    x0, x1 = place.x_um - nl.node_w_um / 2, place.x_um + nl.node_w_um / 2
    y0, y1 = place.y_um - nl.node_h_um / 2, place.y_um + nl.node_h_um / 2
    soft = nl.soft
    assert x0[soft].min() >= -1e-9
    assert x1[soft].max() <= cv.width_um + 1e-9
    assert y0[soft].min() >= -1e-9
    assert y1[soft].max() <= cv.height_um + 1e-9
    h = nl.hard
    gap = np.maximum(
        np.maximum(x0[h][None] - x1[h][:, None], x0[h][:, None] - x1[h][None]),
        np.maximum(y0[h][None] - y1[h][:, None], y0[h][:, None] - y1[h][None]),
    )
    np.fill_diagonal(gap, np.inf)
    assert gap.min() >= spacing_um - 1e-9
