"""Nodes of a LEF/DEF design: which component is what, where it stands, and the pins of the design as ports."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from floorplan.errors import ParseError
from floorplan.formats.lefdef.def_polygon import bounding_box
from floorplan.formats.lefdef.def_tables import Def, DefPin, Rect, Status
from floorplan.formats.lefdef.lef_tables import Lef, LefMacro
from floorplan.formats.ports import spread_on_edges
from floorplan.geometry import oriented_size_um
from floorplan.netlist import NodeKind, Placement, Side

__all__ = ["SUPPLY", "Nodes", "is_supply", "library_of", "make_nodes", "role_of"]

SUPPLY = frozenset(("POWER", "GROUND"))
"""USE of pins and nets that carry no signal."""

_CORNERS = frozenset(("TOPLEFT", "TOPRIGHT", "BOTTOMLEFT", "BOTTOMRIGHT"))

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Nodes:
    """N nodes, ports first.

    Attributes:
        name: (N,) unique.
        kind: (N,) uint8 of `NodeKind`.
        w_um: (N,) in orientation N.
        h_um: (N,) likewise.
        side: (N,) uint8 of `Side`.
        component: (N,) its number, -1 for a pin of the design.
        of_component: (C,) node of each component, -1 where it is left out.
        of_pin: node of each pin of the design that carries a signal.
        placement: where the files put them; ports without a place are on the canvas's edges.
        fixed: (N,) bool.
    """

    name: list[str]
    kind: npt.NDArray[np.uint8]
    w_um: npt.NDArray[np.float64]
    h_um: npt.NDArray[np.float64]
    side: npt.NDArray[np.uint8]
    component: npt.NDArray[np.int64]
    of_component: npt.NDArray[np.int64]
    of_pin: dict[str, int]
    placement: Placement
    fixed: npt.NDArray[np.bool_]


def library_of(lef: Lef, d: Def) -> list[LefMacro]:
    """Return the LEF macro of each library cell that the components name.

    Raises:
        ParseError: no LEF file has it; the line is that of the first component of it.
    """
    out = []
    for k, name in enumerate(d.components.masters):
        macro = lef.macros.get(name)
        if macro is None:
            first = int(np.argmax(d.components.master == k))
            missing = sum(m not in lef.macros for m in d.components.masters)
            more = f" (nor {missing - 1} others)" if missing > 1 else ""
            what = f"component {d.components.name[first]!r} is of {name!r}, which no LEF file given defines{more}"
            raise d.fault("COMPONENTS", first, what)
        out.append(macro)
    return out


def is_supply(pin: DefPin) -> bool:
    """Return whether a pin of the design carries no signal."""
    return pin.special or pin.use in SUPPLY


def make_nodes(d: Def, library: Sequence[LefMacro], box: Rect, connected: npt.NDArray[np.bool_]) -> Nodes:
    """Return the nodes: signal pins of the design, then the components in file order.

    Args:
        d: the design.
        library: macro of each library cell.
        box: what of the die is the canvas.
        connected: (C,) whether a signal net reaches the component.

    Raises:
        ParseError: a hard macro has no area.
    """
    parts = d.components
    placed = parts.status != Status.UNPLACED
    kind, pad, kept = _kinds(d, library, placed, connected)
    which = np.flatnonzero(kept)
    pins = [p for p in d.pins if not is_supply(p)]
    k = len(pins)  # ports come first, then components

    size = np.array([(m.w_um, m.h_um) for m in library], np.float64).reshape(-1, 2)[parts.master[which]]
    flat = np.flatnonzero((kind[which] == NodeKind.HARD) & (size <= 0).any(axis=1))
    if len(flat):
        macro = library[parts.master[which[flat[0]]]]
        what = f"hard macro {macro.name!r} has no area ({macro.w_um:g} BY {macro.h_um:g})"
        raise ParseError(macro.path, macro.line, what)

    width, height = (box[2] - box[0]) / d.dbu_per_um, (box[3] - box[1]) / d.dbu_per_um
    px, py = _port_places(d, pins, box, width, height)
    edges = (Side.LEFT, Side.BOTTOM, Side.RIGHT, Side.TOP)
    side = np.array(edges, np.uint8)[np.argmin(np.stack([px, py, width - px, height - py], axis=1), axis=1)]

    orient = parts.orient[which]
    w, h = oriented_size_um(size[:, 0], size[:, 1], orient)
    here = placed[which]
    x = np.where(here, (parts.x[which] - box[0]) / d.dbu_per_um + w / 2, 0.0)
    y = np.where(here, (parts.y[which] - box[1]) / d.dbu_per_um + h / 2, 0.0)
    stands = (parts.status >= Status.FIXED) | (pad & placed) | (kind == NodeKind.PORT)
    of_component = np.full(len(kept), -1, np.int64)
    of_component[which] = np.arange(k, k + len(which))
    return Nodes(
        name=_unique([p.name for p in pins], set(parts.name)) + [parts.name[c] for c in which.tolist()],
        kind=np.concatenate([np.full(k, NodeKind.PORT), kind[which]]).astype(np.uint8),
        w_um=np.concatenate([np.zeros(k), size[:, 0]]),
        h_um=np.concatenate([np.zeros(k), size[:, 1]]),
        side=np.concatenate([side, np.full(len(which), Side.NONE)]).astype(np.uint8),
        component=np.concatenate([np.full(k, -1), which]).astype(np.int64),
        of_component=of_component,
        of_pin={p.name: i for i, p in enumerate(pins)},
        placement=Placement(
            np.concatenate([px, x]),
            np.concatenate([py, y]),
            np.concatenate([np.zeros(k, np.uint8), orient]),
            np.concatenate([np.ones(k, np.bool_), here]),
        ),
        fixed=np.concatenate([np.ones(k, np.bool_), stands[which]]),
    )


def _kinds(
    d: Def, library: Sequence[LefMacro], placed: npt.NDArray[np.bool_], connected: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return, for each component, its kind, whether it is an IO pad, and whether it is a node."""
    master = d.components.master
    kind = np.array([role_of(m) for m in library], np.uint8)[master]
    pad = np.array([_is_pad(m) for m in library], np.bool_)[master]
    idle = np.array([_is_idle(m) for m in library], np.bool_)[master] & ~connected
    loose = pad & ~placed
    if loose.any():
        log.warning("%s: %d pads have no place; they count as cells", d.path, int(loose.sum()))
        kind[loose] = NodeKind.CELL
    nowhere = (kind == NodeKind.PORT) & ~placed
    return kind, pad, ~(idle | nowhere)


