"""Small random problems under each kind of constraint, and a slow twin of what legality asks for."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from floorplan.geometry import Orient, oriented_size_um
from floorplan.netlist import Blockage, Canvas, NetlistBuilder, Placement, Problem, Region, Snap

KINDS = ("halo", "region", "fence", "snap", "soft", "turned", "edge", "fixed", "everything")
"""What `constrained` can ask for."""

F64 = npt.NDArray[np.float64]

TURN = {  # side of a macro in N (0 left, 1 below, 2 right, 3 above) that lies left, below, right, above when turned
    Orient.N: (0, 1, 2, 3),
    Orient.FN: (2, 1, 0, 3),
    Orient.FS: (0, 3, 2, 1),
    Orient.S: (2, 3, 0, 1),
    Orient.E: (1, 2, 3, 0),
    Orient.W: (3, 0, 1, 2),
    Orient.FE: (3, 2, 1, 0),
    Orient.FW: (1, 0, 3, 2),
}


def plain(seed: int, *, hard: int = 6, soft: int = 3, side: float = 100.0) -> Problem:
    """Return macros of 8 to 18 um with a net or two each on a canvas of 10 x 8 cells, a port at the left."""
    rng = np.random.default_rng(seed)
    nb = NetlistBuilder(f"constrained{seed}")
    pins = []
    for kind, count in (("h", hard), ("s", soft)):
        for i in range(count):
            name = f"{kind}{i}"
            w, h = np.round(rng.uniform(8, 18, 2), 2)
            nb.add_macro(name, w, h, soft=kind == "s")
            for j in range(2):
                pin = f"{name}/{j}"
                nb.add_pin(pin, name, *(rng.uniform(-0.5, 0.5, 2) * (w, h)))
                pins.append(pin)
    nb.add_port("in")
    nb.add_net("in", [pins[0]])
    for source in pins[::2]:
        nb.add_net(
            source, [str(p) for p in rng.choice([p for p in pins if p != source], min(2, len(pins) - 1), replace=False)]
        )
    netlist = nb.build()
    n = netlist.num_nodes
    canvas = Canvas(side, side * 0.9, 10, 8, 5.0, 5.0, 1.0, 1.0, 1)
    placed = np.zeros(n, np.bool_)
    placed[netlist.ports] = True
    return Problem(netlist, canvas, Placement(np.zeros(n), np.zeros(n), np.zeros(n, np.uint8), placed))


def constrained(kind: str, seed: int, count: int = 6) -> Problem:
    """Return a small problem under one of `KINDS`."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    p = plain(seed, hard=count)
    n, hard = p.netlist.num_nodes, p.netlist.hard
    every = kind == "everything"
    if kind == "halo" or every:
        halo = np.zeros((n, 4))
        halo[hard] = rng.uniform(0, 2 if every else 4, (len(hard), 4)) * (rng.random((len(hard), 4)) < 0.6)
        p = p.replace(halo_um=halo, macro_spacing_um=float(rng.choice([0.0, 1.0, 3.0])))
    if kind in ("region", "fence", "edge") or every:
        p = p.replace(**_regions(kind, rng, p))
    if kind == "snap" or every:
        pitch = rng.choice([0.5, 1.4, 3.7], 2)
        p = p.replace(snap=Snap(*pitch.tolist(), *rng.uniform(0, 1, 2).tolist()), boundary_spacing_um=0.3)
    if kind == "soft" or every:
        x, y = rng.uniform(0, 60, 2)
        p = p.replace(blockages=(Blockage(x, y, x + 35, y + 30, hard=False), Blockage(90.0, 80.0, 100.0, 90.0)))
    if kind == "turned":
        halo = np.zeros((n, 4))
        halo[hard] = rng.uniform(0, 4, (len(hard), 4))
        allowed = rng.integers(1, 256, n).astype(np.uint8)
        p = p.replace(halo_um=halo, allowed_orient=allowed)
    if kind == "fixed" or every:
        x, y, placed = p.initial.x_um.copy(), p.initial.y_um.copy(), p.initial.placed.copy()
        x[hard[0]], y[hard[0]], placed[hard[0]] = 50.0, 45.0, True
        fixed = np.zeros(n, np.bool_)
        fixed[hard[0]] = True
        p = p.replace(initial=p.initial.replace(x, y, placed=placed), fixed=fixed)
    return p


