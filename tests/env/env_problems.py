"""Small problems for the environment's tests."""

from __future__ import annotations

import numpy as np

from floorplan.env import ConstructBatch, ConstructConfig, RefineBatch
from floorplan.geometry import Orient, orient_bit
from floorplan.netlist import Blockage, Canvas, NetlistBuilder, NodeKind, Placement, Problem

PLAIN = ConstructConfig(soft_placer="none", soft_start="initial")
"""Soft macros never move, so that the partial cost of a full placement is its final cost."""


def hand_drawn() -> Problem:
    """Three macros on 3 x 3 cells of 10 um.

    A is 18 x 8, B and C are 8 x 8; port P lies at (0, 15). Nets: A -> B (weight 1), P -> A, C (2), B -> C (1).
    """
    nb = NetlistBuilder("hand_drawn")
    nb.add_macro("A", 18, 8)
    nb.add_macro("B", 8, 8)
    nb.add_macro("C", 8, 8)
    nb.add_port("P")
    nb.add_pin("A/o", "A", 9, 0)
    nb.add_pin("A/i", "A", -9, 0)
    nb.add_pin("B/i", "B", -4, 0)
    nb.add_pin("B/o", "B", 0, 4)
    nb.add_pin("C/i", "C", 0, 4)
    nb.add_pin("C/j", "C", 0, -4)
    nb.add_net("A/o", ["B/i"])
    nb.add_net("P", ["A/i", "C/i"], 2)
    nb.add_net("B/o", ["C/j"])
    x, y = np.zeros(4), np.array([0, 0, 0, 15.0])
    initial = Placement(x, y, np.zeros(4, np.uint8), np.array([False, False, False, True]))
    return Problem(nb.build(), Canvas(30.0, 30.0, 3, 3, 1.0, 1.0), initial)


def crowded(count: int = 3) -> Problem:
    """`count` macros that each fit on 2 x 1 cells only once: the second is a dead end."""
    nb = NetlistBuilder("crowded")
    for i in range(count):
        nb.add_macro(f"m{i}", 7, 7)
        nb.add_pin(f"m{i}/p", f"m{i}")
    nb.add_port("in")
    nb.add_net("in", [f"m{i}/p" for i in range(count)])
    placed = np.arange(count + 1) == count
    initial = Placement(np.zeros(count + 1), np.zeros(count + 1), np.zeros(count + 1, np.uint8), placed)
    return Problem(nb.build(), Canvas(16.0, 10.0, 2, 1, 1.0, 1.0), initial)


def random_problem(seed: int, *, max_size: float = 1.7) -> Problem:
    """Anything goes: fixed macros off the canvas, turned, overlapping; one-pin nets; own loops; odd grids."""
    rng = np.random.default_rng(seed)
    columns, rows = (int(n) for n in rng.integers(2, 8, 2))
    gw, gh = rng.uniform(3, 30, 2)
    canvas = Canvas(
        columns * gw,
        rows * gh,
        columns,
        rows,
        *rng.uniform(0.5, 3, 2),
        *(rng.uniform(0.1, 1, 2) if rng.random() < 0.8 else (0.0, 0.0)),
        smooth_range=int(rng.integers(0, 3)),
    )
    edge = float(rng.choice([0.0, 0.1 * gw]))
    nb = NetlistBuilder(f"random{seed}")
    pins: list[str] = []
    counts = {"hard": int(rng.integers(1, 5)), "fix": int(rng.integers(0, 3)), "soft": int(rng.integers(0, 4))}
    for kind, count in counts.items():
        for i in range(count):
            name = f"{kind}{i}"
            w, h = rng.uniform(0.2, max_size, 2) * (gw, gh)
            if rng.random() < 0.3:
                w, h = gw * rng.integers(1, 3), gh * rng.integers(1, 3)
            w, h = min(w, canvas.width_um - 2 * edge), min(h, canvas.height_um - 2 * edge)
            nb.add_macro(name, w, h, soft=kind == "soft")
            for j in range(int(rng.integers(1, 4))):
                dx, dy = rng.uniform(-0.5, 0.5, 2) * (w, h)
                nb.add_pin(f"{name}/{j}", name, dx, dy)
                pins.append(f"{name}/{j}")
    for i in range(int(rng.integers(1, 4))):
        nb.add_port(f"port{i}")
        pins.append(f"port{i}")
    for source in rng.permutation(pins)[: int(rng.integers(1, len(pins) + 1))]:
        sinks = rng.choice(pins, int(rng.integers(0, 7))).tolist()
        nb.add_net(str(source), sinks, float(rng.choice([0.5, 1.0, 2.0, 3.7])))
    nl = nb.build()
    n = nl.num_nodes
    x, y = rng.uniform(-0.2, 1.2, n) * canvas.width_um, rng.uniform(-0.2, 1.2, n) * canvas.height_um
    fixed = np.array([name.startswith("fix") for name in nl.node_name])
    hard = nl.node_kind == NodeKind.HARD
    initial = Placement(x, y, np.where(fixed, rng.integers(0, 8, n), 0), np.ones(n, np.bool_))
    allowed = np.full(n, orient_bit(Orient.N) | orient_bit(Orient.S), np.uint8)
    allowed[hard & (rng.random(n) < 0.2)] = orient_bit(Orient.FN) | orient_bit(Orient.E)
    blockages = [
        Blockage(
            x0 * canvas.width_um, y0 * canvas.height_um, (x0 + 0.3) * canvas.width_um, (y0 + 0.2) * canvas.height_um
        )
        for x0, y0 in rng.uniform(-0.2, 1, (int(rng.integers(0, 2)), 2))
    ]
    return Problem(
        nl,
        canvas,
        initial,
        fixed,
        allowed,
        macro_spacing_um=float(rng.choice([0.0, 0.3 * gw])),
        boundary_spacing_um=edge,
        blockages=tuple(blockages),
    )


def random_actions(batch: ConstructBatch | RefineBatch, rng: np.random.Generator) -> np.ndarray:
    """Draw a legal cell for every environment (any cell at a dead end)."""
    return (rng.random(batch.masks.shape) * (batch.masks + 1e-9)).argmax(axis=1)
