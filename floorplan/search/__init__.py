"""Exact search: chains of moves on complete legal placements, every move costed exactly."""

from floorplan.search.chain import Chain
from floorplan.search.stir import nodes_around, stir

__all__ = ["Chain", "nodes_around", "stir"]
