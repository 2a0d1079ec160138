"""Netlists, canvases, problems and placements: the data everything else works on."""

from floorplan.netlist.builder import NetlistBuilder
from floorplan.netlist.constraints import Blockage, Region, Snap
from floorplan.netlist.legality import Legality, Violation, check_legality
from floorplan.netlist.model import Netlist, NodeKind, Side
from floorplan.netlist.placement import Placement
from floorplan.netlist.problem import FLIPS, ONLY_N, Canvas, Problem
from floorplan.netlist.variants import SYMMETRIES, Variant, mirror, relabel, with_grid

__all__ = [
    "FLIPS",
    "ONLY_N",
    "SYMMETRIES",
    "Blockage",
    "Canvas",
    "Legality",
    "Netlist",
    "NetlistBuilder",
    "NodeKind",
    "Placement",
    "Problem",
    "Region",
    "Side",
    "Snap",
    "Variant",
    "Violation",
    "check_legality",
    "mirror",
    "relabel",
    "with_grid",
]
