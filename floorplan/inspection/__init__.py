"""What is in a design: counts, sizes, degrees, Rent's exponent, and what looks wrong. Nothing here changes it."""

from floorplan.inspection.degrees import Spread, WeightRange
from floorplan.inspection.inspect import Inspection, inspect_design
from floorplan.inspection.rent import AUTO_NODES, Rent, RentLevel, rent_exponent
from floorplan.inspection.sizes import Counts, SizeGroup
from floorplan.inspection.suspicion import Item, Suspicion

__all__ = [
    "AUTO_NODES",
    "Counts",
    "Inspection",
    "Item",
    "Rent",
    "RentLevel",
    "SizeGroup",
    "Spread",
    "Suspicion",
    "WeightRange",
    "inspect_design",
    "rent_exponent",
]
