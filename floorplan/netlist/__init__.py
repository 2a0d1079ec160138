"""Netlists, canvases, problems and placements: the data everything else works on."""

from floorplan.netlist.builder import NetlistBuilder
from floorplan.netlist.legality import Legality, Violation, check_legality
from floorplan.netlist.model import Netlist, NodeKind, Side
from floorplan.netlist.placement import Placement
from floorplan.netlist.problem import FLIPS, ONLY_N, Blockage, Canvas, Problem

__all__ = [
    "FLIPS",
    "ONLY_N",
    "Blockage",
    "Canvas",
    "Legality",
    "Netlist",
    "NetlistBuilder",
    "NodeKind",
    "Placement",
    "Problem",
    "Side",
    "Violation",
    "check_legality",
]
