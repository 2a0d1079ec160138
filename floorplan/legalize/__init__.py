"""Legal placements with least movement, from overlapping ones."""

from __future__ import annotations

from floorplan.legalize.frame import safe_gap_um
from floorplan.legalize.legalizer import legalize

__all__ = ["legalize", "safe_gap_um"]
