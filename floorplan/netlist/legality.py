"""Is a placement legal, and if not: which nodes, and by how many um."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from floorplan.geometry import oriented_size_um
from floorplan.netlist.constraints import turned_halo_um
from floorplan.netlist.model import NodeKind
from floorplan.netlist.placement import Placement
from floorplan.netlist.problem import Problem
from floorplan.showable import Showable

__all__ = ["TOLERANCE_UM", "Legality", "Violation", "check_legality"]

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
BOOL = npt.NDArray[np.bool_]

TOLERANCE_UM = 1e-6
"""Below this an overlap is rounding: a picometre, a thousandth of the finest manufacturing grid."""


@dataclass(frozen=True)
class Violation:
    """One broken rule.

    Attributes:
        kind: `overlap`, `spacing`, `halo` (two macros grown by their halos overlap), `outside`, `boundary_spacing`,
            `blockage`, `region` (not wholly in a rectangle of its own), `fence` (in an exclusive region of others),
            `off_grid`, `unplaced`, `moved` or `orientation`; as a warning also `soft_blockage`.
        nodes: names of the nodes involved.
        amount_um: how far the nodes would have to move apart, or back in (0 for unplaced and orientation).
        region: name of the region that is broken out of, or into.
    """

    kind: str
    nodes: tuple[str, ...]
    amount_um: float
    region: str = ""

    def __str__(self) -> str:
        by = f" by {self.amount_um:.6g} um" if self.amount_um else ""
        region = f" {self.region!r}" if self.region else ""
        return f"{self.kind}{region} of {' and '.join(self.nodes)}{by}"

    def to_dict(self) -> dict[str, object]:
        """Return kind, nodes, amount_um and, where there is one, the region as plain values."""
        out = {**asdict(self), "nodes": list(self.nodes)}
        return out if self.region else {key: value for key, value in out.items() if key != "region"}


@dataclass(frozen=True)
class Legality(Showable):
    """The verdict on a placement, with every reason against it.

    Attributes:
        violations: broken rules; one makes the placement illegal.
        warnings: what no rule forbids but a reader should know: soft macros with their centre off the canvas, hard
            macros on soft blockages.
    """

    violations: tuple[Violation, ...]
    warnings: tuple[Violation, ...] = ()

    @property
    def legal(self) -> bool:
        """True if nothing is wrong."""
        return not self.violations

    def __repr__(self) -> str:
        return f"Legality({self.summary()})"

    def summary(self, limit: int = 3) -> str:
        """Return `legal`, or `ILLEGAL` with the worst violations."""
        if self.legal:
            return "legal"
        worst = sorted(self.violations, key=lambda v: -v.amount_um)[:limit]
        parts = [str(v) for v in worst]
        more = len(self.violations) - len(worst)
        return "ILLEGAL: " + "; ".join(parts) + (f"; and {more} more" if more > 0 else "")


def check_legality(problem: Problem, placement: Placement) -> Legality:
    """Check hard macros against each other, the canvas, blockages and regions, and every node against its constraints.

    Soft macros may overlap anything; one whose centre lies off the canvas gives a warning, since the field calls such
    placements legal. Ports are where the design puts them. Touching edges are legal; differences up to `TOLERANCE_UM`
    are taken for rounding.
    """
    nl, cv = problem.netlist, problem.canvas
    names = nl.node_name
    out: list[Violation] = []

    missing = np.flatnonzero(~placement.placed)
    out += [Violation("unplaced", (names[i],), 0.0) for i in missing.tolist()]

    moved = np.maximum(
        np.abs(placement.x_um - problem.initial.x_um),
        np.abs(placement.y_um - problem.initial.y_um),
    )
    for i in np.flatnonzero(problem.fixed & placement.placed & (moved > TOLERANCE_UM)).tolist():
        out.append(Violation("moved", (names[i],), float(moved[i])))

    macros = nl.hard[placement.placed[nl.hard]]
    bad_orient = (problem.allowed_orient[macros] >> placement.orient[macros]) & 1 == 0
    bad_orient &= ~problem.fixed[macros]
    out += [Violation("orientation", (names[i],), 0.0) for i in macros[bad_orient].tolist()]

    w, h = oriented_size_um(nl.node_w_um[macros], nl.node_h_um[macros], placement.orient[macros])
    x0, y0 = placement.x_um[macros] - w / 2, placement.y_um[macros] - h / 2
    x1, y1 = x0 + w, y0 + h
    movable = ~problem.fixed[macros]

    sticks_out = np.max(np.stack([-x0, -y0, x1 - cv.width_um, y1 - cv.height_um]), axis=0)
    for i in np.flatnonzero(sticks_out > TOLERANCE_UM).tolist():
        out.append(Violation("outside", (names[macros[i]],), float(sticks_out[i])))
    if problem.boundary_spacing_um > 0:
        close = movable & (sticks_out <= TOLERANCE_UM)
        close &= sticks_out + problem.boundary_spacing_um > TOLERANCE_UM
        for i in np.flatnonzero(close).tolist():
            amount = float(sticks_out[i] + problem.boundary_spacing_um)
            out.append(Violation("boundary_spacing", (names[macros[i]],), amount))

    cx = np.clip(placement.x_um, 0.0, cv.width_um)
    cy = np.clip(placement.y_um, 0.0, cv.height_um)
    off = np.maximum(np.abs(cx - placement.x_um), np.abs(cy - placement.y_um))
    soft = np.isin(nl.node_kind, (NodeKind.SOFT, NodeKind.CELL)) & placement.placed & ~problem.fixed
    warnings = [Violation("outside", (names[i],), float(off[i])) for i in np.flatnonzero(soft & (off > TOLERANCE_UM))]

    for i, j, gap in _close_pairs(x0, y0, x1, y1, problem.macro_spacing_um):
        if not (movable[i] or movable[j]) and gap >= -TOLERANCE_UM:
            continue
        kind = "overlap" if gap < -TOLERANCE_UM else "spacing"
        amount = -gap if kind == "overlap" else problem.macro_spacing_um - gap
        out.append(Violation(kind, (names[macros[i]], names[macros[j]]), amount))

    for b in problem.blockages:
        depth = np.minimum.reduce([x1 - b.x0_um, b.x1_um - x0, y1 - b.y0_um, b.y1_um - y0])
        for i in np.flatnonzero(movable & (depth > TOLERANCE_UM)).tolist():
            found = Violation("blockage" if b.hard else "soft_blockage", (names[macros[i]],), float(depth[i]))
            (out if b.hard else warnings).append(found)
    if problem.confined:
        out += _halos(problem, placement, macros, movable, (x0, y0, x1, y1))
        out += _regions(problem, macros, movable, np.stack([x0, y0, x1, y1], axis=1))
        if problem.snap is not None:
            off_grid = problem.snap.off_grid_um(placement.x_um[macros], placement.y_um[macros], w, h)
            for i in np.flatnonzero(movable & (off_grid > TOLERANCE_UM)).tolist():
                out.append(Violation("off_grid", (names[macros[i]],), float(off_grid[i])))
    return Legality(tuple(out), tuple(warnings))


def _halos(
    problem: Problem, placement: Placement, macros: I32, movable: BOOL, box: tuple[F64, F64, F64, F64]
) -> list[Violation]:
    """Return the pairs whose halos overlap, but for pairs that cannot move and those without a halo."""
    if not problem.has_halos:
        return []
    names = problem.netlist.node_name
    halo = turned_halo_um(problem.halo_um[macros], placement.orient[macros])
    has: BOOL = np.asarray(halo.any(axis=1))
    x0, y0, x1, y1 = box
    grown = (x0 - halo[:, 0], y0 - halo[:, 1], x1 + halo[:, 2], y1 + halo[:, 3])
    return [
        Violation("halo", (names[macros[i]], names[macros[j]]), -gap)
        for i, j, gap in _close_pairs(*grown, 0.0)
        if (movable[i] or movable[j]) and (has[i] or has[j])
    ]


def _regions(problem: Problem, macros: I32, movable: BOOL, box: F64) -> list[Violation]:
    """Return the macros that are not in their region, or are in a fence that is not theirs; box (K, 4)."""
    names = problem.netlist.node_name
    out: list[Violation] = []
    region = problem.region[macros]
    inside = np.append(problem.fence_of, -1)[region].astype(np.int64)
    for k, r in enumerate(problem.regions):
        for i in np.flatnonzero(movable & (region == k)).tolist():
            beyond = np.maximum(r.rects_um[:, :2] - box[i, :2], box[i, 2:] - r.rects_um[:, 2:]).max(axis=1)
            if beyond.min() > TOLERANCE_UM:
                out.append(Violation("region", (names[macros[i]],), float(beyond.min()), r.name))
        if not r.exclusive:
            continue
        for x0, y0, x1, y1 in r.rects_um:
            depth = np.minimum.reduce([box[:, 2] - x0, x1 - box[:, 0], box[:, 3] - y0, y1 - box[:, 1]])
            strangers = np.flatnonzero(movable & (inside != k) & (depth > TOLERANCE_UM)).tolist()
            out += [Violation("fence", (names[macros[i]],), float(depth[i]), r.name) for i in strangers]
    return out


def _close_pairs(
    x0: npt.NDArray[np.float64],
    y0: npt.NDArray[np.float64],
    x1: npt.NDArray[np.float64],
    y1: npt.NDArray[np.float64],
    spacing_um: float,
) -> list[tuple[int, int, float]]:
    """Return (i, j, gap) of rectangles closer than the spacing: gap < 0 is the depth of an overlap.

    Sweep over x, so that only rectangles whose x ranges come near are compared.
    """
    order = np.argsort(x0, kind="stable")
    sx0 = x0[order]
    out: list[tuple[int, int, float]] = []
    for a, i in enumerate(order.tolist()):
        end = int(np.searchsorted(sx0, x1[i] + spacing_um, side="left"))
        near = order[a + 1 : end]
        if len(near) == 0:
            continue
        gap_x = np.maximum(x0[near] - x1[i], x0[i] - x1[near])
        gap_y = np.maximum(y0[near] - y1[i], y0[i] - y1[near])
        gap = np.maximum(gap_x, gap_y)
        for k in np.flatnonzero(gap < spacing_um - TOLERANCE_UM).tolist():
            pair = sorted((i, int(near[k])))
            out.append((pair[0], pair[1], float(gap[k])))
    return sorted(out)