def role_of(m: LefMacro) -> int:
    """Return the kind of node that a placed component of the macro is."""
    if m.kind in ("BLOCK", "RING") or _is_pad(m):
        return NodeKind.HARD
    return NodeKind.PORT if m.kind == "COVER" else NodeKind.CELL


def _is_pad(m: LefMacro) -> bool:
    return m.kind == "PAD" or (m.kind == "ENDCAP" and m.subkind in _CORNERS)


def _is_idle(m: LefMacro) -> bool:
    """Return whether a cell that no signal net reaches only fills, taps, caps or covers."""
    fills = m.kind == "CORE" and m.subkind in ("SPACER", "WELLTAP")
    return fills or m.kind == "COVER" or (m.kind == "ENDCAP" and not _is_pad(m))


def _unique(names: list[str], taken: set[str]) -> list[str]:
    """Return the ports' names, changed where a component has the same: components keep theirs for the way back."""
    out = []
    for name in names:
        new = name
        while new in taken:
            new += "_port"
        if new != name:
            log.warning("pin %r of the design has the name of a component; it is called %r here", name, new)
        taken.add(new)
        out.append(new)
    return out


def _port_places(
    d: Def, pins: Sequence[DefPin], box: Rect, width_um: float, height_um: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return x and y of the ports on the canvas; one off the canvas, where that is the core, moves to its edge."""
    x = np.array([p.at[0] if p.at is not None else np.nan for p in pins], np.float64)
    y = np.array([p.at[1] if p.at is not None else np.nan for p in pins], np.float64)
    x, y = (x / 2 - box[0]) / d.dbu_per_um, (y / 2 - box[1]) / d.dbu_per_um
    missing = np.flatnonzero(np.isnan(x))
    if len(missing):
        log.warning("%s: %d pins have no place; they are spread along the canvas's edges", d.path, len(missing))
        x[missing], y[missing] = spread_on_edges(len(missing), width_um, height_um)
    if box != bounding_box(d.die):
        x, y = np.clip(x, 0.0, width_um), np.clip(y, 0.0, height_um)
    return x, y
