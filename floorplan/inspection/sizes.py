"""How many nodes of each kind, how much of the canvas they take, and which macros are alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from floorplan.netlist import Netlist, NodeKind, Problem

__all__ = ["Areas", "Counts", "SizeGroup", "areas_of", "counts_of", "size_groups"]

_PLACES = 6
"""Sizes that agree to this many decimals of a um are equal: a picometre is rounding."""


@dataclass(frozen=True)
class Counts:
    """Nodes, pins and nets by kind; `terminals` are the pin references of all nets, `placed` the nodes with a place."""

    hard_macros: int
    fixed_hard_macros: int
    soft_macros: int
    cells: int
    ports: int
    pins: int
    hard_macro_pins: int
    soft_macro_pins: int
    nets: int
    terminals: int
    placed: int
    placed_hard_macros: int
    blockages: int


@dataclass(frozen=True)
class Areas:
    """Areas in um2; `soft` holds soft macros and standard cells."""

    canvas: float
    hard: float
    fixed_hard: float
    soft: float

    @property
    def hard_utilisation(self) -> float:
        """Hard macro area over canvas area."""
        return self.hard / self.canvas

    @property
    def utilisation(self) -> float:
        """Area of everything over canvas area."""
        return (self.hard + self.soft) / self.canvas


@dataclass(frozen=True)
class SizeGroup:
    """Hard macros of equal size and library cell.

    Attributes:
        label: the library cell where the format names one, else what the macros' names begin with.
        width_um: in orientation N.
        height_um: in orientation N.
        count: of macros.
        fixed: how many of them are fixed.
        pins: mean number of pins a macro.
        area_um2: of all together.
        example: name of the first in file order.
    """

    label: str
    width_um: float
    height_um: float
    count: int
    fixed: int
    pins: float
    area_um2: float
    example: str


def counts_of(problem: Problem) -> Counts:
    """Count everything in one pass over the arrays."""
    nl, placed = problem.netlist, problem.initial.placed
    nodes = np.bincount(nl.node_kind, minlength=len(NodeKind))
    pins = np.bincount(nl.node_kind[nl.pin_node], minlength=len(NodeKind))
    return Counts(
        hard_macros=int(nodes[NodeKind.HARD]),
        fixed_hard_macros=int(problem.fixed[nl.hard].sum()),
        soft_macros=int(nodes[NodeKind.SOFT]),
        cells=int(nodes[NodeKind.CELL]),
        ports=int(nodes[NodeKind.PORT]),
        pins=nl.num_pins,
        hard_macro_pins=int(pins[NodeKind.HARD]),
        soft_macro_pins=int(pins[NodeKind.SOFT]),
        nets=nl.num_nets,
        terminals=len(nl.net_pin),
        placed=int(placed.sum()),
        placed_hard_macros=int(placed[nl.hard].sum()),
        blockages=len(problem.blockages),
    )


def areas_of(problem: Problem) -> Areas:
    """Add up the areas by kind."""
    nl, cv = problem.netlist, problem.canvas
    area = nl.node_w_um * nl.node_h_um
    fixed = nl.hard[problem.fixed[nl.hard]]
    return Areas(
        canvas=cv.width_um * cv.height_um,
        hard=float(area[nl.hard].sum()),
        fixed_hard=float(area[fixed].sum()),
        soft=float(area[nl.soft].sum()),
    )


def size_groups(problem: Problem, master: Sequence[str] = ()) -> tuple[SizeGroup, ...]:
    """Group the hard macros by width, height and library cell, the largest area first.

    Args:
        problem: whose macros.
        master: (N,) library cell of each node, () where unknown.
    """
    nl = problem.netlist
    pins = np.bincount(nl.pin_node, minlength=nl.num_nodes)
    members: dict[tuple[float, float, str], list[int]] = {}
    for i in nl.hard.tolist():
        size = round(float(nl.node_w_um[i]), _PLACES), round(float(nl.node_h_um[i]), _PLACES)
        members.setdefault((*size, master[i] if master else ""), []).append(i)
    groups = [
        SizeGroup(
            label=cell or _label(nl, ids),
            width_um=w,
            height_um=h,
            count=len(ids),
            fixed=int(problem.fixed[ids].sum()),
            pins=float(pins[ids].mean()),
            area_um2=float((nl.node_w_um[ids] * nl.node_h_um[ids]).sum()),
            example=nl.node_name[ids[0]],
        )
        for (w, h, cell), ids in members.items()
    ]
    return tuple(sorted(groups, key=lambda g: (-g.area_um2, g.example)))


def _label(netlist: Netlist, ids: Sequence[int]) -> str:
    names = [netlist.node_name[i] for i in ids]
    if len(names) == 1:
        return names[0]
    first, last = min(names), max(names)
    shared = next((k for k, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[:shared] + "*"
