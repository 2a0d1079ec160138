"""Problems that are feasible by construction, and placements that are far from legal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from floorplan.geometry import Orient
from floorplan.netlist import Blockage, Canvas, NetlistBuilder, Placement, Problem

SHAPES = ("even", "mixed", "wild", "flat", "grid")
STARTS = ("uniform", "point", "corner", "outside", "noisy")


@dataclass(frozen=True)
class Case:
    """A problem, a placement of it, and where its macros could stand."""

    name: str
    problem: Problem
    start: Placement
    solution: Placement


def make_case(seed: int, utilization: float | None = None, most: int = 200, least: int = 2) -> Case:
    """Return case `seed`: a canvas cut straight into `least..most` rectangles, shrunk.

    The hard macros take the given share (30 to 80 %, and 80 % in a third of the cases) of what fixed macros and
    blockages leave free. In the solution each stands in the middle of the rectangle it was shrunk from.
    """
    rng = np.random.default_rng(seed)
    shape, start = SHAPES[seed % 5], STARTS[seed // 5 % 5]
    count = int(np.exp(rng.uniform(np.log(least), np.log(most + 0.999))))
    share = float(rng.uniform(0.3, 0.8)) if utilization is None else utilization
    if utilization is None and seed % 3 == 0:
        share = 0.8
    width, height = float(rng.uniform(50, 2000)), 0.0
    height = width * float(rng.uniform(0.5, 2))
    kind = np.zeros(count, np.int64)
    if count >= 6 and seed % 2:
        kind[rng.permutation(count)[: rng.integers(1, max(2, count // 6) + 1)]] = rng.integers(1, 3)
    box = _cuts(rng, width, height, count, shape)
    size = box[:, 2:] - box[:, :2]
    free = float(size[kind == 0].prod(axis=1).sum())
    spacing = float(rng.choice([0.0, 0.0, 0.01])) * float(size.min())
    # Each macro keeps its cell's middle; sizes are shrunk unevenly, first by what spacing and the safe gap take.
    room = size - spacing - 1e-6 * max(width, height)
    stretch = rng.uniform(0.8, 1.0, size=(count, 2)) if shape in ("wild", "mixed") else np.ones((count, 2))
    low, high = 0.0, 2.0
    for _ in range(60):
        mid = (low + high) / 2
        area = float(np.minimum(room, size * stretch * mid)[kind == 0].prod(axis=1).sum())
        low, high = (mid, high) if area < share * free else (low, mid)
    size = np.minimum(room, size * stretch * low)
    size[kind == 2] = room[kind == 2]
    at = (box[:, :2] + box[:, 2:]) / 2
    turned = rng.random(count) < 0.2

    b = NetlistBuilder(f"case{seed}")
    for i in range(count):
        if kind[i] < 2:
            w, h = size[i, ::-1] if turned[i] else size[i]
            b.add_macro(f"m{i}", float(w), float(h))
            b.add_pin(f"m{i}/p", f"m{i}")
    b.add_macro("Grp_0", width / 10, height / 10, soft=True)
    b.add_pin("Grp_0/p", "Grp_0")
    b.add_net("m0/p" if kind[0] < 2 else "Grp_0/p", ["Grp_0/p" if kind[0] < 2 else f"m{int(np.argmin(kind))}/p"])
    netlist = b.build()
    macros = np.flatnonzero(kind < 2)
    x, y = np.append(at[macros, 0], width / 2), np.append(at[macros, 1], height / 2)
    orient = np.append(np.where(turned[macros], Orient.E, Orient.N), Orient.N).astype(np.uint8)
    solution = Placement(x, y, orient, np.ones(len(x), np.bool_))
    fixed = np.append(kind[macros] == 1, False)
    blocked = tuple(
        Blockage(*(at[i] - size[i] / 2).tolist(), *(at[i] + size[i] / 2).tolist()) for i in np.flatnonzero(kind == 2)
    )
    problem = Problem(
        netlist,
        Canvas(width, height, 10, 10, 10.0, 10.0),
        solution,
        fixed,
        np.full(len(x), 255, np.uint8),
        macro_spacing_um=spacing,
        blockages=blocked,
    )
    rest = f"{int((kind == 1).sum())} fixed, {len(blocked)} blocked"
    name = f"{seed}: {count} {shape} rectangles, {share:.0%}, {start}, {rest}"
    return Case(name, problem, _start(rng, problem, start), solution)


def _cuts(rng: np.random.Generator, width: float, height: float, count: int, shape: str) -> npt.NDArray[np.float64]:
    """Return (count, 4) rectangles that tile the canvas (a grid may leave part of its last row): x0, y0, x1, y1."""
    if shape == "grid":
        rows = max(1, round((count * height / width) ** 0.5))
        columns = -(-count // rows)
        r, c = np.divmod(np.arange(count), columns)
        x, y = np.linspace(0, width, columns + 1), np.linspace(0, height, rows + 1)
        return np.stack([x[c], y[r], x[c + 1], y[r + 1]], axis=1)
    boxes = [np.array([0.0, 0.0, width, height])]
    while len(boxes) < count:
        area = np.array([(q[2] - q[0]) * (q[3] - q[1]) for q in boxes])
        if shape in ("even", "flat"):
            k = int(np.argmax(area))
        else:
            k = int(rng.choice(len(boxes), p=area**0.5 / (area**0.5).sum()))
        q = boxes.pop(k)
        w, h = q[2] - q[0], q[3] - q[1]
        along_x = rng.random() < {"even": float(w > h), "mixed": w / (w + h), "wild": 0.5, "flat": 0.15}[shape]
        cut = float(rng.uniform(0.45, 0.55) if shape in ("even", "flat") else rng.uniform(0.15, 0.85))
        a, b = q.copy(), q.copy()
        if along_x:
            a[2] = b[0] = q[0] + cut * w
        else:
            a[3] = b[1] = q[1] + cut * h
        boxes += [a, b]
    return np.array(boxes)


def _start(rng: np.random.Generator, problem: Problem, kind: str) -> Placement:
    cv, at = problem.canvas, problem.initial
    x, y = at.x_um.copy(), at.y_um.copy()
    move = np.flatnonzero(~problem.fixed)
    n = len(move)
    if kind == "uniform":
        x[move], y[move] = rng.uniform(0, cv.width_um, n), rng.uniform(0, cv.height_um, n)
    elif kind == "point":
        x[move], y[move] = rng.uniform(0, cv.width_um), rng.uniform(0, cv.height_um)
    elif kind == "corner":
        x[move], y[move] = cv.width_um, 0.0
    elif kind == "outside":
        angle = rng.uniform(0, 2 * np.pi, n)
        x[move], y[move] = cv.width_um * (0.5 + 2 * np.cos(angle)), cv.height_um * (0.5 + 2 * np.sin(angle))
    else:
        x[move] += rng.normal(0, 0.05 * cv.width_um, n)
        y[move] += rng.normal(0, 0.05 * cv.height_um, n)
    return at.replace(x, y)
