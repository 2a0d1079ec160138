"""Pictures of results. Nothing here changes a result; Matplotlib loads on first use."""

from floorplan.report.figures import write_curves_png, write_maps_png, write_placement_png
from floorplan.report.groups import MacroGroup, group_macros

__all__ = ["MacroGroup", "group_macros", "write_curves_png", "write_maps_png", "write_placement_png"]
