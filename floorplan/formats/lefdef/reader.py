"""A LEF/DEF design as a flat problem."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from floorplan.errors import NetlistError, ParseError, ProblemError
from floorplan.formats.assemble import NameClashError, NodeTable, assemble
from floorplan.formats.collector import collector_paused
from floorplan.formats.design import Design
from floorplan.formats.lefdef.canvas import core_box, core_site_um, make_canvas
from floorplan.formats.lefdef.constraints import (
    allowed_orientations,
    make_blockages,
    make_halos,
    make_regions,
    outside_core,
)
from floorplan.formats.lefdef.def_ import read_def
from floorplan.formats.lefdef.def_polygon import bounding_box
from floorplan.formats.lefdef.def_tables import Def
from floorplan.formats.lefdef.lef import read_lef
from floorplan.formats.lefdef.lef_tables import Lef, LefMacro
from floorplan.formats.lefdef.nets import make_connections, signal_joins
from floorplan.formats.lefdef.nodes import Nodes, library_of, make_nodes
from floorplan.netlist import FLIPS, NodeKind, Problem

__all__ = ["CanvasArea", "read_lefdef"]

CanvasArea = Literal["die", "core"]


def read_lefdef(
    lefs: Lef | str | Path | Sequence[str | Path],
    def_path: str | Path,
    *,
    area: CanvasArea = "die",
    keep_in_core: bool = True,
) -> Design:
    """Read a design before clustering: macros, cells, ports, nets, and what the DEF asks of where macros stand.

    Components are hard macros if their LEF macro has CLASS BLOCK, RING or (once placed, and then fixed) PAD; ports if
    it is COVER (bumps); else standard cells. Nets of supply (USE POWER or GROUND, and SPECIALNETS) and what hangs on
    them are left out, and so are fillers, taps and end caps without a signal net. A net's source is its first OUTPUT
    pin of a component or INPUT pin of the design, else its first pin; pins of macros lie at the centre of the box
    around their shapes. Pins of the design without a place are spread along the canvas's edges.

    Args:
        lefs: technology, cells and macros, in any order; or what `read_lef` made of them.
        def_path: the design.
        area: the canvas: DIEAREA, as the tools that place pins see it, or the box around the rows, as TILOS's
            netlists have it (ports outside it then move to its edge).
        keep_in_core: with `area="die"`, block the margin between core and die for macros, since power straps and rows
            do not reach it.

    Raises:
        ParseError: a file is damaged or cut short, or the files do not fit; it names the line.
        ProblemError: `area` is "core" and there are no rows.
    """
    with collector_paused():
        lef = lefs if isinstance(lefs, Lef) else read_lef(lefs)
        return _design(lef, read_def(def_path), area, keep_in_core)


def _design(lef: Lef, d: Def, area: CanvasArea, keep_in_core: bool) -> Design:
    core = core_box(lef, d)
    if area == "core" and core is None:
        raise ProblemError(f"{d.path}: there are no rows, so no core; take the die as canvas")
    box = core if area == "core" and core is not None else bounding_box(d.die)
    origin = box[0], box[1]
    library = library_of(lef, d)
    joins = signal_joins(d, library)
    reached = np.bincount(joins.component[joins.component >= 0], minlength=len(d.components.name)) > 0
    nodes = make_nodes(d, library, box, reached)
    connections, weight = make_connections(d, library, joins, nodes)
    table = NodeTable(nodes.name, nodes.kind, nodes.w_um, nodes.h_um, nodes.side)
    hard = nodes.kind == NodeKind.HARD
    movable = hard & ~nodes.fixed
    allowed, macros = _allowed(d, library, nodes, hard)
    regions, region = make_regions(d, nodes.of_component, len(nodes.name), movable, origin)
    blockages = make_blockages(d, _fixed_names(d, nodes), set(d.components.name), origin)
    site = core_site_um(lef, d)
    if core is not None and keep_in_core:
        blockages += outside_core(d, core, site or (0.0, 0.0), box)
    try:
        netlist = assemble(d.design or d.path.stem, table, connections, weight)
        problem = Problem(
            netlist,
            make_canvas(lef, d, box, netlist, macros),
            nodes.placement,
            fixed=nodes.fixed,
            allowed_orient=allowed,
            blockages=blockages,
            halo_um=make_halos(d, nodes.of_component, len(nodes.name), hard),
            regions=regions,
            region=region,
        )
    except NameClashError as e:  # a component is called like another's pin
        raise _clash(d, e) from None
    except (NetlistError, ProblemError) as e:
        raise ParseError(d.path, 0, str(e)) from None
    return Design(
        problem,
        "lefdef",
        (d.path, *lef.paths),
        origin_um=(origin[0] / d.dbu_per_um, origin[1] / d.dbu_per_um),
        units_per_um=float(d.dbu_per_um),
        master=_masters(d, nodes),
        manufacturing_grid_um=lef.manufacturing_grid_um,
        site_um=site,
    )


def _clash(d: Def, e: NameClashError) -> ParseError:
    if e.name in d.components.name:
        return d.fault("COMPONENTS", list(d.components.name).index(e.name), str(e))
    offsets = [p.offset for p in d.pins if p.name == e.name]
    return d.source.fault(offsets[0], str(e)) if offsets else ParseError(d.path, 0, str(e))


def _allowed(
    d: Def, library: Sequence[LefMacro], nodes: Nodes, hard: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.uint8], list[LefMacro]]:
    """Return the orientations that each node may take, and the macro of each hard macro."""
    allowed = np.full(len(nodes.name), FLIPS, np.uint8)
    macros = []
    for i in np.flatnonzero(hard).tolist():
        macro = library[d.components.master[nodes.component[i]]]
        macros.append(macro)
        allowed[i] = allowed_orientations(macro.symmetry)
        if nodes.fixed[i]:  # it stands as it stands, whatever the library says
            allowed[i] |= 1 << int(nodes.placement.orient[i])
    return allowed, macros


def _fixed_names(d: Def, nodes: Nodes) -> set[str]:
    fixed = nodes.component[nodes.fixed & (nodes.component >= 0)]
    return {d.components.name[c] for c in fixed.tolist()}


def _masters(d: Def, nodes: Nodes) -> tuple[str, ...]:
    names = [*d.components.masters, ""]
    number = np.full(len(nodes.name), len(names) - 1)
    inside = nodes.component >= 0
    number[inside] = d.components.master[nodes.component[inside]]
    return tuple(names[m] for m in number.tolist())
