"""Clustering: the standard cells of a flat netlist become soft macros, as AlphaChip's flow makes them."""

from floorplan.cluster.cluster import Clustering, ClusterOptions, cluster
from floorplan.cluster.grid import choose_grid
from floorplan.cluster.start import read_start, write_groups

__all__ = ["ClusterOptions", "Clustering", "choose_grid", "cluster", "read_start", "write_groups"]