def _regions(kind: str, rng: np.random.Generator, p: Problem) -> dict[str, object]:
    region = np.full(p.netlist.num_nodes, -1, np.int32)
    hard = p.netlist.hard
    if kind == "edge":
        rects = np.array([[0.0, 0.0, 22.0, 90.0], [78.0, 0.0, 100.0, 90.0]])
        region[hard[: int(rng.integers(1, 5))]] = 0
        return {"regions": (Region("sides", rects),), "region": region}
    x, y = rng.uniform(0, 50, 2)
    rects = np.array([[x, y, x + 45, y + 24]])
    if rng.random() < 0.5:
        rects = np.array([[x, y, x + 22, y + 24], [x + 22, y, x + 50, y + 24]])
    region[hard[1 : 1 + int(rng.integers(1, 3))]] = 0
    return {"regions": (Region("home", rects, kind != "region"),), "region": region}


def brute_force_legal(p: Problem, at: Placement) -> bool:
    """Say whether the hard macros keep every rule, one pair and one rectangle at a time, to 1e-6 um."""
    eps, nl, cv = 1e-6, p.netlist, p.canvas
    boxes, grown = {}, {}
    for i in nl.hard.tolist():
        o = Orient(int(at.orient[i]))
        if not at.placed[i]:
            return False
        w, h = (float(v[0]) for v in oriented_size_um(nl.node_w_um[[i]], nl.node_h_um[[i]], at.orient[[i]]))
        box = (at.x_um[i] - w / 2, at.y_um[i] - h / 2, at.x_um[i] + w / 2, at.y_um[i] + h / 2)
        left, below, right, above = (float(p.halo_um[i, side]) for side in TURN[o])
        boxes[i], grown[i] = box, (box[0] - left, box[1] - below, box[2] + right, box[3] + above)
        if p.fixed[i]:
            if abs(at.x_um[i] - p.initial.x_um[i]) > eps or abs(at.y_um[i] - p.initial.y_um[i]) > eps:
                return False
            continue
        edge = p.boundary_spacing_um - eps
        if box[0] < edge or box[1] < edge or box[2] > cv.width_um - edge or box[3] > cv.height_um - edge:
            return False
        if not int(p.allowed_orient[i]) >> o & 1:
            return False
        if any(b.hard and _meet(box, (b.x0_um, b.y0_um, b.x1_um, b.y1_um), -eps) for b in p.blockages):
            return False
        own = p.regions[p.region[i]] if p.region[i] >= 0 else None
        if own and not any(
            box[0] >= r[0] - eps and box[1] >= r[1] - eps and box[2] <= r[2] + eps and box[3] <= r[3] + eps
            for r in own.rects_um.tolist()
        ):
            return False
        for other in p.regions:
            mine = own is not None and other.name in (own.name, own.part_of)
            if other.exclusive and not mine and any(_meet(box, tuple(r), -eps) for r in other.rects_um.tolist()):
                return False
        if p.snap is not None:
            offsets = p.snap.offset_x_um, p.snap.offset_y_um
            for corner, pitch, offset in zip(box[:2], p.snap.pitch_um, offsets, strict=True):
                if pitch and abs((corner - offset) / pitch - round((corner - offset) / pitch)) * pitch > eps:
                    return False
    hard = nl.hard.tolist()
    for a, i in enumerate(hard):
        for j in hard[a + 1 :]:
            if p.fixed[i] and p.fixed[j]:
                continue
            if _meet(boxes[i], boxes[j], p.macro_spacing_um - eps) or _meet(grown[i], grown[j], -eps):
                return False
    return True


def _meet(a: tuple[float, ...], b: tuple[float, ...], gap: float) -> bool:
    """Say whether two rectangles lie closer than the gap along both axes."""
    x = max(a[0] - b[2], b[0] - a[2])
    y = max(a[1] - b[3], b[1] - a[3])
    return x < gap and y < gap


def spread(p: Problem, seed: int) -> Placement:
    """Return macros anywhere on the canvas, overlaps and all, turned as they may be."""
    rng = np.random.default_rng(seed)
    n, free = p.netlist.num_nodes, ~p.fixed
    x = np.where(free, rng.uniform(0, p.canvas.width_um, n), p.initial.x_um)
    y = np.where(free, rng.uniform(0, p.canvas.height_um, n), p.initial.y_um)
    orient = np.array([rng.choice([o for o in range(8) if m >> o & 1]) for m in p.allowed_orient.tolist()], np.uint8)
    return Placement(x, y, np.where(free, orient, p.initial.orient), np.ones(n, np.bool_))
