"""Checks beside the proxy: what a placement with a low cost may still get wrong."""

from floorplan.reality.access import PinReport
from floorplan.reality.channels import Channel, ChannelReport
from floorplan.reality.check import FlatReport, RealityReport, check_reality
from floorplan.reality.flat import FlatNetlist, place_flat, read_flat, read_groups
from floorplan.reality.options import RealityOptions
from floorplan.reality.router import RoutingReport
from floorplan.reality.softroom import SoftReport
from floorplan.reality.steiner import NetTrees, SteinerReport, steiner_trees

__all__ = [
    "Channel",
    "ChannelReport",
    "FlatNetlist",
    "FlatReport",
    "NetTrees",
    "PinReport",
    "RealityOptions",
    "RealityReport",
    "RoutingReport",
    "SoftReport",
    "SteinerReport",
    "check_reality",
    "place_flat",
    "read_flat",
    "read_groups",
    "steiner_trees",
]
