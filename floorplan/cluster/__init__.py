"""Clustering: the standard cells of a flat netlist become soft macros, as AlphaChip's flow makes them."""

from floorplan.cluster.around import held_groups
from floorplan.cluster.cluster import Clustering, ClusterOptions, cluster, cluster_as_given, parts_for
from floorplan.cluster.grid import choose_grid
from floorplan.cluster.rebuild import GROUPER_BLOAT
from floorplan.cluster.start import exact_width_um, read_start
from floorplan.formats.groups import read_groups, write_groups

__all__ = [
    "GROUPER_BLOAT",
    "ClusterOptions",
    "Clustering",
    "choose_grid",
    "cluster",
    "cluster_as_given",
    "exact_width_um",
    "held_groups",
    "parts_for",
    "read_groups",
    "read_start",
    "write_groups",
]
