"""The problem an agent solves: a netlist, the canvas it goes on, and the constraints."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from dataclasses import replace as dataclass_replace

import numpy as np
import numpy.typing as npt

from floorplan.errors import ProblemError
from floorplan.geometry import Orient, orient_bit
from floorplan.netlist.constraints import Blockage, Region, Snap
from floorplan.netlist.model import Netlist, NodeKind
from floorplan.netlist.placement import Placement
from floorplan.showable import Showable

__all__ = ["FLIPS", "ONLY_N", "Blockage", "Canvas", "Problem"]

ONLY_N = orient_bit(Orient.N)
FLIPS = ONLY_N | orient_bit(Orient.FN) | orient_bit(Orient.FS) | orient_bit(Orient.S)
"""Allowed-orientations mask of the four orientations that keep width and height."""


@dataclass(frozen=True)
class Canvas:
    """The placement area, its grid and its routing supply.

    Attributes:
        width_um: extent in x; the canvas begins at (0, 0).
        height_um: extent in y.
        columns: grid cells in x.
        rows: grid cells in y.
        h_tracks_per_um: horizontal routing tracks per um of height.
        v_tracks_per_um: vertical routing tracks per um of width.
        h_macro_tracks_per_um: horizontal tracks per um that a hard macro takes.
        v_macro_tracks_per_um: vertical tracks per um that a hard macro takes.
        smooth_range: cells to each side over which routing demand is spread.
        overlap_threshold: kept from the file; nothing here depends on it.
    """

    width_um: float
    height_um: float
    columns: int
    rows: int
    h_tracks_per_um: float
    v_tracks_per_um: float
    h_macro_tracks_per_um: float = 0.0
    v_macro_tracks_per_um: float = 0.0
    smooth_range: int = 0
    overlap_threshold: float = 0.0

    def __post_init__(self) -> None:
        for name in ("width_um", "height_um", "h_tracks_per_um", "v_tracks_per_um"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ProblemError(f"canvas {name} must be positive, got {value}")
        for name in ("h_macro_tracks_per_um", "v_macro_tracks_per_um", "overlap_threshold"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ProblemError(f"canvas {name} must be >= 0, got {value}")
        for name in ("columns", "rows"):
            if not 1 <= getattr(self, name) <= 4096:
                raise ProblemError(f"canvas {name} must be 1 to 4096, got {getattr(self, name)}")
        if not 0 <= self.smooth_range <= 4096:
            raise ProblemError(f"canvas smooth_range must be 0 to 4096, got {self.smooth_range}")

    @classmethod
    def default_for(cls, netlist: Netlist) -> Canvas:
        """Return the canvas that AlphaChip's evaluator assumes where a design names none.

        Square, 60 % utilised by the area of all macros, 10 x 10 cells, NanGate45's tracks. Inferred from the published
        costs of circuit_training's test design `macro_tiles_10x10`, which it meets to the last digit.
        """
        area_um2 = float((netlist.node_w_um * netlist.node_h_um).sum())
        if area_um2 <= 0:
            raise ProblemError(f"netlist {netlist.name!r} has no area, so no canvas follows from it")
        side_um = math.sqrt(area_um2 / 0.6)
        return cls(side_um, side_um, 10, 10, 57.031, 56.818, 39.583, 30.303)

    @property
    def cell_w_um(self) -> float:
        """Width of a grid cell."""
        return self.width_um / self.columns

    @property
    def cell_h_um(self) -> float:
        """Height of a grid cell."""
        return self.height_um / self.rows

    @property
    def num_cells(self) -> int:
        """Number of grid cells; cell (row, column) has number row * columns + column."""
        return self.columns * self.rows


@dataclass(frozen=True, eq=False)
class Problem(Showable):
    """Netlist + canvas + constraints.

    Attributes:
        netlist: what is placed.
        canvas: where.
        initial: (N,) placement that gives ports and fixed nodes their positions, and the others a start (which may be
            illegal or unplaced).
        fixed: (N,) bool; ports are always fixed.
        allowed_orient: (N,) uint8 bit mask over `Orient`.
        macro_spacing_um: least gap between two hard macros.
        boundary_spacing_um: least gap between a hard macro and the canvas edge.
        blockages: where hard macros must not stand, or (those that are not `hard`) had better not.
        halo_um: (N, 4) room that a hard macro wants for itself to its left, below it, to its right and above it, as it
            lies in orientation N; it turns with the macro. Hard macros grown by their halos must not overlap.
        regions: rectangles that hard macros are tied to.
        region: (N,) int32 region of each node, -1 without one; it holds for movable hard macros.
        snap: the grid that lower-left corners of movable hard macros lie on; None: anywhere.
    """

    netlist: Netlist
    canvas: Canvas
    initial: Placement
    fixed: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    allowed_orient: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    macro_spacing_um: float = 0.0
    boundary_spacing_um: float = 0.0
    blockages: tuple[Blockage, ...] = ()
    halo_um: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 4)))
    regions: tuple[Region, ...] = ()
    region: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    snap: Snap | None = None

    def __post_init__(self) -> None:
        n = self.netlist.num_nodes
        if len(self.initial) != n:
            raise ProblemError(f"initial placement has {len(self.initial)} nodes, the netlist {n}")
        fixed = np.array(self.fixed if len(self.fixed) else np.zeros(n), dtype=np.bool_)
        orient = np.array(self.allowed_orient if len(self.allowed_orient) else np.full(n, FLIPS), dtype=np.uint8)
        if len(fixed) != n or len(orient) != n:
            raise ProblemError("fixed and allowed_orient must have one entry a node")
        if not (self.macro_spacing_um >= 0 and self.boundary_spacing_um >= 0):
            raise ProblemError("macro and boundary spacing must be >= 0")
        if n and (orient == 0).any():
            raise ProblemError(f"{self.netlist.node_name[int(np.argmin(orient))]} has no allowed orientation")
        fixed |= self.netlist.node_kind == NodeKind.PORT
        unplaced = fixed & ~self.initial.placed
        if unplaced.any():
            name = self.netlist.node_name[int(np.argmax(unplaced))]
            raise ProblemError(f"{name} is fixed (or a port) but the initial placement gives it no position")
        fixed.flags.writeable = False
        orient.flags.writeable = False
        object.__setattr__(self, "fixed", fixed)
        object.__setattr__(self, "allowed_orient", orient)
        object.__setattr__(self, "initial", self.initial.on(self, weakly=True))
        self._set_halos_and_regions()

    def _set_halos_and_regions(self) -> None:
        n = self.netlist.num_nodes
        halo = np.array(self.halo_um if len(self.halo_um) else np.zeros((n, 4)), dtype=np.float64)
        region = np.array(self.region if len(self.region) else np.full(n, -1), dtype=np.int32)
        if halo.shape != (n, 4) or region.shape != (n,):
            raise ProblemError("halo_um must have four entries a node and region one")
        if not (np.isfinite(halo).all() and (halo >= 0).all()):
            raise ProblemError("halos must be finite and >= 0")
        if n and not (region.min() >= -1 and region.max() < len(self.regions)):
            raise ProblemError(f"regions of nodes must be -1..{len(self.regions) - 1}")
        names: set[str] = set()
        for r in self.regions:
            if r.name in names:
                raise ProblemError(f"two regions are called {r.name!r}")
            names.add(r.name)
        for r in self.regions:
            if r.part_of and r.part_of not in names:
                raise ProblemError(f"region {r.name!r} is part of {r.part_of!r}, which does not exist")
        halo.flags.writeable = False
        region.flags.writeable = False
        object.__setattr__(self, "halo_um", halo)
        object.__setattr__(self, "region", region)

    def __repr__(self) -> str:
        cv, bound = self.canvas, self.constraints()
        size = f"{cv.width_um:g} x {cv.height_um:g} um, {cv.columns} x {cv.rows} cells"
        return f"Problem({self.netlist!r}, {size}{''.join(f', {key}={value!r}' for key, value in bound.items())})"

    def replace(self, **changes: object) -> Problem:
        """Return a copy with some fields changed, validated anew."""
        return dataclass_replace(self, **changes)  # type: ignore[arg-type]  # fields are checked by __post_init__

    @property
    def movable_hard(self) -> npt.NDArray[np.int32]:
        """Node ids of the hard macros that an agent places, in file order."""
        hard = self.netlist.hard
        return hard[~self.fixed[hard]]

    @property
    def movable_soft(self) -> npt.NDArray[np.int32]:
        """Node ids of the soft macros that are not fixed, in file order."""
        soft = self.netlist.soft
        return soft[~self.fixed[soft]]

    @property
    def hard_blockages(self) -> tuple[Blockage, ...]:
        """The blockages that no hard macro may stand on."""
        return tuple(b for b in self.blockages if b.hard)

    @property
    def soft_blockages(self) -> tuple[Blockage, ...]:
        """The blockages that hard macros had better not stand on."""
        return tuple(b for b in self.blockages if not b.hard)

    @property
    def has_halos(self) -> bool:
        """Whether any hard macro has a halo."""
        return bool(self.halo_um[self.netlist.hard].any())

    @property
    def confined(self) -> bool:
        """Whether hard macros are bound to more than the canvas, hard blockages and one spacing for all."""
        tied = bool(self.regions) and bool((self.region[self.movable_hard] >= 0).any() or len(self.fences))
        return self.has_halos or tied or self.snap is not None or bool(self.soft_blockages)

    @property
    def fences(self) -> tuple[int, ...]:
        """Numbers of the exclusive regions."""
        return tuple(k for k, r in enumerate(self.regions) if r.exclusive)

    @property
    def fence_of(self) -> npt.NDArray[np.int32]:
        """(R,) the exclusive region that macros of each region are inside of, -1 without one."""
        number = {r.name: k for k, r in enumerate(self.regions)}
        out = np.full(len(self.regions), -1, np.int32)
        for k, r in enumerate(self.regions):
            home = k if r.exclusive or not r.part_of else number[r.part_of]
            out[k] = home if self.regions[home].exclusive else -1
        return out

    def constraints(self) -> dict[str, object]:
        """Return what binds hard macros beyond the canvas, as plain values; empty where nothing does."""
        hard, movable = self.netlist.hard, self.movable_hard
        tied = np.bincount(self.region[movable] + 1, minlength=len(self.regions) + 1)[1:]
        turns = self.allowed_orient[movable]
        out: dict[str, object] = {
            "fixed_macros": int(self.fixed[hard].sum()),
            "macro_spacing_um": self.macro_spacing_um,
            "boundary_spacing_um": self.boundary_spacing_um,
            "hard_blockages": len(self.hard_blockages),
            "soft_blockages": len(self.soft_blockages),
            "macros_with_halo": int(self.halo_um[hard].any(axis=1).sum()),
            "macros_with_own_orientations": int((turns != FLIPS).sum()),
            "regions": [
                {"name": r.name, "exclusive": r.exclusive, "macros": int(n)}
                for r, n in zip(self.regions, tied.tolist(), strict=True)
            ],
            "snap_um": list(self.snap.pitch_um) if self.snap else None,
        }
        return {key: value for key, value in out.items() if value}
