"""What a LEF/DEF design asks of where macros stand: orientations, halos, regions, blockages."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from floorplan.formats.lefdef.def_polygon import complement
from floorplan.formats.lefdef.def_tables import Def, Rect
from floorplan.geometry import Orient, orient_bit
from floorplan.netlist import Blockage, Region

__all__ = ["allowed_orientations", "make_blockages", "make_halos", "make_regions", "outside_core"]

log = logging.getLogger(__name__)

_TURNS = (Orient.N, Orient.W, Orient.S, Orient.E)
_ALL = (1 << len(Orient)) - 1


def allowed_orientations(symmetry: frozenset[str]) -> int:
    """Return the mask of orientations that SYMMETRY leaves open: all that its flips and turns make of N."""
    if "R90" in symmetry:
        return _ALL if symmetry & {"X", "Y"} else sum(orient_bit(o) for o in _TURNS)
    out = orient_bit(Orient.N)
    if "X" in symmetry:
        out |= orient_bit(Orient.FS)
    if "Y" in symmetry:
        out |= orient_bit(Orient.FN)
    if {"X", "Y"} <= symmetry:
        out |= orient_bit(Orient.S)
    return out


def make_halos(
    d: Def, node: npt.NDArray[np.int64], num_nodes: int, hard: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """Return (N, 4) halos in um of the hard macros; soft ones count like others, since they keep macros apart too."""
    out = np.zeros((num_nodes, 4))
    for component, halo in d.components.halo.items():
        if node[component] >= 0 and hard[node[component]]:
            out[node[component]] = np.array(halo.sides) / d.dbu_per_um
    return out


def make_regions(
    d: Def, node: npt.NDArray[np.int64], num_nodes: int, movable: npt.NDArray[np.bool_], origin: tuple[int, int]
) -> tuple[tuple[Region, ...], npt.NDArray[np.int32]]:
    """Return the regions that bind hard macros, and the region of each node.

    A component is of the region that it names itself, or that its group names. Fences without macros are kept, since
    they keep macros out; guides are wishes, not rules, and are left out like regions of cells alone.

    Raises:
        ParseError: a component or group names a region that does not exist.
    """
    number = {r.name: i for i, r in enumerate(d.regions)}
    of_component: dict[int, int] = {}
    macros = {d.components.name[c]: c for c in np.flatnonzero((node >= 0) & movable[node]).tolist()}
    for k, group in enumerate(d.groups):
        if not group.region:
            continue
        if group.region not in number:
            raise d.fault("GROUPS", k, f"group {group.name!r} is of region {group.region!r}, which does not exist")
        for member in group.members:
            if "*" not in member:
                found = [macros[member]] if member in macros else []
            else:
                parts = member.split("*")
                found = [c for name, c in macros.items() if _matches(name, parts)]
            of_component.update(dict.fromkeys(found, number[group.region]))
    for c, name in d.components.region.items():
        if name not in number:
            who = d.components.name[c]
            raise d.fault("COMPONENTS", c, f"component {who!r} is of region {name!r}, which does not exist")
        if node[c] >= 0 and movable[node[c]]:
            of_component[c] = number[name]
    used = set(of_component.values())
    kept: dict[int, int] = {}
    out: list[Region] = []
    for i, r in enumerate(d.regions):
        if r.kind == "GUIDE" and i in used:
            log.info("%s: region %r is a guide; macros are not tied to it", d.path, r.name)
        if r.kind == "FENCE" or (i in used and r.kind != "GUIDE"):
            kept[i] = len(out)
            out.append(Region(r.name, _um(d, r.rects, origin), exclusive=r.kind == "FENCE"))
    region = np.full(num_nodes, -1, np.int32)
    for c, i in of_component.items():
        region[node[c]] = kept.get(i, -1)
    return tuple(out), region


def _matches(name: str, parts: list[str]) -> bool:
    """Return whether a name is the parts of a pattern, with anything where `*` stood between them."""
    # no other wild card exists: brackets above all stand for themselves
    if len(parts) == 1:
        return name == parts[0]
    at, end = len(parts[0]), len(name) - len(parts[-1])
    if at > end or not name.startswith(parts[0]) or not name.endswith(parts[-1]):
        return False
    for part in parts[1:-1]:
        found = name.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def make_blockages(d: Def, fixed: set[str], known: set[str], origin: tuple[int, int]) -> tuple[Blockage, ...]:
    """Return the placement blockages, and what a die that is no rectangle lacks of its bounding box.

    A soft or partial blockage is a wish. One that belongs to a component holds where that is fixed; one of a component
    that moves would move along, and is left out.

    Raises:
        ParseError: a blockage names a component that does not exist.
    """
    out = [Blockage(*rect) for rect in _um(d, complement(d.die), origin).tolist()]
    left = 0
    for b in d.blockages:
        if b.component:
            if b.component not in known:
                what = f"the blockage is of component {b.component!r}, which does not exist"
                raise d.source.fault(b.offset, what)
            if b.component not in fixed:
                left += 1
                continue
        rate = 1.0 - b.density / 100 if b.partial else 1.0
        hard = not (b.soft or b.partial)
        out += [Blockage(x0, y0, x1, y1, rate, hard) for x0, y0, x1, y1 in _um(d, b.rects, origin).tolist()]
    if left:
        log.info("%s: %d blockages belong to components that move, and are left out", d.path, left)
    return tuple(out)


def outside_core(d: Def, core: Rect, least_um: tuple[float, float], box: Rect) -> tuple[Blockage, ...]:
    """Return strips between the core and the canvas's edges; one no wider than `least_um` is rounding, no margin."""
    x0, y0, x1, y1 = box
    least_x, least_y = (round(v * d.dbu_per_um) for v in least_um)
    strips = []
    for strip, thick, least in (
        ((x0, y0, core[0], y1), core[0] - x0, least_x),
        ((core[2], y0, x1, y1), x1 - core[2], least_x),
        ((x0, y0, x1, core[1]), core[1] - y0, least_y),
        ((x0, core[3], x1, y1), y1 - core[3], least_y),
    ):
        if thick > least:
            strips.append(strip)
    return tuple(Blockage(*rect) for rect in _um(d, strips, box[:2]).tolist())


def _um(d: Def, rects: Sequence[Rect], origin: tuple[int, int]) -> npt.NDArray[np.float64]:
    a = np.array(rects, np.float64).reshape(-1, 4)
    return (a - np.array([*origin, *origin], np.float64)) / d.dbu_per_um
