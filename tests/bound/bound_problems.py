"""Small random problems, legal placements of them, and a search that pushes one cost part down."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from floorplan.cost import Cost, CostEngine
from floorplan.geometry import oriented_size_um
from floorplan.netlist import FLIPS, ONLY_N, Canvas, NetlistBuilder, Placement, Problem

TURNING = 0xFF
TURNED_ONLY = 0x30


def random_bound_problem(seed: int) -> Problem:
    """Return a problem with ports on and off the canvas, fixed and movable macros, and some odd grid."""
    rng = np.random.default_rng(seed)
    width, height = (100.0, 80.0) if rng.random() < 0.5 else tuple(rng.uniform(60, 120, 2).tolist())
    columns, rows = int(rng.integers(1, 13)), int(rng.integers(1, 13))
    canvas = Canvas(
        width,
        height,
        columns,
        rows,
        float(rng.uniform(0.5, 12)),
        float(rng.uniform(0.5, 12)),
        float(rng.uniform(0, 6)),
        float(rng.uniform(0, 6)),
        int(rng.integers(0, 3)),
    )
    b = NetlistBuilder("bound")
    pins: list[str] = []
    for i in range(int(rng.integers(1, 5))):
        b.add_port(f"p{i}")
        pins.append(f"p{i}")
    num_hard = int(rng.integers(0, 6))
    for i in range(num_hard):
        w, h = rng.uniform(4, 30, 2) if rng.random() < 0.6 else rng.integers(1, 4, 2) * [width / columns, height / rows]
        w, h = min(float(w), 0.6 * height, 0.6 * width), min(float(h), 0.6 * height, 0.6 * width)
        b.add_macro(f"m{i}", w, h)
        for k in range(int(rng.integers(1, 5))):
            reach = 0.5 if rng.random() < 0.9 else 0.8
            b.add_pin(f"m{i}/{k}", f"m{i}", float(rng.uniform(-w, w) * reach), float(rng.uniform(-h, h) * reach))
            pins.append(f"m{i}/{k}")
    for i in range(int(rng.integers(0, 5))):
        b.add_macro(f"Grp_{i}", float(rng.uniform(0.5, 40)), float(rng.uniform(0.5, 40)), soft=True)
        for k in range(2):
            b.add_pin(f"Grp_{i}/{k}", f"Grp_{i}")
            pins.append(f"Grp_{i}/{k}")
    for s in rng.permutation(len(pins))[: int(rng.integers(1, 14))].tolist():
        sinks = rng.choice(len(pins), size=int(rng.integers(1, 6)))
        b.add_net(pins[s], [pins[k] for k in sinks.tolist()], float(rng.choice([0.5, 1.0, 1.0, 2.0, 7.25])))
    netlist = b.build()
    n = netlist.num_nodes
    far = rng.random() < 0.2
    x = rng.uniform(-0.3 if far else 0, 1.3 if far else 1, n) * width
    y = rng.uniform(-0.3 if far else 0, 1.3 if far else 1, n) * height
    start = Placement(x, y, np.zeros(n, np.uint8), np.ones(n, bool))
    masks = rng.choice([ONLY_N, FLIPS, FLIPS, TURNING, TURNED_ONLY, 0x11], n)
    free = Problem(netlist, canvas, start, allowed_orient=masks)
    placement = random_legal(free, rng)
    if placement is None or rng.random() < 0.7:
        return free
    fixed = rng.random(n) < 0.3
    return Problem(netlist, canvas, placement, fixed=fixed, allowed_orient=masks)


def random_legal(problem: Problem, rng: np.random.Generator) -> Placement | None:
    """Return a random legal placement with soft macros inside, or None where chance does not find one."""
    nl, start = problem.netlist, problem.initial
    state = start.x_um.copy(), start.y_um.copy(), start.orient.copy()
    standing = [i for i in nl.hard.tolist() if problem.fixed[i]]
    for i in rng.permutation(problem.movable_hard).tolist():
        for _ in range(60):
            trial = _moved(problem, state, i, rng, standing)
            if trial is not None:
                state = trial
                standing.append(i)
                break
        else:
            return None
    for i in problem.movable_soft.tolist():
        trial = _moved(problem, state, i, rng, [])
        if trial is None:
            return None
        state = trial
    return Placement(*state, np.ones(nl.num_nodes, bool))


def pushed_down(
    problem: Problem, placement: Placement, part: Callable[[Cost], float], rng: np.random.Generator, steps: int
) -> Placement:
    """Return a legal placement with a part of the cost as low as a random descent gets it."""
    engine = CostEngine(problem)
    hard = problem.netlist.hard.tolist()
    best, lowest = placement, part(engine.full(placement))
    movable = np.concatenate([problem.movable_hard, problem.movable_soft])
    for _ in range(steps if len(movable) else 0):
        i = int(rng.choice(movable))
        others = [j for j in hard if j != i] if i in hard else []
        trial = _moved(problem, (best.x_um, best.y_um, best.orient), i, rng, others)
        if trial is not None:
            candidate = Placement(*trial, best.placed)
            value = part(engine.full(candidate))
            if value <= lowest:
                best, lowest = candidate, value
    return best


State = tuple[np.ndarray, np.ndarray, np.ndarray]


def _moved(problem: Problem, state: State, i: int, rng: np.random.Generator, others: list[int]) -> State | None:
    """Move node i to a random place: anywhere, nearby, on the grid or centred on it; None if that is illegal."""
    nl, cv = problem.netlist, problem.canvas
    x, y, orient = state[0].copy(), state[1].copy(), state[2].copy()
    orient[i] = rng.choice([o for o in range(8) if problem.allowed_orient[i] >> o & 1])
    w, h = (float(v[0]) for v in oriented_size_um(nl.node_w_um[[i]], nl.node_h_um[[i]], orient[[i]]))
    if w > cv.width_um or h > cv.height_um:
        return None
    if rng.random() < 0.3:
        x[i] += rng.normal() * 3
        y[i] += rng.normal() * 3
    else:
        x[i] = rng.uniform(w / 2, cv.width_um - w / 2)
        y[i] = rng.uniform(h / 2, cv.height_um - h / 2)
    kind = rng.integers(0, 5)
    if kind == 0:  # on grid lines
        x[i] = np.round((x[i] - w / 2) / cv.cell_w_um) * cv.cell_w_um + w / 2
        y[i] = np.round((y[i] - h / 2) / cv.cell_h_um) * cv.cell_h_um + h / 2
    elif kind == 1:  # centred on a grid line
        x[i] = np.round(x[i] / cv.cell_w_um) * cv.cell_w_um
        y[i] = np.round(y[i] / cv.cell_h_um) * cv.cell_h_um
    elif kind == 2:  # centred in a cell
        x[i] = (np.floor(x[i] / cv.cell_w_um) + 0.5) * cv.cell_w_um
        y[i] = (np.floor(y[i] / cv.cell_h_um) + 0.5) * cv.cell_h_um
    x[i] = min(max(x[i], w / 2), cv.width_um - w / 2)
    y[i] = min(max(y[i], h / 2), cv.height_um - h / 2)
    for j in others:
        wj, hj = (float(v[0]) for v in oriented_size_um(nl.node_w_um[[j]], nl.node_h_um[[j]], orient[[j]]))
        if abs(x[i] - x[j]) < (w + wj) / 2 and abs(y[i] - y[j]) < (h + hj) / 2:
            return None
    return x, y, orient
