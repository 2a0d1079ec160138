"""Thresholds and efforts of the reality checks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from floorplan.errors import ProblemError
from floorplan.netlist import Canvas

__all__ = ["RealityOptions"]

_NARROW_TRACKS = 1140.0
"""Tracks of a channel that NanGate45's power grid still fits into: 20 um at 57 tracks a um."""

_PIN_TRACKS = 57.0
"""Tracks, on all layers together, that the way out of a pin needs: some six a layer."""

_MANUFACTURING_GRID_UM = 0.005
"""Grid that NanGate45 and SKY130 shapes lie on; a gap below it is no channel."""


@dataclass(frozen=True)
class RealityOptions:
    """What counts as narrow, how far a pin must see, and how hard the router tries.

    Attributes:
        narrow_channel_um: channels below it are narrow; None: the width that holds 1140 tracks of the canvas's scarcer
            direction, 20 um on NanGate45, where a power grid failed in anything less.
        abutting_um: gaps below it are abutments; None: 0.005 um, or 8 float32 steps of the canvas if that is more.
        channel_bins_um: rising upper ends of the bins that channels are counted in; a last bin holds the rest.
        pin_reach_um: free way that a pin needs; None: the width that holds 57 tracks, 1 um on NanGate45.
        grid_factor: routing cells along each side of a canvas cell.
        rounds: most rip-up rounds of the router.
        detour_cells: cells by which a route may leave the box of its two ends.
        track_share: share of the canvas's tracks that signals may use.
    """

    narrow_channel_um: float | None = None
    abutting_um: float | None = None
    channel_bins_um: tuple[float, ...] = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
    pin_reach_um: float | None = None
    grid_factor: int = 1
    rounds: int = 10
    detour_cells: int = 4
    track_share: float = 1.0

    def __post_init__(self) -> None:
        for name in ("narrow_channel_um", "abutting_um", "pin_reach_um"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise ProblemError(f"{name} must be >= 0, got {value}")
        bins = np.array(self.channel_bins_um)
        if not (np.isfinite(bins).all() and (np.diff(bins, prepend=0.0) > 0).all()):
            raise ProblemError(f"channel_bins_um must rise from above 0, got {self.channel_bins_um}")
        if not 1 <= self.grid_factor <= 64:
            raise ProblemError(f"grid_factor must be 1 to 64, got {self.grid_factor}")
        if self.rounds < 0 or self.detour_cells < 0:
            raise ProblemError("rounds and detour_cells must be >= 0")
        if not 0 < self.track_share <= 1:
            raise ProblemError(f"track_share must be in (0, 1], got {self.track_share}")

    def narrow_um(self, canvas: Canvas) -> float:
        """Return the width below which a channel is narrow."""
        return _width_um(_NARROW_TRACKS, canvas) if self.narrow_channel_um is None else self.narrow_channel_um

    def abut_um(self, canvas: Canvas) -> float:
        """Return the gap below which two macros abut."""
        if self.abutting_um is not None:
            return self.abutting_um
        return max(_MANUFACTURING_GRID_UM, 8 * float(np.spacing(np.float32(max(canvas.width_um, canvas.height_um)))))

    def reach_um(self, canvas: Canvas) -> float:
        """Return the free way that a pin needs."""
        return _width_um(_PIN_TRACKS, canvas) if self.pin_reach_um is None else self.pin_reach_um


def _width_um(tracks: float, canvas: Canvas) -> float:
    """Return the width that holds so many tracks of the canvas's scarcer direction."""
    return tracks / min(canvas.h_tracks_per_um, canvas.v_tracks_per_um)
